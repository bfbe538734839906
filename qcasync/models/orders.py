"""Orders, as live/orders/read tells them."""

from collections.abc import Iterator
from typing import Any, Generic

from msgspec import field

from qcasync.models._base import ZERO, Int64, Model, Number, UtcDatetime, total
from qcasync.models._json import ShallowJson
from qcasync.models.deployments import Deployment
from qcasync.models.enums import DataNormalizationMode, OrderDirection, OrderStatus, OrderType, SecurityType
from qcasync.models.order_events import OrderEvent, each_once
from qcasync.models.order_properties import OrderProperties, TimeInForce
from qcasync.models.quarantine import Quarantined, in_place
from qcasync.models.symbols import Symbol

__all__ = ["GroupOrderManager", "Order", "OrderPage", "OrderSubmissionData"]


class OrderSubmissionData(Model, Generic[Number], frozen=True, kw_only=True):
    """The market when the order was submitted. Prices are in the quote currency; 0 if there was none."""

    # The server writes all three. If they had defaults, keys in another spelling would be taken for nothing.
    bid_price: Number
    ask_price: Number
    last_price: Number


class GroupOrderManager(Model, Generic[Number], frozen=True, kw_only=True):
    """What the legs of a combo order share.

    Attributes:
        id: The group's number within the deployment.
        quantity: How often the combination is traded; negative for a sale.
        count: Number of legs.
        limit_price: Of the combination as a whole; 0 for market and leg-limit combos.
        order_ids: The legs' order ids, as far as they are known.
        direction: Direction of the combination.
    """

    id: Int64
    quantity: Number
    count: Int64
    limit_price: Number = ZERO
    order_ids: tuple[Int64, ...] = ()
    direction: OrderDirection = OrderDirection.HOLD


class Order(Model, Generic[Number], frozen=True, kw_only=True):
    """An order of a deployment.

    Prices are in `price_currency`, times in UTC. The prices that only some types of orders have are None in the others.
    Prices, quantities and values are floats, or in an `Order[Decimal]` the exact decimals that the server wrote.

    Attributes:
        trailing_amount: Trailing stop: how far the stop follows the market.
        trailing_as_percentage: Trailing stop: whether that is a fraction of the price. Some documents and old answers
            call it `trailingPercentage`.
        trigger_price: Limit if touched: the price that sets the limit order.
        stop_price: Stop market, stop limit, trailing stop: the price that sets the order off.
        stop_triggered: Stop limit: whether it did.
        limit_price: Limit, stop limit, limit if touched, combo leg limit: the limit.
        trigger_touched: Limit if touched: whether the trigger price was touched.
        type: The type of the order.
        id: Its number within the deployment, from 1. It restarts with each deployment, so it is no key by itself.
        contingent_id: The order to be processed before this one; 0 for none.
        broker_ids: The brokerage's ids; several where it split the order.
        symbol: The security.
        price: Average fill price; 0 until filled for some types.
        price_currency: Currency of the prices; None or "" on invalid orders.
        time: When it was created.
        created_time: The same; None in old data.
        last_fill_time: When it was last filled; None if never.
        last_update_time: When it was last updated; None if never.
        canceled_time: When it was canceled; None if it was not.
        quantity: How much was ordered; negative for a sale.
        status: How far it has come.
        tag: The algorithm's own text; None if there is none.
        security_type: The kind of asset.
        direction: Buy or sell.
        value: quantity x price; documented as 0 until filled, which does not always hold.
        order_submission_data: The market when it was submitted; None if unknown.
        is_marketable: Whether it could be filled at once when it was submitted.
        price_adjustment_mode: How prices were adjusted for this security.
        group_order_manager: What the legs of a combo order share; None for any other order.
        events: What happened to it, oldest first.
        deployment: The deployment, where a listing has told the deployments apart; None in a single page.
    """

    # In the order of Lean's serializer: a subclass writes its own prices first.
    trailing_amount: Number | None = None
    trailing_as_percentage: bool | None = None
    trigger_price: Number | None = None
    stop_price: Number | None = None
    stop_triggered: bool | None = None
    limit_price: Number | None = None
    trigger_touched: bool | None = None
    type: OrderType
    id: Int64
    contingent_id: Int64 = 0
    broker_ids: tuple[str, ...] = field(name="brokerId", default=())
    symbol: Symbol
    price: Number = ZERO
    price_currency: str | None = None
    time: UtcDatetime
    created_time: UtcDatetime | None = None
    last_fill_time: UtcDatetime | None = None
    last_update_time: UtcDatetime | None = None
    canceled_time: UtcDatetime | None = None
    quantity: Number
    status: OrderStatus
    tag: str | None = None
    # As it came: to wrap it here would cost every order 0.15 microseconds, 8 % of its decoding.
    _properties: dict[str, ShallowJson] = field(name="properties", default_factory=dict[str, Any])
    security_type: SecurityType = SecurityType.BASE
    direction: OrderDirection
    value: Number = ZERO
    order_submission_data: OrderSubmissionData[Number] | None = None
    is_marketable: bool = False
    price_adjustment_mode: DataNormalizationMode = DataNormalizationMode.RAW
    group_order_manager: GroupOrderManager[Number] | None = None
    events: tuple[OrderEvent[Number], ...] = ()
    # Not of the wire: no server writes such a key.
    deployment: Deployment | None = field(name="@deployment", default=None)

    @property
    def properties(self) -> OrderProperties:
        """What the brokerage was told beside."""
        return OrderProperties(self._properties)

    @property
    def deploy_id(self) -> str | None:
        """The deployment's id: the listing's finding, else what the first event says, else None."""
        if self.deployment is not None and self.deployment.deploy_id is not None:
            return self.deployment.deploy_id
        return (self.events[0].algorithm_id or None) if self.events else None

    @property
    def filled_quantity(self) -> Number:
        """What was filled of its own security, signed. The exercise of an option also fills what that is written on."""
        own, underlying = self.symbol.id, self.symbol.underlying
        other = None if underlying is None or underlying.id == own else underlying.id
        fills = [event.fill_quantity for event in each_once(self.events) if event.symbol != other]
        return total(fills, like=self.quantity)

    @property
    def time_in_force(self) -> TimeInForce:
        """How long the order stays in force."""
        return self.properties.time_in_force


class OrderPage(Model, Generic[Number], frozen=True, kw_only=True):
    """The answer to one window of live/orders/read.

    Attributes:
        orders: The orders that could be decoded, in the server's order.
        length: What the server calls length. Sources disagree whether it counts the page or the collection, and an
            answer may lack it.
        quarantined: The entries that could not be decoded.
        quirks: What had to be put right to decode the page, such as "brokerId: number for text"; usually empty.
        start: Index of the first entry in the project's list of orders.
    """

    orders: tuple[Order[Number], ...]
    length: int | None = None
    quarantined: tuple[Quarantined, ...] = ()
    quirks: tuple[str, ...] = ()
    start: int = 0

    @property
    def count(self) -> int:
        """How many entries the server sent."""
        return len(self.orders) + len(self.quarantined)

    def rows(self) -> Iterator[Order[Number] | Quarantined]:
        """Yield every entry at its place: `zip(itertools.count(page.start), page.rows())` has the indices."""
        return in_place(self.orders, self.quarantined)
