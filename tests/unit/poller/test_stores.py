"""What every store promises: facts as a whole or not at all; each change once, in sequence, until acknowledged."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qcasync
from qcasync import CheckpointError
from qcasync._core.deltas import OrderRecord, Sighting, merge
from qcasync.models.changes import Change, StatusChanged
from qcasync.models.enums import AlgorithmStatus
from qcasync.poller.memory_store import MemoryStore
from qcasync.poller.sqlite_store import SqliteStore
from qcasync.poller.store import REBUILT, RETENTION, Facts, QuarantinedEntry, Store
from qcasync.simulator.bodies import orders_window

NOW = 1_750_000_000.0
QUICK = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where a file need not wait for a disk."""
AT = datetime(2025, 6, 15, 12, 0, 0, 250_000, UTC)


def change(key: str, *, project_id: int = 7) -> StatusChanged:
    """Something to tell."""
    return StatusChanged(
        project_id=project_id,
        key=key,
        observed_at=AT,
        deploy_id="L-1",
        status=AlgorithmStatus.RUNNING,
        previous=None,
    )


def record(order_id: int, *, deployment: int = 1, is_open: bool = True, **others: Any) -> OrderRecord:
    """Something to remember."""
    values: dict[str, Any] = {"identity": b"identity", "digest": b"%08d" % order_id, "index": order_id, **others}
    return OrderRecord(deployment=deployment, order_id=order_id, is_open=is_open, **values)


def facts(*keys: str, project_id: int = 7, **others: Any) -> Facts:
    """What a look taught."""
    changes = [change(key, project_id=project_id) for key in keys]
    return Facts(project_id=project_id, changes=changes, **others)


def told(changes: Iterable[Change]) -> list[tuple[int, str, int]]:
    """Sequence numbers, keys, attempts."""
    return [(each.sequence, each.key, each.attempt) for each in changes]


def pending(store: Store, project_id: int = 7) -> list[tuple[int, str, int]]:
    return told(store.pending(project_id, 0, 1000))


def again(store: Store, now: float = NOW) -> None:
    """As after a restart."""
    store.close()
    store.open("mine", now)


