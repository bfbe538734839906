"""The forms in which QuantConnect answers, by operation: each sample decodes to what it means.

The samples are made up after `wire.md`; every file of the folder is read by a test, or the last test fails.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from qcasync._core.decoding import (
    Loading,
    Refusal,
    read_chart,
    read_create,
    read_insights,
    read_live,
    read_live_list,
    read_logs,
    read_orders,
    read_portfolio,
    read_success,
    read_trades,
)
from qcasync.models import (
    AlgorithmStatus,
    AlphaRuntimeStatistics,
    Candlestick,
    Cash,
    CashAmount,
    Chart,
    ChartPoint,
    ChartResolution,
    ChartType,
    CreateLiveAlgorithmResponse,
    DataNormalizationMode,
    GroupOrderManager,
    Holding,
    Insight,
    InsightDirection,
    InsightPage,
    InsightScore,
    InsightType,
    LiveAlgorithm,
    LiveDeployment,
    LiveResult,
    LogPage,
    Order,
    OrderDirection,
    OrderEvent,
    OrderFee,
    OrderPage,
    OrderStatus,
    OrderSubmissionData,
    OrderType,
    Portfolio,
    ProjectFile,
    ScatterMarkerSymbol,
    SecurityType,
    Series,
    SeriesType,
    Symbol,
    TimeInForce,
    TimeInForceKind,
    Trade,
    TradeDirection,
    TradePage,
)

SAMPLES = Path(__file__).parent / "samples"
DEPLOY = "L-00000000000000000000000000000abc"
KRNL = Symbol(value="KRNL", id="KRNL X1Y2Z3", permtick="KRNL")
READERS: dict[str, Callable[[bytes], Any]] = {
    "authenticate": read_success,
    "live_chart_read": read_chart,
    "live_create": read_create,
    "live_insights_read": read_insights,
    "live_list": read_live_list,
    "live_logs_read": read_logs,
    "live_orders_read": read_orders,
    "live_portfolio_read": read_portfolio,
    "live_read": read_live,
    "live_trades_read": read_trades,
}


def at(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=UTC)  # type: ignore[misc,arg-type]


def read(sample: str) -> Any:
    return READERS[sample.partition("/")[0]]((SAMPLES / f"{sample}.json").read_bytes())


def orders(sample: str) -> OrderPage:
    page = read(f"live_orders_read/{sample}")
    assert isinstance(page, OrderPage)
    return page


def normal(orders: tuple[Order, ...]) -> tuple[Order, ...]:
    """The orders with their properties under today's names; as they came, they are kept until somebody looks."""
    return tuple(msgspec.structs.replace(order, _properties=dict(order.properties)) for order in orders)


