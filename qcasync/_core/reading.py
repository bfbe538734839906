"""Values and objects of an answer: read strictly if that works, patiently if not."""

from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from qcasync._core.scalars import UnreadableError
from qcasync._core.screening import undecodable
from qcasync._core.spelling import fold
from qcasync._core.tolerance import Reader
from qcasync._core.wire import OLD_ORDER, ORDER, REFUSED, parse, strict
from qcasync.models.orders import Order

T = TypeVar("T", bound=msgspec.Struct)

_KEYS_OF_OLD = (b'"Events"', b'"trailingPercentage"')
_KEYS_OF_NEW = (b'"events"', b'"TrailingPercentage"')
"""Keys that the strict decoder of the other spelling skips without a word."""

_ANYTHING = msgspec.json.Decoder[Any]().decode


def untyped(raw: bytes | Raw) -> Any:
    """Decode JSON to plain Python values. Raises DecodeError."""
    return parse(raw, _ANYTHING)


def read_value(raw: Raw, kind: Any, path: str) -> Any:
    """Read a value of an annotation's type.

    Raises:
        DecodeError: It is no such value.
    """
    for decode in strict(kind):
        try:
            return decode(raw)
        except REFUSED:
            continue
    try:
        return Reader().read(untyped(raw), kind, path)
    except UnreadableError as error:
        raise undecodable(error.reason, bytes(raw), error.path) from None


def read_object(told: dict[str, Raw], model: type[T], body: bytes, path: str = "$") -> T:
    """Read an object from its members (`wire.members`), each for itself: a quirk in one costs the others nothing.

    Raises:
        DecodeError: A member cannot be read, or a necessary one is missing.
    """
    values: dict[str, object] = {}
    for field in msgspec.structs.fields(model):
        raw = told.get(fold(field.encode_name))
        if raw is not None and (field.required or bytes(raw) != b"null"):
            values[field.name] = read_value(raw, field.type, f"{path}.{field.encode_name}")
        elif field.required:
            raise undecodable(f"no `{field.encode_name}`", body, path)
    return model(**values)


def lost_something(orders: tuple[Order, ...], body: bytes, *, old: bool) -> bool:
    """Tell whether a strict decoder skipped what stood under keys of the other spelling.

    Every other key of an order is needed, or stands and falls with one that is.
    """
    return any(
        not order.events or (order.trailing_amount is not None and order.trailing_as_percentage is None)
        for order in orders
    ) and any(key in body for key in (_KEYS_OF_NEW if old else _KEYS_OF_OLD))


def read_order(raw: Raw, reader: Reader, path: str) -> Order:
    """Read one entry of a page of orders.

    Raises:
        DecodeError: It is no JSON.
        UnreadableError: It is no order.
    """
    for decoder, old in ((ORDER, False), (OLD_ORDER, True)):
        try:
            order = decoder.decode(raw)
        except REFUSED:
            continue
        if not lost_something((order,), bytes(raw), old=old):
            return order
    patient: Order = reader.read(untyped(raw), Order, path)
    return patient
