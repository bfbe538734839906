"""Deployments keep their numbers, whatever part of the list is seen first."""

from typing import Any

import pytest

from qcasync._core.deltas import SETTLED
from qcasync._core.lineage import HIDDEN, NOBODY, Known, Lineage, Row, Run, mark, mark_of_entry
from qcasync.models.quarantine import Quarantined
from tests.unit.core.test_deltas import NOON, A, B, order

Q = Quarantined(index=0, reason="broken", raw=b'{"id": 1}')
C = "L-" + "c" * 32


def rows(text: str, turn: int = 0) -> list[Row]:
    """`1A 2A 3 Q 1`: order 1 with an event of deployment A, 2 too, 3 without events, an unreadable entry, and 1.

    Each order 1 begins another turn; orders of different turns are different orders.
    """
    names = {"A": A, "B": B, "C": C}
    made: list[Row] = []
    for word in text.split():
        if word == "Q":
            made.append(Q)
            continue
        number, name = int(word.rstrip("ABC")), word[-1]
        turn += number == 1
        made.append(order(number, events=int(name in names), name=names.get(name, A), at=100 * turn + number))
    return made


@pytest.mark.parametrize(
    ("start", "text", "numbers"),
    [
        pytest.param(0, "", [], id="nothing"),
        pytest.param(0, "1A 2A 1B 2B", [1, 1, 2, 2], id="by name"),
        pytest.param(0, "1 2 1 2", [1, 1, 2, 2], id="by the first order"),
        pytest.param(0, "1 2 3A", [1, 1, 1], id="a name for those before it"),
        pytest.param(0, "1A 2 3A", [1, 1, 1], id="between two of one name"),
        pytest.param(5, "3 4", [None, None], id="nothing tells"),
        pytest.param(5, "3 1 2", [None, 1, 1], id="a beginning in the middle"),
        pytest.param(5, "1 2", [1, 1], id="order 1 is a beginning anywhere"),
        pytest.param(0, "2 3", [1, 1], id="what is first in the list is a beginning"),
        pytest.param(0, "2A 1A", [1, 1], id="disorder within a name"),
        pytest.param(0, "1A 3B", [1, 2], id="two names, though the ids ascend"),
        pytest.param(0, "1A Q 3", [1, None, 1], id="ids go on across an unreadable entry"),
        pytest.param(0, "1A Q 2", [1, None, None], id="order 2 behind what may be order 1 of the next deployment"),
        pytest.param(0, "1A Q 3A", [1, None, 1], id="a name bridges it"),
        pytest.param(0, "1A Q 4B", [1, None, 2], id="another name does not"),
        pytest.param(0, "1A Q 1", [1, None, 2], id="a beginning behind an unreadable entry"),
        pytest.param(0, "Q 2", [None, None], id="what the beginning is cannot be read"),
        pytest.param(0, "Q Q", [None, None], id="nothing can be read"),
    ],
)
def test_one_answer(start: int, text: str, numbers: list[int | None]) -> None:
    assert Lineage().place(start, rows(text), NOON) == numbers


def test_what_is_unnamed_gets_its_name_and_keeps_its_number() -> None:
    lineage = Lineage()
    lineage.place(0, rows("1 2"), NOON)
    assert lineage.deploy_id(1) is None
    assert lineage.place(0, rows("1A 2"), NOON) == [1, 1]
    assert lineage.deploy_id(1) == A


def test_a_known_order_tells_whose_its_neighbours_are() -> None:
    lineage = Lineage()
    lineage.place(0, rows("1 2 3"), NOON)
    seen = rows("1 2 3 4")[2:]
    assert lineage.place(2, seen, NOON) == [None, None]
    assert lineage.place(2, seen, NOON, {2: Known(1, mark(seen[0]))}) == [1, 1]
    assert lineage.place(2, seen, NOON, {2: Known(1, b"other")}) == [None, None]
    assert lineage.place(2, [Q, seen[1]], NOON, {2: Known(NOBODY, mark(Q))}) == [None, None]


