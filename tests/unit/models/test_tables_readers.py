"""polars, pandas and duckdb read the tables as they are."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import qcasync
from qcasync.models import tables
from tests import bodies
from tests.unit.models.test_tables import page, simulated
from tests.unit.models.test_tables_of_charts import CHART

ORDERS = simulated()
TABLES: dict[str, Callable[[], pa.Table]] = {
    "orders": lambda: tables.ORDERS.table(ORDERS),
    "order_events": lambda: tables.ORDER_EVENTS.table(ORDERS),
    "exact": lambda: tables.ORDERS.exact.table(page(bodies.FULL_ORDER, decimal=True)),
    "chart": CHART.to_arrow,
    "none": lambda: tables.ORDERS.table([]),
    "closed_trades": lambda: qcasync.closed_trades(ORDERS).to_arrow(),
}


@pytest.fixture(params=list(TABLES))
def table(request: pytest.FixtureRequest) -> pa.Table:
    return TABLES[request.param]()


def test_polars_reads_the_same_rows(table: pa.Table) -> None:
    for frame in (pl.from_arrow(table), pl.DataFrame(table)):
        assert isinstance(frame, pl.DataFrame)
        assert frame.columns == table.column_names
        assert frame.to_dicts() == table.to_pylist()


def test_polars_does_not_copy_numbers() -> None:
    table = tables.ORDER_EVENTS.table(ORDERS)
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    numbers = frame["fill_price"].to_numpy(allow_copy=False)
    assert numbers.ctypes.data == table.column("fill_price").chunk(0).buffers()[1].address


def test_pandas_reads_the_same_rows(table: pa.Table) -> None:
    frame = table.to_pandas(types_mapper=pd.ArrowDtype)
    assert list(frame.columns) == table.column_names
    assert pa.Table.from_pandas(frame, preserve_index=False).to_pylist() == table.to_pylist()


def read_with_duckdb(told: pa.Table) -> pa.Table:
    """Let duckdb read a table in another process: it leaks in this one, and says so when the tests are over."""
    script = """
import sys, duckdb, pyarrow as pa
told = pa.ipc.open_stream(sys.stdin.buffer).read_all()
duckdb.execute("set timezone = 'UTC'")
answer = duckdb.sql("select * from told").to_arrow_table()
with pa.ipc.new_stream(sys.stdout.buffer, answer.schema) as stream:
    stream.write_table(answer)
"""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, told.schema) as stream:
        stream.write_table(told)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], input=sink.getvalue(), capture_output=True, check=True
    )
    assert done.stderr == b""
    return pa.ipc.open_stream(done.stdout).read_all()


@pytest.mark.parametrize("name", ["orders", "exact", "chart"])
def test_duckdb_reads_the_same_rows(name: str) -> None:
    table = TABLES[name]()
    read = read_with_duckdb(table)
    assert read.column_names == table.column_names
    assert read.to_pylist() == table.to_pylist()


def test_anything_that_takes_arrow_streams_reads_the_same_rows(table: pa.Table) -> None:
    class Stream:
        def __arrow_c_stream__(self, requested_schema: Any = None) -> object:
            return table.__arrow_c_stream__(requested_schema)

    assert pa.table(Stream()).to_pylist() == table.to_pylist()
    assert pa.RecordBatchReader.from_stream(Stream()).schema == table.schema


def test_tables_of_unlike_dictionaries_are_read_as_one() -> None:
    half = [tables.ORDERS.table(ORDERS[:150]), tables.ORDERS.table(ORDERS[150:])]
    joined = pa.concat_tables(half)
    whole = tables.ORDERS.table(ORDERS).to_pylist()

    assert pl.DataFrame(joined).to_dicts() == whole
    assert read_with_duckdb(joined).to_pylist() == whole


def test_parquet_takes_batches_of_a_kind_one_by_one(tmp_path: Any) -> None:
    with pq.ParquetWriter(tmp_path / "orders.parquet", tables.ORDERS.schema()) as writer:
        for at in range(0, len(ORDERS), 70):
            writer.write_batch(tables.ORDERS.batch(ORDERS[at : at + 70]))
    read = pq.read_table(tmp_path / "orders.parquet")

    assert read.to_pylist() == tables.ORDERS.table(ORDERS).to_pylist()
    assert read.schema.field("deploy_id").type == tables.ORDERS.schema().field("deploy_id").type
