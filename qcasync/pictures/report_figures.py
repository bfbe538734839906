"""Figures of a report beside the charts: how slippage is distributed, and how long orders took. Pure."""

import math
from collections.abc import Iterable
from typing import Any, Final

from qcasync.models.fill_quality import FillQuality
from qcasync.pictures._layout import FONT
from qcasync.pictures._palette import AREA_LINE, GRID, INK, MUTED, PAPER, ZERO
from qcasync.pictures.figures import Figure
from qcasync.pictures.report_bins import Bin, histogram, spans
from qcasync.pictures.report_formats import signed

_BAR: Final = 30
"""Pixels of a bar that lies, with the space around it."""


def slippage_figure(quality: FillQuality) -> Figure:
    """Draw how the slippage of prompt orders is distributed, in basis points. The bar at zero is "at the quote"."""
    bars = histogram(fill.slippage_bps for fill in quality.fills if not fill.rested)
    trace = {
        "type": "bar",
        "x": [each.middle for each in bars.bins],
        "y": [each.orders for each in bars.bins],
        "width": bars.width * 0.9,
        "marker": {"color": AREA_LINE.light},
        "text": [_span(each) for each in bars.bins],
        "textposition": "none",
        "hovertemplate": "%{text}<br>%{y:,} orders<extra></extra>",
    }
    layout = _layout(290, "Basis points; positive is worse than the quote", "Orders")
    layout["xaxis"] |= {"zeroline": True, "zerolinecolor": INK.light, "zerolinewidth": 1, "showgrid": False}
    return {"data": [trace], "layout": layout}


def time_figure(seconds: Iterable[float]) -> Figure:
    """Draw how long orders took from their submission to their last fill."""
    counted = spans(seconds)
    trace = {
        "type": "bar",
        "orientation": "h",
        "x": [count for _, count in counted],
        "y": [name for name, _ in counted],
        "marker": {"color": AREA_LINE.light},
        "text": [f"{count:,}" if count else "" for _, count in counted],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertemplate": "%{y}<br>%{x:,} orders<extra></extra>",
    }
    layout = _layout(70 + _BAR * max(len(counted), 1), "", "")
    layout["xaxis"] |= {"visible": False, "range": [0, 1.12 * max((count for _, count in counted), default=1)]}
    layout["yaxis"] |= {"type": "category", "autorange": "reversed", "showgrid": False, "ticks": "", "automargin": True}
    layout["bargap"] = 0.35
    layout["margin"] |= {"b": 8, "t": 8}
    return {"data": [trace], "layout": layout}


def _span(bar: Bin) -> str:
    if math.isinf(bar.low) and math.isinf(bar.high):
        return "all"
    if math.isinf(bar.low):
        return f"{signed(bar.high)} bps and better"
    if math.isinf(bar.high):
        return f"{signed(bar.low)} bps and worse"
    return f"{signed(bar.low)} to {signed(bar.high)} bps"


def _layout(height: int, across: str, up: str) -> dict[str, Any]:  # Plotly's JSON
    small = {"size": 11, "color": MUTED.light}
    axis: dict[str, Any] = {
        "gridcolor": GRID.light,
        "linecolor": ZERO.light,
        "zeroline": False,
        "tickfont": small,
        "automargin": True,
        "fixedrange": True,
    }
    return {
        "title": {"text": ""},
        "height": height,
        "margin": {"l": 12, "r": 16, "t": 10, "b": 40},
        "font": {"family": FONT, "size": 12, "color": INK.light},
        "paper_bgcolor": PAPER.light,
        "plot_bgcolor": PAPER.light,
        "showlegend": False,
        "hoverlabel": {"font": {"size": 12, "family": FONT, "color": INK.light}, "bgcolor": PAPER.light},
        "bargap": 0,
        "xaxis": axis | {"title": {"text": across, "font": small}, "showline": True},
        "yaxis": axis | {"title": {"text": up, "font": small}, "rangemode": "tozero", "nticks": 5},
    }
