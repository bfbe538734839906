"""A checkpoint in one SQLite file: what is learnt and what it tells are on the disk together, before anybody is told.

WAL and synchronous FULL: what a method has done survives a kill and a loss of power. One owner at a time: a lock of the
operating system, which ends with the process, and a number that every opening increments and every transaction checks.
A file that is not certainly ours and whole is refused, and never deleted.
"""

import errno
import os
import platform
import sqlite3
import stat
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from qcasync._core.change_codec import decode_change, encode_change
from qcasync._core.deltas import DIGEST_BYTES, Digest, OrderRecord
from qcasync.errors import CheckpointError, ConfigurationError
from qcasync.models.changes import Change
from qcasync.poller.store import RETENTION, Facts, OrderKey, Write

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

APPLICATION_ID: Final = int.from_bytes(b"qcas")
SCHEMA_VERSION: Final = 1
BUSY_SECONDS: Final = 5.0
STALE_AFTER: Final = 30.0
"""Seconds without renewal after which an owner on another machine is taken for gone."""
SMALLEST: Final = 512
"""Bytes of the smallest database there can be."""
PRUNED_AT_ONCE: Final = 5_000
"""Rows: a renewal must not take long."""

# Consumers may have tables in the same file, hence the prefix. Payloads are too long for WITHOUT ROWID.
_SCHEMA: Final = """
CREATE TABLE qc_account (account TEXT NOT NULL, begun_at REAL NOT NULL);
CREATE TABLE qc_owner (
    fence INTEGER NOT NULL, host TEXT NOT NULL, process INTEGER NOT NULL, since REAL NOT NULL,
    renewed_at REAL NOT NULL);
CREATE TABLE qc_memory (
    project_id INTEGER NOT NULL, about TEXT NOT NULL, content BLOB NOT NULL CHECK (typeof(content) = 'blob'),
    PRIMARY KEY (project_id, about)) WITHOUT ROWID;
CREATE TABLE qc_orders (
    project_id INTEGER NOT NULL, deployment INTEGER NOT NULL, order_id INTEGER NOT NULL, idx INTEGER NOT NULL,
    identity BLOB NOT NULL CHECK (typeof(identity) = 'blob'), digest BLOB NOT NULL CHECK (typeof(digest) = 'blob'),
    events BLOB NOT NULL CHECK (typeof(events) = 'blob'), seen BLOB NOT NULL CHECK (typeof(seen) = 'blob'),
    updated_at REAL NOT NULL, is_open INTEGER NOT NULL, PRIMARY KEY (project_id, deployment, order_id)) WITHOUT ROWID;
CREATE INDEX qc_orders_open ON qc_orders (project_id) WHERE is_open = 1;
CREATE TABLE qc_queues (project_id INTEGER PRIMARY KEY, last INTEGER NOT NULL, acknowledged INTEGER NOT NULL);
CREATE TABLE qc_outbox (
    id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL, sequence INTEGER NOT NULL, key TEXT NOT NULL UNIQUE,
    payload BLOB NOT NULL CHECK (typeof(payload) = 'blob'), attempts INTEGER NOT NULL DEFAULT 1, acked_at REAL,
    UNIQUE (project_id, sequence));
CREATE INDEX qc_outbox_acked ON qc_outbox (acked_at) WHERE acked_at IS NOT NULL;
CREATE TABLE qc_quarantine (
    digest BLOB PRIMARY KEY, project_id INTEGER NOT NULL, idx INTEGER NOT NULL, reason TEXT NOT NULL,
    raw BLOB NOT NULL);
CREATE TABLE qc_parked (
    id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL, sequence INTEGER NOT NULL, attempts INTEGER NOT NULL,
    payload BLOB NOT NULL CHECK (typeof(payload) = 'blob'), reason TEXT NOT NULL, parked_at REAL NOT NULL);
"""
_SETTINGS: Final = (
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",  # macOS: an fsync there leaves the data in the drive's cache
    "PRAGMA checkpoint_fullfsync = ON",
    "PRAGMA cell_size_check = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA journal_size_limit = 16777216",
)
_COUNT_ASTRAY: Final = """
SELECT count(*) FROM qc_queues AS queue WHERE last - acknowledged <>
    (SELECT count(*) FROM qc_outbox AS entry WHERE entry.project_id = queue.project_id AND sequence > acknowledged)"""
