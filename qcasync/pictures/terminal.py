"""A figure in a terminal: Plotext draws the panes, one by one, as text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from qcasync.pictures._cells import cells, cut
from qcasync.pictures._extra import library
from qcasync.pictures._text import unlabel
from qcasync.pictures._ticks import moments, ticks, told
from qcasync.pictures._traces import Trace
from qcasync.pictures.figures import Figure

__all__ = ["check", "draw"]

_LEAST: Final = 8
"""Lines that a pane takes at least, its name among them."""
_MOST: Final = 48
_COLORS: Final = (33, 172, 36, 133, 142, 167, 245)
"""Of the 256 that terminals have, for series in turn: to be read on black and on white."""
_MARKS: Final = {"triangle-up": ("▲", "^"), "triangle-down": ("▼", "v")}
_DOT: Final = ("●", "o")
_SIDES: Final = {"Buys": 39, "Sells": 208}
_ASCII: Final = str.maketrans("─│┌┐└┘├┤┬┴┼█▏▎▍▌▋▊▉", "-|+++++++++########")
_TICK_WIDTH: Final = 24
_NAME_WIDTH, _VALUE_WIDTH = 24, 16
_APART: Final = "   "


@dataclass
class _Pane:
    name: str
    traces: list[Trace] = field(default_factory=list[Trace])

    @property
    def is_timed(self) -> bool:
        return "x" in self.traces[0]


class _Line(NamedTuple):
    """What is drawn over time. `mark` is what its points look like, in Unicode and in ASCII; None for a line."""

    name: str
    axis: str
    time: Sequence[int]
    values: Sequence[float | None]
    mark: tuple[str, str] | None
    color: int | str

    def symbol(self, ascii_only: bool) -> str:
        """What stands for it."""
        if self.mark is not None:
            return self.mark[ascii_only]
        return "--" if ascii_only else "──"


def check() -> None:
    """Look whether anything can be drawn.

    Raises:
        ConfigurationError: Plotext is not installed.
    """
    _plotext()


def draw(figure: Figure, width: int, height: int, *, color: bool = True, ascii_only: bool = False) -> str:
    """Draw a figure as text. Candles become a line through their closes; buys and sells are triangles on it.

    Panes for which there is no room are named below the others.

    Args:
        figure: Plotly's JSON, made by `figures`.
        width: Of the terminal, in characters.
        height: In lines; the text has at most as many, and takes 10 at least.
        color: Whether to use escape sequences for colours.
        ascii_only: Whether to do without Braille patterns and boxes.

    Returns:
        Lines, each with its end.

    Raises:
        ConfigurationError: Plotext is not installed.
    """
    panes = list(_panes(figure))
    room = max(min(height, _MOST) - 1, _LEAST + 1)
    shown, hidden = panes[: max(room // _LEAST, 1)], panes[max(room // _LEAST, 1) :]
    short = max(room // (len(shown) + 1), _LEAST)
    text: list[str] = []
    span = _span(shown)
    for at, pane in enumerate(shown):
        lines = short if at else room - short * (len(shown) - 1)
        heading = _heading(pane, width - 1, ascii_only)
        if heading:
            text.append(f" {heading}\n")
            lines -= 1
        text.append(
            _plot(pane, figure["layout"], span, (width, lines), ascii_only=ascii_only)
            if pane.is_timed
            else _bars(pane, width, lines)
        )
    if hidden:
        names = ", ".join(pane.name or "unnamed" for pane in hidden)
        text.append(cut(f" not shown here: {names}", width) + "\n")
    found = "".join(text)
    if ascii_only:
        found = found.translate(_ASCII)
    return found if color else str(_plotext().uncolorize(found))


def _panes(figure: Figure) -> Iterator[_Pane]:
    """The panes of a figure from top to bottom: its traces by the stretch of the height that they take."""
    layout = figure["layout"]
    names = {note["y"]: unlabel(note["text"]) for note in layout["annotations"]}
    panes: dict[float, _Pane] = {}
    for trace in figure["data"]:
        stretch: list[float] = trace["domain"]["y"] if "domain" in trace else _axis(layout, trace)["domain"]
        panes.setdefault(stretch[1], _Pane(names.get(stretch[1], ""))).traces.append(trace)
    yield from panes.values()


def _heading(pane: _Pane, width: int, ascii_only: bool) -> str:
    """A pane's name, and what is in it, each in its colour, as far as there is room."""
    lines = list(_lines(pane)) if pane.is_timed else []
    told: list[tuple[str, int | str]] = [(pane.name, "")] if pane.name else []
    if len(lines) > 1:
        told += [(f"{line.symbol(ascii_only)} {line.name}", line.color) for line in lines if line.name != pane.name]
    parts: list[str] = []
    for text, color in told:
        shown = cut(text, width)
        parts.append(_plotext().colorize(shown, color) if color else shown)
        width -= cells(shown) + len(_APART)
        if shown != text or width <= 0:
            break
    return _APART.join(parts)


