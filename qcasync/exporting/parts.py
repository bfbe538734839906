"""Parts of a draft: compressed files of sheets, one a line."""

import contextlib
import gzip
import os
import zlib
from collections.abc import Generator
from pathlib import Path

import msgspec

from qcasync.errors import ConfigurationError, DecodeError
from qcasync.exporting.folder import digest_of, sync_names
from qcasync.exporting.pages import Sheet, as_line, from_line


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A finished file of sheets.

    Attributes:
        name: Its name in the folder.
        start: Index of its first row.
        end: Index after its last row.
        digest: Of the file.
        observed_from: Unix time after which its sheets were read.
        observed_until: Unix time before which they were.
        quarantined: How many rows could not be decoded.
        unsettled: Index of the first row of each sheet with orders that had not ended.
    """

    name: str
    start: int
    end: int
    digest: str
    observed_from: float
    observed_until: float
    quarantined: int
    unsettled: tuple[int, ...]


class PartWriter:
    """A part that is being written. Its methods block."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("xb")
        self._lines = gzip.GzipFile("", "wb", compresslevel=1, fileobj=self._file, mtime=0)
        self._start: int | None = None
        self._from = self._until = 0.0
        self._unsettled: list[int] = []
        self._quarantined = 0
        self.end: int = 0

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return 0 if self._start is None else self.end - self._start

    def add(self, sheet: Sheet) -> None:
        """Append a sheet, which goes on where the last one ended."""
        self._lines.write(as_line(sheet))
        if self._start is None:
            self._start, self._from, self._until = sheet.start, sheet.asked_at, sheet.observed_at
        self._from, self._until = min(self._from, sheet.asked_at), max(self._until, sheet.observed_at)
        self._quarantined += len(sheet.page.quarantined)
        if not sheet.is_settled:
            self._unsettled.append(sheet.start)
        self.end = sheet.end

    def finish(self) -> Part | None:
        """See it onto the disk; None if it is empty."""
        self._lines.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        if self._start is None:
            self._path.unlink()
            return None
        sync_names(self._path.parent)
        return Part(
            name=self._path.name,
            start=self._start,
            end=self.end,
            digest=digest_of(self._path),
            observed_from=self._from,
            observed_until=self._until,
            quarantined=self._quarantined,
            unsettled=tuple(self._unsettled),
        )

    def abandon(self) -> None:
        """Leave nothing of it. Idempotent."""
        with contextlib.suppress(OSError):  # the disk may be full
            self._lines.close()
        with contextlib.suppress(OSError):
            self._file.close()
        self._path.unlink(missing_ok=True)


def read_part(path: Path) -> Generator[Sheet, None, None]:
    """Yield the sheets of a part.

    Raises:
        ConfigurationError: It is damaged.
    """
    try:
        with gzip.open(path) as lines:
            for line in lines:
                yield from_line(line)
    except (OSError, EOFError, zlib.error, ValueError, DecodeError) as error:
        raise ConfigurationError(f"{path} is damaged.", f"Remove {path.parent}, and export once more.") from error
