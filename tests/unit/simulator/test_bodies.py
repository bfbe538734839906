"""The bodies that benchmarks decode: their sizes and proportions, and that nothing in them is difficult by accident."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from qcasync._core.decoding import read_live, read_live_list, read_orders
from qcasync.models import LiveAlgorithm, OrderEvent, OrderPage
from qcasync.simulator.bodies import (
    LIVE_RECIPES,
    LiveRecipe,
    LiveSize,
    chart,
    deployments,
    live_results,
    orders_window,
    portfolio,
)

EVENTS: Any = ("nested", "kebab")
SMALL = LiveRecipe(holdings=7, orders=120, events=300, closed=9, charts=10, points=50)


def results(size: LiveSize | LiveRecipe = SMALL, **options: Any) -> dict[str, Any]:
    answer: dict[str, Any] = msgspec.json.decode(live_results(size=size, **options))
    assert list(answer) == ["LiveResults", "success"]
    told: dict[str, Any] = answer["LiveResults"]["results"]
    return told


def series_of(charts: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return itertools.chain.from_iterable(chart["Series"].values() for chart in charts.values())


class TestOrdersWindow:
    @pytest.mark.parametrize("spelling", ["camel", "pascal"])
    def test_size(self, spelling: Any) -> None:
        assert 150_000 < len(orders_window(spelling=spelling)) < 165_000

    @pytest.mark.parametrize("seed", range(5))
    def test_nothing_needs_repair(self, seed: int) -> None:
        page = read_orders(orders_window(seed=seed))
        assert isinstance(page, OrderPage)
        assert (page.length, page.count, page.quirks, page.quarantined) == (100, 100, (), ())

    @pytest.mark.parametrize("seed", range(5))
    def test_time_is_always_told(self, seed: int) -> None:
        orders = msgspec.json.decode(orders_window(seed=seed, orders=400))["orders"]
        assert all(order["time"] == order["createdTime"] for order in orders)

    def test_every_order_was_filled_at_once_or_in_two_parts(self) -> None:
        orders = msgspec.json.decode(orders_window())["orders"]
        stories = Counter(tuple(event["status"] for event in order["events"]) for order in orders)
        assert stories == {("submitted", "filled"): 60, ("submitted", "partiallyFilled", "filled"): 40}
        assert {order["status"] for order in orders} == {3}
        assert {order["type"] for order in orders} == set(range(12))

    def test_any_number_of_orders(self) -> None:
        for count in (0, 1, 7, 250):
            assert len(msgspec.json.decode(orders_window(orders=count))["orders"]) == count

    def test_the_old_spelling_tells_the_same(self) -> None:
        today, old = read_orders(orders_window()), read_orders(orders_window(spelling="pascal"))
        assert isinstance(today, OrderPage)
        assert isinstance(old, OrderPage)
        for order, older in zip(today.orders, old.orders, strict=True):
            assert (order.id, order.broker_ids, order.value) == (older.id, older.broker_ids, older.value)
            assert [event.id for event in order.events] == [event.id for event in older.events]

    def test_the_old_spelling_is_old(self) -> None:
        for order in msgspec.json.decode(orders_window(spelling="pascal"))["orders"]:
            assert all(type(broker_id) is int for broker_id in order["BrokerId"])
            assert order["CanceledTime"] is None
            assert all("order-event-id" in event for event in order["Events"])


class TestLiveResults:
    @pytest.mark.parametrize(
        ("size", "expected", "share"),
        [("1 MB", 971_714, 0.70), ("6 MB", 6_057_811, 0.40), ("26 MB", 26_530_194, 0.86)],
    )
    def test_size_and_share_of_charts(self, size: LiveSize, expected: int, share: float) -> None:
        body = live_results(size=size)
        assert len(body) == pytest.approx(expected, rel=0.15)
        charts = body[body.index(b'"Charts":') : body.index(b'"Orders":')]
        assert len(charts) / len(body) == pytest.approx(share, abs=0.05)

    @pytest.mark.parametrize("events", EVENTS)
    @pytest.mark.parametrize("recipe", [SMALL, LIVE_RECIPES["1 MB"]])
    def test_counts(self, recipe: LiveRecipe, events: Any) -> None:
        told = results(recipe, events=events)
        counts = [len(told[key]) for key in ("Holdings", "Orders", "OrderEvents", "ProfitLoss", "Charts")]
        assert counts == [recipe.holdings, recipe.orders, recipe.events, recipe.closed, recipe.charts]
        assert {len(series["Values"]) for series in series_of(told["Charts"])} == {recipe.points}

    def test_orders_carry_no_events(self) -> None:
        assert not any("Events" in order for order in results()["Orders"].values())

    def test_points_are_arrays_in_time_order(self) -> None:
        for series in series_of(results()["Charts"]):
            times = [point[0] for point in series["Values"]]
            assert times == sorted(set(times))
            assert {len(point) for point in series["Values"]} == {5 if series["SeriesType"] == 2 else 2}

    def test_candles_hold_together(self) -> None:
        candles = results()["Charts"]["Strategy Equity"]["Series"]["Equity"]["Values"]
        for _, opened, high, low, close in candles:
            assert low <= min(opened, close)
            assert high >= max(opened, close)

    def test_few_series_have_gaps(self) -> None:
        charts = results(LiveRecipe(holdings=0, orders=0, events=0, closed=0, charts=10, points=1000))["Charts"]
        gappy = [series["Name"] for series in series_of(charts) if any(None in point for point in series["Values"])]
        assert gappy == ["Return"]

    def test_values_have_the_digits_of_lean(self) -> None:
        for series in series_of(results()["Charts"]):
            for value in itertools.chain.from_iterable(point[1:] for point in series["Values"]):
                digits = repr(value).lstrip("-0.").replace(".", "")
                assert value is None or len(digits) <= (10 if abs(value) > 900 else 8)

    def test_both_forms_tell_the_same_events(self) -> None:
        nested, kebab = (decoded(live_results(size=SMALL, events=form)) for form in EVENTS)
        assert [told(event) for event in nested] == [told(event) for event in kebab]

    def test_an_event_as_the_documents_show_it(self) -> None:
        event = next(event for event in results()["OrderEvents"] if event["Status"] == "Filled")
        assert list(event)[:5] == ["OrderId", "Id", "Symbol", "UtcTime", "Status"]
        assert event["Id"] == 2
        assert set(event["Symbol"]) >= {"Value", "ID", "Permtick"}
        assert event["UtcTime"].endswith("Z")
        assert event["OrderFee"]["Value"]["Currency"] == "USD"
        assert event["Direction"] in {"Buy", "Sell"}

    def test_an_impossible_recipe(self) -> None:
        for events in (199, 301):
            with pytest.raises(ValueError, match="100 filled orders have 200 to 300 events"):
                live_results(size=LiveRecipe(holdings=0, orders=100, events=events, closed=0, charts=0, points=0))


def decoded(body: bytes) -> tuple[OrderEvent, ...]:
    live = read_live(body)
    assert isinstance(live, LiveAlgorithm)
    assert live.results is not None
    return live.results.order_events


def told(event: OrderEvent) -> tuple[object, ...]:
    """What both forms of an event say."""
    return (event.order_id, event.symbol, event.status, event.fill_quantity, event.direction, event.order_fee_amount)


def test_chart() -> None:
    answer = msgspec.json.decode(chart(points=250))
    assert answer["chart"]["name"] == "Strategy Equity"
    assert [len(series["values"]) for series in answer["chart"]["series"].values()] == [250, 250]


def test_the_returns_of_a_chart_follow_from_its_equity() -> None:
    series = msgspec.json.decode(chart(points=250))["chart"]["series"]
    closes = [candle[-1] for candle in series["Equity"]["values"]]
    returns = [point[1] for point in series["Return"]["values"]]
    for before, after, told in zip(closes, closes[1:], returns[1:], strict=False):
        assert told is None or told == pytest.approx(100 * (after / before - 1), abs=1e-6)


def test_portfolio() -> None:
    holdings = msgspec.json.decode(portfolio(holdings=300))["portfolio"]["holdings"]
    assert len(holdings) == 300
    assert {tuple(holding) for holding in holdings.values()} == {("a", "q", "p", "v", "u", "up")}
    assert len(msgspec.json.decode(portfolio(holdings=3))["portfolio"]["holdings"]) == 3


def test_deployments() -> None:
    found = read_live_list(deployments(deployments=20))
    assert isinstance(found, tuple)
    assert len({deployment.deploy_id for deployment in found}) == 20
    assert [count for _, count in sorted(Counter(deployment.project_id for deployment in found).items())] == [8, 8, 4]
    assert msgspec.json.decode(deployments(deployments=0))["live"] == []


@pytest.mark.parametrize(
    "make",
    [
        lambda seed: orders_window(seed=seed),
        lambda seed: orders_window(seed=seed, spelling="pascal"),
        lambda seed: live_results(size=SMALL, seed=seed),
        lambda seed: live_results(size=SMALL, seed=seed, events="kebab"),
        lambda seed: chart(points=10, seed=seed),
        lambda seed: portfolio(holdings=10, seed=seed),
        lambda seed: deployments(deployments=10, seed=seed),
    ],
)
def test_the_seed_decides_the_bytes(make: Callable[[int], bytes]) -> None:
    assert make(1) == make(1)
    assert make(1) != make(2)
    assert make(1).endswith(b',"success":true}')
