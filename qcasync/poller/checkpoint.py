"""A store as the watch uses it: one call at a time, off the event loop, and again when the disk refuses."""

import logging
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

import anyio
import anyio.to_thread

from qcasync._core.deltas import OrderRecord
from qcasync._tasks import task_group
from qcasync.errors import CheckpointError
from qcasync.models.changes import Change
from qcasync.poller.store import Facts, OrderKey, Store, Write

T = TypeVar("T")

FIRST_WAIT: Final = 1.0
LONGEST_WAIT: Final = 60.0
"""Seconds between two tries while nothing can be kept."""
RENEW_SECONDS: Final = 10.0
"""Seconds between two words that the store is still in use."""

logger: logging.Logger = logging.getLogger("qcasync")


def _nothing(_: object) -> None:
    """Nobody is to be told."""


class Checkpoint:
    """The store of a watch.

    Args:
        store: Where things are kept.
        now: Unix time.
    """

    def __init__(self, store: Store, now: Callable[[], float]) -> None:
        self.store = store
        self._now = now
        self._one = anyio.Lock()
        self._threads = anyio.CapacityLimiter(1)  # of its own: the consumer's threads must not keep it waiting
        self._is_open = False
        self._ended = anyio.Event()
        self._stuck = 0
        self.failing: str | None = None
        """Why nothing can be kept at present."""

    async def open(self, account: str, now: float, *, rebuild: bool) -> float:
        """Take the store into use. Returns when it was begun, in Unix seconds.

        Raises:
            CheckpointError: It is damaged, foreign, or in use by somebody else.
        """

        def opened(_: float) -> None:
            self._is_open = True

        return await self._run(lambda: self.store.open(account, now, rebuild=rebuild), opened)

    async def close(self) -> None:
        """Give it up, whatever happens meanwhile, if it was taken."""
        self._ended.set()
        async with task_group() as group:  # a native cancellation reaches us, and not the task
            group.start_soon(self._close)

    async def keep_renewed(self) -> None:
        """Say from time to time that the store is in use.

        Raises:
            CheckpointError: Somebody else took it, or it is damaged.
        """
        while True:
            await anyio.sleep(RENEW_SECONDS)
            try:
                await self._run(lambda: self.store.renew(self._now()))
            except CheckpointError as error:
                if error.lasting:
                    raise
                self._tell(error.problem)
            else:
                self._worked()

    async def memories(self, project_ids: Iterable[int]) -> dict[int, dict[str, bytes]]:
        """What is remembered of these projects, by what it is about."""
        return await self._read(lambda: self.store.memories(project_ids))

    async def open_orders(self, project_id: int) -> list[OrderRecord]:
        """The project's orders to which something may still happen."""
        return await self._read(lambda: self.store.open_orders(project_id))

    async def orders(self, project_id: int, keys: Iterable[OrderKey]) -> dict[OrderKey, OrderRecord]:
        """Those of these orders that are remembered."""
        return await self._read(lambda: self.store.orders(project_id, keys))

    async def waiting(self) -> dict[int, int]:
        """How many changes of each project are not acknowledged."""
        return await self._run(self.store.waiting)

    async def pending(self, project_id: int, after: int, limit: int) -> list[Change]:
        """Changes that are not acknowledged, from the first one after a sequence number on."""
        return await self._read(lambda: self.store.pending(project_id, after, limit))

    async def commit(self, facts: Facts, told: Callable[[list[Change]], None]) -> None:
        """Keep facts, and wait for as long as the disk refuses.

        Args:
            facts: What to keep.
            told: Told the changes that were new once they are kept, even if the caller is cancelled then.

        Raises:
            CheckpointError: Somebody else took the store, or it is damaged.
        """
        await self._keep(lambda: self.store.commit(facts), told)

    async def acknowledge(self, change: Change, write: Write | None, settled: Callable[[None], None]) -> None:
        """Deliver this change no more.

        Args:
            change: The change.
            write: Writes in the same transaction.
            settled: Told once it is done, even if the caller is cancelled then.

        Raises:
            CheckpointError: Somebody else took the store, or it is damaged.
        """
        await self._keep(lambda: self.store.acknowledge(change, write), settled)

    async def park(self, change: Change, reason: str, settled: Callable[[None], None]) -> None:
        """Keep a change aside.

        Raises:
            CheckpointError: Somebody else took the store, or it is damaged.
        """
        await self._keep(lambda: self.store.park(change, reason), settled)

    async def parked(self) -> list[tuple[Change, str]]:
        """The changes that were kept aside, with the reasons."""
        return await self._run(self.store.parked)

    async def _keep(self, work: Callable[[], T], then: Callable[[T], None] = _nothing, *, writes: bool = True) -> T:
        """Do something, and again for as long as the disk refuses and the watch goes on."""
        wait, is_stuck = FIRST_WAIT, False
        try:
            while True:
                try:
                    kept = await self._run(work, then)
                except CheckpointError as error:
                    if error.lasting or self._ended.is_set():
                        raise
                    self._stuck += not is_stuck
                    is_stuck = True
                    self._tell(error.problem)
                    with anyio.move_on_after(wait):
                        await self._ended.wait()
                        raise
                else:
                    break
                wait = min(2 * wait, LONGEST_WAIT)
        finally:
            self._stuck -= is_stuck
        if writes or is_stuck:
            self._worked()
        return kept

    async def _read(self, work: Callable[[], T]) -> T:
        return await self._keep(work, writes=False)

    def _tell(self, problem: str) -> None:
        """One line when it begins."""
        if self.failing is None:
            logger.error("the checkpoint %s; nothing is delivered until it can be written again", problem)
        self.failing = problem

    def _worked(self) -> None:
        """One line when it has ended for everybody."""
        if self.failing is not None and not self._stuck:
            logger.warning("the checkpoint can be written again")
            self.failing = None

    async def _close(self) -> None:
        with anyio.CancelScope(shield=True):
            if self._is_open:
                await self._run(self.store.close)
            self._is_open = False

    async def _run(self, work: Callable[[], T], then: Callable[[T], None] = _nothing) -> T:
        """Call the store, and say so at once: what is done is done, even if who wanted it was cancelled meanwhile."""
        async with self._one:
            if not self.store.blocking:
                done = work()
                then(done)
                return done
            results: list[T] = []

            async def work_apart() -> None:
                done = await anyio.to_thread.run_sync(work, limiter=self._threads)
                then(done)
                results.append(done)

            async with task_group() as group:  # so that a native cancellation waits for the thread, too
                group.start_soon(work_apart)
        return results[0]