LIMIT = Order(
    limit_price=81.25,
    type=OrderType.LIMIT,
    id=1,
    broker_ids=("1001",),
    symbol=KRNL,
    price=81.2,
    price_currency="USD",
    time=datetime(2025, 2, 3, 14, 30, 0, 123457, UTC),
    created_time=datetime(2025, 2, 3, 14, 30, 0, 123457, UTC),
    last_fill_time=at(2025, 2, 3, 14, 31, 5),
    quantity=40.0,
    status=OrderStatus.FILLED,
    tag="enter",
    _properties={"timeInForce": {}},
    security_type=SecurityType.EQUITY,
    direction=OrderDirection.BUY,
    value=3248.0,
    order_submission_data=OrderSubmissionData(bid_price=81.1, ask_price=81.3, last_price=81.2),
    price_adjustment_mode=DataNormalizationMode.ADJUSTED,
    events=(
        OrderEvent(
            id=f"{DEPLOY}-1-1",
            algorithm_id=DEPLOY,
            order_id=1,
            order_event_id=1,
            symbol="KRNL X1Y2Z3",
            symbol_value="KRNL",
            symbol_permtick="KRNL",
            time_at=1738593000.1234,
            status=OrderStatus.SUBMITTED,
            fill_price_currency="USD",
            direction=OrderDirection.BUY,
            quantity=40.0,
            limit_price=81.25,
        ),
        OrderEvent(
            id=f"{DEPLOY}-1-2",
            algorithm_id=DEPLOY,
            order_id=1,
            order_event_id=2,
            symbol="KRNL X1Y2Z3",
            symbol_value="KRNL",
            symbol_permtick="KRNL",
            time_at=1738593065.0,
            status=OrderStatus.FILLED,
            order_fee_amount=1.5,
            order_fee_currency="USD",
            fill_price=81.2,
            fill_price_currency="USD",
            fill_quantity=40.0,
            direction=OrderDirection.BUY,
            quantity=40.0,
            limit_price=81.25,
        ),
    ),
)
TRAILING = Order(
    trailing_amount=0.05,
    trailing_as_percentage=True,
    type=OrderType.TRAILING_STOP,
    stop_price=77.0,
    id=2,
    symbol=Symbol(
        value="KRNL 250321C00080000",
        id="KRNL 9A8B7C|KRNL X1Y2Z3",
        permtick="KRNL 250321C00080000",
        underlying=KRNL,
    ),
    price_currency="USD",
    time=at(2025, 2, 3, 15),
    created_time=at(2025, 2, 3, 15),
    quantity=-2.0,
    status=OrderStatus.SUBMITTED,
    _properties={
        "timeInForce": {
            "$type": "QuantConnect.Orders.TimeInForces.GoodTilDateTimeInForce",
            "Expiry": "2025-03-01T00:00:00",
        },
        "postOnly": True,
    },
    security_type=SecurityType.OPTION,
    direction=OrderDirection.SELL,
)
PAGE = OrderPage(orders=(LIMIT, TRAILING), length=2)


def test_a_page_in_todays_spelling_decodes_field_by_field() -> None:
    page = orders("camel")

    assert page == PAGE
    limit, trailing = page.orders
    assert limit.time_in_force == TimeInForce()
    assert limit.deploy_id == DEPLOY
    assert limit.events[1].order_fee == OrderFee(value=CashAmount(amount=1.5, currency="USD"))
    assert limit.events[0].order_fee is None
    assert limit.events[1].time == at(2025, 2, 3, 14, 31, 5)
    assert trailing.time_in_force == TimeInForce(kind=TimeInForceKind.GOOD_TIL_DATE, expiry=at(2025, 3, 1))
    assert trailing.properties["postOnly"] is True
    assert trailing.deploy_id is None


def test_the_old_spelling_decodes_to_the_very_same_classes() -> None:
    page = orders("pascal")

    assert normal(page.orders) == PAGE.orders
    assert type(page.orders[0]) is Order
    assert type(page.orders[0].events[0]) is OrderEvent
    assert type(page.orders[1].symbol.underlying) is Symbol


@pytest.mark.parametrize(
    "sample", ["mixed_events_key", "mixed_page", "mixed_events", "trailing_percentage", "unflattened"]
)
def test_mixtures_of_spellings_lose_nothing(sample: str) -> None:
    assert normal(orders(sample).orders) == PAGE.orders


def test_fields_stand_in_the_order_in_which_the_server_writes_them() -> None:
    """A struct whose fields stand in another order decodes 1.2 to 1.5 times slower."""
    sent = json.loads((SAMPLES / "live_orders_read/every_type.json").read_bytes())["orders"]

    for order in sent:
        _assert_in_order(Order, order)
        _assert_in_order(OrderSubmissionData, order["orderSubmissionData"])
        _assert_in_order(OrderEvent, order["events"][0])
        _assert_in_order(Symbol, order["symbol"])
        if "groupOrderManager" in order:
            _assert_in_order(GroupOrderManager, order["groupOrderManager"])
    _assert_in_order(LiveAlgorithm, json.loads((SAMPLES / "live_read/flat.json").read_bytes()))
    for sample in ("live_chart_read/chart", "live_portfolio_read/portfolio"):
        _assert_tree_in_order(json.loads((SAMPLES / f"{sample}.json").read_bytes()))
    _assert_in_order(LiveDeployment, json.loads((SAMPLES / "live_list/live.json").read_bytes())["live"][0])
    insight = json.loads((SAMPLES / "live_insights_read/engine.json").read_bytes())["insights"][0]
    assert list(insight) == [field.encode_name for field in msgspec.structs.fields(Insight)]
    _assert_in_order(Trade, json.loads((SAMPLES / "live_trades_read/documented.json").read_bytes())["trades"][1])


