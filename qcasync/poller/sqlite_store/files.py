"""The file itself: made whole, never deleted, and locked while it is in use."""

import errno
import os
import sqlite3
import stat
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from qcasync.models.changes import ACCOUNT
from qcasync.poller.sqlite_store.schema import APPLICATION_ID, SCHEMA, SCHEMA_VERSION, SETTINGS, pragma
from qcasync.poller.store import REBUILT

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

BUSY_SECONDS: Final = 5.0


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Never makes a file."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )


def create(path: Path, account: str, now: float, *, rebuilt: bool = False) -> None:
    """Begin a file aside, to be put into place whole: an empty or half-made one is never ours.

    Args:
        path: The file.
        account: Whose it is.
        now: Unix time.
        rebuilt: It is to stand in the place of one that is set aside.
    """
    discard(path)
    draft = beside(path, _DRAFT)
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFELY, _PRIVATE))
    with closing(connect(draft, "rw")) as database:
        database.executescript(f"{';'.join(SETTINGS)}; BEGIN; {SCHEMA} COMMIT")
        database.execute("INSERT INTO qc_account VALUES (?, ?)", (account, now))
        database.execute("INSERT INTO qc_owner VALUES (0, '', 0, 0, 0)")
        if rebuilt:
            database.execute("INSERT INTO qc_memory VALUES (?, ?, ?)", (ACCOUNT, REBUILT, b"true"))
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        database.execute("PRAGMA journal_mode = WAL")


def put_in_place(path: Path) -> None:
    """Give the file that was begun aside its name."""
    beside(path, _DRAFT).rename(path)
    sync_directory(path)


def discard(path: Path) -> None:
    """Nobody wants the file that was begun aside."""
    for suffix in ("", "-journal", "-wal", "-shm"):
        beside(path, _DRAFT + suffix).unlink(missing_ok=True)


def is_half_rebuilt(path: Path) -> bool:
    """Whether a file was set aside, and the one that is to stand in its place is whole, but not there yet."""
    if path.exists() or not beside(path, _DRAFT).exists():
        return False
    with suppress(sqlite3.Error), closing(connect(beside(path, _DRAFT), "rw")) as database:
        marks = database.execute("SELECT count(*) FROM qc_memory WHERE about = ?", (REBUILT,)).fetchone()
        return bool(marks == (1,) and pragma(database, "user_version") == SCHEMA_VERSION)
    return False


def set_aside(path: Path) -> None:
    """Rename a file and what belongs to it. The database first: without its log it would look whole, but older."""
    number = 1
    while any(os.path.lexists(beside(path, f".damaged-{number}{suffix}")) for suffix in _PARTS):
        number += 1
    for suffix in _PARTS:
        with suppress(FileNotFoundError):
            beside(path, suffix).rename(beside(path, f".damaged-{number}{suffix}"))
    sync_directory(path)


def require_regular(path: Path) -> None:
    """Raise OSError for anything that is there and is not a file that may be written."""
    with suppress(FileNotFoundError):
        found = path.lstat().st_mode
        if not stat.S_ISREG(found):
            raise OSError(0, "it is a symbolic link" if stat.S_ISLNK(found) else "it is no regular file")
        if not os.access(path, os.R_OK | os.W_OK):  # SQLite would leave a log behind that cannot be written either
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    if not path.parent.is_dir():
        raise OSError(0, f"{path.parent} is no directory")


def inode_of(path: Path) -> tuple[int, int] | None:
    """What tells a file from another one of the same name; None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def beside(path: Path, suffix: str) -> Path:
    """The file of this name with something added."""
    return path.with_name(path.name + suffix)


def sync_directory(path: Path) -> None:
    """See new names onto the disk, where a directory can be opened at all."""
    if os.name == "posix":
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


_DRAFT: Final = "-new"
_PRIVATE: Final = 0o600
_PARTS: Final = ("", "-wal", "-shm")
_SAFELY: Final[int] = sum(getattr(os, name, 0) for name in ("O_BINARY", "O_CLOEXEC", "O_NOFOLLOW"))


class Lock:
    """A lock on a file of its own. It ends with the process, however that ends; the file stays."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def take(self) -> bool:
        """Returns whether it is ours; does not wait."""
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | _SAFELY, _PRIVATE)
        try:
            if sys.platform == "win32":
                msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            else:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            if error.errno in _TAKEN:
                return False
            raise
        self._handle = handle
        return True

    def release(self) -> None:
        """Idempotent."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)


_TAKEN: Final = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES})
