"""The screen of `qcasync watch`, from values: the projects, below them what became different, and how the watch does.

Pure: no clock, no I/O. It takes the room that it is given, and not a line more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.rule import Rule
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

import qcasync
from qcasync.cli.output import clean, name_of, row, table
from qcasync.cli.watch_lines import line_of, name_of_project, one_line

WIDE: Final = 100
"""Columns from which on everything is shown of a project, in words that are written out."""
NARROW: Final = 60
"""Columns below which only what matters most is shown."""
_PROJECT_WIDTH: Final = 9
_NOWHERE: Final = "in memory: nothing survives this process"
_LEAST_PATH: Final = len(_NOWHERE)
"""Columns that a path is given before other things are."""
_FIXED: Final = 5
"""Lines beside projects and changes: the title, the table's head (2), the rule, the footer."""

_STATUS_STYLES: Final = {
    qcasync.AlgorithmStatus.RUNNING: "green",
    qcasync.AlgorithmStatus.STOPPED: "yellow",
    qcasync.AlgorithmStatus.LIQUIDATED: "yellow",
    qcasync.AlgorithmStatus.RUNTIME_ERROR: "bold red",
    qcasync.AlgorithmStatus.DEPLOY_ERROR: "bold red",
    qcasync.AlgorithmStatus.INVALID: "bold red",
}


@dataclass(frozen=True)
class Entry:
    """A line of the lower part.

    Attributes:
        at: When it was observed, in UTC.
        project: Whose it is.
        text: What happened.
    """

    at: datetime
    project: str
    text: Text


def entry_of(change: qcasync.Change) -> Entry:
    """A change as an entry."""
    return Entry(change.observed_at, name_of_project(change.project_id), line_of(change))


@dataclass(frozen=True, kw_only=True)
class View:
    """What is to be seen at a moment.

    Attributes:
        now: That moment, in UTC, by the server's clock.
        projects: The projects.
        changed: When each was last seen to change.
        recent: The latest entries, oldest first.
        changes: How many changes were taken.
        requests: How many requests were sent.
        running: Seconds since the watch began.
        checkpoint: The file; "" if there is none.
        stalled: Why nothing is delivered; "" if that is not so.
        failing: Why nothing can be read; "" if something can.
        nobody: What to say while there are no projects.
        has_orders: Whether orders are watched.
        has_statistics: Whether statistics are watched.
    """

    now: datetime
    projects: Sequence[qcasync.WatchedProject] = ()
    changed: Mapping[int, datetime] = field(default_factory=dict[int, datetime])
    recent: Sequence[Entry] = ()
    changes: int = 0
    requests: int = 0
    running: float = 0.0
    checkpoint: str = ""
    stalled: str = ""
    failing: str = ""
    nobody: str = "No projects yet."
    has_orders: bool = True
    has_statistics: bool = False


class Screen:
    """Draws a view into the room that there is."""

    def __init__(self, view: View) -> None:
        self._view = view

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height = options.height or console.height
        unbounded = options.update(height=None)
        shown, problems, missing = _share(self._view.projects, height)
        above: list[RenderableType] = [_title(self._view), _table(self._view, shown, options.max_width)]
        above += missing + problems
        lines = console.render_lines(Group(*above), unbounded, pad=False)[: max(0, height - 2)]
        room = max(0, height - len(lines) - 2)
        recent = list(self._view.recent)[-room:] if room else []
        below: list[RenderableType] = [Rule("Changes (UTC)", align="left", style="dim", characters="─")]
        below += [_entry(entry) for entry in recent]
        below += [Text()] * (room - len(recent))
        below.append(_footer(self._view, options.max_width))
        lines += console.render_lines(Group(*below), unbounded, pad=False)
        for position, line in enumerate(lines[:height]):
            if position:
                yield Segment.line()
            yield from line


def age(seconds: float) -> str:
    """How long ago something was, in one or two digits and a unit."""
    for size, unit, below in ((1, "s", 100), (60, "min", 100), (3600, "h", 48)):
        if seconds < size * below:
            return f"{max(0, int(seconds // size))} {unit}"
    return f"{int(seconds // 86_400)} d"


