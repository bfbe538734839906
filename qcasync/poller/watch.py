"""A watch from its opening to its end."""

import logging
import os
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from qcasync._session import Session
from qcasync._tasks import task_group
from qcasync.models.changes import ACCOUNT
from qcasync.poller.checkpoint import Checkpoint
from qcasync.poller.delivery import Changes
from qcasync.poller.keeping import Keeper
from qcasync.poller.memory_store import MemoryStore
from qcasync.poller.options import Options
from qcasync.poller.reader import Reader
from qcasync.poller.sqlite_store import SqliteStore
from qcasync.poller.store import Facts, Store
from qcasync.poller.watcher import Watcher

REBUILT: Final = "rebuilt"

logger: logging.Logger = logging.getLogger("qcasync")


@asynccontextmanager
async def open_watch(
    session: Session,
    options: Options,
    *,
    checkpoint: str | os.PathLike[str] | Store | None,
    account: str,
    rebuild: bool,
    rng: random.Random,
) -> AsyncGenerator[Changes, None]:
    """Watch until the block is left.

    Args:
        session: Of the client.
        options: What to do.
        checkpoint: A file, a store, or None for memory.
        account: Stands for user and address.
        rebuild: Set aside what the checkpoint holds, and read history again.
        rng: For jitter.
    """
    session.check_usable()
    store = _store(checkpoint)
    reader = Reader(session)
    kept = Checkpoint(store, reader.server_time)
    began_at = await kept.open(account, rebuild=rebuild)
    try:
        changes = Changes(kept)
        keeper = Keeper(kept, changes.committed)
        await changes.load()
        is_rebuilt = await _is_rebuilt(keeper, rebuild=rebuild)
        told_since = None if options.from_beginning or is_rebuilt else began_at
        watcher = Watcher(options, reader, keeper, changes, rng=rng, told_since=told_since)
        changes.drained, changes.views = watcher.drained, watcher.views
        if is_rebuilt:
            keeper.replays = watcher.replays
        async with _running(watcher, kept):
            try:
                yield changes
            finally:
                changes.close()
    finally:
        await kept.close()


def _store(checkpoint: str | os.PathLike[str] | Store | None) -> Store:
    if checkpoint is None:
        logger.info("this watch has no checkpoint: what is not acknowledged is lost when it ends")
        return MemoryStore()
    return SqliteStore(checkpoint) if isinstance(checkpoint, str | os.PathLike) else checkpoint


async def _is_rebuilt(keeper: Keeper, *, rebuild: bool) -> bool:
    """Whether what the checkpoint lacks is history that was told before: now, or in the run that rebuilt it."""
    if rebuild:
        await keeper.keep(Facts(project_id=ACCOUNT, memories={REBUILT: b"true"}))
    await keeper.load([ACCOUNT])
    return keeper.memory(ACCOUNT, REBUILT, bool) is True


@asynccontextmanager
async def _running(watcher: Watcher, checkpoint: Checkpoint) -> AsyncGenerator[None, None]:
    await watcher.begin()
    async with task_group() as group:
        group.start_soon(checkpoint.keep_renewed)
        group.start_soon(watcher.run, group)
        try:
            yield
        finally:
            group.cancel_scope.cancel()
