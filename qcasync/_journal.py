"""A file that outlives us: which calls with effect somebody decided to make, and what became of each.

An intent is on the disk before its request leaves; an outcome follows it. An intent without an outcome is a call of
which nobody knows whether it happened: the process was killed, or the call was cancelled, in between. One JSON object a
line, appended in single writes, so that several processes may share a file; a line that was torn is passed over.
"""

import errno
import hashlib
import os
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

import anyio
import anyio.from_thread
import msgspec
from anyio.lowlevel import current_token

from qcasync.errors import ConfigurationError, JournalError
from qcasync.outcomes import Intent, Journal, Outcome

T = TypeVar("T")

_HINT: Final = "Name another file, or make room; without journal= nothing is written."
_PRIVATE: Final = 0o600


def account_digest(user_id: str, base_url: str) -> str:
    """What tells accounts apart in a file: 16 hexadecimal digits. Who tries all user ids can find the one."""
    return hashlib.sha256(f"{user_id}@{base_url}".encode()).hexdigest()[:16]


class _Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line: an intent, or what became of one."""

    intent: Intent | None = None
    outcome: Outcome | None = None


class JournalFile:
    """The file of intents.

    Args:
        path: Made with mode 0600 when the first intent is written; its directory must exist.

    Raises:
        ConfigurationError: It cannot be such a file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Path = Path(path)
        if self.path.is_dir() or not self.path.parent.is_dir():
            problem = (
                "is a directory" if self.path.is_dir() else f"is to be in {self.path.parent}, which does not exist"
            )
            raise ConfigurationError(f"The journal {self.path} {problem}.", "Name a file in a directory that exists.")

    async def write(self, entry: Intent | Outcome, /) -> None:
        """Append an entry, and return when it is on the disk. Cancelled, it leaves the write to its thread.

        Raises:
            JournalError: The disk refuses.
        """
        line = _Line(intent=entry) if isinstance(entry, Intent) else _Line(outcome=entry)
        data = msgspec.json.encode(line) + b"\n"
        await in_daemon(lambda: self._append(data))

    def unresolved(self, account: str, /) -> tuple[Intent, ...]:
        """The intents of an account without a final outcome; oldest first.

        Raises:
            JournalError: The file cannot be read.
        """
        lines = self._lines()
        settled = {line.outcome.intent_id for line in lines if line.outcome is not None and line.outcome.final}
        intents = (line.intent for line in lines if line.intent is not None)  # a slow disk may have them after outcomes
        return tuple(intent for intent in intents if intent.account == account and intent.id not in settled)

    def _lines(self) -> list[_Line]:
        try:
            content = self._content()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise JournalError(str(self.path), f"cannot be read: {_reason(error)}", _HINT) from error
        lines: list[_Line] = []
        for row in content.splitlines():
            with suppress(
                msgspec.MsgspecError, UnicodeDecodeError, RecursionError
            ):  # torn by a crash, before its request
                lines.append(_DECODER.decode(row))
        return lines

    def _content(self) -> bytes:
        with open(os.open(self.path, os.O_RDONLY | _SAFELY), "rb") as file:
            _require_regular(file.fileno())
            return file.read()

    def _append(self, data: bytes) -> None:
        try:
            is_new = not self.path.exists()
            handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | _SAFELY, _PRIVATE)
            try:
                _append(handle, data)
            finally:
                os.close(handle)
            if is_new:
                _sync_directory(self.path.parent)
        except OSError as error:
            raise JournalError(str(self.path), f"cannot be written: {_reason(error)}", _HINT) from error


_SAFELY: Final[int] = sum(getattr(os, name, 0) for name in ("O_BINARY", "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK"))
"""No symbolic link is followed, and a pipe does not block. Systems differ in which of them they have."""
_DECODER: Final = msgspec.json.Decoder(_Line)


async def read_soon(journal: Journal, account: str) -> tuple[Intent, ...]:
    """The unresolved intents, without holding up the event loop if the journal is a file."""
    if isinstance(journal, JournalFile):
        return await in_daemon(lambda: journal.unresolved(account))
    return journal.unresolved(account)


async def in_daemon(work: Callable[[], T]) -> T:
    """Work in a thread that keeps no process from ending: a disk that hangs would."""
    done, token = anyio.Event(), current_token()
    results: list[T] = []
    failed: list[Exception] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as error:  # handed to the task below
            failed.append(error)
        with suppress(RuntimeError):  # nobody waits any more: the event loop has ended
            anyio.from_thread.run_sync(done.set, token=token)

    threading.Thread(target=run, name="qcasync journal", daemon=True).start()
    await done.wait()
    if failed:
        raise failed[0]
    return results[0]


def _reason(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "it is a symbolic link, which is not followed"
    return error.strerror or str(error)


def _require_regular(handle: int) -> int:
    """The size of a regular file; anything else is an error."""
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(0, "it is no regular file")
    return found.st_size


def _append(handle: int, data: bytes) -> None:
    """Write one line at the end, and see it onto the disk."""
    size = _require_regular(handle)
    if size and os.lseek(handle, -1, os.SEEK_END) >= 0 and os.read(handle, 1) != b"\n":
        data = b"\n" + data  # the last line was torn
    if os.write(handle, data) < len(data):
        raise OSError(0, "the disk took a part of the line only")
    os.fsync(handle)


def _sync_directory(directory: Path) -> None:
    """See a new name onto the disk, where a directory can be opened at all."""
    if os.name != "posix":
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