_COUNT_ATTEMPTS: Final = """
UPDATE qc_outbox SET attempts = attempts + 1 WHERE id IN (
    SELECT entry.id FROM qc_queues AS queue JOIN qc_outbox AS entry
    ON entry.project_id = queue.project_id AND entry.sequence = queue.acknowledged + 1)"""
_PRUNE: Final = """
DELETE FROM qc_outbox WHERE id IN (SELECT id FROM qc_outbox WHERE acked_at < ? ORDER BY acked_at LIMIT ?)"""
_ORDERS: Final = """
SELECT qc_orders.* FROM json_each(?) AS wanted CROSS JOIN qc_orders ON project_id = ?
    AND deployment = json_extract(wanted.value, '$[0]') AND order_id = json_extract(wanted.value, '$[1]')"""

_REBUILD: Final = "Start once with rebuild=True: the file is set aside, and history is read again."
_ELSEWHERE: Final = "Name another file."
_SPACE: Final = "Make room; until then nothing is told that is not kept."
_RIGHTS: Final = "Name a file that this user may write, in a directory that this user may write."
_EXPLANATIONS: Final = {
    sqlite3.SQLITE_NOTADB: ("is not a checkpoint", _ELSEWHERE),
    sqlite3.SQLITE_CORRUPT: ("is damaged", _REBUILD),
    sqlite3.SQLITE_FULL: ("cannot be written", _SPACE),
    sqlite3.SQLITE_IOERR: ("cannot be read or written", "Look after the disk; nothing is told that is not kept."),
    sqlite3.SQLITE_READONLY: ("cannot be written", _RIGHTS),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened", _RIGHTS),
    sqlite3.SQLITE_PERM: ("cannot be opened", _RIGHTS),
    sqlite3.SQLITE_BUSY: ("is being written by another program", "Let other programs read it only."),
}
_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class SqliteStore:
    """A store in a file.

    Args:
        path: The file; made with mode 0600 if there is none. Beside it there will be FILE-wal, FILE-shm and FILE-lock.
        blocking: False to be called on the event loop all the same.
        host: What this machine is called, if not by its own name.
    """

    def __init__(self, path: str | os.PathLike[str], *, blocking: bool = True, host: str = "") -> None:
        self.path: Path = Path(path)
        self.blocking: bool = blocking
        self._host = host or platform.node()
        self._lock = _Lock(_beside(self.path, "-lock"))
        self._database: sqlite3.Connection | None = None
        self._fence = 0
        self._now = 0.0
        self._inode: tuple[int, int] | None = None

    def open(self, account: str, now: float, *, rebuild: bool = False) -> float:
        """Take the file into use; see `Store.open`. With `rebuild`, FILE.damaged-1 (-2, ...) is what it was."""
        if self._database is not None:
            raise self._error("is in use by this process already", _ELSEWHERE)
        with self._explained():
            _require_regular(self.path)
            if not self._lock.take():
                raise self._in_use(self._owner())
        try:
            with self._explained():
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
        with self._transaction() as database, self._explained():
            database.execute("UPDATE qc_owner SET renewed_at = ?", (now,))
            database.execute(_PRUNE, (now - RETENTION, PRUNED_AT_ONCE))
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
        return [_record(row) for row in self._rows(query, project_id)]

    def orders(self, project_id: int, keys: Iterable[OrderKey]) -> dict[OrderKey, OrderRecord]:
        """See `Store.orders`."""
        wanted = msgspec.json.encode(list(keys)).decode()
        records = (_record(row) for row in self._rows(_ORDERS, wanted, project_id))
        return {record.key: record for record in records}

    def commit(self, facts: Facts) -> list[Change]:
        """Keep facts in one transaction; see `Store.commit`. Nothing new to keep costs no transaction."""
        new = self._new(facts.changes)
        if not (new or facts.memories or facts.orders or facts.quarantined):
            return []
        project_id = facts.project_id
        with self._transaction() as database, self._explained():
            database.executemany(
                "INSERT OR REPLACE INTO qc_memory VALUES (?, ?, ?)",
                ((project_id, about, content) for about, content in facts.memories.items()),
            )
            database.executemany(
                "INSERT OR REPLACE INTO qc_orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (_row(project_id, record) for record in facts.orders),
            )
            database.executemany(
                "INSERT OR IGNORE INTO qc_quarantine VALUES (?, ?, ?, ?, ?)",
                ((entry.digest, project_id, entry.index, entry.reason, entry.raw) for entry in facts.quarantined),
            )
            return _enqueue(database, project_id, new) if new else []

    def waiting(self) -> dict[int, int]:
        """See `Store.waiting`."""
        return dict(self._rows("SELECT project_id, last - acknowledged FROM qc_queues WHERE last > acknowledged"))

    def pending(self, project_id: int, after: int, limit: int) -> list[Change]:
        """See `Store.pending`."""
        query = """
            SELECT payload, sequence, attempts FROM qc_outbox JOIN qc_queues USING (project_id)
            WHERE project_id = ? AND sequence > max(?, acknowledged) ORDER BY sequence LIMIT ?"""
        rows = self._rows(query, project_id, after, limit)
        with self._explained():
            return [_change(*row) for row in rows]

    def acknowledge(self, change: Change, write: Write | None = None) -> None:
        """Move the project's cursor; see `Store.acknowledge`.

        Raises:
            ConfigurationError: `write` tried to end the transaction, or to write what is not the consumer's.
        """
        with self._transaction() as database:
            if not self._is_pending(database, change):
                return
            if write is not None:
                _let_write(database, write)
            self._advance(database, change)

    def park(self, change: Change, reason: str) -> None:
        """See `Store.park`."""
        query = """
            INSERT INTO qc_parked SELECT NULL, project_id, sequence, attempts, payload, ?, ? FROM qc_outbox
            WHERE project_id = ? AND sequence = ?"""
        with self._transaction() as database, self._explained():
            if self._is_pending(database, change):
                database.execute(query, (reason, self._now, change.project_id, change.sequence))
                self._advance(database, change)

    def parked(self) -> list[tuple[Change, str]]:
        """See `Store.parked`."""
        rows = self._rows("SELECT payload, sequence, attempts, reason FROM qc_parked ORDER BY id")
        with self._explained():
            return [(_change(*row), reason) for *row, reason in rows]

    # Transactions

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection, None, None]:
        """All or nothing, and only as long as the file is ours. Explains its own errors, not those of the block."""
        database = self._opened()
        try:
            with self._explained():
                database.execute("BEGIN IMMEDIATE")
                self._require_ours(database)
            yield database
            with self._explained():
                database.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # a full disk may have rolled back already
                database.execute("ROLLBACK")
            raise

    def _require_ours(self, database: sqlite3.Connection) -> None:
        """The inode tells of a file that was set aside or deleted under us: SQLite would go on writing to it."""
        if _inode(self.path) != self._inode:
            raise self._error("was moved or deleted while it was in use", "Start again.", fenced=True)
        owner = _owner(database)
        if owner.fence != self._fence:
            raise self._in_use(owner, fenced=True)

    def _is_pending(self, database: sqlite3.Connection, change: Change) -> bool:
        query = "SELECT acked_at FROM qc_outbox WHERE project_id = ? AND sequence = ? AND key = ?"
        with self._explained():
            row = database.execute(query, (change.project_id, change.sequence, change.key)).fetchone()
        return row is not None and row[0] is None

    def _advance(self, database: sqlite3.Connection, change: Change) -> None:
        entries = """
            UPDATE qc_outbox SET acked_at = ? WHERE project_id = ? AND sequence <= ?
            AND sequence > (SELECT acknowledged FROM qc_queues WHERE qc_queues.project_id = qc_outbox.project_id)"""
        with self._explained():
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
        told = self._rows(
            "SELECT key FROM qc_outbox WHERE key IN (SELECT value FROM json_each(?))",
            msgspec.json.encode(list(by_key)).decode(),
        )
        for (key,) in told:
            del by_key[key]
        return list(by_key.values())

    # Opening

    def _take(self, account: str, now: float, *, rebuild: bool) -> float:
        """Under the lock: begin a file if there is none, look through it, and write our name into it."""
        if rebuild:
            self._refuse_alive(self._owner(), now)
            _set_aside(self.path)
        if not self.path.exists():
            if _beside(self.path, "-wal").exists():
                raise self._error("is missing, though FILE-wal holds what was last written to it", _REBUILD)
            _create(self.path, account, now)
        self._inode = _inode(self.path)
        size, has_log = self.path.stat().st_size, _beside(self.path, "-wal").exists()
        if size < SMALLEST:  # SQLite would take it for a new one
            raise self._error("is empty, or cut off", _REBUILD)
        database = self._database = _connect(self.path, "rw")
        for setting in _SETTINGS:
            database.execute(setting)
        begun_at = self._examined(database, account)
        if size % _pragma(database, "page_size") and not has_log:  # SQLite reads zeros there
            raise self._error("is damaged (its last page is cut off)", _REBUILD)
        database.execute("BEGIN IMMEDIATE")
        owner = _owner(database)
        self._refuse_alive(owner, now)
        database.execute(
            "UPDATE qc_owner SET fence = fence + 1, host = ?, process = ?, since = ?, renewed_at = ?",
            (self._host, os.getpid(), now, now),
        )
        database.execute(_COUNT_ATTEMPTS)
        database.execute("COMMIT")
        self._fence, self._now = owner.fence + 1, now
        return begun_at

    def _examined(self, database: sqlite3.Connection, account: str) -> float:
        """When the file was begun, if it is ours and whole."""
        if _pragma(database, "application_id") != APPLICATION_ID:
            raise self._error("is a database of another program", _ELSEWHERE)
        version = _pragma(database, "user_version")
        if version > SCHEMA_VERSION:
            raise self._error(f"was written by a newer release of qcasync (schema {version})", "Upgrade qcasync.")
        found = _pragma(database, "quick_check(1)")
        if found != "ok":
            raise self._error(f"is damaged ({found})", _REBUILD)
        if version != SCHEMA_VERSION or _tables(database) != _expected_tables():
            raise self._error(f"has not the tables that it should have (schema {version})", _REBUILD)
        row = database.execute("SELECT account, begun_at FROM qc_account").fetchone()
        owned_by, begun_at = msgspec.convert(row, tuple[str, float])
        if database.execute(_COUNT_ASTRAY).fetchone() != (0,):
            raise self._error("is damaged (changes are missing)", _REBUILD)
        if owned_by != account:
            raise self._error("belongs to another account, or to another address", "Name another file for this one.")
        return begun_at

    def _refuse_alive(self, owner: "_Owner | None", now: float) -> None:
        """Locks of network file systems may not reach other machines; the owner's row does."""
        if owner is not None and owner.host not in {"", self._host} and abs(now - owner.renewed_at) < STALE_AFTER:
            raise self._in_use(owner)

    def _owner(self) -> "_Owner | None":
        """Who was written into the file last, as far as it can be read."""
        with (
            suppress(sqlite3.Error, UnicodeDecodeError, msgspec.MsgspecError),
            closing(_connect(self.path, "ro")) as database,
        ):
            return _owner(database)
        return None

    def _in_use(self, owner: "_Owner | None", *, fenced: bool = False) -> CheckpointError:
        who = "another process" if owner is None or not owner.host else str(owner)
        problem = f"was taken over by {who}" if fenced else f"is in use by {who}"
        hint = f"Stop it, or name another file. {STALE_AFTER:.0f} s after it ended, any machine may take over."
        return self._error(problem, hint, fenced=fenced)

    # Errors

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            raise self._error("is not open", "It was closed, or opening it failed.")
        return self._database

    def _rows(self, query: str, *values: object) -> list[Any]:  # rows of whatever columns
        with self._explained():
            return self._opened().execute(query, values).fetchall()

    @contextmanager
    def _explained(self) -> Generator[None, None, None]:
        """What goes wrong in the block becomes a CheckpointError that says what to do."""
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest tells kinds of one error apart
            problem, hint = _EXPLANATIONS.get(code, ("cannot be used", ""))
            raise self._error(f"{problem} ({error})", hint) from error
        except UnicodeDecodeError as error:  # SQLite quotes what it found in place of a name
            raise self._error(f"is damaged ({error})", _REBUILD) from error
        except OSError as error:
            hint = _SPACE if error.errno in _NO_SPACE else _RIGHTS
            raise self._error(f"cannot be used ({error.strerror or error})", hint) from error
        except msgspec.MsgspecError as error:
            raise self._error(f"holds something that this release cannot read ({error})", _REBUILD) from error

    def _error(self, problem: str, hint: str, *, fenced: bool = False) -> CheckpointError:
        return CheckpointError(str(self.path), problem, hint, fenced)