def _assert_tree_in_order(answer: dict[str, Any]) -> None:
    for chart in filter(None, [answer.get("chart")]):
        _assert_in_order(Chart, chart)
        for series in chart["series"].values():
            _assert_in_order(Series, series)
    for portfolio in filter(None, [answer.get("portfolio")]):
        _assert_in_order(Portfolio, portfolio)
        for holding in portfolio["holdings"].values():
            _assert_in_order(Holding, holding)
        for cash in portfolio["cash"].values():
            _assert_in_order(Cash, cash)


def _assert_in_order(model: type[msgspec.Struct], sent: dict[str, Any]) -> None:
    declared = [field.encode_name for field in msgspec.structs.fields(model)]
    known = [key for key in sent if key not in {"success", "type", "stopPrice"}]
    assert [key for key in declared if key in known] == known


def test_every_type_of_order_decodes_in_one_strict_pass() -> None:
    page = orders("every_type")

    assert [order.type for order in page.orders] == list(OrderType)
    assert page.quirks == ()
    assert page.orders[9].group_order_manager == GroupOrderManager(
        id=1, quantity=1.0, count=2, order_ids=(9, 10), direction=OrderDirection.BUY
    )
    assert page.orders[7].trigger_touched is True
    assert page.orders[3].stop_triggered is False
    assert page.orders[0].events[0].is_in_the_money is True


def test_php_may_write_dictionaries_as_lists_and_lists_as_dictionaries() -> None:
    page = orders("php")

    assert [order.id for order in page.orders] == [1, 2]
    assert [order.time_in_force for order in page.orders] == [TimeInForce(), TimeInForce()]
    assert page.orders[1].properties == {}


def test_older_and_odd_values_are_put_right_and_named() -> None:
    page = orders("odd_values")

    expected = msgspec.structs.replace(
        LIMIT,
        time=LIMIT.created_time,
        tag="7",
        last_update_time=None,
        canceled_time=None,
    )
    assert page.orders[0] == expected
    odd = page.orders[1]
    assert (odd.symbol, odd.status, odd.events) == (
        Symbol(value="KRNL", id="", permtick="KRNL"),
        OrderStatus.CANCELED,
        (),
    )
    assert odd.time_in_force == TimeInForce(kind=TimeInForceKind.GOOD_TIL_DATE, expiry=at(2025, 3, 1))
    assert page.length == 2
    assert set(page.quirks) == {
        "brokerId: number for text",
        "canceledTime: not a date",
        "contingentId: null",
        "direction: another form of an enum",
        "direction: not told; the quantity's sign instead",
        "id: fraction for integer",
        "isMarketable: number for true or false",
        "lastFillTime: date without zone",
        "lastUpdateTime: the year 1 for a date",
        "quantity: text for number",
        "securityType: another form of an enum",
        "status: another form of an enum",
        "status: null",
        "symbol: text for object",
        "tag: number for text",
        "time: not told; createdTime instead",
        "type: another form of an enum",
    }


def test_extremes_and_unknown_vocabulary_are_values() -> None:
    (order,) = orders("extremes").orders

    assert (order.price, order.value, order.quantity) == (7.922816251426434e28, -7.9228162514264338e28, 1e300)
    assert [order.type.value, order.status.value, order.direction.value] == [97, 98, 99]
    assert order.events[0].status == OrderStatus("onHold")
    assert order.events[0].direction == OrderDirection("sideways")
    assert not order.type.is_known
    assert order.group_order_manager is not None
    assert order.group_order_manager.quantity == -1e300


