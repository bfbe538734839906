"""What insights tell beside their fields."""

import pickle
from datetime import UTC, datetime

import qcasync
from qcasync import Insight, InsightDirection, InsightPage, InsightType, LogPage, Quarantined

MADE = 1738593000.5
INSIGHT = Insight(
    id="a01",
    generated_time_at=MADE,
    close_time_at=MADE + 60,
    symbol="KRNL X1",
    type=InsightType.PRICE,
    direction=InsightDirection.UP,
    period=60.0,
)


def test_times_are_unix_seconds_and_datetimes_in_utc() -> None:
    assert INSIGHT.generated_time == datetime(2025, 2, 3, 14, 30, 0, 500_000, UTC)
    assert INSIGHT.close_time == datetime(2025, 2, 3, 14, 31, 0, 500_000, UTC)
    assert INSIGHT.created_time is None
    told = qcasync.Insight(
        id="a01",
        generated_time_at=0.0,
        created_time_at=MADE,
        close_time_at=253_402_300_799,
        symbol="KRNL X1",
        type=InsightType.PRICE,
        direction=InsightDirection.UP,
        period=60.0,
    )
    assert told.created_time == INSIGHT.generated_time
    assert (told.generated_time.year, told.close_time.year) == (1970, 9999)


def test_a_direction_is_a_sign() -> None:
    assert [InsightDirection(name).value for name in ("down", "flat", "up")] == [-1, 0, 1]
    assert InsightDirection(-1) is InsightDirection("-1") is InsightDirection.DOWN
    assert not InsightDirection("sideways").is_known


def test_pages_count_what_was_sent() -> None:
    broken = Quarantined(index=1, reason="why", raw=b"null")
    assert InsightPage(insights=(INSIGHT,), quarantined=(broken,)).count == 2
    assert LogPage(lines=("a", "b"), length=9).count == 2


def test_pages_survive_pickle() -> None:
    for page in (InsightPage(insights=(INSIGHT,), start=7), LogPage(lines=("a",), start=7)):
        assert pickle.loads(pickle.dumps(page)) == page
