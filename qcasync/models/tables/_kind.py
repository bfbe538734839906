"""A kind of table: rows become Arrow tables that all have one schema."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from qcasync.errors import ConfigurationError
from qcasync.models.tables._columns import Column, Form

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Kind", "arrays"]

Row = TypeVar("Row")

_ROWS_AT_ONCE: Final = 16_384
"""How many entries a batch of a table is made of. What Python holds beside the table is bounded by it."""


class Kind(Generic[Row]):
    """A kind of table: its name, its columns, and how they are made of models.

    All its tables and batches have one schema, whether they have rows or not, so that they can be joined and written
    to one file. Only the dictionaries of text that repeats differ from batch to batch.

    Args:
        name: The kind's name.
        columns: The columns, in their order.
        entries: Takes what a table is made of apart into entries, one a row; None if it is made of the entries.
        known_as: Names an entry, for errors.
        exact: Whether its numbers are decimals.

    Attributes:
        name: Such as "orders".
    """

    def __init__(
        self,
        name: str,
        columns: Sequence[Column],
        *,
        known_as: Callable[[Any], str],
        entries: Callable[[Row], Iterable[Any]] | None = None,
        exact: bool = False,
    ) -> None:
        self.name = name
        self._columns = tuple(columns)
        self._known_as = known_as
        self._entries = entries
        self._exact = exact

    def __repr__(self) -> str:
        return f"<Kind: {self.name}{', exact' if self._exact else ''}>"

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its columns, in their order."""
        return tuple(column.name for column in self._columns)

    @property
    def exact(self) -> "Kind[Row]":
        """The same with `decimal128(38, 18)` for each number that is exact on request, for models of decimals."""
        return Kind(self.name, self._columns, known_as=self._known_as, entries=self._entries, exact=True)

    def fitting(self, rows: Sequence[Row]) -> "Kind[Row]":
        """Return the exact form if these rows hold decimals, else this one. It looks at the first entry only."""
        numbers = [column.read for column in self._columns if column.form is Form.NUMBER]
        first = next(self._taken_apart(rows), None)
        decimals = first is not None and any(isinstance(read(first), Decimal) for read in numbers)
        return self.exact if decimals else self

    def schema(self) -> "pa.Schema":
        """Return the schema of its tables.

        Raises:
            ConfigurationError: pyarrow is not installed.
        """
        schema: pa.Schema = arrays().schema(self._columns, exact=self._exact)
        return schema

    def batch(self, rows: Iterable[Row]) -> "pa.RecordBatch":
        """Return these rows as one batch.

        Raises:
            ConfigurationError: pyarrow is not installed, or a value does not fit its column. The error names both.
        """
        return self._batch(list(self._taken_apart(rows)))

    def table(self, rows: Iterable[Row]) -> "pa.Table":
        """Return these rows as a table, which polars, pandas and duckdb take without a copy.

        Raises:
            ConfigurationError: pyarrow is not installed, or a value does not fit its column. The error names both.
        """
        room = arrays()
        entries = self._taken_apart(rows)
        batches: list[pa.RecordBatch] = []
        while piece := list(itertools.islice(entries, _ROWS_AT_ONCE)):
            batches.append(self._batch(piece))
        table: pa.Table = room.joined(batches, self.schema())
        return table

    def _taken_apart(self, rows: Iterable[Row]) -> Iterator[Any]:
        return iter(rows) if self._entries is None else itertools.chain.from_iterable(map(self._entries, rows))

    def _batch(self, entries: Sequence[Any]) -> "pa.RecordBatch":
        room = arrays()
        made: list[Any] = []
        for column in self._columns:
            try:
                made.append(room.array(column, entries, exact=self._exact))
            except room.FAILURES as error:
                raise self._misfit(column, entries) or error from error
        batch: pa.RecordBatch = room.batch(made, self.schema())
        return batch

    def _misfit(self, column: Column, entries: Sequence[Any]) -> ConfigurationError | None:
        """Return the error that names the first value that does not fit."""
        room = arrays()
        for entry in entries:
            try:
                room.array(column, [entry], exact=self._exact)
            except room.FAILURES as error:
                return ConfigurationError(
                    f"{column.name} of {self._known_as(entry)} does not fit the table: "
                    f"{str(column.read(entry))[:80]!r} ({str(error)[:200]}).",
                    _HINTS.get((column.form, self._exact), "The models that are read from QuantConnect fit."),
                )
        return None


_DIGITS: Final = "Decimals have 20 digits before the point and 18 behind it: read the numbers as floats."
_HINTS: Final = {
    (Form.NUMBER, True): _DIGITS,
    (Form.AMOUNTS, True): _DIGITS,
    (Form.NUMBER, False): "Take the exact form of the kind for decimals, such as `tables.ORDERS.exact`.",
}


def arrays() -> Any:
    """Return the room that knows pyarrow.

    Raises:
        ConfigurationError: pyarrow is not installed.
    """
    try:
        from qcasync.models.tables import _arrays  # noqa: PLC0415 - an extra: only who makes tables needs it
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "pyarrow":
            raise
        raise ConfigurationError("A table needs pyarrow.", "pip install 'qcasync[arrow]'") from error
    return _arrays
