"""Failing projects: told once, asked ever more rarely, and no burden to the others."""

import math
from collections import defaultdict
from itertools import pairwise
from typing import Any

import anyio
import pytest

from qcasync.models.changes import (
    Change,
    ProjectFailing,
    ProjectRecovered,
    ServiceFailing,
    ServiceRecovered,
)
from qcasync.poller.memory_store import MemoryStore
from qcasync.simulator import Conditions, FaultKind
from tests.conftest import one_loop
from tests.support import World, true_time, world
from tests.unit.poller.watching import consuming

pytestmark = pytest.mark.anyio

HEALTH = (ProjectFailing, ProjectRecovered, ServiceFailing, ServiceRecovered)


def told(came: list[Change]) -> list[tuple[str, int]]:
    return [(type(each).__name__, each.project_id) for each in came if isinstance(each, HEALTH)]


def asked(here: World, path: str = "live/orders/read") -> dict[int, list[float]]:
    """When each project was asked about."""
    times: defaultdict[int, list[float]] = defaultdict(list)
    for record in here.simulator.ledger.requests:
        if record.path == path:
            times[record.payload["projectId"]].append(record.at)  # type: ignore[index]
    return times


FAULTS: dict[str, Any] = {
    "5xx": {"kind": FaultKind.JSON_500},
    "refused": {"kind": FaultKind.FAILURE_LASTING},
    "hang": {"kind": FaultKind.HANG},
    "slow": {"kind": FaultKind.SLOW, "delay": 3600.0},
    "garbage": {"kind": FaultKind.GARBAGE},
    "maintenance": {"kind": FaultKind.HTML_200},
}


@one_loop
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_failing_project_is_told_once_and_asked_ever_more_rarely(fault: str) -> None:
    async with world(Conditions(latency=0.1)) as here:
        ids = [here.simulator.add_project([1]).id for _ in range(5)]
        async with here.client.watch(ids) as changes, consuming(changes) as came:
            await anyio.sleep(1000)
            before = here.count()
            here.simulator.fault(**FAULTS[fault], project_id=ids[0], times=math.inf)
            await anyio.sleep(6 * 3600)
            assert told(came) == [("ProjectFailing", ids[0])]
            view = changes.projects[0]
            assert view.problem is not None
            assert changes.projects[1].problem is None
            of_it = asked(here)[ids[0]]
            pauses = [b - a for a, b in pairwise(of_it) if b - a > 100]  # else it is tried again
            assert all(600 <= pause <= 1000 for pause in pauses[-12:])
            here.simulator.clear_faults()
            await anyio.sleep(1000)
            assert told(came) == [("ProjectFailing", ids[0]), ("ProjectRecovered", ids[0])]
            assert changes.projects[0].problem is None
            assert here.count() > before


async def test_an_unknown_project_is_told_and_does_not_stop_the_others() -> None:
    async with world() as here:
        project = here.simulator.add_project([1])
        async with here.client.watch([999, project.id], start="beginning") as changes, consuming(changes) as came:
            await anyio.sleep(7200)
        assert told(came) == [("ProjectFailing", 999)]
        failing = next(each for each in came if isinstance(each, ProjectFailing))
        assert (failing.error, "not found" in failing.reason) == ("NotFoundError", True)
        assert len(asked(here)[project.id]) >= 12


async def test_a_project_that_loads_for_ever_is_told() -> None:
    async with world() as here:
        ids = [here.simulator.add_project([1]).id for _ in range(3)]
        stuck = here.simulator.projects[0]
        stuck.loading("orders").progress = lambda *_, **__: 0.5  # type: ignore[method-assign]
        async with here.client.watch(ids) as changes, consuming(changes) as came:
            await anyio.sleep(7200)
        assert told(came) == [("ProjectFailing", ids[0])]
        assert all(len(asked(here)[each]) >= 12 for each in ids[1:])


async def test_everything_fails_and_that_is_one_piece_of_news() -> None:
    async with world(Conditions(latency=0.1)) as here:
        ids = [here.simulator.add_project([1]).id for _ in range(40)]
        async with here.client.watch(ids) as changes, consuming(changes) as came:
            await anyio.sleep(1000)
            here.simulator.fault(FaultKind.JSON_500, times=math.inf)
            await anyio.sleep(3600)
            assert told(came) == [("ServiceFailing", 0)]
            here.simulator.clear_faults()
            ended = here.simulator.now
            await anyio.sleep(100)
            assert told(came) == [("ServiceFailing", 0), ("ServiceRecovered", 0)]
            back = asked(here)
            assert all(any(ended <= at <= ended + 100 for at in back[each]) for each in ids)
            assert all(each.problem is None for each in changes.projects)


