"""What is not learned, or told, twice."""

import msgspec
import pytest

from qcasync._core.lineage import NOBODY, Run
from qcasync._core.placing import OrderMemory, Placed
from qcasync._core.repetitions import MOST_LEARNED, MOST_UNREADABLE, LearnedAnswers, told_with, untold
from qcasync._core.window_steps import Window
from qcasync.models.quarantine import Quarantined
from tests.unit.core.test_deltas import order

BROKEN = Quarantined(index=0, reason="no quantity", raw=b"{}")


def test_an_answer_is_known_by_its_window_and_its_bytes() -> None:
    answers = LearnedAnswers()
    answers.add(Window(0, 100), 7)
    assert answers.has(Window(0, 100), 7)
    assert not answers.has(Window(0, 100), 8)
    assert not answers.has(Window(100, 200), 7)


def test_too_many_answers_are_not_kept() -> None:
    answers = LearnedAnswers()
    for at in range(MOST_LEARNED + 1):
        answers.add(Window(at, at + 1), at)
    assert not answers.has(Window(0, 1), 0)
    assert answers.has(Window(1, 2), 1)
    assert answers.has(Window(MOST_LEARNED, MOST_LEARNED + 1), MOST_LEARNED)


def test_an_entry_is_told_once_until_it_can_be_decoded() -> None:
    assert untold((3,), [(3, BROKEN), (4, BROKEN)]) == [(4, BROKEN)]
    placed = [Placed(2, 1, order()), Placed(4, NOBODY, BROKEN)]
    assert told_with((2, 3), [(4, BROKEN)], placed) == (3, 4), "2 can be decoded by now"


def test_of_too_many_entries_the_oldest_are_forgotten() -> None:
    fresh = [(at, BROKEN) for at in range(MOST_UNREADABLE)]
    assert told_with((5_000, 6_000), fresh, ()) == tuple(range(MOST_UNREADABLE))


@pytest.mark.parametrize(("field", "value"), [("frontier", 3), ("complete_through", 9.0)])
def test_when_deployments_were_last_seen_is_not_worth_writing_down(field: str, value: float) -> None:
    run = Run(number=1, deploy_id="L-1", seen_at=1.0)
    memory = OrderMemory(frontier=2, runs=(run,))
    later = msgspec.structs.replace(memory, runs=(msgspec.structs.replace(run, seen_at=2.0),))
    assert not later.says_more_than(memory)
    assert msgspec.structs.replace(memory, **{field: value}).says_more_than(memory)
