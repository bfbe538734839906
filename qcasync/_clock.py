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
        self.wall = wall
        if mono is not None:
            self.mono, self.counts_suspend = mono, counts_suspend
        elif sys.platform == "linux":
            self.mono, self.counts_suspend = _boot_time, True
        else:
            self.mono, self.counts_suspend = time.monotonic, sys.platform == "win32"

    def read(self) -> Reading:
        """Both clocks at this moment."""
        return Reading(self.wall(), self.mono())


def _boot_time() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)
