"""Looks when they are due, in virtual time: order is forced with events and moments, never with delays of chance."""

import gc
import random
import weakref
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
import pytest

from qcasync.poller.schedule import NEVER, SPARE, Schedule

pytestmark = pytest.mark.anyio


class Bench:
    """A schedule, and a list of the looks that it made."""

    def __init__(self, limit: int = 32) -> None:
        self.schedule = Schedule(limit)
        self.began: list[tuple[float, int, str]] = []
        self.ended: list[tuple[float, int, str]] = []
        self.running: Counter[int] = Counter()
        self.most = 0
        self.start = anyio.current_time()

    @property
    def now(self) -> float:
        return round(anyio.current_time() - self.start, 6)

    def add(self, owner: int, name: str, due: float, *, every: float = NEVER, takes: float | anyio.Event = 0.0) -> None:
        """Look from a moment on, every so many seconds from the end of the look before."""

        async def look() -> float:
            self.began.append((self.now, owner, name))
            self.running[owner] += 1
            assert self.running[owner] == 1
            self.most = max(self.most, self.running.total())
            if isinstance(takes, anyio.Event):
                await takes.wait()
            else:
                await anyio.sleep(takes)
            self.running[owner] -= 1
            self.ended.append((self.now, owner, name))
            return anyio.current_time() + every

        self.schedule.add(owner, name, look, self.start + due)

    def hasten(self, owner: int, name: str, due: float) -> None:
        self.schedule.hasten(owner, name, self.start + due)

    async def until(self, moment: float) -> None:
        await anyio.sleep_until(self.start + moment)
        await anyio.wait_all_tasks_blocked()


@asynccontextmanager
async def bench(limit: int = 32) -> AsyncGenerator[Bench, None]:
    made = Bench(limit)
    async with anyio.create_task_group() as group:
        group.start_soon(made.schedule.run, group)
        await anyio.wait_all_tasks_blocked()
        yield made
        group.cancel_scope.cancel()


async def test_looks_are_made_when_they_are_due_and_again_when_they_say() -> None:
    async with bench() as at:
        at.add(1, "orders", 5.0, every=10.0, takes=1.0)
        at.add(2, "orders", 2.0, every=20.0)
        await at.until(30.0)
        assert at.began == [
            (2.0, 2, "orders"),
            (5.0, 1, "orders"),
            (16.0, 1, "orders"),
            (22.0, 2, "orders"),
            (27.0, 1, "orders"),
        ]


async def test_one_look_at_a_time_for_each_project() -> None:
    """What is due meanwhile comes right after, in the order in which it was due; other projects do not wait."""
    async with bench() as at:
        at.add(1, "orders", 0.0, takes=10.0)
        at.add(1, "logs", 3.0, takes=1.0)
        at.add(1, "charts", 2.0, takes=1.0)
        at.add(2, "orders", 4.0)
        await at.until(20.0)
        assert at.began == [(0.0, 1, "orders"), (4.0, 2, "orders"), (10.0, 1, "charts"), (11.0, 1, "logs")]


async def test_few_at_once() -> None:
    async with bench(3) as at:
        for owner in range(1, 11):
            at.add(owner, "orders", 0.0, takes=1.0)
        await at.until(10.0)
        assert at.most == 3
        assert [moment for moment, *_ in at.began] == [0.0] * 3 + [1.0] * 3 + [2.0] * 3 + [3.0]


async def test_a_look_that_is_stuck_does_not_delay_others() -> None:
    async with bench(2) as at:
        at.add(1, "orders", 0.0, takes=anyio.Event())
        for owner in range(2, 5):
            at.add(owner, "orders", float(owner), every=10.0)
        await at.until(1000.0)
        counts = Counter(owner for _, owner, _ in at.began)
        assert counts == {1: 1, 2: 100, 3: 100, 4: 100}


