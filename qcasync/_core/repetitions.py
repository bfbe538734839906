"""What a look has seen before, and neither learns from nor tells again."""

from collections.abc import Iterable, Sequence
from typing import Final

from qcasync._core.placing import Placed
from qcasync._core.window_steps import Window
from qcasync.models.orders import Order
from qcasync.models.quarantine import Quarantined

MOST_LEARNED: Final = 10_000
"""Answers that are recognised when they come again: of as many windows. Most are the same in most looks."""
MOST_UNREADABLE: Final = 1000
"""Entries that cannot be decoded, of which it is remembered that they were told."""

Entries = Sequence[tuple[int, Quarantined]]
"""Entries that cannot be decoded, with their indexes in the list."""


class LearnedAnswers:
    """Answers that have nothing more to teach, by their windows."""

    def __init__(self) -> None:
        self._marks: dict[Window, int] = {}

    def has(self, window: Window, mark: int) -> bool:
        """Whether the window was answered the same way before, and everything was learned from it."""
        return self._marks.get(window) == mark

    def add(self, window: Window, mark: int) -> None:
        """Everything was learned from an answer. The oldest of too many is forgotten."""
        self._marks[window] = mark
        while len(self._marks) > MOST_LEARNED:
            del self._marks[next(iter(self._marks))]


def untold(told: Sequence[int], entries: Entries) -> Entries:
    """Those entries of whose indexes it was not told yet that they cannot be decoded."""
    return [(index, entry) for index, entry in entries if index not in told]


def told_with(told: Iterable[int], fresh: Entries, placed: Iterable[Placed]) -> tuple[int, ...]:
    """The indexes of which it was told, once it was told of `fresh`: without those that can be decoded by now."""
    readable = {each.index for each in placed if isinstance(each.row, Order)}
    still = (index for index in told if index not in readable)
    return (*still, *(index for index, _ in fresh))[-MOST_UNREADABLE:]
