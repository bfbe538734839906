"""The patient reader: what it accepts, what it names, and where it gives up."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from qcasync._core.scalars import _READERS, UnreadableError
from qcasync._core.tolerance import MAX_QUIRKS, Reader
from qcasync.models import (
    Cash,
    Chart,
    Holding,
    Order,
    OrderDirection,
    OrderEvent,
    OrderStatus,
    OrderSubmissionData,
    OrderType,
    Series,
    Symbol,
    TimeInForceKind,
)
from qcasync.models._base import Model

CHILDREN = ("item_type", "key_type", "value_type")
NO_QUOTE = OrderSubmissionData(bid_price=0.0, ask_price=0.0, last_price=0.0)
EVENT = {
    "id": "e",
    "algorithmId": "d",
    "orderId": 1,
    "orderEventId": 1,
    "symbol": "KRNL X1",
    "time": 60.5,
    "status": "filled",
    "direction": "buy",
}
ORDER = {
    "type": 0,
    "id": 1,
    "symbol": {"value": "KRNL", "id": "KRNL X1"},
    "time": "2025-02-03T14:30:00Z",
    "quantity": 2.0,
    "status": 3,
    "direction": 0,
}


def read(value: Any, kind: Any) -> Any:
    return Reader().read(value, kind)


def quirks(value: Any, kind: Any) -> tuple[str, ...]:
    reader = Reader()
    reader.read(value, kind)
    return reader.quirks


def reason(value: Any, kind: Any) -> tuple[str, str]:
    with pytest.raises(UnreadableError) as caught:
        read(value, kind)
    return caught.value.reason, caught.value.path


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (None, int | None, None),
        ("7", int | None, 7),
        ("NaN", float | None, None),
        ("NaN", Any, "NaN"),
        ([1, "2"], tuple[int, ...], (1, 2)),
        ({"3": 1, "7": 2}, tuple[int, ...], (1, 2)),
        ({}, tuple[int, ...], ()),
        ({"value": "a", "id": "b"}, tuple[Symbol, ...], (Symbol(value="a", id="b"),)),
        ([], dict[str, int], {}),
        ({"a": "1"}, dict[str, int], {"a": 1}),
        ({"a": None}, dict[str, int | None], {"a": None}),
        ([], OrderSubmissionData, NO_QUOTE),
        ({"BID-PRICE": "1"}, OrderSubmissionData, msgspec.structs.replace(NO_QUOTE, bid_price=1.0)),
        ({"bidPrice": None, "other": 1}, OrderSubmissionData, NO_QUOTE),
        ({"bidPrice": "NaN"}, OrderSubmissionData, NO_QUOTE),
        ({"averagePrice": 1, "q": 2}, Holding, Holding(average_price=1.0, quantity=2.0)),
        ({"A": {}, "B": []}, dict[str, Holding], {"A": Holding(), "B": Holding()}),
        ({"Symbol": "KRNL X1", "Quantity": 1}, dict[str, Holding], None),
        ({"Name": "c", "Series": []}, dict[str, Chart], {"c": Chart(name="c")}),
        ({"Amount": 1}, dict[str, Cash], {"": Cash(amount=1.0)}),
        ({"securitySymbol": {"value": "a", "id": "b"}}, Cash, Cash(security_symbols=(Symbol(value="a", id="b"),))),
    ],
)
def test_every_shape_is_read(value: Any, kind: Any, expected: Any) -> None:
    if expected is None and value is not None and value != "NaN":
        expected = {"KRNL X1": Holding(symbol=Symbol(value="KRNL X1", id="", permtick="KRNL X1"), quantity=1.0)}
    assert read(value, kind) == expected


def test_points_stay_undecoded() -> None:
    series = read({"Name": "s", "Values": [{"x": 60, "y": 1}]}, Series)

    assert bytes(series.values) == b'[{"x":60,"y":1}]'


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (7, tuple[int, ...], ("expected a list, got a number", "$")),
        ([1, None], tuple[int, ...], ("expected an integer, got null", "$[1]")),
        (7, dict[str, int], ("expected an object, got a number", "$")),
        ([7], dict[str, int], ("expected an object, got a list", "$")),
        ({"k" * 50: None}, dict[str, int], ("expected an integer, got null", f"$['{'k' * 40}']")),
        ("x", OrderSubmissionData, ("expected an object, got text", "$")),
        ({"BidPrice": {}}, OrderSubmissionData, ("expected a number, got an object", "$.bidPrice")),
        ("NaN", float, ("not a finite number", "$")),
        (ORDER | {"quantity": "NaN"}, Order, ("not a finite number", "$.quantity")),
        (ORDER | {"time": "0001-01-01T00:00:00"}, Order, ("the year 1 for a date", "$.time")),
        (
            ORDER | {"events": [EVENT | {"status": None}]},
            Order,
            ("expected a name or a number, got null", "$.events[0].status"),
        ),
        ({key: ORDER[key] for key in ORDER if key != "status"}, Order, ("no `status`", "$")),
        (
            {key: ORDER[key] for key in ORDER if key not in ("quantity", "direction")},
            Order,
            ("expected a name or a number, got null", "$.direction"),
        ),
        ({key: EVENT[key] for key in EVENT if key != "algorithmId"}, OrderEvent, ("no `algorithmId`", "$")),
        (EVENT | {"time": "1e12"}, OrderEvent, ("out of range", "$.time")),
        (ORDER | {"symbol": 7}, Order, ("expected an object, got a number", "$.symbol")),
    ],
)
def test_what_is_unreadable_is_named_with_its_place(value: Any, kind: Any, expected: tuple[str, str]) -> None:
    assert reason(value, kind) == expected


def test_nesting_without_end_is_unreadable() -> None:
    symbol: dict[str, Any] = {"value": "a", "id": "b"}
    for _ in range(2000):
        symbol = {"value": "a", "id": "b", "underlying": symbol}

    assert reason(symbol, Symbol) == ("nested too deeply", "$")


def test_quirks_are_named_once_and_bounded() -> None:
    reader = Reader()
    reader.read([{"amount": "1"}, {"amount": "2"}], tuple[Cash, ...])
    assert reader.quirks == ("amount: text for number",)

    for number in range(2 * MAX_QUIRKS):
        reader.note(str(number), "q")
    assert len(reader.quirks) == MAX_QUIRKS


def test_a_clean_value_has_no_quirks() -> None:
    assert quirks(ORDER | {"events": [EVENT]}, Order) == ()


@pytest.mark.parametrize(
    ("change", "attribute", "expected", "quirk"),
    [
        ({"status": None}, "status", OrderStatus.CANCELED, "status: null"),
        ({"direction": None}, "direction", OrderDirection.BUY, "direction: not told; the quantity's sign instead"),
        ({"direction": None, "quantity": -1}, "direction", OrderDirection.SELL, None),
        ({"direction": None, "quantity": "0"}, "direction", OrderDirection.HOLD, None),
        ({"symbol": None}, "symbol", Symbol(value="", id=""), "symbol: not told"),
        ({"symbol": {"permtick": "K"}}, "symbol", Symbol(value="K", id="", permtick="K"), "symbol: no id"),
        ({"symbol": "K"}, "symbol", Symbol(value="K", id="", permtick="K"), "symbol: text for object"),
        ({"type": "stopLimit"}, "type", OrderType.STOP_LIMIT, "type: another form of an enum"),
        ({"trailingPercentage": True}, "trailing_as_percentage", True, "Order: keys in another spelling"),
        ({"properties": {"TimeInForce": 1, "x": 2}}, "properties", {"timeInForce": 1, "x": 2}, None),
        ({"properties": None}, "properties", {}, "properties: null"),
        ({"events": {"0": EVENT}}, "deploy_id", "d", "events: object for list"),
        ({"@deployment": {"number": 1, "deploy_id": "x", "start": 0, "end": 1}}, "deployment", None, None),
    ],
)
def test_orders_are_repaired(change: dict[str, Any], attribute: str, expected: Any, quirk: str | None) -> None:
    order = read(ORDER | change, Order)

    assert getattr(order, attribute) == expected
    if quirk is not None:
        assert quirk in quirks(ORDER | change, Order)


def test_the_time_of_an_order_may_stand_elsewhere() -> None:
    order = read(ORDER | {"time": None, "createdTime": "2025-02-03 14:30:00"}, Order)

    assert order.time == order.created_time == read(ORDER, Order).time


def test_a_time_in_force_survives_repair() -> None:
    order = read(ORDER | {"id": "1", "properties": {"TimeInForce": {"$type": "DayTimeInForce"}}}, Order)

    assert order.time_in_force.kind is TimeInForceKind.DAY


def test_an_order_beside_its_symbol_and_events_is_put_together() -> None:
    inner = {key: value for key, value in ORDER.items() if key != "symbol"}

    whole = read(ORDER | {"events": [EVENT]}, Order)
    assert read({"Order": inner, "Symbol": ORDER["symbol"], "Events": [EVENT]}, Order) == whole
    assert read({"Order": ORDER}, Order) == read(ORDER, Order)


def test_an_event_as_the_engine_has_it_is_read() -> None:
    old = {
        "OrderId": 1,
        "Id": 2,
        "Symbol": {"Value": "KRNL", "ID": "KRNL X1", "Permtick": "K"},
        "UtcTime": "1970-01-01T00:01:00.5Z",
        "Status": {"Status": {"Status": "Filled"}},
        "OrderFee": {"Value": {"Amount": 1.5, "Currency": "USD"}},
        "Direction": "Buy",
    }

    assert read(old, OrderEvent) == OrderEvent(
        id="2",
        algorithm_id="",
        order_id=1,
        order_event_id=2,
        symbol="KRNL X1",
        symbol_value="KRNL",
        symbol_permtick="K",
        time_at=60.5,
        status=OrderStatus.FILLED,
        order_fee_amount=1.5,
        order_fee_currency="USD",
        direction=OrderDirection.BUY,
    )
    assert "OrderEvent: an event as the engine has it" in quirks(old, OrderEvent)
    assert read(old | {"OrderFee": {"Value": 1.5}}, OrderEvent).order_fee is None
    assert read(old | {"Symbol": {"Value": "KRNL"}}, OrderEvent).symbol == ""


def test_single_objects_are_keyed_by_what_names_them() -> None:
    holding = {"Symbol": {"Value": "KRNL", "ID": "KRNL X1"}, "Quantity": 1}

    assert list(read(ORDER, dict[str, Order])) == ["1"]
    assert list(read(holding, dict[str, Holding])) == ["KRNL X1"]
    assert list(read({"symbol": "USD", "amount": 1}, dict[str, Cash])) == ["USD"]
    assert list(read({"name": "c"}, dict[str, Chart])) == ["c"]


def test_there_is_a_reader_for_every_field_of_every_model() -> None:
    def kinds(plan: Any) -> Iterator[Any]:
        for child in (*getattr(plan, "types", ()), *filter(None, [getattr(plan, name, None) for name in CHILDREN])):
            yield from kinds(child)
        yield type(plan)

    known = {*_READERS, inspect.StructType, inspect.DictType, inspect.VarTupleType, inspect.EnumType, inspect.RawType}
    known |= {
        inspect.AnyType,
        inspect.UnionType,
        inspect.NoneType,
        inspect.BytesType,
        inspect.CustomType,
        inspect.ListType,
    }
    sent = [model for model in Model.__subclasses__() if model.__module__.startswith("qcasync.models.")]
    answers = [model for model in sent if model.__module__ != "qcasync.models.brokerages"]
    for model in answers:
        for field in inspect.type_info(model).fields:  # type: ignore[attr-defined]
            assert set(kinds(field.type)) <= known, (model, field.name)


def test_a_plain_struct_is_read_too() -> None:
    class Plain(msgspec.Struct):
        anything: Any
        number: int = 0

    found = read({"anything": None, "number": "2"}, Plain)
    assert (found.anything, found.number) == (None, 2)
