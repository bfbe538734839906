"""What happened to an order."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Generic

from msgspec import field

from qcasync.models._base import ZERO, Int64, Model, Number, UnixTime
from qcasync.models.enums import OrderDirection, OrderStatus, in_text

__all__ = ["CashAmount", "OrderEvent", "OrderFee"]

if TYPE_CHECKING:
    OrderDirectionText = OrderDirection
    OrderStatusText = OrderStatus
else:
    # Events write in text what orders write in numbers.
    OrderDirectionText = in_text(OrderDirection)
    OrderStatusText = in_text(OrderStatus)


class CashAmount(Model, Generic[Number], frozen=True, kw_only=True):
    """An amount of money.

    Attributes:
        amount: How much.
        currency: Of what, such as "USD".
    """

    amount: Number
    currency: str


class OrderFee(Model, Generic[Number], frozen=True, kw_only=True):
    """What an order, or a part of it, cost.

    Attributes:
        value: The fee.
    """

    value: CashAmount[Number]


class OrderEvent(Model, Generic[Number], frozen=True, kw_only=True):
    """A change of an order: submitted, filled in part or in whole, canceled, ...

    Attributes:
        id: "{deployment}-{order}-{event}", unique in QuantConnect. Documentation calls it an integer; it is text.
        algorithm_id: The deployment, "L-" and 32 hex digits. The only place where an order tells whose it is. "" in the
            documented form of live/read.
        order_id: The order's number within the deployment, from 1.
        order_event_id: The event's number within the order, from 1.
        symbol: The security's identity (`Symbol.id`).
        symbol_value: Its ticker today; None in old data.
        symbol_permtick: Its first ticker; None in old data.
        time_at: When it happened, Unix seconds with fraction. `time` has it as a datetime.
        status: The order's status from then on.
        order_fee_amount: The fee; 0 if there was none.
        order_fee_currency: The fee's currency; None if there was no fee.
        fill_price: Price of this fill; 0 if nothing was filled.
        fill_price_currency: Its currency.
        fill_quantity: What this event filled; negative for a sale.
        direction: The order's direction.
        message: What the brokerage or the engine says; None and "" both occur.
        is_assignment: Whether an option was assigned.
        quantity: The order's quantity; negative for a sale.
        stop_price: The order's stop price, where it has one.
        limit_price: The order's limit price, where it has one.
        is_in_the_money: Whether an exercised or expired option was in the money.
    """

    id: str
    algorithm_id: str
    order_id: Int64
    order_event_id: Int64
    symbol: str
    symbol_value: str | None = None
    symbol_permtick: str | None = None
    time_at: UnixTime = field(name="time")
    status: OrderStatusText
    order_fee_amount: Number = ZERO
    order_fee_currency: str | None = None
    fill_price: Number = ZERO
    fill_price_currency: str | None = None
    fill_quantity: Number = ZERO
    direction: OrderDirectionText
    message: str | None = None
    is_assignment: bool = False
    quantity: Number = ZERO
    stop_price: Number | None = None
    limit_price: Number | None = None
    is_in_the_money: bool = False

    @property
    def time(self) -> datetime:
        """When it happened, in UTC."""
        return datetime.fromtimestamp(self.time_at, UTC)

    @property
    def order_fee(self) -> OrderFee[Number] | None:
        """The fee, or None if there was none."""
        if self.order_fee_currency is None:
            return None
        return OrderFee(value=CashAmount(amount=self.order_fee_amount, currency=self.order_fee_currency))


def each_once(events: Sequence[OrderEvent[Number]]) -> Collection[OrderEvent[Number]]:
    """Return the events of an order without repetitions: what is told twice counts as it was told last."""
    distinct = {(event.id, event.order_event_id): event for event in events}
    return events if len(distinct) == len(events) else distinct.values()
