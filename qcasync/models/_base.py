"""What every model shares: its options, and how it holds time. No model lives here.

A model is frozen, takes keywords only, and has its fields in the order in which the server writes them: msgspec looks
for the next key where the last one was found, and any other order makes decoding 1.2 to 1.5 times slower. `gc=False` is
safe because decoded values cannot form cycles; it keeps a million orders out of the garbage collector's sight.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

from msgspec import Meta, Struct

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    Number = TypeVar("Number", bound=float | Decimal, default=float)
else:
    from typing import TypeVar

    Number = TypeVar("Number", bound=float)  # what msgspec reads where nothing else was asked for

__all__ = ["LAST_MOMENT", "ZERO", "Int64", "Model", "Number", "UnixTime", "UtcDatetime", "as_utc", "total"]

ZERO: Final[Any] = 0.0
"""The default of a number. The decimal forms of the models have `Decimal("0.0")` in its place."""

UtcDatetime = Annotated[datetime, Meta(tz=True)]
"""An aware datetime in UTC."""

Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""An integer that a database can hold. JSON has no limit, and msgspec would hand on a number of 30 digits."""


LAST_MOMENT = 253_402_300_799
"""The end of the year 9999 in Unix seconds: a datetime holds no more."""

UnixTime = Annotated[float, Meta(ge=0, le=LAST_MOMENT)]
"""Unix seconds that a datetime can hold."""


class Model(Struct, frozen=True, gc=False, rename="camel"):
    """The options of every model."""


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH: Final = _EPOCH.replace(tzinfo=None)


def as_utc(moment: datetime | None) -> datetime | None:
    """Return the moment as an aware datetime in UTC.

    QuantConnect's back end writes UTC without saying so (`2024-01-02 03:04:05`); .NET writes the year 1 for "never".
    """
    if moment is None or moment.year == 1:
        return None
    if moment.tzinfo is None:
        return _EPOCH + (moment - _NAIVE_EPOCH)  # `replace` takes much longer
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # in UTC it is the year 10000
        return None


def total(numbers: Sequence[Number], *, like: Number) -> Number:
    """Return the sum of numbers, rounded once; of the kind of `like` also if there are none."""
    if isinstance(like, Decimal):
        return cast("Number", sum(numbers, Decimal(0)))  # of the kind of its parts, which checkers do not see
    try:
        return cast("Number", math.fsum(numbers))
    except (OverflowError, ValueError):  # more than a float can hold, on the way or in the end
        return cast("Number", sum(numbers, 0.0))
