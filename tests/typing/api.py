"""The public API as a user writes it. Type-checked by `nox -s types`, never run."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import assert_type

import qcasync
from qcasync.telemetry import OpenTelemetry
from qcasync.transports import HttpxTransport, Transport


async def read(project_id: int) -> None:
    """Reading needs nothing but an id."""
    async with qcasync.Client() as qc:
        assert_type(await qc.authenticate(), None)
        live = await qc.live.read(project_id, deploy_id="L-1", timeout=10)
        assert_type(live, qcasync.LiveAlgorithm)
        assert_type(live.status, qcasync.AlgorithmStatus)
        deployments = await qc.live.list(
            status="Running", start_time=datetime(2026, 1, 1, tzinfo=UTC), timeout=timedelta(seconds=5)
        )
        assert_type(deployments, tuple[qcasync.LiveDeployment, ...])
        assert_type(await qc.live.read_list(status=qcasync.AlgorithmStatus.STOPPED), tuple[qcasync.LiveDeployment, ...])


async def orders(project_id: int) -> None:
    """A window, a listing, a stream."""
    async with qcasync.Client(1, "token", max_concurrency=4, requests_per_second=2.5) as qc:
        page = await qc.live.read_orders(project_id, 0, 100)
        assert_type(page, qcasync.OrderPage)
        listing = await qc.live.list_orders(project_id, timeout=60)
        assert_type(listing, qcasync.OrderListing)
        sequence: Sequence[qcasync.Order] = listing
        assert_type(listing[0], qcasync.Order)
        assert_type(listing[:10], tuple[qcasync.Order, ...])
        filled = [order for order in sequence if order.status is qcasync.OrderStatus.FILLED]
        assert_type(filled[0].events[0].status, qcasync.OrderStatus)
        assert_type(filled[0].deploy_id, str | None)
        async with qc.live.iter_orders(project_id) as pages:
            assert_type(pages, qcasync.OrderPages)
            async for streamed in pages:
                assert_type(streamed, qcasync.OrderPage)
            assert_type(pages.total, int)


async def records(project_id: int) -> None:
    """Log lines and insights, a window at a time."""
    async with qcasync.Client() as qc:
        log = await qc.live.read_logs(project_id, "L-1", 0, 250)
        assert_type(log, qcasync.LogPage)
        assert_type(log.lines, tuple[str, ...])
        page = await qc.live.read_insights(project_id, 0, 100, timeout=timedelta(seconds=5))
        assert_type(page, qcasync.InsightPage)
        assert_type(page.insights[0].direction, qcasync.InsightDirection)
        assert_type(page.insights[0].type, qcasync.InsightType)
        assert_type(page.insights[0].magnitude, float | None)
        assert_type(page.insights[0].close_time, datetime)
        insights = await qc.live.list_insights(project_id)
        assert_type(insights, qcasync.InsightListing)
        assert_type(insights[0], qcasync.Insight)
        lines = await qc.live.list_logs(project_id, only_deployment=True)
        assert_type(lines[-1].time, datetime | None)
        assert_type(lines[1:], tuple[qcasync.LogLine, ...])
        async with qc.live.iter_logs(project_id, query="Order Error", start=250) as pages:
            async for streamed in pages:
                assert_type(streamed, qcasync.LogPage)
            assert_type(pages.anomalies, tuple[qcasync.Anomaly, ...])


async def trades(project_id: int) -> None:
    """Closed trades, as QuantConnect tells them."""
    async with qcasync.Client() as qc:
        assert_type(await qc.live.read_trades(project_id, 0, 100, deploy_id="L-1"), qcasync.TradePage)
        listing = await qc.live.list_trades(project_id)
        assert_type(listing, qcasync.TradeListing)
        assert_type(listing[0].duration, timedelta)
        assert_type(listing[0].direction, qcasync.TradeDirection)
        everything: qcasync.Listing[qcasync.Trade] = listing
        assert_type(everything.rows, tuple[qcasync.Trade, ...])
        async with qc.live.iter_trades(project_id, start=100) as pages:
            assert_type(pages, qcasync.Pages[qcasync.TradePage])
            async for page in pages:
                assert_type(page, qcasync.TradePage)


async def charts(project_id: int) -> None:
    """One chart, all of them, or each as it comes."""
    async with qcasync.Client() as qc:
        start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
        assert_type(await qc.live.chart_names(project_id), tuple[str, ...])
        assert_type(await qc.live.list_charts(project_id, start=start, end=end), dict[str, qcasync.Chart])
        async with qc.live.iter_charts(project_id, start=start, end=end, names=["Drawdown"]) as arriving:
            assert_type(arriving, qcasync.Charts)
            async for name, chart in arriving:
                assert_type(name, str)
                assert_type(chart, qcasync.Chart)


async def exactly(project_id: int) -> None:
    """The same with decimals."""
    async with qcasync.Client() as qc:
        page = await qc.live.read_orders(project_id, 0, 100, decimal=True)
        assert_type(page, qcasync.OrderPage[Decimal])
        assert_type(page.orders[0].price, Decimal)
        assert_type(page.orders[0].limit_price, Decimal | None)
        assert_type(page.orders[0].events[0].fill_price, Decimal)
        listing = await qc.live.list_orders(project_id, decimal=True)
        assert_type(listing, qcasync.OrderListing[Decimal])
        assert_type(listing[0], qcasync.Order[Decimal])
        async with qc.live.iter_orders(project_id, decimal=True) as pages:
            async for streamed in pages:
                assert_type(streamed, qcasync.OrderPage[Decimal])
        portfolio = await qc.live.read_portfolio(project_id, decimal=True)
        assert_type(portfolio.holdings["SPY R735QTJ8XC9X"].quantity, Decimal)
        assert_type((await qc.live.read_portfolio(project_id)).cash["USD"].amount, float)


def decode(body: bytes) -> None:
    """Answers that somebody kept."""
    assert_type(qcasync.decode_orders(body), qcasync.OrderPage)
    assert_type(qcasync.decode_orders(body, lazy_events=True).orders[0].price, float)
    assert_type(qcasync.decode_orders(body, decimal=True), qcasync.OrderPage[Decimal])
    assert_type(qcasync.decode_live(body), qcasync.LiveAlgorithm)
    assert_type(qcasync.decode_live(body).runtime_statistics.number("Equity"), float | None)
    assert_type(qcasync.decode_chart(body), qcasync.Chart)
    assert_type(qcasync.decode_portfolio(body), qcasync.Portfolio)
    assert_type(qcasync.decode_portfolio(body, decimal=True), qcasync.Portfolio[Decimal])


async def trade(project_id: int) -> None:
    """Calls with effect."""
    async with qcasync.Client(allow_trading=True) as qc:
        created = await qc.live.create(
            project_id,
            "compile",
            "node",
            brokerage=qcasync.paper_brokerage(cash={"USD": 100_000}),
            parameters={"fast": "10"},
            notification=qcasync.Notification(
                events=("orderEvent",), targets=(qcasync.EmailTarget(address="desk@example.com"),)
            ),
        )
        assert_type(created, qcasync.CreateLiveAlgorithmResponse)
        assert_type(await qc.live.stop(project_id), qcasync.Outcome)
        assert_type(await qc.live.liquidate(project_id, emergency=True), qcasync.Outcome)
        assert_type(await qc.live.stop_and_wait(project_id), qcasync.LiveDeployment)
        assert_type(await qc.live.create_command(project_id, {"a": [1, None]}, command_type="C"), qcasync.Outcome)
        assert_type(await qc.live.broadcast_command({}, exclude_project_id=project_id), qcasync.Outcome)
        for intent in qc.unresolved():
            assert_type((await qc.live.reconcile(intent)).kind, qcasync.OutcomeKind)


def observe(observation: qcasync.Observation) -> None:
    """An observer tells records apart by their class."""
    match observation:
        case qcasync.RetryScheduled(after=seconds):
            assert_type(seconds, float)
        case qcasync.CallEnded(call=number, ended=ended):
            assert_type(number, int)
            assert_type(ended, str)
        case qcasync.WindowRead(count=count):
            assert_type(count, int)
        case _:
            pass


def statistics(qc: qcasync.Client) -> None:
    """Counters and state."""
    told = qc.statistics()
    assert_type(told, qcasync.ClientStatistics)
    assert_type(told.calls["READ_LIVE_ORDERS"].in_progress, int)
    assert_type(told.requests_per_second, float | None)
    qcasync.Client(observers=[OpenTelemetry()])


def transports() -> qcasync.Client:
    """A transport by name, or one of your own."""
    mine: Transport = HttpxTransport(5)
    qcasync.Client(transport="httpx2")
    return qcasync.Client(transport=mine, observers=[observe])
