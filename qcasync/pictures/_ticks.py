"""Where an axis of a terminal has its ticks, and what they say."""

import itertools
import math
from collections.abc import Sequence
from datetime import UTC, datetime

from qcasync.models._base import LAST_MOMENT

_DAY = 86_400_000
_LAST = LAST_MOMENT * 1000


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers within a range: steps of 1, 2 or 5 times a power of ten, at most `most` of them, never none."""
    span = high - low
    if span <= 0 or not math.isfinite(span):
        return [low]
    raw = span / max(most - 1, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next((power * each for each in (1, 2, 5, 10) if power * each >= raw), power * 10)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [at * step for at in range(first, last + 1)] or [low]


def told(values: Sequence[float], before: str, after: str) -> list[str]:
    """Ticks as text: thousands apart, with as many digits as tell them apart."""
    step = min((abs(b - a) for a, b in itertools.pairwise(values)), default=abs(values[0]) or 1.0)
    digits = min(max(0, -math.floor(math.log10(step))), 12) if step else 0
    return [f"{'-' if value < 0 else ''}{before}{abs(value):,.{digits}f}{after}" for value in values]


def moments(low: float, high: float, most: int) -> tuple[list[float], list[str]]:
    """Moments of a range, evenly spread, and what they say in UTC; `low` and `high` are Unix milliseconds."""
    count = max(most, 1)
    at = [low + (high - low) * each / max(count - 1, 1) for each in range(count)]
    form = "%Y-%m-%d" if high - low > count * _DAY else "%m-%d %H:%M" if high - low > 300_000 else "%H:%M:%S"
    return at, [datetime.fromtimestamp(min(each, _LAST) / 1000, UTC).strftime(form) for each in at]
