"""Complete listings of insights, trades and logs, and streams of every list from an index on, in virtual time."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import anyio
import msgspec
import pytest

import qcasync
from qcasync.simulator import Conditions, FaultKind, Project
from tests.support import EPOCH, World, true_time, world

pytestmark = pytest.mark.anyio

YOUNG = Conditions(flush_seconds=0, log_flush_seconds=0)
"""A simulator that writes everything out at once."""


class Kind(NamedTuple):
    """A kind of list: how it is read, at how many rows a window, and where."""

    noun: str
    path: str
    window: int
    row_of: Callable[[Any], object]

    async def whole(self, here: World, project: Project, **options: Any) -> Any:
        return await getattr(here.client.live, f"list_{self.noun}")(project.id, **options)

    def stream(self, here: World, project: Project, **options: Any) -> Any:
        return getattr(here.client.live, f"iter_{self.noun}")(project.id, **options)

    def truth(self, here: World, project: Project) -> list[object]:
        """What the server has by now, taken from where it keeps it."""
        now, conditions = true_time(), here.simulator.conditions
        rows: list[Any] = []
        for deployment in project.deployments:
            match self.noun:
                case "insights":
                    rows += [row["id"] for row in deployment.insights_at(now, conditions.flush_seconds)]
                case "trades":
                    rows += [row["id"] for row in deployment.trades()]
                case _:
                    rows += deployment.logs_at(now, conditions.log_flush_seconds)
        return rows


INSIGHTS = Kind("insights", "live/insights/read", 100, lambda insight: insight.id)
TRADES = Kind("trades", "live/trades/read", 100, lambda trade: trade.id)
LOGS = Kind("logs", "live/logs/read", 200, lambda line: line.text)

kinds = pytest.mark.parametrize("kind", [INSIGHTS, TRADES, LOGS], ids=lambda kind: kind.noun)


@kinds
async def test_every_row_once_and_in_order(kind: Kind) -> None:
    """The listing equals the simulator's truth, at the price of a request per window and one for the end."""
    async with world() as here:
        project = here.simulator.add_project([90, 0, 350, 290, 500])
        listing = await kind.whole(here, project)
        truth = kind.truth(here, project)
        assert len(truth) > 3 * kind.window
        assert [kind.row_of(row) for row in listing] == truth
        assert (listing.total, listing.complete, listing.anomalies, listing.quarantined) == (len(truth), True, (), ())
        assert listing.windows == here.count(kind.path) == math.ceil(len(truth) / kind.window) + 1
        assert listing.observed_from.timestamp() == pytest.approx(EPOCH, abs=2)
        assert repr(listing).endswith(f"{len(truth)} {listing.noun}, complete, 0 anomalies, 0 quarantined>")


@kinds
async def test_windows_fly_together_and_the_total_is_remembered(kind: Kind) -> None:
    """One round for the first window, one for the others; the next time, one for all."""
    async with world(Conditions(latency=1.0)) as here:
        project = here.simulator.add_project([120, 600])
        await here.client.authenticate()
        options: dict[str, Any] = {"deploy_id": project.deployments[0].deploy_id} if kind is LOGS else {}
        began = anyio.current_time()
        await kind.whole(here, project, **options)
        assert anyio.current_time() - began == pytest.approx(2.0)
        await kind.whole(here, project, **options)
        assert anyio.current_time() - began == pytest.approx(3.0)


@kinds
async def test_a_list_that_seems_empty_is_looked_at_twice(kind: Kind) -> None:
    """Before the first flush, nothing tells an empty list from one that is not there yet."""
    async with world() as here:
        project = here.simulator.add_project()
        here.simulator.deploy(project.id, EPOCH)
        listing = await kind.whole(here, project)
        assert (len(listing), listing.total, listing.complete) == (0, 0, True)
        assert here.count(kind.path) == 2
        assert anyio.current_time() >= 10


