"""A CSV file that appears complete or not at all, and that no spreadsheet can mistake for a program."""

import contextlib
import csv
import io
from collections.abc import Generator, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from qcasync.cli import whole_file
from qcasync.exporting.texts import inert


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
    with whole_file.begin(path, overwrite=overwrite) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8", errors="backslashreplace", newline="")
        try:
            yield CSVFile(text, columns)
        finally:
            text.detach()


def _cell(value: object) -> object:
    if isinstance(value, str):
        return inert(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value
