"""The file of a checkpoint: what it survives, whom it belongs to, and what is refused."""

import json
import os
import random
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from qcasync import CheckpointError, ConfigurationError
from qcasync.poller.sqlite_store import APPLICATION_ID, PRUNED_AT_ONCE, STALE_AFTER, SqliteStore
from qcasync.poller.sqlite_store.files import create
from qcasync.poller.store import REBUILT, RETENTION
from tests.unit.poller.test_stores import NOW, QUICK, facts, pending, record

posix = pytest.mark.skipif(os.name != "posix", reason="a matter of POSIX")
PROJECT = 7


@pytest.fixture
def path() -> Iterator[Path]:
    """Where a checkpoint is to be."""
    with tempfile.TemporaryDirectory(dir=QUICK) as directory:
        yield Path(directory, "live.db")


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = opened(path)
    yield store
    store.close()


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


# The file


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


# Whose it is


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


# What is refused


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


# Crashes


def crashed(store: SqliteStore, elsewhere: Path) -> Path:
    """A copy of the files of a store that is open: what a crash would leave."""
    elsewhere.mkdir()
    for suffix in ("", "-wal"):
        name = store.path.name + suffix
        shutil.copyfile(store.path.with_name(name), elsewhere / name)
    return elsewhere / store.path.name


def test_a_torn_log_costs_the_torn_transaction_only(store: SqliteStore, tmp_path: Path) -> None:
    """What was not yet said to be kept."""
    for number in range(1, 9):
        learn(store, number)
    path = crashed(store, tmp_path / "copy")
    log = path.with_name("live.db-wal")
    content = log.read_bytes()
    found: list[int] = []
    for size in [*range(0, len(content), 1500), len(content)]:
        torn = tmp_path / str(size)
        torn.mkdir()
        shutil.copyfile(path, torn / path.name)
        (torn / log.name).write_bytes(content[:size])
        again = opened(torn / path.name, host="another", now=NOW + STALE_AFTER)
        found.append(learnt(again))
        again.close()
    assert found == sorted(found)
    assert set(found) == set(range(9))


def test_a_log_without_its_file_is_refused(store: SqliteStore, tmp_path: Path) -> None:
    """A new file beside it would be mixed with it. When rebuilding, it is set aside as well."""
    learn(store, 1)
    path = crashed(store, tmp_path / "copy")
    path.unlink()
    assert refusal(path).problem.startswith("is missing, though")
    assert not path.exists()
    rebuilt(path)
    assert path.with_name("live.db.damaged-1-wal").stat().st_size > 0
    assert not path.with_name("live.db.damaged-1").exists()


def test_a_file_is_set_aside_with_its_log(store: SqliteStore, tmp_path: Path) -> None:
    """Under names by which SQLite finds it again."""
    learn(store, 1)
    path = crashed(store, tmp_path / "copy")
    again = SqliteStore(path, host="another")
    again.open("mine", NOW + STALE_AFTER, rebuild=True)
    assert learnt(again) == 0
    again.close()
    with closing(sqlite3.connect(path.with_name("live.db.damaged-1"))) as aside:
        assert aside.execute("SELECT key FROM qc_outbox").fetchall() == [("1",)]


def _python(function: str, *arguments: str) -> "subprocess.Popen[str]":
    """A process that runs a function of this module."""
    code = f"import sys; from {__name__} import {function} as run; run(*sys.argv[1:])"
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )


def _hold(path: str) -> None:
    store = opened(Path(path))
    learn(store, 1)
    print("ready", flush=True)
    sys.stdin.readline()


@posix
def test_two_processes(path: Path) -> None:
    """Row H108: the second is refused and told of the first; when that is killed, the next start takes over at once."""
    first = _python("_hold", str(path))
    assert first.stdout is not None
    assert first.stdout.readline() == "ready\n"
    for _ in range(2):
        assert refusal(path).problem.startswith(f"is in use by process {first.pid} on ")
    first.kill()
    first.communicate(timeout=15)
    store = opened(path)
    assert pending(store) == [(1, "1", 2)], "it may have been delivered"
    assert learnt(store) == 1
    store.close()


