"""One look at a project's orders: which windows to read, and what each of their rows is.

A look reads what can have changed: the windows that hold open orders, and the tail from the last known order on, which
serves as an anchor. If anything stands where something else is expected, and from time to time anyway, everything is
read, by the window plan of complete listings.

The look is told what came (`page_received`) and asked what to do (`next_step`); it holds no orders.

Transitions: partial -> done | partial -> full -> tail -> done. A full reading may break off.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from qcasync._core.lineage import Known, Lineage, Row, mark
from qcasync._core.placing import OrderMemory, Placed, Placing
from qcasync._core.requests import MAX_WINDOW
from qcasync._core.rows import identity as identity_at
from qcasync._core.window_steps import Arrival, Complete, Step, Trouble, Wait, Window
from qcasync._core.windows import WindowPlan
from qcasync.models.orders import Order

FULL_CYCLES: Final = 8
"""After so many looks everything is read."""
FULL_SECONDS: Final = 7200.0
"""After so many seconds everything is read."""
MOST_BEHIND: Final = 3
"""Windows of one look for rows in the middle that no answer could place."""
ABSENCES: Final = 2
"""Looks in a row that do not show the last known order, before everything is read."""


class OrderCycle:
    """One look.

    Args:
        memory: What earlier looks left.
        lineage: The project's deployments; learns.
        open_orders: What may change: the known orders that are open, by the index where they were last seen.
        full: Whether to read everything.
        remembered: How many rows the list is thought to have; 0 if nobody knows.
        size: Rows to ask for at once.
        at_once: Read everything in one window, if it holds all that is known. The end is not proved then, but left to
            the next look, which reads the anchor and what is behind it anyway.
    """

    _plan_of: ClassVar[type[WindowPlan]] = WindowPlan  # the removal test puts others in the place of these two
    _placing_of: ClassVar[type[Placing]] = Placing

    def __init__(
        self,
        memory: OrderMemory,
        lineage: Lineage,
        open_orders: Mapping[int, Known],
        *,
        full: bool,
        remembered: int = 0,
        size: int = MAX_WINDOW,
        at_once: bool = False,
    ) -> None:
        self._remembered = remembered
        self._size = size
        self._expected = dict(open_orders)
        self.frontier: int = memory.frontier
        """Index up to which all rows are known; entries that cannot be decoded at the end of the list do not count."""
        self.anchor: Known | None = memory.anchor
        """The order before it."""
        self._placing = self._placing_of(lineage, self._expected)
        self._placed_to = 0
        self._queue: list[Window] = []
        self._is_asking = False
        self._plan: WindowPlan | None = None
        self._end: int | None = None
        self.full: bool = full
        """Whether everything is read."""
        self.absent: bool = False
        """Whether the last known order was not to be seen where it was."""
        self.began_at: float | None = None
        """When the first answer was written, in Unix seconds."""
        self.moved: bool = False
        """Whether the list moved once more after everything had been read; nothing more is asked then."""
        self.ends: bool = False
        """Whether the last answer held the anchor and no more: there the list ends."""
        self.at_once: bool = full and at_once and memory.anchor is not None and memory.frontier < size
        """Whether everything was read in one window, up to an end that is not proved."""
        if self.at_once and memory.anchor is not None:
            self._expected[self.frontier - 1] = memory.anchor
            self._queue = [Window(0, size)]
        elif full:
            self._begin_full()
        else:
            self._queue = self._hot_windows()

    @property
    def trouble(self) -> Trouble | None:
        """Why everything could not be read."""
        return None if self._plan is None else self._plan.trouble

    @property
    def ended(self) -> bool:
        """Whether everything was read up to a proved end, whether or not it could be placed."""
        return self._end is not None

    @property
    def hidden(self) -> bool:
        """Whether some entries could not be decoded."""
        return self._placing.hides

    @property
    def proved(self) -> bool:
        """Whether everything was read up to a proved end, and all that was shown meanwhile was placed."""
        whole = self._end is not None and self._placed_to >= self._end
        return whole and not self.moved and not self._placing.strays

    def next_step(self, now: float) -> Step:
        """What to do next. A window that is returned counts as in flight until its answer is told."""
        if self._plan is not None:
            step = self._plan.next_step(now)
            if not isinstance(step, Complete):
                return step
            self._end_full(self._plan)
        if self._is_asking:
            return Wait()
        if not self._queue:
            return Complete()
        self._is_asking = True
        return self._queue.pop(0)

    def page_received(
        self, window: Window, rows: Sequence[Row], length: int | None, at: float, now: float
    ) -> list[Placed]:
        """An answer came. Returns the rows whose deployment is certain.

        Args:
            window: What was asked for.
            rows: What came.
            length: What the server says about the length of the list.
            at: When the answer was written, in Unix seconds.
            now: By the clock of `next_step`.
        """
        self.began_at = at if self.began_at is None else min(self.began_at, at)
        if self._plan is not None:
            arrival = Arrival(
                count=len(rows), length=length, first=identity_at(rows, 0), surplus=identity_at(rows, window.size)
            )
            rows = rows[: self._plan.page_received(window, arrival, now)]
            return self._placing.place(window.start, rows, at, beyond=0)
        self._is_asking = False
        rows = rows[: window.size]
        as_expected = self._is_as_expected(window, rows)
        placed = self._placing.place(window.start, rows, at, beyond=self.frontier)
        if not as_expected:
            self._list_moved()
            return placed
        end = window.start + len(rows)
        self.ends = (window.start, end) == (self.frontier - 1, self.frontier)
        if self.at_once:
            self._end_at_once(end)
            return placed
        if 0 < len(rows) < window.size:
            self._read_on(end, window.end)
        if self._placing.unplaced is None:
            self._placed_to = max(self._placed_to, end)
            self._grow(self._placing.after_last_order(end))
        return placed

    def window_abandoned(self, window: Window) -> None:
        """No answer will come; the look cannot be completed."""
        self._is_asking = False
        if self._plan is not None:
            self._plan.window_abandoned(window)

    # What is read

    def _hot_windows(self) -> list[Window]:
        """Windows that cover the open orders and the anchor; the last one reaches beyond what is known."""
        if self.anchor is None:
            return [Window(0, self._size)]
        self._expected[self.frontier - 1] = self.anchor
        windows: list[Window] = []
        for index in sorted(index for index in self._expected if index < self.frontier):
            if not windows or index >= windows[-1].end:
                windows.append(Window(index, index + self._size))
        return windows

    def _read_on(self, start: int, end: int) -> None:
        """A window came short, perhaps cut: what was to be seen in the rest of it is still to be seen."""
        rest = [index for index in self._expected if start <= index < min(end, self.frontier)]
        if rest:
            self._queue.insert(0, Window(min(rest), min(rest) + self._size))

    def _grow(self, end: int) -> None:
        """Rows came beyond what was known: look further, from the last order among them."""
        if end > self.frontier:
            self._look_behind(end, self._placing.anchors[end])

    def _look_behind(self, end: int, anchor: Known) -> None:
        self.frontier, self.anchor = end, anchor
        self._expected[end - 1] = anchor
        self._queue.append(Window(end - 1, end - 1 + self._size))

    def _list_moved(self) -> None:
        """Something else stands where an order was: everything is read, but not for ever again."""
        self._queue.clear()
        if self._end is None:
            self._begin_full()
        else:
            self.moved = True

    def _end_at_once(self, end: int) -> None:
        """One answer may have shown everything. If that is not what was known, it is read as usual."""
        if end != self.frontier or self._placing.unplaced is not None or self._placing.hides:
            self._begin_full()

    def _begin_full(self) -> None:
        self.full, self.at_once = True, False
        self._queue.clear()
        self._placed_to = 0
        self._placing.begin_again()
        self._plan = self._plan_of(size=self._size, remembered=self._remembered or None, room=2**62)

    def _end_full(self, plan: WindowPlan) -> None:
        """Everything was read. Rows that no answer could place are looked at once more, behind one that is placed."""
        placing = self._placing
        self._plan, self._end = None, plan.frontier
        self._placed_to = plan.frontier if placing.unplaced is None else placing.unplaced
        end = placing.after_last_order(self._placed_to)
        self.frontier, self.anchor = end, placing.anchors.get(end)
        if placing.unplaced is None:
            return
        self._expected.clear()
        if self.anchor is not None:
            placing.unplaced = None
            self._look_behind(end, self.anchor)
        else:  # the list begins with such rows, and others may tell whose they are: in the next look
            behind = placing.loose_behind_anchors()[:MOST_BEHIND]
            self._expected |= {index - 1: placing.anchors[index] for index in behind}
            self._queue += [Window(index - 1, index - 1 + self._size) for index in behind]

    # What rows are

    def _is_as_expected(self, window: Window, rows: Sequence[Row]) -> bool:
        for index in range(window.start, window.end):
            known = self._expected.get(index)
            if known is None:
                continue
            if index - window.start >= len(rows):
                self.absent = self.absent or (not rows and index == self.frontier - 1)
                continue
            row = rows[index - window.start]
            if isinstance(row, Order) and mark(row) != known.identity:
                return False
        return True


def is_full_due(cycles: int, seconds: float, absences: int) -> bool:
    """Whether everything is to be read.

    Args:
        cycles: Which look this is since everything was read, from 1.
        seconds: Since then.
        absences: Looks in a row that did not show the last known order.
    """
    return cycles >= FULL_CYCLES or seconds >= FULL_SECONDS or absences >= ABSENCES