# Rows


def _row(project_id: int, record: OrderRecord) -> tuple[object, ...]:
    return (
        project_id,
        record.deployment,
        record.order_id,
        record.index,
        record.identity,
        record.digest,
        b"".join(record.events),
        b"".join(record.seen),
        record.updated_at,
        record.is_open,
    )


def _record(row: Any) -> OrderRecord:  # as `_row` makes it
    _, deployment, order_id, index, identity, digest, events, seen, updated_at, is_open = row
    return OrderRecord(
        deployment=deployment,
        order_id=order_id,
        index=index,
        identity=identity,
        digest=digest,
        events=_digests(events),
        seen=_digests(seen),
        updated_at=updated_at,
        is_open=bool(is_open),
    )


def _digests(joined: bytes) -> tuple[Digest, ...]:
    return tuple(joined[at : at + DIGEST_BYTES] for at in range(0, len(joined), DIGEST_BYTES))


def _change(payload: bytes, sequence: int, attempts: int) -> Change:
    return msgspec.structs.replace(decode_change(payload), sequence=sequence, attempt=attempts)


def _enqueue(database: sqlite3.Connection, project_id: int, new: Iterable[Change]) -> list[Change]:
    """Number changes from where the project's queue ends, and put them there."""
    row = database.execute("SELECT last FROM qc_queues WHERE project_id = ?", (project_id,)).fetchone()
    last = 0 if row is None else row[0]
    changes = [msgspec.structs.replace(change, sequence=at, attempt=1) for at, change in enumerate(new, last + 1)]
    database.executemany(
        "INSERT INTO qc_outbox (project_id, sequence, key, payload) VALUES (?, ?, ?, ?)",
        ((project_id, change.sequence, change.key, encode_change(change)) for change in changes),
    )
    database.execute(
        "INSERT INTO qc_queues VALUES (?, ?, 0) ON CONFLICT (project_id) DO UPDATE SET last = excluded.last",
        (project_id, last + len(changes)),
    )
    return changes