KILLS = 20


def _be_killed(path: str, kills: str) -> None:
    """Fork children that commit and acknowledge, kill each of them at some instant, and look at what they left."""
    chance = random.Random(1)
    rows: list[tuple[int, int]] = []
    for _ in range(int(kills)):
        reader, writer = os.pipe()
        if (child := os.fork()) == 0:
            _work_on(Path(path), writer)
        os.close(writer)
        said = os.read(reader, 16)
        for _ in range(chance.randrange(40)):
            said += os.read(reader, 16)
        for _ in range(chance.randrange(20_000)):
            pass
        os.kill(child, signal.SIGKILL)
        while more := os.read(reader, 65536):
            said += more
        os.close(reader)
        os.waitpid(child, 0)
        rows.append(_look_at(Path(path), said))
    print(json.dumps(rows))


def _work_on(path: Path, writer: int) -> None:
    store = opened(path)
    number = learnt(store)
    while True:
        number += 1
        learn(store, number)
        os.write(writer, b"c%015d" % number)
        store.acknowledge(told_later(store), _note(number))
        os.write(writer, b"a%015d" % number)


def _note(number: int) -> Callable[[Any], object]:
    def write(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE IF NOT EXISTS sink (number INTEGER)")
        connection.execute("INSERT INTO sink VALUES (?)", (number,))

    return write


def _look_at(path: Path, said: bytes) -> tuple[int, int]:
    """What was said to be done is done, and nothing is half done."""
    said = said[: len(said) // 16 * 16]
    entries = [said[at : at + 16] for at in range(0, len(said), 16)]
    committed = max((int(entry[1:]) for entry in entries if entry[:1] == b"c"), default=0)
    acknowledged = max((int(entry[1:]) for entry in entries if entry[:1] == b"a"), default=0)
    store = opened(path)
    last = learnt(store)
    waiting = store.pending(PROJECT, 0, 10)
    done = last - len(waiting)
    assert committed <= last <= committed + 1
    assert acknowledged <= done <= max(acknowledged, committed) + 1
    assert len(waiting) <= 1, "one at a time"
    assert [change.attempt for change in waiting] == [2] * len(waiting)
    sink = database(store).execute("SELECT number FROM sink ORDER BY rowid").fetchall()
    assert sink == [(number,) for number in range(1, done + 1)], "exactly once"
    for change in waiting:
        store.acknowledge(change, _note(change.sequence))
    store.close()
    return last, done


@posix
def test_killed_at_any_instant(tmp_path: Path) -> None:
    """Rows H103 and H104: state and outbox agree, and nothing is lost that was acknowledged."""
    killer = _python("_be_killed", str(tmp_path / "live.db"), str(KILLS))
    rows = json.loads(killer.communicate(timeout=18)[0])
    assert killer.returncode == 0
    assert len(rows) == KILLS
    lasts = [last for last, _ in rows]
    assert lasts == sorted(lasts)
    assert lasts[-1] > KILLS


# Disks


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
    told, _ = _python("_write_until_full", str(path)).communicate(timeout=15)
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
        nobody = _python("_open_as_nobody", f"{directory}/mine")
        told, _ = nobody.communicate(timeout=15)
    assert nobody.returncode == 0
    assert told.splitlines() == [
        "cannot be used (Permission denied) | True",
        "cannot be used (Permission denied) | True",
        "cannot be used (Permission denied) | True",
        "cannot be written (attempt to write a readonly database) | True",
        "cannot be used (Permission denied) | True",
    ]


# Consumers in the transaction


def test_a_consumer_writes_with_the_acknowledgement(store: SqliteStore, path: Path) -> None:
    """Both are kept, or neither is."""
    store.commit(facts("1", "2"))
    store.acknowledge(told_later(store), _note(1))

    def fail(connection: sqlite3.Connection) -> None:
        _note(2)(connection)
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
        _note(1)(connection)

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
