"""Stories of a watch: what happens in live projects comes out, once, in turn, whenever somebody begins to look."""

import math
from typing import Any

import anyio
import pytest

import qcasync
from qcasync.errors import AuthenticationError, CheckpointError, ConfigurationError
from qcasync.models.changes import AnyChange, Change, OrderAdded, OrderEventAdded, OrderEventAmended
from qcasync.poller.memory_store import MemoryStore
from qcasync.simulator import Conditions, FaultKind
from tests.support import World, true_time, world
from tests.unit.poller.watching import Moody, consuming, sequences

pytestmark = pytest.mark.anyio

EVERYTHING: dict[str, Any] = {
    "portfolio": True,
    "statistics": True,
    "logs": True,
    "insights": True,
    "charts": ["Strategy Equity"],
}


def orders_of(changes: list[Change], project_id: int) -> list[int]:
    """Ids of the orders that were told, in turn."""
    return [each.order.id for each in changes if isinstance(each, OrderAdded) and each.project_id == project_id]


def is_once_in_turn(changes: list[Change]) -> bool:
    """Whether no key came twice, and no number is missing."""
    projects = {change.project_id for change in changes}
    in_turn = all(sequences(changes, each) == list(range(1, len(sequences(changes, each)) + 1)) for each in projects)
    return in_turn and len({change.key for change in changes}) == len(changes)


async def live_through_everything(here: World, project_id: int) -> None:
    """Let everything happen to a project that can happen to it."""
    await anyio.sleep(100)
    here.simulator.trade(project_id, 2, true_time(), leave_open=True)
    here.simulator.log(project_id, "so far so good", true_time())
    here.simulator.insight(project_id, true_time())
    await anyio.sleep(1200)
    here.simulator.fill(project_id, 4, true_time())
    await anyio.sleep(1200)
    here.simulator.fault(FaultKind.FAILURE_LASTING, project_id=project_id, path="live/portfolio/read", times=2)
    await anyio.sleep(3000)
    here.simulator.end(project_id, true_time())
    await anyio.sleep(1000)
    slowly = here.simulator._world
    slowly.deploy(slowly.projects[project_id], true_time(), brokerage="PaperBrokerage", initializing=90.0)
    here.simulator.trade(project_id, 2, true_time())
    await anyio.sleep(2000)
    here.simulator.end(project_id, true_time(), status="RuntimeError")
    await anyio.sleep(1000)
    here.simulator.fault(FaultKind.JSON_500, times=math.inf)
    await anyio.sleep(1000)
    here.simulator.clear_faults()
    here.simulator.conditions.broken_orders = frozenset({1})
    await anyio.sleep(8000)


@pytest.mark.parametrize("start", ["now", "beginning"])
async def test_every_kind_of_change_comes_once_and_in_turn(start: Any) -> None:
    async with world(Conditions(latency=0.2)) as here:
        project = here.simulator.add_project([2, 3])
        async with here.client.watch([project.id], start=start, **EVERYTHING) as changes, consuming(changes) as came:
            await live_through_everything(here, project.id)
    assert is_once_in_turn(came)
    kinds = {type(change) for change in came}
    assert set(AnyChange.__args__) - kinds == {OrderEventAmended}  # the simulator does not rewrite what was
    assert orders_of(came, project.id) == ([] if start == "now" else [1, 2, 1, 2, 3]) + [4, 5, 1, 2]


@pytest.mark.parametrize("clock_error", [0.0, 3 * 3600.0, -3 * 3600.0])
async def test_orders_at_the_boundary_are_told_and_no_older_ones(clock_error: float) -> None:
    """Also when this machine's clock is wrong: it is the server's that counts."""
    async with world(Conditions(latency=0.4, flush_seconds=0.0), clock_error=clock_error) as here:
        project = here.simulator.add_project([300])
        here.simulator.trade(project.id, 2, true_time() - 10_000)
        async with here.client.watch([project.id]) as changes, consuming(changes) as came:
            here.simulator.trade(project.id, 1, true_time())
            await anyio.sleep(0.01)
            here.simulator.trade(project.id, 1, true_time())
            await anyio.sleep(2000)
    assert orders_of(came, project.id) == [303, 304]


