"""Panes one above the other, with one time axis for all of them that have times."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from qcasync.pictures._numbers import axis_format
from qcasync.pictures._palette import GRID, INK, MUTED, PAPER, ZERO
from qcasync.pictures._traces import Trace

FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', 'DejaVu Sans', Arial, sans-serif"

_TALL: Final = 320
_SHORT: Final = 120
_BETWEEN: Final = 34
"""Pixels above each pane, where its name stands."""
_TOP: Final = 60
_BOTTOM: Final = 84


@dataclass
class Pane:
    """A part of a picture.

    Attributes:
        name: What stands above it, as a label.
        traces: What is drawn in it.
        units: The unit of each trace; two units have an axis each, on either side.
        rows: Of a heatmap, the rows' labels.
        tall: Whether it is one of those that matter most.
        legend: Whether its traces are in the legend, because its name does not tell them apart.
    """

    name: str
    traces: list[Trace]
    units: list[str] = field(default_factory=list[str])
    rows: list[str] = field(default_factory=list[str])
    tall: bool = True
    legend: bool = True

    @property
    def has_time(self) -> bool:
        """Whether it shares the time axis."""
        return all("x" in trace for trace in self.traces)


def lay_out(title: str, panes: Sequence[Pane], *, legend: bool = True) -> dict[str, Any]:  # Plotly's JSON
    """Put panes into a figure.

    Args:
        title: As a label.
        panes: From top to bottom.
        legend: Whether to show one, if anything is in it.
    """
    heights = [_TALL if pane.tall else _SHORT for pane in panes]
    inner = sum(heights) + _BETWEEN * max(len(panes) - 1, 0)
    layout = _base(title, inner + _TOP + _BOTTOM)
    data: list[Trace] = []
    top = inner
    axes = 0
    for pane, pixels in zip(panes, heights, strict=True):
        domain = [round((top - pixels) / inner, 6), round(top / inner, 6)]
        layout["annotations"].append(_heading(pane.name, domain[1]))
        if pane.has_time:
            axes = _add_timed(layout, pane, domain, axes)
        else:
            for trace in pane.traces:
                trace["domain"] = {"x": [0, 1], "y": domain}
        data += pane.traces
        top -= pixels + _BETWEEN
    layout["showlegend"] = legend and any(trace.get("showlegend") for trace in data)
    return {"data": data, "layout": layout}


def _add_timed(layout: dict[str, Any], pane: Pane, domain: list[float], axes: int) -> int:
    """Give a pane its value axes, and hang the time axis below it. Returns how many axes there are now."""
    first = axes + 1
    names: dict[str, str] = {}
    for trace, unit in zip(pane.traces, pane.units, strict=True):
        if unit not in names:
            if len(names) < 2:
                axes += 1
                names[unit] = _axis("y", axes)
                layout["yaxis" + names[unit][1:]] = _value_axis(pane, unit, domain, names, first)
            else:  # a third unit has no side left
                names[unit] = _axis("y", first)
        trace |= {"xaxis": "x", "yaxis": names[unit], "showlegend": pane.legend}
        if "colorbar" in trace:
            trace["colorbar"] |= {"y": sum(domain) / 2, "len": domain[1] - domain[0]}
    layout["xaxis"] |= {"anchor": _axis("y", first), "visible": True}
    return axes


def _value_axis(pane: Pane, unit: str, domain: list[float], names: dict[str, str], first: int) -> dict[str, Any]:
    values = [
        value for trace, its in zip(pane.traces, pane.units, strict=True) if its == unit for value in _values(trace)
    ]
    axis: dict[str, Any] = {
        "domain": domain,
        "gridcolor": GRID.light,
        "zerolinecolor": ZERO.light,
        "zerolinewidth": 1,
        "linecolor": ZERO.light,
        "tickfont": {"size": 11, "color": MUTED.light},
        "automargin": True,
        "tickmode": "auto",
        "nticks": 6 if pane.tall else 4,
        "fixedrange": False,
    }
    if pane.rows:
        ticks = {"tickmode": "array", "tickvals": [str(at) for at in range(len(pane.rows))], "ticktext": pane.rows}
        return axis | {"type": "category", "showgrid": False, "autorange": "reversed", **ticks}
    axis |= axis_format(unit, values)
    if len(names) > 1:
        axis |= {"overlaying": _axis("y", first), "side": "right", "showgrid": False, "zeroline": False}
    return axis


def _values(trace: Trace) -> list[float | None]:
    return [*trace["low"], *trace["high"]] if "low" in trace else trace.get("y", [])


def _base(title: str, height: int) -> dict[str, Any]:
    return {
        "title": {"text": title, "x": 0, "xref": "container", "xanchor": "left", "pad": {"l": 12}, "y": 0.98,
                  "yref": "container", "yanchor": "top", "font": {"size": 17, "color": INK.light}},
        "height": height,
        "margin": {"l": 12, "r": 16, "t": _TOP, "b": _BOTTOM},
        "font": {"family": FONT, "size": 12, "color": INK.light},
        "paper_bgcolor": PAPER.light,
        "plot_bgcolor": PAPER.light,
        "hovermode": "closest",
        "hoverlabel": {"font": {"size": 12, "family": FONT, "color": INK.light}, "bgcolor": PAPER.light,
                       "bordercolor": ZERO.light, "align": "left"},
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 0, "yref": "container", "yanchor": "bottom",
                   "font": {"size": 12, "color": INK.light}, "bgcolor": "rgba(0,0,0,0)", "traceorder": "normal"},
        "uniformtext": {"minsize": 11, "mode": "hide"},
        "bargap": 0.2,
        "barmode": "group",
        "dragmode": "zoom",
        "annotations": [],
        "yaxis": {"visible": False},
        "xaxis": {
            "type": "date",
            "visible": False,
            "gridcolor": GRID.light,
            "linecolor": ZERO.light,
            "showline": True,
            "ticks": "outside",
            "tickcolor": ZERO.light,
            "ticklen": 4,
            "tickfont": {"size": 11, "color": MUTED.light},
            "hoverformat": "%Y-%m-%d %H:%M:%S UTC",
            "rangeslider": {"visible": False},
            "title": {"text": "Time (UTC)", "font": {"size": 11, "color": MUTED.light}, "standoff": 6},
            "automargin": True,
            "nticks": 7,
        },
    }  # fmt: skip


def _heading(name: str, top: float) -> dict[str, Any]:
    return {
        "text": name,
        "xref": "paper",
        "yref": "paper",
        "x": 0,
        "y": top,
        "xanchor": "left",
        "yanchor": "bottom",
        "yshift": 3,
        "showarrow": False,
        "font": {"size": 12, "color": MUTED.light},
    }


def _axis(letter: str, number: int) -> str:
    return letter if number == 1 else f"{letter}{number}"
