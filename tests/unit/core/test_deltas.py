"""What is told of an order that is seen again: the new, once, and never the old."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from qcasync._core.deltas import SETTLED, Merged, OrderRecord, Sighting, is_stale, merge
from qcasync._core.digests import MAX_NAME, digest, event_digest, identity, plain
from qcasync.models.changes import Change, OrderAdded, OrderChanged, OrderEventAdded, OrderEventAmended
from qcasync.models.enums import OrderDirection, OrderStatus, OrderType
from qcasync.models.order_events import OrderEvent
from qcasync.models.orders import Order
from qcasync.models.symbols import Symbol

NOON = 1_788_609_600.0
A, B = "L-" + "a" * 32, "L-" + "b" * 32


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(NOON + seconds, UTC)


def event(number: int, order_id: int = 1, name: str = A, **fields: Any) -> OrderEvent[Any]:
    return OrderEvent(
        **{
            "id": f"{name}-{order_id}-{number}",
            "algorithm_id": name,
            "order_id": order_id,
            "order_event_id": number,
            "symbol": "SPY R735QTJ8XC9X",
            "time_at": NOON + number,
            "status": OrderStatus.SUBMITTED,
            "direction": OrderDirection.BUY,
            **fields,
        }
    )


def order(order_id: int = 1, events: int | tuple[OrderEvent[Any], ...] = 0, name: str = A, **fields: Any) -> Order[Any]:
    """An order that was created so many seconds after noon as its id says; `at` says otherwise."""
    if isinstance(events, int):
        events = tuple(event(number, order_id, name) for number in range(1, events + 1))
    created = moment(fields.pop("at", order_id))
    return Order(
        **{
            "type": OrderType.LIMIT,
            "id": order_id,
            "symbol": Symbol(value="SPY", id="SPY R735QTJ8XC9X"),
            "time": created,
            "created_time": created,
            "quantity": 10.0,
            "status": OrderStatus.SUBMITTED,
            "direction": OrderDirection.BUY,
            "events": events,
            **fields,
        }
    )


ITSELF, NAMELESS = identity(order()).hex(), plain("")


def sighting(seen: Order[Any], at: float = 0.0, index: int = 0) -> Sighting:
    return Sighting(project_id=7, deployment=1, deploy_id=None, index=index, order=seen, observed_at=moment(at))


def remembered(first: Order[Any], *later: tuple[float, Order[Any]]) -> OrderRecord:
    record = merge(None, sighting(first)).record
    for at, seen in later:
        record = merge(record, sighting(seen, at)).record or record
    assert record is not None
    return record


def kinds(merged: Merged) -> list[type[Change]]:
    return [type(change) for change in merged.changes]


def test_a_new_order_comes_before_its_events() -> None:
    merged = merge(None, sighting(order(3, events=2), index=5))
    assert [change.key for change in merged.changes] == [
        f"order:7:3:{identity(order(3)).hex()}",
        f"event:7:{A}-3-1",
        f"event:7:{A}-3-2",
    ]
    added = merged.changes[0]
    assert isinstance(added, OrderAdded)
    assert (added.index, added.order.events) == (5, ())
    assert merged.record is not None
    assert merged.record.key == sighting(order(3)).key == (1, 3)
    assert merged.record.identity == identity(order(3))
    assert merged.record.since == NOON


def test_the_same_is_nothing_but_a_new_place_is_remembered() -> None:
    record = remembered(order(events=1))
    assert merge(record, sighting(order(events=1), 9)) == Merged()
    moved = merge(record, sighting(order(events=1), 9, index=4))
    assert moved.changes == ()
    assert moved.record == msgspec.structs.replace(record, index=4)


@pytest.mark.parametrize(
    ("seen", "at", "told"),
    [
        pytest.param(order(events=2), 1, [OrderEventAdded], id="another event: at once"),
        pytest.param(order(), 9999, None, id="fewer events: never"),
        pytest.param(order(events=1, tag="new", last_update_time=moment(2)), 2, [OrderChanged], id="later, it says"),
        pytest.param(order(events=1, tag="new"), SETTLED, None, id="nothing tells: not while a replica may lag"),
        pytest.param(order(events=1, tag="new"), SETTLED + 1, [OrderChanged], id="nothing tells: believed in the end"),
        pytest.param(
            order(events=1, tag="old", last_update_time=moment(-5)), 9999, [OrderChanged], id="a time, where none was"
        ),
        pytest.param(
            order(events=2, tag="new", status=OrderStatus.FILLED), 1, [OrderEventAdded, OrderChanged], id="both"
        ),
        pytest.param(
            order(events=(event(1, message="else"),)), SETTLED + 1, [OrderEventAmended], id="an event told differently"
        ),
        pytest.param(
            order(events=(event(1, message="else"), event(2))),
            1,
            [OrderEventAmended, OrderEventAdded],
            id="the same, and another event proves that it is newer",
        ),
    ],
)
def test_another_version(seen: Order[Any], at: float, told: list[type[Change]] | None) -> None:
    record = remembered(order(events=1))
    merged = merge(record, sighting(seen, at))
    assert merged.stale is (told is None)
    assert kinds(merged) == (told or [])
    assert (merged.record is None) is (told is None)
    if merged.record is not None:
        assert merged.record.digest == digest(seen)
        assert merged.record.events == tuple(event_digest(each) for each in seen.events)
        assert merged.record.is_open is (seen.status is OrderStatus.SUBMITTED)


def test_an_older_update_is_never_believed() -> None:
    record = remembered(order(last_update_time=moment(50)))
    assert is_stale(record, sighting(order(tag="old", last_update_time=moment(40)), 99_999))


def test_what_becomes_again_what_it_was_is_told_again_under_another_key() -> None:
    """A lost change: the store passes over a key that was told before."""
    first, other = order(tag="a"), order(tag="b")
    keys: list[str] = []
    record = remembered(first)
    for at, seen in enumerate([other, first, other, first], 1):
        merged = merge(record, sighting(seen, at * 2000))
        assert kinds(merged) == [OrderChanged]
        assert merged.record is not None
        record = merged.record
        keys += [change.key for change in merged.changes]
    assert len(set(keys)) == 4


def test_what_comes_again_after_many_versions_is_told_again() -> None:
    """A lost change: only so many versions were remembered, and the key of one that was forgotten was told before."""
    keys: list[str] = []
    record = remembered(order(tag="0"))
    for at in range(1, 301):
        merged = merge(record, sighting(order(tag=f"{at % 150}"), at * 2000))
        again = merge(record, sighting(order(tag=f"{at % 150}"), at * 2000 + 50))
        assert [each.key for each in again.changes] == [each.key for each in merged.changes], "as after a crash"
        assert merged.record is not None
        record = merged.record
        keys += [change.key for change in merged.changes]
    assert len(set(keys)) == len(keys) == 300


def test_keys_do_not_depend_on_the_checkpoint() -> None:
    """Another one may give the deployment another number, and may see the order at another time."""
    seen = [
        order(events=(event(1, algorithm_id=""),)),
        order(events=(event(1, algorithm_id="", message="else"),), tag="b"),
    ]
    told: list[list[str]] = []
    for deployment, late in [(1, 0.0), (2, 77.0)]:
        record: OrderRecord | None = None
        told.append([])
        for at, each in enumerate(seen):
            where = msgspec.structs.replace(sighting(each, at * 2000 + late), deployment=deployment)
            merged = merge(record, where)
            record = merged.record
            told[-1] += [change.key for change in merged.changes]
    assert told[0] == told[1]
    assert len(set(told[0])) == 4


def test_keys_of_orders_that_have_only_their_number_in_common() -> None:
    """Lost orders: another checkpoint counts deployments from 1 again, and begins with another one."""
    keys = [{each.key for each in merge(None, sighting(order(1, at=at))).changes} for at in (1, 2)]
    changed = [
        {each.key for each in merge(remembered(order(1, at=at)), sighting(order(1, at=at, tag="x"), 2000)).changes}
        for at in (1, 2)
    ]
    assert not keys[0] & keys[1]
    assert not changed[0] & changed[1]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        pytest.param([2], [1, 2], {1: 0}, id="before"),
        pytest.param([1, 3], [1, 2, 3], {2: 1}, id="between"),
        pytest.param([2], [1, 2, 3], {1: 0, 3: 2}, id="around"),
        pytest.param([2, 4], [1, 2, 3, 4], {1: 0, 3: 2}, id="more than one"),
    ],
)
def test_an_event_may_be_put_before_others(before: list[int], after: list[int], told: dict[int, int]) -> None:
    """A lost event: positions were compared, so the last one was told under a key that was told before."""
    record = remembered(order(events=tuple(event(number) for number in before)))
    merged = merge(record, sighting(order(events=tuple(event(number) for number in after)), 1))
    added = [each for each in merged.changes if isinstance(each, OrderEventAdded)]
    assert kinds(merged) == [OrderEventAdded] * len(told)
    assert {each.event.order_event_id: each.position for each in added} == told
    assert [each.key for each in added] == [f"event:7:{A}-1-{number}" for number in told]
    assert merged.record is not None
    assert merge(merged.record, sighting(order(events=tuple(event(number) for number in after)), 2)) == Merged()


def test_an_event_is_put_before_one_that_is_amended() -> None:
    record = remembered(order(events=(event(2),)))
    merged = merge(record, sighting(order(events=(event(1), event(2, message="else"))), 1))
    amended, added = merged.changes
    assert isinstance(amended, OrderEventAmended)
    assert (amended.position, amended.event.order_event_id) == (1, 2)
    assert isinstance(added, OrderEventAdded)
    assert (added.position, added.key) == (0, f"event:7:{A}-1-1")


@pytest.mark.parametrize("name", ["SPY R735QTJ8XC9X", "a", "x" * MAX_NAME])
def test_plain_names_are_part_of_keys(name: str) -> None:
    assert plain(name) == name


@pytest.mark.parametrize("name", ["", "a\0b", "a\nb", "\ud800", "é", "x" * (MAX_NAME + 1), "y" * 10_000])
def test_other_names_are_digested(name: str) -> None:
    """A key that the store cannot keep, or not find again, ended the watch of all projects."""
    assert len(plain(name)) == 16
    assert plain(name).isalnum()
    assert plain(name) != plain(f"{name}!")
    if name != "\ud800":
        merged = merge(None, sighting(order(events=(event(1, id=f"{A}-{name}"),))))
        assert merged.changes[1].key.isprintable()
        assert len(merged.changes[1].key) < 150


def test_an_amendment_that_is_taken_back_does_not_make_all_that_follows_old() -> None:
    """A lost change: an event that was as before made every later version of the order a former one."""
    record = remembered(order(events=1), (2000, order(events=(event(1, message="else"),))), (4000, order(events=1)))
    assert kinds(merge(record, sighting(order(events=1, tag="new"), 6000))) == [OrderChanged]


@pytest.mark.parametrize(
    ("ids", "keys"),
    [
        pytest.param(["1", "2"], [f"event:7:1:{ITSELF}:1", f"event:7:1:{ITSELF}:2"], id="the same in each order"),
        pytest.param([f"{A}-1-1", f"{A}-1-1"], [f"event:7:{A}-1-1", f"event:7:{A}-1-1:1"], id="one name twice"),
        pytest.param(["", ""], [f"event:7:1:{ITSELF}:{NAMELESS}", f"event:7:1:{ITSELF}:{NAMELESS}:1"], id="no names"),
    ],
)
def test_keys_of_events(ids: list[str], keys: list[str]) -> None:
    """A lost event: with names that are not the server's own, events of two orders had one key."""
    events = tuple(event(number, id=name) for number, name in enumerate(ids, 1))
    merged = merge(None, sighting(order(events=events)))
    assert [change.key for change in merged.changes[1:]] == keys


def test_events_that_do_not_name_their_deployment() -> None:
    merged = merge(None, sighting(order(events=(event(1, algorithm_id=""),))))
    assert merged.changes[1].key == f"event:7:1:{ITSELF}:{A}-1-1"


def test_quietly_other_digests_are_adopted_but_new_events_are_told() -> None:
    record = msgspec.structs.replace(remembered(order(events=1)), digest=b"another", events=(b"form",))
    merged = merge(record, sighting(order(events=2), 1), quiet=True)
    assert kinds(merged) == [OrderEventAdded]
    assert merged.record is not None
    assert merged.record.digest == digest(order())
    assert merge(record, sighting(order(), 1), quiet=True) == Merged(stale=True)


def test_an_order_without_created_time_is_known_by_its_time() -> None:
    assert identity(order(created_time=None)) == identity(order())
