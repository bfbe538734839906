"""Seeded listings under every condition at once: equal to the simulator's truth, or an error. Never less, in silence.

A failing seed replays alone: `pytest tests/chaos --runs 1 --seed SEED`.
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import anyio
import pytest

import qcasync
from qcasync.simulator import Conditions, Project, Simulator
from tests.chaos.workers import Run
from tests.conftest import ENDS, JumpingLoop, virtual_trio
from tests.support import EPOCH, World, true_time, world

CHUNKS = 20
RUNS_PER_LISTING = 10
"""`--runs` counts runs of the cheapest model, that of a watch; a listing costs as much as some of them."""
FAILURES = (qcasync.IncompleteRead, qcasync.NotReady, qcasync.RequestError, qcasync.ResponseError)
"""Beside `IncompleteRead`, what ends a listing whose first window cannot be read."""
LENGTHS = ("total", "total", "total", "page", "zero", "absent", "negative", "growing")


@dataclass
class Plan:
    """What one seed makes of a run."""

    conditions: Conditions
    deployments: list[int]
    workers: int
    changes: list[tuple[float, str, int]]
    listings: int
    visible: int
    """Orders that the API shows by now."""


def plan_of(seed: int) -> Plan:
    """Expand a seed. Most conditions are off in most runs, so that their combinations stay readable."""
    chance = random.Random(seed)

    def sometimes(value: Callable[[], Any], otherwise: Any, share: float = 0.3) -> Any:
        return value() if chance.random() < share else otherwise

    deployments = [
        chance.choice([0, 1, chance.randint(2, 40), chance.randint(90, 110), chance.randint(100, 330)])
        for _ in range(chance.choice([1, 1, 2, 3]))
    ]
    latency = chance.choice([0.05, 0.3, 1.0])
    conditions = Conditions(
        latency=latency,
        jitter=chance.choice([0.0, latency, 5 * latency]),
        loading=sometimes(lambda: chance.randint(1, 4), 0),
        warming_seconds=sometimes(lambda: chance.uniform(0, 9.5), 0.0, 0.2),
        clamp=sometimes(lambda: chance.choice([7, 10, 33, 60]), None, 0.2),
        inclusive_end=chance.random() < 0.2,
        length_means=chance.choice(LENGTHS),
        fault_rate=sometimes(lambda: chance.choice([0.02, 0.1]), 0.0, 0.2),
        flush_seconds=0.0,
        stale_rate=sometimes(lambda: 0.2, 0.0, 0.15),
    )
    changes = sorted(
        (chance.uniform(0, 6), chance.choice(["trade", "trade", "deploy"]), chance.randint(1, 120))
        for _ in range(chance.choice([0, 0, 1, 2]))
    )
    return Plan(
        conditions, deployments, chance.choice([1, 2, 10, 10, 16]), changes, chance.choice([1, 1, 2]), sum(deployments)
    )


async def change(here: World, project: Project, plan: Plan) -> None:
    """Let the project trade and redeploy while it is read. The orders are visible at once."""
    for at, kind, count in plan.changes:
        await anyio.sleep(max(0.0, at - anyio.current_time()))
        if kind == "deploy":
            here.simulator.deploy(project.id, true_time())
        here.simulator.trade(project.id, count, true_time())
        plan.visible += count


async def run(seed: int) -> str:
    """One run. Returns how it ended."""
    plan = plan_of(seed)
    simulator = Simulator(seed, EPOCH, conditions=plan.conditions)
    project = simulator.add_project(plan.deployments)
    ended = "complete"
    async with world(simulator=simulator, seed=seed, max_concurrency=plan.workers) as here:
        async with anyio.create_task_group() as group:
            group.start_soon(change, here, project, plan)
            for _ in range(plan.listings):
                # A replica that missed the last flush shows an older list, and nothing in its answers tells.
                before = sum(plan.deployments) if plan.conditions.stale_rate else plan.visible
                try:
                    listing = await here.client.live.list_orders(project.id)
                except FAILURES as error:
                    ended = type(error).__name__
                    continue
                compare(seed, simulator, project, listing, before)
        assert here.transport.in_flight == 0
    return ended


def compare(seed: int, simulator: Simulator, project: Project, listing: qcasync.OrderListing, before: int) -> None:
    """The listing is a beginning of the truth, and holds at least what was there when it began.

    A server that speaks of more rows than it has, or a replica that missed them, may end it earlier: not in silence.
    """
    truth = simulator.orders(project.id)
    short = [anomaly.kind for anomaly in listing.anomalies] == ["short"]
    assert before <= len(listing) <= len(truth) or short, f"seed {seed}: {len(listing)} of {before} to {len(truth)}"
    for order, told in zip(listing, truth, strict=False):
        same = (order.id, order.quantity, order.symbol.id) == (told["id"], told["quantity"], told["symbol"]["id"])
        assert same, f"seed {seed}: order {told['id']} of the truth is {order}"
        owner = told["events"][0]["algorithmId"] if told.get("events") else order.deploy_id
        assert order.deploy_id == owner, (
            f"seed {seed}: order {told['id']} of {owner} is said to be of {order.deploy_id}"
        )
    assert listing.complete, f"seed {seed}: not complete"
    boastful = simulator.conditions.length_means == "growing" or simulator.conditions.stale_rate
    assert not listing.anomalies or (short and boastful), f"seed {seed}: {listing.anomalies[:3]}"


def seeded(config: pytest.Config, chunk: int) -> tuple[Run, range]:
    """What a chunk runs."""
    runs, first = -(-config.getoption("--runs") // RUNS_PER_LISTING), config.getoption("--seed")
    return run_virtually, range(first + chunk, first + runs, CHUNKS)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_silent_truncation(chunk: int, ends: Counter[str], request: pytest.FixtureRequest) -> None:
    """Whatever the server does, a listing that returns is the truth. Half of the runs are on trio."""
    request.config.stash[ENDS]["listings"].update(ends)
    assert ends["complete"] >= ends.total() * 0.8 or ends.total() < 10


def run_virtually(seed: int) -> list[str]:
    """One run, in virtual time, on the event loop that the seed chooses."""
    if seed // CHUNKS % 2:
        return [anyio.run(run, seed, backend="trio", backend_options=virtual_trio())]
    return [anyio.run(run, seed, backend="asyncio", backend_options={"loop_factory": JumpingLoop})]