def test_numbers_that_json_does_not_have_cost_only_their_field() -> None:
    page = orders("not_numbers")

    assert len(page.orders) == 2
    assert page.orders[1] == TRAILING
    assert page.orders[0].price == 0.0
    assert page.orders[0].order_submission_data == OrderSubmissionData(bid_price=0.0, ask_price=81.3, last_price=0.0)
    assert page.orders[0].tag == 'NaN, "Infinity" and 1e999 stay'
    assert set(page.quirks) == {f"{name}: not a finite number" for name in ("price", "bidPrice", "lastPrice")}


def test_a_broken_order_is_quarantined_and_the_others_delivered() -> None:
    page = orders("one_broken")

    assert page.orders == PAGE.orders
    (entry,) = page.quarantined
    assert (entry.index, entry.reason) == (1, "expected an integer, got null at $.orders[1].id")
    assert json.loads(entry.raw)["brokerId"] == ["1001"]
    assert (page.count, page.length) == (3, 3)
    assert list(page.rows()) == [LIMIT, entry, TRAILING]


@pytest.mark.parametrize(
    ("sample", "answer"),
    [
        ("live_orders_read/loading", Loading(0.25)),
        ("live_orders_read/loading_progress_only", Loading(0.0)),
        ("live_orders_read/loading_status_only", Loading(None)),
        ("live_orders_read/empty", OrderPage(orders=(), length=0)),
        ("live_orders_read/refused", Refusal(("Project not found",))),
        ("live_orders_read/refused_messages", Refusal(("first", "second"))),
        ("live_orders_read/refused_message", Refusal(("Internal Error 21",))),
        ("live_orders_read/refused_error", Refusal(("no",))),
        ("live_orders_read/refused_without_reason", Refusal(())),
        ("live_list/empty", ()),
        ("live_logs_read/empty", LogPage(lines=(), length=0, deployment_offset=0)),
        ("live_logs_read/refused", Refusal(("Log lines can be read in pages up to 200 lines",))),
        ("live_insights_read/loading", Loading(0.5)),
        ("live_trades_read/loading", Loading(0.75)),
        ("live_trades_read/empty", TradePage(trades=(), length=0)),
        ("authenticate/success", None),
        ("authenticate/wrong_hash", Refusal(("Hash doesn't match. UID: 1 Hash: 00 Timestamp: 2",))),
    ],
)
def test_loading_refusal_and_emptiness_are_told_apart(sample: str, answer: object) -> None:
    assert read(sample) == answer


def test_todays_live_algorithm() -> None:
    assert read("live_read/flat") == LiveAlgorithm(
        message="",
        deploy_id=DEPLOY,
        status=AlgorithmStatus.RUNNING,
        clone_id=7002,
        launched=at(2025, 2, 3, 14),
        brokerage="PaperBrokerage",
        security_types="Equity,Option",
        project_name="Kernels",
        datacenter="XX1",
        public=True,
        files=(
            ProjectFile(project_id=7001, name="main.py", content="# café /", modified=at(2025, 2, 3, 13), open=True),
        ),
        runtime_statistics={"Equity": "$100,250.75", "Return": "0.25 %"},
        server_statistics={"CPU Usage": "1.5%", "Up Time": "0d 00:00:03"},
        charts={"Strategy Equity": Chart(name="Strategy Equity")},
    )


def test_a_stopped_algorithm_as_php_writes_it() -> None:
    assert read("live_read/stopped_php") == LiveAlgorithm(
        deploy_id=DEPLOY,
        status=AlgorithmStatus.STOPPED,
        clone_id=7002,
        launched=at(2025, 2, 3, 14),
        stopped=at(2025, 2, 4, 14),
        brokerage="PaperBrokerage",
        project_name="Kernels",
        datacenter="XX1",
        deployment_details={"Nodes": "2"},
    )


