"""Which clocks are read."""

import sys
import time

import pytest

from qcasync._clock import Clock
from qcasync._core.skew import Reading


def test_clocks_of_ones_own() -> None:
    """Both are read, in Unix seconds and in seconds of whatever."""
    clock = Clock(wall=lambda: 1.5, mono=lambda: 7.25)
    assert clock.read() == Reading(wall=1.5, mono=7.25)


@pytest.mark.parametrize("counts_suspend", [False, True])
def test_what_is_said_of_ones_own_clock(counts_suspend: bool) -> None:
    """Whether it counts suspend is not for us to guess."""
    assert Clock(mono=lambda: 0.0, counts_suspend=counts_suspend).counts_suspend is counts_suspend


def test_a_clock_of_ones_own_is_assumed_to_stop_in_suspend() -> None:
    """The careful assumption costs a leading request; the other one would cost refused ones."""
    assert Clock(mono=lambda: 0.0).counts_suspend is False


@pytest.mark.skipif(sys.platform != "linux", reason="the boot-time clock is Linux's")
def test_linux_counts_suspend() -> None:
    """There the boot-time clock is read, which goes on while the machine sleeps."""
    clock = Clock()
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    now = clock.read()
    assert clock.counts_suspend is True
    assert before <= now.mono <= time.clock_gettime(time.CLOCK_BOOTTIME)
    assert clock.wall is time.time


@pytest.mark.parametrize(("platform", "counts_suspend"), [("darwin", False), ("win32", True)])
def test_other_systems(monkeypatch: pytest.MonkeyPatch, platform: str, counts_suspend: bool) -> None:
    """Python's monotonic clock counts suspend on Windows, and does not on macOS."""
    monkeypatch.setattr(sys, "platform", platform)
    clock = Clock()
    assert clock.mono is time.monotonic
    assert clock.counts_suspend is counts_suspend