@pytest.mark.parametrize(
    ("kind", "conditions"),
    [
        pytest.param(INSIGHTS, Conditions(loading=2), id="insights load"),
        pytest.param(TRADES, Conditions(loading=2), id="trades load"),
        pytest.param(LOGS, Conditions(loading=2), id="logs load"),
        pytest.param(TRADES, Conditions(warming_seconds=8), id="trades warm"),
        pytest.param(INSIGHTS, Conditions(clamp=7), id="insights come short"),
        pytest.param(TRADES, Conditions(clamp=33), id="trades come short"),
        pytest.param(INSIGHTS, Conditions(inclusive_end=True), id="insights beyond the end"),
        pytest.param(TRADES, Conditions(inclusive_end=True, length_means="page"), id="trades beyond the end"),
        pytest.param(TRADES, Conditions(length_means="absent"), id="trades without length"),
        pytest.param(INSIGHTS, Conditions(length_means="zero"), id="insights of length zero"),
        pytest.param(LOGS, Conditions(latency=0.2, jitter=5.0), id="logs in any order"),
        pytest.param(INSIGHTS, Conditions(fault_rate=0.1, latency=0.1), id="insights among faults"),
        pytest.param(LOGS, Conditions(fault_rate=0.1, latency=0.1), id="logs among faults"),
        pytest.param(TRADES, Conditions(requests_per_second=3, latency=0.01), id="trades throttled"),
    ],
)
async def test_every_mood_of_the_server_ends_in_the_truth(kind: Kind, conditions: Conditions) -> None:
    async with world(conditions) as here:
        project = here.simulator.add_project([130, 400])
        listing = await kind.whole(here, project)
        assert [kind.row_of(row) for row in listing] == kind.truth(here, project)
        assert listing.anomalies == ()


@kinds
async def test_rows_appended_while_reading(kind: Kind) -> None:
    """What was there at the beginning is read, and what came later may be."""
    async with world(Conditions(latency=1.0, flush_seconds=0, log_flush_seconds=0)) as here:
        project = here.simulator.add_project([300, 260])
        before = len(kind.truth(here, project))

        async def grow() -> None:
            await anyio.sleep(0.5)
            for number in range(260):
                here.simulator.log(project.id, f"line {number}", true_time())
                here.simulator.insight(project.id, true_time())
            here.simulator.trade(project.id, 200, true_time())

        async with anyio.create_task_group() as group:
            group.start_soon(grow)
            listing = await kind.whole(here, project)
        truth = kind.truth(here, project)
        assert before < len(listing) <= len(truth)
        assert [kind.row_of(row) for row in listing] == truth[: len(listing)]


@kinds
async def test_a_failing_window_names_what_is_missing(kind: Kind) -> None:
    async with world(Conditions(latency=0.1)) as here:
        project = here.simulator.add_project([500, 500])
        here.simulator.fault(FaultKind.FAILURE_LASTING, path=kind.path, nth=2, times=math.inf)
        with pytest.raises(qcasync.IncompleteRead, match=kind.path) as caught:
            await kind.whole(here, project)
        assert (caught.value.read, caught.value.missing) == (((0, kind.window),), ((kind.window, None),))
        assert isinstance(caught.value.__cause__, qcasync.APIError)


@kinds
async def test_a_failing_first_window_is_told_as_it_is(kind: Kind) -> None:
    async with world() as here:
        project = here.simulator.add_project([500])
        here.simulator.fault(FaultKind.FAILURE_LASTING, path=kind.path)
        with pytest.raises(qcasync.APIError, match="permission"):
            await kind.whole(here, project)


@kinds
async def test_the_deadline_of_a_listing(kind: Kind) -> None:
    async with world(Conditions(latency=1.0), max_concurrency=1) as here:
        project = here.simulator.add_project([900, 0, 0, 0, 900])
        with pytest.raises(qcasync.IncompleteRead, match="deadline") as caught:
            await kind.whole(here, project, timeout=3.5)
        assert anyio.current_time() == pytest.approx(3.5)
        windows = 2 if kind is LOGS else 3  # one request went to find the deployment
        assert caught.value.read == ((0, windows * kind.window),)


