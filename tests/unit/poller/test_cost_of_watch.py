"""What a watch costs: exact numbers of requests and of writes, whatever the clocks do."""

import asyncio
from collections import Counter
from itertools import pairwise
from typing import Any

import anyio
import pytest
import trio

import qcasync
from qcasync.simulator import Conditions
from qcasync.simulator.transport import SimulatorTransport
from tests.conftest import one_loop
from tests.support import World, true_time, world
from tests.unit.poller.watching import Moody, consuming

pytestmark = pytest.mark.anyio

DAY = 86_400.0


def paths(here: World) -> Counter[str]:
    return Counter(record.path for record in here.simulator.ledger.requests)


@one_loop
async def test_an_idle_project_costs_one_request_each_period() -> None:
    """Over a day: 144 looks, of which every eighth reads everything, its end included; and a status each minute."""
    store = Moody()
    async with world(Conditions(latency=0.2)) as here:
        project = here.simulator.add_project([30], running=False)
        async with here.client.watch([project.id], checkpoint=store) as changes, consuming(changes) as came:
            await anyio.sleep(DAY)
        assert came == []
        asked = paths(here)
        times = [each.at for each in here.simulator.ledger.requests if each.path == "live/orders/read"]
        looks = 1 + sum(later - at > 100 for at, later in pairwise(times))
        assert looks == 144
        full = 18  # the first, and every eighth from then on
        assert asked["live/orders/read"] == looks + full  # some orders are open: then an end needs one request more
        assert asked["live/list"] == 1435  # each 60.2 s
        assert store.calls.count("commit") == 1 + 1 + full  # the deployments, the orders, and each complete reading


@one_loop
async def test_a_project_in_which_all_is_done_costs_exactly_one_request_each_period() -> None:
    """A small list is read in one window, and its end is proved by the look after that."""
    async with world(Conditions(latency=0.2)) as here:
        project = here.simulator.add_project([])
        here.simulator.deploy(project.id, true_time() - DAY)
        here.simulator.trade(project.id, 1, true_time() - DAY, leave_open=True)
        here.simulator.fill(project.id, 0, true_time() - DAY + 60)
        here.simulator.end(project.id, true_time() - DAY / 2)
        async with here.client.watch([project.id]) as changes, consuming(changes):
            await anyio.sleep(700)
            before = paths(here)["live/orders/read"]
            await anyio.sleep(100 * 600)
            assert paths(here)["live/orders/read"] - before == 100


async def test_an_idle_look_writes_nothing() -> None:
    store = Moody()
    everything: dict[str, Any] = {"portfolio": True, "statistics": True, "logs": True, "insights": True}
    async with world(Conditions(latency=0.2)) as here:
        project = here.simulator.add_project([30], running=False)
        async with here.client.watch([project.id], checkpoint=store, **everything) as changes, consuming(changes):
            await anyio.sleep(700)
            store.calls.clear()
            await anyio.sleep(3000)
        calls = Counter(store.calls)
        assert calls.keys() <= {"renew", "close"}


async def test_equity_that_nobody_is_told_is_not_written() -> None:
    store = Moody()
    async with world(Conditions(flush_seconds=30.0)) as here:
        project = here.simulator.add_project([3])
        options: dict[str, Any] = {"orders": False, "portfolio": 60.0, "checkpoint": store}
        async with here.client.watch([project.id], **options) as changes, consuming(changes):
            await anyio.sleep(100)
            store.calls.clear()
            before = changes.projects[0].equity
            for _ in range(10):
                here.simulator.trade(project.id, 1, true_time())
                await anyio.sleep(60)
                here.simulator.flush(project.id, true_time())
            await anyio.sleep(60)
            assert changes.projects[0].equity != before
        assert "commit" not in store.calls


