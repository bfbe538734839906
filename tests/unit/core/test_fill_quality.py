"""Slippage by hand-made orders, by arithmetic that is done twice, and by numbers that nobody should send."""

import itertools
import math
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import qcasync
from qcasync import FillQuality, OrderDirection, OrderStatus, OrderType, fill_quality
from qcasync._core.fill_summaries import quantile, summarize

PLACED = datetime(2025, 6, 15, 15, 0, tzinfo=UTC)
NAN, INF = math.nan, math.inf
NUMBERS = itertools.count(1)


def event(quantity: float, price: float, *, after: float = 1.0, fee: float = 0.0, **told: Any) -> qcasync.OrderEvent:
    """An event with a number of its own."""
    return qcasync.OrderEvent(
        id="L-0-1-1",
        algorithm_id="L-0",
        order_id=1,
        order_event_id=next(NUMBERS),
        symbol="SPY R735QTJ8XC9X",
        time_at=PLACED.timestamp() + after,
        status=OrderStatus.FILLED,
        fill_price=price,
        fill_quantity=quantity,
        order_fee_amount=fee,
        order_fee_currency="USD" if fee else None,
        direction=OrderDirection.BUY,
        **told,
    )


def order(
    *fills: tuple[float, float] | qcasync.OrderEvent,
    quote: tuple[float, float] | None = (99.0, 101.0),
    ticker: str = "SPY",
    **told: Any,
) -> qcasync.Order:
    """An order with a number of its own, in a market at 99 and 101, unless told otherwise."""
    alike: dict[str, Any] = {
        "type": OrderType.MARKET,
        "id": next(NUMBERS),
        "symbol": qcasync.Symbol(value=ticker, id=f"{ticker} R735QTJ8XC9X"),
        "price_currency": "USD",
        "time": PLACED,
        "quantity": sum(fill[0] for fill in fills if isinstance(fill, tuple)),
        "status": OrderStatus.FILLED,
        "direction": OrderDirection.BUY,
        "events": tuple(fill if isinstance(fill, qcasync.OrderEvent) else event(*fill) for fill in fills),
        "order_submission_data": quote
        and qcasync.OrderSubmissionData(bid_price=quote[0], ask_price=quote[1], last_price=100.0),
    }
    return qcasync.Order(**(alike | told))


def counts(quality: FillQuality) -> tuple[int, int, int, int, int]:
    return quality.filled, len(quality.fills), quality.unquoted, quality.exercised, quality.unusable


