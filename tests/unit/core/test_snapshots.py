"""Snapshots of portfolios, statistics and charts, one after the other."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcasync._core.snapshots import (
    AHEAD,
    ChartMemory,
    PortfolioMemory,
    StatisticsMemory,
    follow_chart,
    follow_portfolio,
    follow_statistics,
)
from qcasync.models.changes import CashChanged, Change, ChartExtended, HoldingChanged, StatisticsChanged
from qcasync.models.charts import Chart, Series
from qcasync.models.portfolio import Cash, Holding, Portfolio

AT = 1_700_000_000.0

Positions = dict[str, tuple[float, float]]
"""Quantity and average price by security."""


def portfolio(
    positions: Positions | None = None, cash: dict[str, float] | None = None, price: float = 1.0
) -> Portfolio:
    return Portfolio(
        holdings={
            name: Holding(quantity=float(quantity), average_price=float(average), market_price=price)
            for name, (quantity, average) in (positions or {}).items()
        },
        cash={
            name: Cash(symbol=name, amount=float(amount), conversion_rate=price)
            for name, amount in (cash or {}).items()
        },
    )


class Account:
    """Looks at a portfolio."""

    def __init__(self, *, tells_first: bool = False) -> None:
        self.memory: PortfolioMemory | None = None
        self.tells_first = tells_first
        self.told: list[Change] = []
        self.kept = 0

    def sees(self, snapshot: Portfolio) -> list[str]:
        memory, changes = follow_portfolio(7, self.memory, snapshot, AT, tells_first=self.tells_first)
        if memory is not None:
            self.kept += 1
            self.memory = msgspec.json.decode(msgspec.json.encode(memory), type=PortfolioMemory)
        else:
            assert not changes
        self.told += changes
        return [change.key for change in changes]


def test_the_first_portfolio_is_a_baseline() -> None:
    account = Account()
    assert account.sees(portfolio({"SPY": (10, 500)}, {"USD": 100})) == []
    assert account.sees(portfolio({"SPY": (10, 500)}, {"USD": 100})) == []
    assert account.kept == 1
    assert account.sees(portfolio({"SPY": (11, 500)}, {"USD": 100})) == ["holding:7:1:11.0@500.0:SPY"]


def test_the_first_portfolio_is_told_if_it_is_to_be() -> None:
    account = Account(tells_first=True)
    assert account.sees(portfolio({"SPY": (10, 500)}, {"USD": 100})) == [
        "holding:7:1:10.0@500.0:SPY",
        "cash:7:2:100.0:USD",
    ]


def test_what_is_different_is_told_with_what_was_before() -> None:
    account = Account()
    account.sees(portfolio({"SPY": (10, 500), "AAPL": (1, 200)}, {"USD": 100, "EUR": 5}))
    account.sees(portfolio({"SPY": (10, 510), "IBM": (-2, 90)}, {"USD": 90, "JPY": 7}))
    told = [
        (each.symbol_id, each.previous and each.previous.quantity, each.holding and each.holding.quantity)
        if isinstance(each, HoldingChanged)
        else (each.currency, each.previous and each.previous.amount, each.cash and each.cash.amount)
        for each in account.told
        if isinstance(each, HoldingChanged | CashChanged)
    ]
    assert told == [
        ("SPY", 10, 10),
        ("IBM", None, -2),
        ("AAPL", 1, None),
        ("USD", 100, 90),
        ("JPY", None, 7),
        ("EUR", 5, None),
    ]
    assert [change.key.split(":")[2] for change in account.told] == list("123456")


def test_a_mere_move_of_prices_is_no_change() -> None:
    account = Account()
    for price in (1.0, 2.0, 3.0):
        assert account.sees(portfolio({"SPY": (10, 500)}, {"USD": 100}, price)) == []
    assert account.kept == 1


def test_a_flat_position_is_none_and_so_is_an_amount_of_zero() -> None:
    """QuantConnect shows what is subscribed without being held: a universe that comes and goes is no news.

    What is closed is told once, whether its row remains or not.
    """
    account = Account()
    account.sees(portfolio({"SPY": (10, 500), "IBM": (0, 0)}, {"USD": 100, "EUR": 0}))
    assert account.sees(portfolio({"SPY": (10, 500), "AAPL": (0, 0)}, {"USD": 100, "JPY": 0})) == []
    assert account.sees(portfolio({"SPY": (0, 0)}, {"USD": 0})) == ["holding:7:1:closed:SPY", "cash:7:2:none:USD"]
    assert account.sees(portfolio({"AAPL": (0, 0)}, {"JPY": 0})) == []
    closed = account.told[0]
    assert isinstance(closed, HoldingChanged)
    assert closed.holding is None


def test_a_portfolio_that_shows_nothing_is_believed_the_second_time() -> None:
    account = Account()
    full = portfolio({"SPY": (10, 500)}, {"USD": 100})
    account.sees(full)
    for _ in range(3):
        assert account.sees(portfolio()) == []
        assert account.sees(full) == []
    assert account.sees(portfolio()) == []
    assert account.sees(portfolio()) == ["holding:7:1:closed:SPY", "cash:7:2:none:USD"]
    assert account.sees(portfolio()) == []
    assert account.sees(full) == ["holding:7:3:10.0@500.0:SPY", "cash:7:4:100.0:USD"]


def test_nothing_beside_cash_is_believed_at_once() -> None:
    account = Account()
    account.sees(portfolio({"SPY": (10, 500)}, {"USD": 100}))
    assert account.sees(portfolio({}, {"USD": 100})) == ["holding:7:1:closed:SPY"]


def test_a_first_portfolio_that_shows_nothing_is_no_baseline_yet() -> None:
    """Otherwise the whole account would be told as new when the server has loaded it."""
    account = Account()
    account.sees(portfolio())
    assert account.sees(portfolio({"SPY": (10, 500)}, {"USD": 100})) == []
    assert account.sees(portfolio({"SPY": (11, 500)}, {"USD": 100})) == ["holding:7:1:11.0@500.0:SPY"]
    empty = Account()
    empty.sees(portfolio())
    empty.sees(portfolio())
    empty.sees(portfolio())
    assert empty.kept == 2
    assert empty.sees(portfolio({}, {"USD": 100})) == ["cash:7:1:100.0:USD"]


QUANTITIES = st.sampled_from([-1.5, 0.0, 1.0, 2.0])
SNAPSHOTS = st.builds(
    portfolio,
    st.dictionaries(st.sampled_from(["A", "B:1", "C"]), st.tuples(QUANTITIES, QUANTITIES), max_size=3),
    st.dictionaries(st.sampled_from(["USD", "EUR"]), QUANTITIES, max_size=2),
    price=st.sampled_from([1.0, 2.0]),
)


def fold(told: list[Change]) -> tuple[Positions, dict[str, float]]:
    """What an observer knows who was told everything. What each change says of before must be what they know."""
    positions: Positions = {}
    cash: dict[str, float] = {}
    for change in told:
        if isinstance(change, HoldingChanged):
            before = change.previous
            assert positions.pop(change.symbol_id, None) == (before and (before.quantity, before.average_price))
            if change.holding is not None:
                positions[change.symbol_id] = change.holding.quantity, change.holding.average_price
        else:
            assert isinstance(change, CashChanged)
            assert cash.pop(change.currency, None) == (change.previous and change.previous.amount)
            if change.cash is not None:
                cash[change.currency] = change.cash.amount
    return positions, cash


@given(st.lists(SNAPSHOTS, max_size=12))
def test_what_was_told_adds_up_to_the_last_portfolio(snapshots: list[Portfolio]) -> None:
    account = Account(tells_first=True)
    for snapshot in snapshots:
        account.sees(snapshot)
        believed = account.memory is not None and not account.memory.emptied
        if believed:
            positions, cash = fold(account.told)
            assert positions == {
                name: (each.quantity, each.average_price) for name, each in snapshot.holdings.items() if each.quantity
            }
            assert cash == {name: each.amount for name, each in snapshot.cash.items() if each.amount}
            assert account.sees(snapshot) == []
        else:
            assert not snapshot.holdings
            assert not snapshot.cash
    keys = [change.key for change in account.told]
    assert len(keys) == len(set(keys))


class Statistics:
    """Looks at runtime statistics."""

    def __init__(self, *, tells_first: bool = False) -> None:
        self.memory: StatisticsMemory | None = None
        self.tells_first = tells_first
        self.told: list[StatisticsChanged] = []

    def sees(self, texts: dict[str, str], deploy_id: str = "L-1") -> list[tuple[dict[str, str], tuple[str, ...]]]:
        memory, changes = follow_statistics(7, self.memory, deploy_id, texts, AT, tells_first=self.tells_first)
        if memory is not None:
            self.memory = msgspec.json.decode(msgspec.json.encode(memory), type=StatisticsMemory)
        fresh = [change for change in changes if isinstance(change, StatisticsChanged)]
        self.told += fresh
        return [(change.changed, change.removed) for change in fresh]


def test_statistics_that_are_different() -> None:
    look = Statistics()
    assert look.sees({"Equity": "$1", "Fees": "$0"}) == []
    assert look.sees({"Equity": "$1", "Fees": "$0"}) == []
    assert look.sees({"Equity": "$2", "Fees": "$0"}) == [({"Equity": "$2"}, ())]
    assert look.sees({"Fees": "$0", "Own": "x"}) == [({"Own": "x"}, ("Equity",))]
    assert look.sees({"Fees": "$0"}) == [({}, ("Own",))]
    assert Statistics(tells_first=True).sees({"Equity": "$1"}) == [({"Equity": "$1"}, ())]


def test_statistics_of_what_does_not_run_are_not_shown() -> None:
    look = Statistics(tells_first=True)
    assert look.sees({}) == []
    assert look.memory is None
    look.sees({"Equity": "$1"})
    assert look.sees({}) == look.sees({"Equity": "$1"}) == []


def test_another_deployment_tells_all_its_statistics() -> None:
    look = Statistics()
    look.sees({"Equity": "$1", "Own": "x"})
    assert look.sees({"Equity": "$1"}, "L-2") == [({"Equity": "$1"}, ())]
    assert look.told[-1].deploy_id == "L-2"


def test_statistics_that_come_again_have_keys_of_their_own() -> None:
    """Also another checkpoint's, which counts from 1: no key ever means something else."""
    look, other = Statistics(), Statistics()
    for number in range(6):
        look.sees({"Equity": f"${number % 2}"})
        other.sees({"Equity": f"${(number + 1) % 2}"})
    assert len({change.key for change in look.told}) == 5
    assert not {change.key for change in look.told} & {change.key for change in other.told}
    assert look.told[0].key.startswith("statistics:7:1:")


