"""What a checkpoint's file is like, and what is done to it."""

import os
import stat
from pathlib import Path

import pytest

from qcasync.poller.sqlite_store import APPLICATION_ID, PRUNED_AT_ONCE, SqliteStore
from qcasync.poller.store import RETENTION
from tests.unit.poller.sqlite_store.files import database, learn, opened, posix
from tests.unit.poller.test_stores import NOW, facts


@posix
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_private_from_birth(mask: int, path: Path) -> None:
    """Mode 0600 of all its files, whatever the process's mask would allow."""
    before = os.umask(mask)
    try:
        store = opened(path)
        store.commit(facts("a"))
        names = sorted(path.parent.iterdir())
    finally:
        os.umask(before)
    assert [name.name for name in names] == ["live.db", "live.db-lock", "live.db-shm", "live.db-wal"]
    assert {stat.S_IMODE(name.stat().st_mode) for name in names} == {0o600}
    store.close()
    assert sorted(name.name for name in path.parent.iterdir()) == ["live.db", "live.db-lock"]


def test_settings(store: SqliteStore, path: Path) -> None:
    """What a loss of power must not undo, and what tells the file apart."""
    expected = {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 5000, "user_version": 1, "fullfsync": 1}
    found = {name: database(store).execute(f"PRAGMA {name}").fetchone()[0] for name in expected}
    assert found == expected
    store.close()
    assert path.read_bytes()[68:72] == APPLICATION_ID.to_bytes(4) == b"qcas"


@pytest.mark.parametrize("name", ["with space", "per%cent", "quest?ion", "ha#sh", "ünïcode", "mode=ro&x"])
def test_any_name_will_do(name: str, tmp_path: Path) -> None:
    """Though SQLite is given an address."""
    store = opened(tmp_path / name)
    learn(store, 1)
    store.close()
    assert (tmp_path / name).stat().st_size > 0


def test_relative_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """From where the process is."""
    monkeypatch.chdir(tmp_path)
    opened(Path("live.db")).close()
    assert (tmp_path / "live.db").is_file()


def test_nothing_to_keep_costs_no_transaction(store: SqliteStore) -> None:
    """Most looks teach nothing, and some only what is known."""
    store.commit(facts("a"))
    statements: list[str] = []
    database(store).set_trace_callback(statements.append)
    assert store.commit(facts()) == []
    assert statements == []
    assert store.commit(facts("a")) == []
    assert [each.split()[0] for each in statements] == ["SELECT"]


def test_pruning_is_done_in_portions(store: SqliteStore) -> None:
    """A renewal must not take long, however much there is."""
    more = 100
    changes = store.commit(facts(*map(str, range(PRUNED_AT_ONCE + more))))
    store.acknowledge(changes[-2])
    counts: list[int] = []
    for seconds in (RETENTION, RETENTION + 1, RETENTION + 2):
        store.renew(NOW + seconds)
        counts += database(store).execute("SELECT count(*) FROM qc_outbox").fetchone()
    assert counts == [PRUNED_AT_ONCE + more, more, 1]
