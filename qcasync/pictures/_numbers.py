"""Numbers on axes and in labels: a dollar sign in front, thousands apart, as many digits as the range needs."""

import math
from collections.abc import Iterable
from typing import Any

from qcasync.pictures._text import label

_SMALL = 0.1
"""Ranges below it need more than two digits after the point."""
_TINY = 1e-4
"""Amounts and ranges below it need more than eight: some coins cost less than a millionth of a dollar."""
_MOST_PLACES = 20
"""More than that Plotly does not write."""


def axis_format(unit: str, values: Iterable[float | None]) -> dict[str, Any]:  # Plotly's JSON
    """How an axis writes its numbers, on its ticks and under the pointer.

    Args:
        unit: As the series tells it: "$", "%", "", or anything.
        values: What is drawn on the axis.
    """
    real = [value for value in values if value is not None]
    span = max(real) - min(real) if real else 0.0
    digits = 2 if span >= _SMALL or not real or max(map(abs, real)) == 0.0 else 8
    if 0.0 < span < _TINY:
        digits = min(max(3 - math.floor(math.log10(span)), 8), _MOST_PLACES)
    sign = "$" if unit == "$" else ""
    told: dict[str, Any] = {"tickformat": f"{sign},.{digits}~f", "hoverformat": f"{sign},.{max(digits, 2)}f"}
    if unit not in {"$", ""}:
        told["ticksuffix"] = label(unit if unit == "%" else f" {unit}", 12)
    return told


def amount(value: float, unit: str = "") -> str:
    """A number for a label, such as "$1,234.50" or "3.1 %"; not escaped.

    Args:
        value: The number.
        unit: "$", "%", a currency such as "EUR", or "".
    """
    size = abs(value)
    places = min(7 - math.floor(math.log10(size)), _MOST_PLACES) if 0.0 < size < _TINY else 8
    digits = f"{size:,.{places}f}".rstrip("0")
    whole, _, fraction = digits.partition(".")
    text = f"{whole}.{fraction:0<2}" if fraction or unit in {"$", "USD"} else whole
    sign = "\N{MINUS SIGN}" if value < 0 and text.strip("0.,") else ""
    if unit in {"$", "USD"}:
        return f"{sign}${text}"
    return f"{sign}{text}" + (f" {unit}" if unit else "")
