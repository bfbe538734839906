"""Charts: every form of a point."""

import pickle
from datetime import UTC, datetime

import pytest
from msgspec import Raw

from qcasync.models import Candlestick, ChartPoint, Series, SeriesType


def candle(x: int, *prices: float | None) -> Candlestick:
    first, high, low, close = prices
    return Candlestick(x=x, open=first, high=high, low=low, close=close)


@pytest.mark.parametrize(
    ("values", "points"),
    [
        (b"[]", ()),
        (b"[[60, 1.5], [120, 2]]", (ChartPoint(x=60, y=1.5), ChartPoint(x=120, y=2.0))),
        (b"[[60, null]]", (ChartPoint(x=60, y=None),)),
        (b'[{"x": 60, "y": 1.5}, {"X": "120", "Y": null}]', (ChartPoint(x=60, y=1.5), ChartPoint(x=120, y=None))),
        (b'[{"x": 60, "y": 1, "tooltip": "t"}]', (ChartPoint(x=60, y=1.0, tooltip="t"),)),
        (b'[{"x": 60, "y": 1, "tooltip": 7}]', (ChartPoint(x=60, y=1.0),)),
        (b'[{"x": 60}]', (ChartPoint(x=60, y=0.0),)),
        (b"[[60]]", (ChartPoint(x=60, y=0.0),)),
        (b"[[60, 1, 2, 0.5, 1.5], [120, 3]]", (candle(60, 1, 2, 0.5, 1.5), ChartPoint(x=120, y=3.0))),
        (b'[[60, "NaN"], [60, true], [null, 1], [], 7, {"y": 1}, [1e300, 1], [-1, 1]]', ()),
        (b"{}", ()),
        (b"null", ()),
    ],
)
def test_points_of_a_line(values: bytes, points: tuple[ChartPoint, ...]) -> None:
    assert Series(values=Raw(values)).points() == points


def test_a_plain_point_among_candles_is_a_flat_candle() -> None:
    values = b'[[60, 1, 2, 0.5, null], [120, 3], {"x": 180, "y": null}]'
    series = Series(series_type=SeriesType.CANDLE, values=Raw(values))

    assert series.points() == (
        candle(60, 1.0, 2.0, 0.5, None),
        candle(120, 3.0, 3.0, 3.0, 3.0),
        candle(180, None, None, None, None),
    )


def test_points_tell_their_time() -> None:
    expected = datetime(1970, 1, 1, 0, 1, tzinfo=UTC)

    assert ChartPoint(x=60, y=1.0).time == expected
    assert candle(60, 1, 1, 1, 1).time == expected


def test_a_series_survives_pickle_with_its_points() -> None:
    series = Series(name="s", values=Raw(b"[[60,1]]"))

    assert pickle.loads(pickle.dumps(series)).points() == series.points()
