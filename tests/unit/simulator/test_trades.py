"""Closed trades of simulated deployments: what fills close what, and who may see it."""

from itertools import pairwise
from typing import Any, cast

import pytest

from qcasync.simulator import Project, Simulator
from qcasync.simulator.trades import TradeBuilder, span

from .calling import Caller

SPY = {"value": "SPY", "id": "SPY R735QTJ8XC9X", "permtick": "SPY"}


def order(order_id: int, *fills: tuple[float, float, float], kind: int = 1, symbol: dict[str, str] = SPY) -> Any:
    """An order with fills: time, quantity, price. Each costs a dollar."""
    events = [
        {"time": at, "fillQuantity": quantity, "fillPrice": price, "orderFeeAmount": 1.0}
        for at, quantity, price in fills
    ]
    return {"id": order_id, "symbol": symbol, "securityType": kind, "events": events}


def closed(*orders: Any) -> list[Any]:
    builder = TradeBuilder("seed")
    builder.see(orders)
    return builder.trades


def told(trades: list[Any]) -> list[tuple[Any, ...]]:
    keys = ("direction", "quantity", "entryPrice", "exitPrice", "profitLoss", "totalFees", "orderIds")
    return [tuple(trade[key] for key in keys) for trade in trades]


def test_a_position_is_opened_and_closed() -> None:
    (trade,) = closed(order(1, (100.0, 10.0, 50.0)), order(2, (160.5, -10.0, 51.0)))
    assert trade["symbols"] == [SPY]
    assert (trade["entryTime"], trade["exitTime"]) == ("1970-01-01T00:01:40Z", "1970-01-01T00:02:40.5Z")
    assert (trade["duration"], trade["isWin"]) == ("00:01:00.5000000", True)
    assert told([trade]) == [(0, 10.0, 50.0, 51.0, 10.0, 2.0, [1, 2])]
    assert trade["mae"] <= 0
    assert trade["mfe"] >= 10.0
    assert trade["endTradeDrawdown"] == pytest.approx(10.0 - trade["mfe"])


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        pytest.param([order(1, (0, -4, 9)), order(2, (1, 4, 10))], [(1, 4, 9, 10, -4.0, 2.0, [1, 2])], id="short"),
        pytest.param([order(1, (0, 4, 9)), order(2, (1, 4, 10))], [], id="twice the same way"),
        pytest.param(
            [order(1, (0, 4, 9)), order(2, (1, 4, 10)), order(3, (2, -6, 11))],
            [(0, 4, 9, 11, 8.0, 1 + 4 / 6, [1, 3]), (0, 2, 10, 11, 2.0, 0.5 + 2 / 6, [2, 3])],
            id="the oldest first",
        ),
        pytest.param(
            [order(1, (0, 4, 9)), order(2, (1, -6, 10)), order(3, (2, 2, 11))],
            [(0, 4, 9, 10, 4.0, 1 + 4 / 6, [1, 2]), (1, 2, 10, 11, -2.0, 1 + 2 / 6, [2, 3])],
            id="through zero to the other side",
        ),
        pytest.param([order(1, (0, 4, 9), (1, -4, 10))], [(0, 4, 9, 10, 4.0, 2.0, [1])], id="by one order"),
        pytest.param([order(2, (5, -1, 3)), order(1, (1, 1, 2))], [(0, 1, 2, 3, 1.0, 2.0, [1, 2])], id="by time"),
        pytest.param(
            [order(1, (0, 1, 2), kind=2), order(2, (1, -1, 3), kind=2)],
            [(0, 1, 2, 3, 100.0, 2.0, [1, 2])],
            id="options",
        ),
        pytest.param(
            [order(1, (0, 1, 2)), order(2, (1, -1, 3), symbol={**SPY, "id": "other"})], [], id="another security"
        ),
        pytest.param([order(1, (0, 0.0, 2)), {"id": 2, "symbol": SPY, "securityType": 1}], [], id="nothing filled"),
    ],
)
def test_what_closes_what(orders: list[Any], expected: list[tuple[Any, ...]]) -> None:
    found = told(closed(*orders))
    assert len(found) == len(expected)
    for trade, pattern in zip(found, expected, strict=True):
        assert trade[:5] == pattern[:5]
        assert trade[5] == pytest.approx(pattern[5], abs=1e-4)
        assert trade[6] == pattern[6]


def test_an_order_is_seen_again_for_what_is_new_of_it() -> None:
    builder = TradeBuilder("seed")
    builder.see([order(1, (0, 4, 9)), order(2, (1, -1, 10))])
    builder.see([order(2, (1, -1, 10), (2, -3, 11))])
    builder.see([order(2, (1, -1, 10), (2, -3, 11))])
    assert [trade["quantity"] for trade in builder.trades] == [1, 3]


@pytest.mark.parametrize(
    ("ticks", "text"),
    [(0, "00:00:00"), (1, "00:00:00.0000001"), (864_000_000_000, "1.00:00:00"), (36_610_000_000, "01:01:01")],
)
def test_a_duration_as_dotnet_writes_it(ticks: int, text: str) -> None:
    assert span(ticks) == text