@pytest.mark.parametrize("kind", [INSIGHTS, TRADES], ids=lambda kind: kind.noun)
async def test_a_server_that_ignores_start_is_found_out(kind: Kind) -> None:
    async with world(Conditions(ignore_start=True)) as here:
        project = here.simulator.add_project([600])
        with pytest.raises(qcasync.IncompleteRead, match="same rows for different windows"):
            await kind.whole(here, project)


async def test_a_log_of_one_text_is_no_server_that_repeats_itself() -> None:
    """A thousand equal lines of one second are a thousand lines."""
    async with world(YOUNG) as here:
        project = here.simulator.add_project()
        here.simulator.deploy(project.id, EPOCH)
        for _ in range(1000):
            here.simulator.log(project.id, "again", EPOCH)
        listing = await here.client.live.list_logs(project.id)
        assert [line.text for line in listing].count("2025-06-15 15:06:40 again") == 1000


async def test_broken_rows_cost_nothing_but_themselves() -> None:
    """A listing's index of a row that cannot be decoded is that in the whole list."""

    class Breaks:
        checks_signatures = True

        def __init__(self, transport: Any) -> None:
            self.transport = transport
            self.max_response_bytes = getattr(transport, "max_response_bytes", None)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.transport, name)

        async def exchange(self, *arguments: Any, **options: Any) -> Any:
            response = await self.transport.exchange(*arguments, **options)
            if b'"trades"' in response.body[:40]:
                body = response.body.replace(b'"quantity":', b'"quantity":"lots","was":', 1)
                return msgspec.structs.replace(response, body=body)
            return response

    async with world(through=Breaks) as here:
        project = here.simulator.add_project([400])
        listing = await here.client.live.list_trades(project.id)
        total = len(TRADES.truth(here, project))
        assert listing.total == total == len(listing) + len(listing.quarantined)
        assert [entry.index for entry in listing.quarantined] == list(range(0, total, 100))


@pytest.mark.parametrize("error", [-40.0, -0.6, 0.0, 0.6, 3600.0])
async def test_a_listing_knows_when_it_was_read_by_the_servers_clock(error: float) -> None:
    """Also the first one of a client whose own clock is wrong, and does not end before it began."""
    async with world(Conditions(latency=2.0), clock_error=error) as here:
        project = here.simulator.add_project([150])
        listing = await here.client.live.list_orders(project.id)
        passed = listing.observed_until - listing.observed_from
        assert passed.total_seconds() == pytest.approx(anyio.current_time(), abs=0.01)
        assert listing.observed_from.timestamp() == pytest.approx(EPOCH, abs=2.5)


@pytest.mark.parametrize("noun", ["orders", "trades"])
async def test_a_memory_that_was_wrong_is_forgotten(noun: str) -> None:
    """A list that lost its rows is waited for, and then believed."""
    async with world() as here:
        project = here.simulator.add_project([60])
        read = getattr(here.client.live, f"list_{noun}")
        assert len(await read(project.id)) > 0
        project.deployments.clear()
        with pytest.raises(qcasync.NotReady):
            await read(project.id)
        began = anyio.current_time()
        assert len(await read(project.id)) == 0
        assert anyio.current_time() - began < 12


@pytest.mark.parametrize("noun", ["orders", "trades"])
async def test_a_stream_forgets_a_memory_that_was_wrong_too(noun: str) -> None:
    async with world() as here:
        project = here.simulator.add_project([60])
        stream = getattr(here.client.live, f"iter_{noun}")
        async with stream(project.id) as pages:
            assert [page async for page in pages]
        project.deployments.clear()
        async with stream(project.id) as pages:
            with pytest.raises(qcasync.NotReady):
                await anext(pages)
        began = anyio.current_time()
        async with stream(project.id) as pages:
            assert [page async for page in pages] == []
        assert anyio.current_time() - began < 12


