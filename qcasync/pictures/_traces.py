"""A series becomes a trace of Plotly's, by its type. Series that are drawn together stand in `_groups`."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from qcasync.models.charts import Series
from qcasync.models.enums import ScatterMarkerSymbol, SeriesType
from qcasync.pictures._palette import CANDLE, PAPER
from qcasync.pictures._points import Points, candles, milliseconds, plain, points
from qcasync.pictures._text import label
from qcasync.pictures._thinning import bar_points, joined, line_points

Trace: TypeAlias = dict[str, Any]  # Plotly's JSON: its schema has thousands of attributes

_HOVER: Final = "%{y}<br>%{x|%Y-%m-%d %H:%M:%S} UTC"
_TOOLTIP: Final = 200
_NAMED: Final = 40
"""Up to so many flags have their text beside them."""

_SYMBOLS: Final = {
    ScatterMarkerSymbol.CIRCLE: "circle",
    ScatterMarkerSymbol.SQUARE: "square",
    ScatterMarkerSymbol.DIAMOND: "diamond",
    ScatterMarkerSymbol.TRIANGLE: "triangle-up",
    ScatterMarkerSymbol.TRIANGLE_DOWN: "triangle-down",
}


def trace(series: Series, color: str) -> Trace:
    """Draw one series over time. A type that nobody has named yet is drawn as a line."""
    return {"name": label(series.name), **_DRAWN.get(series.series_type, _line)(series, color)}


def line(drawn: Points, color: str, *, width: float = 1.6) -> Trace:
    """A line through points. It breaks at gaps; a point between two gaps is a dot."""
    drawn = drawn.at(line_points(drawn.values))
    dots = [5 if alone else 0 for alone in _alone(drawn.values)]
    told: Trace = {
        "type": "scatter",
        "mode": "lines",
        **_columns(drawn),
        "line": {"color": color, "width": width},
        "hovertemplate": f"{_HOVER}<extra>%{{fullData.name}}</extra>",
    }
    if any(dots):
        told |= {"mode": "lines+markers", "marker": {"color": color, "size": dots, "opacity": 1}}
    return told


def _line(series: Series, color: str) -> Trace:
    drawn = points(series)
    told = line(drawn, color)
    symbol = _SYMBOLS.get(series.scatter_marker_symbol) if series.scatter_marker_symbol else None
    if symbol and len(drawn.time) <= _FEW:
        told |= {"mode": "lines+markers", "marker": {"color": color, "symbol": symbol, "size": 7}}
    return _with_tooltips(told, series, drawn.at(line_points(drawn.values)).texts)


def _scatter(series: Series, color: str) -> Trace:
    drawn = points(series)
    drawn = drawn.at(line_points(drawn.values))
    symbol = _SYMBOLS.get(series.scatter_marker_symbol, "circle") if series.scatter_marker_symbol else "circle"
    told: Trace = {
        "type": "scatter",
        "mode": "markers",
        **_columns(drawn),
        "marker": {"color": color, "symbol": symbol, "size": 7, "line": {"color": PAPER.light, "width": 0.6}},
        "hovertemplate": f"{_HOVER}<extra>%{{fullData.name}}</extra>",
    }
    return _with_tooltips(told, series, drawn.texts)


def _flag(series: Series, color: str) -> Trace:
    told = _scatter(series, color)
    told["marker"] |= {"symbol": "triangle-right", "size": 11}
    if "text" in told and len(told["x"]) <= _NAMED:
        told |= {"mode": "markers+text", "textposition": "top center", "textfont": {"size": 11}}
    return told


def _candle(series: Series, color: str) -> Trace:
    found = candles(series)
    if found is None:
        return _line(series, color)
    ink = color if series.color else CANDLE.light
    time, *prices = joined(found)
    return {
        "type": "candlestick",
        "x": milliseconds(time),
        **{name: plain(column) for name, column in zip(("open", "high", "low", "close"), prices, strict=True)},
        "increasing": {"line": {"color": ink, "width": 1}, "fillcolor": PAPER.light},
        "decreasing": {"line": {"color": ink, "width": 1}, "fillcolor": ink},
    }


def _bar(series: Series, color: str) -> Trace:
    drawn = points(series)
    drawn = drawn.at(bar_points(drawn.values))
    steps = sorted(after - before for before, after in itertools.pairwise(drawn.time) if after > before)
    told: Trace = {
        "type": "bar",
        **_columns(drawn),
        "marker": {"color": color, "line": {"width": 0}},
        "hovertemplate": f"{_HOVER}<extra>%{{fullData.name}}</extra>",
    }
    if steps:  # Plotly takes the smallest step, and one irregular point would make all bars invisible
        told["width"] = steps[len(steps) // 2] * 800
    return _with_tooltips(told, series, drawn.texts)


def beside(bars: Sequence[Trace]) -> None:
    """Put the bars of a pane side by side. Upon each other, or behind, their values could not be read off the axis."""
    widths = [each["width"] for each in bars if "width" in each]
    if len(bars) < 2 or not widths:
        return
    width = min(widths) / len(bars)
    for at, each in enumerate(bars):
        each |= {"width": width, "offset": width * (at - len(bars) / 2)}


def _columns(drawn: Points) -> Trace:
    return {"x": milliseconds(drawn.time), "y": plain(drawn.values)}


def _with_tooltips(told: Trace, series: Series, texts: Mapping[int, str]) -> Trace:
    common = label(series.tooltip, _TOOLTIP) if series.tooltip else ""
    if not texts and not common:
        return told
    size = len(told["x"])
    told["text"] = [label(texts[at], _TOOLTIP) if at in texts else common for at in range(size)]
    told["hovertemplate"] = f"{_HOVER}<br>%{{text}}<extra>%{{fullData.name}}</extra>"
    return told


def _alone(values: Sequence[float]) -> list[bool]:
    """Whether each point has gaps, or nothing, on both sides."""
    gaps = [True, *map(math.isnan, values), True]
    return [not gaps[at] and gaps[at - 1] and gaps[at + 1] for at in range(1, len(gaps) - 1)]


_FEW: Final = 500
"""Lines of more points have no markers on them: they would hide the line."""

_DRAWN: Final[Mapping[SeriesType, Callable[[Series, str], Trace]]] = {
    SeriesType.LINE: _line,
    SeriesType.SCATTER: _scatter,
    SeriesType.CANDLE: _candle,
    SeriesType.BAR: _bar,
    SeriesType.FLAG: _flag,
    SeriesType.SCATTER_3D: _scatter,  # a point has a time and a value, on the wire too: there is no third dimension
}
