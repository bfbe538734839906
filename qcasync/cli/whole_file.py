"""A file that appears complete or not at all."""

import contextlib
import os
from collections.abc import Generator
from pathlib import Path
from typing import IO

import qcasync


def check(path: Path, *, overwrite: bool) -> None:
    """Look whether a file may be written, before any work is done for it.

    Raises:
        ConfigurationError: It exists and may not be replaced, is something other than a file, or has no folder.
    """
    if path.exists() and not path.is_file():  # replacing /dev/null would be a bad joke
        raise qcasync.ConfigurationError(f"{path} is not a file.", "Name a file, which need not exist yet.")
    if path.exists() and not overwrite:
        raise qcasync.ConfigurationError(f"{path} exists.", "Replace it with --force, or name another file.")
    if not path.parent.is_dir():
        raise qcasync.ConfigurationError(f"{path.parent} is not a folder.", "Make it first, or name another one.")


def probe(path: Path, *, overwrite: bool) -> None:
    """Look whether a file can be written, by beginning one beside it that is gone again.

    Raises:
        ConfigurationError: As `check` and `write`.
    """
    try:
        check(path, overwrite=overwrite)
        draft = _draft(path)
        draft.open("xb").close()
        draft.unlink()
    except OSError as error:  # a closed folder, a full disk, a name that is too long
        raise _refused(path, error) from error


def write(path: Path, content: bytes, *, overwrite: bool) -> None:
    """Write a file at once, as `begin` does."""
    with begin(path, overwrite=overwrite) as stream:
        stream.write(content)


@contextlib.contextmanager
def begin(path: Path, *, overwrite: bool) -> Generator[IO[bytes], None, None]:
    """Write a file beside `path`, and put it there once the block ended well. Otherwise nothing is left of it.

    Args:
        path: The file.
        overwrite: Whether an existing file may be replaced.

    Raises:
        ConfigurationError: The file exists, or cannot be made there.
    """
    try:
        check(path, overwrite=overwrite)
        draft = _draft(path)
        stream = draft.open("xb")
    except OSError as error:
        raise _refused(path, error) from error
    try:
        with stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        check(path, overwrite=overwrite)  # somebody else may have made it meanwhile
        draft.replace(path)
    except OSError as error:  # a full disk
        raise _refused(path, error) from error
    finally:
        draft.unlink(missing_ok=True)


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def _refused(path: Path, error: OSError) -> qcasync.ConfigurationError:
    return qcasync.ConfigurationError(f"{path} cannot be written: {error.strerror}.")
