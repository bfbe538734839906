"""Progress of listings: one bar each, on stderr, and only where somebody watches."""

from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.constrain import Constrain
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

import qcasync
from qcasync.cli.output import clean


class Bar:
    """The progress of one listing. It is an observer: it shows waits and retries as they come."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def __call__(self, observation: qcasync.Observation) -> None:
        """Show what the listing waits for."""
        match observation:
            case qcasync.LoadingObserved(progress=progress):
                told = "" if progress is None else f" ({progress:.0%})"
                self._note(f"server prepares{told}")
            case qcasync.RetryScheduled(after=after):
                self._note(f"retry in {after:.1f} s")
            case qcasync.WindowRead():
                self._note("")
            case _:
                pass

    def read(self, count: int, hint: int) -> None:
        """Show that `count` orders were read, of about `hint`."""
        self._progress.update(
            self._task, completed=count, total=hint or None, count=f"{count:,} of {hint:,}" if hint else ""
        )

    def done(self, count: int) -> None:
        """Show that the end of the list is proved."""
        self._progress.update(self._task, completed=count, total=count, count=f"{count:,} orders", note="complete")

    def tell(self, text: str) -> None:
        """Write a line above the bars; also where there are none."""
        self._progress.console.print(Text(clean(text), "dim"))

    def _note(self, note: str) -> None:
        self._progress.update(self._task, note=note)


@dataclass
class _Narrower:
    """Leaves room for the "^C" that a terminal writes: after a full line it would move everything by one."""

    content: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Constrain(self.content, options.max_width - len("^C"))


class _Progress(Progress):
    def get_renderables(self) -> Iterable[RenderableType]:
        yield _Narrower(self.make_tasks_table(self.tasks))


class Bars:
    """The bars of several listings.

    Args:
        console: Where to; nothing is shown if that is not a terminal.
        transient: Whether the bars go when the work is done.
        shown: False shows nothing, wherever it would go to.
    """

    def __init__(self, console: Console, *, transient: bool, shown: bool = True) -> None:
        self._progress = _Progress(
            SpinnerColumn(finished_text="✓"),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[count]}", markup=False, justify="right"),
            TextColumn("{task.fields[note]}", markup=False, style="dim"),
            TimeElapsedColumn(),
            console=console,
            transient=transient,
            disable=not (shown and console.is_terminal),
            expand=True,
        )

    def add(self, name: str) -> Bar:
        """Begin the bar of one listing."""
        return Bar(self._progress, self._progress.add_task(clean(name), total=None, count="", note=""))

    def refresh(self) -> None:
        """Show the latest state now; it is shown by itself ten times a second."""
        self._progress.refresh()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._progress.disable:  # older versions of rich would write an empty line
            self._progress.stop()