def test_a_project_without_deployment_is_an_answer() -> None:
    assert read("live_read/undefined") == LiveAlgorithm(status=AlgorithmStatus.UNDEFINED)


def test_the_documented_result_with_single_objects() -> None:
    live = read("live_read/documented")

    assert (live.version, live.resolution) == (3, ChartResolution.MINUTE)
    result = live.results
    assert result == LiveResult(
        holdings={
            "KRNL X1Y2Z3": Holding(
                symbol=KRNL,
                type=SecurityType.EQUITY,
                average_price=80.5,
                quantity=40.0,
                market_price=81.5,
                market_value=3260.0,
                unrealized_pnl=40.0,
            )
        },
        cash={
            "EUR": Cash(
                security_symbols=(Symbol(value="EURUSD", id="EURUSD 5O", permtick="EURUSD"),),
                symbol="EUR",
                amount=10.5,
                conversion_rate=1.1,
                currency_symbol="€",
                value_in_account_currency=11.55,
            )
        },
        charts=result.charts,
        orders={
            "5": Order(
                type=OrderType.MARKET,
                id=5,
                broker_ids=("5",),
                symbol=KRNL,
                price=81.0,
                price_currency="USD",
                time=at(2025, 2, 3, 14, 30),
                quantity=40.0,
                status=OrderStatus.FILLED,
                tag="",
                security_type=SecurityType.EQUITY,
                direction=OrderDirection.BUY,
                value=3240.0,
                order_submission_data=OrderSubmissionData(bid_price=80.0, ask_price=82.0, last_price=81.0),
                is_marketable=True,
            )
        },
        order_events=(
            OrderEvent(
                id="1",
                algorithm_id="",
                order_id=5,
                order_event_id=1,
                symbol="KRNL X1Y2Z3",
                symbol_value="KRNL",
                symbol_permtick="KRNL",
                time_at=1738593001.0,
                status=OrderStatus.FILLED,
                order_fee_amount=1.5,
                order_fee_currency="USD",
                fill_price=81.0,
                fill_price_currency="USD",
                fill_quantity=40.0,
                direction=OrderDirection.BUY,
                message="",
                quantity=40.0,
            ),
        ),
        profit_loss={"2025-02-03T14:30:01Z": 12.5},
        statistics={"Sharpe Ratio": "1.25"},
        runtime_statistics={"Net Profit": "$-1,234.56"},
        server_statistics={"CPU Usage": "1.5%"},
        alpha_runtime_statistics=AlphaRuntimeStatistics(
            mean_population_score=InsightScore(updated_time_utc=at(2025, 2, 3, 14, 30), direction=0.5, magnitude=0.25),
            long_count=3,
            kelly_criterion_estimate=0.75,
        ),
    )
    chart = result.charts["Strategy Equity"]
    assert chart.chart_type is ChartType.OVERLAY
    assert chart.series["Equity"].points() == (ChartPoint(x=1738593000, y=100000.5),)


def test_the_documented_result_with_the_dictionaries_of_reality() -> None:
    live = read("live_read/dictionaries")

    assert (live.version, live.resolution) == (3, ChartResolution.TEN_MINUTES)
    result = live.results
    assert result.account_currency == "USD"
    assert result.holdings == {
        "KRNL X1Y2Z3": Holding(
            average_price=80.5,
            quantity=40.0,
            market_price=81.5,
            market_value=3260.0,
            unrealized_pnl=40.0,
            unrealized_pnl_percent=1.24,
        ),
        "FLAT X1": Holding(),
        "GONE X1": Holding(),
        "OLD X1": Holding(average_price=2.5, quantity=-1.0, unrealized_pnl_percent=3.0),
    }
    assert (result.cash, result.profit_loss, result.alpha_runtime_statistics) == ({}, {}, None)
    assert result.charts["Strategy Equity"] == Chart(name="Strategy Equity")
    assert result.charts["Custom"].series["s"].points() == (
        Candlestick(x=1738593000, open=1.0, high=2.0, low=0.5, close=1.5),
        Candlestick(x=1738593060, open=None, high=None, low=None, close=None),
    )
    assert result.orders["5"].symbol == Symbol(value="KRNL", id="", permtick="KRNL")
    assert result.orders["5"].broker_ids == ("5",)
    assert result.order_events[0].status is OrderStatus.FILLED
    assert result.state == {"Status": "Running"}


