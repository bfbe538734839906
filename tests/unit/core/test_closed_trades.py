"""Fills become trades, first in, first out."""

import pickle
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

import qcasync
from qcasync import (
    FillKey,
    Order,
    OrderDirection,
    OrderEvent,
    SecurityType,
    Symbol,
    TradeDirection,
)
from qcasync.models import Deployment
from qcasync.simulator import Simulator
from qcasync.simulator.trades import TradeBuilder
from tests.unit.models.test_orders import EVENT, ORDER
from tests.unit.models.test_tables import STRUCT

START = 1738593000
LONG, SHORT = TradeDirection.LONG, TradeDirection.SHORT
FIRST, SECOND = (Deployment(number=n, deploy_id=f"L-{n}", start=0, end=0) for n in (1, 2))
STOCK = ORDER.symbol


def event(number: int, quantity: float, price: float, at: int, fee: float, **more: Any) -> OrderEvent:
    told: dict[str, Any] = {
        "fill_quantity": quantity,
        "fill_price": price,
        "time_at": START + at,
        "order_event_id": number,
        "algorithm_id": "L-1",
        "fill_price_currency": "USD",
        "order_fee_amount": fee,
        "order_fee_currency": "USD" if fee else None,
    }
    return STRUCT(EVENT, **told | more)


def order(number: int, *fills: tuple[float, float], at: int | None = None, fee: float = 0.0, **more: Any) -> Order:
    """An order whose fills are pairs of quantity and price, a second apart. Order 2 comes a minute after order 1."""
    begun = 60 * number if at is None else at
    events = tuple(
        event(place, quantity, price, begun + place, fee, order_id=number)
        for place, (quantity, price) in enumerate(fills, 1)
    )
    quantity = float(sum(Decimal(repr(quantity)) for quantity, _ in fills))
    told: dict[str, Any] = {"id": number, "quantity": quantity, "events": events, "deployment": FIRST}
    return STRUCT(ORDER, **told | more)


def in_deployment(deployment: Deployment, told: Order) -> Order:
    events = tuple(STRUCT(event, algorithm_id=deployment.deploy_id) for event in told.events)
    return STRUCT(told, deployment=deployment, events=events)


def brief(trades: qcasync.ClosedTrades) -> list[tuple[Any, ...]]:
    return [(trade.direction, trade.quantity, trade.profit_loss, trade.entry.order_id) for trade in trades]


def left(trades: qcasync.ClosedTrades) -> list[tuple[Any, ...]]:
    return [(lot.direction, lot.quantity, lot.entry_price, lot.entry.order_id) for lot in trades.open_lots]


def doubts(trades: qcasync.ClosedTrades) -> list[tuple[str, int]]:
    return [(anomaly.kind, anomaly.index) for anomaly in trades.anomalies]


def test_a_trade_tells_all_about_itself() -> None:
    (trade,) = qcasync.closed_trades([order(1, (10, 100.0), fee=1.0), order(2, (-10, 103.5), fee=2.0)])

    assert trade == qcasync.ClosedTrade(
        symbol=STOCK,
        direction=LONG,
        quantity=10.0,
        entry_time=datetime.fromtimestamp(START + 61, UTC),
        entry_price=100.0,
        exit_time=datetime.fromtimestamp(START + 121, UTC),
        exit_price=103.5,
        price_currency="USD",
        profit_loss=35.0,
        fees={"USD": 3.0},
        entry=FillKey(deploy_id="L-1", order_id=1, order_event_id=1),
        exit=FillKey(deploy_id="L-1", order_id=2, order_event_id=1),
    )
    assert trade.duration == timedelta(seconds=60)


def test_the_oldest_lots_are_closed_first() -> None:
    bought = [order(1, (5, 10.0)), order(2, (5, 20.0)), order(3, (5, 30.0))]
    trades = qcasync.closed_trades([*bought, order(4, (-7, 40.0))])

    assert brief(trades) == [(LONG, 5, 150, 1), (LONG, 2, 40, 2)]
    assert left(trades) == [(LONG, 3, 20.0, 2), (LONG, 5, 30.0, 3)]


