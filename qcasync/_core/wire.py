"""Bodies as msgspec reads them: the strict decoders, and what they raise.

A body in today's spelling decodes straight to the models; for older ones the types are derived in `spelling.py`. What a
strict decoder refuses goes to the patient reader in `tolerance.py`.
"""

from collections.abc import Callable, Mapping
from decimal import InvalidOperation
from functools import cache
from typing import Any, Final, TypeVar, get_args, get_origin

import msgspec
from msgspec import Raw, Struct

from qcasync._core.exactness import Told
from qcasync._core.scalars import UnreadableError, statistics
from qcasync._core.screening import mend, undecodable
from qcasync._core.spelling import Spelling, camel, fold, kebab, pascal, respelled
from qcasync.models.enums import camel as from_snake
from qcasync.models.order_events import OrderEvent
from qcasync.models.portfolio import Holding
from qcasync.models.statistics import Statistics
from qcasync.models.symbols import Symbol

T = TypeVar("T")

REFUSED: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, MemoryError, InvalidOperation)
"""Everything that msgspec raises for bytes that are not what was asked for."""


def hook(kind: type, told: Any) -> Any:
    """Make of plain values what msgspec does not know. A TypeError becomes a ValidationError."""
    if kind is not Statistics:
        raise NotImplementedError(kind)  # how msgspec wants to be told that a type is not this hook's
    try:
        return statistics(told)[0]
    except UnreadableError as error:
        raise TypeError(error.reason) from None


def decoder(kind: Any) -> Callable[[bytes | Raw], Any]:
    """Return the strict decoder of a type."""
    decode: Callable[[bytes | Raw], Any] = msgspec.json.Decoder(kind, dec_hook=hook).decode
    return decode


def _in_full(spelling: Spelling) -> Spelling:
    # Today a holding's keys are one or two letters; older engines wrote the names.
    names = {field.encode_name: from_snake(field.name) for field in msgspec.structs.fields(Holding)}
    return lambda key: spelling(names[key])


OLD: Final[Mapping[type[Struct], Spelling]] = {
    OrderEvent: kebab,
    Symbol: lambda key: "ID" if key == "id" else pascal(key),
    Holding: _in_full(pascal),
}
"""The models whose keys older engines did not write in PascalCase."""


@cache
def strict(kind: Any) -> tuple[Callable[[bytes | Raw], Any], ...]:
    """Return the decoders that take a value of a type in one spelling each, and refuse it in another."""
    spellings: list[tuple[Spelling, Mapping[type[Struct], Spelling]]] = [(camel, {})]
    if _mentions(kind, Holding):
        spellings.append((camel, {Holding: _in_full(camel)}))
    if _mentions(kind, OrderEvent):
        spellings.append((kebab, {}))
    if _mentions(kind, Struct):
        spellings.append((pascal, OLD))
    return tuple(
        decoder(respelled(kind, spelling, exceptions=exceptions, forbid_unknown=True))
        for spelling, exceptions in spellings
    )


@cache
def _mentions(kind: Any, model: type[Struct]) -> bool:
    """Tell whether values of a type may hold instances of a model."""
    origin = get_origin(kind) or kind
    if isinstance(origin, type) and issubclass(origin, Struct):
        inner = (each.type for each in msgspec.structs.fields(kind) if each.type != origin | None)
        return issubclass(origin, model) or any(_mentions(each, model) for each in inner)
    return any(_mentions(argument, model) for argument in get_args(kind))


_OBJECT = msgspec.json.Decoder(dict[str, Raw]).decode
_ANYTHING = msgspec.json.Decoder[Any]().decode
_EXACTLY = msgspec.json.Decoder[Any](float_hook=Told).decode


def untyped(raw: bytes | Raw, *, exact: bool = False) -> Any:
    """Decode JSON to plain Python values, numbers with a fraction on demand to `Told`. Raises DecodeError."""
    return parse(raw, _EXACTLY if exact else _ANYTHING)


def parse(body: bytes | Raw, decode: Callable[[bytes], T]) -> T:
    """Decode JSON; if a number like NaN or half a character is all that is wrong with it, decode it without.

    Raises:
        DecodeError: It cannot be decoded.
    """
    whole = bytes(body)
    try:
        try:
            return decode(whole)
        except msgspec.DecodeError:
            mended = mend(whole)
            if mended == whole:
                raise
            return decode(mended)
    except REFUSED as error:
        said, path = _located(error)
        raise undecodable(said, whole, path) from None


def members(body: bytes | Raw) -> dict[str, Raw]:
    """Split a JSON object into its members, undecoded, under folded keys. Raises DecodeError."""
    return {fold(key): value for key, value in entries(body).items()}


def entries(body: bytes | Raw) -> dict[str, Raw]:
    """Split a JSON object into its members, undecoded, under the keys that it has. Raises DecodeError."""
    return parse(body, _OBJECT)


def begins(raw: Raw, token: bytes) -> bool:
    """Tell whether an undecoded value begins with a token."""
    return bytes(memoryview(raw)[:64]).lstrip().startswith(token)


def _located(error: Exception) -> tuple[str, str]:
    if isinstance(error, RecursionError):
        return "nested too deeply", ""
    said, _, path = str(error).partition(" - at `")
    return said or type(error).__name__, path.removesuffix("`")
