"""The methods of `client.live`, against the simulator, in virtual time."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import anyio
import pytest

import qcasync
from qcasync.simulator import Conditions
from tests.support import EPOCH, world

pytestmark = pytest.mark.anyio


async def test_read_todays_answer() -> None:
    """The flat answer of today: status, times in UTC, statistics as they are shown; no `results`."""
    async with world() as here:
        project = here.simulator.add_project([5], name="Momentum")
        live = await here.client.live.read(project.id)
        assert live.status is qcasync.AlgorithmStatus.RUNNING
        assert live.deploy_id == project.deployments[0].deploy_id
        assert live.launched is not None
        assert live.launched.utcoffset() == timedelta(0)
        assert live.stopped is None
        assert live.project_name == "Momentum"
        assert "Equity" in live.runtime_statistics
        assert live.results is None
        assert here.simulator.ledger.requests[0].payload == {"projectId": project.id}


async def test_read_the_documented_answer() -> None:
    """`LiveResults` decodes to the same class, with its `results` filled."""
    async with world(Conditions(live_answer="results")) as here:
        project = here.simulator.add_project([5])
        live = await here.client.live.read(project.id)
        assert live.results is not None
        assert live.version
        assert live.results.charts
        assert all(isinstance(chart, qcasync.Chart) for chart in live.results.charts.values())
        assert {type(order) for order in live.results.orders.values()} == {qcasync.Order}
        assert all(isinstance(event, qcasync.OrderEvent) for event in live.results.order_events)


async def test_read_one_deployment() -> None:
    """`deploy_id` asks for an older deployment, and is left out otherwise."""
    async with world() as here:
        project = here.simulator.add_project([5, 6])
        first = project.deployments[0].deploy_id
        live = await here.client.live.read(project.id, deploy_id=first)
        assert live.deploy_id == first
        assert live.status is qcasync.AlgorithmStatus.STOPPED


async def test_a_project_that_was_never_deployed() -> None:
    """One form of the answer is a status, the other an error that points to the list."""
    async with world() as here:
        project = here.simulator.add_project([])
        live = await here.client.live.read(project.id)
        assert live.status.value == "Undefined"
        here.simulator.conditions = Conditions(never_deployed="failure")
        with pytest.raises(qcasync.NotFoundError, match=r"live\.list\(\)"):
            await here.client.live.read(project.id)


@pytest.mark.parametrize("key", ["live", "Algorithms"])
async def test_list(key: str) -> None:
    """All deployments of all projects, under either key."""
    async with world(Conditions(list_key=key)) as here:  # type: ignore[arg-type]
        here.simulator.add_project([5, 6])
        here.simulator.add_project([7])
        deployments = await here.client.live.list()
        assert len(deployments) == 3
        assert {type(deployment) for deployment in deployments} == {qcasync.LiveDeployment}
        assert here.simulator.ledger.requests[0].payload == {}


async def test_list_filters() -> None:
    """The status goes by name, times as Unix seconds, whatever zone they were given in."""
    async with world() as here:
        here.simulator.add_project([5, 6])
        since = datetime.fromtimestamp(EPOCH - 30 * 86400, timezone(timedelta(hours=5)))
        running = await here.client.live.list(status="Running", start_time=since, end_time=since + timedelta(days=60))
        assert [deployment.status for deployment in running] == [qcasync.AlgorithmStatus.RUNNING]
        assert here.simulator.ledger.requests[0].payload == {
            "status": "Running",
            "start": int(EPOCH) - 30 * 86400,
            "end": int(EPOCH) + 30 * 86400,
        }


async def test_the_list_form_of_read_points_to_list() -> None:
    """The old form is sent as documented, with ISO times; where it is gone, the error says what to call."""
    async with world() as here:
        here.simulator.add_project([5])
        with pytest.raises(qcasync.APIError, match=r"use live\.list\(\)"):
            await here.client.live.read_list(status="Running", start_time=datetime(2025, 1, 2, tzinfo=UTC))
        assert here.simulator.ledger.requests[0].payload == {"status": "Running", "start": "2025-01-02T00:00:00Z"}
        here.simulator.conditions = Conditions(live_read_lists=True)
        assert len(await here.client.live.read_list()) == 1


async def test_create() -> None:
    """A deployment with the default data provider; absent options are absent on the wire."""
    async with world(allow_trading=True) as here:
        project = here.simulator.add_project([])
        created = await here.client.live.create(
            project.id,
            "compile-1",
            "LN-1",
            brokerage=qcasync.paper_brokerage(cash={"USD": 100_000}),
            parameters={"fast": "10"},
            notification=qcasync.Notification(
                events=("orderEvent",), targets=(qcasync.EmailTarget(address="desk@example.com"),)
            ),
        )
        assert created.deploy_id == project.deployments[0].deploy_id
        assert [effect.kind for effect in here.simulator.ledger.effects] == ["create"]
        state, create = here.simulator.ledger.requests
        assert (state.path, state.payload) == ("live/list", {"projectId": project.id})
        sent = create.payload
        assert sent["versionId"] == "-1"
        assert sent["dataProviders"] == {"QuantConnectBrokerage": "[redacted]"}
        assert sent["automaticRedeploy"] is False
        assert sent["parameters"] == {"fast": "10"}


async def test_create_leaves_out_what_is_not_given() -> None:
    """QuantConnect refuses null for optional fields."""
    async with world(allow_trading=True) as here:
        project = here.simulator.add_project([])
        await here.client.live.create(project.id, "c", "n", brokerage={"id": "QuantConnectBrokerage"})
        assert not {"parameters", "notification"} & set(here.simulator.ledger.requests[-1].payload)


async def test_stop_and_liquidate() -> None:
    """Each acts once; when nothing runs, the server's refusal is the error."""
    async with world(allow_trading=True) as here:
        first, second = here.simulator.add_project([5]), here.simulator.add_project([5])
        await here.client.live.stop(first.id)
        await here.client.live.liquidate(second.id)
        assert [(effect.kind, effect.project_id) for effect in here.simulator.ledger.effects] == [
            ("stop", first.id),
            ("liquidate", second.id),
        ]
        with pytest.raises(qcasync.APIError):
            await here.client.live.stop(first.id)


