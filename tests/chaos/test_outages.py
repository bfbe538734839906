"""Seeded outages of half an hour: what leaves meanwhile, and how soon everything is read again.

Callers read four windows of each project every 30 s, whatever came of the last ones. During an outage three numbers
are told: *calls*, which were made; *first attempts*, which are those of the calls that the breaker let by; *requests*,
which reached the transport.

- Requests per call is what the server feels: without retries, breaker and budget it would be 1.
- Requests per first attempt is what the retry budget bounds. It grants a tenth of the first attempts of the last
  minute, and ten. The minute before an outage was a busy one, and the breaker ends the storm after a few seconds; so
  that minute belongs to the sum.

A failing seed replays alone: `pytest tests/chaos/test_outages.py --runs 1 --seed SEED`.
"""

import math
import random
from collections import Counter
from typing import Final, NamedTuple

import anyio
import pytest

import qcasync
from qcasync.simulator import Conditions, FaultKind, Project, Simulator
from tests.chaos.machines import Place, place
from tests.chaos.workers import Run
from tests.conftest import ENDS, JumpingLoop, virtual_trio
from tests.support import EPOCH

CHUNKS = 2
PERIOD: Final = 30.0
"""Seconds from one turn of a caller to the next."""
READS: Final = 4
BEGINS: Final = 60.0
LASTS: Final = 1800.0
SETTLED: Final = 150.0
"""Seconds after which the breaker's pauses have grown to their longest."""
LONGEST_PAUSE: Final = 18.0
"""The breaker's: 15 s, and a fifth of jitter."""
BACK: Final = 60.0
"""Seconds after the outage within which every project is read again: a pause, a turn of its caller, and the queue."""
LIQUIDATIONS: Final = 6


class Outage(NamedTuple):
    """How everything fails.

    Attributes:
        kinds: What happens to a request, one of them by chance.
        sent: Whether a request leaves before it fails.
        slow: Seconds that a failure may take.
    """

    kinds: tuple[FaultKind, ...]
    sent: bool = True
    slow: float = 0.0


OUTAGES: Final = {
    "5xx": Outage(
        (FaultKind.EMPTY_500, FaultKind.JSON_500, FaultKind.HTML_502, FaultKind.HTML_503, FaultKind.HTML_504)
    ),
    "refused": Outage((FaultKind.REFUSED,), sent=False),
    "hanging": Outage((FaultKind.HANG,), slow=30.0),
    "503 with Retry-After": Outage((FaultKind.RETRY_AFTER_503,)),
    "reset": Outage((FaultKind.RESET_BEFORE_ANSWER, FaultKind.RESET_IN_BODY)),
}


class Plan(NamedTuple):
    """What one seed makes of a run.

    Attributes:
        projects: How many are read.
        limit: Requests per second that the server serves, and the client is told not to exceed: half as many again as
            the callers need. None: no limit.
    """

    outage: Outage
    projects: int
    limit: int | None


