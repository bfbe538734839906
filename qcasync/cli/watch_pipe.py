"""Lines for another program, each on its way before the next one is made: and an eye on whether it still reads them."""

import errno
import os
import select
import stat
import sys
from contextlib import suppress
from typing import Final, TextIO

import anyio
import anyio.to_thread

_LOOK_SECONDS: Final = 1.0
"""Seconds after which we know at the latest that a reader has left."""
_GRACE: Final = 1.0
"""Seconds to finish a line that has begun, once we are to end."""

_AT_ONCE: Final[int] = getattr(select, "PIPE_BUF", 512)
"""Bytes that a pipe with room takes without blocking."""


class Pipe:
    """Stdout, line by line. A reader that is slow, or stands still, delays the lines and nothing else.

    Args:
        stream: Stdout, or something like it.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._pipe = _pipe(stream)
        self._rest = memoryview(b"")

    async def write(self, line: bytes) -> None:
        """Write a line and flush it.

        Raises:
            OSError: Nobody reads any more (`BrokenPipeError`), or the disk is full.
        """
        if self._pipe is None:
            # In a thread: whoever reads our output may be slow, and must not stop the event loop.
            await anyio.to_thread.run_sync(self._write, line)
            return
        self._rest = memoryview(line)
        try:
            await self._pour(self._pipe)
        except anyio.get_cancelled_exc_class():
            if len(self._rest) < len(line):
                with anyio.move_on_after(_GRACE, shield=True):
                    await self._pour(self._pipe)
            raise

    async def see_the_reader_leave(self) -> None:
        """Return only by an error, when nobody reads any more. A line may not come for hours.

        Raises:
            BrokenPipeError: The reader has left.
        """
        if self._pipe is None or sys.platform == "win32":
            return
        poll = select.poll()
        poll.register(self._pipe, 0)
        while not poll.poll(0):  # noqa: ASYNC110 - event loops cannot wait for an error alone
            await anyio.sleep(_LOOK_SECONDS)
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    async def _pour(self, pipe: int) -> None:
        """Never more than a pipe with room takes at once: so nothing blocks, and Ctrl-C is never late."""
        while self._rest:
            await anyio.wait_writable(pipe)
            with suppress(BlockingIOError):
                self._rest = self._rest[os.write(pipe, self._rest[:_AT_ONCE]) :]

    def _write(self, line: bytes) -> None:
        self._stream.buffer.write(line)
        self._stream.buffer.flush()


def _pipe(stream: TextIO) -> int | None:
    """The stream, if it is a pipe that can be asked whether it has room."""
    if sys.platform == "win32":
        return None
    stream.flush()
    try:
        number = stream.fileno()
    except OSError:  # nothing of the operating system's
        return None
    return number if stat.S_ISFIFO(os.fstat(number).st_mode) else None
