"""Seeded orders, each as the engine writes it: one dictionary per order, in camelCase, with its events.

Deterministic: the same generator state yields the same order. How an order is spelled by older engines is the
business of `spelling.py`; which orders exist, and who may see them, that of `deployments.py`.
"""

import enum
import random
from collections.abc import Callable, Iterator
from typing import NamedTuple, cast

import msgspec

from qcasync.simulator.events import Events
from qcasync.simulator.symbols import EQUITY, EVERYTHING, FOREX, OPTIONS, Security
from qcasync.simulator.wire import JsonObject, engine_date

BLOCK = 100
"""Orders are generated in blocks of this many, so that the first window of a large project does not cost all of it."""


class OrderType(enum.IntEnum):
    """The twelve order types, by their number on the wire."""

    MARKET = 0
    LIMIT = 1
    STOP_MARKET = 2
    STOP_LIMIT = 3
    MARKET_ON_OPEN = 4
    MARKET_ON_CLOSE = 5
    OPTION_EXERCISE = 6
    LIMIT_IF_TOUCHED = 7
    COMBO_MARKET = 8
    COMBO_LIMIT = 9
    COMBO_LEG_LIMIT = 10
    TRAILING_STOP = 11


class Life(enum.Enum):
    """What became of an order, with its status on the wire."""

    FILLED = 3
    PARTLY_THEN_FILLED = -3
    PARTLY_FILLED = 2
    OPEN = 1
    UPDATED = 9
    CANCELED = 5
    INVALID = 7
    NEW = 0

    @property
    def status(self) -> int:
        """The order's status number."""
        return abs(self.value)


class Terms(NamedTuple):
    """What a block cannot draw for itself about one order: when it was placed, and what must become of it."""

    placed_at: float
    life: Life | None = None


_COMBOS = frozenset({OrderType.COMBO_MARKET, OrderType.COMBO_LIMIT, OrderType.COMBO_LEG_LIMIT})
_LEGS = 2
_TYPES = tuple(OrderType)
_TYPE_WEIGHTS = (40, 25, 5, 4, 4, 4, 2, 3, 2, 2, 1, 4)
_LIVES = tuple(Life)
_LIFE_WEIGHTS = (60, 12, 3, 8, 3, 8, 4, 2)
_TAGS = ("", None, None, "entry", "exit: take profit", "=SUM(A1)", "hedge/leg 2", "Größe ✓", "line one\nline two")
_TIMES_IN_FORCE: tuple[object, ...] = (
    {},
    {},
    [],  # Good till cancelled after a round trip through PHP.
    {"$type": "QuantConnect.Orders.TimeInForces.DayTimeInForce"},
    {"$type": "QuantConnect.Orders.TimeInForces.GoodTilDateTimeInForce", "Expiry": "2025-12-31T00:00:00"},
)
_KEYS = (
    "trailingAmount",
    "trailingAsPercentage",
    "triggerPrice",
    "stopPrice",
    "stopTriggered",
    "limitPrice",
    "triggerTouched",
    "type",
    "id",
    "contingentId",
    "brokerId",
    "symbol",
    "price",
    "priceCurrency",
    "time",
    "createdTime",
    "lastFillTime",
    "lastUpdateTime",
    "canceledTime",
    "quantity",
    "status",
    "tag",
    "properties",
    "securityType",
    "direction",
    "value",
    "orderSubmissionData",
    "isMarketable",
    "priceAdjustmentMode",
    "groupOrderManager",
    "events",
)


def in_wire_order(order: JsonObject) -> JsonObject:
    """Return the order with its keys as the engine's serializer arranges them: those of the order's own type first."""
    return {key: order[key] for key in _KEYS if key in order}


