"""How numbers, times and texts of a report are written. A sign always tells what is negative; colour only repeats it.

Whatever comes from the server is text: what steers a screen becomes its escape here, and the template escapes HTML.
"""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, TypeAlias

from qcasync.models.enums import OpenEnum
from qcasync.pictures._text import shown

NOTHING: Final = "\N{EN DASH}"
"""Stands for what is not known, and for what is no float: a share of 1e307 in percent."""

Write: TypeAlias = Callable[[float | None], str]
"""Writes a number; what is not known as `NOTHING`."""

_LARGE: Final = 1e15
_STEPS: Final = ((120.0, 1.0, "s"), (7200.0, 60.0, "min"), (172_800.0, 3600.0, "h"), (math.inf, 86_400.0, "d"))


def number(value: float | None, digits: int = 2) -> str:
    """A number with thousands apart and a real minus."""
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{value:,.{digits}f}" if abs(value) < _LARGE else f"{value:.4g}"
    return _with_minus(text)


def signed(value: float | None, digits: int = 2) -> str:
    """The same, with a plus before what is positive."""
    return _with_plus(number(value, digits))


def money(value: float | None, currency_sign: str, digits: int = 2) -> str:
    """An amount behind the sign of its currency, and that behind the minus."""
    return _behind(currency_sign, number(value, digits))


def price_in(value: float | None, currency_sign: str) -> str:
    """A price, likewise."""
    return _behind(currency_sign, price(value))


def signed_price(value: float | None) -> str:
    """A difference of prices: with its sign, and up to six digits after the point."""
    return _with_plus(price(value))


def percent(share: float | None, digits: int = 1) -> str:
    """A share in percent: 0.123 as "12.3 %"."""
    return with_unit(number(None if share is None else share * 100, digits), "%")


def signed_percent(share: float | None, digits: int = 2) -> str:
    """The same with a sign."""
    return with_unit(signed(None if share is None else share * 100, digits), "%")


def with_unit(text: str, unit: str) -> str:
    """A number and its unit, which stay on one line."""
    return text if text == NOTHING else f"{text}\N{NO-BREAK SPACE}{unit}"


def price(value: float | None) -> str:
    """A price: two digits after the point, up to six where it has them."""
    if value is None or not math.isfinite(value) or abs(value) >= _LARGE:
        return number(value)
    whole, _, fraction = f"{value:,.6f}".partition(".")
    return _with_minus(f"{whole}.{fraction.rstrip('0'):0<2}")


def quantity(value: float | None) -> str:
    """A quantity: digits after the point only where it has them."""
    if value is None or not math.isfinite(value) or abs(value) >= _LARGE:
        return number(value)
    return _with_minus(f"{value:,.8f}".rstrip("0").rstrip("."))


def moment(at: datetime | None) -> str:
    """A moment, to the second, in UTC."""
    return NOTHING if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def duration(seconds: float | None) -> str:
    """About how long: "0.4 s", "12 min", "3.1 d"."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    size, unit = next((size, unit) for most, size, unit in _STEPS if seconds < most)
    told = seconds / size
    return with_unit(number(told, 1 if told < 10 else 0), unit)


def name(value: OpenEnum | None) -> str:
    """A member's name as people write it; the server's own value if nobody has named it yet."""
    if value is None:
        return NOTHING
    return shown(value.name.replace("_", " ").lower() if value.is_known else value.value)


def _with_minus(text: str) -> str:
    """A formatted number with a real minus, and without one where only zeros are left."""
    if not text.strip("-0.,"):
        return text.lstrip("-")
    return text.replace("-", "\N{MINUS SIGN}", 1) if text.startswith("-") else text


def _with_plus(text: str) -> str:
    """A formatted number with a plus, unless it is negative, or only zeros are left."""
    return f"+{text}" if text.strip("0.,") and text[0].isdigit() else text


def _behind(currency_sign: str, text: str) -> str:
    told = shown(currency_sign, 4)
    minus = "\N{MINUS SIGN}"
    if text == NOTHING:
        return text
    return f"{minus}{told}{text[1:]}" if text.startswith(minus) else f"{told}{text}"


def sign(value: float | None) -> str:
    """The class of a cell: "up", "down" or ""."""
    if value is None or not math.isfinite(value) or value == 0:
        return ""
    return "up" if value > 0 else "down"