@pytest.mark.parametrize("rows", [0, 40])
async def test_a_stream_that_found_nothing_does_not_remember_where_it_looked(rows: int) -> None:
    """No length tells that the list ends before the start; the next listing must not wait for rows that never were."""
    async with world(Conditions(length_means="absent")) as here:
        project = here.simulator.add_project([rows])
        async with here.client.live.iter_orders(project.id, start=200) as pages:
            assert [page async for page in pages] == []
        began = anyio.current_time()
        listing = await here.client.live.list_orders(project.id)
        assert (len(listing), listing.windows, listing.anomalies) == (rows, 2, ())
        assert anyio.current_time() - began < 12


async def test_a_list_of_exactly_one_window_waits_for_nothing() -> None:
    """The empty answer behind it tells the total."""
    async with world() as here:
        project = here.simulator.add_project([40, 60])
        listing = await here.client.live.list_orders(project.id)
        assert (len(listing), listing.windows, anyio.current_time()) == (100, 2, 0)


# Of one deployment


async def test_trades_of_one_deployment() -> None:
    """Their total is remembered apart from that of all."""
    async with world() as here:
        project = here.simulator.add_project([300, 200])
        live, (first, second) = here.client.live, project.deployments
        every = await live.list_trades(project.id)
        one = await live.list_trades(project.id, deploy_id=first.deploy_id)
        other = await live.list_trades(project.id, deploy_id=second.deploy_id)
        assert list(every) == [*one, *other]
        assert len(one) > len(other) > 0
        assert one.anomalies == other.anomalies == ()
        assert other.windows == math.ceil(len(other) / 100) + 1
        with pytest.raises(qcasync.NotFoundError, match=r"live\.list\(\)"):
            await live.list_trades(project.id, deploy_id="L-0")


async def test_the_log_of_one_deployment() -> None:
    """Its lines are between its offset and that of the next one, under the numbers that they have in the whole log."""
    async with world() as here:
        project = here.simulator.add_project([5, 5, 5])
        live = here.client.live
        whole = await live.list_logs(project.id)
        parts = []
        for deployment in project.deployments:
            requests = here.count()
            part = await live.list_logs(project.id, deployment.deploy_id, only_deployment=True)
            assert here.count() - requests == math.ceil(len(part) / LOGS.window) + 3
            assert (part.deploy_id, part.anomalies) == (deployment.deploy_id, ())
            assert part.total == (part[-1].number + 1 if part else 0)
            parts.append(part)
        assert [*parts[0], *parts[1], *parts[2]] == list(whole)
        assert [line.number for line in whole] == list(range(len(whole)))
        requests = here.count()
        latest = await live.list_logs(project.id, only_deployment=True)
        assert list(latest) == list(parts[2])
        assert latest.deployment_offset == parts[2][0].number
        async with live.iter_logs(project.id, only_deployment=True, start=latest[-7].number) as pages:
            assert [line for page in [page async for page in pages] for line in page.rows()] == list(latest[-7:])
        async with live.iter_logs(project.id, only_deployment=True) as pages:
            assert [line for page in [page async for page in pages] for line in page.rows()] == list(latest)


async def test_a_start_beyond_a_deployments_lines_is_told() -> None:
    async with world() as here:
        project = here.simulator.add_project([5, 5])
        first = project.deployments[0].deploy_id
        total = (await here.client.live.list_logs(project.id, first, only_deployment=True)).total
        for start, kinds_told in ((total, []), (total + 1, ["short"])):
            async with here.client.live.iter_logs(project.id, first, only_deployment=True, start=start) as pages:
                assert [page async for page in pages] == []
                assert [anomaly.kind for anomaly in pages.anomalies] == kinds_told


