"""What the stories of watches share: changes to tell, stores that refuse, and consumers."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import anyio

from qcasync.errors import CheckpointError
from qcasync.models.changes import Change, LogLineAdded
from qcasync.poller import Facts, Store
from qcasync.poller.checkpoint import Checkpoint
from qcasync.poller.delivery import Changes
from qcasync.poller.keeping import Keeper
from qcasync.poller.memory_store import MemoryStore
from tests.support import EPOCH, true_time

AT = datetime(2025, 6, 15, 12, tzinfo=UTC)


def line(number: int, *, project_id: int = 7) -> LogLineAdded:
    """Something to tell."""
    key = f"log:{project_id}:0:{number}"
    return LogLineAdded(project_id=project_id, key=key, observed_at=AT, deploy_id="L-1", line=number, text="")


def lines(numbers: Iterable[int], *, project_id: int = 7) -> Facts:
    """What a look taught."""
    return Facts(project_id=project_id, changes=[line(number, project_id=project_id) for number in numbers])


class Stream:
    """A stream of changes, and who fills it."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self.changes = Changes(checkpoint)
        self._keeper = Keeper(checkpoint, self.changes.committed)

    async def tell(self, *numbers: int, project_id: int = 7) -> None:
        await self._keeper.keep(lines(numbers, project_id=project_id))


@asynccontextmanager
async def stream(store: Store | None = None) -> AsyncIterator[Stream]:
    """A stream without a watch, on a store in memory unless given."""
    checkpoint = Checkpoint(store or MemoryStore(), true_time)
    await checkpoint.open("mine", EPOCH, rebuild=False)
    opened = Stream(checkpoint)
    try:
        await opened.changes.load()
        yield opened
    finally:
        opened.changes.close()
        await checkpoint.close()


class Moody:
    """A store in memory that counts its calls, and refuses some of them.

    Attributes:
        calls: The names of what was called, in order.
        refuses: Asked for the error of a call by its name; None lets it pass.
    """

    def __init__(self, store: Store | None = None) -> None:
        self.blocking = False
        self.calls: list[str] = []
        self.refuses: Callable[[str], Exception | None] = lambda _: None
        self._store = store or MemoryStore()

    def __getattr__(self, name: str) -> Any:  # the methods of `Store`
        method = getattr(self._store, name)

        def called(*args: Any, **options: Any) -> Any:
            self.calls.append(name)
            error = self.refuses(name)
            if error is not None:
                raise error
            return method(*args, **options)

        return called


def full(*names: str) -> Callable[[str], Exception | None]:
    """The disk is full, for these calls."""
    return lambda name: CheckpointError("live.db", "cannot be written", "Make room.") if name in names else None


def damaged(*names: str) -> Callable[[str], Exception | None]:
    """The file is damaged, as these calls notice."""
    damage = "is damaged (database disk image is malformed)"
    return lambda name: CheckpointError("live.db", damage, "Start with rebuild=True.", True) if name in names else None


def taken(*names: str) -> Callable[[str], Exception | None]:
    """Somebody else has the store, as these calls notice."""
    return lambda name: CheckpointError("live.db", "was taken over", "", lasting=True) if name in names else None


@asynccontextmanager
async def consuming(changes: Changes) -> AsyncIterator[list[Change]]:
    """Acknowledge everything at once. Gives what came."""
    came: list[Change] = []

    async def consume() -> None:
        async for change in changes:
            came.append(change)
            await change.ack()

    async with anyio.create_task_group() as group:
        group.start_soon(consume)
        yield came
        group.cancel_scope.cancel()


def sequences(changes: Iterable[Change], project_id: int = 7) -> list[int]:
    """The numbers of a project's changes, as they came."""
    return [change.sequence for change in changes if change.project_id == project_id]
