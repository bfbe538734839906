"""The public functions that decode an answer without a client."""

import json
import pickle
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

import qcasync
from qcasync._core.lazy_orders import LazyOrder
from qcasync.simulator import bodies

WINDOW = bodies.orders_window(orders=20)
OLD_WINDOW = bodies.orders_window(orders=20, spelling="pascal")
SMALL = bodies.LiveRecipe(holdings=3, orders=4, events=10, closed=2, charts=3, points=20)
DECODERS: list[Callable[[bytes], Any]] = [
    qcasync.decode_orders,
    qcasync.decode_live,
    qcasync.decode_chart,
    qcasync.decode_portfolio,
]


def changed(body: bytes, change: Callable[[Any], None]) -> bytes:
    answer = json.loads(body)
    change(answer)
    return json.dumps(answer, separators=(",", ":")).encode()


def classes(value: object) -> set[type]:
    """Every class of a struct in a tree of decoded values."""
    if isinstance(value, msgspec.Struct):
        inner = (getattr(value, name) for name in type(value).__struct_fields__)
        return {type(value)}.union(*map(classes, inner))
    if isinstance(value, dict):
        return set().union(*map(classes, value.values()))
    if isinstance(value, tuple | list):
        return set().union(*map(classes, value))
    return set()


def numbers(value: object) -> set[type]:
    """The classes of every number that is neither a time, nor an id, nor a count."""
    if isinstance(value, msgspec.Struct):
        names = [name for name in type(value).__struct_fields__ if name not in {"time_at", "_properties"}]
        return set().union(*(numbers(getattr(value, name)) for name in names))
    if isinstance(value, dict):
        return set().union(*map(numbers, value.values()))
    if isinstance(value, tuple):
        return set().union(*map(numbers, value))
    return {type(value)} & {float, Decimal}


PUBLIC = {value for value in vars(qcasync).values() if isinstance(value, type)}


@pytest.mark.parametrize("decimal", [False, True])
@pytest.mark.parametrize("body", [WINDOW, OLD_WINDOW], ids=["today", "old"])
def test_a_window_decodes_to_public_classes_and_one_kind_of_number(body: bytes, decimal: bool) -> None:
    page = qcasync.decode_orders(body, decimal=decimal)  # type: ignore[call-overload]

    assert (len(page.orders), page.count, page.quirks, page.quarantined) == (20, 20, (), ())
    assert classes(page) <= PUBLIC
    assert numbers(page) == {Decimal if decimal else float}


def test_the_old_spelling_means_the_same() -> None:
    def essence(order: qcasync.Order) -> tuple[Any, ...]:
        events = [(event.id, event.status, event.time, event.fill_price, event.order_fee) for event in order.events]
        return (order.id, order.type, order.time, order.price, order.broker_ids, order.time_in_force, events)

    new, old = qcasync.decode_orders(WINDOW), qcasync.decode_orders(OLD_WINDOW)
    assert [essence(order) for order in new.orders] == [essence(order) for order in old.orders]


def test_decimals_have_the_digits_that_were_sent() -> None:
    def digits(answer: Any) -> None:
        answer["orders"][0] |= {"price": 1, "quantity": 2, "value": 3}
        answer["orders"][0]["events"][0]["fillPrice"] = 4

    body = changed(WINDOW, digits).replace(b'"price":1,', b'"price":144.773077904000,')
    body = body.replace(b'"quantity":2,', b'"quantity":79228162514264337593543950335,')
    body = body.replace(b'"value":3,', b'"value":7.9228162514264338E+28,')
    body = body.replace(b'"fillPrice":4,', b'"fillPrice":0.10000000000000001,')

    order = qcasync.decode_orders(body, decimal=True).orders[0]
    assert str(order.price) == "144.773077904000"
    assert order.quantity == Decimal(79228162514264337593543950335)
    assert order.value == Decimal("7.9228162514264338E+28")
    assert str(order.events[0].fill_price) == "0.10000000000000001"
    assert qcasync.decode_orders(body).orders[0].price == 144.773077904


