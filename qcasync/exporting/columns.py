"""What each table of an export has beside its own columns: whose rows they are, and when they were seen."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from qcasync.exporting.arrow import Batch, Column, Schema, pa, pc

SEEN: Final = pa.timestamp("us", tz="UTC")
CREATED: Final[Mapping[str, str]] = {
    "orders": "time",
    "order_events": "time",
    "closed_trades": "exit_time",
    "series": "time",
    "insights": "generated_time",
    "log_lines": "time",
}
"""The column of each kind of table that `since` is about. Holdings and cash are of now."""


class Frame:
    """Adds columns to the batches of a table, and takes away rows from before a moment.

    Args:
        schema: The table's own.
        project_id: The project.
        has_index: Whether there is a column for a row's place in the project's list.
        created: The column to go by; None keeps all rows.
        since: From when on; None keeps all rows.
    """

    def __init__(
        self, schema: Schema, project_id: int, *, has_index: bool, created: str | None, since: datetime | None
    ) -> None:
        first = [pa.field("project_id", pa.int64(), nullable=False)]
        if has_index:
            first.append(pa.field("index", pa.int64(), nullable=False))
        self.schema: Schema = pa.schema([*first, *schema, pa.field("observed_at", SEEN, nullable=False)])
        self._project_id = project_id
        self._created = created
        self._since = None if created is None or since is None else pa.scalar(since, SEEN)

    def batch(self, rows: Batch, seen: Sequence[float] | float, index: Sequence[int] = ()) -> Batch:
        """Rows with the further columns.

        Args:
            rows: The rows.
            seen: When they were seen, in Unix seconds: all of them, or each.
            index: The place of each, where there is a column for that.
        """
        count = rows.num_rows
        moments = seen if isinstance(seen, Sequence) else [seen] * count
        first: list[Column] = [pa.repeat(pa.scalar(self._project_id, pa.int64()), count)]
        if "index" in self.schema.names[1:2]:
            first.append(pa.array(index, pa.int64()))
        last = pa.array([round(moment * 1e6) for moment in moments], pa.int64()).view(SEEN)
        made = pa.RecordBatch.from_arrays([*first, *rows.columns, last], schema=self.schema)
        if self._since is None:
            return made
        return made.filter(pc.fill_null(pc.greater_equal(made.column(self._created), self._since), True))