async def test_read_orders() -> None:
    """One window is one request, with exactly the indexes that were asked for."""
    async with world() as here:
        project = here.simulator.add_project([40, 120])
        page = await here.client.live.read_orders(project.id, 30, 130)
        assert [order.id for order in page.orders] == [*range(31, 41), *range(1, 91)]
        assert page.length == 160
        assert here.simulator.ledger.requests[0].payload == {"projectId": project.id, "start": 30, "end": 130}


async def test_orders_exactly() -> None:
    """`decimal=True` reads the same orders with the decimals that were sent: one window, all of them, and streamed."""
    async with world() as here:
        project = here.simulator.add_project([150])
        live = here.client.live
        floats, exact = await live.list_orders(project.id), await live.list_orders(project.id, decimal=True)
        assert [order.id for order in exact] == [order.id for order in floats]
        assert {type(order.quantity) for order in exact} == {Decimal}
        assert [float(order.price) for order in exact] == [order.price for order in floats]
        assert exact.deployments == floats.deployments
        page = await live.read_orders(project.id, 0, 10, decimal=True)
        assert page.orders[0].value == exact[0].value
        async with live.iter_orders(project.id, decimal=True) as pages:
            assert [order.quantity for each in [page async for page in pages] for order in each.orders] == [
                order.quantity for order in exact
            ]


async def test_read_a_chart() -> None:
    """A chart comes with its series, after it has been loaded; `count` is how finely it is sampled."""
    async with world(Conditions(loading=2)) as here:
        project = here.simulator.add_project([5])
        now = datetime.fromtimestamp(EPOCH, UTC)
        chart = await here.client.live.read_chart(
            project.id, "Strategy Equity", start=now - timedelta(days=1), end=now, count=24
        )
        assert chart.name == "Strategy Equity"
        assert set(chart.series) == {"Equity", "Return"}
        assert chart.series["Equity"].is_candles
        assert len(chart.series["Return"].time) == len(chart.series["Return"].y) > 1
        assert here.count("live/chart/read") == 3
        assert here.simulator.ledger.requests[-1].payload == {
            "projectId": project.id,
            "name": "Strategy Equity",
            "count": 24,
            "start": int(EPOCH) - 86400,
            "end": int(EPOCH),
        }
        with pytest.raises(qcasync.APIError):
            await here.client.live.read_chart(project.id, "Nobody's", start=now - timedelta(days=1), end=now)


