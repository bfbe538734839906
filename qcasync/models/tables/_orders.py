"""Tables of orders and of their events."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, NamedTuple

import msgspec

from qcasync.models._base import total
from qcasync.models.enums import (
    DataNormalizationMode,
    OrderDirection,
    OrderStatus,
    OrderType,
    SecurityType,
    TimeInForceKind,
)
from qcasync.models.order_events import OrderEvent, each_once
from qcasync.models.order_properties import OrderProperties
from qcasync.models.orders import Order
from qcasync.models.tables._columns import Form, flag, integer, listed, member, moment, number, text, word
from qcasync.models.tables._kind import Kind
from qcasync.models.tables._texts import json_text

__all__ = ["ORDERS", "ORDER_EVENTS"]


class _Happened(NamedTuple):
    """An event, and the order that it happened to."""

    order: Order[Any]
    event: OrderEvent[Any]


class _Told(NamedTuple):
    """What the properties of an order say."""

    kind: int | str
    expiry: Any
    json: str


def _understood(told: dict[str, Any]) -> _Told:
    properties = OrderProperties(told)
    force = properties.time_in_force
    return _Told(force.kind.value, force.expiry, json_text(properties))


@lru_cache(1024)
def _remembered(encoded: str) -> _Told:
    return _understood(msgspec.json.decode(encoded))


_DAY: Final = "QuantConnect.Orders.TimeInForces.DayTimeInForce"
_SAMPLES: Final[tuple[dict[str, Any], ...]] = ({"timeInForce": {}}, {"timeInForce": {"$type": _DAY}})
_USUAL: Final = [(told, _understood(told)) for told in _SAMPLES]
"""What most orders say. Three columns read it, and to understand it takes as long as twenty columns."""

_properties: Final[Callable[[Order[Any]], dict[str, Any]]] = attrgetter("_properties")
"""As they came. `Order.properties` is a copy, made on each use."""


def _told(order: Order[Any]) -> _Told:
    told = _properties(order)
    for usual, understood in _USUAL:
        if told == usual:
            return understood
    return _remembered(json_text(told))


def _fees(order: Order[Any]) -> dict[str, float | Decimal]:
    amounts: dict[str, list[float]] = {}
    for event in each_once(order.events):
        currency = event.order_fee_currency
        if currency is not None or event.order_fee_amount:
            amounts.setdefault(currency or "", []).append(event.order_fee_amount)
    return {currency: total(told, like=order.quantity) for currency, told in amounts.items()}


def _happened(order: Order[Any]) -> Iterator[_Happened]:
    return (_Happened(order, event) for event in order.events)


def _deployment_of(row: _Happened) -> str | None:
    return row.event.algorithm_id or row.order.deploy_id


def _named(order: Order[Any]) -> str:
    return f"order {order.id} of deployment {order.deploy_id or 'unknown'}"


# Orders of floats and of decimals; `fitting` tells them apart.
ORDERS: Final[Kind[Order[Any]]] = Kind(
    "orders",
    known_as=_named,
    columns=(
        word("deploy_id", nullable=True),
        integer("deployment", "deployment?.number", nullable=True),
        integer("id"),
        moment("time"),
        member("type", OrderType),
        member("direction", OrderDirection),
        member("status", OrderStatus),
        word("symbol", "symbol.value"),
        word("symbol_id", "symbol.id"),
        word("symbol_permtick", "symbol.permtick"),
        word("underlying", "symbol.underlying?.value", nullable=True),
        word("underlying_id", "symbol.underlying?.id", nullable=True),
        member("security_type", SecurityType),
        number("quantity"),
        number("filled_quantity"),
        number("price"),
        word("price_currency", nullable=True),
        number("value"),
        number("limit_price", nullable=True),
        number("stop_price", nullable=True),
        flag("stop_triggered", nullable=True),
        number("trigger_price", nullable=True),
        flag("trigger_touched", nullable=True),
        number("trailing_amount", nullable=True),
        flag("trailing_as_percentage", nullable=True),
        moment("created_time", nullable=True),
        moment("last_fill_time", nullable=True),
        moment("last_update_time", nullable=True),
        moment("canceled_time", nullable=True),
        member("time_in_force", TimeInForceKind, lambda order: _told(order).kind),
        moment("time_in_force_expiry", lambda order: _told(order).expiry, nullable=True),
        number("submission_bid_price", "order_submission_data?.bid_price", nullable=True),
        number("submission_ask_price", "order_submission_data?.ask_price", nullable=True),
        number("submission_last_price", "order_submission_data?.last_price", nullable=True),
        flag("is_marketable"),
        member("price_adjustment_mode", DataNormalizationMode),
        integer("contingent_id"),
        listed("broker_ids", Form.TEXTS),
        integer("group_id", "group_order_manager?.id", nullable=True),
        number("group_quantity", "group_order_manager?.quantity", nullable=True),
        integer("group_count", "group_order_manager?.count", nullable=True),
        number("group_limit_price", "group_order_manager?.limit_price", nullable=True),
        listed("group_order_ids", Form.INTEGERS, "group_order_manager?.order_ids", nullable=True),
        member("group_direction", OrderDirection, "group_order_manager?.direction", nullable=True),
        listed("fees", Form.AMOUNTS, _fees),
        integer("events", lambda order: len(order.events)),
        text("properties", lambda order: _told(order).json),
        text("tag", nullable=True),
    ),
)
"""A row for each order. Made of `Order`."""

ORDER_EVENTS: Final[Kind[Order[Any]]] = Kind(
    "order_events",
    entries=_happened,
    known_as=lambda row: f"event {row.event.order_event_id} of {_named(row.order)}",
    columns=(
        word("deploy_id", _deployment_of, nullable=True),
        integer("deployment", "order.deployment?.number", nullable=True),
        integer("order_id", "event.order_id"),
        integer("order_event_id", "event.order_event_id"),
        text("id", "event.id"),
        moment("time", "event.time_at", unix=True),
        member("status", OrderStatus, "event.status"),
        member("direction", OrderDirection, "event.direction"),
        word("symbol", "event.symbol_value", nullable=True),
        word("symbol_id", "event.symbol"),
        word("symbol_permtick", "event.symbol_permtick", nullable=True),
        number("quantity", "event.quantity"),
        number("fill_quantity", "event.fill_quantity"),
        number("fill_price", "event.fill_price"),
        word("fill_price_currency", "event.fill_price_currency", nullable=True),
        number("fee_amount", "event.order_fee_amount"),
        word("fee_currency", "event.order_fee_currency", nullable=True),
        number("stop_price", "event.stop_price", nullable=True),
        number("limit_price", "event.limit_price", nullable=True),
        flag("is_assignment", "event.is_assignment"),
        flag("is_in_the_money", "event.is_in_the_money"),
        text("message", "event.message", nullable=True),
    ),
)
"""A row for each event of an order. Made of `Order`, too."""