def test_decimals_left_out_are_decimals_too() -> None:
    def leave_out(answer: Any) -> None:
        del answer["orders"][0]["price"]
        answer["orders"][1]["events"] = [{**answer["orders"][1]["events"][0], "quantity": "1.50"}]
        answer["orders"][2]["contingentId"] = None  # read patiently
        del answer["orders"][2]["price"]

    page = qcasync.decode_orders(changed(WINDOW, leave_out), decimal=True)
    assert (str(page.orders[0].price), str(page.orders[2].price)) == ("0.0", "0.0")
    assert str(page.orders[1].events[0].quantity) == "1.50"
    assert numbers(page) == {Decimal}


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "-inf", "nan1"])
@pytest.mark.parametrize("where", ["order", "event", "submission"])
def test_a_decimal_is_a_number(text: str, where: str) -> None:
    def spoil(answer: Any) -> None:
        order = answer["orders"][0]
        target = {"order": order, "event": order["events"][0], "submission": order["orderSubmissionData"]}[where]
        target["bidPrice" if where == "submission" else "quantity"] = text

    page = qcasync.decode_orders(changed(WINDOW, spoil), decimal=True)
    kept = where != "order" and text in {"NaN", "Infinity", "-inf"}  # then the field says nothing, and has a default
    assert len(page.orders) == (20 if kept else 19)
    assert all(order.quantity.is_finite() for order in page.orders)
    assert all(event.quantity.is_finite() for order in page.orders for event in order.events)


def test_lazy_events_are_the_events() -> None:
    eager, lazy = qcasync.decode_orders(WINDOW), qcasync.decode_orders(WINDOW, lazy_events=True)

    assert {type(order) for order in lazy.orders} == {LazyOrder}
    assert lazy.orders[0].events == eager.orders[0].events
    assert type(lazy.orders[0]) is qcasync.Order
    assert lazy.orders[1] == eager.orders[1]
    assert eager.orders[2] == lazy.orders[2]
    assert qcasync.decode_orders(WINDOW, lazy_events=True).orders[3] == lazy.orders[3]
    assert repr(lazy.orders[4]) == repr(eager.orders[4])
    assert pickle.loads(pickle.dumps(lazy.orders[5])) == eager.orders[5]
    assert isinstance(lazy.orders[6], qcasync.Order)
    assert lazy == eager


@pytest.mark.parametrize("body", [WINDOW, OLD_WINDOW], ids=["today", "old"])
@pytest.mark.parametrize("decimal", [False, True])
def test_lazy_events_in_every_form(body: bytes, decimal: bool) -> None:
    eager = qcasync.decode_orders(body, decimal=decimal)  # type: ignore[call-overload]
    lazy = qcasync.decode_orders(body, decimal=decimal, lazy_events=True)  # type: ignore[call-overload]

    assert {type(order) for order in lazy.orders} == {LazyOrder}
    assert lazy == eager
    assert numbers(lazy) == {Decimal if decimal else float}


def test_broken_events_of_a_lazy_order_are_told_when_they_are_used() -> None:
    body = changed(WINDOW, lambda answer: answer["orders"][0]["events"].append({"id": 7}))

    assert len(qcasync.decode_orders(body).quarantined) == 1
    order = qcasync.decode_orders(body, lazy_events=True).orders[0]
    assert order.status.is_final
    with pytest.raises(qcasync.DecodeError, match=r"\$\.events\[\d\]"):
        _ = order.events


def test_lazy_orders_compare_without_contradiction() -> None:
    eager, lazy = qcasync.decode_orders(WINDOW).orders[0], qcasync.decode_orders(WINDOW, lazy_events=True).orders
    assert (lazy[0] != eager) is False
    assert (eager != lazy[1]) is True
    assert lazy[1] != eager
    assert type(pickle.loads(pickle.dumps(lazy[2]))) is qcasync.Order


