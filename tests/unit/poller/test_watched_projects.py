"""Which projects are watched: they join and leave, by a function or by their status, and nothing is told twice."""

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from qcasync.errors import ConfigurationError
from qcasync.models.changes import Change, OrderAdded
from qcasync.poller.memory_store import MemoryStore
from qcasync.simulator import Conditions, FaultKind
from tests.support import true_time, world
from tests.unit.poller.watching import Moody, consuming, sequences

pytestmark = pytest.mark.anyio


def ids_told(came: list[Change], project_id: int) -> list[int]:
    return [each.order.id for each in came if isinstance(each, OrderAdded) and each.project_id == project_id]


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_projects_join_and_leave_as_a_function_says(kind: str) -> None:
    wanted: list[int] = []
    ask: Callable[[], Any] = lambda: list(wanted)  # noqa: E731
    if kind == "async":

        async def ask_patiently() -> list[int]:
            await anyio.sleep(0.1)
            return list(wanted)

        ask = ask_patiently
    async with world(Conditions(flush_seconds=60.0)) as here:
        one, other = (here.simulator.add_project([2]).id for _ in range(2))
        async with here.client.watch(ask, start="beginning") as changes, consuming(changes) as came:
            await anyio.sleep(200)
            assert came == []
            wanted.append(one)
            await anyio.sleep(700)
            assert ids_told(came, one) == [1, 2]
            wanted[:] = [other]
            await anyio.sleep(100)
            assert [project.project_id for project in changes.projects] == [other]
            here.simulator.trade(one, 1, true_time())
            await anyio.sleep(1500)
            assert ids_told(came, one) == [1, 2]
            wanted[:] = [one, other, one]
            await anyio.sleep(1500)
        assert ids_told(came, one) == [1, 2, 3]
        assert ids_told(came, other) == [1, 2]
        for project_id in (one, other):
            numbers = sequences(came, project_id)
            assert numbers == list(range(1, len(numbers) + 1))
        assert len({change.key for change in came}) == len(came)


async def test_a_project_that_comes_back_while_it_is_looked_at_joins_the_next_time() -> None:
    wanted: list[int] = []
    async with world(Conditions(latency=0.1, flush_seconds=60.0)) as here:
        project = here.simulator.add_project([2])
        wanted.append(project.id)
        options: dict[str, Any] = {"portfolio": 60.0, "start": "beginning", "status_every": 10.0}
        async with here.client.watch(lambda: list(wanted), **options) as changes, consuming(changes) as came:
            await anyio.sleep(100)
            here.simulator.fault(FaultKind.SLOW, path="live/portfolio/read", delay=40.0)
            await anyio.sleep(25)
            assert here.transport.in_flight == 1
            wanted.clear()
            await anyio.sleep(12)
            wanted.append(project.id)
            await anyio.sleep(12)
            assert here.transport.in_flight == 1
            assert changes.projects == ()
            await anyio.sleep(100)
            assert [each.project_id for each in changes.projects] == [project.id]
        assert len({change.key for change in came}) == len(came)


async def test_a_project_that_has_left_is_not_told_to_fail() -> None:
    wanted: list[int] = []
    async with world() as here:
        project, other = here.simulator.add_project([2]), here.simulator.add_project([2])
        wanted += [project.id, other.id]
        async with here.client.watch(lambda: list(wanted), orders=60.0) as changes, consuming(changes) as came:
            await anyio.sleep(30)
            here.simulator.fault(FaultKind.HANG, project_id=project.id, path="live/orders/read")
            await anyio.sleep(35)
            wanted.remove(project.id)
            await anyio.sleep(1000)
        assert came == []


async def test_what_a_function_gives_must_be_projects() -> None:
    async with world() as here:
        with pytest.raises(ConfigurationError, match="project"):
            async with here.client.watch(lambda: ["SPY"]):  # type: ignore[arg-type, return-value]
                pytest.fail("it must not begin")


async def test_the_error_of_the_function_comes_out_as_itself() -> None:
    asked: list[float] = []

    def ask() -> list[int]:
        asked.append(anyio.current_time())
        if len(asked) > 1:
            raise LookupError("no such table")
        return []

    async with world() as here:
        with pytest.raises(LookupError, match="no such table"):
            async with here.client.watch(ask):
                await anyio.sleep(1000)
        assert asked[1] - asked[0] == pytest.approx(60)


