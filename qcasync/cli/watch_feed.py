"""Where the changes of `qcasync watch` go; and the plain way: a line each, acknowledged when it is flushed."""

import logging
import sys
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Protocol, Self

import msgspec

import qcasync
from qcasync._core.change_codec import encode_change
from qcasync._tasks import task_group
from qcasync.cli.output import json_line, warn, when
from qcasync.cli.watch_lines import line_of, name_of_project
from qcasync.cli.watch_pipe import Pipe

LOGGER: Final = "qcasync"


class Feed(Protocol):
    """Tells changes."""

    @property
    def observers(self) -> Sequence[qcasync.Observer]:
        """Who wants to know what the client does."""
        ...

    def note(self, text: str) -> None:
        """Tell a warning."""
        ...

    async def run(self, changes: qcasync.Changes) -> None:
        """Tell changes and acknowledge them, until cancelled or until the watch ends."""
        ...


class LineFeed:
    """A line for each change, on stdout; warnings on stderr.

    Args:
        for_programs: JSON; else words.
    """

    def __init__(self, *, for_programs: bool) -> None:
        self._line = _json if for_programs else _words

    @property
    def observers(self) -> Sequence[qcasync.Observer]:
        """Nobody."""
        return ()

    def note(self, text: str) -> None:
        """See `Feed.note`."""
        warn(text)

    async def run(self, changes: qcasync.Changes) -> None:
        """See `Feed.run`.

        Raises:
            OSError: The lines cannot be written, or nobody reads them any more.
        """
        pipe = Pipe(sys.stdout)
        async with task_group() as group:
            group.start_soon(pipe.see_the_reader_leave)
            async for change in changes:
                await pipe.write(self._line(change))
                await change.ack()
            group.cancel_scope.cancel()


def _json(change: qcasync.Change) -> bytes:
    return json_line(msgspec.Raw(encode_change(change)))


def _words(change: qcasync.Change) -> bytes:
    words = f"{when(change.observed_at)} {name_of_project(change.project_id)} {line_of(change).plain}\n"
    return words.encode(errors="backslashreplace")


class Notes(logging.Handler):
    """Passes on the library's warnings while it is entered; nothing else writes them then."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a warning on."""
        error = record.exc_info[1] if record.exc_info else None
        self._tell(record.getMessage() + ("" if error is None else f": {error!r}"))

    def __enter__(self) -> Self:
        logging.getLogger(LOGGER).addHandler(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        logging.getLogger(LOGGER).removeHandler(self)