@pytest.mark.parametrize("body", [WINDOW, OLD_WINDOW], ids=["today", "old"])
def test_a_quote_in_the_other_spelling_is_not_taken_for_none(body: bytes) -> None:
    def respell(answer: Any) -> None:
        order = answer["orders"][0]
        key = "orderSubmissionData" if "orderSubmissionData" in order else "OrderSubmissionData"
        order[key] = {name.swapcase()[:1] + name[1:]: value for name, value in order[key].items()}

    assert qcasync.decode_orders(changed(body, respell)).orders[0] == qcasync.decode_orders(body).orders[0]


def test_an_order_without_events_has_none_when_lazy() -> None:
    body = changed(WINDOW, lambda answer: answer["orders"][0].pop("events"))

    assert qcasync.decode_orders(body, lazy_events=True).orders[0].events == ()


@pytest.mark.parametrize("events", ["nested", "kebab"])
def test_a_result_decodes_in_one_pass_to_public_classes(events: Any) -> None:
    live = qcasync.decode_live(bodies.live_results(size=SMALL, events=events))

    result = live.results
    assert result is not None
    assert classes(live) <= PUBLIC
    assert (len(result.orders), len(result.order_events), len(result.holdings)) == (4, 10, 3)
    assert {event.order_id for event in result.order_events} == {order.id for order in result.orders.values()}
    assert all(event.time.utcoffset() is not None and event.symbol for event in result.order_events)
    assert any(event.order_fee is not None for event in result.order_events)
    assert isinstance(result.statistics, qcasync.Statistics)


def test_both_forms_of_events_mean_the_same() -> None:
    nested, kebab = (qcasync.decode_live(bodies.live_results(size=SMALL, events=form)) for form in ("nested", "kebab"))  # type: ignore[arg-type]

    def essence(live: qcasync.LiveAlgorithm) -> list[Any]:
        assert live.results is not None
        return [
            (event.order_id, event.order_event_id, event.symbol, event.status, event.fill_price, event.order_fee_amount)
            for event in live.results.order_events
        ]

    assert essence(nested) == essence(kebab)


RESULT = b'{"LiveResults":{"version":1,"resolution":"minute","results":{%s}},"success":true}'


@pytest.mark.parametrize(
    "members",
    [
        b'"Holdings":[],"Cash":[],"Charts":[],"Orders":[],"ProfitLoss":[],"Statistics":[],"State":[]',
        b'"Holdings":{},"AlgorithmConfiguration":{"a":1},"TotalPerformance":null,"Analysis":[]',
        b'"holdings":{},"profitLoss":[],"totalPerformance":{}',
        b'"NeverSeenBefore":{"a":[1]}',
        b'"Holdings":{},"charts":{}',
        b"",
    ],
)
def test_an_empty_result_in_every_spelling(members: bytes) -> None:
    assert qcasync.decode_live(RESULT % members).results == qcasync.LiveResult()


def test_members_in_another_spelling_are_not_skipped() -> None:
    chart = b'{"Name":"A","Series":{"s":{"name":"s","values":[[60,1.5]]}}}'
    live = qcasync.decode_live(
        RESULT % (b'"Holdings":{},"charts":{"A":%s},"RuntimeStatistics":{"Equity":"$1"}' % chart)
    )

    assert live.results is not None
    assert list(live.results.charts["A"].series["s"].y) == [1.5]
    assert live.results.runtime_statistics.number("Equity") == 1.0


def test_a_quirk_in_one_chart_leaves_the_others_undecoded() -> None:
    """A chart that needs repair is taken apart; its series keep their bytes, and so do those of the other charts."""
    good, odd = b'{"Name":"s","Values":[[60,1.5]]}', b'{"Name":7,"Values":[[60,2.5]],"Invented":1}'
    charts = b'{"A":{"Name":"A","Series":{"s":%s}},"B":{"Name":"B","Series":{"s":%s}}}' % (good, odd)
    live = qcasync.decode_live(RESULT % (b'"Charts":' + charts))

    assert live.results is not None
    series = [chart.series["s"] for chart in live.results.charts.values()]
    assert [(each.name, list(each.y)) for each in series] == [("s", [1.5]), ("7", [2.5])]


