"""The screen, rendered to text at several sizes."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

import qcasync
from qcasync.cli.watch_screen import Entry, Screen, View, age, entry_of
from tests.unit.cli.test_watch_lines import HOSTILE

NOW = datetime(2025, 6, 16, 14, 2, 11, tzinfo=UTC)
SIZES = [(80, 24), (160, 45), (100, 30), (40, 12), (20, 6), (200, 8), (10, 3), (1, 1)]


def a_project(project_id: int, **told: object) -> qcasync.WatchedProject:
    alike: dict[str, Any] = {
        "project_id": project_id,
        "deploy_id": "L-0",
        "status": qcasync.AlgorithmStatus.RUNNING,
        "equity": 100_234.5,
        "statistics": {"Return": "1.20 %"},
        "orders": 2_327,
        "open_orders": 12,
        "complete_through": NOW,
        "looked_at": NOW - timedelta(seconds=42),
        "problem": None,
        "waiting": 0,
    }
    return qcasync.WatchedProject(**(alike | told))


def an_entry(number: int) -> Entry:
    return Entry(NOW - timedelta(seconds=100 - number), "20000001", Text(f"entry {number}."))


def a_view(**told: Any) -> View:
    projects = (
        a_project(20_000_001),
        a_project(20_000_002, status=qcasync.AlgorithmStatus.RUNTIME_ERROR, waiting=3),
        a_project(
            99,
            deploy_id=None,
            status=None,
            equity=None,
            statistics={},
            orders=None,
            looked_at=None,
            problem="live/orders/read: QuantConnect refused the request:\n  Project not found",
        ),
    )
    alike: dict[str, Any] = {
        "now": NOW,
        "projects": projects,
        "changed": {20_000_001: NOW - timedelta(minutes=12)},
        "recent": [an_entry(number) for number in range(60)],
        "changes": 1_234,
        "requests": 56,
        "running": 7_500.0,
        "checkpoint": "/var/lib/watch.db",
    }
    return View(**(alike | told))


def drawn(view: View, width: int, height: int, *, color: str | None = None) -> list[str]:
    """The screen's lines."""
    file = io.StringIO()
    console = Console(
        file=file, width=width, height=height, force_terminal=True, color_system=color, legacy_windows=False
    )  # type: ignore[call-overload, unused-ignore]
    console.print(Screen(view), end="", height=height)
    return file.getvalue().split("\n")


def test_eighty_columns_have_it_all() -> None:
    lines = drawn(a_view(has_statistics=True), 80, 24)
    assert [line.rstrip() for line in lines[:7]] == [
        "qcasync watch  3 projects  14:02:11 UTC",
        "Project   Status             Equity  Return      Orders  Changed   Read",
        "─" * 71,
        "20000001  running        100,234.50  1.20 %  2,327 (12)   12 min   42 s",
        "20000002  runtime error  100,234.50  1.20 %  2,327 (12)            42 s",
        "99        none                                      ...           never",
        "99: live/orders/read: QuantConnect refused the request: Project not found",
    ]
    assert lines[7].startswith("Changes (UTC) ──")
    assert lines[8].rstrip() == "14:01:16 20000001  entry 45."
    assert lines[-2].rstrip() == "14:01:30 20000001  entry 59."
    assert lines[-1].rstrip() == "1,234 changes (3 waiting), 56 requests in 2 h; checkpoint /var/lib/watch.db"
    assert len(lines) == 24


def test_wide_terminals_say_more() -> None:
    lines = drawn(a_view(), 160, 45)
    assert [line.rstrip() for line in lines[1:5:2]] == [
        "Project   Status             Equity  Orders (open)  Waiting     Changed      Read",
        "20000001  running        100,234.50     2,327 (12)           12 min ago  42 s ago",
    ]
    assert "3" in lines[4].split()
    assert len(lines) == 45


