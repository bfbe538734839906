"""Which windows of a list to ask for, and how to know that all of it was read.

A list is read through half-open windows of indexes. The server may answer less than was asked (a clamp), one row more
(an inclusive end), nothing while a cache warms, and `length` may mean anything; the list may grow meanwhile. So
nothing that the server *says* ends a listing: only an empty answer whose start is the first index not read, and no
row known beyond it.

The plan is told what came (`page_received`) and asked what to do (`next_step`); it holds no rows.

Transitions: first window -> fan-out up to the hint -> filling of what came short -> proof of the end -> complete.
Any of them -> broken.
"""

import math
from typing import Final

from qcasync._core.clamps import Clamp
from qcasync._core.ranges import gaps, joined
from qcasync._core.window_steps import Arrival, Broken, Complete, Empty, LookAgain, Step, Trouble, Wait, Window
from qcasync._core.witnesses import Witnesses

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
        start: Index of the first row to read. What precedes it is somebody else's business.
        stop: Index after the last row to read, where the list is known to go on; None to read to its end.
        remembered: How many rows the list had when it was last read; None if it never was.
        room: How many rows may be read ahead of the rows that were taken.
    """

    def __init__(
        self,
        *,
        size: int = 100,
        start: int = 0,
        stop: int | None = None,
        remembered: int | None = None,
        room: int = 2000,
    ) -> None:
        self._clamp = Clamp(size)
        self._start = start
        self._stop = math.inf if stop is None else stop
        self._reach = stop or 0
        self._remembered = remembered
        self._told = 0
        self._seen = start if stop is None else stop
        self._first_hint = remembered or 0
        self._room = room
        self._taken = self._frontier = start
        self._pieces: dict[int, int] = {}
        self._flying: dict[int, Window] = {}
        self._cold: set[int] = set()
        self._empties: dict[int, Empty] = {}
        self._ahead = 1
        self._witnesses = Witnesses()
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
        """How many rows the list is thought to have, as far as it is to be read. Never a proof."""
        return int(min(max(self._told, self._remembered or 0), self._stop))

    @property
    def spoken_of(self) -> int:
        """The largest number of rows that the server, or our memory, ever spoke of, as far as they are to be read."""
        return int(min(max(self._told, self._first_hint), self._stop))

    @property
    def falls_short(self) -> bool:
        """Whether nothing was found from the start on, and the server speaks of fewer rows than precede it."""
        return self._frontier == self._start and 0 < self._reach < self._start

    @property
    def knows_total(self) -> bool:
        """Whether a list that was read to its end is as long as the frontier says: it may end before the start."""
        return self._frontier > self._start or self._start in {0, self._reach}

    @property
    def size(self) -> int:
        """How many rows a window asks for: fewer than at first, once the server was seen to clamp."""
        return self._clamp.size

    @property
    def spans_refresh(self) -> bool:
        """Whether the server named different totals during the read, so that it saw more than one snapshot."""
        return len(self._totals) > 1

    def read(self) -> tuple[tuple[int, int], ...]:
        """Half-open ranges of indexes that were read."""
        return tuple(joined([(self._start, self._frontier), *self._pieces.items()]))

    def missing(self) -> tuple[tuple[int, int | None], ...]:
        """Half-open ranges of indexes that were not read; the last one is open, unless the end was proved."""
        at = max([self._frontier, *self._pieces.values()])
        between = tuple(gaps(self._frontier, self._pieces.items()))
        if at >= self._stop or self._ended():
            return between
        return (*between, (at, None if self._stop == math.inf else int(self._stop)))

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
        if self._is_doubtful(window, arrival):
            return 0
        count = min(arrival.count, window.size)
        self._seen = max(self._seen, window.start + arrival.count)
        end = window.start + count
        if any(window.start <= start < end for start in self._empties):
            self._empties.clear()  # a source that was wrong about one place is not believed about others
        self._learn_length(window, arrival)
        self._clamp.learn(window, count)
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
        self._witnesses.taken(index)

    # What to do

    def next_step(self, now: float) -> Step:
        """What to do next. A window that is returned counts as in flight until its answer is told."""
        if self.trouble is not None:
            return Broken(self.trouble)
        later: list[float] = []
        known = [*self._pieces.items(), *((window.start, window.end) for window in self._flying.values())]
        for start, end in gaps(self._frontier, known):
            fill = self._fill(Window(start, min(start + self.size, end)), now)
            if isinstance(fill, Window):
                return self._ask(fill)
            if isinstance(fill, Broken):
                return fill
            if isinstance(fill, LookAgain):
                later.append(fill.at)
        step = self._extend(max([self._frontier, *(end for _, end in known)]), now)
        if isinstance(step, Window):
            return self._ask(step)
        if isinstance(step, Wait) and later:
            return LookAgain(min(later))
        return step

    def _ask(self, window: Window) -> Window:
        self._flying[window.start] = window
        if self._frontier == self._start and not self._pieces:
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
        if at >= self._stop:
            return Complete() if self._ended() else Wait()
        if at == self._frontier and at in self._empties:
            return self._prove_end(at, self._empties[at], now)
        if any(start <= at for start in self._empties) or at >= self._taken + self._room:
            return Wait()
        if at < self.hint:
            return self._window(at, self.hint)
        guesses = sum(start >= self.hint for start in self._flying)
        return self._window(at, math.inf) if guesses < self._ahead else Wait()

    def _window(self, at: int, limit: float) -> Window:
        return Window(at, int(min(at + self.size, limit, self._stop)))

    def _prove_end(self, at: int, empty: Empty, now: float) -> Window | LookAgain | Complete | Broken:
        if self._ended():
            return Complete()
        if at == self._start and self._expects_rows() and now - empty.since >= WARMING_LIMIT:
            return self._break(Trouble.WARMING)
        if self._start < at < self._seen and empty.looks >= HOLE_LOOKS:
            return self._break(Trouble.HOLE)
        due = empty.at if at > self._start and empty.cold else empty.at + LOOK_AGAIN
        return self._window(at, math.inf) if now >= due else LookAgain(due)

    def _expects_rows(self) -> bool:
        """Whether rows are thought to be there from the start on."""
        return max(self.hint, self._seen) > self._start

    def _ended(self) -> bool:
        if self._frontier >= self._stop:
            return not (self._pieces or self._flying)
        empty = self._empties.get(self._frontier)
        if empty is None or self._pieces or self._flying:
            return False
        if self._frontier == self._start:
            # A cache that is still empty does not know how long the list is.
            told = 0 < self._start == self._reach
            return not self._expects_rows() and empty.looks >= (1 if told else 2)
        if self._frontier < self._seen or (empty.cold and self._frontier not in self._totals):
            return False
        return empty.looks >= (2 if self._frontier < self.hint or self._ends_in_doubt() else 1)

    def _ends_in_doubt(self) -> bool:
        """Whether nothing but silence behind a full page says that the list ends: no short page, and no total."""
        known = self._frontier in self._totals or self._frontier == self._remembered
        return not known and not self._clamp.came_short_at(self._frontier)

    # What an answer teaches

    def _nothing_at(self, start: int, length: int | None, now: float, *, cold: bool) -> None:
        if start == self._start and length is not None:
            self._told, self._reach = max(self._told, length), length
        elif not cold and length is not None and length > 0:
            self._totals.add(length)
        empty = self._empties.setdefault(start, Empty(0, now, now))
        empty.looks = 1 if empty.cold and not cold else empty.looks + 1  # what was seen cold does not count
        empty.at, empty.cold = now, cold
        self._ahead = 1

    def _is_doubtful(self, window: Window, arrival: Arrival) -> bool:
        if self._witnesses.is_repeated(window, arrival):
            if self._witnesses.repeats >= REPEATS:
                self._break(Trouble.REPEATED)
            return True
        if self._witnesses.has_moved(window, arrival):
            self._break(Trouble.CHANGED)
            return True
        return False

    def _learn_length(self, window: Window, arrival: Arrival) -> None:
        length = arrival.length
        if length is None:
            return
        self._told = max(self._told, length)
        if length > window.start + arrival.count:  # it speaks of the whole list, and knows better than our memory
            self._remembered = None
        if length > arrival.count:
            self._totals.add(length)

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
