"""What the looks of a watch use to remember and to tell: the checkpoint, and the stream behind it."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from qcasync._core.deltas import OrderRecord
from qcasync.models.changes import ACCOUNT, Change
from qcasync.poller.checkpoint import Checkpoint
from qcasync.poller.store import REBUILT, Facts, OrderKey

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
        self._rebuilt: frozenset[int] | None = frozenset()
        self.told_since: float | None = None
        """What is older than this Unix time when a project is first seen is not told; None tells everything."""
        self.is_first_reading: Callable[[int, str], bool] = lambda _project_id, _about: False
        """Whether something of a project is still being read for the first time."""

    async def load(self, project_ids: Iterable[int]) -> None:
        """Have ready what is remembered of projects, until it is forgotten.

        In a checkpoint that was rebuilt, the first ones of all are those whose history is read again.
        """
        ids = list(project_ids)
        memories = await self._checkpoint.memories(ids)
        if ids == [ACCOUNT]:
            content = memories.get(ACCOUNT, {}).get(REBUILT)
            if content == b"true":  # as the store began it: nobody was chosen yet
                self._rebuilt = None
            elif content is not None:
                self._rebuilt = frozenset(msgspec.json.decode(content, type=list[int]))
        elif self._rebuilt is None:
            self._rebuilt = frozenset(ids)
            await self.keep(Facts(project_id=ACCOUNT, memories={REBUILT: msgspec.json.encode(ids)}))
        self._memories |= memories

    def tells_from(self, project_id: int) -> float | None:
        """From which Unix time on a project that was loaded is told of; None for everything."""
        return None if project_id in (self._rebuilt or ()) else self.told_since

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
        if facts.changes and any(self._replays(facts.project_id, about) for about in facts.memories):
            changes = [msgspec.structs.replace(change, replayed=True) for change in facts.changes]
            facts = msgspec.structs.replace(facts, changes=changes)
        await self._checkpoint.commit(facts, self._told)

    def _replays(self, project_id: int, about: str) -> bool:
        """Whether what is told of a project, about something, is read again from history."""
        return project_id in (self._rebuilt or ()) and self.is_first_reading(project_id, about)
