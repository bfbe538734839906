"""The stream of changes: in sequence for each project, the next one when the one before is acknowledged."""

import asyncio
import logging
from typing import Any

import anyio
import msgspec
import pytest

from qcasync.errors import ConfigurationError
from qcasync.models.changes import Change
from qcasync.poller.delivery import FULL, PREFETCH
from qcasync.poller.memory_store import MemoryStore
from tests.unit.poller.watching import Moody, line, sequences, stream

pytestmark = pytest.mark.anyio


async def soon(stream_: Any, seconds: float = 1.0) -> Change | None:
    """The next change; None if none comes."""
    with anyio.move_on_after(seconds):
        change: Change = await stream_.changes.__anext__()
        return change
    return None


async def test_the_next_change_of_a_project_comes_after_the_acknowledgement() -> None:
    async with stream() as here:
        await here.tell(1, 2)
        await here.tell(1, project_id=8)
        first, other = await soon(here), await soon(here)
        assert first is not None
        assert other is not None
        assert (first.project_id, first.sequence, other.project_id) == (7, 1, 8)
        assert await soon(here) is None
        await first.ack()
        second = await soon(here)
        assert second is not None
        assert (second.project_id, second.sequence, second.attempt) == (7, 2, 1)
        assert here.changes.waiting == 2


async def test_a_change_is_delivered_once_though_others_are_told_while_it_is_loaded() -> None:
    """The turn of a project that is being loaded is not given away again."""
    store = MemoryStore()
    async with stream(store) as before:
        await before.tell(*range(3))
    async with stream(store) as here:
        came: list[Change] = []

        async def take() -> None:
            change = await soon(here)
            if change is not None:
                came.append(change)

        async with anyio.create_task_group() as group:
            for number in range(5):
                group.start_soon(here.tell, 100 + number)
                group.start_soon(take)
                group.start_soon(take)
        assert sequences(came) == [1]
        assert await soon(here) is None


async def test_changes_told_while_older_ones_are_loaded_come_once_and_in_turn() -> None:
    store = MemoryStore()
    async with stream(store) as before:
        await before.tell(*range(PREFETCH + 3))
    async with stream(store) as here:
        came: list[Change] = []
        async with anyio.create_task_group() as group:

            async def consume() -> None:
                async for change in here.changes:
                    came.append(change)
                    await change.ack()
                    if change.sequence % 7 == 0:
                        number = 1000 + change.sequence
                        group.start_soon(here.tell, number, number + 2000)

            group.start_soon(consume)
            await anyio.sleep(10)
            group.cancel_scope.cancel()
        last = came[-1].sequence
        assert last > PREFETCH + 3
        assert sequences(came) == list(range(1, last + 1))
        assert here.changes.waiting == 0


async def test_tasks_share_the_stream() -> None:
    async with stream() as here:
        busy: set[int] = set()
        came: list[Change] = []

        async def consume(seconds: float) -> None:
            async for change in here.changes:
                assert change.project_id not in busy, "two of a project at once"
                busy.add(change.project_id)
                came.append(change)
                await anyio.sleep(seconds)
                busy.remove(change.project_id)
                await change.ack()

        async with anyio.create_task_group() as group:
            for seconds in (0.1, 0.3, 0.7):
                group.start_soon(consume, seconds)
            for number in range(40):
                for project_id in (7, 8, 9, 10):
                    await here.tell(number, project_id=project_id)
                await anyio.sleep(0.05)
            await anyio.sleep(60)
            here.changes.close()
        for project_id in (7, 8, 9, 10):
            assert sequences(came, project_id) == list(range(1, 41))


async def test_acknowledged_twice_at_once_counts_once() -> None:
    async with stream() as here:
        await here.tell(1, 2, 3)
        first = await soon(here)
        assert first is not None
        async with anyio.create_task_group() as group:
            group.start_soon(first.ack)
            group.start_soon(first.ack)
        await first.ack()
        second = await soon(here)
        assert second is not None
        assert second.sequence == 2
        assert here.changes.waiting == 2


async def test_acknowledgements_that_make_no_sense_are_refused() -> None:
    async with stream() as here:
        await here.tell(1, 2)
        first = await soon(here)
        assert first is not None
        ahead = msgspec.structs.replace(first, sequence=2)
        vars(ahead).update(vars(first))
        with pytest.raises(ConfigurationError, match="not the one to be acknowledged"):
            await ahead.ack()
        with pytest.raises(ConfigurationError, match="not delivered by a watch"):
            await line(1).ack()
        foreign = line(1, project_id=99)
        vars(foreign).update(vars(first))
        with pytest.raises(ConfigurationError, match="not the one to be acknowledged"):
            await foreign.ack()
    with pytest.raises(ConfigurationError, match="watch has ended"):
        await first.ack()


async def test_an_acknowledged_change_may_be_acknowledged_after_the_end() -> None:
    async with stream() as here:
        await here.tell(1)
        change = await soon(here)
        assert change is not None
        await change.ack()
    await change.ack()