async def test_the_deployment_is_looked_up_where_none_is_named() -> None:
    """At the price of one request."""
    async with world() as here:
        project = here.simulator.add_project([5])
        named = await here.client.live.list_logs(project.id, project.deployments[0].deploy_id)
        requests = here.count()
        found = await here.client.live.list_logs(project.id)
        assert (found.deploy_id, list(found)) == (named.deploy_id, list(named))
        assert here.count() - requests == named.windows + 1
        assert here.count("live/read") == 1


async def test_a_project_that_was_never_deployed_has_no_log() -> None:
    async with world() as here:
        project = here.simulator.add_project()
        with pytest.raises(qcasync.NotFoundError, match="no deployment, and so no log"):
            await here.client.live.list_logs(project.id)
        here.simulator.conditions.never_deployed = "failure"
        with pytest.raises(qcasync.NotFoundError, match="never deployed"):
            await here.client.live.list_logs(project.id)


async def test_lines_that_contain_a_text() -> None:
    """In any case, numbered among themselves, and remembered apart."""
    async with world() as here:
        project = here.simulator.add_project([5, 5])
        live = here.client.live
        every = await live.list_logs(project.id)
        found = await live.list_logs(project.id, query="REBALANCING into spy")
        wanted = [line.text for line in every if "rebalancing into spy" in line.text.lower()]
        assert [line.text for line in found] == wanted
        assert len(wanted) > 5
        assert [line.number for line in found] == list(range(len(found)))
        assert (found.windows, found.anomalies) == (math.ceil(len(wanted) / LOGS.window) + 1, ())
        assert here.simulator.ledger.requests[-1].payload["query"] == "REBALANCING into spy"
        page = await live.read_logs(project.id, found.deploy_id, 1, 3, query="rebalancing INTO spy")
        assert (list(page.lines), page.length) == (wanted[1:3], len(wanted))
        assert list(await live.list_logs(project.id)) == list(every)
        async with live.iter_logs(project.id, query="rebalancing into spy", start=2) as pages:
            assert [line.text for page in [page async for page in pages] for line in page.rows()] == wanted[2:]


# From an index on


@pytest.mark.parametrize("noun", ["orders", "insights", "trades", "logs"])
async def test_a_stream_goes_on_where_another_ended(noun: str) -> None:
    """Both together are the list; what precedes the start is not asked for; the end is proved as always."""
    async with world() as here:
        project = here.simulator.add_project([340, 260])
        stream = getattr(here.client.live, f"iter_{noun}")
        async with stream(project.id) as pages:
            every = [row for page in [page async for page in pages] for row in page.rows()]
            total = pages.total
        for start in (1, 130, total - 1):
            requests = len(here.simulator.ledger.requests)
            async with stream(project.id, start=start) as pages:
                rest = [row async for page in pages for row in page.rows()]
                assert (pages.total, pages.complete, pages.anomalies) == (total, True, ())
            assert len(rest) == total - start
            if noun != "orders":  # whose deployments are counted from the start
                assert rest == every[start:]
            else:
                assert [(row.id, row.quantity) for row in rest] == [(row.id, row.quantity) for row in every[start:]]
                assert pages.deployments[-1].end == total
                assert pages.deployments[0].start == start
            asked = [record.payload for record in here.simulator.ledger.requests[requests:] if len(record.payload) > 1]
            assert min(payload.get("start", payload.get("startLine")) for payload in asked) == start


@pytest.mark.parametrize("noun", ["orders", "insights", "trades", "logs"])
async def test_nothing_new_costs_one_request(noun: str) -> None:
    """The server says that the list ends exactly there."""
    async with world() as here:
        project = here.simulator.add_project([300])
        stream = getattr(here.client.live, f"iter_{noun}")
        async with stream(project.id) as pages:
            total = [page async for page in pages] and pages.total
        path = f"live/{noun}/read"
        requests, began = here.count(path), anyio.current_time()
        async with stream(project.id, start=total) as pages:
            assert [page async for page in pages] == []
            assert (pages.total, pages.complete, pages.anomalies) == (total, True, ())
        assert (here.count(path) - requests, anyio.current_time() - began) == (1, 0)


