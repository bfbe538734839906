"""The changes that are told rebuild the orders, whatever is shown in whatever order."""

from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from qcasync._core.deltas import SETTLED, OrderRecord, Sighting, merge
from qcasync.models.changes import Change, OrderAdded
from qcasync.models.orders import Order
from tests.invariants import Folded, tell
from tests.unit.core.test_deltas import event, moment, order

STEPS = st.lists(st.sampled_from(["event", "stamped", "silent", "amended", "reverted"]), max_size=12)


def versions(order_id: int, steps: list[str]) -> list[Order]:
    """All versions that an order has had, one after the other."""
    made = [order(order_id)]
    for at, step in enumerate(steps, 1):
        last = made[-1]
        match step:
            case "event":
                events = (*last.events, event(len(last.events) + 1, order_id))
                made.append(msgspec.structs.replace(last, events=events))
            case "stamped":
                made.append(msgspec.structs.replace(last, tag=f"{at}", last_update_time=moment(at)))
            case "amended" if last.events:
                events = (msgspec.structs.replace(last.events[0], message=f"{at}"), *last.events[1:])
                made.append(msgspec.structs.replace(last, events=events))
            case "reverted":
                made.append(msgspec.structs.replace(last, tag=made[0].tag))
            case _:
                made.append(msgspec.structs.replace(last, tag=f"{at}"))
    return made


@given(
    histories=st.lists(STEPS, min_size=1, max_size=4),
    shown=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), max_size=40),
)
def test_changes_rebuild_the_last_state(histories: list[list[str]], shown: list[tuple[int, int]]) -> None:
    """Replicas show any versions of any orders, and in the end, when none lags any more, the last ones."""
    orders = [versions(number, steps) for number, steps in enumerate(histories, 1)]
    sightings = [(orders[which % len(orders)], at) for which, at in shown]
    seen = [(had[min(at, len(had) - 1)], float(now)) for now, (had, at) in enumerate(sightings)]
    seen += [(had[-1], len(shown) + SETTLED + 1) for had in orders]
    records: dict[tuple[int, int], OrderRecord] = {}
    told: list[Change] = []
    for each, now in seen:
        sighting = Sighting(
            project_id=7, deployment=1, deploy_id=None, index=each.id - 1, order=each, observed_at=moment(now)
        )
        before = records.get(sighting.key)
        merged = merge(before, sighting)
        told += merged.changes
        if merged.record is not None:
            records[sighting.key] = merged.record
            assert before is None or len(merged.record.events) >= len(before.events)
    folded: Folded = {}
    for change in told:
        assert tell(folded, change) is None
    assert [folded[7, 1, had[-1].id].whole for had in orders] == [had[-1] for had in orders]
    keys = [change.key for change in told]
    assert len(set(keys)) == len(keys)


@given(steps=STEPS)
def test_whoever_looks_at_each_version_is_told_of_each_event_once(steps: list[str]) -> None:
    record: OrderRecord | None = None
    told: list[Change] = []
    had = versions(1, steps)
    for now, each in enumerate(had):
        sighting = Sighting(
            project_id=7, deployment=1, deploy_id=None, index=0, order=each, observed_at=moment(now * (SETTLED + 1))
        )
        merged = merge(record, sighting)
        record = merged.record or record
        told += merged.changes
    changed = sum(one != other for one, other in pairwise(had))
    assert isinstance(told[0], OrderAdded)
    assert len(told) == 1 + changed
