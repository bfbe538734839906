"""What counts as a point of a series. Only this place says so; `_tables` is a shortcut that leads to the same."""

import math
from array import array
from typing import Final, NamedTuple

import msgspec
from msgspec import UNSET, Raw, UnsetType

from qcasync.models._base import LAST_MOMENT
from qcasync.models._columns import Columns
from qcasync.models._tables import Engine, installed, table

__all__ = ["patient", "read"]


class _Row(msgspec.Struct, array_like=True, gc=False):
    """The first items of a point that is an array. msgspec skips what follows."""

    x: int | float | str
    y: float | None = 0.0
    high: float | None = None
    low: float | None = None
    close: float | UnsetType | None = UNSET


class _Point(NamedTuple):
    x: int
    prices: tuple[float, ...]
    tooltip: str | None = None


_REFUSED: Final = (msgspec.DecodeError, ValueError, RecursionError)
"""No such value, no such text, or nested too deeply. A point that cannot be read is dropped, whatever the reason."""

_ITEMS: Final[msgspec.json.Decoder[list[Raw] | dict[str, Raw]]] = msgspec.json.Decoder(list[Raw] | dict[str, Raw])
_ITEM: Final[msgspec.json.Decoder[_Row | dict[str, Raw]]] = msgspec.json.Decoder(_Row | dict[str, Raw])
_ROW: Final = msgspec.json.Decoder(_Row)
_TOOLTIP: Final = msgspec.json.Decoder(str)


def read(values: bytes, *, candles: bool, engine: Engine | None = None) -> Columns:
    """Read the points of a series, by the rules of `patient`.

    Args:
        values: Its values. They must be valid JSON.
        candles: Whether the series is drawn as candles.
        engine: What to use for regular points; whatever is installed by default.
    """
    regular = table(values, engine or installed())
    if regular is None:
        return patient(values, candles=candles)
    time, prices = regular
    return Columns(time, prices * 4 if candles and len(prices) == 1 else prices, {}, 0)


def patient(values: bytes, *, candles: bool) -> Columns:
    """Read the points of a series one by one.

    - The points are the items of an array, or of an object whose keys are numbers: PHP writes both. Other JSON has
      none.
    - A point is an array, or an object with the keys `x`, `y` and `tooltip` in any case, which is the point `[x, y]`.
    - An array of five items or more is a candle, `[t, o, h, l, c]`; what follows is ignored. A shorter one is a plain
      point, `[x, y]`. In Lean a missing y is 0.
    - The time is a number, cut to whole seconds, or text of digits, and lies in the years from 1970 to 9999.
    - The rest, as far as the fifth item, are numbers that a float can hold, or null for a gap.
    - Anything else is dropped: a price that is text, as in Lean, or a time that is null.
    - The series has candles if it is drawn so, or if any of its points is one. Then a plain point is a candle of four
      equal prices, as Lean reads it, and has no tooltip.

    Args:
        values: Its values. They must be valid JSON.
        candles: Whether the series is drawn as candles.
    """
    items = _items(values)
    points = [point for point in map(_point, items) if point is not None]
    if candles or any(len(point.prices) > 1 for point in points):
        columns = [[(point.prices * 4)[price] for point in points] for price in range(4)]
        tooltips: dict[int, str] = {}
    else:
        columns = [[point.prices[0] for point in points]]
        tooltips = {at: point.tooltip for at, point in enumerate(points) if point.tooltip is not None}
    time = array("q", [point.x for point in points]).tobytes()
    prices = tuple(array("d", column).tobytes() for column in columns)
    return Columns(time, prices, tooltips, len(items) - len(points))


def _items(values: bytes) -> list[Raw]:
    try:
        told = _ITEMS.decode(values)
    except _REFUSED:
        return []
    if isinstance(told, dict):
        return list(told.values()) if all(map(str.isdigit, told)) else []
    return told


def _point(item: Raw) -> _Point | None:
    tooltip = None
    try:
        row = _ITEM.decode(item)
        if isinstance(row, dict):
            told = {key.lower(): value for key, value in row.items()}
            row = _ROW.decode(b"[%b,%b]" % (told.get("x", b"null"), told.get("y", b"0")))
            tooltip = told.get("tooltip")
        x = _instant(row.x)
    except _REFUSED:
        return None
    prices = (row.y,) if row.close is UNSET else (row.y, row.high, row.low, row.close)
    return _Point(x, tuple(math.nan if price is None else price for price in prices), _text(tooltip))


def _instant(told: float | str) -> int:
    if isinstance(told, str) and not (told.isascii() and told.isdigit()):
        raise ValueError(told)  # int() takes more than digits
    x = int(told)
    if not 0 <= x <= LAST_MOMENT:
        raise ValueError(x)
    return x


def _text(tooltip: Raw | None) -> str | None:
    try:
        return None if tooltip is None else _TOOLTIP.decode(tooltip)
    except _REFUSED:
        return None