async def test_an_outage_over_a_restart_is_told_once() -> None:
    store = MemoryStore()
    came: list[Change] = []
    async with world() as here:
        ids = [here.simulator.add_project([1]).id for _ in range(5)]
        for _ in range(3):
            async with here.client.watch(ids, checkpoint=store) as changes, consuming(changes) as some:
                await anyio.sleep(1000)
                here.simulator.fault(FaultKind.JSON_500, times=math.inf)
                await anyio.sleep(2000)
            came += some
        here.simulator.clear_faults()
        async with here.client.watch(ids, checkpoint=store) as changes, consuming(changes) as some:
            await anyio.sleep(1000)
        came += some
    assert told(came) == [("ServiceFailing", 0), ("ServiceRecovered", 0)]


async def test_a_failing_project_over_a_restart_is_told_once() -> None:
    store = MemoryStore()
    came: list[Change] = []
    async with world() as here:
        project = here.simulator.add_project([1])
        for _ in range(3):
            async with here.client.watch([999, project.id], checkpoint=store) as changes, consuming(changes) as some:
                await anyio.sleep(1000)
            came += some
    assert told(came) == [("ProjectFailing", 999)]


async def test_a_token_that_is_refused_later_and_a_new_one() -> None:
    async with world() as here:
        ids = [here.simulator.add_project([1]).id for _ in range(5)]
        right = here.simulator.api_token
        async with here.client.watch(ids) as changes, consuming(changes) as came:
            await anyio.sleep(1000)
            here.client.change_credentials(here.simulator.user_id, "0" * 64)
            await anyio.sleep(3600)
            assert told(came) == [("ServiceFailing", 0)]
            failing = next(each for each in came if isinstance(each, ServiceFailing))
            assert failing.error == "AuthenticationError"
            count = here.count()
            await anyio.sleep(3600)
            assert here.count() - count <= 2 * 3600 / 900 * 2, "bad logins lock users out"
            here.client.change_credentials(here.simulator.user_id, right)
            await anyio.sleep(120)
            assert told(came) == [("ServiceFailing", 0), ("ServiceRecovered", 0)]
            await anyio.sleep(1000)
            assert all(each.problem is None for each in changes.projects)


async def test_begun_in_an_outage_everything_is_told_after_it() -> None:
    async with world(Conditions(flush_seconds=60.0)) as here:
        ids = [here.simulator.add_project([2]).id for _ in range(5)]
        here.simulator.fault(FaultKind.JSON_500, times=math.inf)
        async with here.client.watch(ids, start="beginning") as changes, consuming(changes) as came:
            await anyio.sleep(1000)
            here.simulator.clear_faults()
            await anyio.sleep(200)
        assert told(came) == [("ServiceFailing", 0), ("ServiceRecovered", 0)]
        assert {change.project_id for change in came} == {0, *ids}


async def test_one_chart_that_there_is_not_does_not_hide_the_others() -> None:
    async with world() as here:
        project = here.simulator.add_project([2])
        charts = ["No Such Chart", "Strategy Equity"]
        async with here.client.watch([project.id], charts=charts) as changes, consuming(changes) as came:
            await anyio.sleep(3600)
        assert told(came) == [("ProjectFailing", project.id)]
        assert {type(each).__name__ for each in came} >= {"ChartExtended"}


async def looks(count: int, stuck: dict[str, Any] | None, seconds: float) -> dict[int, list[float]]:
    """When the projects were looked at, with or without a stuck one among them."""
    async with world(Conditions(latency=0.3)) as here:
        ids = [here.simulator.add_project([1]).id for _ in range(count)]
        if stuck is not None:
            here.simulator.fault(**stuck, project_id=ids[count // 2], times=math.inf)
        began = true_time()
        async with here.client.watch(ids) as changes, consuming(changes):
            await anyio.sleep(seconds)
        times = asked(here)
        return {each: [at - began for at in times[each]] for each in ids if each != ids[count // 2]}


@pytest.mark.parametrize("fault", ["5xx", "hang", "slow"])
async def test_a_stuck_project_among_many_costs_the_others_nothing(fault: str) -> None:
    """G23: the looks of the others come at most a tenth later."""
    alone, beside = await looks(60, None, 2500), await looks(60, FAULTS[fault], 2500)
    assert alone.keys() == beside.keys()
    for project_id, times in alone.items():
        assert len(beside[project_id]) == len(times)
        later = [other - at for at, other in zip(times, beside[project_id], strict=True)]
        assert max(later) <= 0.1 * 600


async def test_two_checkpoints_give_to_two_failures_two_keys() -> None:
    """Both count from 1: whoever passes over keys that he knows lost the later failure."""
    keys: list[str] = []
    async with world() as here:
        for _ in range(2):
            async with here.client.watch([999]) as changes, consuming(changes) as came:
                await anyio.sleep(1000)
            keys += [each.key for each in came if isinstance(each, ProjectFailing)]
    assert len(keys) == len(set(keys)) == 2
