"""Each invariant sees the history that breaks it, and lets a sound one pass."""

import dataclasses
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from qcasync._core.deltas import OrderRecord, Sighting, merge
from qcasync.models.changes import Change, Gap
from qcasync.models.orders import Order
from qcasync.models.quarantine import Quarantined
from tests.invariants import (
    INVARIANTS,
    Acknowledgement,
    Answer,
    Broken,
    Commit,
    Crash,
    Delivery,
    Erasure,
    Failure,
    History,
    Memory,
    Moment,
    Quiet,
    Start,
    check,
    thing,
)
from tests.unit.core.test_deltas import NOON, event, moment, order

FIRST, SECOND = order(1, 2), order(2, 1)


def seen(shown: Order[Any], index: int, known: OrderRecord | None = None, at: float = 0.0) -> Any:
    return merge(
        known,
        Sighting(project_id=7, deployment=1, deploy_id=None, index=index, order=shown, observed_at=moment(at)),
    )


def numbered(*changes: Change, first: int = 1) -> tuple[Change, ...]:
    return tuple(msgspec.structs.replace(change, sequence=at) for at, change in enumerate(changes, first))


def sound() -> list[Moment]:
    """One look at two orders that were proved to be all, with everything delivered."""
    one, other = seen(FIRST, 0), seen(SECOND, 1)
    changes = numbered(*one.changes, *other.changes)
    moments: list[Moment] = [
        Start(1),
        Answer(7, 1, 0, 100, (FIRST, SECOND), NOON),
        Commit(7, 1, changes, (one.record, other.record), answer=1, look=1),
        Answer(7, 1, 2, 102, (), NOON + 1),
        Commit(7, 1, (), look=1, complete_through=NOON, remembered=2),
        Memory(2, 2),
    ]
    for change in changes:
        moments += [Delivery(change), Acknowledgement(change)]
    return [*moments, Quiet()]


def changed(at: int, **fields: Any) -> Callable[[list[Moment]], None]:
    """Replace fields of a moment."""

    def change(moments: list[Moment]) -> None:
        moments[at] = dataclasses.replace(moments[at], **fields)

    return change


def inserted(at: int, *new: Moment) -> Callable[[list[Moment]], None]:
    def change(moments: list[Moment]) -> None:
        moments[at:at] = new

    return change


def removed(*places: int) -> Callable[[list[Moment]], None]:
    def change(moments: list[Moment]) -> None:
        for at in sorted(places, reverse=True):
            del moments[at]

    return change


def told(*changes: Change) -> Callable[[list[Moment]], None]:
    """Another commit, of these changes."""
    return inserted(5, Commit(7, 1, numbered(*changes, first=6), look=1))


def only(count: int) -> tuple[Change, ...]:
    commit = sound()[2]
    assert isinstance(commit, Commit)
    return commit.changes[:count]


ADDED, EVENT_1, EVENT_2, OTHER, OTHER_EVENT = only(5)
RECORD = seen(FIRST, 0).record
ELSEWHERE = msgspec.structs.replace


