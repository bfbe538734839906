"""The lives of a process that watches a simulated QuantConnect.

The process opens a client and a watch on the same SQLite file again and again, and ends in every way. If it is killed,
its store is killed first: what a dead process would not have written, nobody writes.
"""

import asyncio
import random
import sqlite3
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import anyio
import anyio.lowlevel
import msgspec

import qcasync
from qcasync.errors import CheckpointError
from qcasync.models.changes import Change
from qcasync.poller import Facts, SqliteStore, Write
from qcasync.transports.protocol import Progress, Request, Response, Transport
from tests.chaos.watch_world import HOUR, Life, QuantConnect, plan_of
from tests.invariants import Acknowledgement, Answer, Commit, Crash, Delivery, History, Quiet, Start
from tests.support import true_time, world

NO_LOOK: Final = -1
"""Which look an answer belongs to is not known out here."""
PATIENCE: Final = 8 * HOUR
"""Virtual seconds for everything to be told, once the world stands still."""


class Died(BaseException):
    """The process is dead. Nothing of ours may catch it."""


class Weary(Exception):
    """The consumer has had enough."""


# What is seen of it


class Wire:
    """Notes the orders of every answer that arrives.

    Args:
        inner: The transport that answers.
        history: Where to note them.
    """

    marks_phases: Final = True

    def __init__(self, inner: Transport, history: History) -> None:
        self._inner = inner
        self._history = history

    async def exchange(self, request: Request, progress: Progress, /) -> Response:
        response = await self._inner.exchange(request, progress)
        if request.url.endswith("live/orders/read") and response.status_code == 200:
            with suppress(qcasync.QuantConnectError):
                page = qcasync.decode_orders(response.body)
                asked = msgspec.json.decode(request.body)
                self._history.moments.append(
                    Answer(asked["projectId"], NO_LOOK, asked["start"], asked["end"], tuple(page.rows()), true_time())
                )
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


# The checkpoint


class Notebook(SqliteStore):
    """A checkpoint that notes what it has kept, and dies when it is told to.

    Args:
        path: The file.
        history: Where to note it.
        chance: Draws when the disk is full.
        full_disk: How often it is.
    """

    def __init__(self, path: Path, history: History, chance: random.Random, full_disk: float) -> None:
        super().__init__(path, blocking=False)
        self.dead = False
        self.fatal: tuple[int, str] | None = None
        """In how many transactions the process dies, and whether before or after."""
        self.full_disk = full_disk
        self.baselines: dict[tuple[int, str], float] = {}
        """When something of a project was first kept; as "complete", when its orders had been read once."""
        self.began_at: float | None = None
        self._chance = chance
        self._history = history

    def open(self, account: str, now: float, *, rebuild: bool = False) -> float:
        self.began_at = super().open(account, now, rebuild=rebuild)
        self._history.moments.append(Start(self._fence))
        return self.began_at

    def close(self) -> None:
        if self.dead and self._database is not None:  # the operating system closes files, and unlocks them
            self._database.close()
            self._database = None
        super().close()

    def kill(self) -> None:
        """Nothing is written any more."""
        self.dead = True

    def renew(self, now: float) -> None:
        self._live()
        super().renew(now)

    def commit(self, facts: Facts) -> list[Change]:
        fatal = self._begin()
        told = super().commit(facts)
        self._history.moments.append(Commit(facts.project_id, self._fence, tuple(told), tuple(facts.orders)))
        for about, content in facts.memories.items():
            self.baselines.setdefault((facts.project_id, about), true_time())
            if about == "orders" and msgspec.json.decode(content)["memory"]["complete_through"] is not None:
                self.baselines.setdefault((facts.project_id, "complete"), true_time())
        self._end(fatal)
        return told

    def acknowledge(self, change: Change, write: Write | None = None) -> None:
        fatal = self._begin()
        super().acknowledge(change, write)
        self._history.moments.append(Acknowledgement(change))
        self._end(fatal)

    def park(self, change: Change, reason: str) -> None:
        fatal = self._begin()
        super().park(change, reason)
        self._history.moments.append(Acknowledgement(change))
        self._end(fatal)

    def _live(self) -> None:
        if self.dead:
            raise Died

    def _begin(self) -> str:
        self._live()
        if self._chance.random() < self.full_disk:
            raise CheckpointError(str(self.path), "cannot be written (simulated)", "")
        if self.fatal is None:
            return ""
        left, when = self.fatal
        self.fatal = left - 1, when
        if left > 1:
            return ""
        if when == "before":
            self._die()
        return when

    def _end(self, fatal: str) -> None:
        if fatal:
            self._die()

    def _die(self) -> None:
        self.dead = True
        raise Died


