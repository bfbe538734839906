"""Points that all look alike, read as one table of numbers. Whatever gives rise to a doubt is left to `_points`.

Without its digits, the JSON of such points is a skeleton, such as `[[,],[,]]`, that has no room for anything else: if
the skeleton is the expected one, each gap in it holds exactly one number, and the brackets say no more.
"""

import math
from array import array
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, Final, NamedTuple

import msgspec

from qcasync.models._base import LAST_MOMENT
from qcasync.models._columns import FloatColumn

__all__ = ["Engine", "Table", "installed", "table"]

_OF_NUMBERS: Final = b"0123456789.-+eE \t\r\n"
_ROWS: Final = {2: b"[,]", 5: b"[,,,,]"}
_BRACKETS: Final = bytes.maketrans(b"[]", b"  ")
_FLOATS: Final = msgspec.json.Decoder(list[float])

_IDLE: Final[list[Any]] = []
"""Parsers that no thread uses. To take one from a list, and to put it back, is atomic."""
_WORTH_KEEPING: Final = 4_000_000
"""A parser keeps memory for the longest text that it has seen."""

_NULLS: Final = bytes.maketrans(b"nul", b"9e9")
_GAP: Final = 9e99
"""What is read for null, which parsers of numbers do not take. No price is that high: .NET's decimals end at 7.9e28."""


class Engine(NamedTuple):
    """What makes tables faster, as far as it is there. It never changes a bit of what is read.

    Attributes:
        numpy: Parts the columns.
        simdjson: Parses the numbers.
    """

    numpy: ModuleType | None = None
    simdjson: ModuleType | None = None


class Table(NamedTuple):
    """The columns of a table, as bytes: 64-bit integers for the time, 64-bit floats for each price."""

    time: bytes
    prices: tuple[bytes, ...]


@cache
def installed() -> Engine:
    """Return what is installed. It is imported here, on first use: who looks at no chart need not wait for NumPy."""
    return Engine(_module("numpy"), _module("simdjson"))


def table(values: bytes, engine: Engine) -> Table | None:
    """Return the points `[x, y]`, `[t, o, h, l, c]` or `{"x":..,"y":..}` of a series as columns, None if in doubt.

    In doubt are: points of several lengths or none, times that are not instants, numbers that a float cannot hold, and
    anything that is not a number or null.

    Args:
        values: Valid JSON.
        engine: What to use.
    """
    text = values
    if b"{" in text:  # looking for one byte costs nothing, for five a fourth of the whole
        text = text.replace(b'{"x":', b"[").replace(b'"y":', b"").replace(b"}", b"]")
    skeleton = text.translate(None, _OF_NUMBERS)
    nulls = skeleton.count(b"n")
    if nulls:
        text, skeleton = text.translate(_NULLS), skeleton.translate(None, b"nul")
    width = _width(skeleton)
    numbers = _numbers(text, engine) if width else None
    if numbers is None:
        return None
    return _part(numbers, width, nulls) if engine.numpy is None else _part_arrays(engine.numpy, numbers, width, nulls)


def _width(skeleton: bytes) -> int:
    for width, row in _ROWS.items():
        points = len(skeleton) // (len(row) + 1)
        if points and skeleton == b"[%b]" % ((row + b",") * points)[:-1]:
            return width
    return 0


def _numbers(text: bytes, engine: Engine) -> FloatColumn | None:
    """Return all numbers of the text in their order."""
    try:
        if engine.simdjson is None:
            found: Any = array("d", _FLOATS.decode(b"[%b]" % text.translate(_BRACKETS)))
        else:
            found = _parse(engine.simdjson, text)
    except (msgspec.ValidationError, ValueError, RuntimeError):  # beyond a float; simdjson also: beyond 64 bits
        return None
    return memoryview(found).cast("B").cast("d")


def _parse(simdjson: Any, text: bytes) -> Any:
    # Threads may not share a parser while it is in use. A new one each time would be as fast, but what it leaves behind
    # in the heap adds up: columns of 26 MB of charts would take half as much memory again.
    try:
        parser = _IDLE.pop()
    except IndexError:
        parser = simdjson.Parser()
    found = parser.parse(text).as_buffer(of_type="d")
    if len(text) <= _WORTH_KEEPING:
        _IDLE.append(parser)
    return found


def _part(numbers: FloatColumn, width: int, nulls: int) -> Table | None:
    times = list(numbers[::width])
    if min(times) < 0 or max(times) > LAST_MOMENT:
        return None
    prices: Sequence[FloatColumn] = [numbers[column::width] for column in range(1, width)]
    if nulls:
        if list(numbers).count(_GAP) != nulls:
            return None
        prices = [memoryview(array("d", [math.nan if y == _GAP else y for y in price])) for price in prices]
    return Table(array("q", list(map(math.trunc, times))).tobytes(), tuple(price.tobytes() for price in prices))


def _part_arrays(numpy: Any, numbers: FloatColumn, width: int, nulls: int) -> Table | None:
    rows = numpy.frombuffer(numbers).reshape(-1, width)
    times = rows[:, 0]
    if times.min() < 0 or times.max() > LAST_MOMENT:
        return None
    if nulls:
        gaps = rows == _GAP
        if numpy.count_nonzero(gaps) != nulls:
            return None
        rows = numpy.where(gaps, math.nan, rows)
    return Table(times.astype("int64").tobytes(), tuple(rows[:, column].tobytes() for column in range(1, width)))


def _module(name: str) -> ModuleType | None:
    try:
        return import_module(name)
    except ImportError:
        return None
