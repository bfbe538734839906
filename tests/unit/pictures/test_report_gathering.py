"""What is read for a report, and what becomes of it when a part fails: in virtual time, against the simulator."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import anyio
import pytest

import qcasync
from qcasync.pictures.report_data import InsightTail, LogTail, ReportData, Unread
from qcasync.pictures.report_gathering import gather
from qcasync.simulator import Conditions, FaultKind, Project
from tests.support import EPOCH, World, world

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)
PARTS = {
    "portfolio": "live/portfolio/read",
    "equity": "live/chart/read",
    "log": "live/logs/read",
    "insights": "live/insights/read",
}


def now() -> datetime:
    return datetime.fromtimestamp(EPOCH + anyio.current_time(), UTC)


async def read(here: World, project: Project, **options: Any) -> ReportData:
    return await gather(here.client, project.id, now=now(), **options)


async def test_everything_is_read_at_the_cost_that_is_promised() -> None:
    async with world() as here:
        project = here.simulator.add_project([40, 120, 90])
        told: list[tuple[int, int]] = []
        data = await read(here, project, part_read=lambda done, begun: told.append((done, begun)))
        assert not any(isinstance(part, Unread) for part in data.parts.values())
        assert told[-1] == (8, 8)
        assert [done for done, _ in told] == list(range(1, 9))
        paths = [record.path for record in here.simulator.ledger.requests]
        costs = {path: paths.count(path) for path in set(paths)}
        assert costs.pop("live/orders/read") == 4  # three windows, and the end
        assert costs == {
            "live/read": 1,
            "live/portfolio/read": 1,
            "live/chart/read": 3,
            "live/logs/read": 2,
            "live/insights/read": 2,
        }
        assert data.listing.total == 250
        assert data.live.deploy_id == project.deployments[-1].deploy_id
        assert data.read_at == now()


async def test_the_period_begins_with_the_launch_or_where_it_is_told() -> None:
    async with world() as here:
        project = here.simulator.add_project([40, 120, 90])
        whole = await read(here, project)
        assert whole.since_launch
        assert whole.since == whole.live.launched
        assert [order.deployment.number for order in whole.orders if order.deployment] == [3] * 90
        assert isinstance(whole.equity, qcasync.Chart)
        assert min(whole.equity.series["Equity"].time) >= whole.since.timestamp()
        day = await read(here, project, since=now() - DAY)
        assert not day.since_launch
        assert 0 < len(day.orders) < 90
        assert all(order.time >= now() - DAY for order in day.orders)
        assert day.fill_quality.filled < whole.fill_quality.filled


@pytest.mark.parametrize("year", [1, 1970, 2020])
async def test_a_period_that_begins_long_before_the_first_point_is_not_read_coarsely(year: int) -> None:
    """The server divides the whole period by the count, and would leave three points of a week."""
    async with world() as here:
        project = here.simulator.add_project([40])
        data = await read(here, project, since=datetime(year, 1, 1, tzinfo=UTC))
        assert isinstance(data.equity, qcasync.Chart)
        assert len(data.equity.series["Equity"].time) > 500
        assert data.since.year == year
        assert here.count("live/chart/read") <= 3 * 4


async def test_charts_without_points_are_read_once() -> None:
    async with world() as here:
        never = here.simulator.add_project([])
        data = await read(here, never, since=datetime(1, 1, 1, tzinfo=UTC))
        assert isinstance(data.equity, qcasync.Chart)
        assert here.count("live/chart/read") <= 3


@pytest.mark.parametrize("part", PARTS)
async def test_a_part_that_fails_says_why_and_costs_only_itself(part: str) -> None:
    async with world() as here:
        project = here.simulator.add_project([5])
        here.simulator.fault(
            FaultKind.FAILURE_LASTING, path=PARTS[part], times=math.inf, text="<script>alert(1)</script>"
        )
        data = await read(here, project)
        failed = {name for name, each in data.parts.items() if isinstance(each, Unread)}
        assert failed == ({"equity", "drawdown", "exposure"} if part == "equity" else {part})
        missing = data.parts[part]
        assert isinstance(missing, Unread)
        assert "\n" not in missing.reason
        assert PARTS[part] in missing.reason
        assert len(data.orders) == 5


async def test_a_part_that_hangs_is_waited_for_with_patience() -> None:
    async with world() as here:
        project = here.simulator.add_project([5])
        here.simulator.fault(FaultKind.HANG, path="live/portfolio/read", times=math.inf)
        began = anyio.current_time()
        data = await read(here, project, patience=20.0)
        assert anyio.current_time() - began == pytest.approx(20.0, abs=0.1)
        assert isinstance(data.portfolio, Unread)


@pytest.mark.parametrize(
    ("path", "error"), [("live/read", qcasync.APIError), ("live/orders/read", qcasync.QuantConnectError)]
)
async def test_without_status_or_orders_there_is_no_report_and_nothing_is_waited_for(
    path: str, error: type[Exception]
) -> None:
    async with world() as here:
        project = here.simulator.add_project([5])
        here.simulator.fault(FaultKind.FAILURE_LASTING, path=path, times=math.inf)
        here.simulator.fault(FaultKind.HANG, path="live/portfolio/read", times=math.inf)
        with pytest.raises(error):
            await read(here, project)
        assert anyio.current_time() < 20


async def test_a_wrong_token_is_one_error() -> None:
    async with world(token="0" * 64) as here:
        project = here.simulator.add_project([5])
        with pytest.raises(qcasync.AuthenticationError, match="Hash doesn't match"):  # as the server says
            await read(here, project)
        assert here.count() == 1
        with pytest.raises(qcasync.AuthenticationError, match="a moment ago"):
            await read(here, project)
        assert here.count() == 1


async def test_the_period_ends_by_the_servers_clock() -> None:
    async with world(Conditions(clock_offset=7200.0)) as here:
        project = here.simulator.add_project([5])
        assert here.client.server_time == now(), "nothing better is known"
        data = await gather(here.client, project.id)
        assert abs(data.read_at - now() - timedelta(hours=2)) < timedelta(seconds=2)
        with pytest.raises(qcasync.ConfigurationError, match="future"):
            await gather(here.client, project.id, since=now() + timedelta(hours=3))


@pytest.mark.parametrize(
    "since",
    [datetime.fromtimestamp(EPOCH, UTC).replace(tzinfo=None) - DAY, datetime.fromtimestamp(EPOCH, UTC) + DAY],
    ids=["naive", "future"],
)
async def test_a_period_that_makes_no_sense_is_refused_before_any_request(since: datetime) -> None:
    async with world() as here:
        project = here.simulator.add_project([5])
        with pytest.raises(qcasync.ConfigurationError, match="since"):
            await read(here, project, since=since)
        assert here.count() == 0


async def test_what_was_never_deployed_is_a_report_too() -> None:
    async with world() as here:
        project = here.simulator.add_project([])
        data = await read(here, project)
        assert data.live.status is qcasync.AlgorithmStatus.UNDEFINED
        assert data.orders == ()
        assert isinstance(data.log, Unread)
        assert not data.since_launch


async def test_the_documented_form_has_its_statistics_too() -> None:
    async with world(Conditions(live_answer="results")) as here:
        data = await read(here, here.simulator.add_project([5]))
        assert data.live.runtime_statistics == {}
        assert data.runtime_statistics.number("Equity") is not None
        assert data.server_statistics


async def test_charts_that_the_algorithm_does_not_have_are_not_asked_for() -> None:
    async with world(through=_WithoutExposure) as here:
        data = await read(here, here.simulator.add_project([5]))
        assert data.exposure == Unread('The algorithm has no chart "Exposure".')
        assert here.count("live/chart/read") == 2


class _WithoutExposure:
    """A server whose algorithm has one chart less."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def exchange(self, request: Any, *args: Any, **options: Any) -> Any:
        response = await self._inner.exchange(request, *args, **options)
        body = response.body.replace(b'"Exposure":{"name":"Exposure"},', b"")
        return type(response)(status_code=response.status_code, headers=response.headers, body=body)


