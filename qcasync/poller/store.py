"""Where a watch keeps what it knows and what it has not delivered yet. A store of one's own can take SQLite's place.

Methods are plain functions, called one at a time: in a thread of their own if `blocking`, else on the event loop.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from qcasync._core.deltas import OrderRecord
from qcasync.models.changes import Change

OrderKey = tuple[int, int]
"""Deployment number and order id."""
Write = Callable[[Any], object]
REBUILT: Final = "rebuilt"
"""What the account's memory has, from the first moment on, in a store that was begun with `rebuild`: `true`."""
RETENTION: Final = 7 * 86_400.0
"""Seconds for which a store remembers the keys of changes after they were acknowledged, at least."""


class QuarantinedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that could not be decoded.

    Attributes:
        index: Its place in the project's list.
        digest: Of its bytes.
        reason: Why it could not be decoded.
        raw: Its bytes, at most 64 KiB.
    """

    index: int
    digest: bytes
    reason: str
    raw: bytes


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What one look taught about one project: kept as a whole, or not at all.

    Attributes:
        project_id: The project; 0 for the account as a whole.
        memories: What to remember, by what it is about, in place of what was remembered of it.
        orders: Orders to remember, in place of those with the same key.
        changes: What to tell, in order; those whose key was told before are passed over.
        quarantined: Entries to keep; the same bytes are kept once.
    """

    project_id: int
    memories: Mapping[str, bytes] = msgspec.field(default_factory=dict[str, bytes])
    orders: Sequence[OrderRecord] = ()
    changes: Sequence[Change] = ()
    quarantined: Sequence[QuarantinedEntry] = ()


class Store(Protocol):
    """Keeps facts and changes, in transactions.

    Attributes:
        blocking: Whether its methods may take long, and are to be called in a thread.
    """

    blocking: bool

    def open(self, account: str, now: float, *, rebuild: bool = False) -> float:
        """Take the store into use, as its only user. A change that heads its project's queue counts one attempt more.

        Args:
            account: Stands for user and address; a store belongs to one.
            now: Unix time.
            rebuild: Set aside what is there, and begin anew, with `REBUILT` in the memory of project 0: who opens the
                store next finds it there, at whatever moment this process is killed.

        Returns:
            When the store was begun, in Unix seconds; `now`, if that is now.

        Raises:
            CheckpointError: It is damaged, foreign, or in use by somebody else.
        """
        ...

    def close(self) -> None:
        """Give it up. Idempotent."""
        ...

    def renew(self, now: float) -> None:
        """Say that it is still in use, and prune what nobody needs: changes that were acknowledged `RETENTION` ago.

        Raises:
            CheckpointError: Somebody else took it.
        """
        ...

    def memories(self, project_ids: Iterable[int] | None = None) -> dict[int, dict[str, bytes]]:
        """What is remembered, by project and by what it is about: of these projects, or of all."""
        ...

    def open_orders(self, project_id: int) -> list[OrderRecord]:
        """The project's orders to which something may still happen."""
        ...

    def orders(self, project_id: int, keys: Iterable[OrderKey]) -> dict[OrderKey, OrderRecord]:
        """Those of these orders that are remembered."""
        ...

    def commit(self, facts: Facts) -> list[Change]:
        """Keep facts. Returns the changes that were new, numbered in sequence.

        Raises:
            CheckpointError: They could not be kept, and nothing of them was: `lasting` says whether for good.
        """
        ...

    def waiting(self) -> dict[int, int]:
        """How many changes of each project are not acknowledged; projects without any are left out."""
        ...

    def pending(self, project_id: int, after: int, limit: int) -> list[Change]:
        """The project's changes that are not acknowledged, from the first one after a sequence number on."""
        ...

    def acknowledge(self, change: Change, write: Write | None = None) -> None:
        """Deliver this change, and those before it in its project, no more.

        One that is not pending is passed over, and `write` is not called: it was acknowledged before.

        Args:
            change: One of `pending`.
            write: Writes something of the consumer's own in the same transaction; given the connection, or whatever a
                store has. What it raises is raised, and nothing is kept.

        Raises:
            CheckpointError: It could not be kept.
        """
        ...

    def park(self, change: Change, reason: str) -> None:
        """Acknowledge a change that its consumer cannot take, and keep it aside.

        Raises:
            CheckpointError: It could not be kept.
        """
        ...

    def parked(self) -> list[tuple[Change, str]]:
        """The changes that were kept aside, with the reasons."""
        ...
