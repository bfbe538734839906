"""Our clocks. The only module, apart from the event loop's own time, that looks at one."""

import sys
import time
from collections.abc import Callable

from qcasync._core.skew import Reading


class Clock:
    """Wall time, and a monotonic clock for measuring the server's time against.

    Args:
        wall: Unix time in seconds.
        mono: A monotonic clock in seconds; by default one that counts suspend, where the system has it.
        counts_suspend: Whether `mono` goes on while the machine sleeps.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        mono: Callable[[], float] | None = None,
        *,
        counts_suspend: bool = False,
    ) -> None:
        if mono is None:
            mono, counts_suspend = _system_clock()
        self.wall: Callable[[], float] = wall
        self.mono: Callable[[], float] = mono
        self.counts_suspend: bool = counts_suspend

    def read(self) -> Reading:
        """Both clocks at this moment."""
        return Reading(self.wall(), self.mono())


def _system_clock() -> tuple[Callable[[], float], bool]:
    """The best monotonic clock of this system, and whether it counts suspend."""
    platform: str = sys.platform  # as text, or type checkers follow the branch of their own machine only
    if platform == "linux":
        return lambda: time.clock_gettime(time.CLOCK_BOOTTIME), True
    return time.monotonic, platform == "win32"
