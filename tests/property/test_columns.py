"""Whatever points a series has, every route to columns agrees to the bit with a slow reader that shares no code."""

import json
import math
import re
from struct import pack
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcasync.models._columns import Columns
from qcasync.models._points import patient, read
from qcasync.models._tables import Engine, installed, table

FULL = installed()
ENGINES = [Engine(n, s) for n in dict.fromkeys((None, FULL.numpy)) for s in dict.fromkeys((None, FULL.simdjson))]
END_OF_9999 = 253_402_300_799


class Expected(NamedTuple):
    time: bytes
    prices: tuple[bytes, ...]
    tooltips: dict[int, str]
    dropped: int


def reference(text: str, *, candles: bool) -> Expected:
    """Read points the slow way, after wire.md 6.4."""
    items = json.loads(text, parse_int=lambda digits: int(digits) if len(digits) <= 400 else math.inf)
    if isinstance(items, dict) and all(re.fullmatch("[0-9]+", key) for key in items):
        items = [items[key] for key in items]
    if not isinstance(items, list):
        items = []
    kept = [point for item in items if (point := _reference_point(item)) is not None]
    candles = candles or any(len(point) == 6 for point in kept)
    time = b"".join(pack("=q", point[0]) for point in kept)
    if candles:
        bars = [point[1:5] if len(point) == 6 else [point[1]] * 4 for point in kept]
        prices = tuple(b"".join(pack("=d", bar[column]) for bar in bars) for column in range(4))
        return Expected(time, prices, {}, len(items) - len(kept))
    tooltips = {place: point[2] for place, point in enumerate(kept) if point[2] is not None}
    return Expected(time, (b"".join(pack("=d", point[1]) for point in kept),), tooltips, len(items) - len(kept))


def _reference_point(item: Any) -> list[Any] | None:
    """Return `[x, y, tooltip]`, `[t, o, h, l, c, None]`, or None for no point."""
    text = None
    if isinstance(item, dict):
        lower = {key.lower(): key for key in item}
        text = item[lower["tooltip"]] if "tooltip" in lower else None
        x = item[lower["x"]] if "x" in lower else None
        item = [x, item[lower["y"]]] if "y" in lower else [x]
    if not isinstance(item, list) or len(item) == 0:
        return None
    x, *prices = item[:5]
    if isinstance(x, str) and re.fullmatch("[0-9]+", x):
        x = int(x)
    if type(x) not in (int, float) or not math.isfinite(x) or not 0 <= int(x) <= END_OF_9999:
        return None
    numbers = []
    for price in prices:
        if price is not None and type(price) not in (int, float):
            return None
        try:
            number = math.nan if price is None else float(price)
        except OverflowError:
            return None
        if math.isinf(number):
            return None
        numbers.append(number)
    if len(numbers) == 4:
        return [int(x), *numbers, None]
    return [int(x), numbers[0] if numbers else 0.0, text if isinstance(text, str) else None]


EDGES = (  # noqa: SIM905 - one a line, they would fill the screen
    "0 -0 0.0 -0.0 -0e5 0E-5 1e400 -1e400 1E+300 9e99 9E99 90e98 -9e99 9e-99 4.9e-324 2e-324 2e-400 1e23 "
    "2.2250738585072011e-308 2.2250738585072014e-308 1.7976931348623157e308 1.7976931348623159e308 "
    "9007199254740992 9007199254740993 9007199254740993.0 -9007199254740995 9223372036854775807 9223372036854775808 "
    "-9223372036854775808 -9223372036854775809 18446744073709551615 18446744073709551616 79228162514264337593543950335 "
    "0.1000000000000000055511151231257827021181583404541015625 9007199254740992.9999999999999999999 0.10000000000000001"
).split()
HUGE = [f"1{zeros * '0'}" for zeros in (99, 308, 309, 420, 5000)]

