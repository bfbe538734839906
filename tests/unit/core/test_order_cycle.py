"""One look: which windows are asked for, and what is concluded from the answers."""

from collections.abc import Callable

import pytest

from qcasync._core.lineage import NOBODY, Known, Lineage, Row, mark
from qcasync._core.order_cycle import OrderCycle, is_full_due
from qcasync._core.placing import OrderMemory, Placed
from qcasync._core.window_steps import Broken, Complete, LookAgain, Trouble, Wait, Window
from qcasync.models.orders import Order
from tests.unit.core.test_deltas import NOON
from tests.unit.core.test_lineage import Q, rows

Shown = list[Row] | Callable[[Window], list[Row]]


class Story:
    """A look at a list; answers may be cut, and may show another list after a while."""

    def __init__(self, cycle: OrderCycle) -> None:
        self.cycle = cycle
        self.now = 0.0
        self.asked: list[Window] = []
        self.placed: list[Placed] = []

    def perform(self, shown: Shown, clamp: int = 100) -> "Story":
        while True:
            step = self.cycle.next_step(self.now)
            match step:
                case Window():
                    self.asked.append(step)
                    self.now += 1
                    every = shown(step) if callable(shown) else shown
                    page = every[step.start : min(step.end, step.start + clamp)]
                    self.placed += self.cycle.page_received(step, page, None, NOON + self.now, self.now)
                case LookAgain(at):
                    self.now = max(at, self.now)
                case _:
                    return self

    @property
    def numbers(self) -> list[tuple[int, int]]:
        return [(each.index, each.deployment) for each in self.placed]


def complete(shown: list[Row], lineage: Lineage) -> OrderMemory:
    story = Story(OrderCycle(OrderMemory(), lineage, {}, full=True)).perform(shown)
    assert story.cycle.proved
    return OrderMemory(frontier=story.cycle.frontier, anchor=story.cycle.anchor, runs=lineage.runs)


def known(shown: list[Row], *indexes: int) -> dict[int, Known]:
    return {index: Known(1, mark(shown[index])) for index in indexes}


def test_everything_is_read_and_proved() -> None:
    story = Story(OrderCycle(OrderMemory(), Lineage(), {}, full=True)).perform(rows("1A 2A 1B"))
    assert story.numbers == [(0, 1), (1, 1), (2, 2)]
    assert (story.cycle.frontier, story.cycle.proved, story.cycle.ended, story.cycle.hidden) == (3, True, True, False)
    assert story.cycle.began_at == NOON + 1
    assert story.cycle.trouble is None


def test_an_empty_list_is_looked_at_twice() -> None:
    story = Story(OrderCycle(OrderMemory(), Lineage(), {}, full=True)).perform([])
    assert (story.cycle.proved, story.cycle.anchor, len(story.asked)) == (True, None, 2)


def test_a_list_that_is_known_to_have_rows_and_shows_none_cannot_be_read() -> None:
    story = Story(OrderCycle(OrderMemory(), Lineage(), {}, full=True, remembered=3)).perform([])
    assert story.cycle.trouble is Trouble.WARMING
    assert isinstance(story.cycle.next_step(story.now), Broken)
    assert not story.cycle.ended


def test_a_look_reads_what_is_open_and_the_tail() -> None:
    shown = rows("1A " + " ".join(f"{number}A" for number in range(2, 301)))
    lineage = Lineage()
    memory = complete(shown[:290], lineage)
    story = Story(OrderCycle(memory, lineage, known(shown, 5, 50, 150), full=False)).perform(shown)
    assert [(window.start, window.end) for window in story.asked] == [(5, 105), (150, 250), (289, 389), (299, 399)]
    assert (story.cycle.frontier, story.cycle.full, story.cycle.absent) == (300, False, False)


def test_nothing_is_known_yet() -> None:
    story = Story(OrderCycle(OrderMemory(), Lineage(), {}, full=False)).perform(rows("1A"))
    assert [window.start for window in story.asked] == [0, 0]
    assert story.cycle.frontier == 1


def test_what_a_clamp_cut_off_is_still_looked_at() -> None:
    shown = rows("1A 2A 3A 4A 5A 6A")
    lineage = Lineage()
    memory = complete(shown, lineage)
    story = Story(OrderCycle(memory, lineage, known(shown, 0, 3), full=False)).perform(shown, clamp=2)
    assert [window.start for window in story.asked] == [0, 3, 5]
    assert not story.cycle.absent


