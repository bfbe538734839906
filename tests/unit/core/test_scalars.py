"""Numbers, texts, dates and enum members in every form."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from qcasync._core.scalars import NoValueError, UnreadableError, boolean, decimal, integer, member, moment, text
from qcasync.models import OrderStatus, enums

MOMENT = datetime(2025, 2, 3, 14, 30, tzinfo=UTC)
TEXTS = enums.in_text(OrderStatus)


@pytest.mark.parametrize(
    ("read", "value", "expected", "quirk"),
    [
        (integer, 7, 7, ""),
        (integer, -(2**63) + 1, -(2**63) + 1, ""),
        (integer, 7.0, 7, "fraction for integer"),
        (integer, "7", 7, "text for number"),
        (integer, "7.0", 7, "text for number"),
        (decimal, 1.5, 1.5, ""),
        (decimal, 2, 2.0, ""),
        (decimal, "-1.5E+3", -1500.0, "text for number"),
        (decimal, 10**30, 1e30, ""),
        (text, "a", "a", ""),
        (text, 7, "7", "number for text"),
        (text, 1.5, "1.5", "number for text"),
        (boolean, True, True, ""),
        (boolean, 0, False, "number for true or false"),
        (boolean, "True", True, "text for true or false"),
        (moment, "2025-02-03T14:30:00Z", MOMENT, ""),
        (moment, "2025-02-03 14:30:00", MOMENT, "date without zone"),
        (moment, 1738593000, MOMENT, "number for date"),
    ],
)
def test_every_form_is_read_and_named(read: Callable[[Any], Any], value: Any, expected: Any, quirk: str) -> None:
    found, named = read(value)

    assert (found, named) == (expected, quirk)
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("read", "value", "reason"),
    [
        (integer, True, "expected an integer, got true or false"),
        (integer, 1.5, "expected an integer, got a number"),
        (integer, float("nan"), "expected an integer, got a number"),
        (integer, 2.0**60, "expected an integer, got a number"),
        (integer, None, "expected an integer, got null"),
        (integer, 2**63, "an integer beyond 64 bits"),
        (integer, "9" * 5000, "expected an integer, got text"),
        (integer, "1_0", "expected a number, got text"),
        (integer, "seven", "expected a number, got text"),
        (decimal, [], "expected a number, got a list"),
        (decimal, False, "expected a number, got true or false"),
        (decimal, "$1.50", "expected a number, got text"),
        (text, True, "expected text, got true or false"),
        (text, {}, "expected text, got an object"),
        (boolean, 2, "expected true or false, got a number"),
        (boolean, "yes", "expected true or false, got text"),
        (boolean, None, "expected true or false, got null"),
    ],
)
def test_anything_else_is_unreadable_and_the_reason_names_types_only(
    read: Callable[[Any], Any], value: Any, reason: str
) -> None:
    with pytest.raises(UnreadableError) as caught:
        read(value)
    assert caught.value.reason == reason
    assert not isinstance(caught.value, NoValueError)


@pytest.mark.parametrize(
    ("read", "value", "reason"),
    [
        (decimal, "NaN", "not a finite number"),
        (decimal, "-Infinity", "not a finite number"),
        (decimal, "1e999", "not a finite number"),
        (decimal, 10**400, "not a finite number"),
        (moment, "0001-01-01T00:00:00", "the year 1 for a date"),
        (moment, "2016-12-31T23:59:60Z", "not a date"),
        (moment, "10000-01-01T00:00:00Z", "not a date"),
        (moment, "", "not a date"),
        (moment, {}, "not a date"),
        (moment, None, "not a date"),
        (moment, float("nan"), "not a date"),
        (moment, 1e300, "not a date"),
        (moment, 10**13, "not a date"),
    ],
)
def test_a_value_that_says_nothing_is_told_apart(read: Callable[[Any], Any], value: Any, reason: str) -> None:
    with pytest.raises(NoValueError, match=reason):
        read(value)


@pytest.mark.parametrize(
    ("kind", "value", "expected", "quirk"),
    [
        (OrderStatus, 3, OrderStatus.FILLED, ""),
        (OrderStatus, "Filled", OrderStatus.FILLED, "another form of an enum"),
        (OrderStatus, 44, OrderStatus(44), ""),
        (OrderStatus, "onHold", OrderStatus("onHold"), ""),
        (OrderStatus, OrderStatus.NEW, OrderStatus.NEW, ""),
        (TEXTS, "filled", OrderStatus.FILLED, ""),
        (TEXTS, 3, OrderStatus.FILLED, "another form of an enum"),
        (TEXTS, "onHold", OrderStatus("onHold"), ""),
    ],
)
def test_a_member_is_found_by_number_and_by_name(kind: Any, value: Any, expected: OrderStatus, quirk: str) -> None:
    found, named = member(kind, value)

    assert found is expected
    assert named == quirk


@pytest.mark.parametrize("value", [True, None, [], {}, 1.5])
def test_what_is_neither_number_nor_name_is_no_member(value: Any) -> None:
    with pytest.raises(UnreadableError, match="expected a name or a number"):
        member(OrderStatus, value)
