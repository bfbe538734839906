"""Single looks: what they ask for, and what becomes of them when something goes wrong half-way."""

from typing import Any

import anyio
import pytest

from qcasync.models.changes import (
    Change,
    ChartExtended,
    InsightAdded,
    LogLineAdded,
    OrderAdded,
    ProjectFailing,
    ProjectRecovered,
)
from qcasync.poller.checkpoint import Checkpoint
from qcasync.poller.keeping import Keeper
from qcasync.poller.memory_store import MemoryStore
from qcasync.poller.reader import Reader
from qcasync.poller.records import insights_look, logs_look
from qcasync.simulator import Conditions, FaultKind
from tests.support import EPOCH, World, true_time, world
from tests.unit.poller.watching import Moody, consuming

pytestmark = pytest.mark.anyio


def asked(here: World, path: str) -> list[dict[str, Any]]:
    return [record.payload for record in here.simulator.ledger.requests if record.path == path]


async def test_a_series_that_ended_long_ago_does_not_make_charts_coarse() -> None:
    """The server samples a stretch, and the longer that is the fewer new points it shows."""
    store = MemoryStore()
    async with world(Conditions(latency=0.1)) as here:
        project = here.simulator.add_project([2])
        options: dict[str, Any] = {"charts": ["Strategy Equity"], "orders": False, "checkpoint": store}
        async with here.client.watch([project.id], **options) as changes, consuming(changes):
            await anyio.sleep(100)
        kept = store._memories[project.id]
        kept["charts"] = b'{"Strategy Equity":{"Ended":%d,"Equity":%d}}' % (EPOCH - 30 * 86_400, EPOCH)
        here.simulator.ledger.clear()
        async with here.client.watch([project.id], **options) as changes, consuming(changes) as came:
            await anyio.sleep(1300)
    stretches = [(each["end"] - each["start"], each["count"]) for each in asked(here, "live/chart/read")]
    assert stretches[0][0] <= 3600 + 200
    assert all(length == count for length, count in stretches)
    assert any(isinstance(change, ChartExtended) for change in came)


async def test_after_a_defect_the_next_look_begins_anew() -> None:
    """What the look had half done is forgotten with it; the other half alone is no success."""
    store = Moody()
    async with world(Conditions(flush_seconds=60.0)) as here:
        project = here.simulator.add_project([150])
        options: dict[str, Any] = {"start": "beginning", "orders": 60.0, "checkpoint": store}
        async with here.client.watch([project.id, 999], **options) as changes, consuming(changes) as came:
            store.refuses = lambda name: ZeroDivisionError() if name == "orders" else None
            await anyio.sleep(3600)
            failing = [each for each in came if isinstance(each, ProjectFailing | ProjectRecovered)]
            assert {(type(each), each.project_id) for each in failing} == {
                (ProjectFailing, project.id),
                (ProjectFailing, 999),
            }
            assert len(failing) == 2
            store.refuses = lambda _: None
            await anyio.sleep(1000)
            assert changes.projects[0].problem is None
        told = [each.order.id for each in came if isinstance(each, OrderAdded)]
        assert told == list(range(1, 151))


@pytest.mark.parametrize("what", ["orders", "portfolio", "statistics", "logs", "insights"])
async def test_what_hangs_is_given_less_time_the_next_time(what: str) -> None:
    path = {
        "orders": "live/orders/read",
        "portfolio": "live/portfolio/read",
        "statistics": "live/read",
        "logs": "live/logs/read",
        "insights": "live/insights/read",
    }[what]
    async with world(max_attempts=1) as here:
        project, other = here.simulator.add_project([2]), here.simulator.add_project([2])
        options: dict[str, Any] = {"orders": False, what: 60.0}
        async with here.client.watch([project.id, other.id], **options) as changes, consuming(changes):
            await anyio.sleep(50)
            here.simulator.fault(FaultKind.HANG, path=path, project_id=project.id, times=float("inf"))
            await anyio.sleep(400)
            busy = 0
            for _ in range(9000):
                await anyio.sleep(1)
                busy += here.transport.in_flight
        assert busy / 9000 <= 30 / 675 * 1.2


async def test_the_timeout_of_the_client_counts_for_a_watch() -> None:
    async with world(Conditions(latency=7.0), timeout=5.0) as here:
        project = here.simulator.add_project([2])
        async with here.client.watch([project.id]) as changes:
            with anyio.fail_after(200):
                change = await changes.__anext__()
        assert change.error == "RequestTimeout"  # type: ignore[attr-defined]


