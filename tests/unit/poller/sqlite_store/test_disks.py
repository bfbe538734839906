"""Disks that are full, and files that may not be written."""

import os
import signal
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from qcasync import CheckpointError
from qcasync.poller.sqlite_store import SqliteStore
from tests.unit.poller.sqlite_store.files import database, learn, learnt, opened, posix, process, told_later
from tests.unit.poller.test_stores import facts, record


def test_a_full_file(store: SqliteStore) -> None:
    """Nothing of the facts is kept; when there is room again, all of them are."""
    learn(store, 1)
    (pages,) = database(store).execute("PRAGMA page_count").fetchone()
    database(store).execute(f"PRAGMA max_page_count = {pages}")
    many = facts(*"23456789", orders=[record(number) for number in range(2, 500)], memories={"last": b"499"})
    for _ in range(2):
        with pytest.raises(CheckpointError, match=r"cannot be written \(database or disk is full\)") as caught:
            store.commit(many)
        assert (caught.value.lasting, "room" in caught.value.hint) == (False, True)
        assert learnt(store) == 1
    store.acknowledge(told_later(store))
    database(store).execute("PRAGMA max_page_count = 100000")
    assert [change.sequence for change in store.commit(many)] == list(range(2, 10))


def _write_until_full(path: str) -> None:
    import resource  # noqa: PLC0415 - Windows has none

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    store = opened(Path(path))
    learn(store, 1)
    sizes = (Path(f"{path}{suffix}").stat().st_size for suffix in ("", "-wal"))
    for room in (0, 100, 5_000, 60_000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (max(sizes, default=100_000) + room, resource.RLIM_INFINITY))
        with suppress(CheckpointError):
            while True:
                learn(store, learnt(store) + 1)
        last = learnt(store)
        try:
            learn(store, last + 1)
        except CheckpointError as error:
            print(room, error.problem, error.lasting)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        learn(store, learnt(store) + 1)
    store.close()
    again = opened(Path(path))
    print(learnt(again) == last + 1)


@posix
def test_a_full_disk(path: Path) -> None:
    """Row H106: as soon as there is room, it goes on."""
    told, _ = process(_write_until_full, str(path)).communicate(timeout=15)
    lines = told.splitlines()
    assert lines[-1] == "True"
    assert {line.split()[0] for line in lines[:-1]} == {"0", "100", "5000", "60000"}
    assert {line.split(" ", 1)[1] for line in lines[:-1]} == {"cannot be read or written (disk I/O error) False"}


def _open_as_nobody(directory: str) -> None:
    """Root may do anything, so that it has to be somebody else."""
    if os.geteuid() == 0:
        os.setuid(65534)
    path = Path(directory, "live.db")
    path.parent.mkdir(mode=0o700)
    opened(path).close()
    lock = path.with_name("live.db-lock")
    for which, mode in ((path, 0o400), (path, 0), (lock, 0o400), (path.parent, 0o500), (path.parent, 0o600)):
        before = which.stat().st_mode
        which.chmod(mode)
        try:
            opened(path).close()
        except CheckpointError as error:
            print(error.problem, "this user may write" in error.hint, sep=" | ")
        which.chmod(before)
        opened(path).close()


@posix
def test_what_may_not_be_written() -> None:
    """File or directory: it is told, and with the rights all is well again."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o777)
        nobody = process(_open_as_nobody, f"{directory}/mine")
        told, _ = nobody.communicate(timeout=15)
    assert nobody.returncode == 0
    assert told.splitlines() == [
        "cannot be used (Permission denied) | True",
        "cannot be used (Permission denied) | True",
        "cannot be used (Permission denied) | True",
        "cannot be written (attempt to write a readonly database) | True",
        "cannot be used (Permission denied) | True",
    ]
