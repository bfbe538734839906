"""The points of a series, fit to be drawn: by time, values that an axis can span, NaN for a gap.

A series has left out the times that no calendar has.
"""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from qcasync.models.charts import Series
from qcasync.pictures._thinning import Candles

_LARGEST: Final = 1e300
"""Axes that have to span more than floats can are no axes."""
_SMALLEST: Final = 1e-290
"""Plotly's axes break when they span less. What is smaller is 0."""


class Points(NamedTuple):
    """Columns of plain points. `texts` are tooltips by position."""

    time: Sequence[int]
    values: Sequence[float]
    texts: Mapping[int, str]

    def at(self, positions: Iterable[int]) -> "Points":
        """Some of the points."""
        kept = list(positions)
        texts = {new: self.texts[old] for new, old in enumerate(kept) if old in self.texts} if self.texts else {}
        return Points([self.time[at] for at in kept], [self.values[at] for at in kept], texts)


def points(series: Series) -> Points:
    """The points of a series, ascending. Of candles they are the closes."""
    found = Points(series.time, [_number(value) for value in series.y], series.tooltips)
    order = _ascending(found.time)
    return found if order is None else found.at(order)


def candles(series: Series) -> Candles | None:
    """The candles of a series, ascending; None if it has none, or if all are flat: then it is a line."""
    if not series.is_candles:
        return None
    columns = [[_number(price) for price in column] for column in (series.open, series.high, series.low, series.close)]
    if all(
        high == low or math.isnan(high) or math.isnan(low) for high, low in zip(columns[1], columns[2], strict=True)
    ):
        return None
    order = _ascending(series.time)
    if order is None:
        return Candles(series.time, *columns)
    return Candles([series.time[at] for at in order], *([column[at] for at in order] for column in columns))


def milliseconds(time: Iterable[int]) -> list[int]:
    """Times as Plotly reads them: Unix milliseconds, which it shows in UTC."""
    return [at * 1000 for at in time]


def plain(values: Iterable[float]) -> list[float | None]:
    """Values as JSON has them: a gap is None."""
    return [None if math.isnan(value) else value for value in values]


def last_value(series: Series) -> float | None:
    """The last value that is one; None if there is none."""
    return next((value for value in reversed(points(series).values) if not math.isnan(value)), None)


def _ascending(time: Sequence[int]) -> list[int] | None:
    """Positions in the order of their times; None if that is how they stand, as QuantConnect sends them."""
    if all(before <= after for before, after in itertools.pairwise(time)):
        return None
    return sorted(range(len(time)), key=time.__getitem__)


def _number(value: float) -> float:
    if -_SMALLEST < value < _SMALLEST:
        return 0.0
    return value if -_LARGEST < value < _LARGEST else math.nan
