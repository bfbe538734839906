"""The files of an export: written in the draft's folder, and put into their places together."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from qcasync.errors import ConfigurationError
from qcasync.exporting.arrow import Schema
from qcasync.exporting.draft import Draft
from qcasync.exporting.folder import stamp_of, sync_names
from qcasync.exporting.report import ExportedFile
from qcasync.exporting.sinks import File
from qcasync.exporting.texts import json_line
from qcasync.exporting.wishes import QUARANTINED, Format


def check_free(to: Path, names: Iterable[str], ours: Mapping[str, tuple[int, int]], *, overwrite: bool) -> None:
    """Refuse to replace what is not ours.

    Args:
        to: The folder.
        names: Files in it.
        ours: Those that the same export put there before it was interrupted, and how they looked.
        overwrite: Whether files may be replaced.

    Raises:
        ConfigurationError: One of them is there.
    """
    for name in names:
        path = to / name
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise ConfigurationError(f"{path} is not a file.", "Remove it, or name another folder.")
        if not overwrite and path.exists() and stamp_of(path) != ours.get(name):
            raise ConfigurationError(
                f"{path} exists.", "Replace it with overwrite=True (--force), or name another folder."
            )


class Files:
    """The files on their way. Its methods block.

    Args:
        draft: Where they are written.
        to: Where they go.
        form: Their form.

    Attributes:
        quarantined: How many rows of each table could not be decoded.
    """

    def __init__(self, draft: Draft, to: Path, form: Format) -> None:
        self._draft = draft
        self._to = to
        self._form: Format = form
        self._open: list[File] = []
        self._done: list[ExportedFile] = []
        self.quarantined: Counter[str] = Counter()

    def begin(self, stem: str, table: str, schema: Schema, told: Mapping[str, str]) -> File:
        """Begin a file.

        Args:
            stem: Its name without the ending.
            table: Its table.
            schema: Of all its batches.
            told: What is to be said in it about it.
        """
        name = f"{stem}.{self._form}"
        file = File(self._draft.path / name, table, self._form, schema.with_metadata(dict(told)))
        self._open.append(file)
        return file

    def finish(self) -> None:
        """See all of them onto the disk."""
        while self._open:
            file = self._open[0]
            file.finish()
            size = file.path.stat().st_size
            self._done.append(ExportedFile(path=self._to / file.path.name, table=file.table, rows=file.rows, size=size))
            del self._open[0]

    def add_quarantine(self, entries: Iterable[tuple[str, int, str, bytes]], project_id: int) -> None:
        """Write entries that could not be decoded: table, index, reason, and the entry as it came."""
        path = self._draft.path / QUARANTINED
        with path.open("xb") as stream:
            for table, index, reason, raw in entries:
                self.quarantined[table] += 1
                text = raw.decode(errors="backslashreplace")
                told = {"project_id": project_id, "table": table, "index": index, "reason": reason, "raw": text}
                stream.write(json_line(told))
            stream.flush()
            os.fsync(stream.fileno())
        rows = self.quarantined.total()
        if rows:
            done = ExportedFile(path=self._to / QUARANTINED, table="quarantined", rows=rows, size=path.stat().st_size)
            self._done.append(done)

    def abandon(self) -> None:
        """Let go of files that are not finished."""
        for file in self._open:
            file.abandon()
        self._open.clear()

    def place(self, *, overwrite: bool) -> tuple[ExportedFile, ...]:
        """Put all files into their places.

        Raises:
            ConfigurationError: Somebody else has made one of them meanwhile.
        """
        names = [done.path.name for done in self._done]
        check_free(self._to, (*names, QUARANTINED), self._draft.contents.placed, overwrite=overwrite)
        stamps: Any = {name: stamp_of(self._draft.path / name) for name in names}  # all of them are there
        self._draft.keep(placed={**self._draft.contents.placed, **stamps})
        for name in names:
            (self._draft.path / name).replace(self._to / name)
        if QUARANTINED not in names:  # of a former export, which is replaced
            (self._to / QUARANTINED).unlink(missing_ok=True)
        sync_names(self._to)
        return tuple(self._done)
