"""An observer that keeps every answer in a file, and costs the service that it serves next to nothing.

The event loop hands an answer over and goes on; a thread cleans, packs and writes it. Whatever happens to the file, a
client never hears of it: the recording stops, says so once, and remembers why.
"""

import logging
import os
import queue
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

import msgspec

from qcasync.errors import ConfigurationError
from qcasync.models.observations import AnswerReceived, Observation
from qcasync.recording._cleaning import clean, kept_headers
from qcasync.recording._lines import FORMAT, Heading, Line, packed

logger: logging.Logger = logging.getLogger("qcasync")

MAX_WAITING: Final = 128 * 2**20
"""Bytes of bodies that may wait for a slow disk."""
CLOSE_SECONDS: Final = 5.0
_PRIVATE: Final = 0o600
_SAFELY: Final[int] = sum(getattr(os, name, 0) for name in ("O_BINARY", "O_CLOEXEC", "O_NOFOLLOW"))


class Recorder:
    """Writes the answers to all calls without effect into a new file, for `ReplayTransport`.

    Pass it as one of a client's `observers`; several clients of one process may share it. Usable as a context manager,
    around the client's. The file holds what the account shows: orders, holdings, statistics. It never holds headers of
    requests, and texts of refusals are scrubbed; project files are kept without their contents. It has mode 0600.

    An answer is in the file within moments: a process that is killed loses the last ones, a machine that loses power
    the last seconds. A disk that is full, or slower than the answers come, ends the recording and nothing else.

    Args:
        path: A file that does not exist yet, in a directory that does; by custom its name ends in `.jsonl.gz`.

    Attributes:
        wants_bodies: Asks a client for whole answers.
        answers: How many are in the file.
        stopped: Why nothing is recorded any more, in a sentence's end; None while all is well.

    Raises:
        ConfigurationError: The file exists, or cannot be made.
    """

    wants_bodies: Final = True

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: str = os.fspath(path)
        self.answers: int = 0
        self.stopped: str | None = None
        self._handle = _create(self.path)
        self._size = 0
        self._waiting = 0
        self._lock = threading.Lock()
        self._inbox: queue.SimpleQueue[AnswerReceived | None] = queue.SimpleQueue()
        self._closed = False
        try:
            self._append(packed(Heading(qcasync_recording=FORMAT, began_at=time.time())))
        except OSError as error:
            os.close(self._handle)
            raise ConfigurationError(
                f"The recording {self.path} cannot be written: {_reason(error)}.", _HINT
            ) from error
        self._thread = threading.Thread(target=self._work, name="qcasync recorder", daemon=True)
        self._thread.start()

    def __call__(self, observation: Observation, /) -> None:
        """Take what a client tells. Costs microseconds, whatever the size."""
        if not isinstance(observation, AnswerReceived) or self._closed or self.stopped is not None:
            return
        with self._lock:
            late = self._waiting > MAX_WAITING
            self._waiting += len(observation.body)
        if late:
            self._stop("the disk is slower than the answers come")
        else:
            self._inbox.put(observation)

    def close(self) -> None:
        """Write what was taken, and close the file. Waits for at most 5 seconds. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._inbox.put(None)
        self._thread.join(CLOSE_SECONDS)
        if self._thread.is_alive():  # a disk that hangs keeps no process from ending
            self._stop(f"the disk took nothing for {CLOSE_SECONDS:g} s")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<qcasync.Recorder to {self.path}: {self.stopped or f'{self.answers} answers'}>"

    def _work(self) -> None:
        """Write until the end is told. The only one who writes."""
        try:
            while (answer := self._inbox.get()) is not None:
                with self._lock:
                    self._waiting -= len(answer.body)
                if self.stopped is None:
                    self._record(answer)
        finally:
            os.close(self._handle)

    def _record(self, answer: AnswerReceived) -> None:
        try:
            self._append(packed(_line(answer, self.answers + 1)))
        except OSError as error:
            with suppress(OSError):  # a part of a line is of no use
                os.ftruncate(self._handle, self._size)
            self._stop(_reason(error))
        except Exception as error:  # a defect of ours must not look like a recording without it
            self._stop(f"an answer of {answer.endpoint} could not be written down ({type(error).__name__})")
        else:
            self.answers += 1

    def _append(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[os.write(self._handle, left) :]
        self._size += len(data)

    def _stop(self, reason: str) -> None:
        with self._lock:
            known, self.stopped = self.stopped, self.stopped or reason
        if known is None:
            logger.error("the recording %s ends after %d answers: %s", self.path, self.answers, reason)


_HINT: Final = "Name a new file in a directory that exists; a name with the time in it is never taken."


def _create(path: str) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFELY, _PRIVATE)
    except FileExistsError as error:
        raise ConfigurationError(f"{path} exists, and a recording overwrites nothing.", _HINT) from error
    except OSError as error:
        raise ConfigurationError(f"The recording {path} cannot be made: {_reason(error)}.", _HINT) from error


def _line(answer: AnswerReceived, number: int) -> Line:
    line = Line(
        number=number,
        read_at=answer.read_at,
        mono_sent=answer.mono_sent,
        mono_answered=answer.mono_answered,
        mono_read=answer.mono_read,
        seconds=answer.seconds,
        endpoint=answer.endpoint,
        request=msgspec.Raw(answer.request),
        status=answer.status_code,
        headers=kept_headers(answer.headers),
    )
    return line.with_body(clean(answer.status_code, answer.body))


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
