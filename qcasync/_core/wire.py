"""Bodies as msgspec reads them: the strict decoders, for every spelling that occurs.

A body in today's spelling decodes straight to the models; for older ones the types are derived in `spelling.py`. What a
strict decoder refuses goes to the patient reader in `tolerance.py`.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Raw, Struct

from qcasync._core.screening import quote_numbers, undecodable
from qcasync._core.spelling import camel, fold, kebab, pascal, respelled
from qcasync.models._base import Int64
from qcasync.models._json import is_object
from qcasync.models.order_events import OrderEvent
from qcasync.models.order_properties import OrderProperties
from qcasync.models.orders import Order
from qcasync.models.symbols import Symbol

T = TypeVar("T")

REFUSED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, MemoryError)
"""Everything that msgspec raises for bytes that are not what was asked for."""


class OrdersBody(Struct, Generic[T]):
    """What an answer of live/orders/read has if it has orders."""

    orders: T | None = None
    length: Int64 | None = None
    success: bool | None = None


def _old_properties(kind: type[OrderProperties], told: Any) -> OrderProperties:
    if not is_object(told):
        raise TypeError("expected an object")  # msgspec makes a ValidationError of it
    return kind({key[:1].lower() + key[1:]: value for key, value in told.items()})


def _old(kind: Any, *, forbid_unknown: bool = False) -> Any:
    """Return the type for engines that wrote PascalCase, and events in kebab-case."""
    return respelled(
        kind,
        pascal,
        exceptions={OrderEvent: kebab, Symbol: lambda key: "ID" if key == "id" else pascal(key)},
        replacements={dict[str, Any]: OrderProperties},
        forbid_unknown=forbid_unknown,
    )


ORDERS = msgspec.json.Decoder(OrdersBody[tuple[Order, ...]])
OLD_ORDERS: msgspec.json.Decoder[OrdersBody[tuple[Order, ...]]] = msgspec.json.Decoder(
    OrdersBody[_old(tuple[Order, ...])],  # type: ignore[misc]  # a computed type
    dec_hook=_old_properties,
)
ORDER = msgspec.json.Decoder(Order)
OLD_ORDER: msgspec.json.Decoder[Order] = msgspec.json.Decoder(_old(Order), dec_hook=_old_properties)


@cache
def strict(kind: Any) -> tuple[Callable[[bytes | Raw], Any], ...]:
    """Return the decoders that take a value of a type in one spelling each, and refuse it in another.

    They refuse unknown keys: where every field has a default, that alone tells a wrong spelling from an empty object.
    """
    new, events = (respelled(kind, spelling, forbid_unknown=True) for spelling in (camel, kebab))
    return (
        msgspec.json.Decoder(new).decode,
        msgspec.json.Decoder(events).decode,
        msgspec.json.Decoder(_old(kind, forbid_unknown=True), dec_hook=_old_properties).decode,
    )


_OBJECT = msgspec.json.Decoder(dict[str, Raw])


def parse(body: bytes | Raw, decode: Callable[[bytes], T]) -> T:
    """Decode JSON; if a number like NaN is all that is wrong with it, decode it with that number quoted.

    Raises:
        DecodeError: It cannot be decoded.
    """
    whole = bytes(body)
    try:
        try:
            return decode(whole)
        except msgspec.DecodeError:
            quoted = quote_numbers(whole)
            if quoted == whole:
                raise
            return decode(quoted)
    except REFUSED as error:
        said, path = _located(error)
        raise undecodable(said, whole, path) from None


def members(body: bytes | Raw) -> dict[str, Raw]:
    """Split a JSON object into its members, undecoded, under folded keys. Raises DecodeError."""
    return {fold(key): value for key, value in parse(body, _OBJECT.decode).items()}


def _located(error: Exception) -> tuple[str, str]:
    if isinstance(error, RecursionError):
        return "nested too deeply", ""
    said, _, path = str(error).partition(" - at `")
    return said or type(error).__name__, path.removesuffix("`")
