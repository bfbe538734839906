"""The fills of orders, each once, in the order in which they happened, in exact numbers."""

from collections.abc import Hashable, Iterable, Iterator
from datetime import datetime
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from typing import Any, Final, NamedTuple

from qcasync.models.closed_trades import FillKey
from qcasync.models.enums import OrderStatus, OrderType
from qcasync.models.listings import Anomaly
from qcasync.models.order_events import OrderEvent, each_once
from qcasync.models.orders import Order
from qcasync.models.symbols import Symbol

EXACT: Final = Context(prec=4096, Emax=MAX_EMAX, Emin=MIN_EMIN)
"""Wide enough for the sum of the largest and the smallest float, and for products. Short numbers stay short in it."""

_NAMELESS: Final = ("", " 0")
"""What old answers, and Lean for the empty symbol, have for an id."""
_FILLS: Final = (OrderStatus.FILLED, OrderStatus.PARTIALLY_FILLED)
_MOST_DIGITS: Final = 400
"""Before the point, or zeros behind it. Floats have 324, QuantConnect's decimals 29, and `EXACT` room for all sums."""


class Origin(NamedTuple):
    """What a fill needs to know of its order, which a stream of orders can then let go."""

    position: int
    order_id: int
    deployment: Hashable
    """As well as it is known."""
    number: int
    """The deployment's; 0 if it has none."""
    is_exact: bool
    """Whether its numbers are decimals."""


class Fill(NamedTuple):
    """A fill. Its numbers are exact: 0.1 is a tenth, not the float nearest to it."""

    origin: Origin
    key: FillKey
    symbol: Symbol
    time: datetime
    quantity: Decimal
    price: Decimal
    price_currency: str
    fee: Decimal
    fee_currency: str | None

    @property
    def security(self) -> str:
        """What makes it the same security: the symbol's id, or its ticker, as old answers have no ids."""
        return self.symbol.value if self.symbol.id in _NAMELESS else self.symbol.id


def read_fills(orders: Iterable[Order[Any]]) -> tuple[list[Fill], list[Anomaly]]:
    """Return the fills of orders by time, and what is doubtful about them.

    What is told twice, in one order or in a repeated one, counts once, as it was told last.
    """
    fills: dict[Hashable, Fill] = {}
    anomalies: list[Anomaly] = []
    for index, order in enumerate(orders):
        found, doubts = _of_one(index, order)
        anomalies += (Anomaly(kind=kind, index=index, detail=f"order {order.id}: {detail}") for kind, detail in doubts)
        fills |= {(identity(order), fill.key): fill for fill in found}
    return sorted(fills.values(), key=rank), anomalies


def rank(fill: Fill) -> tuple[Any, ...]:
    """Return what fills are sorted by: the time, and for fills of one moment what numbers them."""
    return fill.time, fill.origin.number, fill.key.deploy_id or "", fill.key.order_id, fill.key.order_event_id


def exactly(number: float | Decimal) -> Decimal:
    """Return the number as it is written."""
    return number if isinstance(number, Decimal) else Decimal(repr(float(number)))


def identity(order: Order[Any]) -> Hashable:
    """Return what is equal for the same order, told twice. An id alone restarts with each deployment.

    Where nothing names the deployment, the time tells orders apart.
    """
    return _deployment(order) or order.time, order.id


def _deployment(order: Order[Any]) -> Hashable:
    return order.deploy_id or (None if order.deployment is None else order.deployment.number)


def _is_number(number: Decimal) -> bool:
    return number.is_finite() and abs(number.adjusted()) <= _MOST_DIGITS


def _of_one(index: int, order: Order[Any]) -> tuple[list[Fill], list[tuple[str, str]]]:
    doubts: list[tuple[str, str]] = []
    fills: list[Fill] = []
    origin = _origin(index, order)
    for event in each_once(order.events):
        if not event.fill_quantity:
            continue
        fill = _of_event(origin, order, event)
        if event.status not in _FILLS:
            doubts.append(("odd_fill", f"an event fills {event.fill_quantity} and is no fill; it is left out"))
        elif not all(map(_is_number, (fill.quantity, fill.price, fill.fee))):
            doubts.append(("number", "a fill has a number that is none; it is left out"))
        else:
            fills.append(fill)
    if fills:
        doubts += _doubts_about_quantity(order, fills)
    elif order.status in _FILLS and not doubts:
        fills = list(_of_order(origin, order))
        counted = "it is taken as one fill at its average price, without fees" if fills else "it is left out"
        doubts.append(("no_fills", f"it is {order.status.name.lower()}, and no event tells how; {counted}"))
    return fills, doubts


def _origin(position: int, order: Order[Any]) -> Origin:
    number = 0 if order.deployment is None else order.deployment.number
    return Origin(position, order.id, _deployment(order), number, isinstance(order.quantity, Decimal))


def _of_event(origin: Origin, order: Order[Any], event: OrderEvent[Any]) -> Fill:
    deploy_id = order.deploy_id or event.algorithm_id or None
    return Fill(
        origin,
        FillKey(deploy_id=deploy_id, order_id=event.order_id, order_event_id=event.order_event_id),
        _symbol(order, event),
        event.time,
        exactly(event.fill_quantity),
        exactly(event.fill_price),
        event.fill_price_currency or order.price_currency or "",
        exactly(event.order_fee_amount),
        "" if event.order_fee_amount and event.order_fee_currency is None else event.order_fee_currency,
    )


def _of_order(origin: Origin, order: Order[Any]) -> Iterator[Fill]:
    """Conclude the fill of an order without events. Without a price there is nothing to conclude."""
    priced = bool(order.price) or order.type is OrderType.OPTION_EXERCISE
    if order.status is not OrderStatus.FILLED or not order.quantity or not priced:
        return
    quantity, price = exactly(order.quantity), exactly(order.price)
    if _is_number(quantity) and _is_number(price):
        key = FillKey(deploy_id=order.deploy_id, order_id=order.id, order_event_id=0)
        time = order.last_fill_time or order.time
        currency = order.price_currency or ""
        yield Fill(origin, key, order.symbol, time, quantity, price, currency, Decimal(0), None)


def _symbol(order: Order[Any], event: OrderEvent[Any]) -> Symbol:
    """Return the security of a fill: the exercise of an option also fills what it is written on."""
    if event.symbol in _NAMELESS or event.symbol == order.symbol.id:
        return order.symbol
    underlying = order.symbol.underlying
    if underlying is not None and event.symbol == underlying.id:
        return underlying
    return Symbol(value=event.symbol_value or event.symbol, id=event.symbol)


def _doubts_about_quantity(order: Order[Any], fills: list[Fill]) -> Iterator[tuple[str, str]]:
    own = [fill.quantity for fill in fills if fill.symbol is order.symbol]
    total = Decimal(0)
    for quantity in own:
        total = EXACT.add(total, quantity)
    if own and order.status is OrderStatus.FILLED and total != exactly(order.quantity):
        yield "fill_quantity", f"it is filled, and its fills are {total} of {order.quantity}"