def test_the_list_of_deployments() -> None:
    assert read("live_list/live") == (
        LiveDeployment(
            project_id=7001,
            deploy_id=DEPLOY,
            status=AlgorithmStatus.RUNTIME_ERROR,
            launched=at(2025, 2, 3, 14),
            stopped=at(2025, 2, 4, 14),
            brokerage="PaperBrokerage",
            subscription="Strategy Equity",
            equity=100250.75,
            environment="live-paper",
            description="",
            error="boom",
        ),
        LiveDeployment(
            project_id=7003,
            deploy_id="L-00000000000000000000000000000def",
            launched=at(2025, 2, 3, 14),
            brokerage="KrakenBrokerage",
        ),
    )


def test_the_documented_list_of_deployments() -> None:
    assert read("live_list/algorithms") == (
        LiveDeployment(
            project_id=7001,
            deploy_id=DEPLOY,
            status=AlgorithmStatus.RUNTIME_ERROR,
            launched=at(2025, 2, 3, 14),
            stopped=at(2025, 2, 4, 14),
            brokerage="Interactive",
            subscription="Strategy Equity",
            error="boom",
        ),
    )
    (nested,) = read("live_list/nested")
    assert (nested.project_id, nested.status) == (7001, AlgorithmStatus.RUNNING)


def test_a_created_deployment() -> None:
    assert read("live_create/created") == CreateLiveAlgorithmResponse(
        project_id=7001,
        deploy_id=DEPLOY,
        version_id=17000,
        source="api-v2",
        response_code="0",
        live=LiveAlgorithm(
            deploy_id=DEPLOY,
            status=AlgorithmStatus.INITIALIZING,
            launched=at(2025, 2, 3, 14),
            brokerage="PaperBrokerage",
        ),
    )


def test_a_chart_with_its_series() -> None:
    chart = read("live_chart_read/chart")

    assert (chart.name, chart.chart_type, chart.symbol, chart.legend_disabled) == (
        "Strategy Equity",
        ChartType.OVERLAY,
        KRNL,
        True,
    )
    equity, returned, orders = chart.series.values()
    assert (equity.name, equity.unit, equity.index, equity.series_type) == ("Equity", "$", 0, SeriesType.CANDLE)
    assert equity.points() == (
        Candlestick(x=1738593000, open=100000.0, high=100010.5, low=99990.0, close=100001.0),
        Candlestick(x=1738593300, open=None, high=None, low=None, close=None),
    )
    assert returned.points() == (ChartPoint(x=1738593000, y=0.0), ChartPoint(x=1738679400, y=None))
    assert (returned.color, returned.scatter_marker_symbol) == ("#4A90E2", ScatterMarkerSymbol.NONE)
    assert orders.points() == (ChartPoint(x=1738593000, y=1.0, tooltip="bought"), ChartPoint(x=1738593060, y=0.0))
    assert (orders.z_index, orders.index_name, orders.tooltip) == (2, "Orders", "{SERIES_NAME}")
    assert orders.scatter_marker_symbol is ScatterMarkerSymbol.TRIANGLE_DOWN


def test_an_old_chart_and_an_empty_one() -> None:
    chart = read("live_chart_read/pascal")

    assert (chart.name, chart.chart_type) == ("Strategy Equity", ChartType.STACKED)
    assert list(chart.series["Equity"].y) == [100000.0, 100001.5]
    assert read("live_chart_read/php") == Chart(name="Custom")