@pytest.fixture
def project(simulator: Simulator) -> Project:
    return simulator.add_project([140, 60])


def read(call: Caller, project: Project, start: int = 0, end: int = 1000, **more: object) -> list[dict[str, Any]]:
    answer = call("live/trades/read", projectId=project.id, start=start, end=end, **more)
    return cast("list[dict[str, Any]]", answer["trades"])


def test_all_deployments_unless_one_is_named(call: Caller, project: Project) -> None:
    every = read(call, project)
    first, second = (read(call, project, deployId=each.deploy_id) for each in project.deployments)
    assert min(len(first), len(second)) > 3
    assert every == first + second
    assert len({trade["id"] for trade in every}) == len(every)
    assert read(call, project, 3, 9) == every[3:9]
    for one in (first, second):
        exits = [trade["exitTime"] for trade in one]
        assert exits == sorted(exits)


def test_trades_are_what_the_orders_fills_add_up_to(call: Caller, project: Project) -> None:
    """Bought and sold in all trades of a security, and what is still open, is what its orders filled."""
    fills = [
        event
        for each in call.orders(project.id, 0, 140)
        for event in cast("list[dict[str, Any]]", each.get("events", []))
        if event["fillQuantity"]
    ]
    trades = read(call, project, deployId=project.deployments[0].deploy_id)
    for symbol in {event["symbol"] for event in fills}:
        mine = [trade for trade in trades if trade["symbols"][0]["id"] == symbol]
        turned = sum(abs(event["fillQuantity"]) for event in fills if event["symbol"] == symbol)
        rest = abs(sum(event["fillQuantity"] for event in fills if event["symbol"] == symbol))
        assert sum(trade["quantity"] for trade in mine) == pytest.approx((turned - rest) / 2)


def test_a_trade_never_changes_its_place(simulator: Simulator, call: Caller, project: Project) -> None:
    """Whatever is placed and filled later comes behind what was there, however often somebody looks."""
    unseen = Simulator(seed=7)
    twin, other = unseen.add_project([140, 60]), Caller(unseen)
    seen = [read(call, project)]
    for each in (simulator, unseen):
        each.trade(project.id, 3, call.now + 10, leave_open=True)
    for step in range(1, 6):
        for each in (simulator, unseen):
            each.trade(project.id, 20, call.now + 20)
            if step < 4:
                each.fill(project.id, 59 + step, call.now + 30)
        call.now += 600
        seen.append(read(call, project))
    other.now = call.now
    assert all(after[: len(before)] == before for before, after in pairwise(seen))
    assert len(seen[0]) < len(seen[1]) < len(seen[-1])
    assert read(other, twin) == seen[-1]


def test_trades_appear_with_the_next_flush(simulator: Simulator, call: Caller, project: Project) -> None:
    before = read(call, project)
    simulator.trade(project.id, 40, call.now + 1)
    call.now += 599
    assert read(call, project) == before
    call.now += 1
    assert len(read(call, project)) > len(before)


def test_old_engines_tell_one_symbol_and_no_identity(simulator: Simulator, call: Caller) -> None:
    (trade, *_) = read(call, simulator.add_project([60], spelling="pascal"))
    assert {"Symbol", "EntryTime", "MAE", "MFE", "Duration", "Direction"} <= set(trade)
    assert not {"Id", "Symbols", "IsWin", "OrderIds", "Mae"} & set(trade)
    assert set(trade["Symbol"]) == {"Value", "ID", "Permtick"}


@pytest.mark.parametrize(
    "change",
    [{"start": -1}, {"start": 10, "end": 10}, {"end": 1001}, {"deployId": "L-0"}, {"deployId": None}, {"projectId": 1}],
)
def test_refused_windows_of_trades(call: Caller, project: Project, change: dict[str, object]) -> None:
    window: dict[str, object] = {"projectId": project.id, "start": 0, "end": 100}
    assert call("live/trades/read", **window)["success"] is True
    answer = call("live/trades/read", **window | change)
    assert answer["success"] is False
    assert "trades" not in answer


def test_conditions_hold_for_trades(simulator: Simulator, call: Caller, project: Project) -> None:
    every = read(call, project)
    window: dict[str, Any] = {"projectId": project.id, "start": 0, "end": 100}
    conditions = simulator.conditions
    conditions.clamp, conditions.length_means = 3, "absent"
    assert call("live/trades/read", **window) == {"trades": every[:3], "success": True}
    other = simulator.add_project([80])
    conditions.clamp, conditions.length_means = None, "total"
    conditions.loading, conditions.warming_seconds = 1, 5
    window["projectId"] = other.id
    assert call("live/trades/read", **window)["status"] == "loading"
    assert call("live/trades/read", **window) == {"trades": [], "length": 0, "success": True}
    call.now += 5
    assert call("live/trades/read", **window)["length"] == len(read(call, other)) > 0
    assert [record.outcome for record in simulator.ledger.requests[-4:]] == ["loading", "warming", "ok", "ok"]
