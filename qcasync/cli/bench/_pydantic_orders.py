"""What one writes with pydantic for today's answers: every field of our models, with aliases, datetimes and enums.

Each class is the counterpart of the model of the same name in `qcasync.models`, which explains its fields. Nothing is
slower than need be: one spelling, no validator in Python. Where our models cope with more, these refuse.
"""

import enum
from datetime import datetime
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from qcasync.models.enums import (
    AlgorithmStatus,
    DataNormalizationMode,
    OrderDirection,
    OrderStatus,
    OrderType,
    SecurityType,
)

__all__ = ["DeploymentsAnswer", "GroupOrderManager", "Model", "OrderFields", "OrderSubmissionData", "OrdersAnswer"]


class Model(BaseModel):
    """The options of every model."""

    model_config: ClassVar[ConfigDict] = ConfigDict(alias_generator=to_camel, frozen=True)


class EventStatus(enum.StrEnum):
    """An order's status as events write it."""

    NEW = "new"
    SUBMITTED = "submitted"
    PARTIALLY_FILLED = "partiallyFilled"
    FILLED = "filled"
    CANCELED = "canceled"
    NONE = "none"
    INVALID = "invalid"
    CANCEL_PENDING = "cancelPending"
    UPDATE_SUBMITTED = "updateSubmitted"


class EventDirection(enum.StrEnum):
    """An order's direction as events write it."""

    BUY = "buy"
    SELL = "sell"
    HOLD = "hold"


class Symbol(Model):
    """A security."""

    value: str
    id: str
    permtick: str = ""
    underlying: "Symbol | None" = None


class OrderSubmissionData(Model):
    """The market when an order was submitted."""

    bid_price: float = 0.0
    ask_price: float = 0.0
    last_price: float = 0.0


class GroupOrderManager(Model):
    """What the legs of a combo order share."""

    id: int
    quantity: float
    count: int
    limit_price: float = 0.0
    order_ids: tuple[int, ...] = ()
    direction: OrderDirection = OrderDirection.HOLD


class OrderEvent(Model):
    """A change of an order."""

    id: str
    algorithm_id: str
    order_id: int
    order_event_id: int
    symbol: str
    symbol_value: str | None = None
    symbol_permtick: str | None = None
    time: float
    status: EventStatus
    order_fee_amount: float = 0.0
    order_fee_currency: str | None = None
    fill_price: float = 0.0
    fill_price_currency: str | None = None
    fill_quantity: float = 0.0
    direction: EventDirection
    message: str | None = None
    is_assignment: bool = False
    quantity: float = 0.0
    stop_price: float | None = None
    limit_price: float | None = None
    is_in_the_money: bool = False


class OrderFields(Model):
    """What an order has in every spelling."""

    trailing_amount: float | None = None
    trailing_as_percentage: bool | None = None
    trigger_price: float | None = None
    stop_price: float | None = None
    stop_triggered: bool | None = None
    limit_price: float | None = None
    trigger_touched: bool | None = None
    type: OrderType
    id: int
    contingent_id: int = 0
    price: float = 0.0
    price_currency: str | None = None
    time: datetime
    created_time: datetime | None = None
    last_fill_time: datetime | None = None
    last_update_time: datetime | None = None
    canceled_time: datetime | None = None
    quantity: float
    status: OrderStatus
    tag: str | None = None
    properties: dict[str, Any] = Field(default_factory=dict[str, Any])
    security_type: SecurityType = SecurityType.BASE
    direction: OrderDirection
    value: float = 0.0
    is_marketable: bool = False
    price_adjustment_mode: DataNormalizationMode = DataNormalizationMode.RAW


class Order(OrderFields):
    """An order."""

    broker_id: tuple[str, ...] = ()
    symbol: Symbol
    order_submission_data: OrderSubmissionData | None = None
    group_order_manager: GroupOrderManager | None = None
    events: tuple[OrderEvent, ...] = ()


class OrdersAnswer(Model):
    """The answer of live/orders/read."""

    orders: tuple[Order, ...]
    length: int | None = None
    success: bool = True


class LiveDeployment(Model):
    """A deployment."""

    project_id: int
    deploy_id: str
    status: AlgorithmStatus | None = None
    launched: datetime | None = None
    stopped: datetime | None = None
    brokerage: str = ""
    subscription: str | None = None
    equity: float | None = None
    environment: str | None = None
    description: str | None = None
    error: str | None = None
    leagues: tuple[Any, ...] = ()


class DeploymentsAnswer(Model):
    """The answer of live/list."""

    live: tuple[LiveDeployment, ...]
    success: bool = True
