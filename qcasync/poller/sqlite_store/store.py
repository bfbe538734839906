"""The store: its transactions, and who may make them."""

import os
import platform
import sqlite3
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from qcasync._core.deltas import OrderRecord
from qcasync.errors import ConfigurationError
from qcasync.models.changes import Change
from qcasync.poller.sqlite_store.examining import examined
from qcasync.poller.sqlite_store.files import (
    Lock,
    beside,
    connect,
    create,
    discard,
    inode_of,
    is_half_rebuilt,
    put_in_place,
    require_regular,
    set_aside,
)
from qcasync.poller.sqlite_store.guard import let_write
from qcasync.poller.sqlite_store.owners import in_use, owner_of, read_owner, refuse_alive
from qcasync.poller.sqlite_store.refusals import ELSEWHERE, REBUILD, explained, refusal
from qcasync.poller.sqlite_store.rows import change_of, enqueue, record_of, row_of
from qcasync.poller.sqlite_store.schema import (
    COUNT_ATTEMPTS,
    ORDERS,
    PRUNE,
    SETTINGS,
    pragma,
)
from qcasync.poller.store import RETENTION, Facts, OrderKey, Write

SMALLEST: Final = 512
"""Bytes of the smallest database there can be."""
PRUNED_AT_ONCE: Final = 5_000
"""Rows: a renewal must not take long."""


