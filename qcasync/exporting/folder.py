"""Files that appear complete or not at all, in a folder that only one process uses at a time."""

import errno
import hashlib
import os
import sys
from pathlib import Path
from typing import Final

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_TAKEN: Final = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES})
_SAFELY: Final[int] = sum(getattr(os, name, 0) for name in ("O_BINARY", "O_CLOEXEC", "O_NOFOLLOW"))
_PRIVATE: Final = 0o600


class Lock:
    """A lock on a file. It ends with the process, however that ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether it is ours."""
        return self._handle is not None

    def take(self) -> bool:
        """Returns whether it is ours; does not wait."""
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | _SAFELY, _PRIVATE)
        try:
            if sys.platform == "win32":
                msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            else:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_ours = _is_at(handle, self._path)  # its former holder may have removed the file meanwhile
        except OSError as error:
            os.close(handle)
            if error.errno in _TAKEN:
                return False
            raise
        if not is_ours:
            os.close(handle)
            return self.take()
        self._handle = handle
        return True

    def release(self, *, remove: bool) -> None:
        """Give it up. Idempotent.

        Args:
            remove: Whether the file goes as well.
        """
        handle, self._handle = self._handle, None
        if handle is None:
            return
        if remove and sys.platform != "win32":  # there a file that is open cannot go; an empty one stays
            self._path.unlink(missing_ok=True)
        os.close(handle)


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def write_whole(path: Path, content: bytes) -> None:
    """Put a small file in the place of what is there, at once and on the disk."""
    draft = path.with_name(path.name + "-new")
    draft.unlink(missing_ok=True)  # of a process that was killed; or somebody's link to elsewhere
    with draft.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)
    sync_names(path.parent)


def sync_names(folder: Path) -> None:
    """See the names of a folder onto the disk, where a folder can be opened at all."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def digest_of(path: Path) -> str:
    """Of the content of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "blake2b").hexdigest()[:32]


def stamp_of(path: Path) -> tuple[int, int] | None:
    """What a file has that another one of the same name has not: its size, and when it was written."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime_ns
