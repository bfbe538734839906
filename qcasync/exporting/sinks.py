"""The forms of files: record batches become Parquet, CSV or lines of JSON. Only this room and `columns` use pyarrow."""

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Final, Protocol

from qcasync.exporting.arrow import Batch, Schema, csv, pa, parquet
from qcasync.exporting.cells import as_cells, cells_schema
from qcasync.exporting.texts import json_line
from qcasync.exporting.wishes import Format

ROWS_OF_A_GROUP: Final = 32_768
"""Rows of a row group: what a reader of Parquet skips or reads at once, and what is held in memory for it."""
_LINES_AT_ONCE: Final = 1_000


class Sink(Protocol):
    """A file on its way. Its methods block."""

    def write(self, batch: Batch) -> None:
        """Append rows."""
        ...

    def close(self) -> None:
        """Write what is left."""
        ...


class _Parquet:
    def __init__(self, stream: IO[bytes], schema: Schema) -> None:
        self._writer = parquet.ParquetWriter(stream, schema, compression="zstd")
        self._schema = schema
        self._held: list[Batch] = []
        self._rows = 0

    def write(self, batch: Batch) -> None:
        self._held.append(batch)
        self._rows += batch.num_rows
        if self._rows >= ROWS_OF_A_GROUP:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            table = pa.Table.from_batches(self._held).unify_dictionaries()
            self._writer.write_table(table, row_group_size=self._rows)
        self._held, self._rows = [], 0


class _CSV:
    def __init__(self, stream: IO[bytes], schema: Schema) -> None:
        self._writer = csv.CSVWriter(stream, cells_schema(schema))

    def write(self, batch: Batch) -> None:
        self._writer.write(as_cells(batch))

    def close(self) -> None:
        self._writer.close()


class _JSONLines:
    def __init__(self, stream: IO[bytes], schema: Schema) -> None:  # noqa: ARG002 - lines name their columns
        self._stream = stream

    def write(self, batch: Batch) -> None:
        for first in range(0, batch.num_rows, _LINES_AT_ONCE):
            rows = batch.slice(first, _LINES_AT_ONCE).to_pylist()
            self._stream.write(b"".join(json_line(row) for row in rows))

    def close(self) -> None:
        """Every line is written at once."""


_SINKS: Final[Mapping[Format, Callable[[IO[bytes], Schema], Sink]]] = {
    "parquet": _Parquet,
    "csv": _CSV,
    "jsonl": _JSONLines,
}


class File:
    """A file that is being written, under another name or in another place than in the end. Its methods block.

    Args:
        path: Where for now.
        table: What it is a table of.
        form: Its form.
        schema: Of all its batches.

    Attributes:
        path: Where it is for now.
        table: What it is a table of.
        schema: Of all its batches.
        rows: How many rows it has.
    """

    def __init__(self, path: Path, table: str, form: Format, schema: Schema) -> None:
        self.path: Path = path
        self.table: str = table
        self.schema: Schema = schema
        self.rows: int = 0
        self._stream = path.open("xb")
        self._sink = _SINKS[form](self._stream, schema)

    def write(self, batch: Batch) -> None:
        """Append rows."""
        self.rows += batch.num_rows
        self._sink.write(batch)

    def finish(self) -> None:
        """See it onto the disk."""
        self._sink.close()
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()

    def abandon(self) -> None:
        """Let go of it; what was written stays where it is."""
        with contextlib.suppress(OSError, ValueError):  # the disk may be full; pyarrow would try again later
            self._sink.close()
        with contextlib.suppress(OSError):
            self._stream.close()
