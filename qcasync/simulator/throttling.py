"""How many requests of one account are served per second."""

from collections import deque


class Throttle:
    """Counts what was served in the last second. Requests that were refused do not count."""

    def __init__(self) -> None:
        self._served: deque[float] = deque()

    def admits(self, now: float, requests_per_second: float | None) -> bool:
        """Whether one more request may be served at `now`; if so, it counts from then on."""
        if requests_per_second is None:
            self._served.clear()
            return True
        while self._served and self._served[0] <= now - 1:
            self._served.popleft()
        if len(self._served) >= requests_per_second:
            return False
        self._served.append(now)
        return True
