"""A simulated QuantConnect that trades, stops, forgets and fails, and a plan of it: all of it comes from a seed."""

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count, islice
from typing import Any, Final

import anyio

import qcasync
from qcasync.simulator import Conditions, FaultKind, Project, Simulator
from qcasync.simulator.deployments import Ending
from tests.invariants import Erasure, History, thing
from tests.support import EPOCH, true_time

K = FaultKind
HOUR: Final = 3600.0
REPLICAS_LAG: Final = 600.0
"""Seconds after which a replica that missed a flush has it."""
FAULTS: Final = tuple(kind for kind in K if kind not in {K.STATUS, K.HTML_403})
"""A refusal for good is no fault of the moment; it is drawn rarely, by name."""
LENGTHS: Final = ("total", "total", "total", "page", "zero", "absent", "negative", "growing")
_ENDINGS: Final[tuple[Ending, ...]] = ("Stopped", "Liquidated")
WAYS: Final = ("leave", "cancel", "native", "raise", "kill", "kill", "kill", "before", "after", "after")
"""How a life ends: two of them are about a transaction, that the process does not survive or learn the end of."""


# The plan


@dataclass
class Life:
    """How long a process lives, how it ends, and how long nobody starts it again."""

    seconds: float
    turns: int
    way: str
    pause: float
    transactions: int
    style: str


@dataclass
class Plan:
    """What one seed makes of a run. Most conditions are off in most runs, so that their combinations stay readable."""

    conditions: Conditions
    projects: list[list[int]]
    choice: str
    start: str
    options: dict[str, Any]
    actions: list[tuple[float, str]]
    lives: list[Life]
    clock_errors: list[float]
    slowness: float
    weariness: float
    full_disk: float
    concurrency: int


def plan_of(seed: int) -> Plan:
    """Expand a seed."""
    chance = random.Random(seed)

    def sometimes(value: Callable[[], Any], otherwise: Any, share: float = 0.3) -> Any:
        return value() if chance.random() < share else otherwise

    latency = chance.choice([0.05, 0.3, 1.0])
    period = chance.choice([60.0, 300.0, 600.0, 600.0])
    conditions = Conditions(
        latency=latency,
        jitter=chance.choice([0.0, latency, 5 * latency]),
        loading=sometimes(lambda: chance.randint(1, 4), 0),
        warming_seconds=sometimes(lambda: chance.uniform(0, 9.5), 0.0, 0.2),
        clamp=sometimes(lambda: chance.choice([7, 10, 33, 60]), None, 0.2),
        inclusive_end=chance.random() < 0.2,
        length_means=chance.choice(LENGTHS),
        fault_rate=sometimes(lambda: chance.choice([0.02, 0.1, 0.2]), 0.0, 0.4),
        fault_kinds=sometimes(lambda: FAULTS, tuple(chance.sample(FAULTS, 3))),
        flush_seconds=chance.choice([0.0, 60.0, 300.0, 600.0]),
        stale_rate=sometimes(lambda: chance.choice([0.1, 0.4]), 0.0),
        requests_per_second=sometimes(lambda: chance.choice([1.0, 5.0]), None, 0.1),
    )
    projects = [
        [
            chance.choice([0, 1, chance.randint(2, 12), chance.randint(90, 110)])
            for _ in range(chance.choice([0, 1, 1, 2]))
        ]
        for _ in range(chance.choice([1, 1, 1, 2, 3, 6]))
    ]
    lives = [
        Life(
            seconds=chance.choice([0.0, chance.uniform(0, 5), chance.uniform(0, 900), chance.uniform(300, 3000)]),
            turns=chance.randrange(60),
            way=chance.choice(WAYS),
            pause=chance.choice([0.0, 0.0, 1.0, chance.uniform(0, 1500), 5000.0]),
            transactions=chance.choice([1, 2, 3, chance.randint(1, 30)]),
            style="",
        )
        for _ in range(chance.choice([0, 1, 2, 3, 5, 8]))
    ]
    style = chance.choice(["loop", "loop", "handle", "sink"])
    for life in lives:
        life.style = style
    lasts = sum(life.seconds + life.pause for life in lives) + 1800.0
    kinds = (
        ["trade"] * 5
        + ["fill"] * 4
        + ["open"] * 2
        + ["deploy", "end", "fail", "break", "mend", "cold", "outage", "log"]
    )
    kinds += sometimes(lambda: ["reset", "reset"], [])
    start = chance.choice(["now", "beginning", "beginning"])
    return Plan(
        conditions=conditions,
        projects=projects,
        choice=chance.choice(["ids", "ids", "status", "ask"]),
        start=start,
        options={
            "orders": period,
            "status_every": chance.choice([30.0, 60.0, 300.0, 300.0]),
            "logs": sometimes(lambda: 300.0, False, 0.15) if start == "now" else False,
            "insights": sometimes(lambda: 600.0, False, 0.15) if start == "now" else False,
            "portfolio": sometimes(lambda: 600.0, False, 0.1),
            "statistics": sometimes(lambda: 300.0, False, 0.1),
        },
        actions=sorted((chance.uniform(0, lasts), chance.choice(kinds)) for _ in range(chance.randint(3, 30))),
        lives=lives,
        clock_errors=[
            sometimes(lambda: chance.choice([-12, -0.5, 0.01, 3, 12]) * HOUR, 0.0, 0.2) for _ in range(len(lives) + 1)
        ],
        slowness=sometimes(lambda: chance.choice([0.5, 20.0, 300.0]), 0.0),
        weariness=sometimes(lambda: 0.05, 0.0),
        full_disk=sometimes(lambda: 0.1, 0.0, 0.15),
        concurrency=chance.choice([1, 2, 10]),
    )