class TestOneOrder:
    @pytest.mark.parametrize(
        ("quantity", "price", "slippage", "mid_slippage"),
        [
            (10.0, 101.0, 0.0, 1.0),  # at the ask
            (10.0, 101.5, 0.5, 1.5),
            (10.0, 100.0, -1.0, 0.0),  # at the mid
            (10.0, 98.0, -3.0, -2.0),
            (-10.0, 99.0, 0.0, 1.0),  # at the bid
            (-10.0, 98.5, 0.5, 1.5),
            (-10.0, 100.0, -1.0, 0.0),
            (-10.0, 102.0, -3.0, -2.0),
        ],
    )
    def test_what_is_worse_than_the_quote_is_positive(
        self, quantity: float, price: float, slippage: float, mid_slippage: float
    ) -> None:
        [fill] = fill_quality([order((quantity, price))]).fills
        assert fill.slippage == slippage
        assert fill.slippage_bps == pytest.approx(slippage / 100 * 10_000)
        assert fill.mid_slippage == mid_slippage
        assert fill.mid_slippage_bps == pytest.approx(mid_slippage / 100 * 10_000)
        assert fill.cost == pytest.approx(slippage * 10)
        assert fill.mid_cost == pytest.approx(mid_slippage * 10)
        assert (fill.bid, fill.ask, fill.mid) == (99.0, 101.0, 100.0)
        assert (fill.quantity, fill.price, fill.currency, fill.symbol) == (quantity, price, "USD", "SPY")

    def test_its_fills_count_together_by_quantity(self) -> None:
        [fill] = fill_quality([order((1.0, 101.0), (3.0, 105.0))]).fills
        assert (fill.quantity, fill.price, fill.slippage) == (4.0, 104.0, 3.0)

    def test_what_is_told_twice_counts_once_and_as_it_was_told_last(self) -> None:
        fill = event(1.0, 101.0, fee=0.5)
        twice = order(fill, fill)
        amended = msgspec.structs.replace(twice, events=(msgspec.structs.replace(fill, fill_price=102.0),))

        quality = fill_quality([twice])
        assert (quality.fills[0].quantity, quality.fees) == (1.0, {"USD": 0.5})
        quality = fill_quality([twice, order((1.0, 101.0)), amended])
        assert [fill.slippage for fill in quality.fills] == [1.0, 0.0]
        assert (quality.filled, quality.fees) == (2, {"USD": 0.5})

    def test_the_sign_of_the_fills_tells_a_sale(self) -> None:
        [fill] = fill_quality([order((-1.0, 98.0), direction=OrderDirection.HOLD)]).fills
        assert fill.slippage == 1.0

    def test_a_part_counts(self) -> None:
        quality = fill_quality([order((1.0, 102.0), quantity=50.0, status=OrderStatus.CANCELED)])
        assert quality.fills[0].quantity == 1.0

    def test_without_events_the_order_tells_its_price(self) -> None:
        bare = order(quantity=-2.0, price=98.0, last_fill_time=PLACED)
        [fill] = fill_quality([bare]).fills
        assert (fill.quantity, fill.price, fill.slippage, fill.seconds) == (-2.0, 98.0, 1.0, 0.0)

    def test_decimals(self) -> None:
        exact = qcasync.Order[Decimal](
            type=OrderType.MARKET,
            id=1,
            symbol=qcasync.Symbol(value="SPY", id="SPY X"),
            time=PLACED,
            quantity=Decimal(2),
            price=Decimal("101.5"),
            status=OrderStatus.FILLED,
            direction=OrderDirection.BUY,
            last_fill_time=PLACED,
            order_submission_data=qcasync.OrderSubmissionData[Decimal](
                bid_price=Decimal(99), ask_price=Decimal(101), last_price=Decimal(0)
            ),
        )
        [fill] = fill_quality([exact]).fills
        assert (fill.slippage, type(fill.slippage)) == (0.5, float)

    def test_the_currency_is_the_events_where_the_order_has_none(self) -> None:
        bought = order(event(1.0, 101.0, fill_price_currency="EUR"), price_currency="")
        assert fill_quality([bought]).fills[0].currency == "EUR"


class TestWhatCannotBeMeasured:
    @pytest.mark.parametrize(
        "quote",
        [None, (0.0, 101.0), (99.0, 0.0), (0.0, 0.0), (101.0, 99.0), (NAN, 101.0), (99.0, NAN), (99.0, INF),
         (-1.0, 101.0), (99.0, 7.9e28), (5e-324, 5e-324)],
        ids=str,
    )  # fmt: skip
    def test_no_quote(self, quote: tuple[float, float] | None) -> None:
        assert counts(fill_quality([order((1.0, 100.0), quote=quote)])) == (1, 0, 1, 0, 0)

    @pytest.mark.parametrize(
        ("quantity", "price"),
        [(1.0, NAN), (1.0, INF), (1.0, -INF), (1.0, 0.0), (1.0, -5.0), (1.0, 7.9e28), (1.0, 1e300),
         (NAN, 100.0), (INF, 100.0), (-INF, 100.0), (7.9e28, 100.0), (-1e300, 1e300), (5e-324, 100.0)],
    )  # fmt: skip
    def test_no_numbers(self, quantity: float, price: float) -> None:
        assert counts(fill_quality([order((quantity, price))])) == (1, 0, 0, 0, 1)

    def test_bought_and_sold_by_one_order(self) -> None:
        assert counts(fill_quality([order((3.0, 100.0), (-1.0, 100.0))])) == (1, 0, 0, 0, 1)
        assert counts(fill_quality([order((3.0, 100.0), (-3.0, 100.0))])) == (1, 0, 0, 0, 1)

    def test_exercises_and_assignments(self) -> None:
        exercise = order((1.0, 100.0), type=OrderType.OPTION_EXERCISE)
        assigned = order(event(-1.0, 100.0, is_assignment=True))
        assert counts(fill_quality([exercise, assigned])) == (2, 0, 0, 2, 0)

    @pytest.mark.parametrize("status", [OrderStatus.SUBMITTED, OrderStatus.CANCELED, OrderStatus.INVALID])
    def test_what_was_never_filled_is_no_fill(self, status: OrderStatus) -> None:
        quality = fill_quality([order(status=status, quantity=1.0, price=100.0)])
        assert counts(quality) == (0, 0, 0, 0, 0)
        assert quality.covered is None

    def test_no_orders(self) -> None:
        quality = fill_quality([])
        assert counts(quality) == (0, 0, 0, 0, 0)
        assert quality.prompt == quality.resting == qcasync.FillSummary()
        assert quality.by_symbol == quality.fees == {}

    def test_the_covered_share(self) -> None:
        quality = fill_quality([order((1.0, 100.0)), order((1.0, 100.0), quote=None), order(status=OrderStatus.NEW)])
        assert quality.covered == 0.5


