"""Which windows of a list to ask for, and how to know that all of it was read.

A list is read through half-open windows of indexes. The server may answer less than was asked (a clamp), one row more
(an inclusive end), nothing while a cache warms, and `length` may mean anything; the list may grow meanwhile. So
nothing that the server *says* ends a listing: only an empty answer whose start is the first index not read, and no
row known beyond it.

The plan is told what came (`page_received`) and asked what to do (`next_step`); it holds no rows.

Transitions: first window -> fan-out up to the hint -> filling of what came short -> proof of the end -> complete.
Any of them -> broken.
"""

from collections.abc import Hashable
from typing import Final

from qcasync._core.window_steps import Arrival, Broken, Complete, Empty, LookAgain, Step, Trouble, Wait, Window

LOOK_AGAIN: Final = 10.0
"""Seconds between two looks at an answer that is not believed at once."""
WARMING_LIMIT: Final = 100.0
"""Seconds for which a list that is known to have rows may stay empty."""
HOLE_LOOKS: Final = 3
"""Empty answers in the middle of a list, before it is given up."""
REPEATS: Final = 2
"""Pages that begin with a row of another page, before the server is taken to ignore `start`."""
_FIRST_AHEAD: Final = 4
_MORE_AHEAD: Final = 2


class WindowPlan:
    """Plans the windows of one listing.

    Args:
        size: Rows to ask for at once.
        remembered: How many rows the list had when it was last read; None if it never was.
        room: How many rows may be read ahead of the rows that were taken.
    """

    def __init__(self, *, size: int = 100, remembered: int | None = None, room: int = 2000) -> None:
        self._size = size
        self._remembered = remembered
        self._told = 0
        self._seen = 0
        self._first_hint = remembered or 0
        self._room = room
        self._taken = 0
        self._frontier = 0
        self._pieces: dict[int, int] = {}
        self._flying: dict[int, Window] = {}
        self._cold: set[int] = set()
        self._empties: dict[int, Empty] = {}
        self._ahead = 1
        self._witnesses: dict[int, Hashable] = {}
        self._firsts: dict[Hashable, int] = {}
        self._repeats = 0
        self._short_ends: dict[int, int] = {}
        self._cuts: dict[int, int] = {}
        self._totals: set[int] = set()
        self.trouble: Trouble | None = None
        """Why the listing cannot be completed."""
        self.windows: int = 0
        """Answers received."""

    # What is known

    @property
    def frontier(self) -> int:
        """All rows below this index were read."""
        return self._frontier

    @property
    def hint(self) -> int:
        """How many rows the list is thought to have. Never a proof."""
        return max(self._told, self._remembered or 0)

    @property
    def spoken_of(self) -> int:
        """The largest number of rows that the server, or our memory, ever spoke of."""
        return max(self._told, self._first_hint)

    @property
    def size(self) -> int:
        """How many rows a window asks for: fewer than at first, once the server was seen to clamp."""
        return self._size

    @property
    def spans_refresh(self) -> bool:
        """Whether the server named different totals during the read, so that it saw more than one snapshot."""
        return len(self._totals) > 1

    def read(self) -> tuple[tuple[int, int], ...]:
        """Half-open ranges of indexes that were read."""
        ranges = (
            [(0, self._frontier), *sorted(self._pieces.items())] if self._frontier else sorted(self._pieces.items())
        )
        merged: list[tuple[int, int]] = []
        for start, end in ranges:
            if merged and merged[-1][1] == start:
                merged[-1] = (merged[-1][0], end)
            else:
                merged.append((start, end))
        return tuple(merged)

    def missing(self) -> tuple[tuple[int, int | None], ...]:
        """Half-open ranges of indexes that were not read; the last one is open, unless the end was proved."""
        gaps: list[tuple[int, int | None]] = []
        at = self._frontier
        for start, end in sorted(self._pieces.items()):
            if at < start:
                gaps.append((at, start))
            at = end
        return tuple(gaps) if self._ended() else (*gaps, (at, None))

    # What happened

    def page_received(self, window: Window, arrival: Arrival, now: float) -> int:
        """An answer came. Returns how many of its rows count: those inside the window, or none of a doubtful page."""
        self._flying.pop(window.start, None)
        self.windows += 1
        cold = window.start in self._cold
        self._cold.discard(window.start)
        if arrival.count == 0:
            self._nothing_at(window.start, arrival.length, now, cold=cold)
            return 0
        if self._is_repeated(window, arrival) or self._has_moved(window, arrival):
            return 0
        count = min(arrival.count, window.size)
        self._seen = max(self._seen, window.start + arrival.count)
        end = window.start + count
        if any(window.start <= start < end for start in self._empties):
            self._empties.clear()  # a source that was wrong about one place is not believed about others
        self._learn_length(window, arrival)
        self._learn_clamp(window, count)
        self._learn_pace(window, count)
        self._pieces[window.start] = end
        while self._frontier in self._pieces:
            self._frontier = self._pieces.pop(self._frontier)
        return count

    def window_abandoned(self, window: Window) -> None:
        """No answer will come; the window may be asked for again."""
        self._flying.pop(window.start, None)

    def taken(self, index: int) -> None:
        """Rows below this index left the reader's memory."""
        self._taken = index
        for start in [start for start in self._witnesses if start < index]:
            del self._witnesses[start]

    # What to do

    def next_step(self, now: float) -> Step:
        """What to do next. A window that is returned counts as in flight until its answer is told."""
        if self.trouble is not None:
            return Broken(self.trouble)
        later: list[float] = []
        at = self._frontier
        for start, end in sorted([*self._pieces.items(), *((w.start, w.end) for w in self._flying.values())]):
            if at < start:
                fill = self._fill(Window(at, min(at + self._size, start)), now)
                if isinstance(fill, Window):
                    return self._ask(fill)
                if isinstance(fill, Broken):
                    return fill
                if isinstance(fill, LookAgain):
                    later.append(fill.at)
            at = max(at, end)
        step = self._extend(at, now)
        if isinstance(step, Window):
            return self._ask(step)
        if isinstance(step, Wait) and later:
            return LookAgain(min(later))
        return step

    def _ask(self, window: Window) -> Window:
        self._flying[window.start] = window
        if not (self._frontier or self._pieces):
            self._cold.add(window.start)
        return window

    def _fill(self, gap: Window, now: float) -> Window | LookAgain | Wait | Broken:
        """A gap below rows, or below windows in flight."""
        empty = self._empties.get(gap.start)
        if empty is None:
            return gap
        if not any(start > gap.start for start in self._pieces):
            return Wait()  # what is in flight beyond will tell whether this is a hole or the end
        if empty.looks >= HOLE_LOOKS:
            return self._break(Trouble.HOLE)
        at = empty.at + LOOK_AGAIN * empty.looks / HOLE_LOOKS
        return gap if now >= at else LookAgain(at)

    def _extend(self, at: int, now: float) -> Step:
        """The index after all rows and all windows in flight."""
        if at == self._frontier and at in self._empties:
            return self._prove_end(at, self._empties[at], now)
        if any(start <= at for start in self._empties) or at >= self._taken + self._room:
            return Wait()
        if at < self.hint:
            return Window(at, min(at + self._size, self.hint))
        guesses = sum(start >= self.hint for start in self._flying)
        return Window(at, at + self._size) if guesses < self._ahead else Wait()

    def _prove_end(self, at: int, empty: Empty, now: float) -> Window | LookAgain | Complete | Broken:
        if self._ended():
            return Complete()
        if at == 0 and self.hint and now - empty.since >= WARMING_LIMIT:
            return self._break(Trouble.WARMING)
        if 0 < at < self._seen and empty.looks >= HOLE_LOOKS:
            return self._break(Trouble.HOLE)
        due = empty.at if at and empty.cold else empty.at + LOOK_AGAIN
        return Window(at, at + self._size) if now >= due else LookAgain(due)

    def _ended(self) -> bool:
        empty = self._empties.get(self._frontier)
        if empty is None or self._pieces or self._flying:
            return False
        if self._frontier == 0:
            return not self.hint and empty.looks >= 2
        if self._frontier < self._seen or (empty.cold and self._frontier not in self._totals):
            return False
        return empty.looks >= (2 if self._frontier < self.hint or self._ends_in_doubt() else 1)

    def _ends_in_doubt(self) -> bool:
        """Whether nothing but silence behind a full page says that the list ends: no short page, and no total."""
        known = self._frontier in self._totals or self._frontier == self._remembered
        return not known and self._frontier not in self._short_ends

    # What an answer teaches

    def _nothing_at(self, start: int, length: int | None, now: float, *, cold: bool) -> None:
        if start == 0 and length is not None and length > 0:
            self._told = max(self._told, length)
        empty = self._empties.setdefault(start, Empty(0, now, now))
        empty.looks = 1 if empty.cold and not cold else empty.looks + 1  # what was seen cold does not count
        empty.at = now
        empty.cold = cold
        self._ahead = 1

    def _is_repeated(self, window: Window, arrival: Arrival) -> bool:
        if arrival.first is None:
            return False
        if self._firsts.setdefault(arrival.first, window.start) == window.start:
            return False
        self._repeats += 1
        if self._repeats >= REPEATS:
            self._break(Trouble.REPEATED)
        return True

    def _has_moved(self, window: Window, arrival: Arrival) -> bool:
        witness = self._witnesses.pop(window.start, None)
        if arrival.surplus is not None:
            self._witnesses[window.end] = arrival.surplus
        if witness is None or arrival.first is None or witness == arrival.first:
            return False
        self._break(Trouble.CHANGED)
        return True

    def _learn_length(self, window: Window, arrival: Arrival) -> None:
        length = arrival.length
        if length is None:
            return
        self._told = max(self._told, length)
        if length > window.start + arrival.count:  # it speaks of the whole list, and knows better than our memory
            self._remembered = None
        if length > arrival.count:
            self._totals.add(length)

    def _learn_clamp(self, window: Window, count: int) -> None:
        """A page that came short, with a row right behind it, was cut; twice at one size, and that is the limit."""
        cut = self._short_ends.pop(window.start, None)
        if cut is not None:
            self._cuts[cut] = self._cuts.get(cut, 0) + 1
            if self._cuts[cut] >= 2:
                self._size = min(self._size, cut)
        if count < window.size:
            self._short_ends[window.start + count] = count

    def _learn_pace(self, window: Window, count: int) -> None:
        """Beyond the hint, each full page earns two windows more; a short one ends the guessing."""
        if window.start < self.hint:
            return
        if count < window.size:
            self._ahead = 1
        elif self._ahead == 1:
            self._ahead = _FIRST_AHEAD
        else:
            self._ahead += _MORE_AHEAD

    def _break(self, trouble: Trouble) -> Broken:
        self.trouble = trouble
        return Broken(trouble)
