"""What a file survives."""

import json
import os
import random
import shutil
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from qcasync.poller.sqlite_store import STALE_AFTER, SqliteStore
from tests.unit.poller.sqlite_store.files import (
    PROJECT,
    database,
    learn,
    learnt,
    note,
    opened,
    posix,
    process,
    rebuilt,
    refusal,
    told_later,
)
from tests.unit.poller.test_stores import NOW, pending


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


def _hold(path: str) -> None:
    store = opened(Path(path))
    learn(store, 1)
    print("ready", flush=True)
    sys.stdin.readline()


@posix
def test_two_processes(path: Path) -> None:
    """Row H108: the second is refused and told of the first; when that is killed, the next start takes over at once."""
    first = process(_hold, str(path))
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
        store.acknowledge(told_later(store), note(number))
        os.write(writer, b"a%015d" % number)


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
        store.acknowledge(change, note(change.sequence))
    store.close()
    return last, done


@posix
def test_killed_at_any_instant(tmp_path: Path) -> None:
    """Rows H103 and H104: state and outbox agree, and nothing is lost that was acknowledged."""
    killer = process(_be_killed, str(tmp_path / "live.db"), str(KILLS))
    rows = json.loads(killer.communicate(timeout=18)[0])
    assert killer.returncode == 0
    assert len(rows) == KILLS
    lasts = [last for last, _ in rows]
    assert lasts == sorted(lasts)
    assert lasts[-1] > KILLS
