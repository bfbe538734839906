"""Colours, each for a light and a dark page. Figures are made of the light ones; a page swaps them when it is dark.

Buy and sell are blue and vermilion of Okabe and Ito's palette, which people with any kind of colour blindness can tell
apart; the marks differ in shape, too. Everything else that is ours is grey, so that colour means something.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

_HEX: Final = re.compile("#[0-9A-Fa-f]{6}")
_LEAST_CONTRAST: Final = 3.0
"""What WCAG 2.2 asks of graphics (1.4.11)."""
_STEPS: Final = 20


class Shade(NamedTuple):
    """One colour on a light page and on a dark one."""

    light: str
    dark: str


PAPER: Final = Shade("#ffffff", "#15181c")
INK: Final = Shade("#1f2328", "#e4e7eb")
MUTED: Final = Shade("#59636e", "#9da7b3")
GRID: Final = Shade("#e8eaed", "#2a2f36")
ZERO: Final = Shade("#c3c9d0", "#454c55")
CANDLE: Final = Shade("#46515d", "#aeb8c4")
AREA_LINE: Final = Shade("#7d8894", "#8b96a3")
AREA: Final = Shade("rgba(125,136,148,0.22)", "rgba(139,150,163,0.26)")
BUY: Final = Shade("#0072b2", "#56b4e9")
SELL: Final = Shade("#d55e00", "#ff8c42")
SERIES: Final = (
    Shade("#3366a0", "#6ea8e0"),
    Shade("#b8620b", "#e9a14f"),
    Shade("#0f8a6a", "#45c1a0"),
    Shade("#8a4f9e", "#c492d6"),
    Shade("#7a6a00", "#cfc04a"),
    Shade("#a13d4b", "#e58b97"),
    Shade("#56616c", "#a7b1bc"),
)
"""For series without a colour of their own, in turn."""

_OURS: Final = (PAPER, INK, MUTED, GRID, ZERO, CANDLE, AREA_LINE, AREA, BUY, SELL, *SERIES)


def own_color(color: str | None) -> str | None:
    """A colour that the server gave, such that it is seen on white; None if it is no "#RRGGBB"."""
    return legible(color.lower(), PAPER.light) if color and _HEX.fullmatch(color) else None


def translucent(color: str, share: float) -> str:
    """A "#rrggbb" as "rgba(...)"."""
    red, green, blue = _channels(color)
    return f"rgba({red},{green},{blue},{share:g})"


def legible(color: str, paper: str) -> str:
    """A colour moved away from the paper's, as little as it takes to be seen on it."""
    goal = (0, 0, 0) if _luminance(paper) > 0.18 else (255, 255, 255)  # 0.18: as far from black as from white
    begin = _channels(color)
    for step in range(_STEPS):
        mixed = [round(old + (new - old) * step / _STEPS) for old, new in zip(begin, goal, strict=True)]
        found = "#" + "".join(f"{channel:02x}" for channel in mixed)
        if _contrast(found, paper) >= _LEAST_CONTRAST:
            return found
    return "#" + "".join(f"{channel:02x}" for channel in goal)


def darkened(figures: Iterable[object]) -> dict[str, str]:
    """What each colour of some figures becomes on a dark page."""
    found = {shade.light: shade.dark for shade in _OURS}
    for color in _colors(list(figures)):
        found.setdefault(color, legible(color, PAPER.dark))
    return found


def _colors(value: object) -> set[str]:
    """Every "#rrggbb" in the attributes of a figure. Texts of the data have other keys than colours."""
    found: set[str] = set()
    if isinstance(value, Mapping):
        for key, item in value.items():  # pyright: ignore[reportUnknownVariableType]  # Plotly's JSON
            if str(key).endswith(("color", "colors")) and isinstance(item, str):  # pyright: ignore[reportUnknownArgumentType]
                found |= {item} if _HEX.fullmatch(item) else set()
            elif str(key).endswith("colors") and isinstance(item, list):  # pyright: ignore[reportUnknownArgumentType]
                found |= {each for each in item if isinstance(each, str) and _HEX.fullmatch(each)}  # pyright: ignore[reportUnknownVariableType]
            elif isinstance(item, Mapping | list):
                found |= _colors(item)  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(value, list):
        for item in value:  # pyright: ignore[reportUnknownVariableType]
            if not isinstance(item, Mapping):
                continue
            found |= _colors(item)  # pyright: ignore[reportUnknownArgumentType]
    return found


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: str) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    red, green, blue = (_linear(channel / 255) for channel in _channels(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _channels(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
