"""What a consumer may do in the transaction that acknowledges."""

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from qcasync import ConfigurationError
from qcasync.poller.sqlite_store import SqliteStore
from tests.unit.poller.sqlite_store.files import learn, learnt, note, opened, told_later
from tests.unit.poller.test_stores import facts, pending


def test_a_consumer_writes_with_the_acknowledgement(store: SqliteStore, path: Path) -> None:
    """Both are kept, or neither is."""
    store.commit(facts("1", "2"))
    store.acknowledge(told_later(store), note(1))

    def fail(connection: sqlite3.Connection) -> None:
        note(2)(connection)
        raise LookupError("on second thoughts")

    with pytest.raises(LookupError):
        store.acknowledge(told_later(store), fail)
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT number FROM sink").fetchall() == [(1,)]
    assert pending(store) == [(2, "2", 1)]


def _insert_twice(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE sink (number INTEGER UNIQUE)")
    connection.executemany("INSERT INTO sink VALUES (?)", [(1,), (1,)])


def test_errors_of_a_consumer_are_its_own(store: SqliteStore) -> None:
    """Also those of SQLite."""
    learn(store, 1)
    with pytest.raises(sqlite3.IntegrityError):
        store.acknowledge(told_later(store), _insert_twice)
    assert pending(store) == [(1, "1", 1)]


def _end_by_with(connection: sqlite3.Connection) -> None:
    with connection:
        connection.execute("CREATE TABLE sink (number INTEGER)")


def _end_by_conflict(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE sink (number INTEGER UNIQUE)")
    connection.execute("INSERT INTO sink VALUES (1)")
    with suppress(sqlite3.IntegrityError):
        connection.execute("INSERT OR ROLLBACK INTO sink VALUES (1)")


def _statement(text: str) -> Callable[[sqlite3.Connection], object]:
    return lambda connection: connection.execute(text)


MISUSES: dict[str, Callable[[sqlite3.Connection], object]] = {
    "commit": lambda connection: connection.commit(),
    "rollback": lambda connection: connection.rollback(),
    "with": _end_by_with,
    "script": lambda connection: connection.executescript("CREATE TABLE sink (number INTEGER)"),
    "conflict": _end_by_conflict,
    "close": lambda connection: connection.close(),
    **{
        text: _statement(text)
        for text in (
            "COMMIT",
            "END",
            "ROLLBACK",
            "BEGIN",
            "DELETE FROM qc_outbox",
            "UPDATE QC_Queues SET acknowledged = 0",
            "INSERT INTO qc_owner VALUES (1, '', 1, 1, 1)",
            "DROP TABLE qc_orders",
            "ALTER TABLE qc_orders RENAME TO mine",
            "CREATE TABLE qc_mine (x)",
            "CREATE TRIGGER mine AFTER INSERT ON qc_outbox BEGIN SELECT 1; END",
            "CREATE INDEX mine ON qc_outbox (payload)",
            "PRAGMA synchronous = OFF",
            "PRAGMA user_version = 9",
            "ATTACH ':memory:' AS other",
        )
    },
}


@pytest.mark.parametrize("misuse", MISUSES.values(), ids=MISUSES)
def test_a_consumer_cannot_break_the_transaction(
    misuse: Callable[[sqlite3.Connection], object], store: SqliteStore, path: Path
) -> None:
    """It is told what it did, and nothing is acknowledged."""
    learn(store, 1)
    with pytest.raises(ConfigurationError, match=r"ack\(write=") as caught:
        store.acknowledge(told_later(store), misuse)
    assert "HINT" in str(caught.value)
    store.close()
    again = opened(path)
    assert pending(again) == [(1, "1", 2)]
    assert learnt(again) == 1
    assert not again._rows("SELECT * FROM sqlite_master WHERE name LIKE '%sink' OR name LIKE '%mine'")
    again.close()


def test_a_consumer_that_swallows_the_refusal(store: SqliteStore) -> None:
    """Nothing came of what it tried, and the transaction goes on."""
    learn(store, 1)

    def write(connection: sqlite3.Connection) -> None:
        with suppress(sqlite3.Error):
            connection.commit()
        note(1)(connection)

    store.acknowledge(told_later(store), write)
    assert pending(store) == []
    assert store._rows("SELECT * FROM sink") == [(1,)]


def test_what_a_consumer_may_do(store: SqliteStore) -> None:
    """Tables, savepoints, temporary things; reading is free; what it set is set back."""

    def write(connection: sqlite3.Connection) -> None:
        connection.row_factory = sqlite3.Row
        connection.text_factory = bytes
        for text in (
            "CREATE TEMP TABLE scratch (x)",
            "INSERT INTO scratch SELECT sequence FROM qc_outbox",
            "SAVEPOINT inner",
            "DELETE FROM scratch",
            "ROLLBACK TO inner",
            "RELEASE inner",
            "CREATE TABLE sink AS SELECT * FROM scratch",
            "CREATE INDEX sink_x ON sink (x)",
            "ALTER TABLE sink ADD COLUMN y",
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) INSERT INTO sink (x) "
            "SELECT abs(i) FROM n",
            "PRAGMA table_info(sink)",
            "DROP INDEX sink_x",
        ):
            connection.execute(text)

    learn(store, 1)
    learn(store, 2)
    store.acknowledge(told_later(store), write)
    assert store._rows("SELECT x FROM sink ORDER BY x") == [(1,), (1,), (2,), (2,), (3,)]
    assert pending(store) == [(2, "2", 1)]
    assert learnt(store) == 2


@pytest.mark.parametrize("path", ["", ".", "..", "/"])
def test_a_path_that_names_no_file(path: str) -> None:
    with pytest.raises(ConfigurationError, match="names no file"):
        SqliteStore(path)
