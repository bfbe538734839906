"""A store as the watch uses it: one call at a time, again when the disk refuses, and closed whatever happens."""

import asyncio
import logging
import threading
import time
from typing import Any

import anyio
import pytest

from qcasync.errors import CheckpointError
from qcasync.models.changes import Change
from qcasync.poller.checkpoint import Checkpoint
from qcasync.poller.memory_store import MemoryStore
from tests.support import EPOCH, true_time
from tests.unit.poller.watching import Moody, full, lines, sequences, stream, taken

pytestmark = pytest.mark.anyio


def spoken(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message.split(";")[0] for record in caplog.records if record.levelno >= logging.WARNING]


async def test_nothing_is_told_that_is_not_kept(caplog: pytest.LogCaptureFixture) -> None:
    store = Moody()
    async with stream(store) as here, anyio.create_task_group() as group:
        store.refuses = full("commit")
        group.start_soon(here.tell, 1)
        await anyio.sleep(100)
        assert here.changes.stalled == "cannot be written"
        assert here.changes.waiting == 0
        tries = store.calls.count("commit")
        assert tries == 7  # after 1, 2, 4, 8, ... seconds
        store.refuses = lambda _: None
        await anyio.sleep(60)
        assert here.changes.stalled is None
        assert here.changes.waiting == 1
    assert spoken(caplog) == ["the checkpoint cannot be written", "the checkpoint can be written again"]


async def test_one_line_for_everybody_who_waits(caplog: pytest.LogCaptureFixture) -> None:
    """Small commits may pass while great ones do not, and the renewal is one more that asks."""
    store = Moody()
    async with stream(store) as here, anyio.create_task_group() as group:
        group.start_soon(here.checkpoint.keep_renewed)
        await here.tell(1)
        change = await here.changes.__anext__()
        store.refuses = full("commit", "renew")
        for number in range(2, 6):
            group.start_soon(here.tell, number)
        await anyio.sleep(50)
        await change.ack()  # passes
        assert here.changes.stalled == "cannot be written"
        await anyio.sleep(200)
        store.refuses = full("renew")
        await anyio.sleep(100)
        store.refuses = lambda _: None
        await anyio.sleep(100)
        group.cancel_scope.cancel()
    told = spoken(caplog)
    assert told[0] == "the checkpoint cannot be written"
    assert told[-1] == "the checkpoint can be written again"
    assert len(told) <= 4  # the renewal alone counts anew


async def test_reads_are_as_patient_as_writes(caplog: pytest.LogCaptureFixture) -> None:
    store = Moody()
    async with stream(store) as before:
        await before.tell(*range(3))
    async with stream(store) as here, anyio.create_task_group() as group:
        store.refuses = full("pending", "orders", "open_orders", "memories")
        came: list[Change] = []

        async def consume() -> None:
            came.append(await here.changes.__anext__())

        group.start_soon(consume)
        group.start_soon(here.checkpoint.open_orders, 7)
        group.start_soon(here.checkpoint.memories, [7])
        group.start_soon(here.checkpoint.orders, 7, [(1, 1)])
        await anyio.sleep(100)
        assert came == []
        store.refuses = lambda _: None
        await anyio.sleep(60)
        assert sequences(came) == [1]
    assert spoken(caplog) == ["the checkpoint cannot be written", "the checkpoint can be written again"]


async def test_who_took_the_store_is_told_at_once() -> None:
    store = Moody()
    async with stream(store) as here:
        store.refuses = taken("commit", "renew")
        with pytest.raises(CheckpointError, match="taken over") as caught:
            await here.tell(1)
        assert caught.value.lasting
        with pytest.raises(CheckpointError):
            await here.checkpoint.keep_renewed()
    assert store.calls.count("renew") == 1


async def test_nobody_waits_for_a_disk_when_the_watch_has_ended() -> None:
    store = Moody()
    async with anyio.create_task_group() as group, stream(store) as here:
        await here.tell(1)
        change = await here.changes.__anext__()
        store.refuses = full("acknowledge")
        failed: list[CheckpointError] = []

        async def acknowledge() -> None:
            try:
                await change.ack()
            except CheckpointError as error:
                failed.append(error)

        group.start_soon(acknowledge)
        await anyio.sleep(100)
        ended = anyio.current_time()
    assert failed
    assert anyio.current_time() == ended
    assert store.calls[-1] == "close"


async def test_a_store_that_somebody_else_uses_is_not_closed() -> None:
    store = MemoryStore()
    async with stream(store) as here:
        second = Checkpoint(store, true_time)
        with pytest.raises(CheckpointError, match="in use"):
            await second.open("mine", EPOCH, rebuild=False)
        await second.close()
        await here.tell(1)
        assert here.changes.waiting == 1


async def test_closed_in_spite_of_a_cancellation() -> None:
    store = Moody()
    with anyio.CancelScope() as scope:
        async with stream(store) as here:
            await here.tell(1)
            scope.cancel()
    assert store.calls[-1] == "close"


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
class TestThreads:
    """A store that blocks, in real time: threads and virtual time do not mix."""

    async def test_a_native_cancellation_waits_for_the_thread(self) -> None:
        store = Slow()
        async with stream(store) as here:
            await here.tell(1, 2)
            change = await here.changes.__anext__()
            store.seconds = 0.1
            task = asyncio.ensure_future(change.ack())
            await begun(store)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert store.at_once == 0
            assert here.changes.waiting == 1, "it was acknowledged; the next one may come"
            following = await here.changes.__anext__()
            assert following.sequence == 2
        assert store.most == 1

    async def test_cancelled_natively_while_it_opens_it_is_closed_again(self) -> None:
        store = Slow(0.1)
        checkpoint = Checkpoint(store, time.time)
        task = asyncio.ensure_future(checkpoint.open("mine", EPOCH, rebuild=False))
        await begun(store)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await checkpoint.close()
        assert store.calls == ["open", "close"]

    async def test_cancelled_natively_while_it_closes_it_is_closed(self) -> None:
        store = Slow()
        checkpoint = Checkpoint(store, time.time)
        await checkpoint.open("mine", EPOCH, rebuild=False)
        store.seconds = 0.05
        commit = asyncio.ensure_future(checkpoint.commit(lines([1]), lambda _: None))
        await begun(store)
        task = asyncio.ensure_future(checkpoint.close())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert store.calls[-1] == "close"
        assert store.at_once == 0
        await commit

    async def test_the_threads_of_others_do_not_keep_it_waiting(self) -> None:
        store, limiter = Slow(), anyio.to_thread.current_default_thread_limiter()
        limiter.total_tokens = 1
        release = threading.Event()
        async with stream(store) as here, anyio.create_task_group() as group:
            group.start_soon(anyio.to_thread.run_sync, release.wait)
            await anyio.sleep(0.01)
            with anyio.fail_after(5):
                await here.tell(1)
            release.set()


class Slow(Moody):
    """A store in memory whose calls take a while, in threads.

    Attributes:
        at_once: How many calls are being made.
        most: How many there ever were at once.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__()
        self.blocking = True
        self.seconds = seconds
        self.at_once = self.most = 0

    def __getattr__(self, name: str) -> Any:
        called = super().__getattr__(name)

        def slowly(*args: Any, **options: Any) -> Any:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            try:
                time.sleep(self.seconds)
                return called(*args, **options)
            finally:
                self.at_once -= 1

        return slowly


async def begun(store: Slow) -> None:
    """Wait until a call is being made."""
    while not store.at_once:  # noqa: ASYNC110 (a thread makes it)
        await asyncio.sleep(0.001)