def test_a_known_order_gives_its_deployment_the_name_of_its_neighbours() -> None:
    lineage = Lineage()
    lineage.place(0, rows("1 2"), NOON)
    seen = rows("1 2 3A")[1:]
    assert lineage.place(1, seen, NOON, {1: Known(1, mark(seen[0]))}) == [1, 1]
    assert lineage.deploy_id(1) == A


def test_the_named_part_of_an_unnamed_deployment_is_not_another_deployment() -> None:
    """A duplicate: both windows of one deployment were numbered, and its orders told twice."""
    lineage = Lineage()
    assert lineage.place(0, rows("1 2"), NOON) == [1, 1]
    assert lineage.place(2, rows("3A 4A"), NOON) == [None, None]
    assert lineage.place(0, rows("1 2 3A 4A"), NOON) == [1, 1, 1, 1]


def test_the_unnamed_part_of_a_named_deployment_is_not_another_deployment() -> None:
    """The same, if the windows come in another order."""
    lineage = Lineage()
    assert lineage.place(2, rows("3A 4A"), NOON) == [1, 1]
    assert lineage.place(0, rows("1 2"), NOON) == [None, None]
    assert lineage.place(0, rows("1 2 3A 4A"), NOON) == [1, 1, 1, 1]
    assert lineage.place(0, rows("1 2"), NOON) == [1, 1]


@pytest.mark.parametrize("unnamed", [True, False])
def test_a_part_of_what_has_vanished_is_no_obstacle(unnamed: bool) -> None:
    lineage = Lineage()
    other = (3, rows("3B")) if unnamed else (0, rows("1 2"))
    lineage.place(*((0, rows("1 2")) if unnamed else (2, rows("3A"))), NOON)
    for later in (1, SETTLED + 1):
        lineage.finished(NOON + later)
        assert lineage.place(*other, NOON + later) == [None] * len(other[1])
    lineage.finished(NOON + SETTLED + 2)
    assert lineage.place(*other, NOON + SETTLED + 3) == [2] * len(other[1])


def test_missed_is_what_a_reading_does_not_show() -> None:
    lineage = Lineage()
    lineage.place(0, rows("1A 1B"), NOON)
    for later in (SETTLED, SETTLED + 1):
        lineage.place(0, rows("1B"), NOON + later)
        lineage.finished(NOON + later)
    assert [run.missed for run in lineage.runs] == [1, 0]
    lineage.place(0, rows("1A"), NOON + later)
    assert [run.missed for run in lineage.runs] == [0, 0]


def test_a_deployment_is_read_if_it_is_still_there_long_after() -> None:
    """A silent loss: a reading that showed parts of two lists was taken for a reading of both."""
    lineage = Lineage()
    found: list[float] = []
    for at in (0, 10, SETTLED, SETTLED + 1, 2 * SETTLED, 3 * SETTLED):
        lineage.place(0, rows("1A"), NOON + at)
        lineage.finished(NOON + at, whole=at != 3 * SETTLED)
        found.append(lineage.runs[0].read_through - NOON)
    assert found == [-NOON, -NOON, -NOON, 0, 0, SETTLED + 1]


def test_a_deployment_may_stand_behind_an_entry_that_cannot_be_decoded() -> None:
    """A duplicate: a deployment whose first order could not be decoded for two readings was forgotten."""
    lineage = Lineage([Run(number=1, deploy_id=A, seen_at=NOON)])
    lineage.finished(NOON + SETTLED + 1, hidden=True)
    assert lineage.runs[0].missed == 0
    lineage.finished(NOON + HIDDEN + 1, hidden=True)
    assert lineage.runs[0].missed == 1


def test_entries_are_told_apart_by_their_bytes() -> None:
    other: Any = Quarantined(index=0, reason="broken", raw=b'{"id": 2}')
    assert mark(Q) == mark_of_entry(Q) != mark(other)