def _plot(
    pane: _Pane, layout: dict[str, Any], span: tuple[float, float], size: tuple[int, int], *, ascii_only: bool
) -> str:
    width, height = size
    plot = _plotext()
    plot.clear_figure()
    plot.limitsize(False, False)
    plot.plotsize(width, height)
    plot.theme("clear")
    plot.xlim(*span)
    plot.xticks(*moments(*span, max(width // _TICK_WIDTH, 2)))
    sides: dict[str, list[float]] = {}
    for line in _lines(pane):
        sides.setdefault(line.axis, []).extend(value for value in line.values if value is not None)
        side = _side(line.axis, sides)
        if line.mark:
            symbol = line.symbol(ascii_only)
            found = [(x, y) for x, y in zip(line.time, line.values, strict=True) if y is not None]
            if found:
                places = [x for x, _ in found], [y for _, y in found]
                plot.scatter(*places, marker=symbol, color=line.color, yside=side)
        else:
            for xs, ys in _stretches(line.time, line.values):
                plot.plot(xs, ys, marker="*" if ascii_only else "braille", color=line.color, yside=side)
    for axis, values in sides.items():
        _ruler(plot, layout["yaxis" + axis[1:]], values, _side(axis, sides), height)
    return str(plot.build()).rstrip("\n") + "\n"


def _ruler(plot: Any, axis: dict[str, Any], values: Sequence[float], side: str, height: int) -> None:
    if not values:
        return
    low, high = min(values), max(values)
    if low == high:
        low, high = low - (abs(low) / 100 or 1.0), high + (abs(high) / 100 or 1.0)
    places = ticks(low, high, max(height // 3, 3))
    before = "$" if str(axis.get("tickformat", "")).startswith("$") else ""
    texts = [f"{text:>10}" for text in told(places, before, unlabel(axis.get("ticksuffix", "")))]
    plot.ylim(low, high, yside=side)
    plot.yticks(places, texts, yside=side)


def _lines(pane: _Pane) -> Iterator[_Line]:
    """What is drawn over time: a trace is one line, a heatmap one for each of its rows."""
    number = 0
    for trace in pane.traces:
        mark = _MARKS.get(trace["marker"].get("symbol"), _DOT) if trace.get("mode", "").startswith("markers") else None
        rows = (
            [(names[0] if names else "", values) for names, values in zip(trace["customdata"], trace["z"], strict=True)]
            if trace["type"] == "heatmap"
            else [(trace.get("name", ""), trace["close"] if "close" in trace else trace["y"])]
        )
        for name, values in rows:
            color: int | str = _COLORS[number % len(_COLORS)]
            if name in _SIDES and mark:
                color = _SIDES[name]
            else:
                number += 1
            if trace["type"] == "candlestick":
                color = "default"
            yield _Line(unlabel(name), trace["yaxis"], trace["x"], values, mark, color)


def _bars(pane: _Pane, width: int, height: int) -> str:
    """Shares of a pie or a treemap, the greatest first: name, bar, value."""
    trace = pane.traces[0]
    rows = sorted(zip(trace["values"], trace["labels"], trace["text"], strict=True), reverse=True)
    most = max((size for size, _, _ in rows), default=0.0) or 1.0
    shown = rows if len(rows) <= height else rows[: height - 1]
    names = [cut(unlabel(name), min(_NAME_WIDTH, width // 3)) for _, name, _ in shown]
    wide = max(map(cells, names), default=0)
    values = [cut(unlabel(text), _VALUE_WIDTH) for _, _, text in shown]
    room = max(width - wide - _VALUE_WIDTH - 3, 4)
    text = "".join(
        f" {name}{' ' * (wide - cells(name))} {'█' * round(room * size / most):<{room}} {value:>{_VALUE_WIDTH}}\n"
        for name, value, (size, _, _) in zip(names, values, shown, strict=True)
    )
    return text if shown is rows else f"{text} and {len(rows) - len(shown):,} more\n"


def _stretches(xs: Sequence[int], values: Sequence[float | None]) -> Iterator[tuple[list[int], list[float]]]:
    """The parts of a line between its gaps."""
    at: list[int] = []
    found: list[float] = []
    for x, value in zip(xs, values, strict=True):
        if value is not None:
            at.append(x)
            found.append(value)
        elif at:
            yield at, found
            at, found = [], []
    if at:
        yield at, found


def _span(panes: Sequence[_Pane]) -> tuple[float, float]:
    every = [trace["x"] for pane in panes for trace in pane.traces if trace.get("x")]
    if not every:
        return 0.0, 1.0
    low, high = min(map(min, every)), max(map(max, every))
    return (low, high) if high > low else (low - 60_000, high + 60_000)


def _axis(layout: dict[str, Any], trace: Trace) -> dict[str, Any]:
    axis: dict[str, Any] = layout["yaxis" + trace["yaxis"][1:]]
    return axis


def _side(axis: str, sides: dict[str, list[float]]) -> str:
    return "left" if next(iter(sides)) == axis else "right"


def _plotext() -> Any:
    return library("plotext", "A plot in the terminal")
