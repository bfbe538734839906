"""Looks are made when they are due, few at once, and one at a time for each project."""

import heapq
import itertools
import math
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Final

import anyio
from anyio.abc import TaskGroup

TICK: Final = 0.1
"""Seconds within which looks are due at the same time."""
NEVER: Final = float("inf")
SPARE: Final = 64
"""Places of the heap beside two for each entry that may hold what is passed over."""

Look = Callable[[], Awaitable[float]]
"""Looks, and returns when it is to look again, by the event loop's clock."""


class _Entry:
    """Something to be looked at. Where it stands in the heap with another time than `due`, it is passed over."""

    def __init__(self, owner: int, name: str, look: Look, due: float) -> None:
        self.owner = owner
        self.name = name
        self.look = look
        self.due = due
        self.is_running = False
        self.hastened: float = NEVER
        self.is_gone = False

    def counts(self, due: float) -> bool:
        """Whether a look that was planned for this time is still to be made."""
        return due == self.due and not self.is_running and not self.is_gone


class Schedule:
    """Makes looks.

    Args:
        limit: How many at once.
    """

    def __init__(self, limit: int) -> None:
        self._limit = anyio.CapacityLimiter(limit)
        self._entries: dict[int, dict[str, _Entry]] = {}
        self._heap: list[tuple[float, int, str, int, _Entry]] = []
        self._size = 0
        self._count = itertools.count()
        self._busy: set[int] = set()
        self._held: defaultdict[int, list[_Entry]] = defaultdict(list)
        self._news = anyio.Event()

    def add(self, owner: int, name: str, look: Look, due: float) -> None:
        """Look at something of a project from a moment on, and no more at what had its name."""
        entries = self._entries.setdefault(owner, {})
        if name in entries:
            entries[name].is_gone = True
        else:
            self._size += 1
        entry = entries[name] = _Entry(owner, name, look, due)
        self._push(entry, due)

    def remove(self, owner: int) -> None:
        """Look at a project no more; a look that is being made goes on to its end."""
        entries = self._entries.pop(owner, {})
        for entry in entries.values():
            entry.is_gone = True
        self._size -= len(entries)
        self._held.pop(owner, None)
        self._tidy()

    def hasten(self, owner: int, name: str, due: float) -> None:
        """Look at something earlier than it is due; once more, if it is being looked at."""
        entry = self._entries.get(owner, {}).get(name)
        if entry is None:
            return
        if entry.is_running:
            entry.hastened = min(entry.hastened, due)
        elif due < entry.due:
            self._push(entry, due)

    async def run(self, group: TaskGroup) -> None:
        """Make looks, for ever, in a task group."""
        while True:
            news = self._news
            now = anyio.current_time()
            while self._heap and self._heap[0][0] <= now:
                due, *_, entry = heapq.heappop(self._heap)
                if not entry.counts(due):
                    continue
                if entry.owner in self._busy:
                    self._held[entry.owner].append(entry)
                    continue
                await self._limit.acquire_on_behalf_of(entry)
                if not entry.counts(due):  # while it waited, it was removed, or planned anew
                    self._limit.release_on_behalf_of(entry)
                    continue
                self._busy.add(entry.owner)
                entry.is_running = True
                group.start_soon(self._perform, entry)
            with anyio.CancelScope(deadline=self._heap[0][0] if self._heap else NEVER):
                await news.wait()

    async def _perform(self, entry: _Entry) -> None:
        due = NEVER
        try:
            due = await entry.look()
        finally:
            self._limit.release_on_behalf_of(entry)
            self._busy.discard(entry.owner)
            entry.is_running = False
            due, entry.hastened = min(due, entry.hastened), NEVER
            if not entry.is_gone:
                self._push(entry, due)
            for held in self._held.pop(entry.owner, ()):
                self._push(held, held.due)

    def _push(self, entry: _Entry, due: float) -> None:
        """Plan a look. What is due at about the same time has one order, so that a replay looks in the same."""
        entry.due = due if due == NEVER else max(due, math.ceil(due / TICK) * TICK)  # rounding must not make it earlier
        if due < NEVER:
            heapq.heappush(self._heap, (entry.due, entry.owner, entry.name, next(self._count), entry))
            self._tidy()
        self._news.set()
        self._news = anyio.Event()

    def _tidy(self) -> None:
        """Drop from the heap what is passed over anyway, before it is the greater part."""
        if len(self._heap) > 2 * self._size + SPARE:
            self._heap = [planned for planned in self._heap if planned[-1].counts(planned[0])]
            heapq.heapify(self._heap)