def test_a_portfolio() -> None:
    short = Holding(
        average_price=80.5,
        quantity=-40.0,
        market_price=81.5,
        market_value=-3260.0,
        unrealized_pnl=-40.0,
        unrealized_pnl_percent=-1.24,
        conversion_rate=1.1,
        currency_symbol="€",
    )
    dollars = Cash(
        symbol="USD", amount=94000.25, conversion_rate=1.0, currency_symbol="$", value_in_account_currency=94000.25
    )

    assert read("live_portfolio_read/portfolio") == Portfolio(
        holdings={"KRNL X1Y2Z3": short, "FPL R735QTJ8XC9X": Holding(market_price=12.25), "GONE 2T": Holding()},
        cash={"USD": dollars},
    )
    assert read("live_portfolio_read/php") == Portfolio()
    old = read("live_portfolio_read/pascal")
    assert old.holdings == {"KRNL X1Y2Z3": short}
    euro = Symbol(value="EURUSD", id="EURUSD 5O", permtick="EURUSD")
    assert old.cash == {"USD": msgspec.structs.replace(dollars, security_symbols=(euro,))}


def test_log_lines() -> None:
    assert read("live_logs_read/lines") == LogPage(
        lines=(
            f"2025-02-03 14:00:00 Launching analysis for {DEPLOY} with LEAN Engine v2.5.0.0.17000",
            "2025-02-03 14:30:00 café <b>a/b</b>",
            "2025-02-03 14:31:00 Runtime Error: 'KRNL'\n  at OnData in main.py: line 12",
        ),
        length=43,
        deployment_offset=40,
    )
    assert read("live_logs_read/old") == LogPage(lines=("2025-02-03 14:00:00 hello",))


def test_a_log_line_that_is_no_text_keeps_its_place() -> None:
    """Lines are known by their number: one that was dropped would shift all others."""
    assert read("live_logs_read/php") == LogPage(
        lines=("2025-02-03 14:00:00 hello", "", "12.50", '{"time":1738593000,"text":"hm"}'),
        length=12,
        deployment_offset=0,
    )


PREDICTION = Insight(
    id="00000000000000000000000000000a01",
    source_model="KernelAlphaModel",
    generated_time_at=1738593000.25,
    created_time_at=1738593000.25,
    close_time_at=1738679400.25,
    symbol="KRNL X1Y2Z3",
    ticker="KRNL",
    type=InsightType.PRICE,
    reference=80.5,
    reference_value_final=81.25,
    direction=InsightDirection.UP,
    period=86400.0,
    magnitude=0.025,
    confidence=0.75,
    weight=0.1,
    score_is_final=True,
    score_direction=1.0,
    score_magnitude=0.5,
    estimated_value=12.5,
    tag="strong",
)
HUNCH = Insight(
    id="00000000000000000000000000000a02",
    group_id="000000000000000000000000000000f0",
    source_model="KernelAlphaModel",
    generated_time_at=1738593060.0,
    created_time_at=1738593060.0,
    close_time_at=1738596660.0,
    symbol="KRNL X1Y2Z3",
    ticker="KRNL",
    type=InsightType.VOLATILITY,
    reference=80.5,
    direction=InsightDirection.FLAT,
    period=3600.0,
)


@pytest.mark.parametrize("sample", ["engine", "kebab"])
def test_insights_as_engines_write_them(sample: str) -> None:
    """Today with rounded numbers as text, and formerly in kebab-case under two other names."""
    page = read(f"live_insights_read/{sample}")

    assert page == InsightPage(insights=(PREDICTION, HUNCH), length=2)
    assert page.insights[0].close_time == datetime(2025, 2, 4, 14, 30, 0, 250_000, UTC)


def test_insights_as_documents_show_them() -> None:
    """The same under two other names, with plain numbers and without the engine's second time of creation."""
    (insight,) = read("live_insights_read/documented").insights

    assert insight == msgspec.structs.replace(
        PREDICTION, generated_time_at=1738593000.0, created_time_at=None, close_time_at=1738679400.0
    )
    assert insight.created_time is None


