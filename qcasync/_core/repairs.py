"""What single models need before the patient reader takes them: shapes that no rule about types covers."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from qcasync._core import scalars
from qcasync._core.spelling import fold
from qcasync.models._base import as_utc
from qcasync.models._json import is_object
from qcasync.models.enums import OrderDirection, OrderStatus
from qcasync.models.insights import Insight
from qcasync.models.order_events import OrderEvent
from qcasync.models.orders import Order, OrderSubmissionData
from qcasync.models.portfolio import Cash
from qcasync.models.symbols import Symbol
from qcasync.models.trades import Trade

Note = Callable[[str, str], None]
Object = dict[str, Any]  # JSON, of which nothing is known yet

ALIASES: Mapping[type[msgspec.Struct], Mapping[str, str]] = {
    Order: {"trailingpercentage": "trailing_as_percentage"},  # the documents' name for it
    Cash: {"securitysymbol": "security_symbols"},  # very old results have one
    Insight: {
        "referencefinal": "reference_value_final",
        "scorefinal": "score_is_final",
    },  # the documents' and old names
}
"""Other names of a field, folded."""


def repair(model: type[msgspec.Struct], value: Any, note: Note) -> Any:
    """Return the value in the shape that the model's fields have."""
    if isinstance(value, str) and model is Symbol:
        note("symbol", "text for object")
        return {"value": value, "id": "", "permtick": value}
    mend = _MENDERS.get(model)
    if mend is None:
        return value
    if value == []:
        note(model.__name__, "[] for {}")  # PHP writes both alike
        value = {}
    return mend(value, note) if is_object(value) else value


def key_of(value: Object) -> str:
    """Return the key of a single object where a dictionary should be: an order's id, a holding's symbol, or a name."""
    folded = _folded(value)
    for name in ("id", "symbol", "name"):
        told = folded.get(name)
        if is_object(told):
            told = _folded(told).get("id")
        if told is not None:
            return str(told)
    return ""


def _order(value: Object, note: Note) -> Object:
    folded = _folded(value)
    inner = folded.get("order")
    if is_object(inner):
        note("Order", "order, symbol and events side by side")
        folded = _folded(inner) | {key: folded[key] for key in ("symbol", "events") if key in folded}
        value = folded
    if "status" in folded and folded["status"] is None:
        note("status", "null")
        value = _put(value, "status", OrderStatus.CANCELED)  # as Lean reads it
    if _moment(folded.get("time")) is None and _moment(folded.get("createdtime")) is not None:
        note("time", "not told; createdTime instead")
        value = _put(value, "time", folded["createdtime"])
    if folded.get("symbol") is None:
        note("symbol", "not told")
        value = _put(value, "symbol", {})
    if folded.get("direction") is None:
        note("direction", "not told; the quantity's sign instead")
        value = _put(value, "direction", _direction(folded.get("quantity")))
    return value


def _direction(quantity: Any) -> OrderDirection | None:
    try:
        number, _ = scalars.decimal(quantity)
    except scalars.UnreadableError:
        return None
    return OrderDirection.HOLD if number == 0 else OrderDirection.BUY if number > 0 else OrderDirection.SELL


def _symbol(value: Object, note: Note) -> Object:
    folded = _folded(value)
    for name in ("id", "value"):
        if folded.get(name) is None:
            note("symbol", f"no {name}")
            value = _put(value, name, folded.get("permtick", "") if name == "value" else "")
    return value


def _submission(value: Object, note: Note) -> Object:
    folded = _folded(value)
    for name in ("bidPrice", "askPrice", "lastPrice"):
        told = folded.get(fold(name))
        lack = "not told" if told is None else "not a finite number" if _is_odd(told) else ""
        if lack:
            note(name, lack)
            value = _put(value, name, 0)
    return value


def _is_odd(number: Any) -> bool:
    try:
        scalars.decimal(number)
    except scalars.NoValueError:
        return True
    except scalars.UnreadableError:
        return False  # whoever reads it says what it is
    return False


def _event(value: Object, note: Note) -> Object:
    folded = _folded(value)
    told = dict(folded)
    symbol, fee = folded.get("symbol"), folded.get("orderfee")
    if is_object(symbol):
        parts = _folded(symbol)
        told |= {"symbol": parts.get("id") or "", "symbolvalue": parts.get("value")}
        told["symbolpermtick"] = parts.get("permtick")
    if is_object(fee):
        amount = _folded(fee).get("value")
        if is_object(amount):
            parts = _folded(amount)
            told |= {"orderfeeamount": parts.get("amount"), "orderfeecurrency": parts.get("currency")}
    if (moment := _moment(folded.get("utctime"))) is not None:
        # The engine's own object, as the documents show it. It names no deployment, and its id is the event's number.
        told |= {"time": moment.timestamp(), "ordereventid": folded.get("id")}
        told.setdefault("algorithmid", "")
    while is_object(inner := told.get("status")):  # the documents show an event in the place of its status
        told["status"] = _folded(inner).get("status")
    if told == folded:
        return value
    note("OrderEvent", "an event as the engine has it")
    return told


def _insight(value: Object, note: Note) -> Object:
    folded = _folded(value)
    if folded.get("generatedtime") is None and folded.get("createdtime") is not None:
        note("generatedTime", "not told; createdTime instead")
        value = _put(value, "generatedTime", folded["createdtime"])
    return value


def _trade(value: Object, note: Note) -> Object:
    folded = _folded(value)
    if folded.get("symbols") is None and folded.get("symbol") is not None:
        note("symbols", "one symbol for list")
        return _put(value, "symbols", [folded["symbol"]])
    return value


def _folded(value: Object) -> Object:
    return {fold(key): item for key, item in value.items()}


def _put(value: Object, name: str, item: Any) -> Object:
    return {key: old for key, old in value.items() if fold(key) != fold(name)} | {name: item}


def _moment(told: Any) -> datetime | None:
    try:
        return as_utc(msgspec.convert(told, datetime))
    except msgspec.ValidationError:
        return None


_MENDERS: Mapping[type[msgspec.Struct], Callable[[Object, Note], Object]] = {
    Insight: _insight,
    Order: _order,
    OrderEvent: _event,
    OrderSubmissionData: _submission,
    Symbol: _symbol,
    Trade: _trade,
}