class TestTheLog:
    async def test_its_last_lines_are_those_of_this_deployment(self) -> None:
        async with world() as here:
            project = here.simulator.add_project([5, 5])
            for at in range(300):
                here.simulator.log(project.id, f"line {at}")
            here.simulator.flush(project.id)
            data = await read(here, project)
            assert isinstance(data.log, LogTail)
            assert [line[20:] for line in data.log.lines] == [f"line {at}" for at in range(200, 300)]
            page = await here.client.live.read_logs(project.id, data.live.deploy_id, 0, 1)
            assert page.length is not None
            assert page.deployment_offset
            assert data.log.total == page.length - page.deployment_offset

    async def test_a_young_deployment_has_none_and_shows_none_of_others(self) -> None:
        async with world() as here:
            project = here.simulator.add_project([5])
            await anyio.sleep(600)
            here.simulator.deploy(project.id, EPOCH + anyio.current_time())
            data = await read(here, project)
            assert isinstance(data.log, LogTail)
            assert data.log.lines == ()

    @pytest.mark.parametrize("deployments", [[5], []], ids=["of many lines", "of few"])
    async def test_lines_of_a_former_deployment_are_not_its_own(self, deployments: list[int]) -> None:
        async with world() as here:
            project = here.simulator.add_project(deployments)
            for _ in range(2):
                here.simulator.deploy(project.id, EPOCH + anyio.current_time())
                for at in range(3):
                    here.simulator.log(project.id, f"line {at}", EPOCH + anyio.current_time() + 1)
                await anyio.sleep(60)
                here.simulator.flush(project.id, EPOCH + anyio.current_time())
            data = await read(here, project)
            assert isinstance(data.log, LogTail)
            assert [line[20:] for line in data.log.lines if " line " in line] == ["line 0", "line 1", "line 2"]
            assert data.log.total == len(data.log.lines)


