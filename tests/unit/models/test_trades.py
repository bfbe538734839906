"""Trades and log lines: durations and dates in text, and pages of them."""

import pickle
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from qcasync.models import LogLine, LogPage, Quarantined, Symbol, Trade, TradeDirection, TradePage

TRADE = Trade(
    symbols=(Symbol(value="KRNL", id="KRNL X1"),),
    entry_time=datetime(2025, 2, 3, 14, 30, tzinfo=UTC),
    entry_price=80.0,
    direction=TradeDirection.LONG,
    quantity=1.0,
    exit_time=datetime(2025, 2, 5, 15, 31, tzinfo=UTC),
    exit_price=81.0,
)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("00:00:00", timedelta(0)),
        ("01:02:03", timedelta(hours=1, minutes=2, seconds=3)),
        ("23:59:59.9999999", timedelta(days=1)),
        ("1.00:00:00.0000001", timedelta(days=1)),
        ("12.03:04:05.6789012", timedelta(days=12, hours=3, minutes=4, seconds=5, microseconds=678_901)),
        ("00:00:00.5", timedelta(milliseconds=500)),
        ("-1.01:00:00", timedelta(days=-1, hours=-1)),
    ],
)
def test_a_duration_as_dotnet_writes_it(text: str, duration: timedelta) -> None:
    assert msgspec.structs.replace(TRADE, duration_text=text).duration == duration


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3600",
        "1 hour",
        "1.2.3:4:5",
        "00:00",
        "\u0660\u0661:\u0660\u0662:\u0660\u0663",
        "01:02:03\n",
        "9" * 40 + ".00:00:00",
    ],
)
def test_a_duration_that_cannot_be_read_is_that_from_entry_to_exit(text: str) -> None:
    assert msgspec.structs.replace(TRADE, duration_text=text).duration == timedelta(days=2, hours=1, minutes=1)


def test_pages_of_trades_have_their_rows_in_place() -> None:
    broken = Quarantined(index=1, reason="why", raw=b"null")
    page = TradePage(trades=(TRADE, TRADE), quarantined=(broken,), start=7)
    assert (page.count, list(page.rows())) == (3, [TRADE, broken, TRADE])
    assert pickle.loads(pickle.dumps(page)) == page


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2025-06-15 15:06:41 sold out", datetime(2025, 6, 15, 15, 6, 41, tzinfo=UTC)),
        ("2025-06-15T15:06:41.123Z sold out", datetime(2025, 6, 15, 15, 6, 41, tzinfo=UTC)),
        ("2025-06-15 15:06:41", datetime(2025, 6, 15, 15, 6, 41, tzinfo=UTC)),
        ("2025-02-30 15:06:41 sold out", None),
        ("2025-06-15 25:06:41 sold out", None),
        ("2025-06-15 sold out at 15:06:41", None),
        (" 2025-06-15 15:06:41", None),
        ("0001-01-01 00:00:00 never", None),
        ("\u0662\u0660\u0662\u0665-06-15 15:06:41", None),
        ("sold out", None),
        ("", None),
    ],
)
def test_the_date_of_a_line(text: str, time: datetime | None) -> None:
    """A line is what an algorithm wrote: only a date in front of it is one."""
    assert LogLine(number=0, text=text).time == time


def test_lines_are_numbered_from_the_start_of_their_page() -> None:
    page = LogPage(lines=("a", "b"), start=40)
    assert list(page.rows()) == [LogLine(number=40, text="a"), LogLine(number=41, text="b")]