# QuantConnect


@dataclass
class Erased:
    """Orders of a deployment that a reset has made the list forget, as they were then."""

    project_id: int
    deploy_id: str
    orders: list[tuple[int, qcasync.Order]]
    """With their places in the list."""


class QuantConnect:
    """The simulator, and what happens in it."""

    def __init__(self, seed: int, plan: Plan, history: History) -> None:
        self.plan = plan
        self.chance = random.Random(seed ^ 0xAC7)
        self.simulator = Simulator(seed, EPOCH, conditions=plan.conditions)
        self.projects = [self.simulator.add_project(each) for each in plan.projects]
        self.erased: list[Erased] = []
        self.broken: set[int] = set()
        """Places where an entry could not be decoded at some time."""
        self.first: dict[str, float] = {}
        """When each deployment began, if it began while we looked."""
        self.happened: Counter[str] = Counter()
        self._history = history
        self._open: dict[str, list[int]] = {}

    async def live(self) -> None:
        """Let everything of the plan happen."""
        for at, kind in self.plan.actions:
            await anyio.sleep(max(0.0, at - anyio.current_time()))
            self._act(kind, self.chance.choice(self.projects))

    async def replicate(self) -> None:
        """Let replicas that missed a flush have it after a while."""
        seen: dict[str, tuple[Any, int]] = {}
        while True:
            await anyio.sleep(REPLICAS_LAG)
            for project in self.projects:
                for deployment in project.deployments:
                    now = (deployment.snapshot, project.forgotten)
                    if seen.get(deployment.deploy_id) == now:
                        deployment.earlier = deployment.snapshot
                        project.forgotten_earlier = project.forgotten
                    seen[deployment.deploy_id] = now

    def calm(self) -> None:
        """From now on nothing happens, and nothing fails. What may be meant by `length` is no failure."""
        former = self.plan.conditions
        self.simulator.clear_faults()
        lies = former.length_means in {"growing", "negative"}
        self.simulator.conditions = Conditions(
            latency=0.05,
            clamp=former.clamp,
            inclusive_end=former.inclusive_end,
            length_means="total" if lies else former.length_means,
        )
        for project in self.projects:
            if project.active(true_time()) is None:
                self._deploy(project)
            self.simulator.flush(project.id, true_time())
            for deployment in project.deployments:
                deployment.earlier = deployment.snapshot
            project.forgotten_earlier = project.forgotten

    def shown(self, project: Project) -> dict[str, list[qcasync.Order]]:
        """The orders that the list shows now, by deployment."""
        project.advance(true_time(), self.simulator.conditions.flush_seconds)
        rows = project.rows(project.snapshots(), 0, math.inf)
        orders = iter(decoded(rows))
        sizes = {each.deploy_id: one.size for each, one in zip(project.deployments, project.snapshots(), strict=True)}
        return {deploy_id: list(islice(orders, size)) for deploy_id, size in sizes.items()}

    def _act(self, kind: str, project: Project) -> None:
        now, chance = true_time(), self.chance
        running = project.active(now)
        if running is None and kind in {"trade", "open", "fill", "end", "fail", "log"}:
            kind = "deploy"
        self.happened[kind] += 1
        actions: dict[str, Callable[[Project, float], None]] = {
            "trade": lambda project, now: self.simulator.trade(project.id, self._count(40), now),
            "open": lambda project, now: self._place_open(project, self._count(4), now),
            "fill": self._fill,
            "deploy": lambda project, _: self._deploy(project),
            "end": lambda project, now: self.simulator.end(project.id, now, status=chance.choice(_ENDINGS)),
            "fail": lambda project, now: self.simulator.end(project.id, now, status="RuntimeError"),
            "log": lambda project, now: self.simulator.log(project.id, f"line {self.happened['log']}", now),
            "break": self._break,
            "mend": lambda *_: setattr(self.simulator.conditions, "broken_orders", frozenset()),
            "cold": lambda project, _: self._cool(project),
            "outage": lambda project, _: self._fail(project),
            "reset": self._reset,
        }
        actions[kind](project, now)

    def _count(self, most: int) -> int:
        return self.chance.choice([1, 1, 2, self.chance.randint(1, most)])

    def _fill(self, project: Project, now: float) -> None:
        running = project.active(now)
        waiting = None if running is None else self._open.get(running.deploy_id)
        if waiting:
            self.simulator.fill(project.id, waiting.pop(self.chance.randrange(len(waiting))), now)
        else:
            self._place_open(project, 1, now)

    def _break(self, project: Project, now: float) -> None:
        size = max(1, len(self.simulator.orders(project.id, now)))
        place = self.chance.choice([size - 1, size, self.chance.randrange(size)])
        self.broken.add(place)
        self.simulator.conditions.broken_orders |= {place}

    def _cool(self, project: Project) -> None:
        """Nobody asked for a while: the back end fetches everything anew."""
        project.orders_asked_at = None
        project._loading.clear()

    def _fail(self, project: Project) -> None:
        kind, only = self.chance.choice([*K]), self.chance.choice([None, project.id])
        self.simulator.fault(kind, project_id=only, times=self.chance.choice([1, 5, 40]))

    def _place_open(self, project: Project, count: int, now: float) -> None:
        running = project.active(now)
        assert running is not None
        first = running.book.size
        self.simulator.trade(project.id, count, now, leave_open=True)
        self._open.setdefault(running.deploy_id, []).extend(range(first, first + count))

    def _deploy(self, project: Project) -> None:
        deployment = self.simulator.deploy(project.id, true_time())
        deployment._running_at = true_time() + self.chance.choice([0.0, 5.0, 90.0])
        self.first[deployment.deploy_id] = true_time()
        if self.chance.random() < 0.5:
            self.simulator.trade(project.id, self.chance.randint(1, 10), true_time())

    def _reset(self, project: Project, now: float) -> None:
        """As a redeployment may do it: the new list is empty at first."""
        if self.chance.random() < 0.7:
            self._deploy(project)
        place = count()
        for deploy_id, orders in list(self.shown(project).items())[:-1]:
            if orders:
                self.erased.append(Erased(project.id, deploy_id, [(next(place), order) for order in orders]))
                things = frozenset(thing(project.id, order) for order in orders)
                self._history.moments.append(Erasure(project.id, things))
        self.simulator.reset(project.id, now)


def decoded(rows: Iterable[bytes]) -> tuple[qcasync.Order, ...]:
    """Orders from their JSON."""
    page = qcasync.decode_orders(b'{"orders":[' + b",".join(rows) + b'],"success":true}')
    assert not page.quarantined
    return page.orders