def _share(
    projects: Sequence[qcasync.WatchedProject], height: int
) -> tuple[Sequence[qcasync.WatchedProject], list[Text], list[Text]]:
    """Which projects have room; what is the matter with some; and a word about those that have no room."""
    room = max(1, height - _FIXED - max(3, height // 3))
    failing = [project for project in projects if project.problem is not None]
    told = failing[: max(1, room // 3)]
    problems = [
        Text(clean(f"{each.project_id}: {one_line(each.problem or '')}"), "bold red", no_wrap=True, overflow="ellipsis")
        for each in told
    ]
    room = max(1, room - len(problems))
    if len(projects) <= room:
        return projects, problems, []
    by_need = sorted(projects, key=lambda each: each.problem is None)
    hidden = by_need[max(1, room - 1) :]
    states: dict[str, int] = {}
    for each in hidden:
        name = name_of(each.status) or "unknown"
        states[name] = states.get(name, 0) + 1
    counted = ", ".join(f"{count:,} {name}" for name, count in states.items())
    more = Text(f"... and {len(hidden):,} more: {counted}", "dim", no_wrap=True, overflow="ellipsis")
    return by_need[: max(1, room - 1)], problems, [more]


def _title(view: View) -> Text:
    words = _counted(len(view.projects), "project") if view.projects else view.nobody
    title = Text.assemble(("qcasync watch  ", "bold"), f"{words}  {view.now:%H:%M:%S} UTC", no_wrap=True)
    if view.stalled:
        title.append(f"  checkpoint: {clean(one_line(view.stalled))}", "bold red")
    if view.failing:
        title.append(f"  nothing can be read: {clean(one_line(view.failing))}", "bold red")
    title.overflow = "ellipsis"
    return title


def _table(view: View, projects: Sequence[qcasync.WatchedProject], width: int) -> Table:
    is_wide, is_narrow = width >= WIDE, width < NARROW
    has_return = view.has_statistics and not is_narrow
    ago = " ago" if is_wide else ""
    shown = table()
    for title in ("Project", "Status"):
        shown.add_column(title, no_wrap=True)
    for title, is_shown in (
        ("Equity", True),
        ("Return", has_return),
        ("Orders (open)" if is_wide else "Orders", view.has_orders),
        ("Waiting", is_wide),
        ("Changed", not is_narrow),
        ("Read", True),
    ):
        if is_shown:
            shown.add_column(title, justify="right", no_wrap=True)
    for each in projects:
        changed = view.changed.get(each.project_id)
        cells: list[object] = [each.project_id, _status(each), "" if each.equity is None else f"{each.equity:,.2f}"]
        if has_return:
            cells.append(each.statistics.get("Return", ""))
        if view.has_orders:
            cells.append("..." if each.orders is None else f"{each.orders:,} ({each.open_orders:,})")
        if is_wide:
            cells.append(f"{each.waiting:,}" if each.waiting else "")
        if not is_narrow:
            cells.append("" if changed is None else _ago(view.now - changed, ago))
        cells.append(_read(view, each, ago))
        row(shown, *cells)
    return shown


def _status(project: qcasync.WatchedProject) -> Text:
    status = project.status
    name = "none" if status is None else name_of(status)
    style = "dim" if status is None else _STATUS_STYLES.get(status, "cyan")
    return Text(name, style, no_wrap=True, overflow="ellipsis")


def _read(view: View, project: qcasync.WatchedProject, ago: str) -> Text:
    told = "never" if project.looked_at is None else _ago(view.now - project.looked_at, ago)
    return Text(told, "" if project.problem is None else "bold red", no_wrap=True, overflow="ellipsis")


def _ago(passed: timedelta, ago: str) -> str:
    return age(passed.total_seconds()) + ago


def _entry(entry: Entry) -> Text:
    line = Text.assemble((f"{entry.at:%H:%M:%S} ", "dim"), f"{clean(entry.project):<{_PROJECT_WIDTH}} ", entry.text)
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


def _footer(view: View, width: int) -> Text:
    waiting = sum(each.waiting for each in view.projects)
    counts = [
        _counted(view.changes, "change") + (f" ({waiting:,} waiting)" if waiting else ""),
        f"{_counted(view.requests, 'request')} in {age(view.running)}",
    ]
    where = f"checkpoint {clean(view.checkpoint)}" if view.checkpoint else _NOWHERE
    while counts and len(", ".join(counts)) + len("; ") + min(len(where), _LEAST_PATH) > width:
        counts.pop()
    told = Text(", ".join(counts) + ("; " if counts else ""), "dim", no_wrap=True, overflow="ellipsis")
    if not view.checkpoint:
        return told.append(where, "yellow")
    room = width - told.cell_len
    # The end of a path tells more than its beginning.
    return told.append(where if len(where) <= room else f"...{where[-max(1, room - 3) :]}")


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