async def test_what_is_hastened_is_looked_at_earlier_and_not_twice() -> None:
    async with bench() as at:
        at.add(1, "orders", 100.0, every=100.0)
        at.hasten(1, "orders", 50.0)
        at.hasten(1, "orders", 10.0)
        at.hasten(1, "orders", 70.0)  # later than it is due by now
        at.hasten(1, "nothing", 1.0)
        at.hasten(2, "orders", 1.0)
        await at.until(150.0)
        assert [moment for moment, *_ in at.began] == [10.0, 110.0]


async def test_what_is_hastened_while_it_is_looked_at_is_looked_at_again() -> None:
    """The look may have read too early to see what it was hastened for."""
    async with bench() as at:
        at.add(1, "orders", 0.0, every=100.0, takes=10.0)
        await at.until(5.0)
        at.hasten(1, "orders", 20.0)
        at.hasten(1, "orders", 4.0)
        at.hasten(1, "orders", 30.0)
        await at.until(130.0)
        assert [moment for moment, *_ in at.began] == [0.0, 10.0, 120.0]


async def test_what_is_hastened_while_it_waits_for_its_project() -> None:
    async with bench() as at:
        at.add(1, "orders", 0.0, takes=10.0)
        at.add(1, "logs", 2.0, every=100.0, takes=1.0)
        await at.until(3.0)
        at.hasten(1, "logs", 1.0)
        await at.until(50.0)
        assert at.began == [(0.0, 1, "orders"), (10.0, 1, "logs")]


async def test_what_never_comes_again_can_be_hastened() -> None:
    """So a project whose consumer was slow is looked at again."""
    async with bench() as at:
        at.add(1, "orders", 0.0)
        await at.until(1000.0)
        at.hasten(1, "orders", 1000.0)
        await at.until(1001.0)
        assert [moment for moment, *_ in at.began] == [0.0, 1000.0]


async def test_what_is_removed_is_looked_at_no_more() -> None:
    """Neither what is due, nor what waits for its project; the look that is being made goes on to its end."""
    async with bench() as at:
        at.add(1, "orders", 0.0, every=5.0, takes=10.0)
        at.add(1, "logs", 2.0)
        at.add(1, "charts", 50.0)
        await at.until(5.0)
        at.schedule.remove(1)
        at.schedule.remove(1)
        at.schedule.remove(2)
        at.hasten(1, "orders", 5.0)
        await at.until(1000.0)
        assert (at.began, at.ended) == ([(0.0, 1, "orders")], [(10.0, 1, "orders")])


async def test_what_is_removed_while_it_waits_for_others_is_not_looked_at() -> None:
    """It was due, and there was no room; and whoever comes back is looked at as planned then."""
    async with bench(1) as at:
        at.add(1, "orders", 0.0, takes=10.0)
        at.add(2, "orders", 1.0)
        at.add(3, "orders", 2.0)
        await at.until(5.0)
        at.schedule.remove(2)
        at.schedule.remove(3)
        at.add(3, "orders", 7.0)
        await at.until(100.0)
        assert at.began == [(0.0, 1, "orders"), (10.0, 3, "orders")]


async def test_what_is_hastened_while_it_waits_for_others_is_looked_at_once() -> None:
    async with bench(1) as at:
        at.add(1, "orders", 0.0, takes=10.0)
        at.add(2, "orders", 1.0)
        await at.until(5.0)
        at.hasten(2, "orders", 0.5)
        await at.until(100.0)
        assert at.began == [(0.0, 1, "orders"), (10.0, 2, "orders")]


async def test_a_project_that_comes_back_waits_for_its_last_look() -> None:
    async with bench() as at:
        at.add(1, "orders", 0.0, every=5.0, takes=10.0)
        await at.until(1.0)
        at.schedule.remove(1)
        at.add(1, "orders", 2.0, every=100.0)
        await at.until(100.0)
        assert at.began == [(0.0, 1, "orders"), (10.0, 1, "orders")]