def test_narrow_terminals_show_what_matters_most() -> None:
    lines = drawn(a_view(has_statistics=True), 56, 24)
    assert lines[3].split() == ["20000001", "running", "100,234.50", "2,327", "(12)", "42", "s"]


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("count", [0, 3, 50])
def test_it_takes_the_room_that_there_is(width: int, height: int, count: int) -> None:
    projects = tuple(a_project(20_000_000 + each, problem=HOSTILE if each % 3 else None) for each in range(count))
    for recent in ([], [an_entry(0)], [an_entry(number) for number in range(60)]):
        lines = drawn(a_view(projects=projects, recent=recent, has_statistics=True), width, height)
        assert len(lines) == height
        assert max(map(cell_len, lines)) <= width


def test_few_entries_stand_above_and_the_footer_below() -> None:
    lines = drawn(a_view(recent=[an_entry(1), an_entry(2)]), 80, 24)
    assert [line.rstrip()[-8:] for line in lines[8:12]] == ["entry 1.", "entry 2.", "", ""]
    assert lines[-1].startswith("1,234 changes")


def test_projects_without_room_are_counted_and_those_with_problems_come_first() -> None:
    projects = [a_project(number) for number in range(100, 140)]
    projects[30] = a_project(130, problem="gone")
    lines = drawn(a_view(projects=projects), 80, 24)
    assert lines[3].startswith("130 ")
    assert any(line.startswith("130: gone") for line in lines)
    counted = next(line for line in lines if line.startswith("... and"))
    shown = sum(line.startswith("1") and "running" in line for line in lines)
    assert counted.rstrip() == f"... and {40 - shown} more: {40 - shown} running"
    assert sum("entry" in line for line in lines) >= 8


def test_without_a_checkpoint_it_says_that_nothing_survives() -> None:
    for width in (160, 80, 41):
        footer = drawn(a_view(checkpoint=""), width, 24)[-1]
        assert footer.rstrip().endswith("in memory: nothing survives this process")


def test_of_a_long_path_the_end_is_shown() -> None:
    footer = drawn(a_view(checkpoint="/a" * 100 + "/watch.db"), 80, 24)[-1].rstrip()
    assert footer.endswith("/a/watch.db")
    assert cell_len(footer) <= 80


def test_while_nothing_can_be_read_or_kept_the_title_says_so() -> None:
    assert "nothing can be read: server down" in drawn(a_view(failing="server\ndown"), 80, 24)[0]
    assert (
        "checkpoint: cannot be written (disk full)" in drawn(a_view(stalled="cannot be written (disk full)"), 90, 24)[0]
    )


def test_without_projects_it_says_why() -> None:
    lines = drawn(a_view(projects=(), nobody="None is Running."), 80, 24)
    assert lines[0].startswith("qcasync watch  None is Running.  14:02:11 UTC")


def test_without_orders_there_is_no_such_column() -> None:
    assert "Orders" not in drawn(a_view(has_orders=False), 80, 24)[1]


def test_hostile_texts_are_shown_and_not_obeyed() -> None:
    change = qcasync.LogLineAdded(project_id=7, key="k", observed_at=NOW, deploy_id="L", line=1, text=HOSTILE)
    projects = [
        a_project(
            7,
            status=qcasync.AlgorithmStatus(HOSTILE),
            statistics={"Return": HOSTILE},
            problem=HOSTILE,
        )
    ]
    view = a_view(
        projects=projects,
        recent=[entry_of(change), Entry(NOW, HOSTILE, Text("x"))],
        checkpoint=HOSTILE,
        stalled=HOSTILE,
        failing=HOSTILE,
        has_statistics=True,
    )
    lines = drawn(view, 160, 45)
    assert len(lines) == 45
    assert all(line.isprintable() for line in lines)
    assert any(r"log: \x1b[2J\x1b]0;title\x07[bold red]x[/]\u202eabc" in line for line in lines)


def test_states_have_colors() -> None:
    lines = drawn(a_view(), 80, 24, color="standard")
    assert "\x1b[32mrunning" in lines[3]
    assert "\x1b[1;31mruntime error" in lines[4]
    assert "\x1b[1;31m99: live/orders/read" in lines[6]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(-3, "0 s"), (0.4, "0 s"), (99, "99 s"), (100, "1 min"), (5_999, "99 min"), (6_000, "1 h"), (172_800, "2 d")],
)
def test_ages(seconds: float, told: str) -> None:
    assert age(seconds) == told
