"""A watch on a disk that refuses, on a store that somebody takes, and with a consumer that writes beside it."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import pytest

from qcasync.errors import CheckpointError
from qcasync.models.changes import Change, OrderAdded
from qcasync.poller.sqlite_store import SqliteStore
from qcasync.simulator import Conditions
from tests.support import true_time, world
from tests.unit.poller.test_stores import QUICK
from tests.unit.poller.watching import Moody, consuming, damaged, full, sequences, taken

pytestmark = pytest.mark.anyio


@pytest.fixture
def path() -> Iterator[Path]:
    """Where a checkpoint is to be."""
    with TemporaryDirectory(dir=QUICK) as directory:
        yield Path(directory, "live.db")


def at_hand(path: Path) -> SqliteStore:
    """A store in a file, in virtual time."""
    return SqliteStore(path, blocking=False)


async def test_while_the_disk_is_full_nothing_is_told_and_then_everything(caplog: pytest.LogCaptureFixture) -> None:
    store = Moody()
    async with world(Conditions(flush_seconds=60.0)) as here:
        ids = [here.simulator.add_project([5]).id for _ in range(40)]
        options: dict[str, Any] = {"checkpoint": store, "orders": 60.0}
        async with here.client.watch(ids, **options) as changes, consuming(changes) as came:
            await anyio.sleep(300)
            store.refuses = full("commit", "acknowledge", "renew", "orders")
            for each in ids:
                here.simulator.trade(each, 2, true_time())
            await anyio.sleep(1800)
            assert came == []
            assert changes.stalled is not None
            asked = here.count("live/orders/read")
            await anyio.sleep(1800)
            assert here.count("live/orders/read") == asked, "what cannot be kept is not read"
            store.refuses = lambda _: None
            await anyio.sleep(300)
            assert changes.stalled is None
            assert here.count("live/orders/read") > asked + 40
        told = [(each.project_id, each.order.id) for each in came if isinstance(each, OrderAdded)]
        assert sorted(told) == [(each, number) for each in sorted(ids) for number in (6, 7)]
    messages = [record.message for record in caplog.records if "checkpoint" in record.message]
    assert [message.split(";")[0] for message in messages[-2:]] == [
        "the checkpoint cannot be written",
        "the checkpoint can be written again",
    ]
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 2


@pytest.mark.parametrize("how", ["commit", "renew", "acknowledge"])
async def test_who_loses_the_store_learns_it_as_it_is_and_at_once(how: str) -> None:
    store = Moody()
    async with world(Conditions(flush_seconds=0.0)) as here:
        ids = [here.simulator.add_project([5]).id for _ in range(20)]
        with pytest.raises(CheckpointError, match="taken over") as caught:
            async with here.client.watch(ids, checkpoint=store, start="beginning", orders=60.0) as changes:
                store.refuses = taken(how) if how == "acknowledge" else taken("commit", "renew")
                with anyio.fail_after(1000):
                    async for change in changes:
                        if how == "acknowledge":
                            await change.ack()
        assert caught.value.lasting
    assert store.calls[-1] == "close"


@pytest.mark.parametrize("how", ["commit", "orders", "pending"])
async def test_a_damaged_file_is_not_waited_for(how: str) -> None:
    store = Moody()
    async with world(Conditions(flush_seconds=0.0)) as here:
        ids = [here.simulator.add_project([50]).id for _ in range(3)]
        with pytest.raises(CheckpointError, match="is damaged"):
            async with here.client.watch(ids, checkpoint=store, start="beginning", orders=60.0) as changes:
                store.refuses = damaged(how)
                with anyio.fail_after(1000):
                    async for change in changes:
                        await change.ack()


async def test_several_who_notice_it_are_one_error() -> None:
    store = Moody()
    async with world(Conditions(flush_seconds=0.0)) as here:
        ids = [here.simulator.add_project([5]).id for _ in range(20)]
        with pytest.raises(CheckpointError, match="taken over"):
            async with here.client.watch(ids, checkpoint=store, start="beginning", orders=60.0) as changes:
                store.refuses = taken("commit", "renew", "orders", "pending", "acknowledge")
                async with anyio.create_task_group() as group:
                    for _ in range(5):
                        group.start_soon(changes.handle, acknowledged)


async def acknowledged(change: Change) -> None:
    await anyio.sleep(0.01)
    await change.ack()


async def test_a_consumer_that_raises_gets_its_change_again(path: Path) -> None:
    came: list[tuple[int, int, int]] = []
    wanted = 0
    async with world() as here:
        ids = [here.simulator.add_project([3]).id for _ in range(3)]
        for life in range(40):
            try:
                async with here.client.watch(ids, checkpoint=at_hand(path), start="beginning") as changes:
                    with anyio.move_on_after(100):
                        async for change in changes:
                            came.append((change.project_id, change.sequence, change.attempt))
                            if len(came) % 4 == 3 and change.attempt == 1:
                                raise LookupError  # noqa: TRY301 (the block raises)
                            await change.ack()
                    wanted = life
                    break
            except LookupError:
                pass
    assert wanted > 3
    for each in ids:
        of_it = [(sequence, attempt) for project_id, sequence, attempt in came if project_id == each]
        numbers = [sequence for sequence, _ in of_it]
        assert sorted(set(numbers)) == list(range(1, max(numbers) + 1))
        assert numbers == sorted(numbers)
        again = [second for first, second in pairwise(of_it) if first[0] == second[0]]
        assert [attempt for _, attempt in again] == [2] * len(again)


async def test_what_a_consumer_writes_is_kept_with_the_acknowledgement(path: Path) -> None:
    async with world() as here:
        project = here.simulator.add_project([30])
        tries = 0
        async with here.client.watch([project.id], checkpoint=at_hand(path), start="beginning") as changes:

            def write(database: sqlite3.Connection) -> None:
                nonlocal tries
                tries += 1
                database.execute("CREATE TABLE IF NOT EXISTS seen (key TEXT UNIQUE)")
                database.execute("INSERT INTO seen VALUES (?)", (change.key,))
                if tries % 5 == 0:
                    raise ValueError("on second thought")

            with anyio.move_on_after(100):
                async for change in changes:
                    while True:
                        try:
                            await change.ack(write)
                        except ValueError:
                            continue
                        break
            assert changes.waiting == 0
        assert tries > 60
    with closing(sqlite3.connect(path)) as database:
        keys = [key for (key,) in database.execute("SELECT key FROM seen ORDER BY rowid")]
        told = [key for (key,) in database.execute("SELECT key FROM qc_outbox ORDER BY sequence")]
    assert keys == told


async def test_one_file_serves_one_watch_at_a_time(path: Path) -> None:
    async with world(Conditions(flush_seconds=0.0)) as here:
        project = here.simulator.add_project([3])
        async with here.client.watch([project.id], checkpoint=at_hand(path)) as changes, consuming(changes) as came:
            with pytest.raises(CheckpointError, match="in use"):
                async with here.client.watch([project.id], checkpoint=at_hand(path)):
                    pytest.fail("it must not begin")
            here.simulator.trade(project.id, 1, true_time())
            await anyio.sleep(1000)
        assert sequences(came, project.id)
        async with here.client.watch([project.id], checkpoint=at_hand(path)) as changes:
            assert changes.waiting == 0


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_with_threads_and_in_real_time(path: Path) -> None:
    """As everybody uses it; and whatever way it is left, the file is closed."""
    for seconds in (0.02, 0.1, 0.5):
        async with world(Conditions(flush_seconds=0.0)) as here:
            ids = [here.simulator.add_project([20]).id for _ in range(5)]
            with anyio.move_on_after(seconds):
                async with here.client.watch(ids, checkpoint=path, start="beginning") as changes:
                    async for change in changes:
                        await change.ack()
    with closing(at_hand(path)) as store:
        store.open(account(path), true_time() + 1e9)


def account(path: Path) -> str:
    """Whose file it is."""
    with closing(sqlite3.connect(path)) as database:
        (name,) = database.execute("SELECT account FROM qc_account").fetchone()
        return str(name)