async def test_a_start_beyond_the_end_is_told() -> None:
    """Whoever resumes behind the end of a list that began anew must not take it for one without news."""
    async with world() as here:
        project = here.simulator.add_project([300, 40])
        here.simulator.reset(project.id)
        async with here.client.live.iter_orders(project.id, start=200) as pages:
            assert [page async for page in pages] == []
            (anomaly,) = pages.anomalies
        assert (anomaly.kind, anomaly.index) == ("short", 200)
        assert len(await here.client.live.list_orders(project.id)) == 40


async def test_a_failing_window_is_told_in_indexes_of_the_whole_list() -> None:
    async with world(Conditions(latency=0.1)) as here:
        project = here.simulator.add_project([600])
        here.simulator.fault(FaultKind.FAILURE_LASTING, path="live/orders/read", nth=2, times=math.inf)
        with pytest.raises(qcasync.IncompleteRead) as caught:
            async with here.client.live.iter_orders(project.id, start=150) as pages:
                async for _ in pages:
                    pass
        assert (caught.value.read, caught.value.missing) == (((150, 250),), ((250, None),))


async def test_orders_appended_to_a_resumed_stream() -> None:
    async with world(Conditions(latency=1.0, flush_seconds=0)) as here:
        project = here.simulator.add_project([350])

        async def trade() -> None:
            await anyio.sleep(0.5)
            here.simulator.trade(project.id, 120, true_time())

        async with anyio.create_task_group() as group:
            group.start_soon(trade)
            async with here.client.live.iter_orders(project.id, start=345) as pages:
                rows = [order async for page in pages for order in page.orders]
        truth = here.simulator.orders(project.id)[345:]
        assert [(order.id, order.quantity) for order in rows] == [(order["id"], order["quantity"]) for order in truth]


BAD_INPUT = {
    "negative start": (lambda live: live.iter_orders(1, start=-1), "index from 0, not -1"),
    "no index": (lambda live: live.iter_insights(1, start=True), "index from 0, not True"),
    "half an index": (lambda live: live.iter_trades(1, start=1.5), "index from 0, not 1.5"),
    "huge index": (lambda live: live.iter_logs(1, start=2**63), "index from 0"),
    "no project": (lambda live: live.iter_logs(0), "positive integer"),
    "no project of trades": (lambda live: live.iter_trades(-1), "positive integer"),
    "no project of insights": (lambda live: live.iter_insights("x"), "positive integer"),
    "no deployment": (lambda live: live.iter_trades(1, deploy_id=" "), "deploy_id must not be empty"),
    "no deployment of a log": (lambda live: live.iter_logs(1, ""), "deploy_id must not be empty"),
    "no text": (lambda live: live.iter_logs(1, query=""), "query must be text"),
    "two filters": (lambda live: live.iter_logs(1, query="x", only_deployment=True), "do not go together"),
    "negative timeout": (lambda live: live.iter_insights(1, timeout=-1), "timeout must be positive"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
async def test_bad_input_is_refused_before_any_request(case: str) -> None:
    call, sentence = BAD_INPUT[case]
    async with world() as here:
        with pytest.raises(qcasync.ConfigurationError, match=sentence) as caught:
            async with call(here.client.live):
                pass
        assert caught.value.hint
        assert here.count() == 0


async def test_a_closed_client_lists_nothing() -> None:
    async with world() as here:
        project = here.simulator.add_project([5])
    for read in (here.client.live.list_insights, here.client.live.list_trades, here.client.live.list_logs):
        with pytest.raises(qcasync.ConfigurationError, match="closed"):
            await read(project.id)
