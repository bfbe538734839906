"""Tables: which texts take the short way, and that every engine reads them alike."""

import math
from array import array
from importlib.util import find_spec
from struct import pack

import pytest

from qcasync.models._columns import Columns
from qcasync.models._points import patient, read
from qcasync.models._tables import Engine, Table, _module, installed, table

FULL = installed()
ENGINES = [
    pytest.param(Engine(numpy, simdjson), id=f"numpy={numpy is not None}-simdjson={simdjson is not None}")
    for numpy in dict.fromkeys((None, FULL.numpy))
    for simdjson in dict.fromkeys((None, FULL.simdjson))
]
NAN = math.nan


def columns(times: list[int], *prices: list[float]) -> Table:
    return Table(array("q", times).tobytes(), tuple(array("d", price).tobytes() for price in prices))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (b"[[60,1.5]]", columns([60], [1.5])),
        (b"[[60,1.5],[120,-2E+3]]", columns([60, 120], [1.5, -2000.0])),
        (b" [ [60, 1.5],\r\n\t[120 ,2 ] ] ", columns([60, 120], [1.5, 2.0])),
        (b"[[60,null],[120,2]]", columns([60, 120], [NAN, 2.0])),
        (b"[[60,1,2,3,4],[120,5,6,7,8]]", columns([60, 120], [1, 5], [2, 6], [3, 7], [4, 8])),
        (b"[[60,1,null,3,4]]", columns([60], [1], [NAN], [3], [4])),
        (b'[{"x":60,"y":1.5},{"x":120,"y":null}]', columns([60, 120], [1.5, NAN])),
        (b'[{"x": 60 , "y": 1.5}, [120,2]]', columns([60, 120], [1.5, 2.0])),
        (b"[[60.0,1],[1.2e2,2],[180.9,3],[-0.0,4]]", columns([60, 120, 180, 0], [1, 2, 3, 4])),
        (b"[[253402300799,1]]", columns([253402300799], [1])),
        (b"[[0,-0],[1,-0.0],[2,-0e5]]", columns([0, 1, 2], [0.0, -0.0, -0.0])),
        (b"[[0,9007199254740993],[1,18446744073709551615]]", columns([0, 1], [2.0**53, 2.0**64])),
        (
            b"[[0,4.9e-324],[1,2e-400],[2,1.7976931348623157e308]]",
            columns([0, 1, 2], [5e-324, 0.0, 1.7976931348623157e308]),
        ),
        (b"[[0,9e99]]", columns([0], [9e99])),
    ],
)
def test_points_that_look_alike_are_a_table(values: bytes, expected: Table, engine: Engine) -> None:
    assert table(values, engine) == expected
    assert patient(values, candles=False) == Columns(*expected, {}, 0)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "values",
    [
        b"[]",
        b"{}",
        b"7",
        b"null",
        b'"[[60,1]]"',
        b"[60,1]",
        b"[[[60,1]]]",
        b"[[]]",
        b"[[60]]",
        b"[[60,1],[120]]",
        b"[[60,1,2]]",
        b"[[60,1,2,3],[120]]",
        b"[[60,1],[120,1,2,3,4]]",
        b"[[60,1],[]]",
        b"[[60,1],null]",
        b"[[null,1]]",
        b"[[-1,1]]",
        b"[[253402300800,1]]",
        b'[["60",1]]',
        b'[[60,"1"]]',
        b'[[60,"null"]]',
        b"[[60,true]]",
        b"[[60,[1]]]",
        b'{"0":[60,1]}',
        b'{"x":60,"y":1}',
        b'[{"y":60,"x":1}]',
        b'[{"x":60,"y":1,"tooltip":"t"}]',
        b'[{"x":60}]',
        b'[{"x1":60,"y":1}]',
        b'[{"x":60,"y2":1}]',
        b'[{"ex":60,"y":1}]',
        b'[{"x":60,"null":1}]',
        b'[{"x":60,"y":"}"}]',
        b'[{"x":60,"y":{"x":60,"y":1}}]',
        b"[[60,9e99],[120,null]]",
        b"[[60,90E+98],[120,null]]",
        b"[[60,1e400]]",
        b"[[60,1" + 400 * b"0" + b"]]",
    ],
)
def test_whoever_is_in_doubt_says_so(values: bytes, engine: Engine) -> None:
    assert table(values, engine) is None
    for candles in (False, True):
        assert read(values, candles=candles, engine=engine) == patient(values, candles=candles)


@pytest.mark.parametrize("engine", ENGINES)
def test_integers_beyond_64_bits_are_no_surprise(engine: Engine) -> None:
    values = b"[[0,18446744073709551616],[1,-100000000000000000000000000001]]"
    found = read(values, candles=False, engine=engine)
    assert found.prices[0].tobytes() == pack("=2d", 2.0**64, -1e29)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_kind_of_a_series_makes_candles_of_a_table(engine: Engine) -> None:
    values = b"[[60,1.5],[120,null]]"
    assert read(values, candles=True, engine=engine) == patient(values, candles=True)
    assert len(read(values, candles=True, engine=engine).prices) == 4


def test_what_is_installed_is_used() -> None:
    assert [engine is not None for engine in FULL] == [find_spec(name) is not None for name in ("numpy", "simdjson")]
    assert _module("no_such_module") is None


def test_what_is_not_installed_is_done_without() -> None:
    assert table(b"[[60,1.5]]", Engine()) == columns([60], [1.5])
    assert read(b"[[60,1.5]]", candles=False, engine=Engine()).time.tolist() == [60]


def test_columns_compare_with_columns_only() -> None:
    assert Columns(b"", (b"",), {}, 0) != b""
    assert Columns(b"", (b"",), {}, 0) == Columns(b"", (b"",), {}, 0)
