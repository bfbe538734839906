"""Half-open ranges of indexes."""

import pytest

from qcasync._core.ranges import gaps, joined


@pytest.mark.parametrize(
    ("ranges", "whole"),
    [
        ([], []),
        ([(5, 5)], []),
        ([(0, 0), (0, 10)], [(0, 10)]),
        ([(10, 20), (0, 10)], [(0, 20)]),
        ([(0, 10), (10, 20), (20, 21), (22, 23)], [(0, 21), (22, 23)]),
        ([(0, 1), (2, 2), (3, 4)], [(0, 1), (3, 4)]),
        ([(0, 1), (3, 4), (4, 6), (6, 7)], [(0, 1), (3, 7)]),
    ],
)
def test_ranges_that_touch_are_one(ranges: list[tuple[int, int]], whole: list[tuple[int, int]]) -> None:
    assert joined(iter(ranges)) == whole


@pytest.mark.parametrize(
    ("start", "ranges", "between"),
    [
        (0, [], []),
        (7, [(7, 9)], []),
        (0, [(1, 2)], [(0, 1)]),
        (0, [(20, 30), (0, 10), (30, 40), (50, 60)], [(10, 20), (40, 50)]),
        (0, [(0, 30), (10, 20), (40, 50)], [(30, 40)]),
    ],
)
def test_what_is_between_ranges(start: int, ranges: list[tuple[int, int]], between: list[tuple[int, int]]) -> None:
    """Windows in flight may overlap what was read."""
    assert gaps(start, iter(ranges)) == between