@pytest.mark.parametrize(
    ("invariant", "broken", "at"),
    [
        pytest.param("I1", changed(2, changes=only(4)), 4, id="an event is lost"),
        pytest.param("I1", changed(2, changes=only(3)), 4, id="an order is lost"),
        pytest.param("I2", told(ADDED), 5, id="a key twice"),
        pytest.param("I2", told(ELSEWHERE(ADDED, key="other", deployment=2)), 5, id="an order under two keys"),
        pytest.param("I2", told(ELSEWHERE(EVENT_1, key="other")), 5, id="an event under two keys"),
        pytest.param("I3", changed(2, changes=(ADDED, EVENT_2)), 2, id="a number is left out"),
        pytest.param("I3", changed(2, changes=numbered(EVENT_1, ADDED)), 2, id="an event before its order"),
        pytest.param("I3", changed(2, changes=numbered(ADDED, EVENT_2)), 2, id="an event is left out"),
        pytest.param("I4", changed(2, changes=only(3)), 2, id="remembered and never told"),
        pytest.param("I4", changed(2, changes=only(4)), 2, id="an event is remembered and never told"),
        pytest.param("I4", changed(2, orders=(ELSEWHERE(RECORD, digest=b"other"),)), 2, id="remembered differently"),
        pytest.param("I4", told(ELSEWHERE(ADDED, key="other")), 5, id="an order is added twice"),
        pytest.param(
            "I5", inserted(5, Commit(7, 1, (), (ELSEWHERE(RECORD, events=()),), look=1)), 5, id="events become fewer"
        ),
        pytest.param("I6", removed(1), 1, id="told without having been seen"),
        pytest.param("I6", inserted(2, Delivery(ADDED)), 2, id="delivered before it is kept"),
        pytest.param("I6", removed(6), 6, id="acknowledged before it is delivered"),
        pytest.param("I6", removed(6, 7), 6, id="one is left out"),
        pytest.param("I6", inserted(8, Delivery(ELSEWHERE(ADDED, attempt=2))), 8, id="delivered after all"),
        pytest.param("I6", inserted(7, Delivery(ADDED)), 7, id="delivered twice as if it were once"),
        pytest.param("I6", removed(14, 15), 14, id="never delivered"),
        pytest.param(
            "I8", told(ELSEWHERE(EVENT_1, event=event(3, name="L-other"), position=2)), 5, id="a number for two"
        ),
        pytest.param("I8", told(ELSEWHERE(EVENT_1, deployment=2)), 5, id="two numbers for one"),
        pytest.param("I8", told(ELSEWHERE(EVENT_1, order_id=2)), 5, id="an event of another order"),
        pytest.param("I8", told(ELSEWHERE(ADDED, order=order(1, at=9))), 5, id="another order under the same key"),
        pytest.param("I10", changed(5, used=3), 5, id="too much is remembered"),
        pytest.param("I11", removed(3), 3, id="no proof"),
        pytest.param("I11", changed(1, rows=(FIRST, SECOND), end=1), 4, id="a hole before the end"),
        pytest.param("I11", inserted(3, Crash()), 5, id="read in another life"),
        pytest.param("I11", changed(4, complete_through=NOON + 1), 4, id="read before it was said to be"),
        pytest.param(
            "I11", inserted(1, Commit(7, 1, (), look=0, remembered=3)), 5, id="one look at an end below the hint"
        ),
        pytest.param("I12", inserted(4, Start(2)), 5, id="another owner"),
        pytest.param("I12", inserted(4, Start(1)), 4, id="the same owner twice"),
    ],
)
def test_what_is_broken_is_found(invariant: str, broken: Callable[[list[Moment]], None], at: int) -> None:
    moments = sound()
    broken(moments)
    places = [place for place, _ in INVARIANTS[invariant](History(_renumbered(moments)))]
    assert places[:1] == [at]


def _renumbered(moments: list[Moment]) -> list[Moment]:
    """Commits name their answers by position."""
    answers = [at for at, each in enumerate(moments) if isinstance(each, Answer) and each.rows]
    return [
        dataclasses.replace(each, answer=answers[0] if answers else None)
        if isinstance(each, Commit) and each.answer is not None
        else each
        for each in moments
    ]


def test_a_sound_history_passes() -> None:
    check(History(sound()))


def test_the_first_finding_is_named() -> None:
    moments = sound()
    changed(2, changes=only(4))(moments)
    with pytest.raises(Broken, match=r"I1 is broken at moment 4: event .*-2-1 of project 7 is not told") as caught:
        check(History(moments))
    assert (caught.value.invariant, caught.value.at) == ("I1", 4)


@pytest.mark.parametrize("invariant", ["I7", "I9"])
def test_undisturbed_worlds_are_told_the_same(invariant: str) -> None:
    disturbance: Moment = Crash() if invariant == "I7" else Failure(8)
    other = sound()
    changed(2, changes=only(4))(other)
    history = History([*sound(), disturbance], undisturbed=History(other))
    assert [what for _, what in INVARIANTS[invariant](history)] == [f"{OTHER_EVENT.key} is told in this history only"]
    history = History([*other, disturbance], undisturbed=History(sound()))
    (found,) = INVARIANTS[invariant](history)
    assert found[1] == f"{OTHER_EVENT.key} is told in the undisturbed history only"
    assert not list(INVARIANTS[invariant](History([*sound(), disturbance], undisturbed=History(sound()))))
    history.erasable = True
    assert not list(INVARIANTS[invariant](history))


