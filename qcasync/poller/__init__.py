"""Watching many live projects: schedule, looks, checkpoint, delivery. `Client.watch` is the way in.

What a store of one's own needs is here: the protocol, and what passes through it.
"""

from qcasync._core.deltas import OrderRecord
from qcasync.poller.memory_store import MemoryStore
from qcasync.poller.sqlite_store import SqliteStore
from qcasync.poller.store import Facts, OrderKey, QuarantinedEntry, Store, Write

__all__ = ["Facts", "MemoryStore", "OrderKey", "OrderRecord", "QuarantinedEntry", "SqliteStore", "Store", "Write"]