# The process


class Process:
    """Watches, is ended, and is started again.

    Args:
        seed: Of everything.
        path: The checkpoint.
    """

    def __init__(self, seed: int, path: Path) -> None:
        self.seed = seed
        self.plan = plan_of(seed)
        self.path = path
        self.history = History()
        self.quantconnect = QuantConnect(seed, self.plan, self.history)
        self.chance = random.Random(seed ^ 0x11FE)
        self.ends: Counter[str] = Counter()
        self.baselines: dict[tuple[int, str], float] = {}
        """See `Notebook`."""
        self.told_since: float | None = None
        self.given: list[list[Change]] = []
        """What the consumer was given, by lives."""
        self.calm_at: float | None = None
        self.changes: qcasync.Changes | None = None

    async def run(self) -> None:
        """Live all lives, and a last one in which everything is told."""
        async with anyio.create_task_group() as group:
            group.start_soon(self.quantconnect.live)
            group.start_soon(self.quantconnect.replicate)
            for life, clock_error in zip(self.plan.lives, self.plan.clock_errors, strict=False):
                await self._live(life, clock_error)
                await anyio.sleep(life.pause)
            if self.plan.actions:
                await anyio.sleep(max(0.0, self.plan.actions[-1][0] + 0.1 - anyio.current_time()))
            group.cancel_scope.cancel()
        self.quantconnect.calm()
        self.calm_at = true_time()
        await self._live(Life(PATIENCE, 0, "leave", 0.0, 0, self._style(0)), self.plan.clock_errors[-1])
        self.history.moments.append(Quiet())

    def _style(self, life: int) -> str:
        return self.plan.lives[life].style if self.plan.lives else "loop"

    async def _live(self, life: Life, clock_error: float) -> None:
        """One life."""
        store = Notebook(self.path, self.history, self.chance, 0.0 if self.calm_at else self.plan.full_disk)
        if life.way in {"before", "after"}:
            store.fatal = life.transactions, life.way
        self.given.append([])
        self.changes = None
        try:
            await self._until_it_ends(life, store, clock_error)
        finally:
            for what, at in store.baselines.items():
                self.baselines.setdefault(what, at)
            if self.plan.start == "now" and self.told_since is None:
                self.told_since = self.history.told_since = store.began_at
            self.history.moments.append(Crash())

    async def _until_it_ends(self, life: Life, store: Notebook, clock_error: float) -> None:
        task: asyncio.Task[None] | None = None
        ended = life.way
        try:
            async with anyio.create_task_group() as group:
                done = anyio.Event()

                async def watch() -> None:
                    try:
                        await self._watch(life, store, clock_error)
                    finally:
                        done.set()

                if life.way == "native" and runs_on_asyncio():
                    task = asyncio.ensure_future(watch())
                else:
                    group.start_soon(watch)
                if self.calm_at is None:
                    with anyio.move_on_after(life.seconds):
                        await done.wait()
                    for _ in range(life.turns):
                        await anyio.lowlevel.checkpoint()
                else:
                    with anyio.fail_after(PATIENCE):
                        await self._told_everything(done)
                if life.way in {"kill", "before", "after"}:
                    store.kill()
                if task is not None:
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task
                group.cancel_scope.cancel()
        except* Died:
            ended = f"died {life.way}"
        except* Weary:
            ended = "raised"
        except* qcasync.AuthenticationError:
            ended = "refused"
        self.ends[ended] += 1

    async def _told_everything(self, ended: anyio.Event) -> None:
        """Wait until everything was read since it became calm, and was acknowledged."""
        assert self.calm_at is not None
        wanted = 2 if self.quantconnect.erased else 1  # what is missing is told when it is missed twice
        readings: dict[int, set[float]] = {project.id: set() for project in self.quantconnect.projects}
        while min(map(len, readings.values())) < wanted or self.changes is None or self.changes.waiting:
            assert not ended.is_set(), "the last life ended by itself"
            await anyio.sleep(30)
            for view in () if self.changes is None else self.changes.projects:
                through = view.complete_through
                if through is not None and through.timestamp() > self.calm_at + 90:
                    readings[view.project_id].add(through.timestamp())

    async def _watch(self, life: Life, store: Notebook, clock_error: float) -> None:
        async with (
            world(
                simulator=self.quantconnect.simulator,
                seed=self.chance.randrange(2**32),
                clock_error=clock_error,
                through=lambda transport: Wire(transport, self.history),
            ) as here,
        ):
            try:
                async with self._opened(here.client, store) as changes:
                    self.changes = changes
                    await self._consume(changes, life.style, last=self.calm_at is not None)
            finally:
                assert here.transport.in_flight == 0, "a request outlives the watch"

    def _opened(self, client: qcasync.Client, store: Notebook) -> Any:
        ids = [project.id for project in self.quantconnect.projects]
        chosen: dict[str, Any] = {}
        if self.plan.choice == "status":
            chosen["status"] = "Running"
        elif self.plan.choice == "ask":
            chosen["projects"] = lambda: (
                ids if self.calm_at else self.chance.sample(ids, self.chance.randint(0, len(ids)))
            )
        else:
            chosen["projects"] = ids
        return client.watch(checkpoint=store, start=self.plan.start, **chosen, **self.plan.options)

    # The consumer

    async def _consume(self, changes: qcasync.Changes, style: str, *, last: bool) -> None:
        if style == "handle":
            await changes.handle(lambda change: self._handle(change, last), concurrency=self.plan.concurrency)
        async for change in changes:
            self._note(change)
            await self._dawdle(last)
            if style == "sink":
                await self._pour(change, last)
                continue
            if self.chance.random() < 0.02:
                with anyio.move_on_after(0):
                    await change.ack()
            await change.ack()
            if self.chance.random() < 0.02:
                await change.ack()

    async def _handle(self, change: Change, last: bool) -> None:
        if change.sequence not in {each.sequence for each in self.given[-1] if each.project_id == change.project_id}:
            self._note(change)
        await self._dawdle(last)

    async def _pour(self, change: Change, last: bool) -> None:
        """Into a table of the checkpoint; the first try may fail."""
        if not last and self.chance.random() < self.plan.weariness:
            with suppress(Weary):
                await change.ack(_pour_and_fail(change))
        await change.ack(_pouring(change))

    async def _dawdle(self, last: bool) -> None:
        if last:
            return
        if self.chance.random() < self.plan.slowness / 300:
            await anyio.sleep(self.plan.slowness * self.chance.random())
        if self.chance.random() < self.plan.weariness:
            raise Weary

    def _note(self, change: Change) -> None:
        self.given[-1].append(change)
        self.history.moments.append(Delivery(change))


def _pouring(change: Change) -> Write:
    def write(database: sqlite3.Connection) -> None:
        database.execute("CREATE TABLE IF NOT EXISTS sink (project_id INTEGER, sequence INTEGER, key TEXT)")
        database.execute("INSERT INTO sink VALUES (?, ?, ?)", (change.project_id, change.sequence, change.key))

    return write


def _pour_and_fail(change: Change) -> Write:
    def write(database: sqlite3.Connection) -> None:
        _pouring(change)(database)
        raise Weary

    return write


def runs_on_asyncio() -> bool:
    """Which loop it is."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