def plan_of(seed: int) -> Plan:
    """Expand a seed. One in eleven has 200 projects, so that every kind of outage comes to have them."""
    chance = random.Random(seed)
    projects = 200 if seed % 11 == 0 else 20
    return Plan(list(OUTAGES.values())[seed % len(OUTAGES)], projects, chance.choice([None, max(20, projects // 5)]))


class Callers:
    """Those who read, and those who sell."""

    def __init__(self, here: Place, seed: int) -> None:
        self.here = here
        self.made: list[float] = []
        """When calls that read were made."""
        self.back: dict[int, float] = {}
        """When a project was read in full, for the first time in a turn that began after the outage."""
        self._rng = random.Random(seed)

    async def read(self, project: Project) -> None:
        """Read a project at each turn, until long after the outage."""
        await anyio.sleep(self._rng.uniform(0.0, PERIOD))
        while project.id not in self.back:
            began = anyio.current_time()
            whole = True
            for window in range(READS):
                self.made.append(anyio.current_time())
                try:
                    await self.here.client.live.read_orders(project.id, 100 * window, 100 * window + 100)
                except qcasync.QuantConnectError:
                    whole = False
            if whole and began >= BEGINS + LASTS:
                self.back[project.id] = anyio.current_time() - BEGINS - LASTS
            await anyio.sleep(max(0.0, began + PERIOD - anyio.current_time()))

    async def sell(self, project: Project, at: float, outage: Outage) -> None:
        """Liquidate in the middle of the outage. It is tried at once, and only once if it left."""
        await anyio.sleep(at)
        error: qcasync.QuantConnectError | None = None
        try:
            await self.here.client.live.liquidate(project.id, emergency=True)
        except qcasync.QuantConnectError as raised:
            error = raised
        assert isinstance(error, qcasync.OutcomeUnknown if outage.sent else qcasync.RequestError), repr(error)
        mine = [
            sent.at for sent in self.here.wire.sent if sent.path.endswith("liquidate") and sent.project_id == project.id
        ]
        assert mine[0] == at, f"project {project.id} was to be sold at {at}, and was tried at {mine}"
        assert len(mine) == (1 if outage.sent else 3), f"project {project.id} was to be sold, and was tried at {mine}"


async def run(seed: int) -> Counter[str]:
    """One outage. Returns what was counted."""
    plan = plan_of(seed)
    simulator = Simulator(seed, EPOCH, conditions=Conditions(latency=0.1, jitter=0.1, requests_per_second=plan.limit))
    projects = [simulator.add_project([3]) for _ in range(plan.projects)]
    sold = [simulator.add_project([3]) for _ in range(LIQUIDATIONS)]
    firsts: list[float] = []

    def observe(seen: qcasync.Observation) -> None:
        if isinstance(seen, qcasync.RequestSent) and seen.attempt == 1:
            firsts.append(anyio.current_time())

    async with place(
        seed=seed,
        simulator=simulator,
        read_timeout=plan.outage.slow or None,
        observers=[observe],
        allow_trading=True,
        requests_per_second=None if plan.limit is None else plan.limit - 1,
    ) as here:
        callers = Callers(here, seed)
        async with anyio.create_task_group() as group:
            for project in projects:
                group.start_soon(callers.read, project)
            for number, project in enumerate(sold):
                group.start_soon(callers.sell, project, BEGINS + LASTS * (number + 0.5) / LIQUIDATIONS, plan.outage)
            await anyio.sleep(BEGINS)
            simulator.conditions.fault_kinds, simulator.conditions.fault_rate = plan.outage.kinds, 1.0
            await anyio.sleep(LASTS)
            simulator.conditions.fault_rate = 0.0
    check(seed, plan, callers, firsts)
    assert sum(record.outcome == "throttled" for record in simulator.ledger.requests) == 0, f"seed {seed}: too fast"
    assert len({effect.project_id for effect in simulator.ledger.effects}) == len(simulator.ledger.effects)
    return counted(plan, callers, firsts)


def check(seed: int, plan: Plan, callers: Callers, firsts: list[float]) -> None:
    """Hold a run against what is promised."""
    requests = [sent.at for sent in callers.here.wire.sent]
    ends = BEGINS + LASTS
    calls, left = within(callers.made, SETTLED + BEGINS, ends), within(requests, SETTLED + BEGINS, ends)
    pauses = LASTS / (0.8 * LONGEST_PAUSE / 1.2) + LIQUIDATIONS * 3
    probing = 1 + plan.outage.slow / 5.0  # a probe that does not come back is followed by another
    assert left <= pauses * probing, f"seed {seed}: {left} requests of {calls} calls while the breaker was open"
    retried = within(requests, 0.0, ends) - within(firsts, 0.0, ends)
    assert retried <= 0.1 * within(firsts, 0.0, ends) + 10 + ends / 6, f"seed {seed}: {retried} retries"
    if plan.projects == 200:
        assert within(requests, 0.0, ends) <= 1.15 * within(firsts, 0.0, ends), f"seed {seed}: {retried} retries"
        assert left <= 0.02 * calls
    back = max(callers.back.values())
    assert back <= BACK, f"seed {seed}: everything is read again after {back:.1f} s"


def counted(plan: Plan, callers: Callers, firsts: list[float]) -> Counter[str]:
    """What the summary tells."""
    during = BEGINS, BEGINS + LASTS
    size = f"{plan.projects} projects"
    return Counter(
        {
            f"calls ({size})": within(callers.made, *during),
            f"first attempts ({size})": within(firsts, *during),
            f"requests ({size})": within([sent.at for sent in callers.here.wire.sent], *during),
            f"back within {math.ceil(max(callers.back.values()) / 10) * 10} s ({size})": 1,
        }
    )


def within(moments: list[float], first: float, last: float) -> int:
    """How many moments lie in a stretch of time."""
    return sum(first <= moment < last for moment in moments)


def seeded(config: pytest.Config, chunk: int) -> tuple[Run, range]:
    """What a chunk runs."""
    runs, first = config.getoption("--runs"), config.getoption("--seed")
    return run_virtually, range(first + chunk, first + math.ceil(runs / 1000), CHUNKS)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_an_outage_is_not_multiplied_and_ends_soon(
    chunk: int, ends: Counter[str], request: pytest.FixtureRequest
) -> None:
    request.config.stash[ENDS]["outages"].update(ends)


def run_virtually(seed: int) -> Counter[str]:
    """One run, in virtual time, on the event loop that the seed chooses."""
    if seed // len(OUTAGES) % 2:
        return anyio.run(run, seed, backend="trio", backend_options=virtual_trio())
    return anyio.run(run, seed, backend="asyncio", backend_options={"loop_factory": JumpingLoop})