async def test_a_thousand_projects_begin_one_after_the_other() -> None:
    async with world(Conditions(latency=0.1)) as here:
        ids = [here.simulator.add_project([1]).id for _ in range(1000)]
        async with here.client.watch(ids, start="beginning") as changes, consuming(changes):
            await anyio.sleep(130)
            assert all(each.orders == 1 for each in changes.projects)
    times = [each.at for each in here.simulator.ledger.requests]
    assert max(Counter(int(at) for at in times).values()) <= 31  # 10 projects each second, with 3 requests at most


async def test_projects_that_turn_together_are_not_read_at_once() -> None:
    async with world(Conditions(latency=0.1)) as here:
        ids = [here.simulator.add_project([1]).id for _ in range(120)]
        async with here.client.watch(ids) as changes, consuming(changes):
            await anyio.sleep(900)
            for each in ids:
                here.simulator.end(each, true_time())
            here.simulator.ledger.clear()
            await anyio.sleep(150)
    times = [each.at for each in here.simulator.ledger.requests if each.path == "live/orders/read"]
    assert len({each.payload["projectId"] for each in here.simulator.ledger.requests if "end" in each.payload}) == 120
    assert max(Counter(int(at) for at in times).values()) <= 40


async def test_the_ceiling_of_the_client_is_kept() -> None:
    async with world(Conditions(latency=0.1), requests_per_second=5.0) as here:
        ids = [here.simulator.add_project([1]).id for _ in range(200)]
        async with here.client.watch(ids) as changes, consuming(changes) as came:
            await anyio.sleep(900)
        times = [each.at for each in here.simulator.ledger.requests]
        assert all(times[index + 5] - times[index] >= 0.99 for index in range(len(times) - 5))
        assert came == []


class Leaping:
    """Clocks of a machine whose owner sets them, and which sleeps."""

    def __init__(self) -> None:
        self.wall = 0.0

    def clock(self) -> qcasync.Clock:
        return qcasync.Clock(
            wall=lambda: true_time() + self.wall, mono=lambda: anyio.current_time() + 5.0, counts_suspend=True
        )


@pytest.mark.parametrize("step", [3 * 3600.0, -3 * 3600.0])
async def test_the_wall_clock_steps_and_the_schedule_stays(step: float) -> None:
    leaping = Leaping()
    async with world(Conditions(latency=0.1)) as here:
        project = here.simulator.add_project([5])
        simulator = here.simulator
        transport = SimulatorTransport(simulator, true_time)
        client = qcasync.Client(simulator.user_id, simulator.api_token, transport=transport, clock=leaping.clock())
        async with client, client.watch([project.id]) as changes, consuming(changes) as came:
            await anyio.sleep(1000)
            leaping.wall = step
            await anyio.sleep(3600)
            leaping.wall = 0.0
            await anyio.sleep(3600)
            simulator.trade(project.id, 1, true_time())
            await anyio.sleep(1300)
        times = [each.at for each in simulator.ledger.requests if each.path == "live/list" and each.outcome == "ok"]
        assert all(59 <= later - at <= 62 for at, later in pairwise(times))
        assert [change.sequence for change in came] == list(range(1, len(came) + 1))
        assert came


async def test_after_a_sleep_of_a_hundred_periods_everything_is_looked_at_once(anyio_backend_name: str) -> None:
    """The event loop stands still as long as the machine sleeps; then its clock has gone far on."""
    async with world() as here:
        project = here.simulator.add_project([5], running=False)
        async with here.client.watch([project.id], orders=60.0) as changes, consuming(changes):
            await anyio.sleep(1000)
            count = paths(here)
            leap(8000.0, anyio_backend_name)
            await anyio.sleep(50)
            asked = paths(here) - count
            assert asked["live/list"] == 1
            assert asked["live/orders/read"] == 2  # all of them, as after every two hours


def leap(seconds: float, backend: str) -> None:
    """Let virtual time pass in which nothing runs."""
    if backend == "trio":
        trio.lowlevel.current_clock().jump(seconds)  # type: ignore[attr-defined]
    else:
        asyncio.get_running_loop()._jumping.jumped += seconds  # type: ignore[attr-defined]