def test_the_last_order_is_not_to_be_seen() -> None:
    shown = rows("1A 2A 3A")
    lineage = Lineage()
    story = Story(OrderCycle(complete(shown, lineage), lineage, {}, full=False)).perform(shown[:2])
    assert (story.cycle.absent, story.cycle.full, story.cycle.frontier) == (True, False, 3)


def test_another_list_is_read_whole_and_what_it_showed_first_is_kept() -> None:
    """A lost order: what the answer that gave it away showed was thrown away."""
    lineage = Lineage()
    memory = complete(rows("1A 2A"), lineage)
    answers = [rows("1B 2B 3B", 5), rows("1A 2A"), rows("1A 2A")]
    story = Story(OrderCycle(memory, lineage, {}, full=False)).perform(lambda _: answers.pop(0))
    assert (story.cycle.full, story.cycle.proved) == (True, True)
    assert story.numbers == [(1, 2), (2, 2), (0, 1), (1, 1)]


def test_a_list_that_shows_what_no_answer_can_place_is_not_read_completely() -> None:
    lineage = Lineage()
    memory = complete(rows("1A 2A"), lineage)
    answers = [rows("1 2 3", 5), rows("1A 2A"), rows("1A 2A")]
    story = Story(OrderCycle(memory, lineage, {}, full=False)).perform(lambda _: answers.pop(0))
    assert (story.cycle.ended, story.cycle.proved) == (True, False)


def test_rows_that_no_answer_places_are_read_behind_one_that_is() -> None:
    shown = rows("1A 2A 3 4 5 6")
    cycle = OrderCycle(OrderMemory(), Lineage(), {}, full=True, size=2)
    story = Story(cycle).perform(shown)
    assert sorted(set(story.numbers)) == [(index, 1) for index in range(6)]
    assert (cycle.proved, cycle.frontier) == (True, 6)


def test_rows_without_any_order_before_them_stay_unplaced() -> None:
    shown: list[Row] = [Q, *rows("2 3")]
    story = Story(OrderCycle(OrderMemory(), Lineage(), {}, full=True)).perform(shown)
    assert story.numbers == [(0, NOBODY)]
    assert (story.cycle.ended, story.cycle.proved, story.cycle.frontier, story.cycle.hidden) == (True, False, 0, True)


def test_a_newer_version_that_was_not_placed_is_waited_for() -> None:
    """What a fresh replica showed is not done with when one that lags behind shows the order as it was."""
    fresh, old = rows("1A 2A 3A"), rows("1A 2A 3")
    lineage = Lineage()
    lineage.place(0, rows("1"), NOON)

    def shown(window: Window) -> list[Row]:
        return (
            [*rows("1 2"), fresh[2]] if window.size == 2 and window.start == 2 and not tail else [*rows("1 2"), old[2]]
        )

    tail: list[int] = []
    cycle = OrderCycle(OrderMemory(), lineage, {}, full=True, size=2)
    story = Story(cycle)
    while not isinstance(step := cycle.next_step(story.now), Complete):
        if isinstance(step, LookAgain):
            story.now = step.at
            continue
        assert isinstance(step, Window)
        if step.start == 1:
            tail.append(1)
        story.now += 1
        cycle.page_received(step, shown(step)[step.start : step.end], None, NOON, story.now)
    assert tail
    assert (cycle.ended, cycle.proved) == (True, False)


def test_entries_that_cannot_be_decoded_are_no_anchors() -> None:
    """A mixed key: order 2 of the next deployment became order 2 of this one, behind an entry that hid order 1."""
    lineage = Lineage()
    memory = complete([*rows("1A"), Q], lineage)
    assert (memory.frontier, memory.anchor) == (1, Known(1, mark(rows("1A")[0])))
    shown = [*rows("1A"), Q, *rows("2 3")]
    story = Story(OrderCycle(memory, lineage, {}, full=False)).perform(shown)
    assert story.numbers == [(0, 1), (1, NOBODY)]
    assert story.cycle.frontier == 1


def test_a_row_below_the_frontier_that_cannot_be_placed_is_no_obstacle() -> None:
    lineage = Lineage()
    shown = rows("1A 2A 1B")
    memory = complete(shown, lineage)
    odd: list[Row] = [Q, rows("1 2")[1], *rows("1B 2B", 1)]
    story = Story(OrderCycle(memory, lineage, {0: Known(1, mark(shown[0]))}, full=False)).perform(odd)
    assert (story.cycle.full, story.cycle.frontier) == (False, 4)
    assert story.numbers[:3] == [(0, NOBODY), (2, 2), (3, 2)]