async def test_the_iteration_ends_with_the_watch() -> None:
    came: list[Change] = []
    async with anyio.create_task_group() as group, stream() as here:

        async def consume() -> None:
            came.extend([change async for change in here.changes])

        group.start_soon(consume)
        await here.tell(1, 2)
        await anyio.sleep(1)
    assert sequences(came) == [1]


async def test_a_cancelled_wait_loses_nothing() -> None:
    store = MemoryStore()
    async with stream(store) as before:
        await before.tell(*range(5))
    async with stream(store) as here:
        for _ in range(3):
            with anyio.CancelScope() as scope:
                scope.cancel()
                await here.changes.__anext__()
        with anyio.move_on_after(0.5):
            first = await soon(here)
            assert first is not None
            assert await soon(here) is None
        await first.ack()
        second = await soon(here)
        assert second is not None
        assert second.sequence == 2


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_cancelled_natively_at_every_turn_nothing_is_lost_or_told_twice() -> None:
    store = MemoryStore()
    async with stream(store) as here:
        await here.tell(*range(400))
        came: list[Change] = []

        async def consume() -> None:
            async for change in here.changes:
                if not came or came[-1].sequence != change.sequence:
                    came.append(change)
                await change.ack()

        turns = 0
        while here.changes.waiting:
            turns += 1
            task = asyncio.ensure_future(consume())
            for _ in range(turns % 13):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            head = here.changes._queues[7].out
            if head is not None:
                await head.ack()
        assert turns > 13
        assert sequences(came) == sorted(set(sequences(came)))
        assert store.waiting() == {}


async def test_what_was_not_acknowledged_comes_again_with_the_next_watch() -> None:
    store = MemoryStore()
    async with stream(store) as here:
        await here.tell(1, 2, 3)
        first = await soon(here)
        assert first is not None
        await first.ack()
        assert (await soon(here)) is not None
    async with stream(store) as here:
        came = []
        for _ in range(2):
            change = await soon(here)
            assert change is not None
            came.append((change.sequence, change.attempt))
            await change.ack()
        assert came == [(2, 2), (3, 1)]
        assert await soon(here) is None


async def test_few_changes_of_a_project_are_in_memory() -> None:
    async with stream() as here:
        await here.tell(*range(10_000 // 10))
        for part in range(1, 10):
            await here.tell(*range(part * 1000, part * 1000 + 1000))
        count = most = 0
        async for change in here.changes:
            count += 1
            queue = here.changes._queues[7]
            most = max(most, len(queue.loaded))
            assert change.sequence == count
            await change.ack()
            if not here.changes.waiting:
                break
        assert count == 10_000
        assert most == PREFETCH


async def test_the_project_is_looked_at_again_when_half_was_taken() -> None:
    async with stream() as here:
        drained: list[int] = []
        here.changes.drained = drained.append
        await here.tell(*range(FULL - 1))
        assert not here.changes.is_full(7)
        await here.tell(FULL)
        assert here.changes.is_full(7)
        async for change in here.changes:
            assert not drained
            await change.ack()
            if here.changes.waiting == FULL // 2:
                break
        assert drained == [7]


async def test_who_forgets_to_acknowledge_is_told_so_once(caplog: pytest.LogCaptureFixture) -> None:
    """For each project, by its id."""
    caplog.set_level(logging.WARNING, "qcasync")
    async with stream() as here:
        await here.tell(1, 2)
        first = await soon(here)
        assert first is not None
        assert await soon(here, 58) is None
        assert caplog.records == []
        assert await soon(here, 3) is None
        assert [record.message[:22] for record in caplog.records] == ["a change of project 7 "]
        for number in range(30):
            await here.tell(number, project_id=50 + number)
            assert await soon(here) is not None
        assert await soon(here, 1000) is None
        assert len(caplog.records) == 2
        assert "each of the projects 50, 51, 52, " in caplog.records[1].message
        assert ", 69 and 10 more was delivered" in caplog.records[1].message
        await first.ack()
        assert await soon(here) is not None
        assert await soon(here, 1000) is None
        assert len(caplog.records) == 2


async def test_who_forgets_is_told_so_while_changes_of_others_flow(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "qcasync")
    async with stream() as here:
        await here.tell(1, 2)
        assert await soon(here) is not None
        began = anyio.current_time()
        for number in range(300):
            await here.tell(number, project_id=8)
            change = await soon(here)
            assert change is not None
            await change.ack()
            await anyio.sleep(1)
            assert len(caplog.records) == (anyio.current_time() > began + 60.5)
    assert [record.message[:22] for record in caplog.records] == ["a change of project 7 "]


async def test_who_acknowledges_late_but_does_is_told_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "qcasync")
    async with stream() as here:
        for number in range(20):
            await here.tell(number)
            change = await soon(here)
            assert change is not None
            await anyio.sleep(500)
            await change.ack()
        assert await soon(here, 200) is None
    assert caplog.records == []


async def test_waiting_costs_the_store_nothing() -> None:
    store = Moody()
    async with stream(store) as here:
        await here.tell(1)
        change = await soon(here)
        assert change is not None
        await change.ack()
        store.calls.clear()
        assert await soon(here, 1000) is None
        assert store.calls == []
