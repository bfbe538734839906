"""What is wrong with a file, and what to do about it."""

import errno
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from qcasync.errors import CheckpointError

REBUILD: Final = "Start once with rebuild=True: the file is set aside, and history is read again."
ELSEWHERE: Final = "Name another file."
_SPACE: Final = "Make room; until then nothing is told that is not kept."
_RIGHTS: Final = "Name a file that this user may write, in a directory that this user may write."
_EXPLANATIONS: Final = {
    sqlite3.SQLITE_NOTADB: ("is not a checkpoint", ELSEWHERE),
    sqlite3.SQLITE_CORRUPT: ("is damaged", REBUILD),
    sqlite3.SQLITE_FULL: ("cannot be written", _SPACE),
    sqlite3.SQLITE_IOERR: ("cannot be read or written", "Look after the disk; nothing is told that is not kept."),
    sqlite3.SQLITE_READONLY: ("cannot be written", _RIGHTS),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened", _RIGHTS),
    sqlite3.SQLITE_PERM: ("cannot be opened", _RIGHTS),
    sqlite3.SQLITE_BUSY: ("is being written by another program", "Let other programs read it only."),
}
_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_PASSING: Final = frozenset(_EXPLANATIONS) - {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}
"""What may be over when it is tried again."""


def refusal(path: Path, problem: str, hint: str, *, lasting: bool = False) -> CheckpointError:
    """The error for a file."""
    return CheckpointError(str(path), problem, hint, lasting)


@contextmanager
def explained(path: Path) -> Generator[None, None, None]:
    """What goes wrong in the block becomes a CheckpointError that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest tells kinds of one error apart
        problem, hint = _EXPLANATIONS.get(code, ("cannot be used", ""))
        raise refusal(path, f"{problem} ({error})", hint, lasting=code not in _PASSING) from error
    except UnicodeDecodeError as error:  # SQLite quotes what it found in place of a name
        raise refusal(path, f"is damaged ({error})", REBUILD, lasting=True) from error
    except OSError as error:
        hint = _SPACE if error.errno in _NO_SPACE else _RIGHTS
        raise refusal(path, f"cannot be used ({error.strerror or error})", hint) from error
    except msgspec.MsgspecError as error:
        problem = f"holds something that this release cannot read ({error})"
        raise refusal(path, problem, REBUILD, lasting=True) from error
