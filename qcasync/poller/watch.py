"""A watch from its opening to its end."""

import logging
import os
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from qcasync._session import Session
from qcasync.models.changes import ACCOUNT
from qcasync.poller.causes import one_cause
from qcasync.poller.checkpoint import Checkpoint
from qcasync.poller.delivery import Changes
from qcasync.poller.keeping import Keeper
from qcasync.poller.memory_store import MemoryStore
from qcasync.poller.options import Options
from qcasync.poller.reader import Reader
from qcasync.poller.sqlite_store import SqliteStore
from qcasync.poller.store import Store
from qcasync.poller.watcher import Status, Watcher, read_status

COARSE: Final = 1.0
"""Seconds by which the times of orders and deployments may be cut off."""

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
    status = await read_status(reader)  # before all else: it tells the server's time
    kept = Checkpoint(store, reader.server_time)
    try:
        began_at = await kept.open(account, reader.earliest_time(), rebuild=rebuild)
        changes = Changes(kept)
        keeper = Keeper(kept, changes.committed)
        await changes.load()
        keeper.told_since = None if options.from_beginning else began_at - COARSE
        await keeper.load([ACCOUNT])
        watcher = Watcher(options, reader, keeper, changes, rng=rng)
        changes.drained, changes.views = watcher.drained, watcher.views
        keeper.is_first_reading = watcher.replays
        async with _running(watcher, kept, status):
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


@asynccontextmanager
async def _running(watcher: Watcher, checkpoint: Checkpoint, status: Status) -> AsyncGenerator[None, None]:
    async with one_cause() as group:
        group.start_soon(checkpoint.keep_renewed)
        try:
            await watcher.begin(status)
            group.start_soon(watcher.run, group)
            yield
        finally:
            group.cancel_scope.cancel()
