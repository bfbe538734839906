"""What the server's `Date` headers say about our clock, and which time to sign with.

The unknown is `offset`: the server's Unix time minus our monotonic clock. Each answer bounds it without assuming that
the way there took as long as the way back: the server stamped a whole second D between the moment our first byte left
(m0) and the moment its headers arrived (m1), so the offset lies in [D - m1, D + 1 - m0]. Intervals of successive
answers are intersected. We sign with the *earliest* time it can be at the server: never in its future, and at most
the width of the interval in its past. The wall clock matters only before the first sample.
"""

import email.utils
import enum
from collections import deque
from datetime import timedelta
from typing import Final

import msgspec

SLACK: Final = 1.0
"""Seconds by which edges of one service may disagree about the time."""
DRIFT: Final = 200e-6
"""How fast what we know goes stale, in seconds per second."""
MAX_ROUND_TRIP: Final = 10.0
MAX_STEP: Final = 2.0
"""Wall and monotonic clock may grow apart this many seconds before something must have happened."""
TOLERANCE: Final = 5.0
"""Offsets that differ by less are not worth another signature."""
MAX_CERTAIN: Final = 2 * TOLERANCE
"""An interval no wider than this puts the time within 5 s, and so tells bad credentials from a bad clock."""
MAX_SKEW: Final = 26 * 3600.0
"""Mistakes of zone and date fit inside. A hash for a later day must never leave this machine."""
UNSTABLE_CHANGES: Final = 3
UNSTABLE_SECONDS: Final = 600.0
_FIRST_YEAR: Final = 2020
_LAST_YEAR: Final = 2090


class Reading(msgspec.Struct, frozen=True):
    """Our clocks at one moment: Unix time, and a monotonic clock that counts suspend where the system has one."""

    wall: float
    mono: float


class Stamp(msgspec.Struct, frozen=True):
    """The time that one request was signed with, and what was believed when it was.

    Attributes:
        timestamp: Whole Unix seconds.
        offset: The offset behind it; a refusal is only worth a repetition if this has changed.
        distance: Seconds from our wall clock to `timestamp`.
        suspect: The clocks parted since the offset was learnt. A time that is days old does no harm, and its refusal is
            the only way to learn better.
        mono: When it was signed.
    """

    timestamp: int
    offset: float
    distance: float
    suspect: bool = False
    mono: float = 0.0

    @property
    def usable(self) -> bool:
        """Whether our clock is near enough for a request to be signed at all."""
        return self.suspect or abs(self.distance) <= MAX_SKEW


class Refusal(enum.Enum):
    """What a refused signature means."""

    CLOCK = "the clock was wrong, and now is known better: sign again"
    CREDENTIALS = "the time was right, so the credentials are wrong"
    TIME_UNKNOWN = "too little is known about the server's time to tell"
    UNSTABLE = "the server's time, or ours, keeps jumping"


class _Interval(msgspec.Struct, frozen=True):
    lo: float
    hi: float

    @property
    def width(self) -> float:
        return self.hi - self.lo

    def widened(self, seconds: float) -> "_Interval":
        return _Interval(self.lo - seconds, self.hi + seconds)

    def meet(self, other: "_Interval") -> "_Interval | None":
        lo, hi = max(self.lo, other.lo), min(self.hi, other.hi)
        return _Interval(lo, hi) if lo <= hi else None


