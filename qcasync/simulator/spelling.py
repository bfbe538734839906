"""How older engines spelled the same order: PascalCase, with the events in kebab-case."""

import re
from typing import cast

from qcasync.simulator.wire import JsonObject

_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_ADDED_LATER = frozenset({"priceAdjustmentMode", "createdTime"})
_EVENT_KEYS_ADDED_LATER = frozenset({"symbolValue", "symbolPermtick"})
_DATES = ("LastFillTime", "LastUpdateTime", "CanceledTime")


def pascal_order(order: JsonObject) -> JsonObject:
    """Return the order as engines before 2021 wrote it: missing keys, null dates and integer broker ids included."""
    old: JsonObject = {pascal(key): value for key, value in order.items() if key not in _ADDED_LATER}
    old["Time"] = order["createdTime"]
    old["BrokerId"] = [int(text) for text in cast("list[str]", order["brokerId"])]
    old["Symbol"] = _symbol(cast("JsonObject", order["symbol"]))
    old["Properties"] = pascal_keys(cast("JsonObject", order["properties"]))
    for key in ("OrderSubmissionData", "GroupOrderManager"):
        if isinstance(old.get(key), dict):
            old[key] = pascal_keys(cast("JsonObject", old[key]))
    for key in _DATES:
        old.setdefault(key, None)
    old["Events"] = [_event(event) for event in cast("list[JsonObject]", order.get("events", []))]
    return old


def pascal(key: str) -> str:
    """`limitPrice` → `LimitPrice`."""
    return key[:1].upper() + key[1:]


def pascal_keys(members: JsonObject) -> JsonObject:
    """Respell the keys of one object, not those of the objects in it."""
    return {pascal(key): value for key, value in members.items()}


def kebab(key: str) -> str:
    """`fillPriceCurrency` → `fill-price-currency`."""
    return _HUMP.sub("-", key).lower()


def _event(event: JsonObject) -> JsonObject:
    return {kebab(key): value for key, value in event.items() if key not in _EVENT_KEYS_ADDED_LATER}


def _symbol(symbol: JsonObject) -> JsonObject:
    old: JsonObject = {"Value": symbol["value"], "ID": symbol["id"], "Permtick": symbol["permtick"]}
    if "underlying" in symbol:
        old["Underlying"] = _symbol(cast("JsonObject", symbol["underlying"]))
    return old