async def test_read_a_portfolio() -> None:
    """Positions by security, amounts by currency; floats, or the decimals that were sent."""
    async with world() as here:
        project = here.simulator.add_project([5])
        portfolio = await here.client.live.read_portfolio(project.id)
        assert {type(holding.quantity) for holding in portfolio.holdings.values()} == {float}
        assert portfolio.cash["USD"].amount > 0
        exact = await here.client.live.read_portfolio(project.id, decimal=True)
        assert {type(holding.quantity) for holding in exact.holdings.values()} == {Decimal}
        assert {key: float(each.quantity) for key, each in exact.holdings.items()} == {
            key: each.quantity for key, each in portfolio.holdings.items()
        }
        never = here.simulator.add_project([])
        with pytest.raises(qcasync.APIError):
            await here.client.live.read_portfolio(never.id)


BAD_INPUT = {
    "negative start": (lambda live: live.read_orders(1, -1, 100), "start must not be negative"),
    "empty window": (lambda live: live.read_orders(1, 100, 100), "empty or reversed"),
    "reversed window": (lambda live: live.read_orders(1, 200, 100), "empty or reversed"),
    "wide window": (lambda live: live.read_orders(1, 0, 101), "spans 101 orders.*\n.*list_orders"),
    "negative project": (lambda live: live.read(-1), "positive integer, not -1"),
    "project as text": (lambda live: live.read("12"), "positive integer, not '12'"),
    "project as bool": (lambda live: live.list_orders(True), "positive integer, not True"),
    "empty deploy id": (lambda live: live.read(1, deploy_id=" "), "deploy_id must not be empty"),
    "unknown status": (lambda live: live.list(status="Sleeping"), "Unknown status 'Sleeping'.*\n.*Running"),
    "naive time": (lambda live: live.list(start_time=datetime(2026, 1, 1)), "has no zone"),  # noqa: DTZ001
    "reversed times": (
        lambda live: live.list(start_time=datetime(2026, 1, 2, tzinfo=UTC), end_time=datetime(2026, 1, 1, tzinfo=UTC)),
        "is before start_time",
    ),
    "chart without a stretch": (
        lambda live: live.read_chart(
            1, "a", start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2026, 1, 1, tzinfo=UTC)
        ),
        "empty or reversed",
    ),
    "chart in naive times": (
        lambda live: live.read_chart(1, "a", start=datetime(2026, 1, 1), end=datetime(2026, 1, 2)),  # noqa: DTZ001
        "has no zone",
    ),
    "chart without a name": (
        lambda live: live.read_chart(
            1, "", start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2026, 1, 2, tzinfo=UTC)
        ),
        "name must not be empty",
    ),
    "chart without samples": (
        lambda live: live.read_chart(
            1, "a", start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2026, 1, 2, tzinfo=UTC), count=0
        ),
        "count must be a positive integer",
    ),
    "negative timeout": (lambda live: live.read(1, timeout=-1), "timeout must be positive"),
    "brokerage without id": (lambda live: live.create(1, "c", "n", brokerage={}), "brokerage has no 'id'"),
    "object as setting": (
        lambda live: live.create(1, "c", "n", brokerage={"id": "x", "key": object()}),
        "type object cannot be sent as JSON",
    ),
    "empty compile id": (lambda live: live.create(1, "", "n", brokerage={"id": "x"}), "compile_id must not be empty"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
async def test_bad_input_is_refused_before_any_request(case: str) -> None:
    """A typed error with a remedy, and nothing sent."""
    call, sentence = BAD_INPUT[case]
    async with world(allow_trading=True) as here:
        with pytest.raises(qcasync.ConfigurationError, match=sentence):
            await call(here.client.live)
        assert here.count() == 0


async def test_iter_orders_checks_its_input_too() -> None:
    """A stream of a project that cannot exist is refused before it is opened."""
    async with world() as here:
        with pytest.raises(qcasync.ConfigurationError):
            async with here.client.live.iter_orders(0):
                pass
        assert here.count() == 0


async def test_a_stream_teaches_the_total() -> None:
    """A stream that was read to its end is remembered like a listing; one that was left is not."""
    async with world(Conditions(latency=1.0)) as here:
        project = here.simulator.add_project([350])
        for _ in range(2):
            async with here.client.live.iter_orders(project.id) as pages:
                async for _ in pages:
                    break
        began = anyio.current_time()
        await here.client.live.list_orders(project.id)
        assert anyio.current_time() - began == pytest.approx(2.0)
        async with here.client.live.iter_orders(project.id) as pages:
            assert [page.count async for page in pages] == [100, 100, 100, 50]
        assert anyio.current_time() - began == pytest.approx(3.0)