@pytest.fixture(params=["memory", "sqlite"])
def closed(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A store that was never opened."""
    with TemporaryDirectory(dir=QUICK) as directory:
        store = MemoryStore() if request.param == "memory" else SqliteStore(Path(directory, "live.db"))
        yield store
        store.close()


@pytest.fixture
def store(closed: Store) -> Store:
    closed.open("mine", NOW)
    return closed


# Facts


def test_everything_that_is_kept_comes_back(store: Store) -> None:
    """After a restart, too."""
    records = [
        record(1, events=(b"event------1", b"event------2"), past=b"former-1", updated_at=1.5, since=2.5, index=2**40),
        record(2, identity=b"", is_open=False),
        record(1, deployment=2),
    ]
    store.commit(facts("a", orders=records, memories={"list": b"\x00\xff", "status": b""}))
    store.commit(facts(project_id=8, memories={"list": b"other"}))
    for _ in range(2):
        assert store.memories() == {7: {"list": b"\x00\xff", "status": b""}, 8: {"list": b"other"}}
        assert store.memories(iter([8, 9])) == {8: {"list": b"other"}}
        assert store.orders(7, [(1, 1), (1, 2), (2, 1), (9, 9)]) == {each.key: each for each in records}
        assert store.open_orders(7) == [records[0], records[2]]
        assert store.open_orders(8) == []
        assert store.orders(8, [(1, 1)]) == {}
        assert store.orders(7, iter(())) == {}
        again(store)


def test_every_field_of_an_order_is_kept(store: Store) -> None:
    """Who adds a field finds here that the stores do not know it yet."""
    values: dict[str, Any] = {
        "deployment": 2,
        "order_id": 3,
        "index": 4,
        "identity": b"identity",
        "digest": b"digest--",
        "events": (b"event------1",),
        "past": b"former-1",
        "updated_at": 1.5,
        "since": 2.5,
        "is_open": False,
    }
    assert set(values) == set(OrderRecord.__struct_fields__)
    kept = OrderRecord(**values)
    store.commit(facts(orders=[kept]))
    again(store)
    assert store.orders(7, [kept.key]) == {kept.key: kept}


def test_what_is_remembered_is_replaced(store: Store) -> None:
    """One by one, and only what the facts name."""
    store.commit(facts(orders=[record(1), record(2)], memories={"a": b"1", "b": b"2"}))
    done = record(1, is_open=False, events=(b"event--1",))
    store.commit(facts(orders=[done], memories={"b": b"3"}))
    assert store.orders(7, [(1, 1), (1, 2)]) == {(1, 1): done, (1, 2): record(2)}
    assert store.open_orders(7) == [record(2)]
    assert store.memories() == {7: {"a": b"1", "b": b"3"}}


def test_what_it_returned_is_no_part_of_it(store: Store) -> None:
    """Callers may change their copies."""
    store.commit(facts(memories={"a": b"1"}))
    store.memories()[7]["a"] = b"2"
    assert store.memories() == {7: {"a": b"1"}}


def test_a_store_remembers_when_it_was_begun(closed: Store) -> None:
    """What came before was never looked at."""
    assert closed.open("mine", NOW) == NOW
    closed.close()
    assert closed.open("mine", NOW + 5) == NOW


def test_quarantined_entries_are_kept_once(store: Store) -> None:
    """By their bytes, wherever they stand."""
    entry = QuarantinedEntry(index=1, digest=b"12345678", reason="odd", raw=b"{}")
    store.commit(facts(quarantined=[entry, msgspec.structs.replace(entry, index=2)]))
    store.commit(facts(quarantined=[msgspec.structs.replace(entry, index=3), _other(entry)]))
    assert _quarantine(store) == [(b"12345678", 1), (b"87654321", 1)]


def _other(entry: QuarantinedEntry) -> QuarantinedEntry:
    return msgspec.structs.replace(entry, digest=entry.digest[::-1])


def _quarantine(store: Store) -> list[tuple[bytes, int]]:
    if isinstance(store, MemoryStore):
        return [(entry.digest, entry.index) for entry in store.quarantined.values()]
    assert isinstance(store, SqliteStore)
    assert store._database is not None
    return store._database.execute("SELECT digest, idx FROM qc_quarantine ORDER BY digest").fetchall()


# Changes


def test_changes_are_numbered_in_each_project(store: Store) -> None:
    """From 1, without gaps, in the order in which they are told; what was told before is passed over."""
    assert told(store.commit(facts("c", "a", "b"))) == [(1, "c", 1), (2, "a", 1), (3, "b", 1)]
    assert told(store.commit(facts("x", project_id=8))) == [(1, "x", 1)]
    assert told(store.commit(facts("a", "d", "c", "d", "e"))) == [(4, "d", 1), (5, "e", 1)]
    assert store.commit(facts("a", "b")) == []
    assert store.commit(facts("a", project_id=8)) == [], "a key is one of the whole store"
    assert pending(store) == [(1, "c", 1), (2, "a", 1), (3, "b", 1), (4, "d", 1), (5, "e", 1)]
    assert store.waiting() == {7: 5, 8: 1}


def test_changes_come_back_as_they_were_told(store: Store) -> None:
    """All of their fields; here of orders and their events, which are encoded in a way of their own."""
    changes: Sequence[Change] = [
        made
        for index, order in enumerate(qcasync.decode_orders(orders_window(orders=20)).orders)
        for made in merge(
            None,
            Sighting(project_id=7, deployment=1, deploy_id="L-1", index=index, order=order, observed_at=AT),
        ).changes
    ]
    committed = store.commit(Facts(project_id=7, changes=changes))
    assert committed == [msgspec.structs.replace(made, sequence=at) for at, made in enumerate(changes, 1)]
    assert store.pending(7, 0, 1000) == committed


def test_numbers_of_the_caller_do_not_count(store: Store) -> None:
    """The sequence number and the attempt are the store's."""
    odd = msgspec.structs.replace(change("a"), sequence=99, attempt=5)
    assert told(store.commit(Facts(project_id=7, changes=[odd]))) == [(1, "a", 1)]
    assert pending(store) == [(1, "a", 1)]


def test_pending_goes_on_after_a_number(store: Store) -> None:
    """In pieces, of one project."""
    store.commit(facts(*"abcde"))
    store.commit(facts("x", project_id=8))
    assert told(store.pending(7, 0, 2)) == [(1, "a", 1), (2, "b", 1)]
    assert told(store.pending(7, 2, 2)) == [(3, "c", 1), (4, "d", 1)]
    assert told(store.pending(7, 4, 2)) == [(5, "e", 1)]
    assert store.pending(7, 5, 2) == []
    assert store.pending(9, 0, 2) == []


# Acknowledgement


def test_what_is_acknowledged_is_not_pending(store: Store) -> None:
    """Nor is what came before it. Other projects go on."""
    store.commit(facts(*"abcd"))
    store.commit(facts("x", project_id=8))
    first, second, third, _ = store.pending(7, 0, 10)
    store.acknowledge(first)
    assert pending(store) == [(2, "b", 1), (3, "c", 1), (4, "d", 1)]
    store.acknowledge(third)
    assert pending(store) == [(4, "d", 1)]
    store.acknowledge(second)
    assert (pending(store), store.waiting()) == ([(4, "d", 1)], {7: 1, 8: 1})
    (last,) = store.pending(7, 0, 10)
    store.acknowledge(last)
    assert (pending(store), store.waiting()) == ([], {8: 1})
    again(store)
    assert (pending(store), store.waiting()) == ([], {8: 1})
    assert told(store.commit(facts("a", "e"))) == [(5, "e", 1)], "keys and numbers outlive the acknowledgement"


def test_writing_belongs_to_the_acknowledgement(store: Store) -> None:
    """It is called once: a repetition of what succeeded is passed over."""
    store.commit(facts("a", "b"))
    written: list[object] = []
    (first, second) = store.pending(7, 0, 10)
    for _ in range(2):
        store.acknowledge(first, lambda _: written.append("a"))
    assert (written, pending(store)) == (["a"], [(2, "b", 1)])

    def fail(_: object) -> None:
        raise LookupError("no such table")

    for _ in range(2):
        with pytest.raises(LookupError):
            store.acknowledge(second, fail)
        assert pending(store) == [(2, "b", 1)]
    store.acknowledge(second, lambda _: written.append("b"))
    assert (written, pending(store)) == (["a", "b"], [])


def test_what_is_not_pending_here_is_passed_over(store: Store) -> None:
    """A change of another store: its number says nothing here."""
    store.commit(facts("a", "b"))
    for strange in (
        msgspec.structs.replace(change("z"), sequence=2),
        msgspec.structs.replace(change("b"), sequence=3),
        msgspec.structs.replace(change("b", project_id=8), sequence=2),
    ):
        store.acknowledge(strange, lambda _: pytest.fail("called"))
        store.park(strange, "strange")
    assert (pending(store), store.parked()) == ([(1, "a", 1), (2, "b", 1)], [])


def test_keys_are_forgotten_a_week_after_their_acknowledgement(store: Store) -> None:
    """Those of what waits are not; and numbers go on."""
    store.commit(facts("a", "b"))
    store.acknowledge(store.pending(7, 0, 1)[0])
    store.renew(NOW + RETENTION)
    assert store.commit(facts("a", "b")) == []
    store.renew(NOW + RETENTION + 1)
    assert told(store.commit(facts("a", "b"))) == [(3, "a", 1)]
    assert pending(store) == [(2, "b", 1), (3, "a", 1)]


def test_a_week_counts_from_the_last_renewal(store: Store) -> None:
    """Not from the opening."""
    store.commit(facts("a"))
    store.renew(NOW + RETENTION)
    store.acknowledge(store.pending(7, 0, 1)[0])
    store.renew(NOW + RETENTION + 1)
    assert store.commit(facts("a")) == []


# Parking


def test_a_parked_change_is_out_of_the_way(store: Store) -> None:
    """It is kept with the reason, and its project goes on."""
    store.commit(facts("a", "b"))
    again(store)
    store.park(store.pending(7, 0, 1)[0], "no such column")
    again(store)
    assert pending(store) == [(2, "b", 2)]
    store.park(store.pending(7, 0, 1)[0], "neither")
    assert [(told([each]), reason) for each, reason in store.parked()] == [
        ([(1, "a", 2)], "no such column"),
        ([(2, "b", 2)], "neither"),
    ]
    assert store.waiting() == {}


# Attempts


def test_attempts_count_openings_at_the_head(store: Store) -> None:
    """A change is delivered when it heads its queue; what then ends the process may have come after the delivery."""
    store.commit(facts("a", "b"))
    store.commit(facts("x", project_id=8))
    assert (pending(store), pending(store, 8)) == ([(1, "a", 1), (2, "b", 1)], [(1, "x", 1)])
    again(store)
    assert (pending(store), pending(store, 8)) == ([(1, "a", 2), (2, "b", 1)], [(1, "x", 2)])
    store.acknowledge(store.pending(7, 0, 1)[0])
    assert pending(store) == [(2, "b", 1)], "it comes to the head for the first time"
    store.renew(NOW + 10)
    assert pending(store) == [(2, "b", 1)]
    again(store)
    again(store)
    assert (pending(store), pending(store, 8)) == ([(2, "b", 3)], [(1, "x", 4)])
    store.acknowledge(store.pending(7, 0, 1)[0])
    store.commit(facts("c"))
    assert pending(store) == [(3, "c", 1)], "it heads the empty queue at once"
    again(store)
    assert pending(store) == [(3, "c", 2)]


# Opening


def test_one_user_at_a_time(store: Store) -> None:
    """Opening what is open would be a second user."""
    with pytest.raises(CheckpointError, match="in use by this process already"):
        store.open("mine", NOW)
    store.commit(facts("a"))


def test_another_account_is_refused(store: Store) -> None:
    """Its projects are others."""
    store.commit(facts("a"))
    store.close()
    with pytest.raises(CheckpointError, match="another account") as caught:
        store.open("yours", NOW)
    assert caught.value.hint
    assert not caught.value.lasting
    store.open("mine", NOW)
    assert pending(store) == [(1, "a", 2)], "a refusal is no attempt"


def test_rebuilding_begins_anew(store: Store) -> None:
    """With the same keys, and for whatever account."""
    store.commit(facts("a", orders=[record(1)], memories={"a": b"1"}))
    store.acknowledge(store.pending(7, 0, 1)[0])
    store.close()
    assert store.open("yours", NOW + 5, rebuild=True) == NOW + 5
    assert (store.memories(), store.open_orders(7), store.waiting()) == ({0: {REBUILT: b"true"}}, [], {})
    assert told(store.commit(facts("a"))) == [(1, "a", 1)]
    store.close()
    store.open("yours", NOW + 6)
    assert store.memories([0]) == {0: {REBUILT: b"true"}}


@pytest.mark.parametrize("key", ["a\0b", "a\0c", "\0", "é" * 10_000, "'; --"])
def test_any_text_is_a_key(store: Store, key: str) -> None:
    """The watch of all projects ended: a key with a NUL was not found, and could not be kept twice."""
    assert told(store.commit(facts("a\0b", "a"))) == [(1, "a\0b", 1), (2, "a", 1)]
    assert len(store.commit(facts(key))) == (key != "a\0b")
    assert store.commit(facts(key, "a")) == []


def test_any_text_is_a_reason(store: Store) -> None:
    """What cannot be written as UTF-8, too."""
    (made,) = store.commit(facts("a", quarantined=[QuarantinedEntry(index=0, digest=b"d", reason="\ud800\0", raw=b"")]))
    store.park(made, "\ud800\0é")
    ((_, reason),) = store.parked()
    assert reason.endswith("\0é")


def test_closed_is_closed(store: Store) -> None:
    """Closing again does no harm; using it is refused."""
    (made,) = store.commit(facts("a"))
    for _ in range(2):
        store.close()
    for use in (
        lambda: store.commit(facts("b")),
        lambda: store.acknowledge(made),
        lambda: store.park(made, ""),
        lambda: store.renew(NOW),
        lambda: store.pending(7, 0, 1),
        lambda: store.orders(7, []),
        lambda: store.open_orders(7),
        store.memories,
        store.waiting,
        store.parked,
    ):
        with pytest.raises(CheckpointError, match="is not open"):
            use()


# Any sequence of steps equals a plain model


class Model:
    """What a store is, in a few lists."""

    def __init__(self) -> None:
        self.queues: dict[int, list[str]] = {7: [], 8: []}
        self.done = {7: 0, 8: 0}
        self.attempts: dict[str, int] = {}
        self.orders: dict[tuple[int, int], OrderRecord] = {}

    def commit(self, project_id: int, keys: Sequence[int], number: int) -> list[str]:
        names = [f"{project_id}:{key}" for key in dict.fromkeys(keys)]
        new = [name for name in names if name not in self.queues[project_id]]
        self.queues[project_id] += new
        self.orders.update(((project_id, key), record(key, index=number, is_open=key % 2 == 0)) for key in keys)
        return new

    def acknowledge(self, project_id: int, ahead: int) -> None:
        self.done[project_id] = min(self.done[project_id] + ahead + 1, len(self.queues[project_id]))

    def reopen(self) -> None:
        for name in (queue[done] for queue, done in self._both() if done < len(queue)):
            self.attempts[name] = self.attempts.get(name, 1) + 1

    def _both(self) -> list[tuple[list[str], int]]:
        return [(self.queues[project_id], self.done[project_id]) for project_id in (7, 8)]

    def pending(self, project_id: int) -> list[tuple[int, str, int]]:
        numbered = enumerate(self.queues[project_id], 1)
        return [(at, name, self.attempts.get(name, 1)) for at, name in numbered if at > self.done[project_id]]

    def waiting(self) -> dict[int, int]:
        return {project_id: len(found) for project_id in (7, 8) if (found := self.pending(project_id))}


Step = tuple[str, int, Any]
PROJECTS = st.sampled_from([7, 8])
STEPS = st.one_of(
    st.tuples(st.just("commit"), PROJECTS, st.lists(st.integers(1, 9), max_size=5)),
    st.tuples(st.just("acknowledge"), PROJECTS, st.integers(0, 3)),
    st.tuples(st.just("fail"), PROJECTS, st.integers(0, 3)),
    st.tuples(st.just("reopen"), PROJECTS, st.just(0)),
)


@given(steps=st.lists(STEPS, max_size=12))
def test_any_steps_equal_the_model_in_memory(steps: list[Step]) -> None:
    """Commits, acknowledgements, failing writes and restarts, in any order."""
    _walk(MemoryStore(), steps)


@settings(max_examples=50)  # a disk takes its time
@given(steps=st.lists(STEPS, max_size=12))
def test_any_steps_equal_the_model_in_a_file(steps: list[Step]) -> None:
    """The same, with real restarts."""
    with TemporaryDirectory(dir=QUICK) as directory:
        _walk(SqliteStore(Path(directory, "live.db")), steps)


def _walk(store: Store, steps: list[Step]) -> None:
    model = Model()
    store.open("mine", NOW)
    try:
        for number, (verb, project_id, what) in enumerate(steps):
            _step(store, model, verb, project_id, what, number)
            for each in (7, 8):
                assert pending(store, each) == model.pending(each)
                kept = {key: made for (of, key), made in model.orders.items() if of == each}
                assert store.orders(each, [(1, key) for key in range(10)]) == {(1, key): kept[key] for key in kept}
                assert store.open_orders(each) == [kept[key] for key in sorted(kept) if kept[key].is_open]
            assert store.waiting() == model.waiting()
    finally:
        store.close()


def _step(store: Store, model: Model, verb: str, project_id: int, what: Any, number: int) -> None:
    waiting = store.pending(project_id, 0, 100)
    if verb == "reopen":
        again(store)
        model.reopen()
    elif verb == "commit":
        records = [record(key, index=number, is_open=key % 2 == 0) for key in what]
        names = [f"{project_id}:{key}" for key in what]
        done = store.commit(facts(*names, project_id=project_id, orders=records))
        assert [each.key for each in done] == model.commit(project_id, what, number)
    elif waiting:
        chosen = waiting[min(what, len(waiting) - 1)]
        if verb == "acknowledge":
            store.acknowledge(chosen, lambda _: None)
            model.acknowledge(project_id, what)
        else:
            with pytest.raises(ZeroDivisionError):
                store.acknowledge(chosen, lambda _: 1 // 0)
