"""A CSV file that appears complete or not at all, and that no spreadsheet can mistake for a program."""

import contextlib
import csv
import os
from collections.abc import Generator, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

import qcasync

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""How a text begins that a spreadsheet would compute."""


class CSVFile:
    """Rows on their way into a file. Numbers stay numbers; text that looks like a formula gets a leading apostrophe."""

    def __init__(self, stream: IO[str], columns: Sequence[str]) -> None:
        self._writer = csv.writer(stream)
        self._writer.writerow(columns)

    def write(self, rows: Iterable[Sequence[object]]) -> None:
        """Append rows."""
        self._writer.writerows([_cell(value) for value in row] for row in rows)


@contextlib.contextmanager
def csv_file(path: Path, columns: Sequence[str], *, overwrite: bool) -> Generator[CSVFile, None, None]:
    """Write a CSV file beside `path`, and put it there when the block ends well. Otherwise nothing is left of it.

    Args:
        path: The file.
        columns: Its first line.
        overwrite: Whether an existing file may be replaced.

    Raises:
        ConfigurationError: The file exists, or cannot be made there.
    """
    _check(path, overwrite=overwrite)
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        stream = draft.open("x", encoding="utf-8", errors="backslashreplace", newline="")
    except OSError as error:
        raise qcasync.ConfigurationError(f"{path} cannot be written: {error.strerror}.") from error
    try:
        with stream:
            yield CSVFile(stream, columns)
            stream.flush()
            os.fsync(stream.fileno())
        _check(path, overwrite=overwrite)  # reading takes a while, in which somebody else may have made it
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _check(path: Path, *, overwrite: bool) -> None:
    if path.exists() and not path.is_file():  # replacing /dev/null would be a bad joke
        raise qcasync.ConfigurationError(f"{path} is not a file.", "Name a file, which need not exist yet.")
    if path.exists() and not overwrite:
        raise qcasync.ConfigurationError(f"{path} exists.", "Replace it with --force, or name another file.")


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value
