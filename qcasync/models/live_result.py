"""The result of a live algorithm, as the documented form of live/read tells it."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import field
from msgspec.structs import force_setattr

from qcasync.models._base import Int64, Model, as_utc
from qcasync.models.charts import Chart
from qcasync.models.order_events import OrderEvent
from qcasync.models.orders import Order
from qcasync.models.portfolio import Cash, Holding
from qcasync.models.quarantine import Quarantined
from qcasync.models.statistics import Statistics

__all__ = ["AlphaRuntimeStatistics", "InsightScore", "LiveResult"]


class InsightScore(Model, frozen=True, kw_only=True):
    """How well insights predicted.

    Attributes:
        updated_time_utc: When it was computed; None if never.
        direction: Score of the direction, 0 to 1.
        magnitude: Score of the magnitude, 0 to 1.
        is_final_score: Whether it can still change.
    """

    updated_time_utc: datetime | None = None
    direction: float = 0.0
    magnitude: float = 0.0
    is_final_score: bool = False

    def __post_init__(self) -> None:
        force_setattr(self, "updated_time_utc", as_utc(self.updated_time_utc))


class AlphaRuntimeStatistics(Model, frozen=True, kw_only=True):
    """Statistics about an algorithm's insights. Lean has removed them; old results have them."""

    mean_population_score: InsightScore | None = None
    rolling_averaged_population_score: InsightScore | None = None
    long_count: Int64 = 0
    short_count: Int64 = 0
    long_short_ratio: float = 0.0
    total_accumulated_estimated_alpha_value: float = 0.0
    kelly_criterion_estimate: float = 0.0
    kelly_criterion_probability_value: float = 0.0
    fitness_score: float = 0.0
    portfolio_turnover: float = 0.0
    return_over_max_drawdown: float = 0.0
    sortino_ratio: float = 0.0
    estimated_monthly_alpha_value: float = 0.0
    total_insights_generated: Int64 = 0
    total_insights_closed: Int64 = 0
    total_insights_analysis_completed: Int64 = 0
    mean_population_estimated_insight_value: float = 0.0


class LiveResult(Model, frozen=True, kw_only=True):
    """The engine's live packet. A member that it left out is empty here.

    The documents show one holding, one cash, one chart, one order; really there are dictionaries of them.

    Attributes:
        account_currency: Such as "USD".
        account_currency_symbol: Such as "$".
        holdings: Positions by `Symbol.id`.
        cash: Amounts by currency.
        charts: Charts by name.
        orders: Orders by their id as text.
        order_events: What happened to them.
        profit_loss: Profit or loss by the time at which it was realized, as the server writes it.
        statistics: Text by display name, such as {"Sharpe Ratio": "1.2"}; `statistics.number(name)` has the number.
        runtime_statistics: The same, while running.
        server_statistics: The same about its machine.
        state: The engine's state.
        alpha_runtime_statistics: Statistics about insights, in old results.
        quarantined: Orders that could not be decoded, by their position among the orders.
    """

    account_currency: str | None = None
    account_currency_symbol: str | None = None
    holdings: Mapping[str, Holding] = field(default_factory=dict[str, Holding])
    cash: Mapping[str, Cash] = field(default_factory=dict[str, Cash])
    charts: Mapping[str, Chart] = field(default_factory=dict[str, Chart])
    orders: Mapping[str, Order] = field(default_factory=dict[str, Order])
    order_events: tuple[OrderEvent, ...] = ()
    profit_loss: Mapping[str, float] = field(default_factory=dict[str, float])
    statistics: Statistics = field(default_factory=Statistics)
    runtime_statistics: Statistics = field(default_factory=Statistics)
    server_statistics: Statistics = field(default_factory=Statistics)
    state: Statistics = field(default_factory=Statistics)
    alpha_runtime_statistics: AlphaRuntimeStatistics | None = None
    # Not of the wire: no server writes such a key.
    quarantined: tuple[Quarantined, ...] = field(name="@quarantined", default=())
