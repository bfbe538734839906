"""A QuantConnect and a watch of it, without event loop and without JSON: both are expanded from a seed.

The world (`World`) is what happens to a project: a list of orders that grows, changes in place, and is begun anew. It
depends on nothing but its seed and the time. What is shown of it (`Window` in, rows out) comes from snapshots, on
replicas of different age, through clamps, errors and caches that warm.

The watch (`Desk`) does what `qcasync.poller` does with the same core and a store, and dies at any step. Time is a
number. What is to be examined is written into a `History`, and compared with the world at the end (`judge`).
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from qcasync._core.deltas import SETTLED, OrderRecord
from qcasync._core.order_cycle import OrderCycle
from qcasync._core.order_follower import OrderFollower, keys_of
from qcasync._core.placing import OrderMemory
from qcasync._core.window_steps import LookAgain, Window
from qcasync.models.changes import Change, Gap, OrderAdded
from qcasync.models.orders import Order
from qcasync.models.quarantine import Quarantined
from qcasync.poller.memory_store import MemoryStore
from qcasync.poller.store import Facts, OrderKey
from tests.chaos.model_world import (
    ABOUT,
    CALM_LOOKS,
    EPOCH,
    Plan,
    World,
)
from tests.invariants import (
    Acknowledgement,
    Answer,
    Commit,
    Crash,
    Delivery,
    Erasure,
    Failure,
    History,
    Memory,
    Quiet,
    Start,
    check,
    tell,
    thing,
)

_ENCODE: Final = msgspec.msgpack.encode
_DECODE: Final = msgspec.msgpack.Decoder(OrderMemory)


class Died(Exception):
    """The process died."""


class Unanswered(Exception):
    """A window could not be read."""


@dataclass(slots=True)
class Follows:
    """What the watch knows of one project while it lives."""

    follower: OrderFollower
    listed: int = 0


class Desk:
    """A watch over the projects of one seed, as the poller performs it; and its consumer.

    Args:
        seed: Of everything.
        crashes: Whether it dies now and then.
        failures: Whether the project that fails does.
    """

    max_quiet_looks = 60
    must_end = True
    """Whether it is a finding if there is never a complete look without news."""

    def __init__(self, seed: int, *, crashes: bool = True, failures: bool = True) -> None:
        self.seed = seed
        self.plan = Plan.of(seed)
        self.worlds = {number: World(seed, number, self.plan) for number in range(1, self.plan.projects + 1)}
        self.chance = random.Random(seed ^ 0x5EED)
        self.dying = random.Random(seed ^ 0xDEAD)
        self.crash_rate = self.plan.crashes if crashes else 0.0
        self.failing = self.plan.failing if failures else 0
        self.told_since = EPOCH if self.plan.from_now else None
        self.history = History(told_since=self.told_since)
        self.counts: Counter[str] = Counter()
        self.now = 0.0
        self.is_quiet = False
        self._is_calm = True
        self._quiet_looks = 0
        self.store = self.make_store()
        self.projects: dict[int, Follows] = {}
        self.fencing = 0
        self._look = 0
        self._warm: dict[int, tuple[float, float]] = {}
        self._start()

    # What a test may do differently

    def make_store(self) -> MemoryStore:
        """Where facts are kept."""
        return MemoryStore()

    def make_follower(self, project_id: int, memory: OrderMemory | None, records: list[OrderRecord]) -> OrderFollower:
        """What follows the orders of a project."""
        return OrderFollower(project_id, memory, records, told_since=self.told_since)

    def deployment_changed(self, follower: OrderFollower) -> None:
        """live/list shows another deployment."""
        follower.read_everything(2)

    def commit(self, facts: Facts, **noted: Any) -> None:
        """One transaction; the process may die before it, or after it without having learned of it."""
        self.step()
        told = self.store.commit(facts)
        self.wrote(facts, told, **noted)
        self.step()

    def deliver(self, project_id: int) -> None:
        """Give the consumer what is pending; it acknowledges each change."""
        while changes := self.store.pending(project_id, 0, 1):
            self.history.moments.append(Delivery(changes[0]))
            self.step()
            self.store.acknowledge(changes[0])
            self.history.moments.append(Acknowledgement(changes[0]))
            self.step()

    # What happens

    def step(self) -> None:
        """Live on, or die."""
        if not self.is_quiet and self.crash_rate and self.dying.random() < self.crash_rate:
            raise Died

    def wrote(self, facts: Facts, told: list[Change], **noted: Any) -> None:
        """Write a transaction into the history."""
        self.counts["gap"] += sum(isinstance(change, Gap) for change in told)
        self.history.moments.append(
            Commit(facts.project_id, self.fencing, tuple(told), tuple(facts.orders), look=self._look, **noted)
        )

    def run(self) -> History:
        """Watch until the world stands still, and then until everything was read."""
        for _ in range(self.plan.looks):
            self._round()
            self.now += self.plan.interval * self.chance.uniform(0.8, 1.2)
        self.is_quiet = True
        self.now = max(self.now, max(world.still_at for world in self.worlds.values()) + SETTLED + 1)
        for project_id in self.worlds:
            self._world(project_id)
        self.now += 5 * self.plan.interval
        calm = 0
        while calm < CALM_LOOKS * len(self.worlds):
            self._is_calm, before = True, self.counts["complete look"]
            self._round()  # a look that reads everything at once is complete with the one after it
            complete = self.counts["complete look"] - before
            calm = calm + complete if self._is_calm else 0
            self.now += self.chance.choice([900.0, 7300.0])
            self._quiet_looks += 1
            if self._quiet_looks == self.max_quiet_looks:
                assert not self.must_end, f"seed {self.seed}: never quiet"
                break
        self.history.moments.append(Quiet())
        return self.history

    def _start(self) -> None:
        self.fencing += 1
        self.store.open("model", self.now)
        self.history.moments.append(Start(self.fencing))
        memories = self.store.memories()
        self.projects.clear()
        for project_id in self.worlds:
            kept = memories.get(project_id, {}).get(ABOUT)
            records = self.store.open_orders(project_id)
            memory = None if kept is None else _DECODE.decode(kept)
            self.projects[project_id] = Follows(self.make_follower(project_id, memory, records))

    def _die(self) -> None:
        self.counts["crash"] += 1
        self.history.moments.append(Crash())
        self.store.close()
        self.now += self.chance.choice([0.0, 1.0, 30.0, 1500.0])
        self._start()

    def _round(self) -> None:
        """Look at each project once, and deliver; die now and then."""
        for project_id in self.worlds:
            try:
                self._notice(project_id)
                self._look_at(project_id)
                self.deliver(project_id)
            except Died:
                self._die()

    def _notice(self, project_id: int) -> None:
        follows, world = self.projects[project_id], self._world(project_id)
        shown = len(world.listed(self.now, self._lag()))
        if shown > follows.listed:
            if follows.listed:
                self.deployment_changed(follows.follower)
            follows.listed = shown

    def _world(self, project_id: int) -> World:
        world = self.worlds[project_id]
        erasures = len(world.erasures)
        world.advance(self.now)
        for things in world.erasures[erasures:]:
            self.history.moments.append(Erasure(project_id, things))
        return world

    def _lag(self) -> int:
        lag = self.chance.choice(self.plan.lags)
        self.counts["stale answer"] += lag > 0
        return lag

    def _ended(self, project_id: int) -> dict[str, float | None]:
        listed = self._world(project_id).listed(self.now, self._lag())
        return {
            deployed.name: EPOCH + deployed.ended_at
            for deployed in listed
            if deployed.ended_at is not None and deployed.ended_at <= self.now
        }

    def _look_at(self, project_id: int) -> None:
        follower = self.projects[project_id].follower
        self._look += 1
        if project_id == self.failing and not self.is_quiet:
            self.history.moments.append(Failure(project_id))
            self.counts["project failed"] += 1
            return
        cycle = follower.look(self.now)
        self.counts["full look" if cycle.full else "partial look"] += 1
        try:
            self._read(project_id, follower, cycle)
        except Unanswered:
            self.counts["look given up"] += 1
        memory, gaps = follower.finish(cycle, self.now, self._ended(project_id))
        through = memory.complete_through if memory.complete_through != follower.memory.complete_through else None
        if memory != follower.memory or gaps:
            facts = Facts(project_id=project_id, memories={ABOUT: _ENCODE(memory)}, changes=gaps)
            self.commit(facts, complete_through=through, remembered=memory.frontier)
        follower.finished(memory)
        self._is_calm = self._is_calm and not gaps
        self.counts["complete look"] += through is not None
        self._measure(project_id, follower)

    def _measure(self, project_id: int, follower: OrderFollower) -> None:
        world = self.worlds[project_id]
        bound = len(world.rows) + sum(len(rows) for rows in world.erased.values())
        self.history.moments.append(Memory(follower.open_count, bound))

    def _read(self, project_id: int, follower: OrderFollower, cycle: OrderCycle) -> None:
        flying: list[Window] = []
        while True:
            step = cycle.next_step(self.now)
            if isinstance(step, Window):
                flying.append(step)
                if len(flying) < self.plan.width:
                    continue
            elif isinstance(step, LookAgain) and not flying:
                self.now = max(self.now, step.at)
                continue
            if not flying:
                return
            window = flying.pop(self.chance.randrange(len(flying)))
            try:
                self._receive(project_id, follower, cycle, window)
            except Unanswered:
                for each in [window, *flying]:
                    cycle.window_abandoned(each)
                raise

    def _receive(self, project_id: int, follower: OrderFollower, cycle: OrderCycle, window: Window) -> None:
        rows, length, at = self._ask(project_id, window)
        here = len(self.history.moments)
        self.history.moments.append(Answer(project_id, self._look, window.start, window.end, tuple(rows), at, length))
        self.step()
        placed = cycle.page_received(window, rows, length, at, self.now)
        known: dict[OrderKey, OrderRecord] = self.store.orders(project_id, keys_of(placed))
        learned = follower.learn(placed, known, at)
        self.counts["stale order"] += learned.stale
        self.counts["quarantined"] += len(learned.unreadable)
        self._is_calm = self._is_calm and not learned.changes and not learned.stale
        self.commit(
            Facts(
                project_id=project_id,
                memories={ABOUT: _ENCODE(follower.memory_now())},
                orders=learned.records,
                changes=learned.changes,
            ),
            answer=here,
        )
        follower.adopt(learned.records)
        if self.chance.random() < 0.1:
            self.deliver(project_id)

    def _ask(self, project_id: int, window: Window) -> tuple[list[Order[Any] | Quarantined], int | None, float]:
        """An answer, after as many errors as it takes; or none."""
        plan = self.plan
        while True:
            self.step()
            self.now += self.chance.uniform(0.05, 2.0)
            world = self._world(project_id)
            roll = 1.0 if self.is_quiet else self.chance.random()
            if roll >= plan.errors + plan.loading:
                break
            self.counts["error"] += 1
            if self.chance.random() < 0.3:
                raise Unanswered
        at = EPOCH + self.now
        lag = self._lag()
        total = len(world.shown(self.now, lag))
        if self._is_cold(project_id):
            self.counts["empty while warming"] += 1
            return [], 0, at
        wanted = window.size + plan.inclusive
        if wanted > plan.clamp:
            wanted = plan.clamp
            self.counts["clamped"] += total > window.start + plan.clamp
        rows = world.show(window.start, window.start + wanted, self.now, lag)
        nonsense = self.chance.choice([0, 1, 999]) if rows else 0
        length = {"total": total, "page": len(rows), "nonsense": nonsense, "absent": None}
        return rows, length[plan.length], at

    def _is_cold(self, project_id: int) -> bool:
        """A cache that nobody asked for a while is empty at first."""
        if not self.plan.warming:
            return False
        asked, warm = self._warm.get(project_id, (-1e9, 0.0))
        if self.now - asked > 800:
            warm = self.now + self.plan.warming
        self._warm[project_id] = (self.now, warm)
        return self.now < warm


# The judge


def judge(desk: Desk) -> None:
    """Compare what was told with the world as it is at the end. Raises AssertionError."""
    for project_id, world in desk.worlds.items():
        _judge(desk, project_id, world)


def _judge(desk: Desk, project_id: int, world: World) -> None:  # noqa: C901 (two comparisons)
    seed, folded, numbers, gaps = desk.seed, {}, {}, set()
    for _, change in desk.history.changes():
        if change.project_id != project_id:
            continue
        tell(folded, change)
        match change:
            case OrderAdded():
                numbers[thing(project_id, change.order)] = (project_id, change.deployment, change.order.id)
            case Gap():
                gaps.add(int(change.key.split(":")[2]))
            case _:
                pass
    keys = {key: it for it, key in numbers.items()}
    assert len(keys) == len(numbers), f"seed {seed}: two orders with one key"

    def compare(row: Order[Any], what: str) -> str | None:
        key = numbers.get(thing(project_id, row))
        old = desk.told_since is not None and row.time.timestamp() < desk.told_since
        if key is None:
            return None if old else f"{what} {row.id} is not told"
        fold = folded[key]
        if old:
            return None
        if sorted(fold.events) != list(range(len(row.events))):
            return f"{what} {row.id} has {len(row.events)} events, and {sorted(fold.events)} are told"
        if fold.whole != row:
            return f"{what} {row.id} is told as {fold.whole}, and is {row}"
        return None

    for row in world.rows:
        if (wrong := compare(row, "order")) is not None:
            raise AssertionError(f"seed {seed}: lost: {wrong}")
    for name, rows in world.erased.items():
        placed = {numbers[it][1] for row in rows if (it := thing(project_id, row)) in numbers}
        if not placed or placed & gaps:
            told = [folded[numbers[it]] for row in rows if (it := thing(project_id, row)) in numbers]
            told_events = sum(len(fold.events) for fold in told)
            desk.counts["erased unread"] += len(rows) - len(told) + sum(len(row.events) for row in rows) - told_events
            continue
        for row in rows:
            if (wrong := compare(row, f"erased order of {name}")) is not None:
                raise AssertionError(f"seed {seed}: lost without a gap: {wrong}")


def watch(seed: int, desk: Callable[..., Desk] = Desk) -> Counter[str]:
    """One run, examined. Returns what happened in it, counted."""
    watched = desk(seed)
    watched.run()
    if (seed % 7 == 0 and watched.counts["crash"]) or watched.failing:
        calm = desk(seed, crashes=False, failures=False)
        watched.history.undisturbed = calm.run()
        unread = watched.counts["quarantined"] + calm.counts["quarantined"]
        watched.history.renumbered = watched.plan.width > 1 or unread > 0
        watched.history.erasable = any(world.erasures for world in watched.worlds.values())
    check(watched.history)
    judge(watched)
    counts = watched.counts
    counts["run"] += 1
    counts["undisturbed run"] += watched.history.undisturbed is not None
    counts["told"] += sum(1 for _ in watched.history.changes())
    for world in watched.worlds.values():
        counts.update(world.told)
    return counts