@given(
    st.lists(
        st.dictionaries(st.sampled_from("abc"), st.sampled_from("xy"), min_size=1),
        max_size=10,
    )
)
def test_what_was_told_adds_up_to_the_last_statistics(snapshots: list[dict[str, str]]) -> None:
    look = Statistics(tells_first=True)
    known: dict[str, str] = {}
    for texts in snapshots:
        for changed, removed in look.sees(texts):
            known |= changed
            for name in removed:
                del known[name]
        assert known == texts
    assert len({change.key for change in look.told}) == len(look.told)


def chart(name: str = "Main", **series: list[list[float | None]]) -> Chart:
    values = {key: msgspec.Raw(msgspec.json.encode(points)) for key, points in series.items()}
    return Chart(name=name, series={key: Series(name=key, _values=raw) for key, raw in values.items()})


def extended(
    memory: ChartMemory | None, seen: Chart, *, first: bool = False
) -> tuple[ChartMemory | None, list[Change]]:
    return follow_chart(7, memory, seen, AT, tells_first=first)


def test_points_that_are_newer_are_told() -> None:
    memory, changes = extended(None, chart(a=[[1, 1.0], [2, 2.0]]))
    assert (memory, changes) == ({"a": 2}, [])
    assert extended(memory, chart(a=[[2, 9.0]])) == (None, [])
    memory, [change] = extended(memory, chart(a=[[1, 1.0], [2, 2.0], [3, 3.0], [4, None]]))
    assert memory == {"a": 4}
    assert isinstance(change, ChartExtended)
    assert (change.chart, change.series, change.candles) == ("Main", "a", ())
    assert [(point.x, point.y) for point in change.points] == [(3, 3.0), (4, None)]
    assert change.key == "chart:7:'Main':'a':3-4"