async def test_a_project_is_watched_while_it_runs_and_until_its_last_orders_have_come() -> None:
    async with world(Conditions(flush_seconds=600.0)) as here:
        project, idle = here.simulator.add_project([2]), here.simulator.add_project([3], running=False)
        async with here.client.watch(status="Running") as changes, consuming(changes) as came:
            assert [each.project_id for each in changes.projects] == [project.id]
            await anyio.sleep(1000)
            here.simulator.trade(project.id, 2, true_time())
            await anyio.sleep(1)
            here.simulator.end(project.id, true_time())
            await anyio.sleep(1100)
            assert [each.project_id for each in changes.projects] == [project.id]
            await anyio.sleep(500)
            assert changes.projects == ()
            assert ids_told(came, project.id) == [3, 4]
            here.simulator.deploy(idle.id, true_time())
            here.simulator.trade(idle.id, 1, true_time())
            here.simulator.deploy(project.id, true_time())
            await anyio.sleep(1500)
            assert {each.project_id for each in changes.projects} == {project.id, idle.id}
        assert ids_told(came, idle.id) == [1]
        assert len({change.key for change in came}) == len(came)


@pytest.mark.parametrize("orders", [3600.0, "failing"])
async def test_a_stopped_project_is_not_left_before_its_orders_were_read(orders: Any) -> None:
    async with world(Conditions(flush_seconds=600.0)) as here:
        project = here.simulator.add_project([2])
        options: dict[str, Any] = {} if orders == "failing" else {"orders": orders}
        async with here.client.watch(status="Running", **options) as changes, consuming(changes) as came:
            await anyio.sleep(1000)
            if orders == "failing":
                here.simulator.fault(FaultKind.JSON_500, path="live/orders/read", times=float("inf"))
            here.simulator.trade(project.id, 2, true_time())
            here.simulator.end(project.id, true_time())
            await anyio.sleep(3 * 3600)
            here.simulator.clear_faults()
            await anyio.sleep(3 * 3600)
            assert changes.projects == ()
        assert ids_told(came, project.id) == [3, 4]


async def test_what_can_never_be_read_is_left_after_a_day() -> None:
    async with world() as here:
        project = here.simulator.add_project([2])
        async with here.client.watch(status="Running", status_every=600) as changes, consuming(changes):
            await anyio.sleep(1000)
            here.simulator.fault(FaultKind.JSON_500, path="live/orders/read", times=float("inf"))
            here.simulator.end(project.id, true_time())
            await anyio.sleep(23 * 3600)
            assert len(changes.projects) == 1
            await anyio.sleep(2 * 3600)
            assert changes.projects == ()


async def test_many_that_come_and_go_leave_nothing_behind() -> None:
    """Of a project that is watched no more, memory holds where its changes ended, and nothing else."""
    wanted: list[int] = []
    store = MemoryStore()
    async with world() as here:
        ids = [here.simulator.add_project([1]).id for _ in range(30)]
        async with (
            here.client.watch(lambda: list(wanted), checkpoint=store, status_every=20.0, start="beginning") as changes,
            consuming(changes),
        ):
            for round_ in range(20):
                wanted[:] = [each for each in [*ids, *range(100, 120)] if (each * 7919 + round_ * 104729) % 3 == 0]
                await anyio.sleep(23)
            wanted.clear()
            await anyio.sleep(200)
            watcher = changes.views.__self__  # type: ignore[attr-defined]
            assert watcher.projects == {}
            held = [watcher._looking, watcher._put_off, watcher._health._memories]
            assert held == [set(), set(), {}]
            assert changes.waiting == 0
            count = here.count("live/orders/read")
            await anyio.sleep(5000)
            assert here.count("live/orders/read") == count


async def test_a_project_whose_changes_nobody_takes_is_put_off() -> None:
    """And others are not; once they are taken, it goes on."""
    store = Moody()
    async with world(Conditions(flush_seconds=60.0)) as here:
        stuck, other = here.simulator.add_project([500]), here.simulator.add_project([1])
        options: dict[str, Any] = {"orders": 60.0, "statistics": 60.0, "start": "beginning", "checkpoint": store}
        async with here.client.watch([stuck.id, other.id], **options) as changes:

            async def consume(project_id: int) -> list[Change]:
                taken: list[Change] = []
                with anyio.move_on_after(400):
                    async for change in changes:
                        if change.project_id == project_id:
                            taken.append(change)
                            await change.ack()
                return taken

            began = await consume(other.id)
            asked = [each for each in here.simulator.ledger.requests if each.payload.get("projectId") == stuck.id]
            assert max(each.at for each in asked) - min(each.at for each in asked) < 60
            waiting = changes.waiting
            assert waiting > 1000
            for _ in range(5):
                here.simulator.trade(stuck.id, 1, true_time())
                here.simulator.trade(other.id, 1, true_time())
                await anyio.sleep(1)
                here.simulator.flush(stuck.id, true_time())
                more = await consume(other.id)
                assert ids_told(more, other.id)
            assert changes.waiting == waiting
            head = changes._queues[stuck.id].out
            assert head is not None
            await head.ack()
            took = await consume(stuck.id)
            assert ids_told(took, stuck.id)[-5:] == list(range(501, 506))
            assert sequences([head, *took], stuck.id) == list(range(1, len(took) + 2))
            assert began