class TestResting:
    @pytest.mark.parametrize(("after", "rested"), [(0.0, False), (59.9, False), (60.0, False), (60.1, True)])
    def test_by_the_last_fill(self, after: float, rested: bool) -> None:
        quality = fill_quality([order(event(1.0, 103.0, after=0.0), event(1.0, 103.0, after=after))])
        assert quality.fills[0].rested is rested
        assert quality.fills[0].seconds == pytest.approx(after)
        assert (quality.prompt.orders, quality.resting.orders) == (1 - rested, int(rested))
        assert (quality.resting if rested else quality.prompt).mean == 2.0
        assert set(quality.by_symbol) == (set() if rested else {"SPY"})

    def test_it_can_be_chosen(self) -> None:
        late = order(event(1.0, 100.0, after=90.0))
        assert fill_quality([late], resting_after=100.0).prompt.orders == 1
        assert fill_quality([late]).resting.orders == 1

    def test_who_does_not_tell_is_not_taken_for_prompt(self) -> None:
        quality = fill_quality([order(quantity=1.0, price=101.0)])
        assert (quality.prompt.orders, quality.resting.orders, quality.resting.median_seconds) == (0, 1, None)

    def test_a_fill_before_the_submission_took_no_time(self) -> None:
        assert fill_quality([order(event(1.0, 101.0, after=-0.004))]).fills[0].seconds == 0.0


class TestSummaries:
    def test_means_are_weighted_and_the_rest_counts_orders(self) -> None:
        orders = [order((1.0, 102.0)), order((9.0, 101.0)), order((-10.0, 98.5)), order((5.0, 100.0))]
        summary = fill_quality(orders).prompt  # slippages 1, 0, 0.5, -1 at a mid of 100
        assert (summary.orders, summary.quantity) == (4, 25.0)
        assert summary.cost == {"USD": pytest.approx(1 + 0 + 5 - 5)}
        assert summary.mean == pytest.approx(1 / 25)
        assert summary.mean_bps == pytest.approx(1 / 25 * 100)
        assert summary.median_bps == pytest.approx(25.0)
        assert summary.p95_bps == pytest.approx(50 + 50 * 0.85)
        assert summary.worst_bps == pytest.approx(100.0)
        assert summary.mid_cost == {"USD": pytest.approx(2 + 9 + 15 + 0)}
        assert summary.mid_mean == pytest.approx(26 / 25)
        assert summary.mid_mean_bps == pytest.approx(104.0)
        assert summary.spread_ratio == pytest.approx(2 * 26 / (25 * 2))
        assert summary.median_seconds == 1.0

    def test_the_spread_ratio_is_one_at_the_quote_and_zero_at_the_mid(self) -> None:
        assert fill_quality([order((1.0, 101.0)), order((-4.0, 99.0))]).prompt.spread_ratio == pytest.approx(1.0)
        assert fill_quality([order((1.0, 100.0)), order((-4.0, 100.0))]).prompt.spread_ratio == 0.0

    def test_without_a_spread_there_is_no_ratio(self) -> None:
        summary = fill_quality([order((1.0, 101.0), quote=(100.0, 100.0))]).prompt
        assert (summary.spread_ratio, summary.mean) == (None, 1.0)

    def test_currencies_are_not_added_up(self) -> None:
        dollars, yen = order((1.0, 102.0)), order((1.0, 103.0), price_currency="JPY", ticker="7203")
        quality = fill_quality([dollars, yen])
        assert quality.prompt.cost == {"USD": 1.0, "JPY": 2.0}
        assert (quality.prompt.mean, quality.prompt.mean_bps, quality.prompt.spread_ratio) == (None, None, None)
        assert quality.prompt.worst_bps == pytest.approx(200.0)
        assert quality.by_currency["JPY"].mean == 2.0

    def test_by_symbol_and_by_type_the_most_orders_first(self) -> None:
        limit, new = OrderType.LIMIT, OrderType(99)
        orders = [order((1.0, 102.0), ticker="QQQ", type=limit), order((1.0, 103.0)), order((1.0, 104.0), type=new)]
        quality = fill_quality([*orders, order((1.0, 105.0), type=limit)])
        assert list(quality.by_symbol) == ["SPY", "QQQ"]
        assert quality.by_symbol["SPY"].mean == 3.0
        assert list(quality.by_type) == ["LIMIT", "MARKET", "99"]
        assert quality.by_type["LIMIT"].mean == 2.5

    def test_fees_of_all_orders(self) -> None:
        orders = [
            order(event(1.0, 100.0, fee=0.35), event(1.0, 100.0, fee=0.65), quote=None),
            order(event(0.0, 0.0, fee=-0.2)),
            order(event(0.0, 0.0, fee=NAN), event(0.0, 0.0, fee=1e300)),
        ]
        assert fill_quality(orders).fees == {"USD": pytest.approx(0.8)}

    def test_quantiles_are_those_of_the_standard_library(self) -> None:
        numbers = [0.5, 1.0, 4.0, 4.5, 9.0, 11.0]
        quarters = statistics.quantiles(numbers, n=4, method="inclusive")
        assert [quantile(numbers, share) for share in (0.25, 0.5, 0.75)] == quarters
        assert [quantile([3.0], share) for share in (0.0, 0.5, 1.0)] == [3.0] * 3
        assert quantile([], 0.5) is None
        assert summarize([]) == qcasync.FillSummary()


