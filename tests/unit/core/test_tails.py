"""Lists that only grow, seen through windows, by replicas of which some lag behind."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcasync._core.tails import ABSENCES, Tail, TailMemory, follow_tail


class Reader:
    """Reads such a list as the poller does, and notes what is news."""

    def __init__(self, *, tells_first: bool = False, width: int = 3) -> None:
        self.memory = TailMemory()
        self.tells_first = tells_first
        self.width = width
        self.told: list[tuple[int, int, str]] = []
        self.restarts = 0

    def look(self, rows: list[str]) -> int:
        """One look. Returns how many windows it took."""
        for reads in range(1, 100):
            memory = self.memory
            marks = rows[memory.start : memory.start + self.width]
            tail = follow_tail(memory, marks)
            if self.tells_first or memory.complete:
                first = memory.start + len(marks) - tail.fresh
                fresh = marks[len(marks) - tail.fresh :]
                self.told += [(memory.epoch, index, mark) for index, mark in enumerate(fresh, first)]
            self.memory = msgspec.json.decode(msgspec.json.encode(tail.memory), type=TailMemory)
            self.restarts += tail.restarted
            if not tail.more:
                return reads
        raise AssertionError("a look that does not end")


def test_what_is_there_is_a_baseline_and_what_comes_is_told() -> None:
    reader = Reader()
    assert reader.look(["a", "b", "c", "d"]) == 3  # abc, cd, and d alone: the end
    assert (reader.told, reader.memory) == ([], TailMemory(next=4, anchor="d", complete=True))
    assert reader.look(["a", "b", "c", "d"]) == 1
    reader.look(["a", "b", "c", "d", "e", "f"])
    assert reader.told == [(0, 4, "e"), (0, 5, "f")]


def test_all_is_told_if_it_is_to_be() -> None:
    reader = Reader(tells_first=True)
    reader.look(["a", "b", "c", "d"])
    assert reader.told == [(0, 0, "a"), (0, 1, "b"), (0, 2, "c"), (0, 3, "d")]


def test_a_list_is_believed_to_be_empty_at_the_second_look() -> None:
    """A first answer may be empty because the server has not loaded the list yet: what it shows later is no news."""
    reader = Reader()
    reader.look([])
    assert reader.memory == TailMemory(absences=1)
    reader.look(["a"])
    assert (reader.told, reader.memory.complete) == ([], True)
    other = Reader()
    other.look([])
    other.look([])
    assert other.memory == TailMemory(complete=True)
    other.look([])
    assert other.memory == TailMemory(complete=True)
    other.look(["a"])
    assert other.told == [(0, 0, "a")]


@pytest.mark.parametrize("strange", [["x", "y", "z"], ["a", "b", "z", "c"]])
def test_an_anchor_may_be_missing_for_a_while(strange: list[str]) -> None:
    """A replica that lags behind, or answers something else, is not believed before the third look in a row."""
    reader = Reader()
    reader.look(["a", "b", "c"])
    for _ in range(5):
        for look in range(1, ABSENCES):
            assert reader.look(strange) == 1
            assert reader.memory.absences == look
        reader.look(["a", "b", "c"])
        assert reader.memory == TailMemory(next=3, anchor="c", complete=True)
    assert (reader.told, reader.restarts) == ([], 0)


def test_a_list_that_has_become_another_one_is_told_from_its_beginning() -> None:
    reader = Reader()
    reader.look(["a", "b", "c"])
    for _ in range(ABSENCES):
        reader.look(["x", "b", "z"])
    assert reader.told == [(1, 0, "x"), (1, 1, "b"), (1, 2, "z")]
    assert reader.memory == TailMemory(next=3, anchor="z", epoch=1, complete=True)


def test_another_list_before_the_first_was_read_is_a_baseline_too() -> None:
    """Nothing was complete yet, so nothing of it is news."""
    memory = TailMemory(next=3, anchor="c", epoch=4, absences=ABSENCES - 1)
    tail = follow_tail(memory, ["x"])
    assert tail == Tail(memory=TailMemory(epoch=5), restarted=True, more=True)


def test_a_list_that_was_emptied_is_told_when_it_grows_again() -> None:
    reader = Reader()
    reader.look(["a", "b"])
    for _ in range(6):
        reader.look([])
    for _ in range(ABSENCES):
        reader.look(["b", "c"])
    assert (reader.told, reader.restarts) == ([(1, 0, "b"), (1, 1, "c")], 1)


@pytest.mark.parametrize("length", [None, 0, 3, 4])
def test_answers_without_rows_prove_nothing(length: int | None) -> None:
    """All was told again: a server that showed nothing for a quarter of an hour was taken to have another list."""
    memory = TailMemory(next=3, anchor="c", complete=True, absences=2)
    for _ in range(5):
        assert follow_tail(memory, [], length) == Tail(memory=memory)


def test_a_list_that_is_said_to_be_shorter_has_become_another_one() -> None:
    memory = TailMemory(next=3, anchor="c", complete=True)
    for absences in range(1, ABSENCES):
        memory = follow_tail(memory, [], 2).memory
        assert memory.absences == absences
    assert follow_tail(memory, [], 2) == Tail(memory=TailMemory(epoch=1, complete=True), restarted=True, more=True)


def test_a_row_without_a_mark_is_an_anchor_too() -> None:
    """An insight may have no id."""
    reader = Reader()
    reader.look(["a", ""])
    assert reader.memory == TailMemory(next=2, anchor="", complete=True)
    reader.look(["a", "", "b"])
    assert reader.told == [(0, 2, "b")]


def test_two_replicas_with_different_lists_make_no_storm() -> None:
    """In turns: the one that was read first is followed, the other one is passed over."""
    reader = Reader()
    for _ in range(50):
        reader.look(["a", "b"])
        reader.look(["x", "y"])
    assert (reader.told, reader.restarts) == ([], 0)


def test_a_server_that_always_shows_the_same_rows_is_not_read_for_ever() -> None:
    memory, reads = TailMemory(), 0
    for _ in range(30):  # looks
        for _ in range(3):
            tail = follow_tail(memory, ["a", "b"])
            memory, reads = tail.memory, reads + 1
            if not tail.more:
                break
    assert reads == 2 + 14 * (1 + 3) + 1  # every second look finds another list
    assert memory.epoch == 14


@given(
    steps=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 8)), max_size=30),
    width=st.integers(2, 5),
    tells_first=st.booleans(),
)
def test_each_row_is_told_once_and_in_order(steps: list[tuple[int, int]], width: int, tells_first: bool) -> None:
    """A list that grows by any steps, of which answers lack the last rows, but not three times in a row."""
    reader = Reader(tells_first=tells_first, width=width)
    rows: list[str] = ["0"]
    reader.look(rows)
    for more, hidden in steps:
        rows += [str(len(rows) + index) for index in range(more)]
        reader.look(rows[: max(0, len(rows) - hidden)])
        reader.look(rows)
    first = 0 if tells_first else 1
    assert reader.told == [(0, index, rows[index]) for index in range(first, len(rows))]
