"""Many measurements become few bars: bins of slippage around zero, and spans of time. Pure."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from qcasync._core.fill_summaries import quantile

_BARS: Final = 24
_TAIL: Final = 0.02
_MANY: Final = 50
_SMALLEST: Final = 1e-9
_NICE: Final = (1.0, 2.0, 2.5, 5.0, 10.0)

SPANS: Final = (
    (1.0, "under 1 s"),
    (10.0, "1 to 10 s"),
    (60.0, "10 to 60 s"),
    (600.0, "1 to 10 min"),
    (3600.0, "10 to 60 min"),
    (86_400.0, "1 to 24 h"),
    (math.inf, "over 1 d"),
)
"""Spans of time by their end, which belongs to them."""


class Bin(NamedTuple):
    """A bar of a histogram.

    Attributes:
        middle: Where it stands.
        low: From where it counts; minus infinity for what lies beyond on the left.
        high: To where.
        orders: How many there are.
    """

    middle: float
    low: float
    high: float
    orders: int


class Histogram(NamedTuple):
    """Bars of one width, the middle of one of them at zero."""

    width: float
    bins: Sequence[Bin]


def histogram(values: Iterable[float]) -> Histogram:
    """Count finite values in about two dozen bars. What lies far outside goes into the outermost ones."""
    numbers = sorted(value for value in values if math.isfinite(value))
    tail = _TAIL if len(numbers) >= _MANY else 0.0
    low, high = quantile(numbers, tail), quantile(numbers, 1 - tail)
    if low is None or high is None:
        return Histogram(1.0, ())
    low, high = min(low, 0.0), max(high, 0.0)
    width = _nice((high - low) / _BARS)
    first, last = round(low / width), round(high / width)
    counts = Counter(min(max(round(number / width), first), last) for number in numbers)
    return Histogram(
        width,
        [
            Bin(
                middle=place * width,
                low=-math.inf if place == first and numbers[0] < (first - 0.5) * width else (place - 0.5) * width,
                high=math.inf if place == last and numbers[-1] > (last + 0.5) * width else (place + 0.5) * width,
                orders=counts[place],
            )
            for place in range(first, last + 1)
        ],
    )


def spans(seconds: Iterable[float]) -> Sequence[tuple[str, int]]:
    """Count durations by span, from the first one to the last one that has any."""
    counts = Counter(next(at for at, (end, _) in enumerate(SPANS) if each <= end) for each in seconds)
    return [(SPANS[at][1], counts[at]) for at in range(max(counts, default=-1) + 1)]


def _nice(width: float) -> float:
    """A round number that is at least so wide."""
    if width < _SMALLEST:
        return 1.0
    power = 10.0 ** math.floor(math.log10(width))
    return next((factor * power for factor in _NICE if factor * power >= width), 10 * power)
