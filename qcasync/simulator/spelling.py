"""How older engines spelled the same order and its events: PascalCase, kebab-case, and the engine's own objects."""

import re
from typing import Final, Literal, TypeAlias, cast

from qcasync.simulator.orders import in_wire_order
from qcasync.simulator.wire import JsonObject, engine_date

EventForm: TypeAlias = Literal["camel", "kebab", "nested"]
"""How a result's list of events is written: as today, as older engines did, or as the documents show it."""

_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_ADDED_LATER = frozenset({"priceAdjustmentMode", "createdTime"})
_EVENT_KEYS_ADDED_LATER = frozenset({"symbolValue", "symbolPermtick"})
_EVENT_TAIL: Final = ("message", "isAssignment", "stopPrice", "limitPrice", "quantity", "isInTheMoney")
_DATES: Final = ("lastFillTime", "lastUpdateTime", "canceledTime")
_NO_FEE: Final[JsonObject] = {"Amount": 0.0, "Currency": "QCC"}  # Lean's currency of nothing.


def pascal_order(order: JsonObject, *, with_events: bool = True) -> JsonObject:
    """Return the order as engines before 2021 wrote it: missing keys, null dates and integer broker ids included.

    Args:
        order: In camelCase.
        with_events: live/orders/read puts an order's events into it; in a result they stand apart.
    """
    told = in_wire_order({**dict.fromkeys(_DATES), **order, "time": order["createdTime"]})
    old: JsonObject = {pascal(key): value for key, value in told.items() if key not in _ADDED_LATER}
    old["BrokerId"] = [int(text) for text in cast("list[str]", order["brokerId"])]
    old["Symbol"] = _symbol(cast("JsonObject", order["symbol"]))
    old["Properties"] = pascal_keys(cast("JsonObject", order["properties"]))
    for key in ("OrderSubmissionData", "GroupOrderManager"):
        if isinstance(old.get(key), dict):
            old[key] = pascal_keys(cast("JsonObject", old[key]))
    old.pop("Events", None)
    if with_events:
        old["Events"] = [_kebab_event(event) for event in events_of(order)]
    return old


def events_of(order: JsonObject) -> list[JsonObject]:
    """The events of an order in camelCase, oldest first. The key may be missing."""
    return cast("list[JsonObject]", order.get("events", []))


def spelled_events(order: JsonObject, form: EventForm) -> list[JsonObject]:
    """Return the events of an order in camelCase, respelled as `form` says."""
    events = events_of(order)
    match form:
        case "camel":
            return events
        case "kebab":
            return [_kebab_event(event) for event in events]
        case "nested":
            symbol = _symbol(cast("JsonObject", order["symbol"]))
            return [_nested_event(event, symbol) for event in events]


def pascal(key: str) -> str:
    """`limitPrice` → `LimitPrice`."""
    return key[:1].upper() + key[1:]


def pascal_keys(members: JsonObject) -> JsonObject:
    """Respell the keys of one object, not those of the objects in it."""
    return {pascal(key): value for key, value in members.items()}


def kebab(key: str) -> str:
    """`fillPriceCurrency` → `fill-price-currency`."""
    return _HUMP.sub("-", key).lower()


def _kebab_event(event: JsonObject) -> JsonObject:
    return {kebab(key): value for key, value in event.items() if key not in _EVENT_KEYS_ADDED_LATER}


def _nested_event(event: JsonObject, symbol: JsonObject) -> JsonObject:
    # The engine's OrderEvent, member by member: it names no deployment, and its id is its number within the order.
    fee: JsonObject = _NO_FEE
    if "orderFeeAmount" in event:
        fee = {"Amount": event["orderFeeAmount"], "Currency": event["orderFeeCurrency"]}
    return {
        "OrderId": event["orderId"],
        "Id": event["orderEventId"],
        "Symbol": symbol,
        "UtcTime": engine_date(cast("float", event["time"])),
        "Status": pascal(cast("str", event["status"])),
        "OrderFee": {"Value": fee},
        "FillPrice": event["fillPrice"],
        "FillPriceCurrency": event["fillPriceCurrency"],
        "FillQuantity": event["fillQuantity"],
        "Direction": pascal(cast("str", event["direction"])),
        **{pascal(key): event[key] for key in _EVENT_TAIL if key in event},
    }


def _symbol(symbol: JsonObject) -> JsonObject:
    old: JsonObject = {"Value": symbol["value"], "ID": symbol["id"], "Permtick": symbol["permtick"]}
    if "underlying" in symbol:
        old["Underlying"] = _symbol(cast("JsonObject", symbol["underlying"]))
    return old