async def test_all_events_of_an_order_come_after_it_and_in_turn() -> None:
    async with world(Conditions(flush_seconds=300.0)) as here:
        project = here.simulator.add_project([4])
        async with here.client.watch([project.id], start="beginning") as changes, consuming(changes) as came:
            for _ in range(10):
                here.simulator.trade(project.id, 3, true_time())
                await anyio.sleep(400)
            await anyio.sleep(1000)
    events: dict[int, int] = {}
    for change in came:
        if isinstance(change, OrderAdded):
            events[change.order.id] = 0
        elif isinstance(change, OrderEventAdded):
            assert change.position == events[change.order_id]
            events[change.order_id] += 1
    wanted = {order["id"]: len(order.get("events", ())) for order in here.simulator.orders(project.id)}  # type: ignore[arg-type]
    assert events == wanted


async def test_a_restart_tells_the_rest_and_nothing_twice() -> None:
    store = MemoryStore()
    came: list[Change] = []
    async with world(Conditions(flush_seconds=60.0)) as here:
        project = here.simulator.add_project([150])
        for _ in range(5):
            async with here.client.watch([project.id], checkpoint=store, **EVERYTHING) as changes:
                async with consuming(changes) as some:
                    await anyio.sleep(1500)
                came += some
            here.simulator.trade(project.id, 3, true_time())
            await anyio.sleep(1500)
    assert is_once_in_turn(came)
    assert orders_of(came, project.id) == list(range(151, 163))


async def test_after_a_restart_little_is_read_again() -> None:
    """What is remembered is used: one complete reading, and no order told or written again."""
    store = Moody()
    async with world() as here:
        project = here.simulator.add_project([450])
        async with here.client.watch([project.id], checkpoint=store) as changes, consuming(changes):
            await anyio.sleep(700)
        first = here.count("live/orders/read")
        store.calls.clear()
        async with here.client.watch([project.id], checkpoint=store) as changes, consuming(changes) as came:
            await anyio.sleep(700)
            assert changes.projects[0].orders == 450
        assert came == []
        assert here.count("live/orders/read") - first == 11  # 6 for everything, and later 5 with open orders
        assert store.calls.count("commit") == 1  # that everything was read once more


async def test_wrong_credentials_come_out_before_anything_is_made() -> None:
    store = Moody()
    async with world(token="0" * 64) as here:
        project = here.simulator.add_project([1])
        with pytest.raises(AuthenticationError):
            async with here.client.watch([project.id], checkpoint=store):
                pytest.fail("it must not begin")
    assert store.calls == []


async def test_the_error_of_the_block_comes_out_as_it_is() -> None:
    async with world() as here:
        project = here.simulator.add_project([1])
        mine = ExceptionGroup("mine", [ValueError("one")])
        with pytest.raises(ExceptionGroup) as caught:
            async with here.client.watch([project.id]):
                await anyio.sleep(5)
                raise mine
        assert caught.value is mine
        with pytest.raises(ValueError, match="two"):
            async with here.client.watch([project.id]):
                raise ValueError("two")


async def test_a_closed_client_watches_nothing() -> None:
    store = Moody()
    async with world() as here:
        await here.client.aclose()
        with pytest.raises(ConfigurationError, match="closed"):
            async with here.client.watch([7], checkpoint=store):
                pytest.fail("it must not begin")
    assert store.calls == []


async def test_the_client_is_closed_under_a_watch() -> None:
    async with world() as here:
        ids = [here.simulator.add_project([1]).id for _ in range(20)]
        with pytest.raises(ConfigurationError, match="closed"):
            async with here.client.watch(ids):
                await here.client.aclose()
                await anyio.sleep(10_000)


