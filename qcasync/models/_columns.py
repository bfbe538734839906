"""Columns: what a series holds of its points once they were read. How they are read stands in `_points`.

A column is a read-only, contiguous memoryview over bytes of its own, of format "d" or "q", whatever is installed: it
iterates and indexes as numbers, and NumPy takes it without a copy. In a FloatColumn, NaN is a gap and nothing else.
"""

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

import msgspec

__all__ = ["Columns", "FloatColumn", "IntColumn"]

if TYPE_CHECKING:
    FloatColumn: TypeAlias = memoryview[float]
    IntColumn: TypeAlias = memoryview[int]
else:
    FloatColumn = IntColumn = memoryview  # before Python 3.14 it takes no parameter

_Row: TypeAlias = tuple[int, tuple[float | None, ...]]


class Columns:  # noqa: PLW1641 - not hashable, like the JSON that it replaces
    """The points of a series, column by column.

    This is no Struct and no dataclass, so that msgspec refuses to encode it: columns are not what the server writes.

    Args:
        time: Unix seconds, as integers of 64 bits in the machine's order.
        prices: For candles open, high, low and close, otherwise y, each as floats of 64 bits. May be the same bytes.
        tooltips: Texts by position.
        dropped: How many points were left out.

    Attributes:
        time: When.
        prices: Open, high, low and close, or only y.
        tooltips: Texts by position.
        dropped: How many points were left out.
    """

    __slots__ = ("dropped", "prices", "time", "tooltips")

    def __init__(self, time: bytes, prices: tuple[bytes, ...], tooltips: Mapping[int, str], dropped: int) -> None:
        self.time: IntColumn = memoryview(time).cast("q")
        self.prices: tuple[FloatColumn, ...] = tuple(memoryview(price).cast("d") for price in prices)
        self.tooltips = tooltips
        self.dropped = dropped

    @property
    def is_candles(self) -> bool:
        """Whether the points are candles."""
        return len(self.prices) > 1

    def rows(self) -> Iterator[_Row]:
        """Yield each point as its time and its prices, with None for a gap."""
        return zip(self.time, zip(*map(_numbers, self.prices), strict=True), strict=True)

    def as_json(self) -> bytes:
        """Write the points as the server does: as arrays, or as objects where they have a tooltip."""
        return msgspec.json.encode([_written(row, self.tooltips.get(at)) for at, row in enumerate(self.rows())])

    def __reduce__(self) -> tuple[object, ...]:
        return Columns, self._content()

    def __eq__(self, other: object) -> bool:
        """Compare bit by bit, so that a gap equals a gap."""
        return self._content() == other._content() if isinstance(other, Columns) else NotImplemented

    def __repr__(self) -> str:
        return f"<{'candles' if self.is_candles else 'points'}: {len(self.time)}>"

    def _content(self) -> tuple[object, ...]:
        """Return what it was made of: the bytes themselves, no copies."""
        return self.time.obj, tuple(price.obj for price in self.prices), self.tooltips, self.dropped


def _numbers(column: FloatColumn) -> Iterator[float | None]:
    return (None if math.isnan(number) else number for number in column)


def _written(row: _Row, tooltip: str | None) -> object:
    x, prices = row
    return (x, *prices) if tooltip is None else {"x": x, "y": prices[0], "tooltip": tooltip}