def test_short_positions_win_by_falling_prices() -> None:
    trades = qcasync.closed_trades([order(1, (-4, 10.0)), order(2, (1, 9.0), (3, 12.0))])
    assert brief(trades) == [(SHORT, 1, 1, 1), (SHORT, 3, -6, 1)]
    assert left(trades) == []


def test_a_fill_through_zero_closes_and_opens() -> None:
    trades = qcasync.closed_trades([order(1, (3, 10.0)), order(2, (-5, 12.0), fee=1.0), order(3, (2, 11.0))])

    assert brief(trades) == [(LONG, 3, 6, 1), (SHORT, 2, 2, 2)]
    assert [trade.fees for trade in trades] == [{"USD": 0.6}, {"USD": 0.4}]


def test_fees_are_shared_by_quantity_and_none_is_lost() -> None:
    trades = qcasync.closed_trades([order(1, (3, 10.0), fee=1.0), *(order(n, (-1, 10.0)) for n in (2, 3))])

    assert [trade.fees["USD"] for trade in trades] == [pytest.approx(1 / 3)] * 2
    assert trades.open_lots[0].fees["USD"] == pytest.approx(1 / 3)
    assert sum(trade.fees["USD"] for trade in trades) + trades.open_lots[0].fees["USD"] == 1.0


def test_fees_of_two_currencies_stay_apart() -> None:
    coins = order(2, (-2, 10.0), fee=0.5)
    coins = STRUCT(coins, events=(STRUCT(coins.events[0], order_fee_currency="BNB"),))
    (trade,) = qcasync.closed_trades([order(1, (2, 10.0), fee=1.0), coins])
    assert trade.fees == {"USD": 1.0, "BNB": 0.5}


def test_a_tenth_and_two_tenths_close_three() -> None:
    trades = qcasync.closed_trades([order(1, (0.1, 1.0)), order(2, (0.2, 1.0)), order(3, (-0.3, 2.0))])
    assert (len(trades), trades.open_lots) == (2, ())
    assert [trade.profit_loss for trade in trades] == [0.1, 0.2]


def test_the_largest_and_the_smallest_float_are_not_confused() -> None:
    trades = qcasync.closed_trades([order(1, (1e300, 1.0)), order(2, (1e-300, 1.0)), order(3, (-1e300, 1.0))])
    assert left(trades) == [(LONG, 1e-300, 1.0, 2)]


def test_every_security_has_its_own_position() -> None:
    other = Symbol(value="OTHR", id="OTHR X1")
    sold = order(2, (-1, 10.0), symbol=other)
    sold = STRUCT(sold, events=(STRUCT(sold.events[0], symbol="OTHR X1"),))
    trades = qcasync.closed_trades([order(1, (1, 10.0)), sold])
    assert (len(trades), [lot.symbol for lot in trades.open_lots]) == (0, [STOCK, other])


def test_a_multiplier_is_what_a_move_by_one_is_worth() -> None:
    orders = [order(1, (2, 1.5)), order(2, (-2, 1.75))]
    (trade,) = qcasync.closed_trades(orders, multipliers={STOCK.id: 100, "OTHR X1": 7})
    assert trade.profit_loss == 50.0


def test_lots_outlive_their_deployment_unless_each_begins_flat() -> None:
    bought = in_deployment(FIRST, order(1, (2, 10.0)))
    sold = in_deployment(SECOND, order(1, (-2, 12.0), at=1000))

    carried = qcasync.closed_trades([bought, sold])
    assert [(t.entry.deploy_id, t.exit.deploy_id, t.profit_loss) for t in carried] == [("L-1", "L-2", 4.0)]
    flat = qcasync.closed_trades([bought, sold], carry=False)
    assert (len(flat), left(flat)) == (0, [(LONG, 2, 10.0, 1), (SHORT, 2, 12.0, 1)])
    assert [lot.entry.deploy_id for lot in flat.open_lots] == ["L-1", "L-2"]


