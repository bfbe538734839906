"""A checkpoint in memory: for a watch that may forget when its process ends, and for tests in virtual time."""

from collections.abc import Iterable
from itertools import islice
from typing import Final

import msgspec

from qcasync._core.deltas import OrderRecord
from qcasync.errors import CheckpointError
from qcasync.models.changes import ACCOUNT, Change
from qcasync.poller.store import REBUILT, RETENTION, Facts, OrderKey, QuarantinedEntry, Write

_PATH: Final = "in memory"


class _Queue:
    """The changes of a project that are not acknowledged, by sequence number; and where it ends."""

    def __init__(self) -> None:
        self.last = 0
        self.changes: dict[int, Change] = {}

    def count_attempt(self) -> None:
        """One more for the change at its head."""
        for sequence, change in self.changes.items():
            self.changes[sequence] = msgspec.structs.replace(change, attempt=change.attempt + 1)
            return


class MemoryStore:
    """A store without a file. What it holds outlives closing, so it can be opened again.

    Attributes:
        blocking: Always False.
        quarantined: Entries that were kept, by digest.
    """

    def __init__(self) -> None:
        self.blocking: bool = False
        self._account: str | None = None
        self._is_open = False
        self._now = 0.0
        self._begin(0.0)

    def _begin(self, now: float) -> None:
        self.quarantined: dict[bytes, QuarantinedEntry] = {}
        self._begun_at = now
        self._memories: dict[int, dict[str, bytes]] = {}
        self._orders: dict[int, dict[OrderKey, OrderRecord]] = {}
        self._queues: dict[int, _Queue] = {}
        self._told: set[str] = set()
        self._acknowledged: dict[str, float] = {}
        self._parked: list[tuple[Change, str]] = []

    def open(self, account: str, now: float, *, rebuild: bool = False) -> float:
        """See `Store.open`."""
        if self._is_open:
            raise CheckpointError(_PATH, "is in use by this process already", "Make another MemoryStore.")
        if self._account is None or rebuild:
            self._begin(now)
            if rebuild:
                self._memories[ACCOUNT] = {REBUILT: b"true"}
        elif self._account != account:
            raise CheckpointError(_PATH, "belongs to another account, or to another address", "Make another one.")
        self._account, self._now, self._is_open = account, now, True
        for queue in self._queues.values():
            queue.count_attempt()
        return self._begun_at

    def close(self) -> None:
        """See `Store.close`."""
        self._is_open = False

    def renew(self, now: float) -> None:
        """See `Store.renew`."""
        self._require_open()
        self._now = now
        for key in [key for key, at in self._acknowledged.items() if at < now - RETENTION]:
            del self._acknowledged[key]
            self._told.remove(key)

    def memories(self, project_ids: Iterable[int] | None = None) -> dict[int, dict[str, bytes]]:
        """See `Store.memories`."""
        self._require_open()
        wanted = self._memories if project_ids is None else self._memories.keys() & set(project_ids)
        return {project_id: dict(self._memories[project_id]) for project_id in wanted}

    def open_orders(self, project_id: int) -> list[OrderRecord]:
        """See `Store.open_orders`."""
        self._require_open()
        kept = self._orders.get(project_id, {})
        return [record for _, record in sorted(kept.items()) if record.is_open]

    def orders(self, project_id: int, keys: Iterable[OrderKey]) -> dict[OrderKey, OrderRecord]:
        """See `Store.orders`."""
        self._require_open()
        kept = self._orders.get(project_id, {})
        return {key: kept[key] for key in keys if key in kept}

    def commit(self, facts: Facts) -> list[Change]:
        """See `Store.commit`."""
        self._require_open()
        if facts.memories:
            self._memories.setdefault(facts.project_id, {}).update(facts.memories)
        if facts.orders:
            self._orders.setdefault(facts.project_id, {}).update((record.key, record) for record in facts.orders)
        for entry in facts.quarantined:
            self.quarantined.setdefault(entry.digest, entry)
        return [self._enqueue(facts.project_id, change) for change in facts.changes if change.key not in self._told]

    def waiting(self) -> dict[int, int]:
        """See `Store.waiting`."""
        self._require_open()
        return {project_id: len(queue.changes) for project_id, queue in self._queues.items() if queue.changes}

    def pending(self, project_id: int, after: int, limit: int) -> list[Change]:
        """See `Store.pending`."""
        self._require_open()
        queue = self._queues.get(project_id, _Queue())
        return list(islice((change for sequence, change in queue.changes.items() if sequence > after), limit))

    def acknowledge(self, change: Change, write: Write | None = None) -> None:
        """See `Store.acknowledge`. There is no connection: `write` is called with None."""
        if self._is_pending(change):
            if write is not None:
                write(None)
            self._advance(change)

    def park(self, change: Change, reason: str) -> None:
        """See `Store.park`."""
        if self._is_pending(change):
            self._parked.append((self._queues[change.project_id].changes[change.sequence], reason))
            self._advance(change)

    def parked(self) -> list[tuple[Change, str]]:
        """See `Store.parked`."""
        self._require_open()
        return list(self._parked)

    def _enqueue(self, project_id: int, change: Change) -> Change:
        queue = self._queues.setdefault(project_id, _Queue())
        queue.last += 1
        numbered = msgspec.structs.replace(change, sequence=queue.last, attempt=1)
        queue.changes[queue.last] = numbered
        self._told.add(change.key)
        return numbered

    def _is_pending(self, change: Change) -> bool:
        self._require_open()
        queue = self._queues.get(change.project_id, _Queue())
        kept = queue.changes.get(change.sequence)
        return kept is not None and kept.key == change.key

    def _advance(self, change: Change) -> None:
        changes = self._queues[change.project_id].changes
        while changes and (first := next(iter(changes))) <= change.sequence:
            self._acknowledged[changes.pop(first).key] = self._now

    def _require_open(self) -> None:
        if not self._is_open:
            raise CheckpointError(_PATH, "is not open", "It was closed, or opening it failed.")
