"""Charts: every form of a point, and what a series is before and after its first use."""

import copy
import gc
import math
import operator
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import msgspec
import pytest
from msgspec import Raw

from qcasync.models import Candlestick, ChartPoint, Series, SeriesType

LINE = b"[[60,1.5],[120,null],[180,2]]"
CANDLES = b"[[60,1,4,0.5,2],[120,null,null,null,null]]"


def series(values: bytes, kind: SeriesType = SeriesType.LINE) -> Series:
    return Series(name="s", series_type=kind, _values=Raw(values))


def use(read: Series) -> None:
    assert len(read.points()) == len(read.y)


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
        (b"[[60, 1, 2]]", (ChartPoint(x=60, y=1.0),)),
        (b"[[60.9, 1], [1.2e2, 1]]", (ChartPoint(x=60, y=1.0), ChartPoint(x=120, y=1.0))),
        (b'{"3": [60, 1], "7": [120, 2]}', (ChartPoint(x=60, y=1.0), ChartPoint(x=120, y=2.0))),
        (b"[[253402300799, 1]]", (ChartPoint(x=253402300799, y=1.0),)),
        (b'{"x": 60, "y": 1}', ()),
        (b"{}", ()),
        (b"null", ()),
        (b'"[[60,1]]"', ()),
    ],
)
def test_points_of_a_line(values: bytes, points: tuple[ChartPoint, ...]) -> None:
    assert series(values).points() == points
    assert series(values).dropped == 0


@pytest.mark.parametrize(
    "item",
    [
        b'[60, "NaN"]',
        b"[60, true]",
        b"[60, [1]]",
        b"[60, 1e400]",
        b"[60, 1" + 400 * b"0" + b"]",
        b'[60, 1, "2"]',
        b'[60, 1, 2, 3, "4"]',
        b"[null, 1]",
        b"[true, 1]",
        b'["", 1]',
        b'["1.5", 1]',
        b'["\xc2\xb2", 1]',
        b"[1e300, 1]",
        b"[253402300800, 1]",
        b"[-1, 1]",
        b"[]",
        b"7",
        b"null",
        b'{"y": 1}',
        b'{"x": 60, "y": "1"}',
        b"[60, " + 900 * b"[" + 900 * b"]" + b"]",
    ],
)
def test_what_is_no_point_is_dropped_and_counted(item: bytes) -> None:
    read = series(b"[[60, 1], " + item + b', {"x": 120, "y": 2, "tooltip": "t"}]')

    assert read.points() == (ChartPoint(x=60, y=1.0), ChartPoint(x=120, y=2.0, tooltip="t"))
    assert read.tooltips == {1: "t"}
    assert read.dropped == 1


def test_a_plain_point_among_candles_is_a_flat_candle() -> None:
    read = series(b'[[60, 1, 2, 0.5, null, "more"], [120, 3], {"x": 180, "y": null, "tooltip": "t"}]')

    assert read.is_candles
    assert read.points() == (
        candle(60, 1.0, 2.0, 0.5, None),
        candle(120, 3.0, 3.0, 3.0, 3.0),
        candle(180, None, None, None, None),
    )
    assert read.tooltips == {}


def test_a_series_that_is_drawn_as_candles_has_no_other_points() -> None:
    assert series(b"[[60, 3], [120, 4]]", SeriesType.CANDLE).points() == (
        candle(60, 3, 3, 3, 3),
        candle(120, 4, 4, 4, 4),
    )
    assert series(b'[{"x": 60}]', SeriesType.CANDLE).points() == (candle(60, 0, 0, 0, 0),)
    assert series(b"[]", SeriesType.CANDLE).is_candles


def test_points_tell_their_time() -> None:
    expected = datetime(1970, 1, 1, 0, 1, tzinfo=UTC)

    assert ChartPoint(x=60, y=1.0).time == expected
    assert candle(60, 1, 1, 1, 1).time == expected


def test_columns_of_a_line() -> None:
    line = series(LINE)

    assert line.time.tolist() == [60, 120, 180]
    assert line.y[0] == 1.5
    assert math.isnan(line.y[1])
    assert [number for number in line.y if not math.isnan(number)] == [1.5, 2.0]
    assert not line.is_candles
    with pytest.raises(AttributeError, match="series 's' has no candles, and so no `high`: use `y`"):
        _ = line.high


def test_columns_of_candles() -> None:
    candles = series(CANDLES)

    assert candles.is_candles
    first = [candles.time[0], candles.open[0], candles.high[0], candles.low[0], candles.close[0], candles.y[0]]
    assert first == [60, 1.0, 4.0, 0.5, 2.0, 2.0]
    assert all(math.isnan(price[1]) for price in (candles.open, candles.high, candles.low, candles.close))


@pytest.mark.parametrize("values", [LINE, CANDLES, b"[]", b'[{"x":60,"tooltip":"t"}]'])
def test_columns_are_read_once_and_read_only(values: bytes) -> None:
    read = series(values)

    for column, form in ((read.time, "q"), (read.y, "d")):
        assert (column.format, column.itemsize, column.readonly, column.contiguous) == (form, 8, True, True)
    assert read.time is read.time
    assert read.y is read.y


