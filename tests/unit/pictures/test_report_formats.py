"""How a report writes numbers, times and texts."""

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qcasync import OrderType
from qcasync.pictures import report_formats as formats

MINUS = "\N{MINUS SIGN}"
SPACE = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (formats.number, 1234.5, "1,234.50"),
        (formats.number, -0.004, "0.00"),
        (formats.number, -1234.567, f"{MINUS}1,234.57"),
        (formats.number, 7.9e28, "7.9e+28"),
        (formats.signed, 1.0, "+1.00"),
        (formats.signed, 0.001, "0.00"),
        (formats.signed, -1.0, f"{MINUS}1.00"),
        (formats.percent, -0.123, f"{MINUS}12.3{SPACE}%"),
        (formats.signed_percent, 0.5, f"+50.00{SPACE}%"),
        (formats.price, 596.0, "596.00"),
        (formats.price, 1.15314, "1.15314"),
        (formats.price, -1234.5678901, f"{MINUS}1,234.56789"),
        (formats.signed_price, 0.00005, "+0.00005"),
        (formats.signed_price, 0.0, "0.00"),
        (formats.signed_price, 1e-7, "0.00"),
        (formats.signed_price, -0.01, f"{MINUS}0.01"),
        (formats.quantity, 1000.0, "1,000"),
        (formats.quantity, -0.125, f"{MINUS}0.125"),
        (formats.quantity, 7.9e28, "7.9e+28"),
        (formats.duration, 0.44, f"0.4{SPACE}s"),
        (formats.duration, 60.0, f"60{SPACE}s"),
        (formats.duration, 150.0, f"2.5{SPACE}min"),
        (formats.duration, 86_400.0, f"24{SPACE}h"),
        (formats.duration, 864_000.0, f"10{SPACE}d"),
    ],
)
def test_numbers(write: formats.Write, value: float, text: str) -> None:
    assert write(value) == text


@pytest.mark.parametrize(
    "write", [formats.number, formats.signed, formats.percent, formats.signed_percent, formats.price,
              formats.signed_price, formats.quantity, formats.duration]
)  # fmt: skip
class TestEveryNumber:
    @pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
    def test_what_is_not_known(self, write: formats.Write, value: float | None) -> None:
        assert write(value) == formats.NOTHING

    @given(value=st.floats(allow_nan=False, allow_infinity=False))
    @example(value=1e307)
    @example(value=-1e307)
    def test_is_short_and_has_no_hyphen_in_front(self, write: formats.Write, value: float) -> None:
        text = write(value)
        assert not text.startswith("-")
        assert len(text) < 40
        if write in (formats.percent, formats.signed_percent) and math.isinf(value * 100):
            assert text == formats.NOTHING
            return
        zero = not text.strip(f"0.,%s {SPACE}")
        assert (text[:1] == MINUS) == (value < 0 and not zero)
        assert any(map(str.isdigit, text))


@pytest.mark.parametrize(
    ("value", "sign", "text"),
    [(37583.4, "$", "$37,583.40"), (-1.0, "€", f"{MINUS}€1.00"), (None, "$", formats.NOTHING), (1.0, "", "1.00"),
     (1.0, "\u202eabcdef", r"\u202eab…1.00")],
)  # fmt: skip
def test_money(value: float | None, sign: str, text: str) -> None:
    assert formats.money(value, sign) == text


def test_moments_are_utc() -> None:
    there = datetime(2025, 6, 15, 1, 2, 3, 999_999, timezone(timedelta(hours=2)))
    assert formats.moment(there) == "2025-06-14 23:02:03"
    assert formats.moment(there) == formats.moment(there.astimezone(UTC))
    assert formats.moment(None) == formats.NOTHING


def test_names() -> None:
    assert formats.name(OrderType.STOP_LIMIT) == "stop limit"
    assert formats.name(OrderType("new\x1b[2J")) == r"new\x1b[2J"
    assert formats.name(None) == formats.NOTHING


@pytest.mark.parametrize(
    ("value", "cls"), [(1.0, "up"), (-1.0, "down"), (0.0, ""), (None, ""), (math.nan, ""), (math.inf, "")]
)
def test_signs(value: float | None, cls: str) -> None:
    assert formats.sign(value) == cls