class SqliteStore:
    """A store in a file.

    Args:
        path: The file; made with mode 0600 if there is none. Beside it there will be FILE-wal, FILE-shm and FILE-lock.
        blocking: False to be called on the event loop all the same.
        host: What this machine is called, if not by its own name.

    Raises:
        ConfigurationError: The path names no file.
    """

    def __init__(self, path: str | os.PathLike[str], *, blocking: bool = True, host: str = "") -> None:
        self.path: Path = Path(path)
        if self.path.name in {"", ".."}:
            raise ConfigurationError(f"The checkpoint {os.fspath(path)!r} names no file.", ELSEWHERE)
        self.blocking: bool = blocking
        self._host = host or platform.node()
        self._lock = Lock(beside(self.path, "-lock"))
        self._database: sqlite3.Connection | None = None
        self._fence = 0
        self._now = 0.0
        self._inode: tuple[int, int] | None = None

    def open(self, account: str, now: float, *, rebuild: bool = False) -> float:
        """Take the file into use; see `Store.open`. With `rebuild`, FILE.damaged-1 (-2, ...) is what it was."""
        if self._database is not None:
            raise refusal(self.path, "is in use by this process already", ELSEWHERE)
        with explained(self.path):
            require_regular(self.path)
            if not self._lock.take():
                raise in_use(self.path, owner_of(self.path))
        try:
            with explained(self.path):
                return self._take(account, now, rebuild=rebuild)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give it up; see `Store.close`."""
        database, self._database = self._database, None
        fence, self._fence = self._fence, 0
        if database is not None:
            with suppress(sqlite3.Error), closing(database):
                if fence:
                    database.execute("UPDATE qc_owner SET host = '' WHERE fence = ?", (fence,))
        self._lock.release()

    def renew(self, now: float) -> None:
        """Renew the owner's row, and prune the outbox; see `Store.renew`."""
        with self._transaction() as database, explained(self.path):
            database.execute("UPDATE qc_owner SET renewed_at = ?", (now,))
            database.execute(PRUNE, (now - RETENTION, PRUNED_AT_ONCE))
        self._now = now

    def memories(self, project_ids: Iterable[int] | None = None) -> dict[int, dict[str, bytes]]:
        """See `Store.memories`."""
        found: dict[int, dict[str, bytes]] = {}
        if project_ids is None:
            rows = self._rows("SELECT * FROM qc_memory")
        else:
            wanted = msgspec.json.encode(list(project_ids)).decode()
            rows = self._rows("SELECT * FROM qc_memory WHERE project_id IN (SELECT value FROM json_each(?))", wanted)
        for project_id, about, content in rows:
            found.setdefault(project_id, {})[about] = content
        return found

    def open_orders(self, project_id: int) -> list[OrderRecord]:
        """See `Store.open_orders`."""
        query = "SELECT * FROM qc_orders WHERE project_id = ? AND is_open = 1 ORDER BY deployment, order_id"
        return [record_of(row) for row in self._rows(query, project_id)]

    def orders(self, project_id: int, keys: Iterable[OrderKey]) -> dict[OrderKey, OrderRecord]:
        """See `Store.orders`."""
        wanted = msgspec.json.encode(list(keys)).decode()
        records = (record_of(row) for row in self._rows(ORDERS, wanted, project_id))
        return {record.key: record for record in records}

    def commit(self, facts: Facts) -> list[Change]:
        """Keep facts in one transaction; see `Store.commit`. Nothing new to keep costs no transaction."""
        new = self._new(facts.changes)
        if not (new or facts.memories or facts.orders or facts.quarantined):
            return []
        project_id = facts.project_id
        with self._transaction() as database, explained(self.path):
            database.executemany(
                "INSERT OR REPLACE INTO qc_memory VALUES (?, ?, ?)",
                ((project_id, about, content) for about, content in facts.memories.items()),
            )
            database.executemany(
                "INSERT OR REPLACE INTO qc_orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (row_of(project_id, record) for record in facts.orders),
            )
            database.executemany(
                "INSERT OR IGNORE INTO qc_quarantine VALUES (?, ?, ?, ?, ?)",
                (
                    (entry.digest, project_id, entry.index, _writable(entry.reason), entry.raw)
                    for entry in facts.quarantined
                ),
            )
            return enqueue(database, project_id, new) if new else []

    def waiting(self) -> dict[int, int]:
        """See `Store.waiting`."""
        return dict(self._rows("SELECT project_id, last - acknowledged FROM qc_queues WHERE last > acknowledged"))

    def pending(self, project_id: int, after: int, limit: int) -> list[Change]:
        """See `Store.pending`."""
        query = """
            SELECT payload, sequence, attempts FROM qc_outbox JOIN qc_queues USING (project_id)
            WHERE project_id = ? AND sequence > max(?, acknowledged) ORDER BY sequence LIMIT ?"""
        rows = self._rows(query, project_id, after, limit)
        with explained(self.path):
            return [change_of(*row) for row in rows]

    def acknowledge(self, change: Change, write: Write | None = None) -> None:
        """Move the project's cursor; see `Store.acknowledge`.

        Raises:
            ConfigurationError: `write` tried to end the transaction, or to write what is not the consumer's.
        """
        with self._transaction() as database:
            if not self._is_pending(database, change):
                return
            if write is not None:
                let_write(database, write)
            self._advance(database, change)

    def park(self, change: Change, reason: str) -> None:
        """See `Store.park`."""
        query = """
            INSERT INTO qc_parked SELECT NULL, project_id, sequence, attempts, payload, ?, ? FROM qc_outbox
            WHERE project_id = ? AND sequence = ?"""
        with self._transaction() as database, explained(self.path):
            if self._is_pending(database, change):
                database.execute(query, (_writable(reason), self._now, change.project_id, change.sequence))
                self._advance(database, change)

    def parked(self) -> list[tuple[Change, str]]:
        """See `Store.parked`."""
        rows = self._rows("SELECT payload, sequence, attempts, reason FROM qc_parked ORDER BY id")
        with explained(self.path):
            return [(change_of(*row), reason) for *row, reason in rows]

    # Transactions

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection, None, None]:
        """All or nothing, and only as long as the file is ours. Explains its own errors, not those of the block."""
        database = self._opened()
        try:
            with explained(self.path):
                database.execute("BEGIN IMMEDIATE")
                self._require_ours(database)
            yield database
            with explained(self.path):
                database.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # a full disk may have rolled back already
                database.execute("ROLLBACK")
            raise

    def _require_ours(self, database: sqlite3.Connection) -> None:
        """The inode tells of a file that was set aside or deleted under us: SQLite would go on writing to it."""
        if inode_of(self.path) != self._inode:
            raise refusal(self.path, "was moved or deleted while it was in use", "Start again.", lasting=True)
        owner = read_owner(database)
        if owner.fence != self._fence:
            raise in_use(self.path, owner, lasting=True)

    def _is_pending(self, database: sqlite3.Connection, change: Change) -> bool:
        query = "SELECT acked_at FROM qc_outbox WHERE project_id = ? AND sequence = ? AND key = ?"
        with explained(self.path):
            row = database.execute(query, (change.project_id, change.sequence, change.key)).fetchone()
        return row is not None and row[0] is None

    def _advance(self, database: sqlite3.Connection, change: Change) -> None:
        entries = """
            UPDATE qc_outbox SET acked_at = ? WHERE project_id = ? AND sequence <= ?
            AND sequence > (SELECT acknowledged FROM qc_queues WHERE qc_queues.project_id = qc_outbox.project_id)"""
        with explained(self.path):
            database.execute(entries, (self._now, change.project_id, change.sequence))
            database.execute(
                "UPDATE qc_queues SET acknowledged = ? WHERE project_id = ?", (change.sequence, change.project_id)
            )

    def _new(self, changes: Sequence[Change]) -> list[Change]:
        """Those whose key was not told before. We alone write, so it may be asked before the transaction."""
        if not changes:
            return []
        by_key: dict[str, Change] = {}
        for change in changes:
            by_key.setdefault(change.key, change)
        query, database = "SELECT 1 FROM qc_outbox WHERE key = ?", self._opened()
        with explained(self.path):  # one by one, and not as JSON: that ends at a NUL
            return [change for key, change in by_key.items() if database.execute(query, (key,)).fetchone() is None]

    # Opening

    def _take(self, account: str, now: float, *, rebuild: bool) -> float:
        """Under the lock: begin a file if there is none, look through it, and write our name into it."""
        half_rebuilt = is_half_rebuilt(self.path)
        if rebuild or half_rebuilt:
            if not half_rebuilt:
                refuse_alive(self.path, owner_of(self.path), self._host, now)
                create(self.path, account, now, rebuilt=True)
            set_aside(self.path)
            put_in_place(self.path)
        elif not self.path.exists():
            if beside(self.path, "-wal").exists():
                raise refusal(self.path, "is missing, though FILE-wal holds what was last written to it", REBUILD)
            create(self.path, account, now)
            put_in_place(self.path)
        discard(self.path)
        self._inode = inode_of(self.path)
        size, has_log = self.path.stat().st_size, beside(self.path, "-wal").exists()
        if size < SMALLEST:  # SQLite would take it for a new one
            raise refusal(self.path, "is empty, or cut off", REBUILD)
        database = self._database = connect(self.path, "rw")
        for setting in SETTINGS:
            database.execute(setting)
        begun_at = examined(self.path, database, account)
        if size % pragma(database, "page_size") and not has_log:  # SQLite reads zeros there
            raise refusal(self.path, "is damaged (its last page is cut off)", REBUILD)
        database.execute("BEGIN IMMEDIATE")
        owner = read_owner(database)
        refuse_alive(self.path, owner, self._host, now)
        database.execute(
            "UPDATE qc_owner SET fence = fence + 1, host = ?, process = ?, since = ?, renewed_at = ?",
            (self._host, os.getpid(), now, now),
        )
        database.execute(COUNT_ATTEMPTS)
        database.execute("COMMIT")
        self._fence, self._now = owner.fence + 1, now
        return begun_at

    # How it is done

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            raise refusal(self.path, "is not open", "It was closed, or opening it failed.")
        return self._database

    def _rows(self, query: str, *values: object) -> list[Any]:  # rows of whatever columns
        with explained(self.path):
            return self._opened().execute(query, values).fetchall()


def _writable(text: str) -> str:
    """A text that SQLite takes, whoever wrote it."""
    return text.encode("utf-8", "backslashreplace").decode()
