"""Figures: pure functions from models to Plotly's JSON. Nothing here imports Plotly, or needs it installed."""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from qcasync.models.charts import Chart, Series
from qcasync.models.enums import ChartType, SeriesType
from qcasync.models.orders import Order
from qcasync.pictures._groups import areas, group_colors, heatmap, pie, treemap
from qcasync.pictures._layout import Pane, lay_out
from qcasync.pictures._marks import Fill, fills, marks
from qcasync.pictures._palette import AREA, AREA_LINE, CANDLE, own_color
from qcasync.pictures._points import Points, points
from qcasync.pictures._text import label
from qcasync.pictures._traces import beside, line, trace

__all__ = ["Figure", "chart_figure", "drawdown_of", "equity_figure"]

Figure: TypeAlias = dict[str, Any]
"""A figure as Plotly's JSON: "data", a list of traces, and "layout". `plotly.graph_objects.Figure(figure)` takes it."""

_MOST_PANES: Final = 20
"""Series of further indexes go into the last pane."""


def chart_figure(chart: Chart) -> Figure:
    """Draw a chart: a pane for each index of its series, one above the other.

    Series of a stacked chart have a pane each. Pies, treemaps and heatmaps have a pane of their own beside the series
    over time with the same index. Long series are thinned, so that their extremes stay; `docs/pictures.md` says how.
    A series without points takes part with its name.

    Args:
        chart: As `live.read_chart` returns it.

    Returns:
        Plotly's JSON, in the colours of a light page.
    """
    return lay_out(label(chart.name), _panes(chart), legend=not chart.legend_disabled)


def equity_figure(
    equity: Chart,
    orders: Sequence[Order],
    *,
    drawdown: Chart | None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Figure:
    """Draw a project's equity with its buys and sells, and the drawdown below it.

    A fill is marked at the time of its event, on the line through the closes. Fills of one second share a mark, and
    where there are more than 1,000 marks, neighbours do.

    Args:
        equity: The chart "Strategy Equity". Its series "Equity", else its first series of candles, else its first one
            is drawn as the equity; others get panes below.
        orders: Whose fills are marked. May be empty.
        drawdown: The chart "Drawdown". If it is None, or has no values, the drawdown is computed from the equity: how
            far each close is below the highest one before it, in percent.
        since: Earlier fills are left out; aware. All are marked if it is None.
        until: Later fills are left out; aware. All are marked if it is None.

    Returns:
        Plotly's JSON, in the colours of a light page.
    """
    chosen = _equity_of(equity.series.values())
    curve = points(chosen) if chosen else Points((), (), {})
    first: list[dict[str, Any]] = []
    if chosen:
        first = [trace(chosen, own_color(chosen.color) or CANDLE.light)]
        first += [side for side in marks(_within(fills(orders), since, until), curve) if side["x"]]
    unit = (chosen.unit or "$") if chosen else "$"
    panes = [Pane("Equity", first, [unit] * len(first))] if first else []
    panes += _drawdown_panes(curve, drawdown)
    others = {name: series for name, series in equity.series.items() if series is not chosen}
    rest = _panes(Chart(name=equity.name, chart_type=equity.chart_type, series=others))
    for pane in rest:
        pane.tall = False
    return lay_out(label(equity.name or "Strategy Equity"), panes + rest, legend=not equity.legend_disabled)


def drawdown_of(curve: Points) -> Points:
    """How far each value is below the highest one before it, in percent: 0 or negative. A gap stays one."""
    peak = -math.inf
    values: list[float] = []
    for value in curve.values:
        peak = max(peak, value) if not math.isnan(value) else peak
        values.append(100.0 * (value - peak) / peak if peak > 0 else math.nan)
    return Points(curve.time, values, {})


def _within(every: Sequence[Fill], since: datetime | None, until: datetime | None) -> list[Fill]:
    low = since.timestamp() if since else -math.inf
    high = until.timestamp() if until else math.inf
    return [fill for fill in every if low <= fill.at <= high]


def _drawdown_panes(curve: Points, drawdown: Chart | None) -> list[Pane]:
    told = [points(series) for series in (drawdown.series.values() if drawdown else ())]
    drawn = next(filter(_has_values, told), None) or drawdown_of(curve)
    if not _has_values(drawn):
        return []
    area = line(drawn, AREA_LINE.light, width=1.2) | {"name": "Drawdown", "fill": "tozeroy", "fillcolor": AREA.light}
    return [Pane("Drawdown", [area], ["%"], tall=False, legend=False)]


def _has_values(drawn: Points) -> bool:
    return not all(map(math.isnan, drawn.values))


def _equity_of(series: Iterable[Series]) -> Series | None:
    every = list(series)
    named = [each for each in every if each.name.casefold() == "equity"]
    return next(iter([*named, *(each for each in every if each.is_candles), *every]), None)


def _panes(chart: Chart) -> list[Pane]:
    grouped: dict[tuple[int, str], list[Series]] = {}
    for at, series in enumerate(sorted(chart.series.values(), key=lambda each: each.index)):
        index = at if chart.chart_type is ChartType.STACKED else series.index
        key = index, _KINDS.get(series.series_type, "time")
        if key not in grouped and len(grouped) >= _MOST_PANES:
            key = next((old for old in reversed(grouped) if old[1] == key[1]), key)
        grouped.setdefault(key, []).append(series)
    panes = [_pane(kind, sorted(group, key=lambda each: each.z_index or 0)) for (_, kind), group in grouped.items()]
    for at, pane in enumerate(panes):
        pane.tall = at == 0 or not pane.has_time
    return panes


def _pane(kind: str, group: Sequence[Series]) -> Pane:
    colors = group_colors(group)
    name = next((label(each.index_name) for each in group if each.index_name), "")
    if not name and (len(group) == 1 or kind != "time"):
        name = label(group[0].name) if len(group) == 1 else ""
    match kind:
        case "pie":
            return Pane(name, [pie(group, colors)], legend=False)
        case "treemap":
            return Pane(name, [treemap(group, colors)], legend=False)
        case "heatmap":
            return Pane(name, [heatmap(group)], [group[0].unit], [label(each.name, 24) for each in group], legend=False)
        case _:
            return Pane(name, *_over_time(group, colors), legend=len(group) > 1)


def _over_time(group: Sequence[Series], colors: Sequence[str]) -> tuple[list[dict[str, Any]], list[str]]:
    stacked = [at for at, each in enumerate(group) if each.series_type is SeriesType.STACKED_AREA]
    drawn = areas([group[at] for at in stacked], [colors[at] for at in stacked], "stack")
    units = [group[at].unit for at in stacked]
    for at, each in enumerate(group):
        if at not in stacked:
            drawn.append(trace(each, colors[at]))
            units.append(each.unit)
    beside([each for each in drawn if each["type"] == "bar"])
    return drawn, units


_KINDS: Final = {SeriesType.PIE: "pie", SeriesType.TREEMAP: "treemap", SeriesType.HEATMAP: "heatmap"}
"""What is not drawn over time with others. Heatmaps have times, but rows for values."""