class OrderMaker:
    """Makes the orders of one block of one deployment.

    Args:
        rng: Decides every order; two makers with equal generators make equal orders.
        deploy_id: Part of every event's identity.
    """

    def __init__(self, rng: random.Random, deploy_id: str) -> None:
        self._rng = rng
        self._deploy_id = deploy_id

    def block(self, first_id: int, terms: Callable[[int], Terms]) -> Iterator[JsonObject]:
        """Yield `BLOCK` orders with ascending ids, every order type among them.

        Args:
            first_id: The id of the first.
            terms: Given the position in the block, from 0.
        """
        rng = self._rng
        kinds = list(OrderType)
        rng.shuffle(kinds)
        made = 0
        while made < BLOCK:
            kind = kinds.pop() if kinds else rng.choices(_TYPES, _TYPE_WEIGHTS)[0]
            if kind not in _COMBOS:
                yield self._order(kind, first_id + made, terms(made))
                made += 1
            elif made + _LEGS <= BLOCK:
                group = self._group(kind, first_id + made)
                for _ in range(_LEGS):
                    yield self._order(kind, first_id + made, terms(made), group)
                    made += 1

    def _group(self, kind: OrderType, first_id: int) -> JsonObject:
        return {
            "id": first_id,
            "quantity": float(self._rng.randrange(1, 11)),
            "count": _LEGS,
            "limitPrice": 1.05 if kind is OrderType.COMBO_LIMIT else 0.0,
            "orderIds": [first_id + leg for leg in range(_LEGS)],
            "direction": self._rng.randrange(2),
        }

    def _order(self, kind: OrderType, order_id: int, terms: Terms, group: JsonObject | None = None) -> JsonObject:
        rng = self._rng
        options_only = group is not None or kind is OrderType.OPTION_EXERCISE
        security = rng.choice(OPTIONS if options_only else EVERYTHING)
        life = terms.life or rng.choices(_LIVES, _LIFE_WEIGHTS)[0]
        price = round(security.price * rng.uniform(0.95, 1.05), security.digits)
        quantity = float(rng.choice((-1, 1)) * rng.randrange(1, 101))
        placed = engine_date(terms.placed_at)
        order: JsonObject = {
            **self._prices_of_type(kind, price),
            "type": int(kind),
            "id": order_id,
            "contingentId": 0,
            "brokerId": [] if life in {Life.INVALID, Life.NEW} else [str(order_id)],
            "symbol": security.symbol,
            "price": price,
            "priceCurrency": None if life is Life.INVALID else security.currency,
            # The engine may leave `time` null; `createdTime` is then the only date.
            "time": None if self._chance(0.01) else placed,
            "createdTime": placed,
            "quantity": quantity,
            "status": life.status,
            "properties": self._properties(),
            "securityType": security.security_type,
            "direction": 0 if quantity > 0 else 1,
            "value": self._decimal(price * quantity),
            "orderSubmissionData": None if life is Life.INVALID else _quote(security, price),
            "isMarketable": kind in {OrderType.MARKET, OrderType.COMBO_MARKET},
            "priceAdjustmentMode": 1 if security.security_type == EQUITY else 0,
        }
        tag = rng.choice(_TAGS)
        if tag is not None:
            order["tag"] = tag
        if group is not None:
            order["groupOrderManager"] = group
        self._live(order, life, price, terms.placed_at)
        return in_wire_order(order)

    def _live(self, order: JsonObject, life: Life, price: float, at: float) -> None:
        # Lead the order through its life: its events, and the dates that they leave on it.
        events = Events(order, self._deploy_id)
        order["events"] = events.entries
        if life is Life.NEW:
            if self._chance(0.5):
                del order["events"]  # Nothing has happened to it: the list may be empty or missing.
            return
        if life is Life.INVALID:
            events.add(at + 0.01, "invalid", message="Order Error: insufficient buying power")
            return
        events.add(at + 0.02, "submitted", message=None)
        next_at = at + self._rng.uniform(0.05, 30.0)
        if life is Life.UPDATED:
            events.add(next_at, "updateSubmitted")
            order["lastUpdateTime"] = engine_date(next_at)
        if life is Life.CANCELED:
            events.add(next_at, "canceled", message="Canceled by the algorithm")
            order["canceledTime"] = engine_date(next_at)
        if life in {Life.PARTLY_FILLED, Life.PARTLY_THEN_FILLED}:
            # A third, in whole units. A single unit is filled by halves, as some brokerages do.
            part = float(round(events.quantity / 3)) or events.quantity / 2
            events.add(next_at, "partiallyFilled", fill_price=price, fill_quantity=part, fee=0.35)
            order["lastFillTime"] = engine_date(next_at)
            next_at += 1.0
        if life in {Life.FILLED, Life.PARTLY_THEN_FILLED}:
            # Forex is paid for by the spread.
            fee = None if order["securityType"] == FOREX else round(abs(events.quantity) * 0.005 + 1.0, 3)
            event = events.add_fill(next_at, price, fee)
            if order["type"] == OrderType.OPTION_EXERCISE:
                event["isInTheMoney"] = True  # Absent when false.
                event["isAssignment"] = events.quantity > 0
            order["lastFillTime"] = engine_date(next_at)

    def _prices_of_type(self, kind: OrderType, price: float) -> JsonObject:
        # Only the keys of the order's own class are written.
        limit, stop, touched = round(price * 1.001, 4), round(price * 0.99, 4), self._chance(0.5)
        match kind:
            case OrderType.LIMIT | OrderType.COMBO_LEG_LIMIT:
                return {"limitPrice": limit}
            case OrderType.STOP_MARKET:
                return {"stopPrice": stop}
            case OrderType.STOP_LIMIT:
                return {"stopPrice": stop, "stopTriggered": touched, "limitPrice": limit}
            case OrderType.LIMIT_IF_TOUCHED:
                return {"triggerPrice": stop, "triggerTouched": touched, "limitPrice": limit}
            case OrderType.TRAILING_STOP:
                amount = 0.05 if touched else round(price * 0.02, 2)
                return {"stopPrice": stop, "trailingAmount": amount, "trailingAsPercentage": touched}
            case _:
                return {}

    def _properties(self) -> JsonObject:
        properties: JsonObject = {"timeInForce": self._rng.choice(_TIMES_IN_FORCE)}
        if self._chance(0.1):
            properties["outsideRegularTradingHours"] = True  # Brokerages add keys of their own.
        return properties

    def _decimal(self, value: float) -> object:
        # A .NET decimal keeps its trailing zeros, so one number in five shows them.
        return msgspec.Raw(f"{value:.12f}".encode()) if self._chance(0.2) else round(value, 4)

    def _chance(self, share: float) -> bool:
        return self._rng.random() < share


def fill(order: JsonObject, deploy_id: str, at: float) -> JsonObject:
    """Return `order` filled to the end at `at`, as a new dictionary.

    Raises:
        ValueError: The order can no longer fill.
    """
    if order["status"] in {Life.FILLED.status, Life.CANCELED.status, Life.INVALID.status}:
        message = f"order {order['id']} is closed"
        raise ValueError(message)
    events = Events.of(order, deploy_id)
    events.add_fill(at, cast("float", order["price"]), fee=1.0)
    filled: JsonObject = {"status": Life.FILLED.status, "lastFillTime": engine_date(at), "events": events.entries}
    return in_wire_order(order | filled)


def _quote(security: Security, price: float) -> JsonObject:
    spread = 10.0**-security.digits
    bid, ask = round(price - spread, security.digits), round(price + spread, security.digits)
    return {"bidPrice": bid, "askPrice": ask, "lastPrice": price}