async def test_a_reading_that_breaks_off_keeps_what_it_read() -> None:
    async with world(Conditions(latency=0.1)) as here:
        project = here.simulator.add_project([350])
        here.simulator.fault(FaultKind.STATUS, path="live/orders/read", nth=3, status=404)
        async with here.client.watch([project.id], start="beginning", orders=3600.0) as changes:
            async with consuming(changes) as came:
                await anyio.sleep(10)
            told = [each.order.id for each in came if isinstance(each, OrderAdded)]
            assert len(told) >= 200
            assert changes.projects[0].complete_through is None
            assert changes.projects[0].problem is not None
            async with consuming(changes) as came:
                await anyio.sleep(100)
            told += [each.order.id for each in came if isinstance(each, OrderAdded)]
            assert sorted(told) == list(range(1, 351))
            assert changes.projects[0].complete_through is not None


async def test_the_last_orders_of_a_deployment_come_though_a_replica_lags_behind() -> None:
    """Everything is read twice after a turn, and a reading that was under way then does not count."""
    async with world(Conditions(latency=20.0, flush_seconds=600.0)) as here:
        project = here.simulator.add_project([250])
        options: dict[str, Any] = {"status_every": 5.0, "orders": 100.0}
        async with here.client.watch([project.id], **options) as changes, consuming(changes) as came:
            await anyio.sleep(2)
            assert here.transport.in_flight
            here.simulator.trade(project.id, 1, true_time())
            here.simulator.end(project.id, true_time())
            here.simulator.ledger.clear()
            await anyio.sleep(900)
        full = [each for each in asked(here, "live/orders/read") if each["start"] == 0]
        assert len(full) == 2
        assert [each.order.id for each in came if isinstance(each, OrderAdded)] == [251]


def texts(came: list[Change]) -> list[str]:
    return [each.text for each in came if isinstance(each, LogLineAdded)]


@pytest.mark.parametrize("is_new", [False, True])
async def test_the_log_of_a_deployment_that_was_launched_later_is_told_from_its_first_line(is_new: bool) -> None:
    """Lost lines: what it wrote before the first look was a baseline; what an earlier one wrote still is."""
    told: list[Change] = []
    async with world(Conditions(log_flush_seconds=60.0)) as here:
        project = here.simulator.add_project([5])
        here.simulator.log(project.id, "first", true_time())
        await anyio.sleep(1000)
        here.simulator.end(project.id, true_time())
        await anyio.sleep(1000)
        deploy_id = here.simulator.deploy(project.id, true_time()).deploy_id
        here.simulator.log(project.id, "second", true_time())
        await anyio.sleep(1000)
        reader = Reader(here.client._session)
        keeper = await keeping(reader, told)
        look = logs_look(project.id, reader, keeper, lambda: deploy_id, tells_first=False, is_new=lambda: is_new)
        for _ in range(3):
            await look.look(None)
        early = texts(told)
        here.simulator.log(project.id, "third", true_time())
        await anyio.sleep(1000)
        await look.look(None)
    assert any("second" in text for text in early) is is_new
    assert not any("first" in text for text in early)
    assert ["third" in text for text in texts(told)[len(early) :]].count(True) == 1
    assert len({each.key for each in told}) == len(told)


async def test_insights_of_after_the_start_are_told_whenever_they_are_first_read() -> None:
    told: list[Change] = []
    async with world() as here:
        project = here.simulator.add_project([5])
        await anyio.sleep(1000)
        here.simulator.insight(project.id, true_time())
        await anyio.sleep(500)
        since = true_time()
        await anyio.sleep(500)
        here.simulator.insight(project.id, true_time())
        await anyio.sleep(500)
        reader = Reader(here.client._session)
        keeper = await keeping(reader, told)
        look = insights_look(project.id, reader, keeper, tells_first=False, told_since=since)
        for _ in range(2):
            await look.look(None)
    (added,) = [each for each in told if isinstance(each, InsightAdded)]
    assert added.insight.generated_time_at >= since
    assert added.key == f"insight:{project.id}:{added.insight.id}"


async def keeping(reader: Reader, told: list[Change]) -> Keeper:
    """What keeps in memory, and notes what is told."""
    checkpoint = Checkpoint(MemoryStore(), reader.server_time)
    await checkpoint.open("mine", true_time(), rebuild=False)
    return Keeper(checkpoint, told.extend)


@pytest.mark.parametrize("rebuild", [False, True])
async def test_who_was_chosen_first_after_a_rebuild_is_told_of_from_the_beginning(rebuild: bool) -> None:
    """In later runs, too; who joins later is told of from the start on, as everybody else."""
    store = MemoryStore()
    for again in (False, True):
        checkpoint = Checkpoint(store, true_time)
        await checkpoint.open("mine", 5.0, rebuild=rebuild and not again)
        keeper = Keeper(checkpoint, lambda _: None)
        keeper.told_since = 5.0
        await keeper.load([0])
        await keeper.load([3] if again else [1, 2])
        await keeper.load([3])
        assert [keeper.tells_from(each) for each in (1, 2, 3)] == ([None, None, 5.0] if rebuild else [5.0] * 3)
        await checkpoint.close()