def test_the_points_of_the_first_answer_are_told_if_they_are_to_be() -> None:
    _, [change] = extended(None, chart(a=[[0, 1.0], [2, 2.0]]), first=True)
    assert change.key == "chart:7:'Main':'a':0-2"


def test_a_chart_without_points_is_a_baseline() -> None:
    """What comes then is news, also in a series that was not there before."""
    memory, changes = extended(None, chart(a=[]))
    assert (memory, changes) == ({}, [])
    memory, changes = extended(memory, chart(a=[[1, 1.0]], b=[[1, 1.0]]))
    assert (memory, len(changes)) == ({"a": 1, "b": 1}, 2)
    assert extended(memory, chart(b=[[2, 1.0]]))[0] == {"a": 1, "b": 2}


def test_candles_are_told_as_candles() -> None:
    _, [change] = extended({}, chart(a=[[1, 1.0, 4.0, 0.5, 2.0]]))
    assert isinstance(change, ChartExtended)
    assert (change.points, [candle.high for candle in change.candles]) == ((), [4.0])


def test_points_in_any_order_are_told_in_theirs() -> None:
    memory, [change] = extended({}, chart(a=[[3, 3.0], [1, 1.0], [2, 2.0]]))
    assert isinstance(change, ChartExtended)
    assert ([point.x for point in change.points], memory) == ([1, 2, 3], {"a": 3})


