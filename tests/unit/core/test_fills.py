"""Which fills orders tell of, and what about them is doubtful."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

import qcasync
from qcasync import FillKey, Order, OrderStatus, OrderType, Symbol
from tests.unit.core.test_closed_trades import FIRST, LONG, SHORT, START, STOCK, brief, doubts, event, left, order
from tests.unit.models.test_orders import ORDER
from tests.unit.models.test_tables import STRUCT


@pytest.mark.parametrize("nothing", ["", " 0"])
def test_old_answers_without_ids_are_told_apart_by_ticker(nothing: str) -> None:
    def old(number: int, ticker: str, quantity: float) -> Order:
        told = order(number, (quantity, 10.0), symbol=Symbol(value=ticker, id=nothing))
        return STRUCT(told, events=tuple(STRUCT(event, symbol=nothing) for event in told.events))

    trades = qcasync.closed_trades([old(1, "A", 1), old(2, "B", -1), old(3, "A", -1)])
    assert [(trade.entry.order_id, trade.exit.order_id) for trade in trades] == [(1, 3)]
    assert left(trades) == [(SHORT, 1, 10.0, 2)]


def test_what_is_told_twice_counts_once_and_as_it_was_told_last() -> None:
    first = order(1, (2, 10.0))
    twice = STRUCT(first, events=first.events * 2)
    amended = STRUCT(first, events=(STRUCT(first.events[0], fill_price=9.0),))
    trades = qcasync.closed_trades([twice, amended, order(2, (-2, 11.0))])
    assert (brief(trades), left(trades), doubts(trades)) == ([(LONG, 2, 4, 1)], [], [])


def test_orders_of_unknown_deployments_are_told_apart_by_their_time() -> None:
    """Ids restart with each deployment, and here nothing says which one it is."""

    def nameless(at: int, quantity: float) -> Order:
        told = order(1, (quantity, 10.0), at=at, deployment=None, time=datetime.fromtimestamp(START + at, UTC))
        return STRUCT(told, events=tuple(STRUCT(event, algorithm_id="") for event in told.events))

    trades = qcasync.closed_trades([nameless(0, 1), nameless(60, -1), nameless(60, -1)])
    assert brief(trades) == [(LONG, 1, 0, 1)]
    assert trades[0].entry.deploy_id is None


def test_an_exercise_closes_the_option_and_opens_what_it_is_written_on() -> None:
    option = Symbol(value="KRNL C", id="KRNL C1", underlying=STOCK)

    def on_option(told: Order) -> Order:
        return STRUCT(told, symbol=option, events=tuple(STRUCT(each, symbol=option.id) for each in told.events))

    bought = on_option(order(1, (1, 3.0)))
    exercised = on_option(order(2, (-1, 0.0), type=OrderType.OPTION_EXERCISE))
    shares = event(2, 100, 50.0, 125, 0.0, order_id=2, is_assignment=True)
    strange = event(3, 1, 5.0, 126, 0.0, order_id=2, symbol="NEW X1", symbol_value=None)
    exercised = STRUCT(exercised, events=(*exercised.events, shares, strange))
    trades = qcasync.closed_trades([bought, exercised], multipliers={option.id: 100})

    assert brief(trades) == [(LONG, 1, -300, 1)]
    assert [lot.symbol for lot in trades.open_lots] == [STOCK, Symbol(value="NEW X1", id="NEW X1")]
    assert doubts(trades) == []


@pytest.mark.parametrize(
    ("changes", "lots"),
    [
        ({"price": 12.0}, [(LONG, 3.0, 12.0, 1)]),
        ({"price": 0.0}, []),
        ({"price": 0.0, "type": OrderType.OPTION_EXERCISE}, [(LONG, 3.0, 0.0, 1)]),
        ({"price": 12.0, "status": OrderStatus.PARTIALLY_FILLED}, []),
        ({"price": float("inf")}, []),
        ({"price": 12.0, "quantity": 0.0}, []),
    ],
)
def test_a_filled_order_without_events_is_one_fill_if_its_price_is_known(
    changes: dict[str, Any], lots: list[object]
) -> None:
    filled_at = datetime.fromtimestamp(START + 300, UTC)
    told = STRUCT(ORDER, **{"events": (), "quantity": 3.0, "last_fill_time": filled_at, "deployment": FIRST} | changes)
    trades = qcasync.closed_trades([told])

    assert left(trades) == lots
    assert doubts(trades) == [("no_fills", 0)]
    assert ("left out" in trades.anomalies[0].detail) is (not lots)
    for lot in trades.open_lots:
        assert lot.entry == FillKey(deploy_id="L-1", order_id=1, order_event_id=0)
        assert (lot.entry_time, lot.fees, lot.price_currency) == (filled_at, {}, "")


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        ([order(1, (2, 10.0), quantity=3.0)], [("fill_quantity", 0)]),
        ([order(1, (2, 10.0), quantity=3.0, status=OrderStatus.CANCELED)], []),
        ([order(1, status=OrderStatus.CANCELED)], []),
        ([ORDER, order(2, (float("inf"), 10.0))], [("no_fills", 0), ("number", 1)]),
    ],
)
def test_what_is_doubtful_is_told(orders: Sequence[Order], expected: list[object]) -> None:
    assert doubts(qcasync.closed_trades(orders)) == expected


@pytest.mark.parametrize("name", ["fill_quantity", "fill_price", "order_fee_amount"])
@pytest.mark.parametrize("number", ["1e5000", "1e-5000", "NaN", "-Infinity"])
def test_a_decimal_that_no_sum_holds_is_no_number(name: str, number: str) -> None:
    told = order(1, (2, 10.0), fee=1.0)
    numbers: dict[str, Any] = {"fill_quantity": Decimal(2), "fill_price": Decimal(10), "order_fee_amount": Decimal(1)}
    fills = tuple(STRUCT(event, **numbers | {name: Decimal(number)}) for event in told.events)
    sold = order(2, (-1, 11.0))
    trades = qcasync.closed_trades([STRUCT(told, quantity=Decimal(2), events=fills), sold])
    assert (left(trades), doubts(trades)) == ([(SHORT, 1, 11.0, 2)], [("number", 0)])


def test_a_fee_in_an_unknown_currency_is_kept() -> None:
    told = order(1, (2, 10.0), fee=1.5)
    told = STRUCT(told, events=(STRUCT(told.events[0], order_fee_currency=None),))
    assert qcasync.closed_trades([told, order(2, (-2, 10.0), fee=1.0)])[0].fees == {"": 1.5, "USD": 1.0}


def test_a_quantity_without_the_status_of_a_fill_is_left_out() -> None:
    told = order(1, (2, 10.0))
    told = STRUCT(told, events=(STRUCT(told.events[0], status=OrderStatus.CANCELED),))
    trades = qcasync.closed_trades([told])
    assert (left(trades), doubts(trades)) == ([], [("odd_fill", 0)])