async def test_what_is_added_again_takes_the_place_of_the_former() -> None:
    async with bench() as at:
        at.add(1, "orders", 5.0, every=5.0)
        at.add(1, "orders", 7.0, every=50.0)
        await at.until(60.0)
        assert [moment for moment, *_ in at.began] == [7.0, 57.0]


async def test_after_a_long_sleep_there_is_one_look_and_not_a_hundred() -> None:
    """The computer was asleep over a hundred periods: here, a look that blocks that long."""
    async with bench(1) as at:
        at.add(1, "orders", 0.0, takes=60_000.0)
        for owner in range(2, 6):
            at.add(owner, "orders", 600.0, every=600.0)
        await at.until(60_001.0)
        assert Counter(owner for _, owner, _ in at.began) == {1: 1, 2: 1, 3: 1, 4: 1, 5: 1}


async def test_a_look_that_raises_ends_the_watch() -> None:
    """Looks catch what they expect; what they raise is for the user."""

    async def look() -> float:
        raise LookupError

    schedule = Schedule(1)
    schedule.add(1, "orders", look, 0.0)
    with pytest.raises(ExceptionGroup) as caught:
        async with anyio.create_task_group() as group:
            await schedule.run(group)
    assert caught.group_contains(LookupError)


async def test_never_more_looks_than_are_due() -> None:
    """Random additions, removals and haste; each look is at its time or right after, and every period has one."""
    rng = random.Random(7)
    async with bench(1000) as at:
        for owner in range(1, 101):
            at.add(owner, "orders", rng.uniform(0, 60), every=60.0)
        await at.until(6060.0)
        counts = Counter(owner for _, owner, _ in at.began)
        assert set(counts.values()) <= {100, 101}
        assert len(counts) == 100


async def test_many_that_come_and_go_leave_nothing_behind() -> None:
    """10,000 projects, in any order, some of them while they are looked at."""

    class Project:
        """What a look holds on to."""

        def __init__(self, seconds: float) -> None:
            self.seconds = seconds

        async def look(self) -> float:
            await anyio.sleep(self.seconds)
            return anyio.current_time() + 600.0

    def looking(project: Project) -> Callable[[], Awaitable[float]]:
        return project.look

    rng, alive = random.Random(3), weakref.WeakSet[Project]()
    async with bench(20) as at:
        watched: list[int] = []
        for owner in range(1, 10_001):
            project = Project(rng.uniform(0, 2))
            alive.add(project)
            for name in ("orders", "logs"):
                at.schedule.add(owner, name, looking(project), anyio.current_time() + rng.uniform(0, 5))
            watched.append(owner)
            if rng.random() < 0.3:
                at.schedule.hasten(rng.choice(watched), "orders", anyio.current_time())
            while watched and rng.random() < 0.5:
                at.schedule.remove(watched.pop(rng.randrange(len(watched))))
            if owner % 20 == 0:
                await anyio.sleep(rng.uniform(0, 3))
            assert len(at.schedule._heap) <= 4 * (len(watched) + 20) + SPARE
        del project
        for owner in watched:
            at.schedule.remove(owner)
        await at.until(anyio.current_time() - at.start + 3.0)
        schedule = at.schedule
        assert (schedule._entries, schedule._size, schedule._busy, dict(schedule._held)) == ({}, 0, set(), {})
        assert len(schedule._heap) <= SPARE
        assert schedule._limit.borrowed_tokens == 0
        gc.collect()
        assert len(alive) <= SPARE


async def test_haste_without_end_leaves_nothing_behind() -> None:
    async with bench() as at:
        at.add(1, "orders", 10_000.0)
        for moment in range(9999, 0, -1):
            at.hasten(1, "orders", float(moment))
        assert len(at.schedule._heap) <= SPARE + 3
        await at.until(20_000.0)
        assert [moment for moment, *_ in at.began] == [1.0]
