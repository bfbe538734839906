"""Bars of a histogram, by hand and by property."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcasync.pictures.report_bins import Bin, histogram, spans


def test_nothing() -> None:
    assert histogram([]).bins == ()
    assert histogram([math.nan, math.inf]).bins == ()
    assert spans([]) == []


def test_one_value_is_one_bar() -> None:
    assert histogram([0.0, 0.0]).bins == [Bin(0.0, -0.5, 0.5, 2)]


def test_a_bar_stands_at_zero_and_those_beside_it_are_told_apart() -> None:
    made = histogram([-12.0, -12.0, 0.4, -0.4, 12.0])
    assert made.width == 1.0
    assert [(each.middle, each.orders) for each in made.bins if each.orders] == [(-12.0, 2), (0.0, 2), (12.0, 1)]


def test_what_lies_far_outside_is_in_the_last_bar_which_says_so() -> None:
    made = histogram([*range(100), 1e6])
    assert len(made.bins) < 30
    assert made.bins[-1].high == math.inf
    assert made.bins[-1].orders >= 2
    assert made.bins[0].low == -made.width / 2


@given(st.lists(st.floats(-1e31, 1e31), min_size=1))
def test_every_value_is_in_one_of_few_bars(values: list[float]) -> None:
    made = histogram(values)
    assert sum(each.orders for each in made.bins) == len(values)
    assert len(made.bins) <= 27
    assert any(each.middle == 0 for each in made.bins)
    for one, next_one in zip(made.bins, made.bins[1:], strict=False):
        assert one.high == pytest.approx(next_one.low)


def test_spans_go_from_the_first_to_the_last_that_has_any() -> None:
    assert spans([0.5, 1.0, 70.0]) == [("under 1 s", 2), ("1 to 10 s", 0), ("10 to 60 s", 0), ("1 to 10 min", 1)]
    assert spans([1e12])[-1] == ("over 1 d", 1)
