"""Columns as the cells of a CSV file: what a spreadsheet shows, and nothing that it would compute."""

from typing import Final

from qcasync.exporting.arrow import Batch, Column, Schema, pa, pc
from qcasync.exporting.texts import FORMULA

_FORMULA: Final = "^[" + "".join(f"\\x{ord(sign):02x}" for sign in FORMULA) + "]"
_MOMENT: Final = "%Y-%m-%dT%H:%M:%SZ"


def cells_schema(schema: Schema) -> Schema:
    """The schema of `as_cells`."""
    return as_cells(pa.RecordBatch.from_pylist([], schema=schema)).schema


def as_cells(batch: Batch) -> Batch:
    """Columns of text, numbers and truth values. A moment is ISO 8601 in UTC, the items of a list have a blank between.

    Text that a spreadsheet would take for a formula gets a leading apostrophe.
    """
    return pa.RecordBatch.from_arrays([_cells(column) for column in batch.columns], names=batch.schema.names)


def _cells(column: Column) -> Column:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _cells(column.cast(kind.value_type))
    if pa.types.is_string(kind):
        return _inert(column)
    if pa.types.is_timestamp(kind):
        return pc.strftime(column.cast(pa.timestamp(kind.unit)), format=_MOMENT)
    if pa.types.is_list(kind):
        return _inert(_joined(column))
    return column


def _joined(column: Column) -> Column:
    """Lists as texts: items, or pairs such as `USD 1.5`, with blanks between."""
    kind = column.type.value_type
    items = column.flatten() if not column.null_count else column.drop_null().flatten()
    if pa.types.is_struct(kind):
        parts = [items.field(at).cast(pa.string()) for at in range(kind.num_fields)]
        items = pc.binary_join_element_wise(*parts, " ")
    texts = items.cast(pa.string())
    counts = pc.fill_null(pc.list_value_length(column), 0)
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(counts.cast(pa.int64()))])
    lists = pa.LargeListArray.from_arrays(offsets, texts)
    joined = pc.binary_join(lists, " ")
    return pc.if_else(column.is_null(), pa.scalar(None, pa.string()), joined)


def _inert(column: Column) -> Column:
    suspect = pc.match_substring_regex(column, _FORMULA)
    if not pc.any(suspect).as_py():
        return column
    return pc.if_else(suspect, pc.binary_join_element_wise("'", column, ""), column)
