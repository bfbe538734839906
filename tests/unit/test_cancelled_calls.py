"""A call that waits for something is cancelled at every turn of the event loop, in virtual time.

Turns are counted together with jumps of the clock, so every state that the call passes through is met. It ends at
once, gives back what it held, and nothing more is sent on its behalf: a cancellation is no reason for tenacity to try
again.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import anyio
import anyio.lowlevel
import pytest
import trio

import qcasync
from qcasync.simulator import Conditions, FaultKind
from tests.integration.ticks import permits_free
from tests.support import EPOCH, World, world

pytestmark = pytest.mark.anyio

MAX_TURNS: Final = 500
ENOUGH: Final = 3
"""Calls that end by themselves, one after the other: then a later turn finds none running."""
FEWEST: Final = 5
"""Turns that the shortest call takes; on trio, which shuffles, it varies. Fewer, and nothing would have been tested."""
FOLLOW_UPS: Final = 20
LATER: Final = 400.0
"""Seconds after which everything that may still wait has had its turn."""

Call = Callable[[], Awaitable[object]]
Cancel = Callable[[Call, int, "Turns"], Awaitable[bool]]


# Turns


class Turns(trio.abc.Instrument):
    """Counts turns, in which all others run once, or time passes until one of them can."""

    def __init__(self) -> None:
        self._runnable: set[object] = set()

    def task_scheduled(self, task: trio.lowlevel.Task) -> None:
        self._runnable.add(task)

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._runnable.discard(task)

    async def take(self) -> None:
        """Wait for one turn."""
        seconds = self._idle_on_trio() if trio.lowlevel.in_trio_run() else self._idle_on_asyncio()
        await (anyio.sleep(seconds) if 0 < seconds < LATER else anyio.lowlevel.checkpoint())

    def _idle_on_trio(self) -> float:
        return 0.0 if self._runnable else trio.lowlevel.current_statistics().seconds_to_next_deadline

    @staticmethod
    def _idle_on_asyncio() -> float:
        loop: Any = asyncio.get_running_loop()  # nothing public tells who is ready, and when the next timer is due
        timers = [timer.when() for timer in loop._scheduled if not timer.cancelled()]
        return 0.0 if loop._ready else min(timers, default=0.0) - loop.time()


@pytest.fixture
def turns(anyio_backend_name: str) -> Turns:
    """A counter of turns."""
    return Turns()


# Cancellations, which take no time


async def by_scope(call: Call, number: int, turns: Turns) -> bool:
    """Cancel the scope around a call after so many turns. Returns whether it was still running."""
    running = True

    async def run() -> None:
        nonlocal running
        await call()
        running = False

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        for _ in range(number):
            await turns.take()
        cancelled = anyio.current_time()
        group.cancel_scope.cancel()
    assert anyio.current_time() == cancelled
    return running


async def natively(call: Call, number: int, turns: Turns) -> bool:
    """The same by `task.cancel()`."""
    task = asyncio.ensure_future(call())
    for _ in range(number):
        await turns.take()
    cancelled = anyio.current_time()
    running = task.cancel()
    try:
        await task
        assert not running, "a cancellation was swallowed"
    except asyncio.CancelledError:
        assert running
    assert anyio.current_time() == cancelled
    return running


WAYS: Final[dict[str, tuple[Cancel, ...]]] = {"asyncio": (by_scope, natively), "trio": (by_scope,)}


# What a call may wait for


async def _all_at_once(*calls: Call) -> None:
    async with anyio.create_task_group() as group:
        for call in calls:
            group.start_soon(call)


@asynccontextmanager
async def _meanwhile(here: World, *calls: Call) -> AsyncGenerator[None, None]:
    """Calls of others, which are under way in the block, and end by themselves."""
    async with anyio.create_task_group() as group:
        for call in calls:
            group.start_soon(call)
        while here.transport.in_flight < len(calls):
            await anyio.lowlevel.checkpoint()
        yield


@asynccontextmanager
async def ten_workers(here: World) -> AsyncGenerator[Call, None]:
    """Fifteen windows of two orders, by ten workers."""
    project = here.simulator.add_project([30])
    yield lambda: here.client.live.list_orders(project.id)


@asynccontextmanager
async def backoff(here: World) -> AsyncGenerator[Call, None]:
    """Three failed attempts, each followed by a longer wait."""
    here.simulator.fault(FaultKind.EMPTY_500, times=3)
    yield here.client.authenticate


@asynccontextmanager
async def retry_after(here: World) -> AsyncGenerator[Call, None]:
    """The server throttles, and says for how long."""
    here.simulator.fault(FaultKind.RETRY_AFTER_429, retry_after="7")
    yield here.client.authenticate


@asynccontextmanager
async def the_rate(here: World) -> AsyncGenerator[Call, None]:
    """The place in the schedule, 2 s after the last one."""
    await here.client.authenticate()
    yield here.client.authenticate


@asynccontextmanager
async def the_leader(here: World) -> AsyncGenerator[Call, None]:
    """Another call finds out about the server's clock."""
    async with _meanwhile(here, here.client.authenticate):
        yield here.client.authenticate


