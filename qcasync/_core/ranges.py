"""Half-open ranges of indexes, as pairs of a start and an end."""

from collections.abc import Iterable


def joined(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges that do not overlap, in order; those that touch as one, and without empty ones."""
    whole: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if whole and whole[-1][1] == start:
            whole[-1] = (whole[-1][0], end)
        elif start < end:
            whole.append((start, end))
    return whole


def gaps(start: int, ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """What is between `start` and the last of the ranges, and in none of them."""
    between: list[tuple[int, int]] = []
    for begin, end in sorted(ranges):
        if start < begin:
            between.append((start, begin))
        start = max(start, end)
    return between