def test_time_decides_and_not_the_order_of_the_list() -> None:
    orders = [order(1, (2, 10.0)), order(2, (-1, 11.0)), order(3, (-1, 12.0))]
    assert brief(qcasync.closed_trades(reversed(orders))) == brief(qcasync.closed_trades(orders))


@pytest.mark.parametrize(("currency", "expected"), [("EUR", [("currency", 1)]), ("USD", []), (None, [])])
def test_two_currencies_are_doubtful_unless_one_is_unknown(currency: str | None, expected: list[object]) -> None:
    sold = order(2, (-2, 10.0))
    sold = STRUCT(sold, events=(STRUCT(sold.events[0], fill_price_currency=currency),))
    assert doubts(qcasync.closed_trades([order(1, (2, 10.0)), sold])) == expected


def test_decimals_stay_exact() -> None:
    def exact(told: Order) -> Any:
        (fill,) = told.events
        numbers = {name: Decimal(repr(getattr(fill, name))) for name in ("fill_quantity", "fill_price")}
        events = (STRUCT(fill, order_fee_amount=Decimal("0.1"), order_fee_currency="USD", **numbers),)
        return STRUCT(told, quantity=Decimal(repr(told.quantity)), events=events)

    trades = qcasync.closed_trades([exact(order(1, (0.3, 0.1))), exact(order(2, (-0.1, 0.3)))])
    assert trades[0].profit_loss == Decimal("0.02")
    assert trades[0].fees == {"USD": Decimal("0.133333333333333333")}
    assert trades.open_lots[0].fees == {"USD": Decimal("0.066666666666666667")}
    assert trades.to_arrow().column("profit_loss").to_pylist() == [Decimal("0.02")]


def test_the_result_is_a_sequence_that_survives_pickle() -> None:
    trades = qcasync.closed_trades([order(1, (2, 10.0)), order(2, (-1, 10.0), (-1, 11.0))])

    assert (len(trades), trades[-1], trades[:1]) == (2, trades.trades[1], trades.trades[:1])
    assert repr(trades) == "<ClosedTrades: 2 trades, 0 open lots, 0 anomalies>"
    assert pickle.loads(pickle.dumps(trades)) == trades
    assert len(qcasync.closed_trades([])) == 0


def test_direction_of_the_order_does_not_matter_only_the_sign_of_the_fill() -> None:
    sold = order(1, (-2, 10.0), direction=OrderDirection.BUY)
    assert left(qcasync.closed_trades([sold])) == [(SHORT, 2, 10.0, 1)]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_simulators_trades_are_the_same(seed: int) -> None:
    """It pairs fills by a program of its own, as the engine does: per deployment."""
    simulator = Simulator(seed, 1_750_000_000.0)
    told = simulator.orders(simulator.add_project([150, 250]).id)
    orders = qcasync.decode_orders(msgspec.json.encode({"orders": told, "success": True})).orders
    expected: list[Any] = []
    for deploy_id in dict.fromkeys(order.deploy_id for order in orders):
        builder = TradeBuilder("any")
        builder.see([line for line, order in zip(told, orders, strict=True) if order.deploy_id == deploy_id])
        expected += builder.trades
    options = (SecurityType.OPTION, SecurityType.FUTURE_OPTION, SecurityType.INDEX_OPTION)
    contracts = {order.symbol.id: 100 for order in orders if order.security_type in options}
    trades = qcasync.closed_trades(orders, multipliers=contracts, carry=False)

    assert len(trades) > 100
    assert sorted(
        (t.symbol.value, t.direction.value, [t.entry.order_id, t.exit.order_id], t.entry_price, t.exit_price)
        for t in trades
    ) == sorted(
        (t["symbols"][0]["value"], t["direction"], (t["orderIds"] * 2)[:2], t["entryPrice"], t["exitPrice"])
        for t in expected
    )
    for name, mine in (
        ("profitLoss", [trade.profit_loss for trade in trades]),
        ("quantity", [trade.quantity for trade in trades]),
        ("totalFees", [sum(trade.fees.values()) for trade in trades]),
    ):
        assert sorted(mine) == pytest.approx(sorted(trade[name] for trade in expected), abs=1e-4)
