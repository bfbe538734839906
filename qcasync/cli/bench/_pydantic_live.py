"""What one writes with pydantic for the documented answer of live/read, in the PascalCase of the engine.

As in `_pydantic_orders`, nothing is slower than need be: points are lists of numbers, and nothing else is taken.
"""

import enum
from datetime import datetime
from typing import ClassVar, Final

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_pascal

from qcasync.cli.bench._pydantic_orders import GroupOrderManager, Model, OrderFields, OrderSubmissionData
from qcasync.models.enums import ChartResolution, ChartType, ScatterMarkerSymbol, SecurityType, SeriesType

__all__ = ["LiveAnswer"]

_ENGINE: Final = ConfigDict(alias_generator=to_pascal)


class EngineModel(Model):
    """The options of every model in a result."""

    model_config: ClassVar[ConfigDict] = _ENGINE


class EngineStatus(enum.StrEnum):
    """An order's status as the engine writes it."""

    NEW = "New"
    SUBMITTED = "Submitted"
    PARTIALLY_FILLED = "PartiallyFilled"
    FILLED = "Filled"
    CANCELED = "Canceled"
    NONE = "None"
    INVALID = "Invalid"
    CANCEL_PENDING = "CancelPending"
    UPDATE_SUBMITTED = "UpdateSubmitted"


class EngineDirection(enum.StrEnum):
    """An order's direction as the engine writes it."""

    BUY = "Buy"
    SELL = "Sell"
    HOLD = "Hold"


class EngineSymbol(EngineModel):
    """A security."""

    value: str
    id: str = Field(alias="ID", default="")
    permtick: str = ""
    underlying: "EngineSymbol | None" = None


class EngineSubmissionData(OrderSubmissionData):
    """The market when an order was submitted."""

    model_config: ClassVar[ConfigDict] = _ENGINE


class EngineGroup(GroupOrderManager):
    """What the legs of a combo order share."""

    model_config: ClassVar[ConfigDict] = _ENGINE


class EngineOrder(OrderFields):
    """An order. Its events stand apart, and its broker ids are numbers."""

    model_config: ClassVar[ConfigDict] = _ENGINE

    broker_id: tuple[int, ...] = ()
    symbol: EngineSymbol
    order_submission_data: EngineSubmissionData | None = None
    group_order_manager: EngineGroup | None = None


class CashAmount(EngineModel):
    """An amount of money."""

    amount: float
    currency: str


class OrderFee(EngineModel):
    """What an order cost."""

    value: CashAmount


class EngineEvent(EngineModel):
    """A change of an order, as the engine has it."""

    order_id: int
    id: int
    symbol: EngineSymbol
    utc_time: datetime
    status: EngineStatus
    order_fee: OrderFee
    fill_price: float = 0.0
    fill_price_currency: str | None = None
    fill_quantity: float = 0.0
    direction: EngineDirection
    message: str | None = None
    is_assignment: bool = False
    stop_price: float | None = None
    limit_price: float | None = None
    quantity: float = 0.0
    is_in_the_money: bool = False


class Holding(EngineModel):
    """A position."""

    average_price: float = 0.0
    quantity: float = 0.0
    market_price: float = 0.0
    market_value: float = 0.0
    unrealized_pnl: float = 0.0
    unrealized_pnl_percent: float = Field(alias="UnrealizedPnLPercent", default=0.0)
    conversion_rate: float = 1.0
    currency_symbol: str = "$"
    symbol: EngineSymbol | None = None
    type: SecurityType | None = None


class Cash(EngineModel):
    """An amount of one currency."""

    security_symbols: tuple[EngineSymbol, ...] = ()
    symbol: str = ""
    amount: float = 0.0
    conversion_rate: float = 0.0
    currency_symbol: str = ""
    value_in_account_currency: float = 0.0


class Series(EngineModel):
    """A series of a chart."""

    name: str = ""
    unit: str = ""
    index: int = 0
    series_type: SeriesType = SeriesType.LINE
    z_index: int | None = None
    index_name: str | None = None
    tooltip: str | None = None
    values: list[list[float | None]] = Field(default_factory=list[list[float | None]])
    color: str | None = None
    scatter_marker_symbol: ScatterMarkerSymbol | None = None


class Chart(EngineModel):
    """A chart."""

    name: str = ""
    chart_type: ChartType = ChartType.OVERLAY
    series: dict[str, Series] = Field(default_factory=dict[str, Series])
    symbol: EngineSymbol | None = None
    legend_disabled: bool = False


class InsightScore(EngineModel):
    """How well insights predicted."""

    updated_time_utc: datetime | None = None
    direction: float = 0.0
    magnitude: float = 0.0
    is_final_score: bool = False


class AlphaRuntimeStatistics(EngineModel):
    """Statistics about insights."""

    mean_population_score: InsightScore | None = None
    rolling_averaged_population_score: InsightScore | None = None
    long_count: int = 0
    short_count: int = 0
    long_short_ratio: float = 0.0
    total_accumulated_estimated_alpha_value: float = 0.0
    kelly_criterion_estimate: float = 0.0
    kelly_criterion_probability_value: float = 0.0
    fitness_score: float = 0.0
    portfolio_turnover: float = 0.0
    return_over_max_drawdown: float = 0.0
    sortino_ratio: float = 0.0
    estimated_monthly_alpha_value: float = 0.0
    total_insights_generated: int = 0
    total_insights_closed: int = 0
    total_insights_analysis_completed: int = 0
    mean_population_estimated_insight_value: float = 0.0


class LiveResult(EngineModel):
    """The engine's packet."""

    holdings: dict[str, Holding] = Field(default_factory=dict[str, Holding])
    cash: dict[str, Cash] = Field(default_factory=dict[str, Cash])
    server_statistics: dict[str, str] = Field(default_factory=dict[str, str])
    runtime_statistics: dict[str, str] = Field(default_factory=dict[str, str])
    account_currency: str | None = None
    account_currency_symbol: str | None = None
    charts: dict[str, Chart] = Field(default_factory=dict[str, Chart])
    orders: dict[str, EngineOrder] = Field(default_factory=dict[str, EngineOrder])
    order_events: tuple[EngineEvent, ...] = ()
    profit_loss: dict[str, float] = Field(default_factory=dict[str, float])
    statistics: dict[str, str] = Field(default_factory=dict[str, str])
    state: dict[str, str] = Field(default_factory=dict[str, str])
    alpha_runtime_statistics: AlphaRuntimeStatistics | None = None


class LiveResults(Model):
    """The result, and what it is."""

    version: int | None = None
    resolution: ChartResolution | None = None
    results: LiveResult | None = None


class LiveAnswer(Model):
    """The documented answer of live/read."""

    live_results: LiveResults = Field(alias="LiveResults")
    success: bool = True
