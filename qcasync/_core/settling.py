"""Orders and events of a derived type (`spelling.py`) become the models, thousands at a time.

One loop in which every class is told costs far less than a call from msgspec on each object. What old
spellings write differently is put right in the same loop; until it is told its class, an object can be changed.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, Final

from msgspec import Struct

from qcasync._core.scalars import UnreadableError
from qcasync.models._base import LAST_MOMENT
from qcasync.models.order_events import CashAmount, OrderEvent, OrderFee
from qcasync.models.orders import GroupOrderManager, Order, OrderSubmissionData
from qcasync.models.symbols import Symbol

_events: Final = attrgetter("events")

MODELS: Final[frozenset[type[Struct]]] = frozenset(
    {Order, OrderEvent, Symbol, OrderSubmissionData, GroupOrderManager, OrderFee, CashAmount}
)
"""The models that are settled here."""


def settle_orders(orders: Sequence[Any], kind: type[Order] = Order) -> None:
    """Make models of orders, of their symbols, and of all that stands in them.

    Args:
        orders: Instances of a type derived from `Order`.
        kind: What the orders become.
    """
    if kind is Order:  # of any other kind, events are still JSON
        settle_events(chain.from_iterable(map(_events, orders)))
    for order in orders:
        symbol = order.symbol  # `settle_symbol`, without a call for each order
        while symbol is not None:
            symbol.__class__ = Symbol
            symbol = symbol.underlying
        if (submitted := order.order_submission_data) is not None:
            submitted.__class__ = OrderSubmissionData
        if (group := order.group_order_manager) is not None:
            group.__class__ = GroupOrderManager
        ids = order.broker_ids
        if len(ids) > 1:
            order.broker_ids = tuple(map(str, ids))
        elif ids and ids[0].__class__ is int:
            order.broker_ids = (str(ids[0]),)
        order.__class__ = kind


def settle_symbol(symbol: Any) -> None:
    """Make a model of a symbol, and of those that it is derived from."""
    while symbol is not None:
        symbol.__class__ = Symbol
        symbol = symbol.underlying


def settle_events(events: Iterable[Any]) -> None:
    """Make models of events that stand alone."""
    for event in events:
        event.__class__ = OrderEvent


def settle_engine_events(events: Iterable[Any]) -> None:
    """Make models of events as the engine has them, which documents show.

    They name no deployment, their id is the event's number, and symbol and fee are objects.

    Raises:
        UnreadableError: One is older than Unix time.
    """
    for event in events:
        symbol = event.symbol
        event.symbol, event.symbol_value, event.symbol_permtick = symbol.id, symbol.value, symbol.permtick
        fee = event.order_fee_amount
        if fee is None:
            event.order_fee_amount = 0.0
        elif fee.__class__ is not float:
            event.order_fee_amount, event.order_fee_currency = fee.value.amount, fee.value.currency
        event.time_at = moment = event.time_at.timestamp()
        if not 0 <= moment <= LAST_MOMENT:
            raise UnreadableError("not a date")
        event.order_event_id = event.id
        event.id = str(event.id)
        event.__class__ = OrderEvent
