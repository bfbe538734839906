"""Whatever is bought and sold, no quantity, no cash and no fee is lost on the way into trades."""

from collections import Counter, deque
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

import qcasync
from qcasync import FillKey, Order, Symbol, TradeDirection
from tests.unit.models.test_orders import EVENT, ORDER
from tests.unit.models.test_tables import STRUCT


class Deal(NamedTuple):
    """A fill to be."""

    security: str
    quantity: int
    price: int
    fee: int
    order_id: int
    seconds: int


SIGN = {TradeDirection.LONG: 1, TradeDirection.SHORT: -1}
quantities = st.integers(-6, 6).filter(bool)
deals = st.lists(
    st.builds(
        Deal,
        security=st.sampled_from(["A X1", "B X1"]),
        quantity=quantities,
        price=st.integers(0, 500),
        fee=st.integers(0, 50),
        order_id=st.integers(1, 4),
        seconds=st.integers(0, 20),
    ),
    max_size=14,
)


def orders(told: list[Deal], number: Any = Decimal) -> list[Order[Any]]:
    """Orders with these fills, a tenth of each number. Fills of one order are events of one order."""
    events: dict[tuple[int, str], list[Any]] = {}
    for place, deal in enumerate(told, 1):
        event = STRUCT(
            EVENT,
            order_id=deal.order_id,
            order_event_id=place,
            symbol=deal.security,
            time_at=1738593000.0 + deal.seconds,
            fill_quantity=tenth(deal.quantity, number),
            fill_price=tenth(deal.price, number),
            order_fee_amount=tenth(deal.fee, number),
            order_fee_currency="USD",
        )
        events.setdefault((deal.order_id, deal.security), []).append(event)
    return [
        STRUCT(
            ORDER,
            id=order_id,
            time=datetime(2025, 2, 3, order_id, tzinfo=UTC),
            symbol=Symbol(value=security[0], id=security),
            quantity=tenth(sum(told[event.order_event_id - 1].quantity for event in happened), number),
            events=tuple(happened),
        )
        for (order_id, security), happened in events.items()
    ]


def tenth(units: int, number: Any) -> Any:
    return number(Decimal(units) / 10)


@given(deals)
def test_every_fill_is_closed_or_open_to_the_last_digit(told: list[Deal]) -> None:
    trades = qcasync.closed_trades(orders(told))
    used: Counter[FillKey] = Counter()
    for trade in trades:
        assert trade.quantity > 0
        for key in (trade.entry, trade.exit):
            used[key] += trade.quantity  # type: ignore[assignment]  # a Counter of decimals
    for lot in trades.open_lots:
        assert lot.quantity > 0
        used[lot.entry] += lot.quantity  # type: ignore[assignment]
    assert {key.order_event_id: quantity for key, quantity in used.items()} == {
        place: abs(tenth(deal.quantity, Decimal)) for place, deal in enumerate(told, 1)
    }


@given(deals)
def test_profit_is_cash_plus_what_the_open_lots_cost(told: list[Deal]) -> None:
    trades = qcasync.closed_trades(orders(told))
    cash = sum(-tenth(deal.quantity, Decimal) * tenth(deal.price, Decimal) for deal in told)
    cost = sum(lot.quantity * lot.entry_price * SIGN[lot.direction] for lot in trades.open_lots)
    assert sum(trade.profit_loss for trade in trades) == cash + cost


@given(deals)
def test_no_fee_is_lost(told: list[Deal]) -> None:
    trades = qcasync.closed_trades(orders(told))
    shares = [trade.fees["USD"] for trade in trades] + [lot.fees["USD"] for lot in trades.open_lots]
    assert sum(shares) == sum(tenth(deal.fee, Decimal) for deal in told)
    assert all(share >= 0 for share in shares)


@given(deals)
def test_first_in_is_first_out_unit_by_unit(told: list[Deal]) -> None:
    """A slow reader puts single units into a queue and takes them out of it."""
    queues: dict[str, deque[tuple[int, int]]] = {"A X1": deque(), "B X1": deque()}
    pairs: list[tuple[int, int]] = []
    for place, deal in sorted(enumerate(told, 1), key=lambda one: (one[1].seconds, one[1].order_id, one[0])):
        queue, sign = queues[deal.security], 1 if deal.quantity > 0 else -1
        for _ in range(abs(deal.quantity)):
            if queue and queue[0][1] != sign:
                pairs.append((queue.popleft()[0], place))
            else:
                queue.append((place, sign))
    trades = qcasync.closed_trades(orders(told))
    found = [(trade.entry.order_event_id, trade.exit.order_event_id) for trade in trades]
    assert [pair for pair, trade in zip(found, trades, strict=True) for _ in range(int(trade.quantity * 10))] == pairs
    assert len(set(found)) == len(found)


@given(deals, st.randoms(use_true_random=False), st.lists(st.integers(0, 7), max_size=3))
def test_neither_the_order_of_the_list_nor_repetitions_matter(
    told: list[Deal], chance: Any, repeated: list[int]
) -> None:
    listed = orders(told)
    shuffled = listed + [listed[place] for place in repeated if place < len(listed)]
    chance.shuffle(shuffled)
    again = qcasync.closed_trades(shuffled)
    trades = qcasync.closed_trades(listed)
    assert (again.trades, again.open_lots) == (trades.trades, trades.open_lots)


@given(deals)
def test_short_is_the_mirror_of_long(told: list[Deal]) -> None:
    trades = qcasync.closed_trades(orders(told))
    mirrored = qcasync.closed_trades(orders([deal._replace(quantity=-deal.quantity) for deal in told]))
    assert [(t.entry, t.exit, t.quantity, t.fees, -t.profit_loss, -SIGN[t.direction]) for t in mirrored] == [
        (t.entry, t.exit, t.quantity, t.fees, t.profit_loss, SIGN[t.direction]) for t in trades
    ]


@given(deals)
def test_floats_close_what_decimals_close(told: list[Deal]) -> None:
    exact = qcasync.closed_trades(orders(told))
    rounded = qcasync.closed_trades(orders(told, float))
    assert [(t.quantity, t.profit_loss) for t in rounded] == [(float(t.quantity), float(t.profit_loss)) for t in exact]
    assert [lot.quantity for lot in rounded.open_lots] == [float(lot.quantity) for lot in exact.open_lots]