def test_a_point_far_ahead_does_not_silence_the_series() -> None:
    """A time in milliseconds would be the latest one for 50,000 years."""
    now = int(AT)
    memory, [change] = extended({}, chart(a=[[now, 1.0], [now + AHEAD, 2.0], [now * 1000, 3.0]]))
    assert isinstance(change, ChartExtended)
    assert len(change.points) == 2
    assert memory == {"a": now + AHEAD}
    assert extended(memory, chart(a=[[now + AHEAD + 1, 2.0]])) == (None, [])


def test_names_with_colons_make_no_key_twice() -> None:
    _, [one] = extended({}, chart("a:b", c=[[1, 1.0]]))
    _, [two] = extended({}, chart("a", **{"b:c": [[1, 1.0]]}))
    assert one.key != two.key


@pytest.mark.parametrize("first", [True, False])
@given(answers=st.lists(st.lists(st.integers(0, 20), max_size=6), max_size=8))
def test_each_point_is_told_once_and_in_order(first: bool, answers: list[list[int]]) -> None:
    memory: ChartMemory | None = None
    told: list[int] = []
    latest = -1
    for number, times in enumerate(answers):
        after, changes = extended(memory, chart(a=[[x, 0.5] for x in dict.fromkeys(times)]), first=first)
        fresh = sorted(x for x in set(times) if x > latest)
        expected = fresh if first or number else []
        assert [
            point.x for change in changes if isinstance(change, ChartExtended) for point in change.points
        ] == expected
        told += expected
        latest = max([latest, *times])
        memory = memory if after is None else after
    assert told == sorted(set(told))
    assert math.isfinite(latest)
