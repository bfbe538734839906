import json
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

import qcasync
from qcasync.cli.output import json_line
from qcasync.cli.rows import COLUMNS, order_cells, order_object, plain

MakeOrder = Callable[..., qcasync.Order]


def test_an_order_says_whose_it_is(order: MakeOrder) -> None:
    row = order_object(20_000_001, 46, order())
    assert list(row)[:2] == ["project_id", "index"]
    assert (row["project_id"], row["index"], row["deployment"], row["deploy_id"]) == (20_000_001, 46, 2, "L-0")


def test_every_public_field_of_an_order_is_there(order: MakeOrder) -> None:
    row = order_object(1, 0, order())
    assert {name.removeprefix("_") for name in qcasync.Order.__struct_fields__} <= set(row)
    assert not [name for name in row if name.startswith("_")]


def test_enums_are_names_and_moments_are_iso_in_utc(order: MakeOrder) -> None:
    row = json.loads(json_line(order_object(1, 0, order())))
    assert (row["status"], row["type"], row["direction"]) == ("PARTIALLY_FILLED", "LIMIT", "SELL")
    assert row["time"] == "2025-06-15T15:06:40Z"


def test_a_value_without_a_name_stays_the_servers() -> None:
    assert plain(qcasync.OrderStatus(77)) == 77
    assert plain(qcasync.AlgorithmStatus("Dreaming")) == "Dreaming"


def test_undecoded_points_of_a_chart_are_passed_through() -> None:
    series = qcasync.Series(name="Equity", _values=msgspec.Raw(b"[[1,2.5]]"))
    assert json.loads(json_line(plain(series)))["values"] == [[1, 2.5]]


def test_cells_stand_under_their_columns(order: MakeOrder) -> None:
    cells = dict(zip(COLUMNS, order_cells(1, 46, order(tag="exit", broker_ids=("8", "9"))), strict=True))
    assert cells["id"] == 7
    assert cells["index"] == 46
    assert cells["deployment"] == 2
    assert cells["quantity"] == -3.0
    assert cells["status"] == "PARTIALLY_FILLED"
    assert cells["symbol_id"] == "SPY R735QTJ8XC9X"
    assert cells["time"] == datetime(2025, 6, 15, 15, 6, 40, tzinfo=UTC)
    assert cells["broker_ids"] == "8 9"
    assert cells["tag"] == "exit"


def test_an_order_of_no_known_deployment_has_none(order: MakeOrder) -> None:
    assert order_object(1, 0, order(deployment=None))["deployment"] is None
    assert order_cells(1, 0, order(deployment=None))[2] is None