@pytest.mark.parametrize("values", [LINE, CANDLES, b'[{"X":60,"Y":1}]'])
def test_numpy_sees_the_columns_without_a_copy(values: bytes) -> None:
    numpy = pytest.importorskip("numpy")
    read = series(values)
    y, again = numpy.asarray(read.y), numpy.asarray(read.y)

    assert numpy.shares_memory(y, again)
    assert y.__array_interface__["data"] == (again.__array_interface__["data"][0], True)
    assert y.dtype == numpy.float64
    assert numpy.asarray(read.time).dtype == numpy.int64
    assert y.tobytes() == read.y.tobytes()


def test_a_used_series_lets_go_of_the_body() -> None:
    body = bytearray(b'{"name":"s","values":[[60,1.5]]}')
    read = msgspec.json.decode(body, type=Series)
    with pytest.raises(BufferError):
        body.clear()

    y = read.y
    body.clear()
    assert y.tolist() == [1.5]


SAME = [b"[[60,1.5],[120,null]]", b"[[60, 15e-1], [120.0, null]]", b'[{"x":60,"y":1.5},{"X":"120","Y":null}]']


@pytest.mark.parametrize("used", [0, 1, 2])
@pytest.mark.parametrize("text", SAME)
def test_equality_is_of_content_not_of_use(text: bytes, used: int) -> None:
    for same in (operator.eq, lambda left, right: not left != right):  # two methods  # noqa: SIM202
        left, right = series(SAME[0]), series(text)
        for one in (left, right)[:used]:
            use(one)
        assert same(left, right)


@pytest.mark.parametrize(
    "other",
    [
        series(b"[[60,1.5],[120,0]]"),
        series(b"[[60,1.5],[121,null]]"),
        series(b"[[60,1.5]]"),
        series(b"[[60,1.5],[120,null],7]"),
        series(b'[{"x":60,"y":1.5,"tooltip":""},[120,null]]'),
        series(SAME[0], SeriesType.CANDLE),
        series(SAME[0], SeriesType.BAR),
        None,
    ],
)
def test_series_differ(other: Series | None) -> None:
    assert series(SAME[0]) != other
    assert not series(SAME[0]) == other  # noqa: SIM201 - it is another method


def test_equal_text_is_equal_without_being_read() -> None:
    left, right = series(LINE), series(LINE)
    assert left == right
    assert bytes(left.values) == LINE


@pytest.mark.parametrize("prepare", [lambda read: None, use], ids=["unused", "used"])
@pytest.mark.parametrize("values", [LINE, CANDLES, b"[]", b'[{"x":60,"tooltip":"t"},null]'])
@pytest.mark.parametrize("duplicate", [lambda read: pickle.loads(pickle.dumps(read)), copy.copy, copy.deepcopy])
def test_a_series_is_copied_with_its_points(
    prepare: Callable[[Series], None], values: bytes, duplicate: Callable[[Series], Series]
) -> None:
    original = series(values)
    prepare(original)
    twin = duplicate(original)

    assert twin == original
    assert twin.points() == series(values).points()
    assert (twin.tooltips, twin.dropped) == (original.tooltips, original.dropped)
    assert twin.y.readonly


def test_flat_candles_hold_their_prices_once() -> None:
    flat = series(b"[[60,1.5],[120,2]]", SeriesType.CANDLE)
    assert flat.open.obj is flat.close.obj
    twin = pickle.loads(pickle.dumps(flat))
    assert twin.open.obj is twin.close.obj


def test_a_representation_shows_no_points() -> None:
    read = series(b"[" + b",".join(b"[%d,1]" % x for x in range(1000)) + b"]")
    assert len(repr(read)) < 300
    use(read)
    assert "_values=<points: 1000>" in repr(read)
    candles = series(CANDLES)
    use(candles)
    assert "_values=<candles: 2>" in repr(candles)


def test_a_used_series_is_not_encoded_behind_ones_back() -> None:
    read = series(LINE)
    assert msgspec.json.decode(msgspec.json.encode(read), type=Series) == read
    use(read)
    with pytest.raises(TypeError, match="Columns is unsupported"):
        msgspec.json.encode(read)


@pytest.mark.parametrize(
    ("values", "written"),
    [
        (LINE, b"[[60,1.5],[120,null],[180,2.0]]"),
        (CANDLES, b"[[60,1.0,4.0,0.5,2.0],[120,null,null,null,null]]"),
        (b'[{"X":"60"},{"x":61,"y":-0.0,"tooltip":"t"},7]', b'[[60,0.0],{"x":61,"y":-0.0,"tooltip":"t"}]'),
        (b"null", b"[]"),
    ],
)
def test_values_are_json_before_and_after_use(values: bytes, written: bytes) -> None:
    read = series(values)
    assert bytes(read.values) == values
    use(read)
    assert bytes(read.values) == written


def test_threads_may_use_one_series_at_once() -> None:
    values = b"[" + b",".join(b"[%d,%d.25]" % (x, x) for x in range(5000)) + b"]"
    expected = series(values).y.tobytes()
    shared = [series(values) for _ in range(20)]
    barrier = Barrier(4)

    def work(_: int) -> list[bytes]:
        barrier.wait()
        return [one.y.tobytes() for one in shared]

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            assert all(found == [expected] * 20 for found in pool.map(work, range(4)))
    finally:
        sys.setswitchinterval(interval)


def test_a_used_series_stays_out_of_the_collectors_sight() -> None:
    read = series(LINE)
    use(read)
    assert not gc.is_tracked(read)


def test_nobody_waits_for_numpy_who_looks_at_no_chart() -> None:
    code = "import sys, qcasync; print({'numpy', 'simdjson'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"
