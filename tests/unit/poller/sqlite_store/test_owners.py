"""One process at a time uses a file."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from qcasync import CheckpointError
from qcasync.poller.sqlite_store import STALE_AFTER, SqliteStore
from tests.unit.poller.sqlite_store.files import database, learn, learnt, opened, posix, refusal, told_later
from tests.unit.poller.test_stores import NOW


def test_a_second_poller_is_told_who_is_the_first(store: SqliteStore, path: Path) -> None:
    """By its process and machine, and at once."""
    error = refusal(path)
    assert error.problem.startswith(f"is in use by process {os.getpid()} on ")
    assert error.problem.endswith(", since 2025-06-15 15:06:40+00:00")
    assert not error.lasting
    learn(store, 1)
    store.close()
    opened(path).close()


def test_rebuilding_is_refused_to_a_second_poller(store: SqliteStore, path: Path) -> None:
    """The file is not pulled away from under the first."""
    with pytest.raises(CheckpointError, match="is in use by process"):
        SqliteStore(path).open("mine", NOW, rebuild=True)
    learn(store, 1)
    assert learnt(store) == 1


def _unlock(path: Path) -> None:
    """As on a network's file system, where locks do not reach other machines."""
    path.with_name(path.name + "-lock").unlink()


@posix
def test_a_living_owner_on_another_machine_is_respected(path: Path) -> None:
    """As long as it renews; and as soon as it is closed, or has been silent, it is not."""
    first = opened(path, host="one")
    _unlock(path)
    for seconds in (0.0, STALE_AFTER - 1, 1 - STALE_AFTER):
        error = refusal(path, host="two", now=NOW + seconds)
        assert "on one, since" in error.problem
    with pytest.raises(CheckpointError, match="on one, since"):
        SqliteStore(path, host="two").open("mine", NOW + 1, rebuild=True)
    first.renew(NOW + 10)
    refusal(path, host="two", now=NOW + STALE_AFTER + 9)
    opened(path, host="two", now=NOW + 10 - STALE_AFTER).close()  # one of the clocks was set
    _unlock(path)
    second = opened(path, host="two", now=NOW + STALE_AFTER + 10)
    learn(second, 1)
    second.close()
    _unlock(path)
    opened(path, host="three", now=NOW + STALE_AFTER + 11).close()
    first.close()


@posix
def test_the_same_machine_takes_over_at_once(path: Path) -> None:
    """There the lock tells: it ends with its process."""
    first = opened(path, host="one")
    _unlock(path)
    opened(path, host="one", now=NOW + 1).close()
    first.close()


@posix
def test_who_was_taken_over_writes_no_more(path: Path) -> None:
    """A process that was frozen wakes, and does not know."""
    first = opened(path, host="one")
    learn(first, 1)
    head = told_later(first)
    _unlock(path)
    second = opened(path, host="two", now=NOW + STALE_AFTER)
    learn(second, 2)
    called: list[object] = []
    for attempt in (
        lambda: learn(first, 3),
        lambda: first.acknowledge(head, called.append),
        lambda: first.park(head, "odd"),
        lambda: first.renew(NOW + STALE_AFTER),
    ):
        with pytest.raises(CheckpointError, match=r"was taken over by process \d+ on two, since") as caught:
            attempt()
        assert caught.value.lasting
    assert not called
    first.close()
    assert learnt(second) == 2
    assert refusal(path, host="three", now=NOW + STALE_AFTER).problem.startswith("is in use"), "closing took nothing"
    second.close()


def _move(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))


def _replace(path: Path) -> None:
    _move(path)
    path.touch()


@posix
@pytest.mark.parametrize("away", [Path.unlink, _move, _replace])
def test_a_file_that_is_gone_is_not_written(away: Callable[[Path], None], store: SqliteStore, path: Path) -> None:
    """SQLite would go on writing to what no longer has a name."""
    learn(store, 1)
    away(path)
    with pytest.raises(CheckpointError, match="was moved or deleted") as caught:
        learn(store, 2)
    assert caught.value.lasting


def test_another_program_that_writes(store: SqliteStore, path: Path) -> None:
    """It is waited for, but not for ever; afterwards all is well."""
    database(store).execute("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CheckpointError, match="is being written by another program") as caught:
            learn(store, 1)
    assert not caught.value.lasting
    learn(store, 1)
    assert learnt(store) == 1