PRICES = st.one_of(st.floats(0.5, 500.0), st.floats(), st.sampled_from([0.0, 7.9e28, -1e300, 5e-324, NAN, INF]))
QUANTITIES = st.one_of(st.floats(-1e6, 1e6), PRICES)
ORDERS = st.builds(
    lambda fills, quote, ticker, currency: order(*fills, quote=quote, ticker=ticker, price_currency=currency),
    st.lists(st.tuples(QUANTITIES, PRICES), max_size=3),
    st.none() | st.tuples(PRICES, PRICES),
    st.sampled_from(["SPY", "QQQ"]),
    st.sampled_from(["USD", "JPY", None]),
)


def numbers_of(summary: qcasync.FillSummary) -> Sequence[float]:
    values = (getattr(summary, name) for name in summary.__struct_fields__)
    flat = [each for value in values for each in (value.values() if isinstance(value, dict) else [value])]
    return [each for each in flat if each is not None]


@given(st.lists(ORDERS, max_size=12))
def test_whatever_is_sent_every_order_is_counted_and_every_number_is_finite(orders: list[qcasync.Order]) -> None:
    quality = fill_quality(orders)
    filled, measured, *left_out = counts(quality)
    assert filled == measured + sum(left_out) <= len(orders)
    assert quality.prompt.orders + quality.resting.orders == measured
    for groups in (quality.by_symbol, quality.by_type, quality.by_currency):
        assert sum(group.orders for group in groups.values()) == quality.prompt.orders
    for summary in (quality.prompt, quality.resting, *quality.by_symbol.values()):
        assert all(map(math.isfinite, numbers_of(summary)))


@given(st.lists(st.tuples(st.floats(-1e4, 1e4).filter(lambda q: abs(q) > 1e-3), st.floats(50, 150)), min_size=1))
def test_costs_are_what_would_have_been_saved_at_the_quote(fills: list[tuple[float, float]]) -> None:
    paid = math.fsum(quantity * price for quantity, price in fills)
    quoted = math.fsum(quantity * (101.0 if quantity > 0 else 99.0) for quantity, _ in fills)
    summary = fill_quality([order(fill) for fill in fills]).prompt
    assert summary.cost["USD"] == pytest.approx(paid - quoted, abs=1e-6)
    assert summary.mean is not None
    assert summary.mean * summary.quantity == pytest.approx(paid - quoted, abs=1e-6)
    assert summary.median_bps is not None
    assert summary.p95_bps is not None
    assert summary.worst_bps is not None
    assert summary.median_bps <= summary.p95_bps <= summary.worst_bps
