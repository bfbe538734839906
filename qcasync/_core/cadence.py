"""When to look again: after a period, at the moments at which the server renews its data, and later after failures.

QuantConnect shows a running algorithm through snapshots, renewed about every five or ten minutes from its launch on.
Which moments these are nobody says, but a look that finds something new tells that one lay between it and the look
before. So the interval is halved: a look in its middle either finds the news, or leaves them to the look at its end. In
the end each look comes right after a renewal. As the moments shift by a few seconds, this is done again now and then,
and costs a third more looks. Where they shift by more, looks come as late as blind ones, and not later.
"""

from typing import Final

SHARP: Final = 30.0
"""Seconds of doubt about the moment of renewal that are not worth narrowing any more."""
MARGIN: Final = 2.0
"""Seconds after the latest possible moment of renewal at which to look."""
LATE: Final = 1.1
"""Periods between two looks in which no more than one renewal is taken to lie."""
DRIFT: Final = 3.0
"""Seconds by which a moment of renewal may be earlier or later, a period on."""
FIRST_BACKOFF: Final = 15.0
"""Seconds until the next look at what failed once."""
LONGEST_BACKOFF: Final = 900.0
"""Seconds until the next look at what fails again and again."""
SPREAD: Final = 0.1
"""Seconds between the first looks of two projects."""


class RenewalPhase:
    """At which moments data is renewed, from looks that found something new.

    Transitions: unknown -> narrowing <-> sharp.

    Args:
        period: Seconds between two renewals.
    """

    def __init__(self, period: float) -> None:
        self._period = period
        self._latest: float | None = None
        self._interval: tuple[float, float] | None = None
        self._is_probe = False

    def looked(self, now: float, *, news: bool) -> float:
        """A look succeeded. Returns when to look again.

        Args:
            now: When its answer came.
            news: Whether it found anything new.
        """
        latest, self._latest = self._latest, now
        was_probe, self._is_probe = self._is_probe, False
        if news and latest is not None and now - latest <= self._period * LATE:
            self._narrow(max(latest, now - self._period), now)
        if self._interval is None:
            return now + self._period
        low, high = self._interval
        if was_probe and not news and now < high:
            return high + MARGIN
        self._interval = low, high = self._a_period_on(low, high, now)
        middle = (low + high) / 2
        if news and high - low > SHARP and middle > now:
            self._is_probe = True
            return middle
        return high + MARGIN

    def _narrow(self, low: float, high: float) -> None:
        """There was a renewal in between. Where that cannot be, something has changed, and all begins anew."""
        if self._interval is not None:
            both = max(low, self._interval[0]), min(high, self._interval[1])
            if both[0] < both[1]:
                self._interval = both
                return
        self._interval = low, high

    def _a_period_on(self, low: float, high: float, now: float) -> tuple[float, float]:
        """The next interval that does not end before `now`; what is sharp becomes blurred again, slowly."""
        while high <= now:
            low, high = low + self._period - DRIFT, high + self._period + DRIFT
        return max(low, high - self._period), high


class Cadence:
    """The moments at which one thing is looked at. Told the time by a clock that only goes forward.

    Args:
        period: Seconds between two looks.
        follows: Whether the data is renewed once in a period, and looks are to follow its renewals.
    """

    def __init__(self, period: float, *, follows: bool = False) -> None:
        self.period = period
        self._follows = follows
        self._failures = 0
        self.restart()

    def restart(self) -> None:
        """Forget when the data is renewed: another deployment has moments of its own."""
        self._phase = RenewalPhase(self.period) if self._follows else None

    def looked(self, now: float, *, news: bool) -> float:
        """A look succeeded. Returns when to look again.

        Args:
            now: When its answer came.
            news: Whether it found anything new.
        """
        self._failures = 0
        return now + self.period if self._phase is None else self._phase.looked(now, news=news)

    def failed(self, now: float, jitter: float) -> float:
        """A look failed. Returns when to look again: ever later, up to a quarter of an hour.

        Args:
            now: When it did.
            jitter: Between 0 and 1.
        """
        longest = max(LONGEST_BACKOFF, self.period)
        wait = min(longest, FIRST_BACKOFF * 2.0 ** min(self._failures, 10))
        self._failures += 1
        return now + wait * (0.75 + 0.25 * jitter)


def first_look(position: int, count: int, period: float, now: float) -> float:
    """When to look at a project first: they begin one after the other, and all within a period.

    Args:
        position: The project's place among those that begin, from 0.
        count: How many there are.
        period: Seconds between two looks.
        now: When they begin.
    """
    return now + position * min(SPREAD, period / count)