def test_the_list_moves_once_more_after_everything_was_read() -> None:
    def shown(window: Window) -> list[Row]:
        return rows("1B 2B 3B", 5) if window.start == 1 else rows("1A 2A 3 4")

    cycle = OrderCycle(OrderMemory(), Lineage(), {}, full=True, size=2)
    story = Story(cycle).perform(shown)
    assert (cycle.moved, cycle.proved) == (True, False)
    assert isinstance(cycle.next_step(story.now), Complete)


def test_a_window_that_is_given_up() -> None:
    lineage = Lineage()
    memory = complete(rows("1A 2A"), lineage)
    partial = OrderCycle(memory, lineage, {}, full=False)
    window = partial.next_step(0)
    assert isinstance(window, Window)
    assert isinstance(partial.next_step(0), Wait)
    partial.window_abandoned(window)
    assert isinstance(partial.next_step(0), Complete)
    full = OrderCycle(memory, lineage, {}, full=True)
    window = full.next_step(0)
    assert isinstance(window, Window)
    full.window_abandoned(window)
    assert full.next_step(0) == window


def test_what_is_expected_may_be_unreadable() -> None:
    lineage = Lineage()
    shown = rows("1A 2A")
    memory = complete(shown, lineage)
    unreadable: list[Row] = [shown[0], Q]
    story = Story(OrderCycle(memory, lineage, {}, full=False)).perform(unreadable)
    assert (story.cycle.full, story.cycle.frontier, story.cycle.hidden) == (False, 2, True)
    assert isinstance(shown[1], Order)


@pytest.mark.parametrize(
    ("cycles", "seconds", "absences", "due"),
    [(1, 0.0, 0, False), (7, 7199.0, 1, False), (8, 0.0, 0, True), (1, 7200.0, 0, True), (1, 0.0, 2, True)],
)
def test_when_everything_is_due(cycles: int, seconds: float, absences: int, due: bool) -> None:
    assert is_full_due(cycles, seconds, absences) is due


def test_a_small_list_is_read_at_once() -> None:
    """The end is left to the next look, which reads the anchor and what is behind it anyway."""
    shown, lineage = rows("1A 2A 1B"), Lineage()
    memory = complete(shown, lineage)
    story = Story(OrderCycle(memory, lineage, {}, full=True, at_once=True)).perform(shown)
    assert story.asked == [Window(0, 100)]
    assert story.numbers == [(0, 1), (1, 1), (2, 2)]
    assert (story.cycle.at_once, story.cycle.proved, story.cycle.ended, story.cycle.ends) == (True, False, False, False)
    tail = Story(OrderCycle(memory, lineage, {}, full=False)).perform(shown)
    assert (tail.asked, tail.cycle.ends) == ([Window(2, 102)], True)


@pytest.mark.parametrize("now", ["1A 2A 1B 2B", "1A 2A", "1A 2A Q", "1A 2A 3A"])
def test_what_is_not_as_it_was_is_not_read_at_once(now: str) -> None:
    lineage = Lineage()
    memory = complete(rows("1A 2A 1B"), lineage)
    cycle = OrderCycle(memory, lineage, {}, full=True, at_once=True, remembered=3)
    story = Story(cycle).perform(rows(now))
    assert (cycle.at_once, cycle.full, cycle.ended) == (False, True, True)
    assert story.asked[0] == Window(0, 100)
    assert len(story.asked) > 2


def test_rows_in_the_middle_are_read_behind_one_that_is_placed() -> None:
    """A clamp cuts each answer before the row that names what begins there, and the list begins with such a row."""
    shown, lineage = rows("1 1A 2A 3A 1 2B 3B"), Lineage()
    lineage.place(5, shown[5:], NOON)  # the deployment of B was seen without its beginning
    cycle = OrderCycle(OrderMemory(), lineage, {}, full=True, size=5)
    story = Story(cycle).perform(shown)
    assert Window(3, 8) in story.asked
    assert (4, 1) in story.numbers
    again = Story(OrderCycle(OrderMemory(), lineage, {}, full=True, size=5)).perform(shown)
    assert 0 in [index for index, _ in again.numbers]