async def test_one_store_serves_one_watch_at_a_time() -> None:
    store = MemoryStore()
    async with world() as here:
        project = here.simulator.add_project([1])
        async with here.client.watch([project.id], checkpoint=store, start="beginning") as changes:
            with pytest.raises(CheckpointError, match="in use"):
                async with here.client.watch([project.id], checkpoint=store):
                    pytest.fail("it must not begin")
            with anyio.fail_after(60):
                await (await changes.__anext__()).ack()
        async with here.client.watch([project.id], checkpoint=store) as changes:
            assert changes.waiting > 0


@pytest.mark.parametrize("how", ["raises", "is cancelled"])
async def test_leaving_in_any_way_ends_everything(how: str) -> None:
    store = Moody()
    async with world(Conditions(latency=5.0)) as here:
        ids = [here.simulator.add_project([250]).id for _ in range(20)]
        with anyio.CancelScope() as scope:
            try:
                async with here.client.watch(ids, checkpoint=store, start="beginning"):
                    await anyio.sleep(7)
                    assert here.transport.in_flight > 0
                    if how == "raises":
                        raise qcasync.QuantConnectError("mine")  # noqa: TRY301 (the block raises)
                    scope.cancel()
                    await anyio.sleep(1)
            except qcasync.QuantConnectError:
                pass
        assert store.calls[-1] == "close"
        assert here.transport.in_flight == 0
        asked = here.count()
        await anyio.sleep(1000)
        assert here.count() == asked


async def test_what_was_rebuilt_is_marked_and_what_comes_then_is_not() -> None:
    store = MemoryStore()
    async with world(Conditions(flush_seconds=60.0)) as here:
        project = here.simulator.add_project([5])
        options: dict[str, Any] = {"checkpoint": store, "logs": True, "orders": 60.0, "portfolio": 60.0}
        async with here.client.watch([project.id], **options) as changes, consuming(changes) as came:
            await anyio.sleep(100)
        async with here.client.watch([project.id], rebuild=True, **options) as changes, consuming(changes) as came:
            await anyio.sleep(1000)
            history = len(came)
            here.simulator.trade(project.id, 1, true_time())
            here.simulator.log(project.id, "new", true_time())
            await anyio.sleep(1000)
    assert {type(change).__name__ for change in came[:history]} >= {"OrderAdded", "LogLineAdded", "HoldingChanged"}
    assert all(change.replayed for change in came[:history])
    assert len(came) > history
    assert not any(change.replayed for change in came[history:])


async def test_who_joins_after_a_rebuild_is_not_replayed() -> None:
    """Whoever passes over what was replayed lost it: a deployment that was launched days after the rebuild."""
    store = MemoryStore()
    async with world() as here:
        project, other = here.simulator.add_project([5]), here.simulator.add_project([])
        ids = [project.id]
        for rebuild in (True, False):
            options: dict[str, Any] = {"checkpoint": store, "rebuild": rebuild, "status_every": 60.0}
            async with here.client.watch(lambda: ids, **options) as changes, consuming(changes) as came:
                await anyio.sleep(1000)
                if rebuild:
                    assert came
                    assert all(change.replayed for change in came)
                    ids.append(other.id)
                    await anyio.sleep(1000)
                here.simulator.deploy(other.id, true_time())
                here.simulator.trade(other.id, 1, true_time())
                await anyio.sleep(3000)
            assert {type(each).__name__ for each in came if each.project_id == other.id} >= {"DeploymentStarted"}
            assert not any(each.replayed for each in came if each.project_id == other.id)
            here.simulator.end(other.id, true_time())


async def test_without_orders_what_comes_after_a_rebuild_is_news() -> None:
    store = MemoryStore()
    async with world(Conditions(log_flush_seconds=60.0)) as here:
        project = here.simulator.add_project([5])
        options: dict[str, Any] = {"checkpoint": store, "orders": False, "logs": True, "rebuild": True}
        async with here.client.watch([project.id], **options) as changes, consuming(changes) as came:
            await anyio.sleep(1000)
            came.clear()
            here.simulator.log(project.id, "new", true_time())
            await anyio.sleep(1000)
    assert [change.replayed for change in came] == [False] * len(came)
    assert came
