"""Tables say what the models say, in columns whose types never change."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pyarrow as pa
import pytest

import qcasync
from qcasync import OrderStatus, OrderType
from qcasync.models import tables
from qcasync.models.tables import Kind
from qcasync.models.tables._texts import json_text
from qcasync.simulator import Simulator
from tests import bodies
from tests.unit.models.test_orders import DEPLOY, EVENT, ORDER

STRUCT = msgspec.structs.replace
MORNING = datetime(2025, 2, 3, 14, 30, tzinfo=UTC)
LATER = datetime(2025, 2, 3, 14, 31, tzinfo=UTC)
FULL_ROW = {
    "deploy_id": "L-1",
    "deployment": None,
    "id": 1,
    "time": MORNING,
    "type": "stop_limit",
    "direction": "buy",
    "status": "filled",
    "symbol": "KRNL",
    "symbol_id": "KRNL X1",
    "symbol_permtick": "KRNL",
    "underlying": "U",
    "underlying_id": "U X1",
    "security_type": "equity",
    "quantity": 2.0,
    "filled_quantity": 2.0,
    "price": 81.25,
    "price_currency": "USD",
    "value": 162.5,
    "limit_price": 81.5,
    "stop_price": 80.5,
    "stop_triggered": False,
    "trigger_price": 80.25,
    "trigger_touched": False,
    "trailing_amount": 0.5,
    "trailing_as_percentage": True,
    "created_time": MORNING,
    "last_fill_time": LATER,
    "last_update_time": LATER,
    "canceled_time": LATER,
    "time_in_force": "good_til_canceled",
    "time_in_force_expiry": None,
    "submission_bid_price": 81.0,
    "submission_ask_price": 81.5,
    "submission_last_price": 81.25,
    "is_marketable": True,
    "price_adjustment_mode": "adjusted",
    "contingent_id": 0,
    "broker_ids": ["1"],
    "group_id": 1,
    "group_quantity": 2.0,
    "group_count": 2,
    "group_limit_price": 1.5,
    "group_order_ids": [1, 2],
    "group_direction": "buy",
    "fees": [{"currency": "USD", "amount": 1.5}],
    "events": 1,
    "properties": '{"timeInForce":{}}',
    "tag": "t",
}
FULL_EVENT_ROW = {
    "deploy_id": "L-1",
    "deployment": None,
    "order_id": 1,
    "order_event_id": 1,
    "id": "L-1-1-1",
    "time": datetime(2025, 2, 3, 14, 30, 0, 500_000, tzinfo=UTC),
    "status": "filled",
    "direction": "buy",
    "symbol": "KRNL",
    "symbol_id": "KRNL X1",
    "symbol_permtick": "KRNL",
    "quantity": 2.0,
    "fill_quantity": 2.0,
    "fill_price": 81.25,
    "fill_price_currency": "USD",
    "fee_amount": 1.5,
    "fee_currency": "USD",
    "stop_price": 80.5,
    "limit_price": 81.5,
    "is_assignment": False,
    "is_in_the_money": False,
    "message": "m",
}


def page(*orders: object, decimal: bool = False) -> Sequence[qcasync.Order[Any]]:
    body = msgspec.json.encode({"orders": orders, "success": True})
    return qcasync.decode_orders(body, decimal=True).orders if decimal else qcasync.decode_orders(body).orders


def simulated(*, decimal: bool = False) -> Sequence[qcasync.Order[Any]]:
    """Orders of every type, some without events."""
    simulator = Simulator(5, 1_750_000_000.0)
    return page(*simulator.orders(simulator.add_project([120, 180]).id), decimal=decimal)


def column(kind: Kind[Any], name: str, *rows: object) -> list[Any]:
    return kind.table(rows).column(name).to_pylist()


def test_an_order_keeps_every_field() -> None:
    assert tables.ORDERS.table(page(bodies.FULL_ORDER)).to_pylist() == [FULL_ROW]
    assert tables.ORDER_EVENTS.table(page(bodies.FULL_ORDER)).to_pylist() == [FULL_EVENT_ROW]


def test_exact_numbers_stay_exact() -> None:
    orders = page(bodies.FULL_ORDER, decimal=True)

    for kind, row in ((tables.ORDERS, FULL_ROW), (tables.ORDER_EVENTS, FULL_EVENT_ROW)):
        (told,) = kind.fitting(orders).table(orders).to_pylist()
        assert told == row  # numbers are equal, whatever their type
        assert isinstance(told["quantity"], Decimal)
        assert kind.exact.schema().field("quantity").type == pa.decimal128(38, 18)


def test_exact_tables_equal_the_others() -> None:
    """So they do if they are made of floats. Only the sum of fees has more digits as a sum of floats."""
    for kind in (tables.ORDERS, tables.ORDER_EVENTS):
        rows = [floats(row) for row in kind.table(simulated()).to_pylist()]
        assert [floats(row) for row in kind.exact.table(simulated(decimal=True)).to_pylist()] == rows
        assert [floats(row) for row in kind.exact.table(simulated()).to_pylist()] == rows


def floats(row: dict[str, Any]) -> dict[str, Any]:
    told = {name: float(value) if isinstance(value, Decimal) else value for name, value in row.items()}
    fees = [(fee["currency"], pytest.approx(float(fee["amount"]))) for fee in row.get("fees", ())]
    return {**told, "fees": fees}


def test_a_kind_tells_floats_from_decimals_by_the_first_entry() -> None:
    orders = page(bodies.FULL_ORDER)
    assert tables.ORDERS.fitting(orders) is tables.ORDERS
    assert tables.ORDERS.fitting([]) is tables.ORDERS
    assert repr(tables.ORDERS.fitting(page(bodies.FULL_ORDER, decimal=True))) == "<Kind: orders, exact>"


def test_hundreds_of_orders_say_what_their_models_say() -> None:
    orders = simulated()
    events = [event for order in orders for event in order.events]

    for row, order in zip(tables.ORDERS.table(orders).to_pylist(), orders, strict=True):
        assert (row["id"], row["time"], row["last_fill_time"]) == (order.id, order.time, order.last_fill_time)
        assert (row["type"], row["status"]) == (order.type.name.lower(), order.status.name.lower())
        assert row["time_in_force"] == order.time_in_force.kind.name.lower()
        assert row["time_in_force_expiry"] == order.time_in_force.expiry
        assert msgspec.json.decode(row["properties"]) == order.properties
        assert row["limit_price"] == order.limit_price
        assert row["deploy_id"] == order.deploy_id
        assert row["filled_quantity"] == pytest.approx(sum(event.fill_quantity for event in order.events))
        assert {fee["currency"] for fee in row["fees"]} == {e.order_fee_currency for e in order.events} - {None}
        assert sum(fee["amount"] for fee in row["fees"]) == pytest.approx(sum(e.order_fee_amount for e in order.events))
    for row, event in zip(tables.ORDER_EVENTS.table(orders).to_pylist(), events, strict=True):
        assert (row["id"], row["time"], row["fill_price"]) == (event.id, event.time, event.fill_price)


def test_an_event_that_is_told_twice_fills_and_costs_once() -> None:
    fill = STRUCT(EVENT, fill_quantity=0.1, order_fee_amount=1.0, order_fee_currency="USD")
    other = STRUCT(fill, id=f"{DEPLOY}-1-2", order_event_id=2, fill_quantity=0.2)
    euros = STRUCT(fill, id=f"{DEPLOY}-1-3", order_event_id=3, fill_quantity=0.0, order_fee_currency="EUR")
    (row,) = tables.ORDERS.table([STRUCT(ORDER, events=(fill, fill, other, euros))]).to_pylist()

    assert row["filled_quantity"] == pytest.approx(0.3)
    assert row["fees"] == [{"currency": "USD", "amount": 2.0}, {"currency": "EUR", "amount": 1.0}]
    assert row["events"] == 4


def test_an_exercise_fills_the_option_and_not_what_it_is_written_on() -> None:
    option = qcasync.Symbol(value="KRNL C", id="KRNL C1", underlying=ORDER.symbol)
    closed = STRUCT(EVENT, symbol=option.id, fill_quantity=-1.0)
    shares = STRUCT(EVENT, id=f"{DEPLOY}-1-2", symbol=ORDER.symbol.id, fill_quantity=100.0)
    nameless = qcasync.Symbol(value="OLD C", id="", underlying=qcasync.Symbol(value="OLD", id=""))
    old = STRUCT(ORDER, symbol=nameless, events=(STRUCT(closed, symbol=""),))

    orders = STRUCT(ORDER, symbol=option, events=(closed, shares)), old
    assert column(tables.ORDERS, "filled_quantity", *orders) == [-1.0, -1.0]


def test_a_fee_in_an_unknown_currency_is_kept() -> None:
    order = STRUCT(ORDER, events=(STRUCT(EVENT, order_fee_amount=1.5, order_fee_currency=None),))
    assert column(tables.ORDERS, "fees", order) == [[{"currency": "", "amount": 1.5}]]


def test_an_event_has_the_deployment_of_its_order_if_it_names_none() -> None:
    nameless = STRUCT(EVENT, algorithm_id="")
    deployment = qcasync.Deployment(number=2, deploy_id="L-2", start=0, end=1)
    row = STRUCT(ORDER, events=(nameless,), deployment=deployment)

    assert column(tables.ORDER_EVENTS, "deploy_id", row) == ["L-2"]
    assert column(tables.ORDER_EVENTS, "deployment", row) == [2]


def test_tables_of_many_batches_share_their_dictionaries() -> None:
    orders = [STRUCT(ORDER, id=number, price_currency=f"C{number // 20_000}") for number in range(40_000)]
    table = tables.ORDERS.table(iter(orders))

    assert table.column("id").to_pylist() == list(range(40_000))
    currencies = table.column("price_currency")
    assert currencies.num_chunks > 1
    assert {tuple(chunk.dictionary.to_pylist()) for chunk in currencies.chunks} == {("C0", "C1")}


def test_a_value_that_nobody_knows_stays_itself() -> None:
    """A server may use any number of them, and the same one as number and as text."""
    strange = [OrderType(100 + number) for number in range(300)]
    orders = [STRUCT(ORDER, type=kind) for kind in [*strange, OrderType("100"), OrderType("\ud800x"), OrderType.LIMIT]]

    told = tables.ORDERS.table(orders).column("type").combine_chunks()
    assert told.to_pylist() == [str(100 + n) for n in range(300)] + ["100", "\ufffdx", "limit"]
    assert len(set(told.dictionary.to_pylist())) == len(told.dictionary)
    assert told.dictionary[: len(OrderType)].to_pylist() == [known.name.lower() for known in OrderType]


def test_half_a_character_becomes_its_replacement() -> None:
    torn = "a\ud83dz"
    symbol = qcasync.Symbol(value=torn, id="KRNL \udc00")
    event = STRUCT(EVENT, message=torn, order_fee_currency="\udc00", order_fee_amount=1.0)
    order = STRUCT(ORDER, tag="\ud83d\ude00", symbol=symbol, broker_ids=(torn,), events=(event,))
    order = STRUCT(order, _properties={"note": torn, torn: [torn]})
    (row,) = tables.ORDERS.table([order]).to_pylist()

    assert row["tag"] == "\N{GRINNING FACE}"
    assert (row["symbol"], row["symbol_id"], row["broker_ids"]) == ("a\ufffdz", "KRNL \ufffd", ["a\ufffdz"])
    assert row["fees"] == [{"currency": "\ufffd", "amount": 1.0}]
    assert msgspec.json.decode(row["properties"]) == {"note": "a\ufffdz", "a\ufffdz": ["a\ufffdz"]}
    assert column(tables.ORDER_EVENTS, "message", order) == ["a\ufffdz"]


def test_half_a_character_anywhere_in_an_open_value() -> None:
    value = {"pair": ("a\ud83d", ["\udc00"]), 5: "\ud83d"}
    assert msgspec.json.decode(json_text(value)) == {"pair": ["a\ufffd", ["\ufffd"]], "5": "\ufffd"}


def test_numbers_beyond_decimals_are_floats() -> None:
    body = {**bodies.FULL_ORDER, "price": 1e300}
    assert column(tables.ORDERS, "price", *page(body)) == [1e300]

    with pytest.raises(qcasync.ConfigurationError) as caught:
        tables.ORDERS.exact.table(page(bodies.FULL_ORDER, body, decimal=True))
    assert "price of order 1 of deployment L-1 does not fit the table: '1E+300'" in str(caught.value)
    assert "read the numbers as floats" in caught.value.hint


@pytest.mark.parametrize("number", ["0.0000000000000000001", "123456789012345678901"])
def test_a_decimal_is_never_rounded(number: str) -> None:
    order = STRUCT(page(bodies.FULL_ORDER, decimal=True)[0], limit_price=Decimal(number))
    with pytest.raises(qcasync.ConfigurationError, match="limit_price of order 1 of deployment L-1"):
        tables.ORDERS.exact.batch([order])


@pytest.mark.parametrize("number", ["12345678901234567890.123456789012345678", "-1E-18", "0.10000000000000000000", "0"])
def test_a_decimal_of_20_and_18_digits_is_kept(number: str) -> None:
    order = STRUCT(page(bodies.FULL_ORDER, decimal=True)[0], price=Decimal(number))
    assert column(tables.ORDERS.exact, "price", order) == [Decimal(number)]


def test_decimals_do_not_become_floats_by_accident() -> None:
    with pytest.raises(qcasync.ConfigurationError, match=r"quantity of order 1 .*\n.*exact form"):
        tables.ORDERS.table(page(bodies.FULL_ORDER, decimal=True))


def test_what_must_not_be_missing_is_missed() -> None:
    broken = STRUCT(ORDER, id=7, time=None)
    with pytest.raises(qcasync.ConfigurationError, match=r"time of order 7 of deployment L-0*abc does not fit"):
        tables.ORDERS.table([ORDER, broken])


def test_what_is_of_another_type_is_refused() -> None:
    for kind in (tables.ORDERS, tables.ORDERS.exact):
        with pytest.raises(qcasync.ConfigurationError, match=r"tag of order 1 of .* does not fit the table: '7'"):
            kind.table([STRUCT(ORDER, tag=7)])


@pytest.mark.parametrize("at", [0.0, 0.0000005, 1.0000015, 1738593000.1234567, 253402300799.0, 1738593000.9999999])
def test_unix_seconds_become_the_moment_that_the_model_says(at: float) -> None:
    event = STRUCT(EVENT, time_at=at)
    assert column(tables.ORDER_EVENTS, "time", STRUCT(ORDER, events=(event,))) == [event.time]


def test_a_moment_of_another_zone_is_told_in_utc() -> None:
    order = STRUCT(ORDER, time=datetime.fromisoformat("2025-02-03T16:30:00+02:00"))
    assert column(tables.ORDERS, "time", order) == [MORNING]
    assert tables.ORDERS.schema().field("time").type == pa.timestamp("us", tz="UTC")


def test_status_and_time_of_a_very_late_order() -> None:
    """The last moment that a datetime holds is one that a table holds."""
    order = STRUCT(ORDER, time=datetime.max.replace(tzinfo=UTC), status=OrderStatus.CANCEL_PENDING)
    (row,) = tables.ORDERS.table([order]).to_pylist()
    assert row["time"] == datetime(1970, 1, 1, tzinfo=UTC) + (order.time - datetime(1970, 1, 1, tzinfo=UTC))
    assert order.time - row["time"] < timedelta(microseconds=1)
    assert row["status"] == "cancel_pending"