@asynccontextmanager
async def each_other(here: World) -> AsyncGenerator[Call, None]:
    """The leader is one of those cancelled, and there is one permit for all."""
    yield lambda: _all_at_once(*[here.client.authenticate] * 3)


@asynccontextmanager
async def the_gate(here: World) -> AsyncGenerator[Call, None]:
    """Another call has the only permit."""
    await here.client.authenticate()
    async with _meanwhile(here, here.client.authenticate):
        yield here.client.authenticate


@asynccontextmanager
async def the_reserve(here: World) -> AsyncGenerator[Call, None]:
    """Calls on the market, of which one waits even for the permit that is kept for them."""
    await here.client.authenticate()
    first, second = (here.simulator.add_project([1]).id for _ in range(2))
    async with _meanwhile(here, here.client.authenticate):
        yield lambda: _all_at_once(
            lambda: here.client.live.stop(first),
            lambda: here.client.live.liquidate(second),
        )


@asynccontextmanager
async def loading(here: World) -> AsyncGenerator[Call, None]:
    """The server prepares the data."""
    project = here.simulator.add_project([3])
    yield lambda: here.client.live.read_orders(project.id, 0, 100)


@asynccontextmanager
async def the_next_look(here: World) -> AsyncGenerator[Call, None]:
    """What became of a call with effect is looked for."""
    project = here.simulator.add_project([1])
    intent = qcasync.Intent(
        id="i", account="a", endpoint="live/update/stop", project_id=project.id, at=datetime.fromtimestamp(EPOCH, UTC)
    )
    yield lambda: here.client.live.reconcile(intent, timeout=6.0)


@dataclass(frozen=True)
class Wait:
    """A call that waits, and the world in which it does.

    Attributes:
        follow_ups: Seconds that 20 further calls take in that world, if nothing is in their way.
    """

    scene: Callable[[World], AbstractAsyncContextManager[Call]]
    conditions: dict[str, Any] = field(default_factory=lambda: {"latency": 1.0})
    options: dict[str, Any] = field(default_factory=dict)
    follow_ups: float = 3.0


WAITS: Final = (
    Wait(ten_workers, {"latency": 0.2, "clamp": 2}, follow_ups=0.6),
    Wait(backoff),
    Wait(retry_after, follow_ups=7 + 20 / 0.5 + 1),
    Wait(the_rate, options={"requests_per_second": 0.5}, follow_ups=20 / 0.5 + 2),
    Wait(the_leader),
    Wait(each_other, options={"max_concurrency": 1}, follow_ups=20.0),
    Wait(the_gate, options={"max_concurrency": 1}, follow_ups=20.0),
    Wait(the_reserve, options={"max_concurrency": 1, "allow_trading": True}, follow_ups=20.0),
    Wait(loading, {"latency": 0.2, "loading": 3}, follow_ups=0.6),
    Wait(the_next_look, {"latency": 0.2}, follow_ups=0.6),
)


# The test


async def cancelled_once(wait: Wait, cancel: Cancel, number: int, turns: Turns) -> bool:
    """Cancel a call in a new world, and assert that the world is as before. Returns whether it was still running."""
    async with world(Conditions(**wait.conditions), **wait.options) as here:
        async with wait.scene(here) as call:
            running = await cancel(call, number, turns)
            sent = here.count()
        assert here.count() == sent
        assert here.transport.in_flight == 0
        assert permits_free(here.client)
        here.simulator.clear_faults()
        began = anyio.current_time()
        await _all_at_once(*[here.client.authenticate] * FOLLOW_UPS)
        assert anyio.current_time() - began <= wait.follow_ups + 0.001
        await anyio.sleep(LATER)
        assert here.count() == sent + FOLLOW_UPS
    return running


@pytest.mark.parametrize("wait", WAITS, ids=lambda wait: wait.scene.__name__)
async def test_cancelled_at_every_turn(wait: Wait, turns: Turns, anyio_backend_name: str) -> None:
    """Whatever it waits for: no permit is kept, nothing more is sent, and the next 20 calls succeed without delay."""
    if anyio_backend_name == "trio":
        trio.lowlevel.add_instrument(turns)
    for cancel in WAYS[anyio_backend_name]:
        number = finished = 0
        while finished < ENOUGH:
            assert number < MAX_TURNS, "the call does not end"
            finished = 0 if await cancelled_once(wait, cancel, number, turns) else finished + 1
            number += 1
        assert number - finished >= FEWEST