def test_numbers_are_compared_unless_they_may_differ() -> None:
    other = sound()
    changed(2, changes=(ELSEWHERE(ADDED, key="order:7:2:1"), *only(5)[1:]))(other)
    history = History([*sound(), Crash()], undisturbed=History(other))
    assert [what for _, what in INVARIANTS["I7"](history)] == [f"{ADDED.key} is order:7:2:1 in the undisturbed history"]
    history.renumbered = True
    assert not list(INVARIANTS["I7"](history))


def test_a_failing_project_is_not_compared() -> None:
    history = History([*sound(), Failure(7)], undisturbed=History([]))
    assert not list(INVARIANTS["I9"](history))


def test_a_baseline_is_not_told_but_what_happens_to_it_is() -> None:
    later = order(1, 3)
    known = seen(FIRST, 0).record
    new = seen(later, 0, known, 1)
    moments: list[Moment] = [
        Start(1),
        Answer(7, 1, 0, 100, (FIRST,), NOON),
        Commit(7, 1, (), (known,), answer=1, look=1),
        Answer(7, 1, 1, 101, (), NOON + 1),
        Commit(7, 1, (), look=1, complete_through=NOON),
        Answer(7, 2, 0, 100, (later,), NOON + 2),
        Commit(7, 1, numbered(*new.changes), (new.record,), answer=5, look=2),
    ]
    history = History([*moments, Quiet()], told_since=NOON + 50)
    assert [name for name, invariant in INVARIANTS.items() if list(invariant(history))] == ["I6"]
    moments[6] = Commit(7, 1, (), (new.record,), answer=5, look=2)
    history = History([*moments, Quiet()], told_since=NOON + 50)
    assert [what for _, what in INVARIANTS["I1"](history)] == [f"event {later.events[2].id} of project 7 is not told"]


def test_a_gap_excuses_what_was_erased() -> None:
    moments = sound()
    changed(2, changes=only(4))(moments)
    gap = Gap(project_id=7, key="gap", sequence=5, observed_at=moment(0), what="deployment", deploy_id=None, detail="")
    inserted(3, Erasure(7, frozenset({thing(7, SECOND)})), Commit(7, 1, (gap,)))(moments)
    assert not list(INVARIANTS["I1"](History(moments)))
    del moments[4]
    assert list(INVARIANTS["I1"](History(moments)))


def test_an_empty_list_is_proved_twice_or_by_patience() -> None:
    empty = Answer(7, 1, 0, 100, (), NOON)
    said = Commit(7, 1, (), look=1, complete_through=NOON, remembered=0)
    assert [at for at, _ in INVARIANTS["I11"](History([Start(1), empty, said]))] == [2]
    assert not list(INVARIANTS["I11"](History([Start(1), empty, empty, said])))
    patient = Answer(7, 1, 0, 100, (), NOON + 100)
    before = Commit(7, 1, (), look=0, remembered=9)
    assert not list(INVARIANTS["I11"](History([Start(1), before, empty, patient, said])))


def test_a_total_says_that_the_list_became_shorter() -> None:
    entry = Quarantined(index=0, reason="broken", raw=b"{}")
    before = Commit(7, 1, (), look=0, remembered=9)
    page = Answer(7, 1, 0, 1, (entry,), NOON, length=2)
    rest = Answer(7, 1, 1, 100, (entry,), NOON)
    end = Answer(7, 1, 2, 100, (), NOON)
    said = Commit(7, 1, (), look=1, complete_through=NOON)
    assert not list(INVARIANTS["I11"](History([Start(1), before, page, rest, end, said])))
    beyond = Answer(7, 1, 2, 100, (entry,), NOON)
    assert not list(INVARIANTS["I11"](History([Start(1), before, page, rest, end, beyond, end, said])))
    assert list(INVARIANTS["I11"](History([Start(1), page, rest, beyond, end, said])))
