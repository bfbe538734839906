"""Files of checkpoints, as the tests beside this make and look at them."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from qcasync import CheckpointError
from qcasync.poller.sqlite_store import SqliteStore
from tests.unit.poller.test_stores import NOW, facts, record

posix = pytest.mark.skipif(os.name != "posix", reason="a matter of POSIX")
PROJECT = 7


def opened(path: Path, now: float = NOW, **options: Any) -> SqliteStore:
    store = SqliteStore(path, **options)
    store.open("mine", now)
    return store


def rebuilt(path: Path) -> None:
    """Begin anew, and leave it."""
    store = SqliteStore(path)
    store.open("mine", NOW, rebuild=True)
    store.close()


def refusal(path: Path, *, now: float = NOW, **options: Any) -> CheckpointError:
    """How opening fails."""
    with pytest.raises(CheckpointError) as caught:
        SqliteStore(path, **options).open("mine", now)
    assert caught.value.hint, caught.value
    return caught.value


def database(store: SqliteStore) -> sqlite3.Connection:
    assert store._database is not None
    return store._database


def sql(path: Path, *statements: str) -> None:
    """Change a file behind its store's back."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def learn(store: SqliteStore, number: int) -> None:
    """One look: an order, what is remembered of the list, and what is told of it belong together."""
    store.commit(facts(f"{number}", orders=[record(number)], memories={"last": b"%d" % number}))


def learnt(store: SqliteStore) -> int:
    """How much was learnt. Nothing of it is there without the rest."""
    orders = [each.order_id for each in store.open_orders(PROJECT)]
    last = int(store.memories().get(PROJECT, {}).get("last", b"0"))
    rows = database(store).execute("SELECT sequence, key FROM qc_outbox ORDER BY id").fetchall()
    assert orders == list(range(1, last + 1))
    assert rows == [(number, str(number)) for number in range(1, last + 1)]
    return last


def told_later(store: SqliteStore) -> Any:
    """The first change that waits."""
    return store.pending(PROJECT, 0, 1)[0]


def note(number: int) -> Callable[[Any], object]:
    def write(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE IF NOT EXISTS sink (number INTEGER)")
        connection.execute("INSERT INTO sink VALUES (?)", (number,))

    return write


def process(function: Callable[..., None], *arguments: str) -> "subprocess.Popen[str]":
    """A process that runs a function of a test's module."""
    code = f"import sys; from {function.__module__} import {function.__name__} as run; run(*sys.argv[1:])"
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[4],
    )
