"""Rows that tell whether the windows of a list fit together: the first of each page, and those beyond a page's end."""

from collections.abc import Hashable

from qcasync._core.window_steps import Arrival, Window


class Witnesses:
    """Remembers what makes rows themselves, by the index at which they were seen.

    Attributes:
        repeats: How many pages began with a row of another page.
    """

    def __init__(self) -> None:
        self.repeats: int = 0
        self._firsts: dict[Hashable, int] = {}
        self._beyond: dict[int, Hashable] = {}

    def is_repeated(self, window: Window, arrival: Arrival) -> bool:
        """Whether the page begins with a row that another window began with."""
        if arrival.first is None or self._firsts.setdefault(arrival.first, window.start) == window.start:
            return False
        self.repeats += 1
        return True

    def has_moved(self, window: Window, arrival: Arrival) -> bool:
        """Whether its first row is another one than was seen there, behind the end of another window."""
        witness = self._beyond.pop(window.start, None)
        if arrival.surplus is not None:
            self._beyond[window.end] = arrival.surplus
        return not (witness is None or arrival.first is None or witness == arrival.first)

    def taken(self, index: int) -> None:
        """Rows below this index left the reader's memory."""
        for start in [start for start in self._beyond if start < index]:
            del self._beyond[start]
