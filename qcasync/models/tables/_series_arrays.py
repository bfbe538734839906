"""The columns of charts as Arrow arrays, over the memory that holds them already. This room imports pyarrow.

Only the times are made anew: a series has seconds, and a table microseconds, as polars and Parquet have no seconds.
"""

from collections.abc import Mapping
from typing import Any

from qcasync.models._columns import FloatColumn, IntColumn
from qcasync.models.charts import Chart, Series
from qcasync.models.tables._arrays import MICROSECONDS, pa, pc, words
from qcasync.models.tables._texts import whole

__all__ = ["batches", "floats", "table", "times"]


def times(column: IntColumn) -> Any:
    """Return Unix seconds as timestamps."""
    seconds = pa.Array.from_buffers(pa.int64(), len(column), [None, pa.py_buffer(column)])
    return pc.multiply(seconds, 1_000_000).view(MICROSECONDS)


def floats(column: FloatColumn) -> Any:
    """Return a column without copying it. A gap, which is NaN, becomes null."""
    held = pa.py_buffer(column)
    numbers = pa.Array.from_buffers(pa.float64(), len(column), [None, held])
    there = pc.invert(pc.is_nan(numbers))
    # The bits of a boolean array are just what a bitmap of validity is.
    return pa.Array.from_buffers(pa.float64(), len(column), [there.buffers()[1], held])


def table(series: Series) -> Any:
    """Return the points of a series: time and value, or time and four prices."""
    if series.is_candles:
        columns = {"open": series.open, "high": series.high, "low": series.low, "close": series.close}
        fields = [pa.field(name, pa.float64()) for name in columns]
        made = list(map(floats, columns.values()))
    else:
        fields = [pa.field("value", pa.float64()), pa.field("tooltip", pa.string())]
        made = [floats(series.y), _tooltips(series)]
    schema = pa.schema([pa.field("time", MICROSECONDS, nullable=False), *fields])
    return pa.Table.from_arrays([times(series.time), *made], schema=schema)


def batches(chart: Chart, schema: Any) -> list[Any]:
    """Return the points of a chart: a batch for each series."""
    return [
        pa.RecordBatch.from_arrays(_columns(chart.name, name, series), schema=schema)
        for name, series in chart.series.items()
    ]


def _columns(chart: str, name: str, series: Series) -> list[Any]:
    count = len(series.time)
    nothing = pa.nulls(count, pa.float64())
    candles = [series.open, series.high, series.low, series.close] if series.is_candles else None
    return [
        _same(chart, count),
        _same(name, count),
        _same(series.unit, count),
        times(series.time),
        floats(series.y),
        *([nothing] * 4 if candles is None else map(floats, candles)),
        _tooltips(series),
    ]


def _same(text: str, count: int) -> Any:
    return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), count), words([whole(text)]).dictionary)


def _tooltips(series: Series) -> Any:
    told: Mapping[int, str] = series.tooltips
    count = len(series.time)
    if not told:
        return pa.nulls(count, pa.string())
    return pa.array([whole(told[at]) if at in told else None for at in range(count)], pa.string())
