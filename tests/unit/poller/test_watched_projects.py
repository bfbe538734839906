"""Which projects are watched: they join and leave, by a function or by their status, and nothing is told twice."""

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from qcasync.errors import ConfigurationError
from qcasync.models.changes import Change, DeploymentFailed, DeploymentStopped, OrderAdded
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


async def test_the_first_error_of_the_function_keeps_the_watch_from_beginning() -> None:
    def ask() -> list[int]:
        raise LookupError("no such table")

    async with world() as here:
        with pytest.raises(LookupError, match="no such table"):
            async with here.client.watch(ask):
                pytest.fail("it must not begin")


async def test_a_function_that_hangs_keeps_the_watch_from_beginning() -> None:
    async with world() as here:
        began = anyio.current_time()
        with pytest.raises(ConfigurationError, match="did not answer within 30 s"):
            async with here.client.watch(anyio.sleep_forever):  # type: ignore[arg-type]
                pytest.fail("it must not begin")
        assert anyio.current_time() - began == pytest.approx(30, abs=1)


@pytest.mark.parametrize("how", ["raises", "hangs", "gives no ids"])
async def test_while_the_function_fails_its_projects_stay(how: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is told once, and when it works again, it counts again."""
    wanted: list[int] = []
    is_broken = False

    async def ask() -> Any:
        if is_broken and how == "raises":
            raise OSError("the database is down")
        if is_broken and how == "hangs":
            await anyio.sleep_forever()
        return ["SPY"] if is_broken else list(wanted)

    async with world(Conditions(flush_seconds=60.0)) as here:
        project, other = here.simulator.add_project([2]), here.simulator.add_project([2])
        wanted.append(project.id)
        async with here.client.watch(ask, orders=60.0) as changes, consuming(changes) as came:
            for round_ in (1, 2):
                is_broken = True
                await anyio.sleep(600)
                here.simulator.trade(project.id, 1, true_time())
                await anyio.sleep(600)
                assert {each.project_id for each in changes.projects} == set(wanted)
                assert ids_told(came, project.id) == [3, 4][:round_]
                assert len([record for record in caplog.records if record.exc_info]) == round_
                is_broken = False
                wanted[:] = [other.id, project.id]
                await anyio.sleep(120)
                assert {each.project_id for each in changes.projects} == {project.id, other.id}
            is_broken = True
            here.simulator.end(project.id, true_time())
            await anyio.sleep(200)
            assert any(isinstance(each, DeploymentStopped) for each in came)


@pytest.mark.parametrize("asked", ["after it stopped", "while it is left", "twice"])
async def test_what_stops_while_nobody_watches_is_taken_up_again(asked: str) -> None:
    """Its last orders and its end are told by the next watch, and then it is left."""
    store = MemoryStore()
    options: dict[str, Any] = {"status": "Running", "checkpoint": store, "start": "beginning"}
    came: list[Change] = []
    async with world(Conditions(flush_seconds=600.0)) as here:
        project, other = here.simulator.add_project([5]), here.simulator.add_project([1])
        async with here.client.watch(**options) as changes, consuming(changes) as first:
            await anyio.sleep(3600)
            if asked == "while it is left":  # its end is known, and its last orders are not
                here.simulator.fault(FaultKind.JSON_500, path="live/orders/read", times=float("inf"))
                here.simulator.trade(project.id, 3, true_time())
                here.simulator.end(project.id, true_time(), status="RuntimeError")
                await anyio.sleep(70)
                here.simulator.clear_faults()
        came += first
        if asked != "while it is left":
            here.simulator.trade(project.id, 3, true_time())
            here.simulator.end(project.id, true_time(), status="RuntimeError")
        await anyio.sleep(300)
        if asked == "twice":  # the second one hears of nothing
            here.simulator.fault(FaultKind.JSON_500, times=float("inf"))
            async with here.client.watch(**options) as changes, consuming(changes) as second:
                await anyio.sleep(300)
            came += second
            here.simulator.clear_faults()
        async with here.client.watch(**options) as changes, consuming(changes) as third:
            await anyio.sleep(7200)
            assert [each.project_id for each in changes.projects] == [other.id]
        came += third
        assert ids_told(came, project.id) == list(range(1, 9))
        assert len([each for each in came if isinstance(each, DeploymentFailed)]) == 1
        async with here.client.watch(**options) as changes:
            assert [each.project_id for each in changes.projects] == [other.id]


async def test_that_a_watch_goes_on_is_written_down_when_its_projects_change_only() -> None:
    store = Moody()
    async with world() as here:
        here.simulator.add_project([1])
        async with here.client.watch(status="Running", orders=False, checkpoint=store) as changes, consuming(changes):
            await anyio.sleep(600)
            store.calls.clear()
            await anyio.sleep(3600)
            assert "commit" not in store.calls


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
