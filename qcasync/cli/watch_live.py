"""The changes of `qcasync watch` on a screen that changes in place, at most four times a second."""

import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final

import anyio
import anyio.to_thread
from rich.console import Console
from rich.live import Live
from rich.text import Text

import qcasync
from qcasync._tasks import task_group
from qcasync.cli.meter import Meter
from qcasync.cli.output import clean
from qcasync.cli.watch_screen import Entry, Screen, View, age, entry_of

_FRAME_SECONDS: Final = 0.25
"""Seconds between two pictures at least."""
_IDLE_FRAMES: Final = 4
"""Frames after which there is a new picture though nothing happened: what is told as "ago" grows older."""
_FEW: Final = 4
"""Changes that wait, up to which each is drawn before the next one of its project."""
_KEPT: Final = 500
"""Entries in memory: more than any terminal has lines."""


class ScreenFeed:
    """A screen. A change is acknowledged when it was drawn; at once, while more wait than anybody could follow.

    Args:
        console: Where to draw.
        checkpoint: The file, if there is one.
        nobody: What to say while there are no projects.
        has_orders: Whether orders are watched.
        has_statistics: Whether statistics are watched.
    """

    def __init__(
        self, console: Console, *, checkpoint: Path | None, nobody: str, has_orders: bool, has_statistics: bool
    ) -> None:
        self._console = console
        self._checkpoint = checkpoint
        self._nobody = nobody
        self._has_orders = has_orders
        self._has_statistics = has_statistics
        self._meter = Meter()
        self._clock_offset = 0.0
        self._recent: deque[Entry] = deque(maxlen=_KEPT)
        self._changed: dict[int, datetime] = {}
        self._undrawn: list[qcasync.Change] = []
        self._is_stale = True
        self._failing = ""
        self._count = 0
        self._waiting = 0
        self._began = self._ended = 0.0

    @property
    def observers(self) -> Sequence[qcasync.Observer]:
        """Those that count requests, and learn the server's time."""
        return self._meter, self._observe

    @property
    def conclusion(self) -> str:
        """What to say in the end; "" if it never began."""
        if not self._began:
            return ""
        told = (
            f"Watched for {age(self._ended - self._began)}: {self._count:,} changes, {self._meter.requests:,} requests."
        )
        if self._waiting and self._checkpoint is not None:
            told += f" {self._waiting:,} changes wait in {clean(self._checkpoint)} for the next watch."
        return told

    def note(self, text: str) -> None:
        """See `Feed.note`."""
        self._add(Entry(self._now(), "warning", Text(clean(text), "yellow")))

    async def run(self, changes: qcasync.Changes) -> None:
        """See `Feed.run`."""
        self._began = anyio.current_time()
        try:
            with _FullScreen(self._console) as live:
                async with task_group() as group:
                    group.start_soon(self._keep_drawn, live, changes)
                    async for change in changes:
                        await self._take(change, is_crowded=changes.waiting > _FEW)
                    group.cancel_scope.cancel()
        finally:
            self._ended, self._waiting = anyio.current_time(), changes.waiting

    async def _take(self, change: qcasync.Change, *, is_crowded: bool) -> None:
        self._count += 1
        self._changed[change.project_id] = change.observed_at
        if isinstance(change, qcasync.ServiceFailing):
            self._failing = change.reason
        elif isinstance(change, qcasync.ServiceRecovered):
            self._failing = ""
        self._add(entry_of(change))
        if is_crowded:
            await change.ack()
        else:
            self._undrawn.append(change)

    async def _keep_drawn(self, live: Live, changes: qcasync.Changes) -> None:
        frames = 0
        while True:
            frames += 1
            if self._is_stale or frames >= _IDLE_FRAMES:
                self._is_stale, frames = False, 0
                await self._draw(live, changes)
            await anyio.sleep(_FRAME_SECONDS)

    async def _draw(self, live: Live, changes: qcasync.Changes) -> None:
        drawn, self._undrawn = self._undrawn, []
        screen = Screen(self._view(changes))
        # In a thread: a terminal may stand still (Ctrl-S), and the watch goes on.
        await anyio.to_thread.run_sync(lambda: live.update(screen, refresh=True))
        for change in drawn:
            await change.ack()

    def _view(self, changes: qcasync.Changes) -> View:
        return View(
            now=self._now(),
            projects=changes.projects,
            changed=dict(self._changed),
            recent=tuple(self._recent),
            changes=self._count,
            requests=self._meter.requests,
            running=anyio.current_time() - self._began,
            checkpoint="" if self._checkpoint is None else str(self._checkpoint),
            stalled=changes.stalled or "",
            failing=self._failing,
            nobody=self._nobody,
            has_orders=self._has_orders,
            has_statistics=self._has_statistics,
        )

    def _add(self, entry: Entry) -> None:
        self._recent.append(entry)
        self._is_stale = True

    def _observe(self, observation: qcasync.Observation) -> None:
        if isinstance(observation, qcasync.SkewCorrected):
            self._clock_offset = observation.offset

    def _now(self) -> datetime:
        return datetime.fromtimestamp(time.time() + self._clock_offset, UTC)


class _FullScreen:
    """The terminal's other screen, on which lines do not wrap; what was there before comes back.

    Where the terminal takes a character for wider than we do, its line must not run on into the next.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(
            console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )

    def __enter__(self) -> Live:
        self._live.start()
        self._write("\x1b[?7l")
        return self._live

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write("\x1b[?7h")
        self._live.stop()

    def _write(self, code: str) -> None:
        if not self._console.legacy_windows:
            self._console.file.write(code)
            self._console.file.flush()