def test_odd_values_of_an_insight_are_put_right() -> None:
    assert read("live_insights_read/odd_values") == InsightPage(
        insights=(
            Insight(
                id="7",
                generated_time_at=1738593000.5,
                close_time_at=1738679400.0,
                symbol="KRNL X1Y2Z3",
                type=InsightType("Tomorrow"),
                direction=InsightDirection.DOWN,
                period=86400.0,
                score_is_final=True,
                tag="8",
            ),
        )
    )


def test_a_broken_insight_is_quarantined_and_the_others_delivered() -> None:
    page = read("live_insights_read/one_broken")

    assert page.insights == (PREDICTION, HUNCH)
    (entry,) = page.quarantined
    assert (entry.index, entry.reason) == (1, "no `generatedTime` at $.insights[1]")
    assert json.loads(entry.raw)["id"] == "00000000000000000000000000000bad"
    assert (page.count, page.length) == (3, 3)


WON = Trade(
    id="6f0c1d2e-0000-4000-8000-00000000a001",
    symbols=(KRNL,),
    entry_time=datetime(2025, 2, 3, 14, 31, 5, 123457, UTC),
    entry_price=81.2,
    direction=TradeDirection.LONG,
    quantity=40.0,
    exit_time=datetime(2025, 2, 4, 15, 0, 0, 123457, UTC),
    exit_price=83.7,
    profit_loss=100.0,
    total_fees=3.0,
    mae=-12.0,
    mfe=132.0,
    duration_text="1.00:28:55",
    end_trade_drawdown=-32.0,
    is_win=True,
    order_ids=(1, 4),
)
LOST = Trade(
    id="6f0c1d2e-0000-4000-8000-00000000a002",
    symbols=(KRNL, TRAILING.symbol),
    entry_time=at(2025, 2, 3, 15),
    entry_price=4.0,
    direction=TradeDirection.SHORT,
    quantity=0.5,
    exit_time=datetime(2025, 2, 3, 15, 0, 30, 500_000, UTC),
    exit_price=4.25,
    profit_loss=-12.5,
    mae=-12.5,
    duration_text="00:00:30.5000000",
    end_trade_drawdown=-12.5,
    is_win=False,
    order_ids=(2, 3),
)


def test_trades_as_documents_show_them() -> None:
    page = read("live_trades_read/documented")

    assert page == TradePage(trades=(WON, LOST), length=2)
    assert [trade.duration.total_seconds() for trade in page.trades] == [88_135.0, 30.5]


def test_trades_as_old_results_have_them() -> None:
    """Of one symbol, without an identity, in PascalCase, and with dates that name no zone."""
    (trade,) = read("live_trades_read/pascal").trades

    assert trade == msgspec.structs.replace(
        WON, id="", is_win=None, order_ids=(), entry_time=at(2025, 2, 3, 14, 31, 5), exit_time=at(2025, 2, 4, 15)
    )


def test_trades_after_a_round_trip_through_php() -> None:
    page = read("live_trades_read/php")

    assert page == TradePage(trades=(msgspec.structs.replace(LOST, duration_text="12 minutes"),), length=1)
    assert page.trades[0].duration.total_seconds() == 30.5


def test_a_broken_trade_is_quarantined_and_the_others_delivered() -> None:
    page = read("live_trades_read/one_broken")

    assert page.trades == (WON, LOST)
    (entry,) = page.quarantined
    assert (entry.index, entry.reason) == (1, "expected a number, got null at $.trades[1].exitPrice")
    assert json.loads(entry.raw)["id"] == "bad"
    assert list(page.rows()) == [WON, entry, LOST]
    assert (page.count, page.length) == (3, 3)


def test_every_sample_is_named_in_this_module() -> None:
    source = Path(__file__).read_text()
    for sample in SAMPLES.rglob("*.json"):
        assert f'"{sample.stem}"' in source or f"/{sample.stem}" in source, sample