class TestInsights:
    async def test_the_last_ones(self) -> None:
        async with world() as here:
            project = here.simulator.add_project([5, 5])
            made = [here.simulator.insight(project.id)["id"] for _ in range(3)]
            here.simulator.flush(project.id)
            data = await read(here, project)
            assert isinstance(data.insights, InsightTail)
            assert [each.id for each in data.insights.insights][-3:] == made
            assert len(data.insights.insights) == 50
            page = await here.client.live.read_insights(project.id, 0, 1)
            assert data.insights.total == page.length

    async def test_pages_that_are_shorter_than_asked_for_do_not_cost_the_last_ones(self) -> None:
        async with world(Conditions(clamp=30)) as here:
            project = here.simulator.add_project([5])
            made = here.simulator.insight(project.id)["id"]
            here.simulator.flush(project.id)
            data = await read(here, project)
            assert isinstance(data.insights, InsightTail)
            assert data.insights.insights[-1].id == made
            assert len(data.insights.insights) == 50
            assert here.count("live/insights/read") == 3

    async def test_a_length_that_counts_the_page_is_not_believed(self) -> None:
        async with world(Conditions(length_means="page")) as here:
            data = await read(here, here.simulator.add_project([5, 5]))
            assert isinstance(data.insights, InsightTail)
            assert data.insights.total is None

    @pytest.mark.parametrize("means", ["absent", "zero", "negative"])
    async def test_a_length_that_says_nothing_is_none(self, means: Literal["absent", "zero", "negative"]) -> None:
        async with world(Conditions(length_means=means)) as here:
            data = await read(here, here.simulator.add_project([5]))
            assert isinstance(data.insights, InsightTail)
            assert len(data.insights.insights) == 50
            assert data.insights.total is None
