"""Watching many live projects: schedule, looks, checkpoint, delivery. `Client.watch` is the way in.

What a store of one's own needs is here: the protocol, and what passes through it.
"""

from typing import TYPE_CHECKING

from qcasync._lazy import lazily

if TYPE_CHECKING:
    from qcasync._core.deltas import OrderRecord
    from qcasync.poller.memory_store import MemoryStore
    from qcasync.poller.sqlite_store import SqliteStore
    from qcasync.poller.store import Facts, OrderKey, QuarantinedEntry, Store, Write
else:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "qcasync._core.deltas": ["OrderRecord"],
            "qcasync.poller.memory_store": ["MemoryStore"],
            "qcasync.poller.sqlite_store": ["SqliteStore"],
            "qcasync.poller.store": ["Facts", "OrderKey", "QuarantinedEntry", "Store", "Write"],
        },
    )

__all__ = ["Facts", "MemoryStore", "OrderKey", "OrderRecord", "QuarantinedEntry", "SqliteStore", "Store", "Write"]