class _Owner(msgspec.Struct, frozen=True, array_like=True):
    """The process that uses a file, or was killed while it did; without a host, if nobody does."""

    fence: int
    host: str
    process: int
    since: float
    renewed_at: float

    def __str__(self) -> str:
        since = datetime.fromtimestamp(self.since, UTC).isoformat(" ", "seconds")
        return f"process {self.process} on {self.host}, since {since}"


def _owner(database: sqlite3.Connection) -> _Owner:
    row = database.execute("SELECT fence, host, process, since, renewed_at FROM qc_owner").fetchone()
    return msgspec.convert(row, _Owner)


# What consumers may do inside the transaction


class _Guard:
    """Forbids statements that would end the transaction, or touch what is ours. Reading is free."""

    def __init__(self) -> None:
        self.denied = ""

    def __call__(self, action: int, first: str | None, second: str | None, _base: str | None, _by: str | None) -> int:
        if action in _FREE or (action == sqlite3.SQLITE_PRAGMA and first in _INFORMATIVE):
            return sqlite3.SQLITE_OK
        ours = any(name is not None and name.lower().startswith("qc_") for name in (first, second))
        if ours or action in _FORBIDDEN:
            self.denied = f"{_FORBIDDEN.get(action, 'writing to')} {first or ''}".strip()
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK


