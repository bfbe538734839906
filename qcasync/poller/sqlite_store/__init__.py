"""A checkpoint in one SQLite file: what is learnt and what it tells are on the disk together, before anybody is told.

WAL and synchronous FULL: what a method has done survives a kill and a loss of power. One owner at a time: a lock of the
operating system, which ends with the process, and a number that every opening increments and every transaction checks.
A file that is not certainly ours and whole is refused, and never deleted.
"""

from qcasync.poller.sqlite_store.owners import STALE_AFTER
from qcasync.poller.sqlite_store.schema import APPLICATION_ID
from qcasync.poller.sqlite_store.store import PRUNED_AT_ONCE, SqliteStore

__all__ = ["APPLICATION_ID", "PRUNED_AT_ONCE", "STALE_AFTER", "SqliteStore"]
