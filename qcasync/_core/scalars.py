"""Numbers, texts, dates and enum members in every form in which the API has written them.

Each function returns the value, and what had to be put right or "". JSON values are `Any`: nothing is known of them.
"""

import enum
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec
from msgspec import inspect

from qcasync._core.exactness import Told
from qcasync.models._base import as_utc
from qcasync.models._json import MAX_DEPTH, is_array, is_object
from qcasync.models.enums import OpenEnum, member_of
from qcasync.models.statistics import Statistics

_MAX_INT: Final = 2**63 - 1
_MAX_EXACT: Final = 2**53
_TRUTH: Final = {"true": True, "1": True, "false": False, "0": False}
_NAMES: Final = {"dict": "an object", "list": "a list", "str": "text", "bool": "true or false", "NoneType": "null"}


class UnreadableError(Exception):
    """A value that is not what its field promises.

    Attributes:
        reason: What was expected, and what came.
        path: Where, such as "$.orders[0].id".
    """

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(reason, path)
        self.reason = reason
        self.path = path


class NoValueError(UnreadableError):
    """A value that says nothing, such as NaN or the year 1. A field that has a default takes it."""


def expected(what: str, value: Any) -> UnreadableError:
    """Return the error for a value of another type. It names types, never values: those may be secret."""
    return UnreadableError(f"expected {what}, got {_NAMES.get(type(value).__name__, 'a number')}")


def read(value: Any, plan: inspect.Type) -> tuple[Any, str]:
    """Read a value as what msgspec calls a type that is neither a model nor a container."""
    if isinstance(plan, inspect.AnyType):
        return shallow(value), ""
    if isinstance(plan, inspect.RawType):
        return msgspec.Raw(msgspec.json.encode(value)), ""
    if isinstance(plan, inspect.CustomType):
        return statistics(value)
    if isinstance(plan, inspect.EnumType):
        return member(plan.cls, value)
    found, quirk = _READERS[type(plan)](value)
    if isinstance(plan, inspect.FloatType) and plan.le is not None and not (plan.ge or 0) <= found <= plan.le:
        raise UnreadableError("out of range")
    return found, quirk


def shallow(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Copy JSON of which nothing is known but that it is not nested deeply."""
    if not depth:
        raise UnreadableError("nested too deeply")
    if is_object(value):
        return {key: shallow(item, depth - 1) for key, item in value.items()}
    if is_array(value):
        return [shallow(item, depth - 1) for item in value]
    return float(value) if isinstance(value, Told) else value


def integer(value: Any) -> tuple[int, str]:
    """Read an integer: also `7.0` (PHP and .NET differ about fractions) and "7"."""
    number, quirk = value, ""
    if isinstance(number, str):
        number, quirk = _number(number), "text for number"
    if isinstance(number, float) and number.is_integer() and abs(number) < _MAX_EXACT:
        number, quirk = int(number), quirk or "fraction for integer"
    if isinstance(number, bool) or not isinstance(number, int):
        raise expected("an integer", value)
    if abs(number) > _MAX_INT:
        raise UnreadableError("an integer beyond 64 bits")
    return number, quirk


def decimal(value: Any) -> tuple[float, str]:
    """Read a number: also "1.5". NaN and infinities, which arrive as text, are no value."""
    number, quirk = _told_number(value)
    try:
        number = float(number)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise NoValueError("not a finite number")
    return number, quirk


def exact(value: Any) -> tuple[Decimal, str]:
    """Read a number with every digit that was sent: also "1.5". NaN and infinities are no value."""
    _, quirk = _told_number(value)
    try:
        found = Decimal(value.text if isinstance(value, Told) else str(value).strip())
    except InvalidOperation:  # an exponent of more than 18 digits
        found = Decimal("NaN")
    if not found.is_finite():
        raise NoValueError("not a finite number")
    return found, quirk


def text(value: Any) -> tuple[str, str]:
    """Read text: also a number, as ids once were."""
    if isinstance(value, str):
        return value, ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise expected("text", value)
    return value.text if isinstance(value, Told) else str(value), "number for text"


def statistics(value: Any) -> tuple[Statistics, str]:
    """Read statistics: also numbers for text, and without those that are null. One odd statistic costs no other."""
    if value == []:
        return Statistics(), "[] for {}"  # PHP writes both alike
    if not is_object(value):
        raise expected("an object", value)
    texts = {name: str(item).lower() if isinstance(item, bool) else item for name, item in value.items()}
    found = Statistics({name: text(item)[0] for name, item in texts.items() if item is not None})
    return found, "" if found == value else "null or number for text"


def boolean(value: Any) -> tuple[bool, str]:
    """Read true or false: also 0, 1, "true" and "false"."""
    if isinstance(value, bool):
        return value, ""
    truth = _TRUTH.get(str(value).lower()) if isinstance(value, str | int) else None
    if truth is None:
        raise expected("true or false", value)
    return truth, f"{'text' if isinstance(value, str) else 'number'} for true or false"


def moment(value: Any) -> tuple[datetime, str]:
    """Read a date as UTC: with a zone, without one, or as Unix seconds."""
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC), "number for date"
        told = as_utc(msgspec.convert(value, datetime))
    except (msgspec.ValidationError, ValueError, OverflowError, OSError):
        raise NoValueError("not a date") from None
    if told is None:
        raise NoValueError("the year 1 for a date")
    return told, "" if str(value).endswith("Z") else "date without zone"


def member(kind: type[enum.Enum], value: Any) -> tuple[OpenEnum, str]:
    """Read a member of an enum: by number, by text, in any spelling."""
    if isinstance(value, OpenEnum):
        return value, ""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise expected("a name or a number", value)
    try:
        found = member_of(kind, value)
    except ValueError:
        raise UnreadableError("expected a name or a number, got a fraction") from None
    usual = value in kind._value2member_map_ or not found.is_known
    return found, "" if usual else "another form of an enum"


def _told_number(value: Any) -> tuple[float, str]:
    number, quirk = value, ""
    if isinstance(number, str):
        number, quirk = _number(number), "text for number"
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise expected("a number", value)
    return number, quirk


def _number(told: str) -> float | int:
    for kind in (int, float) if told.isascii() and "_" not in told else ():  # Python takes more digits than JSON
        try:
            return kind(told)
        except ValueError:
            continue
    raise expected("a number", told)


_READERS: Final[Mapping[type[inspect.Type], Callable[[Any], tuple[Any, str]]]] = {
    inspect.IntType: integer,
    inspect.FloatType: decimal,
    inspect.DecimalType: exact,
    inspect.StrType: text,
    inspect.BoolType: boolean,
    inspect.DateTimeType: moment,
}
