"""The table of charts in long form: a row for each point of each series."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from qcasync.models.charts import Chart, Series
from qcasync.models.tables._columns import moment, number, text, word
from qcasync.models.tables._kind import Kind, arrays

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["SERIES", "series_table"]


class _Points(Kind[Chart]):
    """Charts hold columns already, so nothing is read row by row."""

    def batch(self, rows: Iterable[Chart]) -> "pa.RecordBatch":
        batch: pa.RecordBatch = arrays().one(self.table(rows))
        return batch

    def table(self, rows: Iterable[Chart]) -> "pa.Table":
        room = arrays()
        from qcasync.models.tables import _series_arrays  # noqa: PLC0415 - pyarrow is there, as the line above proved

        schema = self.schema()
        batches = [batch for chart in rows for batch in _series_arrays.batches(chart, schema)]
        table: pa.Table = room.joined(batches, schema)
        return table


SERIES: Final[Kind[Chart]] = _Points(
    "series",
    known_as=lambda chart: f"chart {chart.name!r}",
    columns=(
        word("chart"),
        word("series"),
        word("unit"),
        moment("time"),
        number("value", ever_float=True, nullable=True),
        number("open", ever_float=True, nullable=True),
        number("high", ever_float=True, nullable=True),
        number("low", ever_float=True, nullable=True),
        number("close", ever_float=True, nullable=True),
        text("tooltip", nullable=True),
    ),
)
"""A row for each point of each series. Made of `Chart`."""


def series_table(series: Series) -> "pa.Table":
    """Return the points of one series, over the memory that holds them."""
    arrays()  # which says so if there is no pyarrow
    from qcasync.models.tables import _series_arrays  # noqa: PLC0415 - see above

    table: pa.Table = _series_arrays.table(series)
    return table
