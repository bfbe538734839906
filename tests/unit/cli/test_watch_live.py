"""The feeds of `qcasync watch` over a simulator in this process. In real time: the screen is drawn in a thread."""

import io
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from rich.console import Console

import qcasync
from qcasync.cli.watch_feed import LOGGER, LineFeed, Notes
from qcasync.cli.watch_live import ScreenFeed
from qcasync.simulator import Project, Simulator, SimulatorTransport

WIDTH, HEIGHT = 100, 30


@pytest.fixture
def project(simulator: Simulator) -> Project:
    return simulator.add_project([40])


@pytest.fixture
def file() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def console(file: io.StringIO) -> Console:
    return Console(file=file, force_terminal=True, width=WIDTH, height=HEIGHT, color_system=None, legacy_windows=False)


def feed_on(console: Console, checkpoint: Path | None = None) -> ScreenFeed:
    return ScreenFeed(console, checkpoint=checkpoint, nobody="Nobody.", has_orders=True, has_statistics=False)


def watched(
    simulator: Simulator, project: Project, feed: ScreenFeed, work: Callable[[qcasync.Changes], Awaitable[None]]
) -> None:
    """Watch from the beginning, and do some work meanwhile; the watch ends with it."""

    async def run() -> None:
        client = qcasync.Client(
            simulator.user_id,
            simulator.api_token,
            transport=SimulatorTransport(simulator),
            observers=feed.observers,
        )
        watch = client.watch([project.id], start="beginning")
        async with client, watch as changes, anyio.create_task_group() as group:
            group.start_soon(feed.run, changes)
            with anyio.fail_after(10):
                await work(changes)
            group.cancel_scope.cancel()

    anyio.run(run)


def test_a_flood_is_acknowledged_as_it_comes_and_a_trickle_when_it_is_drawn(
    simulator: Simulator, project: Project, console: Console, file: io.StringIO
) -> None:
    feed, left = feed_on(console), []

    async def until_all_is_told(changes: qcasync.Changes) -> None:
        feed.note("the disk is \x1b[2Jslow")
        while not changes.projects[0].orders or changes.waiting:
            left.append(changes.waiting)
            await anyio.sleep(0.02)

    watched(simulator, project, feed, until_all_is_told)
    shown = file.getvalue()
    assert max(left) > 20
    assert r"warning   the disk is \x1b[2Jslow" in shown
    count = int(feed.conclusion.split(": ")[1].split()[0])
    assert count > 80
    assert f"{count} changes (1 waiting), " in shown  # drawn first, then acknowledged
    assert shown.count("qcasync watch") < 30


def test_what_was_not_drawn_yet_stays_and_the_conclusion_says_where(
    simulator: Simulator, project: Project, console: Console
) -> None:
    feed = feed_on(console, Path("/tmp/\x1bw.db"))

    async def not_long(changes: qcasync.Changes) -> None:
        while not changes.waiting:
            await anyio.lowlevel.checkpoint()

    watched(simulator, project, feed, not_long)
    assert feed.conclusion.startswith("Watched for 0 s: ")
    assert feed.conclusion.endswith(r" wait in /tmp/\x1bw.db for the next watch.")


def test_what_never_began_has_no_conclusion(console: Console) -> None:
    assert feed_on(console).conclusion == ""


def test_times_are_the_servers(simulator: Simulator, project: Project, console: Console, file: io.StringIO) -> None:
    """The simulator's clock is years behind ours."""
    feed = feed_on(console)

    async def until_drawn(_: qcasync.Changes) -> None:
        while "qcasync watch" not in file.getvalue():  # noqa: ASYNC110 - nobody tells
            await anyio.sleep(0.02)

    watched(simulator, project, feed, until_drawn)
    hour = datetime.fromtimestamp(simulator.now, UTC)
    assert f"1 project  {hour:%H:%M}" in file.getvalue()


def test_warnings_of_the_library_are_passed_on_and_nothing_below() -> None:
    told: list[str] = []
    logger = logging.getLogger(LOGGER)
    with Notes(told.append):
        logger.info("quiet")
        logger.warning("loud %d", 1)
        try:
            int("mine")
        except ValueError:
            logger.exception("a defect")
    logger.warning("too late")
    assert told == ["loud 1", told[1]]
    assert told[1].startswith("a defect: ValueError(")


def test_without_a_screen_warnings_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    LineFeed(for_programs=True).note("a \x1bwarning")
    assert capsys.readouterr() == ("", "warning: a \\x1bwarning\n")
