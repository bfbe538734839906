"""What the looks of a watch use to remember and to tell: the checkpoint, and the stream behind it."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from qcasync._core.deltas import OrderRecord
from qcasync.models.changes import Change
from qcasync.poller.checkpoint import Checkpoint
from qcasync.poller.store import Facts, OrderKey

T = TypeVar("T")


class Keeper:
    """Keeps facts in the checkpoint, and passes on what is new in them once it is safe.

    Args:
        checkpoint: Where facts are kept.
        told: Told the changes that were new.
    """

    def __init__(self, checkpoint: Checkpoint, told: Callable[[Iterable[Change]], None]) -> None:
        self._checkpoint = checkpoint
        self._told = told
        self._memories: dict[int, dict[str, bytes]] = {}
        self.replays: Callable[[int, str], bool] = lambda _project_id, _about: False
        """Whether what is told of a project, about something, is marked as read again from history."""

    async def load(self, project_ids: Iterable[int]) -> None:
        """Have ready what is remembered of projects, until it is forgotten."""
        self._memories |= await self._checkpoint.memories(project_ids)

    def forget(self, project_id: int) -> None:
        """Who watches the project has taken what is remembered of it."""
        self._memories.pop(project_id, None)

    def memory(self, project_id: int, about: str, kind: type[T]) -> T | None:
        """What is remembered of a project that was loaded; None if nothing is."""
        content = self._memories.get(project_id, {}).get(about)
        return None if content is None else msgspec.json.decode(content, type=kind)

    async def open_orders(self, project_id: int) -> list[OrderRecord]:
        """The project's orders to which something may still happen."""
        return await self._checkpoint.open_orders(project_id)

    async def orders(self, project_id: int, keys: list[OrderKey]) -> dict[OrderKey, OrderRecord]:
        """Those of these orders that are remembered."""
        return await self._checkpoint.orders(project_id, keys) if keys else {}

    async def keep(self, facts: Facts) -> None:
        """Keep facts, and then tell what is new."""
        if facts.changes and any(self.replays(facts.project_id, about) for about in facts.memories):
            changes = [msgspec.structs.replace(change, replayed=True) for change in facts.changes]
            facts = msgspec.structs.replace(facts, changes=changes)
        await self._checkpoint.commit(facts, self._told)