def test_a_portfolio_with_floats_and_exactly() -> None:
    body = bodies.portfolio(holdings=5)

    assert classes(qcasync.decode_portfolio(body)) <= PUBLIC
    assert numbers(qcasync.decode_portfolio(body)) == {float}
    assert numbers(qcasync.decode_portfolio(body, decimal=True)) == {Decimal}


@pytest.mark.parametrize("holding", [b"{}", b"[]"])
def test_an_empty_holding_is_a_position_of_zero(holding: bytes) -> None:
    body = b'{"portfolio":{"holdings":{"SPY R1":%s},"cash":[]},"success":true}' % holding

    assert qcasync.decode_portfolio(body) == qcasync.Portfolio(holdings={"SPY R1": qcasync.Holding()})
    exact = qcasync.decode_portfolio(body, decimal=True).holdings["SPY R1"]
    assert (str(exact.quantity), str(exact.conversion_rate)) == ("0.0", "1.0")


@pytest.mark.parametrize(
    "keys", [("averagePrice", "quantity"), ("AveragePrice", "Quantity"), ("a", "q")], ids=["camel", "pascal", "today"]
)
def test_a_holding_in_every_spelling(keys: tuple[str, str]) -> None:
    told = {"portfolio": {"holdings": {"SPY R1": dict(zip(keys, (1.5, -2), strict=True))}, "cash": {}}, "success": True}

    holding = qcasync.decode_portfolio(json.dumps(told).encode()).holdings["SPY R1"]
    assert holding == qcasync.Holding(average_price=1.5, quantity=-2.0)


def test_a_text_for_a_decimal_of_a_portfolio_is_a_number() -> None:
    body = b'{"portfolio":{"holdings":{"SPY R1":{"a":"1.50","q":"NaN"}}},"success":true}'

    holding = qcasync.decode_portfolio(body, decimal=True).holdings["SPY R1"]
    assert (str(holding.average_price), holding.quantity) == ("1.50", 0)


def test_a_chart_with_its_columns() -> None:
    chart = qcasync.decode_chart(bodies.chart(points=50))

    assert classes(chart) <= PUBLIC
    assert {len(series.time) for series in chart.series.values()} == {50}


@pytest.mark.parametrize("body", [b'{"status":"loading","progress":0.25,"success":true}', b'{"progress":0.25}'])
@pytest.mark.parametrize("decode", [qcasync.decode_orders, qcasync.decode_chart])
def test_an_answer_that_is_still_loading(decode: Callable[[bytes], Any], body: bytes) -> None:
    with pytest.raises(qcasync.NotReady) as caught:
        decode(body)
    assert caught.value.progress == 0.25


@pytest.mark.parametrize("decode", DECODERS)
def test_refusals_and_pages_are_the_errors_of_a_client(decode: Callable[[bytes], Any]) -> None:
    with pytest.raises(qcasync.NotFoundError, match="Project not found"):
        decode(b'{"success":false,"errors":["Project not found"]}')
    with pytest.raises(qcasync.AuthenticationError):
        decode(b'{"success":false,"errors":["Hash doesn\'t match."]}')
    with pytest.raises(qcasync.ServerError, match="HTML"):
        decode(b"<html><title>Down</title></html>")
    with pytest.raises(qcasync.DecodeError) as caught:
        decode(b'{"success":true,"hash":"' + b"ab" * 32 + b'"}')
    assert caught.value.endpoint.startswith("live/")
    assert "abab" not in str(caught.value)


def test_a_page_that_was_decoded_eagerly_lets_the_body_go() -> None:
    body = WINDOW + b" "
    free = sys.getrefcount(body)
    page = qcasync.decode_orders(body)
    assert sys.getrefcount(body) == free
    lazy = qcasync.decode_orders(body, lazy_events=True)
    assert sys.getrefcount(body) > free
    assert lazy == page  # which looks at every event
    assert sys.getrefcount(body) == free