floats = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.floats(-1e6, 1e6)).map(repr)
decimals = st.from_regex(r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
numbers = st.one_of(floats, st.integers().map(str), decimals, st.sampled_from(EDGES))
prices = st.one_of(numbers, st.just("null"))
instants = st.one_of(st.integers(0, END_OF_9999), st.integers(1_700_000_000, 1_800_000_000)).map(str)
texts = st.sampled_from(["", "NaN", "null", "1.5", "60", "9e99", "x", '"x":', "[60,1]", "}", "ü", "\\"]).map(
    lambda text: json.dumps(text, ensure_ascii=False)
)
junk = st.one_of(texts, st.sampled_from(["true", "false", "{}", "[]", "[1]", '{"x":1}', '{"y":[]}', *HUGE]))
times = st.one_of(
    instants,
    st.sampled_from(["-0", "-0.0", "-0.5", "-1", "60.0", "60.9", "6e1", "1e300", "1e400", "null"]),
    st.sampled_from(["253402300799", "253402300799.5", "253402300800"]),
    st.sampled_from(['"60"', '"060"', '"-60"', '"1.5"', '" 60"', '"1_0"', '"²"', '"٣"', '"1717801200"']),
)
blanks = st.sampled_from(["", "", "", " ", "\n\t", " \r\n "])


def _array(items: list[str], blank: str) -> str:
    return f"[{blank}{f'{blank},{blank}'.join(items)}{blank}]"


def _object(items: list[tuple[str, str]], blank: str) -> str:
    return f"{{{blank}{f'{blank},'.join(f'{json.dumps(key)}:{blank}{value}' for key, value in items)}{blank}}}"


@st.composite
def objects(draw: st.DrawFn) -> str:
    """Draw an object point: keys in any case and order, missing, and others beside them."""
    keys = (
        draw(st.lists(st.sampled_from(["x", "y", "tooltip", "x1", "z"]), unique=True)) if draw(st.booleans()) else "xy"
    )
    value = {"x": times, "y": prices | junk, "tooltip": texts | junk, "x1": numbers, "z": junk}
    spell = draw(st.sampled_from([str, str.upper, str.title]))
    return _object([(spell(key), draw(value[key])) for key in keys], draw(blanks))


@st.composite
def arrays(draw: st.DrawFn) -> str:
    """Draw an array point of any length, with anything in it."""
    rest = draw(st.lists(prices | junk if draw(st.booleans()) else prices, max_size=6))
    return _array([draw(times), *rest], draw(blanks))


@st.composite
def regular(draw: st.DrawFn, price: st.SearchStrategy[str] = prices) -> str:
    """Draw points that all look alike, as nearly all series have them."""
    form = draw(st.sampled_from(["line", "candles", "objects"]))
    rows = draw(st.lists(st.tuples(instants, *[price] * (4 if form == "candles" else 1)), min_size=1, max_size=8))
    if form == "objects":
        return _array([f'{{"x":{x},"y":{y}}}' for x, y in rows], draw(blanks))
    return _array([_array(list(row), draw(blanks)) for row in rows], draw(blanks))


@st.composite
def mixtures(draw: st.DrawFn) -> str:
    """Draw points of every form side by side, in an array or in PHP's object for one."""
    items = draw(
        st.lists(st.one_of(arrays(), objects(), st.tuples(instants, prices).map(lambda p: f"[{p[0]},{p[1]}]"), junk))
    )
    if draw(st.integers(0, 5)):
        return _array(items, draw(blanks))
    keys = draw(st.lists(st.integers(0, 99).map(str), min_size=len(items), max_size=len(items), unique=True))
    return _object([*zip(keys, items, strict=True)], draw(blanks))


def content(columns: Columns) -> Expected:
    prices = tuple(price.tobytes() for price in columns.prices)
    return Expected(columns.time.tobytes(), prices, dict(columns.tooltips), columns.dropped)


@settings(max_examples=400)
@given(text=regular() | mixtures() | junk, candles=st.booleans())
def test_every_route_agrees_with_the_reference(text: str, candles: bool) -> None:
    values = text.encode()
    expected = reference(text, candles=candles)

    assert content(patient(values, candles=candles)) == expected
    for engine in ENGINES:
        assert content(read(values, candles=candles, engine=engine)) == expected


PLAIN = st.one_of(st.floats(-1e9, 1e9).map(repr), st.integers(-(2**53), 2**53).map(str), st.just("null"))


@pytest.mark.parametrize("engine", ENGINES)
@given(text=regular(PLAIN))
def test_regular_points_take_the_short_way(engine: Engine, text: str) -> None:
    assert table(text.encode(), engine) is not None


@given(text=regular() | mixtures(), candles=st.booleans())
def test_points_that_are_written_anew_are_the_same(text: str, candles: bool) -> None:
    first = read(text.encode(), candles=candles)
    again = read(first.as_json(), candles=candles)

    assert content(again) == content(first)._replace(dropped=0)
