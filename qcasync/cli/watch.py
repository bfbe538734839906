"""`qcasync watch`: what happens in live projects, on a screen or as lines of JSON, until Ctrl-C."""

import contextlib
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated, Final

import anyio
import typer

import qcasync
from qcasync._tasks import task_group
from qcasync.cli.exit_codes import INTERRUPTED
from qcasync.cli.output import is_read_by_programs, messages, results, say, warn
from qcasync.cli.settings import Settings
from qcasync.cli.watch_feed import Feed, LineFeed, Notes
from qcasync.cli.watch_live import ScreenFeed

_RUNNING: Final = "Running"

Begin = Callable[[qcasync.Client], AbstractAsyncContextManager[qcasync.Changes]]


def watch(
    context: typer.Context,
    projects: Annotated[
        list[int] | None, typer.Argument(min=1, metavar="PROJECT", help="Their ids.", show_default=False)
    ] = None,
    *,
    status: Annotated[
        str | None, typer.Option(metavar="S", help="Instead of ids, such as Stopped.", show_default=_RUNNING)
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(metavar="FILE", dir_okay=False, help="Keeps what is not told yet.", show_default=False),
    ] = None,
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="Tell what there is already, too.")] = False,
    orders: Annotated[bool, typer.Option("--orders/--no-orders", help="Orders and their events.")] = True,
    portfolio: Annotated[bool, typer.Option("--portfolio", help="Holdings and cash.")] = False,
    statistics: Annotated[bool, typer.Option("--statistics", help="Runtime statistics and equity.")] = False,
    logs: Annotated[bool, typer.Option("--logs", help="Log lines.")] = False,
    insights: Annotated[bool, typer.Option("--insights", help="Insights.")] = False,
    chart: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="New points of it. Repeatable.", show_default=False)
    ] = None,
    every: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Between two looks at these.", show_default="as data is renewed"),
    ] = None,
    status_every: Annotated[float, typer.Option(metavar="SECONDS", help="For the status.")] = 60.0,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Set the file aside, begin anew.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line, as when piped.")] = False,
) -> None:
    """Watch live projects, and tell every change once, until Ctrl-C.

    Without PROJECT: those that are Running. With --checkpoint it goes on where
    it ended; what was not told to its end comes again, with the same key.
    """
    if projects and status is not None:
        raise typer.BadParameter("choose one of PROJECT and --status")
    if rebuild and checkpoint is None:
        raise typer.BadParameter("--rebuild needs the --checkpoint FILE that it is about")
    often = True if every is None else every

    def begin(qc: qcasync.Client) -> AbstractAsyncContextManager[qcasync.Changes]:
        return qc.watch(
            projects or None,
            status=None if projects else status or _RUNNING,
            checkpoint=checkpoint,
            start="beginning" if from_beginning else "now",
            orders=orders and often,
            portfolio=portfolio and often,
            statistics=statistics and often,
            logs=logs and often,
            insights=insights and often,
            charts=chart or (),
            charts_every=600.0 if every is None else every,
            status_every=status_every,
            rebuild=rebuild,
        )

    console = results()
    for_programs = as_json or is_read_by_programs()
    screen = None
    if not for_programs and console.is_terminal and not console.is_dumb_terminal:
        nobody = f"None is {status or _RUNNING}." if not projects else "No projects."
        screen = ScreenFeed(console, checkpoint=checkpoint, nobody=nobody, has_orders=orders, has_statistics=statistics)
    feed = screen or LineFeed(for_programs=for_programs)
    try:
        with _advised():
            is_terminated = anyio.run(_watch, Settings.of(context), begin, feed, checkpoint is not None)
    finally:
        if screen is not None and screen.conclusion:
            say(screen.conclusion)
    if is_terminated:
        raise typer.Exit(INTERRUPTED)


@contextlib.contextmanager
def _advised() -> Generator[None, None, None]:
    """Hints name the library's words; here they are options."""
    try:
        yield
    except qcasync.CheckpointError as error:
        if "rebuild=True" in error.hint:
            error.add_note("Here that is --rebuild.")
        raise


async def _watch(settings: Settings, begin: Begin, feed: Feed, is_kept: bool) -> bool:
    """Watch until cancelled. Returns whether that was SIGTERM; Ctrl-C is an exception."""
    terminated = anyio.Event()
    async with task_group() as group:
        group.start_soon(_end_when_told, group.cancel_scope, terminated)
        async with settings.client(observers=feed.observers) as qc, contextlib.AsyncExitStack() as stack:
            with messages().status("looking at the projects ..."), Notes(warn):
                changes = await stack.enter_async_context(begin(qc))
            if not is_kept:
                warn("without --checkpoint, nothing that this watch knows survives it")
            with Notes(feed.note):
                await feed.run(changes)
        group.cancel_scope.cancel()
    return terminated.is_set()


async def _end_when_told(scope: anyio.CancelScope, terminated: anyio.Event) -> None:
    """End as orderly as after Ctrl-C when a supervisor says so."""
    if sys.platform == "win32":
        return
    with anyio.open_signal_receiver(signal.SIGTERM) as signals:
        async for _ in signals:
            terminated.set()
            scope.cancel()
            return