_FREE: Final = frozenset(
    {sqlite3.SQLITE_READ, sqlite3.SQLITE_SELECT, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)
_INFORMATIVE: Final = frozenset({"table_info", "table_xinfo", "table_list", "index_list", "index_info"})
_FORBIDDEN: Final = {
    sqlite3.SQLITE_TRANSACTION: "statement",
    sqlite3.SQLITE_ATTACH: "attaching",
    sqlite3.SQLITE_DETACH: "detaching",
    sqlite3.SQLITE_PRAGMA: "pragma",
}


def _let_write(database: sqlite3.Connection, write: Write) -> None:
    """Let a consumer write in our transaction, but not end it."""
    guard = _Guard()
    database.set_authorizer(guard)
    try:
        write(database)
    except sqlite3.Error as error:
        if guard.denied:
            raise _misused(guard.denied) from error
        raise
    finally:
        with suppress(sqlite3.ProgrammingError):  # it was closed
            database.set_authorizer(None)
            database.row_factory, database.text_factory = None, str
    try:
        alive = database.in_transaction
    except sqlite3.ProgrammingError as error:
        raise _misused("closing the connection") from error
    if not alive:
        raise _misused("ending the transaction")


def _misused(what: str) -> ConfigurationError:
    return ConfigurationError(
        f"What was given to ack(write=...) may not do this in the checkpoint: {what}.",
        "It writes to tables of its own; the acknowledgement commits.",
    )


# Files


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    """Never makes a file."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )


def _create(path: Path, account: str, now: float) -> None:
    """Begin a file aside and put it into place whole: an empty or half-made one is never ours."""
    draft = _beside(path, "-new")
    for suffix in ("", "-journal", "-wal", "-shm"):
        _beside(draft, suffix).unlink(missing_ok=True)
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFELY, _PRIVATE))
    with closing(_connect(draft, "rw")) as database:
        database.executescript(f"{';'.join(_SETTINGS)}; BEGIN; {_SCHEMA} COMMIT")
        database.execute("INSERT INTO qc_account VALUES (?, ?)", (account, now))
        database.execute("INSERT INTO qc_owner VALUES (0, '', 0, 0, 0)")
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        database.execute("PRAGMA journal_mode = WAL")
    draft.rename(path)
    _sync_directory(path)


def _set_aside(path: Path) -> None:
    """Rename a file and what belongs to it. The database first: without its log it would look whole, but older."""
    number = 1
    while any(os.path.lexists(_beside(path, f".damaged-{number}{suffix}")) for suffix in _PARTS):
        number += 1
    for suffix in _PARTS:
        with suppress(FileNotFoundError):
            _beside(path, suffix).rename(_beside(path, f".damaged-{number}{suffix}"))
    _sync_directory(path)


def _require_regular(path: Path) -> None:
    with suppress(FileNotFoundError):
        found = path.lstat().st_mode
        if not stat.S_ISREG(found):
            raise OSError(0, "it is a symbolic link" if stat.S_ISLNK(found) else "it is no regular file")
        if not os.access(path, os.R_OK | os.W_OK):  # SQLite would leave a log behind that cannot be written either
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    if not path.parent.is_dir():
        raise OSError(0, f"{path.parent} is no directory")


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _sync_directory(path: Path) -> None:
    """See new names onto the disk, where a directory can be opened at all."""
    if os.name == "posix":
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


_PRIVATE: Final = 0o600
_PARTS: Final = ("", "-wal", "-shm")
_SAFELY: Final[int] = sum(getattr(os, name, 0) for name in ("O_BINARY", "O_CLOEXEC", "O_NOFOLLOW"))


class _Lock:
    """A lock on a file of its own. It ends with the process, however that ends; the file stays."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def take(self) -> bool:
        """Returns whether it is ours; does not wait."""
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | _SAFELY, _PRIVATE)
        try:
            if sys.platform == "win32":
                msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            else:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            if error.errno in _TAKEN:
                return False
            raise
        self._handle = handle
        return True

    def release(self) -> None:
        """Idempotent."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)


_TAKEN: Final = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES})


# What a file should contain


def _pragma(database: sqlite3.Connection, name: str) -> Any:  # a number or a text
    return database.execute(f"PRAGMA {name}").fetchone()[0]


def _tables(database: sqlite3.Connection) -> dict[str, str]:
    query = "SELECT name, sql FROM sqlite_master WHERE substr(name, 1, 3) = 'qc_'"
    return dict(database.execute(query))


@cache
def _expected_tables() -> dict[str, str]:
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(_SCHEMA)
        return _tables(database)
