"""Series that are drawn together: stacked areas, pies, treemaps, heatmaps."""

import bisect
import itertools
import math
from collections.abc import Sequence
from typing import Final

from qcasync.models.charts import Series
from qcasync.pictures._numbers import amount
from qcasync.pictures._palette import MUTED, PAPER, SERIES, own_color, translucent
from qcasync.pictures._points import Points, last_value, milliseconds, plain, points
from qcasync.pictures._text import label
from qcasync.pictures._traces import Trace

_TIMES: Final = 1_500


def areas(series: Sequence[Series], colors: Sequence[str], group: str) -> list[Trace]:
    """Areas upon each other. They share their times, and a gap counts as 0."""
    drawn = [points(each) for each in series]
    times = sorted({moment for each in drawn for moment in each.time})
    times = [times[at] for at in _spread(len(times), _TIMES)]
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "name": label(each.name),
            "x": milliseconds(times),
            "y": _held(found, times),
            "stackgroup": group,
            "line": {"color": color, "width": 1},
            "fillcolor": translucent(color, 0.55),
            "hovertemplate": "%{y}<br>%{x|%Y-%m-%d %H:%M:%S} UTC<extra>%{fullData.name}</extra>",
        }
        for each, found, color in zip(series, drawn, colors, strict=True)
    ]


def pie(series: Sequence[Series], colors: Sequence[str]) -> Trace:
    """A slice for each series, of the size of its last value."""
    shares = _shares(series, colors)
    return {
        "type": "pie",
        "sort": False,
        "textinfo": "label+percent",
        "hole": 0.45,
        "showlegend": False,
        **shares,
        "labels": _told_apart(shares["labels"]),
    }


def treemap(series: Sequence[Series], colors: Sequence[str]) -> Trace:
    """A tile for each series, of the size of its last value."""
    shares = _shares(series, colors)
    return {
        "type": "treemap",
        "parents": [""] * len(series),
        "textinfo": "label+text",
        "textfont": {"color": PAPER.light},
        "tiling": {"pad": 2},
        "pathbar": {"visible": False},
        **shares,
        "ids": [str(at) for at in range(len(series))],
    }


def heatmap(series: Sequence[Series]) -> Trace:
    """A row for each series, a column for each time."""
    drawn = [points(each) for each in series]
    times = sorted({moment for each in drawn for moment in each.time})
    edges = [times[at] for at in _spread(len(times), _TIMES)]
    return {
        "type": "heatmap",
        "x": milliseconds(edges),
        "y": [str(at) for at in range(len(series))],
        "z": [_cells(each, edges) for each in drawn],
        "customdata": [[label(each.name)] * len(edges) for each in series],
        "colorscale": "Cividis",
        "hoverongaps": False,
        "xgap": 0,
        "ygap": 1,
        "colorbar": {"thickness": 10, "outlinewidth": 0, "nticks": 4, "tickfont": {"size": 11, "color": MUTED.light}},
        "hovertemplate": "%{customdata}: %{z:,}<br>%{x|%Y-%m-%d %H:%M:%S} UTC<extra></extra>",
    }


def group_colors(series: Sequence[Series]) -> list[str]:
    """The colour of each series: its own, or ours in turn."""
    return [own_color(each.color) or SERIES[at % len(SERIES)].light for at, each in enumerate(series)]


def _shares(series: Sequence[Series], colors: Sequence[str]) -> Trace:
    # Sizes cannot be negative. What it says is the value as it is.
    values = [last_value(each) or 0.0 for each in series]
    return {
        "labels": [label(each.name) for each in series],
        "values": [abs(value) for value in values],
        "text": [label(amount(value, each.unit)) for value, each in zip(values, series, strict=True)],
        "marker": {"colors": list(colors), "line": {"color": PAPER.light, "width": 1}},
        "hovertemplate": "%{label}<br>%{text}<extra></extra>",
    }


def _told_apart(names: Sequence[str]) -> list[str]:
    """Names, numbered where they repeat: Plotly makes one slice of those that are named alike."""
    found: dict[str, None] = {}
    for name in names:
        numbered = (f"{name} ({number})" for number in itertools.count(2))
        found[next(each for each in itertools.chain([name], numbered) if each not in found)] = None
    return list(found)


def _held(found: Points, times: Sequence[int]) -> list[float]:
    """Its values at the times of all: straight between its points, 0 at a gap and outside of its stretch."""
    values: list[float] = []
    for moment in times:
        after = bisect.bisect_right(found.time, moment)
        if after == 0 or (after == len(found.time) and found.time[-1] < moment):
            values.append(0.0)
            continue
        value = found.values[after - 1]
        if after < len(found.time) and not math.isnan(found.values[after]):
            low, high = found.time[after - 1], found.time[after]
            value += (found.values[after] - value) * (moment - low) / (high - low)
        values.append(0.0 if math.isnan(value) else value)
    return values


def _cells(found: Points, edges: Sequence[int]) -> list[float | None]:
    """Of each column the value of greatest size; None where there is none."""
    cells = [math.nan] * len(edges)
    for moment, value in zip(found.time, found.values, strict=True):
        at = max(bisect.bisect_right(edges, moment) - 1, 0)
        if math.isnan(cells[at]) or abs(value) > abs(cells[at]):
            cells[at] = value
    return plain(cells)


def _spread(size: int, most: int) -> list[int]:
    """Positions, evenly spread, the last among them."""
    if size <= most:
        return list(range(size))
    return sorted({size * at // most for at in range(most)} | {size - 1})
