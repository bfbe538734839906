"""A store as the watch uses it: one call at a time, off the event loop, and again when the disk refuses."""

import logging
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

import anyio
import anyio.to_thread

from qcasync._core.deltas import OrderRecord
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
        self.failing: str | None = None
        """Why nothing can be kept at present."""

    async def open(self, account: str, *, rebuild: bool) -> float:
        """Take the store into use. Returns when it was begun, in Unix seconds.

        Raises:
            CheckpointError: It is damaged, foreign, or in use by somebody else.
        """
        return await self._run(lambda: self.store.open(account, self._now(), rebuild=rebuild))

    async def close(self) -> None:
        """Give it up, whatever happens meanwhile."""
        with anyio.CancelScope(shield=True):
            await self._run(self.store.close)

    async def keep_renewed(self) -> None:
        """Say from time to time that the store is in use.

        Raises:
            CheckpointError: Somebody else took it.
        """
        while True:
            await anyio.sleep(RENEW_SECONDS)
            try:
                await self._run(lambda: self.store.renew(self._now()))
            except CheckpointError as error:
                if error.fenced:
                    raise
                logger.warning("%s", error)

    async def memories(self, project_ids: Iterable[int]) -> dict[int, dict[str, bytes]]:
        """What is remembered of these projects, by what it is about."""
        return await self._run(lambda: self.store.memories(project_ids))

    async def open_orders(self, project_id: int) -> list[OrderRecord]:
        """The project's orders to which something may still happen."""
        return await self._run(lambda: self.store.open_orders(project_id))

    async def orders(self, project_id: int, keys: Iterable[OrderKey]) -> dict[OrderKey, OrderRecord]:
        """Those of these orders that are remembered."""
        return await self._run(lambda: self.store.orders(project_id, keys))

    async def waiting(self) -> dict[int, int]:
        """How many changes of each project are not acknowledged."""
        return await self._run(self.store.waiting)

    async def pending(self, project_id: int, after: int, limit: int) -> list[Change]:
        """Changes that are not acknowledged, from the first one after a sequence number on."""
        return await self._run(lambda: self.store.pending(project_id, after, limit))

    async def commit(self, facts: Facts) -> list[Change]:
        """Keep facts, and wait for as long as the disk refuses. Returns the changes that were new.

        Raises:
            CheckpointError: Somebody else took the store.
        """
        return await self._keep(lambda: self.store.commit(facts))

    async def acknowledge(self, change: Change, write: Write | None) -> None:
        """Deliver this change no more.

        Raises:
            CheckpointError: Somebody else took the store.
        """
        await self._keep(lambda: self.store.acknowledge(change, write))

    async def park(self, change: Change, reason: str) -> None:
        """Keep a change aside.

        Raises:
            CheckpointError: Somebody else took the store.
        """
        await self._keep(lambda: self.store.park(change, reason))

    async def parked(self) -> list[tuple[Change, str]]:
        """The changes that were kept aside, with the reasons."""
        return await self._run(self.store.parked)

    async def _keep(self, work: Callable[[], T]) -> T:
        wait = FIRST_WAIT
        while True:
            try:
                kept = await self._run(work)
            except CheckpointError as error:
                if error.fenced:
                    raise
                self._tell(error.problem)
            else:
                self._tell(None)
                return kept
            await anyio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    def _tell(self, problem: str | None) -> None:
        """One line when it begins, and one when it ends."""
        if problem is not None and self.failing is None:
            logger.error("the checkpoint %s; nothing is delivered until it can be written again", problem)
        elif problem is None and self.failing is not None:
            logger.warning("the checkpoint can be written again")
        self.failing = problem

    async def _run(self, work: Callable[[], T]) -> T:
        async with self._one:
            return await anyio.to_thread.run_sync(work) if self.store.blocking else work()
