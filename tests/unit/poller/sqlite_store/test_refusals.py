"""Files that are damaged, foreign, or none at all."""

import os
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from qcasync import CheckpointError
from qcasync.poller.sqlite_store import SqliteStore
from qcasync.poller.sqlite_store.files import create
from qcasync.poller.store import REBUILT, RETENTION
from tests.unit.poller.sqlite_store.files import (
    PROJECT,
    learn,
    learnt,
    opened,
    posix,
    rebuilt,
    refusal,
    sql,
    told_later,
)
from tests.unit.poller.test_stores import NOW


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A file of many pages, in which all tables have rows."""
    path = tmp_path_factory.mktemp("whole") / "live.db"
    store = opened(path)
    for number in range(1, 301):
        learn(store, number)
    store.acknowledge(store.pending(PROJECT, 0, 10)[5])
    store.park(told_later(store), "odd")
    store.close()
    return path.read_bytes()


def check_refused(path: Path, content: bytes, expected: str = "") -> None:
    """It is refused, left as it is, and set aside when that is asked for."""
    path.write_bytes(content)
    error = refusal(path)
    assert expected in error.problem
    assert path.read_bytes() == content
    store = SqliteStore(path)
    assert store.open("mine", NOW + 1, rebuild=True) == NOW + 1
    assert learnt(store) == 0
    learn(store, 1)
    store.close()
    aside = path.with_name(path.name + ".damaged-1")
    assert aside.read_bytes() == content
    for each in path.parent.glob("live.db.damaged-*"):
        each.unlink()


def test_truncated_files_are_refused(whole: bytes, path: Path) -> None:
    """Wherever they end, also where a page does."""
    pages = range(0, len(whole), 4096 * 7)
    sizes = {0, 1, 15, 16, 50, 99, 100, 101, 511, 512, 4095, len(whole) - 1, *pages, *(size + 999 for size in pages)}
    for size in sorted(sizes):
        check_refused(path, whole[:size], "is empty, or cut off" if size < 512 else "is damaged")


def test_zeroed_pages_are_refused(whole: bytes, path: Path) -> None:
    """Each of them."""
    for start in range(0, len(whole), 4096 * 2):
        check_refused(path, whole[:start] + bytes(4096) + whole[start + 4096 :])


@pytest.mark.parametrize(
    "content", [b"not a database\n" * 500, random.Random(1).randbytes(20_000), bytes(8192)], ids=range(3)
)
def test_what_is_no_database_is_refused(content: bytes, path: Path) -> None:
    """Somebody named the wrong file."""
    check_refused(path, content, "is not a checkpoint (file is not a database)")


@pytest.mark.parametrize("seed", range(60))
def test_random_damage_is_refused_or_harmless(seed: int, whole: bytes, path: Path) -> None:
    """SQLite keeps no checksums, so not every damage is seen; but nothing fails in a way of its own."""
    chance = random.Random(seed)
    content = bytearray(whole)
    for _ in range(2 ** chance.randrange(8)):
        start = chance.randrange(len(content))
        piece = chance.randbytes(chance.choice([1, 2, 8, 100]))[: len(content) - start]
        content[start : start + len(piece)] = piece
    path.write_bytes(content)
    store = SqliteStore(path)
    with suppress(CheckpointError):
        store.open("mine", NOW)
        store.memories()
        store.open_orders(PROJECT)
        store.orders(PROJECT, [(1, number) for number in range(400)])
        store.parked()
        store.waiting()
        for change in store.pending(PROJECT, 0, 1000):
            store.acknowledge(change)
        learn(store, 1000)
        store.renew(NOW + 2 * RETENTION)
    store.close()
    rebuilt(path)


FOREIGN = "is a database of another program"
MISFITS = [
    (["PRAGMA application_id = 0"], FOREIGN, "another file"),
    (["PRAGMA application_id = 252006674"], FOREIGN, "another file"),
    (["PRAGMA user_version = 2"], "was written by a newer release of qcasync (schema 2)", "Upgrade"),
    (["PRAGMA user_version = 0"], "has not the tables that it should have (schema 0)", "rebuild=True"),
    (["PRAGMA user_version = -1"], "has not the tables that it should have (schema -1)", "rebuild=True"),
    (["DROP TABLE qc_parked"], "has not the tables that it should have (schema 1)", "rebuild=True"),
    (["DROP INDEX qc_orders_open"], "has not the tables", "rebuild=True"),
    (["ALTER TABLE qc_orders ADD COLUMN more INTEGER"], "has not the tables", "rebuild=True"),
    (["CREATE TABLE qc_more (x)"], "has not the tables", "rebuild=True"),
    (["DELETE FROM qc_outbox WHERE sequence = 200"], "is damaged (changes are missing)", "rebuild=True"),
    (["DELETE FROM qc_account"], "cannot read", "rebuild=True"),
    (["DELETE FROM qc_owner"], "cannot read", "rebuild=True"),
    (
        ["PRAGMA ignore_check_constraints = ON", "UPDATE qc_orders SET digest = 'text'"],
        "is damaged (CHECK constraint failed in qc_orders)",
        "rebuild=True",
    ),
]


@pytest.mark.parametrize(("statements", "problem", "hint"), MISFITS, ids=range(len(MISFITS)))
def test_what_does_not_fit_is_refused(statements: list[str], problem: str, hint: str, whole: bytes, path: Path) -> None:
    """Each with what to do about it."""
    path.write_bytes(whole)
    sql(path, *statements)
    error = refusal(path)
    assert problem in error.problem
    assert hint in error.hint
    check_refused(path, path.read_bytes(), problem)


def test_tables_of_consumers_are_none_of_our_business(store: SqliteStore, path: Path) -> None:
    """They may share the file."""
    learn(store, 1)
    store.acknowledge(told_later(store), lambda db: db.execute("CREATE TABLE orders (x)"))
    store.close()
    again = opened(path)
    assert learnt(again) == 1
    again.close()


def test_a_change_that_this_release_cannot_read(store: SqliteStore, path: Path) -> None:
    """It is no reason to fail in a way of its own."""
    learn(store, 1)
    sql(path, 'UPDATE qc_outbox SET payload = CAST(\'{"kind":"later"}\' AS BLOB)')
    with pytest.raises(CheckpointError, match="cannot read"):
        store.pending(PROJECT, 0, 1)


@posix
@pytest.mark.parametrize("rebuild", [False, True])
@pytest.mark.parametrize("kind", ["directory", "link", "dangling link", "pipe", "device"])
def test_only_regular_files(kind: str, rebuild: bool, path: Path) -> None:
    """And nothing is set aside that is none."""
    target, directory = path.with_name("target"), path.parent
    if kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path = Path("/dev/null")
    else:
        path.symlink_to(target)
        if kind == "link":
            opened(target).close()
    before = sorted(directory.iterdir())
    with pytest.raises(CheckpointError, match="symbolic link" if "link" in kind else "no regular file"):
        SqliteStore(path).open("mine", NOW, rebuild=rebuild)
    assert sorted(directory.iterdir()) == before


@posix
def test_a_lock_that_is_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    """Somebody else may have put it there."""
    path.with_name("live.db-lock").symlink_to(tmp_path / "target")
    assert "cannot be used" in refusal(path).problem
    assert not (tmp_path / "target").exists()


def test_a_directory_that_does_not_exist(tmp_path: Path) -> None:
    """Nothing is made above the file."""
    error = refusal(tmp_path / "absent" / "live.db")
    assert error.problem == f"cannot be used ({tmp_path / 'absent'} is no directory)"


def test_a_draft_that_was_left_behind(path: Path) -> None:
    """Killed while it was begun: nothing was promised by then."""
    for suffix in ("-new", "-new-journal"):
        path.with_name(path.name + suffix).write_bytes(b"half")
    opened(path).close()
    assert sorted(each.name for each in path.parent.iterdir()) == ["live.db", "live.db-lock"]


def test_files_set_aside_are_numbered(path: Path) -> None:
    """None of them is overwritten."""
    for content in (b"first", b"second", b"third"):
        path.write_bytes(content)
        rebuilt(path)
    aside = [path.with_name(f"live.db.damaged-{number}").read_bytes() for number in (1, 2, 3)]
    assert aside == [b"first", b"second", b"third"]


@pytest.mark.parametrize("step", range(1, 10))
def test_killed_while_rebuilding(step: int, store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost history: the next start found no file, or a healthy new one, and took all that there was for a baseline."""
    learn(store, 1)
    store.close()
    steps = 0

    def killed(*names: object) -> None:
        nonlocal steps
        steps += 1
        if steps == step:
            raise KeyboardInterrupt

    for name in ("unlink", "rename"):
        real = getattr(Path, name)

        def counted(self: Path, *args: Any, real: Any = real, **options: Any) -> Any:
            killed()
            return real(self, *args, **options)

        monkeypatch.setattr(Path, name, counted)
    with suppress(KeyboardInterrupt):
        SqliteStore(path).open("mine", NOW, rebuild=True)
    monkeypatch.undo()
    store.open("mine", NOW + 5)
    assert store.memories([0]) == ({} if learnt(store) else {0: {REBUILT: b"true"}})
    assert not path.with_name("live.db-new").exists()
    store.close()


def test_an_old_draft_is_nobodys(store: SqliteStore, path: Path) -> None:
    """Of a rebuilding that was given up: whoever deletes the file much later wants a new one."""
    store.close()
    create(path, "mine", NOW, rebuilt=True)
    store.open("mine", NOW)
    assert not path.with_name("live.db-new").exists()
    store.close()


@pytest.mark.parametrize("rebuilt", [False, True])
def test_a_draft_is_taken_only_if_it_was_to_replace_a_file(rebuilt: bool, path: Path) -> None:
    create(path, "mine", NOW, rebuilt=rebuilt)
    store = SqliteStore(path)
    assert store.open("mine", NOW + 5) == NOW + (0 if rebuilt else 5)
    store.close()
    path.unlink()
    path.with_name("live.db-new").write_bytes(b"torn" * 500)
    assert store.open("mine", NOW + 5) == NOW + 5
    assert store.memories() == {}
    store.close()


def test_rebuilding_nothing(path: Path) -> None:
    """Is a beginning."""
    store = SqliteStore(path)
    assert store.open("mine", NOW, rebuild=True) == NOW
    store.close()
    assert sorted(each.name for each in path.parent.iterdir()) == ["live.db", "live.db-lock"]
