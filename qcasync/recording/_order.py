"""In which order recorded answers are given, and what happens when nobody asks for the next one. Told the time.

Answers come in the order in which they were recorded, whoever asks first: an asker waits until all earlier answers were
given. One is given at a time, with a rest after it, in which whoever got it can finish before anything else happens.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from typing import Final

REST: Final = 0.001
"""Seconds of the event loop after each answer. In virtual time they pass when nobody has anything left to do."""

Key = tuple[str, bytes]


class Asker:
    """A request that waits for its answer.

    Attributes:
        key: What is asked.
        since: When.
        index: The answer it was given; None before that.
        wake: Called when it should look again: an answer was given to it, or is about to be.
    """

    __slots__ = ("index", "key", "since", "wake")

    def __init__(self, key: Key, since: float) -> None:
        self.key = key
        self.since = since
        self.wake: Callable[[], None] = _nothing
        self.index: int | None = None


class Order:
    """Which asker gets which answer, and when.

    Args:
        keys: What each answer is an answer to, in the order of the recording.
        moments: When each was read, in the recording's seconds.
        pace: Seconds of the recording per second of ours; None: without waiting.
        patience: Seconds that an asker waits for answers to others that nobody asks for.

    Attributes:
        given: How many answers were given.
    """

    def __init__(self, keys: Sequence[Key], moments: Sequence[float], *, pace: float | None, patience: float) -> None:
        self.given = 0
        self._keys = keys
        self._moments = moments
        self._pace = pace
        self._patience = patience
        self._left: defaultdict[Key, deque[int]] = defaultdict(deque)
        for index, key in enumerate(keys):
            self._left[key].append(index)
        self._askers: defaultdict[Key, deque[Asker]] = defaultdict(deque)
        self._next = 0
        self._began: float | None = None
        self._rests_until = float("-inf")
        self._given_at = float("-inf")

    @property
    def passed_over(self) -> int:
        """How many answers were passed over because nobody asked for them, and were not asked for since."""
        return self._next - self.given

    def ask(self, key: Key, now: float) -> Asker:
        """Stand in line. An answer that was passed over is given at once."""
        if self._began is None:
            self._began = self._given_at = now
        asker = Asker(key, now)
        self._askers[key].append(asker)
        self._give_late(key)
        return asker

    def leave(self, asker: Asker) -> None:
        """Nobody waits for this any more. An answer that was given, but not taken, is the next asker's."""
        if asker.index is None:
            self._askers[asker.key].remove(asker)
            return
        self.given -= 1
        self._left[asker.key].appendleft(asker.index)
        self._give_late(asker.key)

    def advance(self, asker: Asker, now: float) -> None:
        """Give what can be given now, after passing over what kept this asker waiting for too long."""
        if now < self._rests_until:
            return
        if self._overdue(asker, now):
            while self._next < len(self._keys) and not self._askers[self._keys[self._next]]:
                self._next += 1
        if self._head_is_asked() and self._due(self._next) <= now:
            self._next += 1
            self._give(self._keys[self._next - 1])
            self._given_at, self._rests_until = now, now + REST
            if self._head_is_asked():
                self._askers[self._keys[self._next]][0].wake()

    def next_look(self, asker: Asker, now: float) -> float:
        """When to advance again, if nothing else happens before."""
        deadline = self._deadline(asker)
        looks = [deadline] if deadline > now else []
        if self._head_is_asked():
            looks.append(max(self._rests_until, self._due(self._next)))
        return max(min(looks, default=self._rests_until), now)

    def has_ended_for(self, asker: Asker, now: float) -> bool:
        """Whether it waited for long enough, and nothing is left for it."""
        return asker.index is None and self._own(asker) is None and self._deadline(asker) <= now

    def has_ended(self, now: float) -> bool:
        """Whether, besides, nothing was given to anybody for so long that nothing more can be expected."""
        more_to_come = self._next < len(self._keys) and self._due(self._next) + self._patience > now
        return self._given_at + self._patience <= now and not (self._pace is not None and more_to_come)

    def _give(self, key: Key) -> None:
        asker = self._askers[key].popleft()
        asker.index = self._left[key].popleft()
        self.given += 1
        asker.wake()

    def _give_late(self, key: Key) -> None:
        if self._askers[key] and self._left[key] and self._left[key][0] < self._next:
            self._give(key)

    def _head_is_asked(self) -> bool:
        return self._next < len(self._keys) and bool(self._askers[self._keys[self._next]])

    def _own(self, asker: Asker) -> int | None:
        """The answer that will be this asker's, as things stand."""
        place = self._askers[asker.key].index(asker)
        left = self._left[asker.key]
        return left[place] if place < len(left) else None

    def _overdue(self, asker: Asker, now: float) -> bool:
        return asker.index is None and self._own(asker) is not None and self._deadline(asker) <= now

    def _deadline(self, asker: Asker) -> float:
        own = self._own(asker)
        began = asker.since if own is None else max(asker.since, self._due(own))
        return began + self._patience

    def _due(self, index: int) -> float:
        """When an answer may be given, at our pace."""
        if self._pace is None or self._began is None:
            return float("-inf")
        return self._began + (self._moments[index] - self._moments[0]) / self._pace


def _nothing() -> None:
    """What is called before anybody waits."""
