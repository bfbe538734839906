"""Charts become tables over the memory that holds their columns."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pyarrow as pa
import pytest

import qcasync
from qcasync.models import tables

POINTS = [[1717801200, 1.5], [1717801260, None], {"x": 1717801320, "y": -2.0, "tooltip": "t\ud800"}]
CANDLES = [[1717801200, 1, 4, 0.5, 2], [1717801260, None, None, None, None]]


def chart(**series: Any) -> qcasync.Chart:
    told = {name: {"name": name, "unit": "$", "values": values} for name, values in series.items()}
    body = msgspec.json.encode({"success": True, "chart": {"name": "C", "series": told}})
    return qcasync.decode_chart(body)


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def tooltips(*values: object) -> list[object]:
    return [{**value, "tooltip": "t"} if isinstance(value, dict) else value for value in values]


LINE, BARS = "line", "bars"
CHART = chart(line=tooltips(*POINTS), bars=CANDLES, empty=[])


def test_points_have_a_time_a_value_and_a_tooltip() -> None:
    table = CHART.series[LINE].to_arrow()

    assert table.to_pylist() == [
        {"time": at(1717801200), "value": 1.5, "tooltip": None},
        {"time": at(1717801260), "value": None, "tooltip": None},
        {"time": at(1717801320), "value": -2.0, "tooltip": "t"},
    ]
    table.validate(full=True)


def test_candles_have_four_prices() -> None:
    table = CHART.series[BARS].to_arrow()

    assert table.to_pylist() == [
        {"time": at(1717801200), "open": 1.0, "high": 4.0, "low": 0.5, "close": 2.0},
        {"time": at(1717801260), "open": None, "high": None, "low": None, "close": None},
    ]
    assert table.column("close").null_count == 1


def test_a_chart_is_a_row_for_each_point_of_each_series() -> None:
    table = CHART.to_arrow()
    table.validate(full=True)
    rows = table.to_pylist()
    shared = {"chart": "C", "unit": "$"}
    no_prices = dict.fromkeys(["open", "high", "low", "close"])

    assert [row["series"] for row in rows] == ["line"] * 3 + ["bars"] * 2
    assert rows[2] == {**shared, "series": LINE, "time": at(1717801320), "value": -2.0, **no_prices, "tooltip": "t"}
    assert {name: rows[3][name] for name in no_prices} == {"open": 1.0, "high": 4.0, "low": 0.5, "close": 2.0}
    assert rows[3]["value"] == 2.0
    assert rows[4]["value"] is None


def test_tables_of_charts_have_one_schema_and_fit_one_batch() -> None:
    empty = chart()
    assert empty.to_arrow().schema == CHART.to_arrow().schema == tables.SERIES.schema()
    assert chart(nothing=[]).to_arrow().num_rows == empty.to_arrow().num_rows == 0

    batch = tables.SERIES.batch([CHART, empty, CHART])
    batch.validate(full=True)
    assert batch.to_pylist() == CHART.to_arrow().to_pylist() * 2
    assert tables.SERIES.batch([]).schema == tables.SERIES.schema()


@pytest.mark.parametrize("count", [1, 7, 8, 9, 1000])
def test_values_are_not_copied(count: int) -> None:
    """The table reads the very memory of the column, and a bitmap tells the gaps."""
    series = chart(s=[[1717801200 + at, None if at % 3 else float(at)] for at in range(count)]).series["s"]
    value = series.to_arrow().column("value").chunk(0)

    assert value.buffers()[1].address == pa.py_buffer(series.y).address
    assert value.to_pylist() == [None if at % 3 else float(at) for at in range(count)]


def test_a_table_outlives_its_series() -> None:
    series = chart(s=[[1717801200, 1.0]] * 1000).series["s"]
    table = series.to_arrow()
    del series
    assert table.column("value").to_pylist() == [1.0] * 1000


def test_names_that_are_no_text_are_mended() -> None:
    series = qcasync.Series(name="s", unit="\udc00")
    told = qcasync.Chart(name="\ud800", series={"x\ud800": series}).to_arrow()
    assert told.num_rows == 0

    (row,) = qcasync.Chart(name="\ud800", series={"x\ud800": chart(s=[[1, 1.0]]).series["s"]}).to_arrow().to_pylist()
    assert (row["chart"], row["series"]) == ("\ufffd", "x\ufffd")