class Skew:
    """The interval in which the server's clock lies.

    Transitions: cold -> known | known -> suspect -> known. Cold and suspect want a leader: one request that goes first.

    Args:
        counts_suspend: Whether our monotonic clock goes on while the machine sleeps. If not, a suspend looks like a
            step
            of the wall clock, and either makes what we know suspect.
    """

    def __init__(self, *, counts_suspend: bool = True) -> None:
        self._counts_suspend = counts_suspend
        self._interval: _Interval | None = None
        self._updated = Reading(0.0, 0.0)
        self._rival: _Interval | None = None
        self._rival_seen = Reading(0.0, 0.0)
        self._wants_leader = True
        self._suspect = False
        self._changes: deque[float] = deque(maxlen=UNSTABLE_CHANGES + 1)
        self.samples: int = 0
        self.generation: int = 0
        """Grows when the offset moved by more than a repetition is worth."""

    def wants_leader(self, now: Reading) -> bool:
        """Whether the next request should go alone, because a wrong clock would have all the others refused with it."""
        self._look_for_suspend(now)
        return self._wants_leader

    def leader_finished(self) -> None:
        """The leading request has its final outcome, a repetition for the clock included."""
        self._wants_leader = False

    def stamp(self, now: Reading) -> Stamp:
        """The time to sign with, at this moment."""
        self._look_for_suspend(now)
        offset = self._offset(now)
        timestamp = int((offset + now.mono) // 1)
        return Stamp(timestamp, offset, timestamp - now.wall, self._suspect, now.mono)

    def server_time(self, now: Reading) -> float:
        """The middle of what the server's clock can show now, in Unix seconds; our wall clock before any sample."""
        interval = self._aged(now)
        return now.wall if interval is None else now.mono + (interval.lo + interval.hi) / 2

    def uncertainty(self, now: Reading) -> float | None:
        """Seconds between the earliest and the latest time it can be at the server; None before the first sample."""
        interval = self._aged(now)
        return None if interval is None else interval.width

    def answered(self, date: str | None, *, sent: Reading, answered: Reading, trusted: bool = True) -> bool:
        """Learn from the `Date` header of an answer.

        Args:
            date: The header's value.
            sent: The clocks no later than the first byte of the request.
            answered: The clocks no earlier than the end of the response's headers.
            trusted: False for an answer that may come from a cache or another host (`Age`, 1xx, 3xx).

        Returns:
            Whether the offset changed by so much that refused requests are worth a repetition.
        """
        second = unix_second(date) if trusted else None
        round_trip = answered.mono - sent.mono
        step = abs((answered.wall - sent.wall) - round_trip)
        if second is None or not 0 <= round_trip <= MAX_ROUND_TRIP or step > MAX_STEP:
            return False
        sample = _Interval(second - answered.mono - SLACK, second + 1 - sent.mono + SLACK)
        self.samples += 1
        self._look_for_suspend(answered)
        known = self._aged(answered)
        if known is None or self._suspect:
            return self._adopt(sample, answered)
        if (meet := known.meet(sample)) is not None:
            self._rival = None
            return self._adopt(meet, answered)
        if self._rival is not None and (agreed := self._rival.widened(MAX_STEP).meet(sample)) is not None:
            return self._adopt(agreed, answered)
        # One edge with a wrong clock must not move us; two answers that agree may.
        self._rival, self._rival_seen = sample, answered
        return False

    def refused(self, stamp: Stamp, now: Reading) -> Refusal:
        """What it means that the server refused the signature of `stamp`. Call `answered` first."""
        if (
            self._rival is not None and self._rival_seen.mono >= stamp.mono
        ):  # what one edge said long ago proves nothing
            self._adopt(self._rival, self._rival_seen)
        self._look_for_suspend(now)
        interval = self._aged(now)
        if interval is None or self._suspect:
            return Refusal.TIME_UNKNOWN
        if abs(self._offset(now) - stamp.offset) <= max(TOLERANCE, interval.width):
            return Refusal.CREDENTIALS if interval.width <= MAX_CERTAIN else Refusal.TIME_UNKNOWN
        recent = [change for change in self._changes if now.mono - change <= UNSTABLE_SECONDS]
        return Refusal.UNSTABLE if len(recent) > UNSTABLE_CHANGES else Refusal.CLOCK

    def _adopt(self, interval: _Interval, now: Reading) -> bool:
        moved = abs(interval.lo - self._offset(now)) > max(TOLERANCE, interval.width)
        self._interval, self._updated, self._rival, self._suspect = interval, now, None, False
        if moved:
            self.generation += 1
            self._changes.append(now.mono)
        return moved

    def _offset(self, now: Reading) -> float:
        interval = self._aged(now)
        return now.wall - now.mono if interval is None else interval.lo

    def _aged(self, now: Reading) -> _Interval | None:
        if self._interval is None:
            return None
        return self._interval.widened(max(0.0, now.mono - self._updated.mono) * DRIFT)

    def _look_for_suspend(self, now: Reading) -> None:
        if self._counts_suspend or self._interval is None or self._suspect:
            return
        apart = (now.wall - self._updated.wall) - (now.mono - self._updated.mono)
        if abs(apart) > MAX_STEP:
            self._suspect = self._wants_leader = True


def unix_second(date: str | None) -> int | None:
    """The moment a `Date` header names; None for anything but a plausible time in GMT."""
    if date is None or not date.endswith("GMT"):
        return None
    try:
        moment = email.utils.parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    plausible = moment.utcoffset() == timedelta(0) and _FIRST_YEAR <= moment.year <= _LAST_YEAR
    return int(moment.timestamp()) if plausible else None
