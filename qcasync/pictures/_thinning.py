"""Fewer points for the same picture. A screen has some thousand columns; a series may have 100,000 points.

Lines keep the first, lowest, highest and last point of each bucket, so that no extreme is lost. Candles are joined, as
a chart of a coarser resolution would join them. Bars keep the one of greatest size.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Final, NamedTuple

POINTS: Final = 4_000
CANDLES: Final = 1_500
BARS: Final = 1_500

_PER_BUCKET: Final = 5


class Candles(NamedTuple):
    """Columns of candles. NaN is a gap."""

    time: Sequence[int]
    open: Sequence[float]
    high: Sequence[float]
    low: Sequence[float]
    close: Sequence[float]


def line_points(values: Sequence[float], most: int = POINTS) -> Sequence[int]:
    """Which points to draw of a line, ascending. At most `most`, and a gap stays one."""
    size = len(values)
    if size <= most:
        return range(size)
    kept: set[int] = {0, size - 1}
    for low, high in _buckets(size, (most - 2) // _PER_BUCKET):
        real = [at for at in range(low, high) if not math.isnan(values[at])]
        if real:
            kept |= {real[0], min(real, key=values.__getitem__), max(real, key=values.__getitem__), real[-1]}
        if len(real) < high - low:
            kept.add(next(at for at in range(low, high) if math.isnan(values[at])))
    return sorted(kept)


def bar_points(values: Sequence[float], most: int = BARS) -> Sequence[int]:
    """Which bars to draw, ascending: of each bucket the one of greatest size."""
    size = len(values)
    if size <= most:
        return range(size)
    return [max(range(low, high), key=lambda at: _size(values[at])) for low, high in _buckets(size, most)]


def joined(candles: Candles, most: int = CANDLES) -> Candles:
    """The candles, at most `most`: neighbours become one that opens with the first and closes with the last."""
    size = len(candles.time)
    if size <= most:
        return candles
    time: list[int] = []
    prices: tuple[list[float], list[float], list[float], list[float]] = ([], [], [], [])
    for low, high in _buckets(size, most):
        time.append(candles.time[low])
        opens, highs, lows, closes = (
            [price for price in column[low:high] if not math.isnan(price)] for column in candles[1:]
        )
        found = (
            (opens[0], max(highs), min(lows), closes[-1]) if opens and highs and lows and closes else (math.nan,) * 4
        )
        for column, price in zip(prices, found, strict=True):
            column.append(price)
    return Candles(time, *prices)


def _buckets(size: int, count: int) -> list[tuple[int, int]]:
    edges = [size * at // count for at in range(count + 1)]
    return list(itertools.pairwise(edges))


def _size(value: float) -> float:
    return -1.0 if math.isnan(value) else abs(value)
