"""How much may be sent: a rate, a budget for retries, a breaker, and the gate that a wrong token closes.

Each is a small object that is told the time, in seconds of any monotonic clock, and answers with seconds to wait or
with yes or no. None of them waits.
"""

from collections import deque
from typing import Final

from qcasync.models.client_statistics import BreakerState

MEASURED_SECONDS: Final = 2.0
"""How far back a rate is measured: over the burst that was throttled, not over the silence before it."""
CLEAN_SECONDS: Final = 10.0
MIN_RATE: Final = 0.2
QUIET_RATE: Final = 1.0
"""What a client is taken to have sent per second, if it sent less: its rate tells nothing about the server's limit."""
RECOVERY: Final = 0.05
"""Share of the throttled rate that comes back per clean 10 s, and at least `MIN_RECOVERY` requests per second."""
MIN_RECOVERY: Final = 0.5


class Rate:
    """Requests per second for the whole account: unlimited until the server throttles, then learned.

    Nothing is published about QuantConnect's limits, so nothing is assumed. A throttle halves the rate that was
    measured over the last 2 s; each 10 s without one gives back 5 % of it.

    Args:
        ceiling: Never more than this many requests per second; None for no ceiling.
    """

    SAME_THROTTLE: Final = 1.0
    """Seconds within which several refusals are one throttle: they answer requests that were in flight together."""

    def __init__(self, ceiling: float | None = None) -> None:
        self._ceiling = ceiling
        self._floor = MIN_RATE if ceiling is None else min(MIN_RATE, ceiling)
        self._limit = ceiling
        self._recovery = 0.0
        self._recovered_at = 0.0
        self._throttled_at = float("-inf")
        self._next_at = float("-inf")
        self._paused_until = float("-inf")
        self._recent: deque[float] = deque()

    @property
    def limit(self) -> float | None:
        """Requests per second at the moment; None while nothing limits them."""
        return self._limit

    def limit_at(self, now: float) -> float | None:
        """The same, with what has come back by now. Changes nothing."""
        if self._limit is None or not self._recovery:
            return self._limit
        steps = max(0, int((now - self._recovered_at) // CLEAN_SECONDS))
        limit = self._limit + steps * self._recovery
        return limit if self._ceiling is None else min(limit, self._ceiling)

    def reserve(self, now: float) -> float:
        """Take the next place in the schedule. Returns the seconds until it comes."""
        self._recover(now)
        at = max(now, self._next_at, self._paused_until)
        if self._limit is not None:
            self._next_at = at + 1.0 / self._limit
        self._recent.append(at)
        while self._recent and self._recent[0] < now - MEASURED_SECONDS:
            self._recent.popleft()
        return at - now

    def lapsed(self, now: float, due: float) -> bool:
        """Whether a place that was due at `due` is lost: the schedule went on, or the server asked everyone to wait."""
        late = 0.0 if self._limit is None else now - due - 1.0 / self._limit
        return late > 0.0 or now < self._paused_until

    def throttled(self, now: float, hint: float | None = None) -> None:
        """The server asked for fewer requests, perhaps with the seconds to wait first."""
        if hint is not None:
            self._paused_until = max(self._paused_until, now + hint)
        if now - self._throttled_at < self.SAME_THROTTLE:
            return
        self._throttled_at = now
        measured = sum(now - MEASURED_SECONDS < at <= now for at in self._recent) / MEASURED_SECONDS
        rate = max(measured, QUIET_RATE) if self._limit is None else min(self._limit, measured or self._limit)
        self._limit = max(self._floor, rate / 2)
        self._recovery = max(rate * RECOVERY, MIN_RECOVERY)
        self._recovered_at = max(now, self._paused_until)

    def _recover(self, now: float) -> None:
        if self._limit is None or not self._recovery:
            return
        steps = int((now - self._recovered_at) // CLEAN_SECONDS)
        if steps > 0:
            self._limit = self.limit_at(now)
            self._recovered_at += steps * CLEAN_SECONDS


class RetryBudget:
    """Keeps an outage from multiplying traffic: retries are at most 10 % of first attempts, plus a small reserve.

    The reserve of 10 refills by one each 6 s. Some retries cost more than one.
    """

    SHARE: Final = 0.1
    WINDOW: Final = 60.0
    RESERVE: Final = 10.0
    REFILL: Final = 1 / 6

    def __init__(self) -> None:
        self._firsts: deque[float] = deque()
        self._spent: deque[float] = deque()
        """Once for each unit of cost."""
        self._reserve = self.RESERVE
        self._filled_at = 0.0

    def first_attempt(self, now: float) -> None:
        """A call began."""
        self._firsts.append(now)
        self._forget(now)

    def left(self, now: float) -> float:
        """How much all retries may cost now. Changes nothing."""
        firsts, spent = (
            sum(moment > now - self.WINDOW for moment in list(moments)) for moments in (self._firsts, self._spent)
        )
        reserve = min(self.RESERVE, self._reserve + (now - self._filled_at) * self.REFILL)
        return max(self.SHARE * firsts - spent, 0.0) + reserve

    def spend(self, now: float, cost: int = 1) -> bool:
        """Pay for a retry, if there is enough left."""
        self._forget(now)
        if len(self._spent) + cost <= self.SHARE * len(self._firsts):
            self._spent.extend([now] * cost)
            return True
        self._reserve = min(self.RESERVE, self._reserve + (now - self._filled_at) * self.REFILL)
        self._filled_at = now
        if self._reserve < cost:
            return False
        self._reserve -= cost
        return True

    def _forget(self, now: float) -> None:
        for moments in (self._firsts, self._spent):
            while moments and moments[0] <= now - self.WINDOW:
                moments.popleft()


class Breaker:
    """Fails fast while the service is down: opens when at least half of at least 10 attempts in 30 s failed.

    Transitions: closed -> open -> half-open -> closed | open, the next time for twice as long, up to 15 s.
    """

    MIN_ATTEMPTS: Final = 10
    WINDOW: Final = 30.0
    FIRST_PAUSE: Final = 5.0
    MAX_PAUSE: Final = 15.0

    def __init__(self) -> None:
        self._outcomes: deque[tuple[float, bool]] = deque()
        self._pause = self.FIRST_PAUSE
        self._open_until: float | None = None
        self._probe_ends = float("-inf")

    def wait(self, now: float) -> float:
        """Seconds for which nothing should be sent. 0 lets the request pass, as the probe if it is half open."""
        if self._open_until is None:
            return 0.0
        until = max(self._open_until, self._probe_ends)
        if now < until:
            return until - now
        self._probe_ends = now + self.FIRST_PAUSE
        return 0.0

    def opened(self, now: float) -> bool:
        """Whether nothing may be sent, not even a probe."""
        return self._open_until is not None and now < self._open_until

    def state(self, now: float) -> BreakerState:
        """How it stands. Changes nothing."""
        if self._open_until is None:
            return "closed"
        return "open" if now < self._open_until else "half-open"

    def succeeded(self, now: float) -> None:
        """The service answered, whatever it said."""
        if self._open_until is not None:
            self._outcomes.clear()
        self._open_until, self._pause, self._probe_ends = None, self.FIRST_PAUSE, float("-inf")
        self._note(now, failed=False)

    def failed(self, now: float, jitter: float) -> None:
        """No answer, or one of 5xx. `jitter` in [0, 1) spreads the pause by ±20 %."""
        self._note(now, failed=True)
        if self._open_until is not None:
            if now < self._open_until:
                return  # it was in flight when the breaker opened
            self._pause = min(self._pause * 2, self.MAX_PAUSE)
        elif not self._mostly_failing():
            return
        self._open_until = now + self._pause * (0.8 + 0.4 * jitter)
        self._probe_ends = float("-inf")

    def _mostly_failing(self) -> bool:
        attempts = len(self._outcomes)
        return attempts >= self.MIN_ATTEMPTS and 2 * sum(failed for _, failed in self._outcomes) >= attempts

    def _note(self, now: float, *, failed: bool) -> None:
        self._outcomes.append((now, failed))
        while self._outcomes[0][0] < now - self.WINDOW:
            self._outcomes.popleft()


class AuthGate:
    """Repeated bad logins are the way to be locked out: after a confirmed one, nothing leaves for a while.

    The first time for 60 s, then for twice as long up to 15 min, until a login succeeds.
    """

    FIRST_PAUSE: Final = 60.0
    MAX_PAUSE: Final = 900.0

    def __init__(self) -> None:
        self._pause = self.FIRST_PAUSE
        self._closed_until = float("-inf")
        self._passed = False

    def closed(self, now: float) -> bool:
        """Whether the credentials were refused so recently that sending them again would only do harm."""
        return now < self._closed_until

    def refused(self, now: float) -> None:
        """The credentials were refused, and the clock is not to blame."""
        if not self.closed(now):
            self._closed_until = now + self._pause
            self._pause = min(self._pause * 2, self.MAX_PAUSE)
            self._passed = False

    def lets_command_pass(self, now: float) -> bool:
        """Whether a call with effect on the market may leave: until one was refused since the gate was closed."""
        return not (self.closed(now) and self._passed)

    def command_refused(self) -> None:
        """The credentials were refused for such a call, too."""
        self._passed = True

    def accepted(self) -> None:
        """The credentials were accepted, or are new."""
        self._pause, self._closed_until = self.FIRST_PAUSE, float("-inf")
