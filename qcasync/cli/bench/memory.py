"""How much memory a decoding takes at its peak, and what it leaves to the garbage collector.

Runs in a process that does nothing else. What it imports and what it prepares is there before the peak is measured;
what counts is what decoding adds to a process that holds the body.

A small payload alone would vanish in what the interpreter holds in reserve. So it is decoded again and again, all
results are held, and the sum is divided.
"""

import contextlib
import gc
import sys
from pathlib import Path
from typing import Final

import msgspec

from qcasync.cli.bench.contenders import CONTENDERS
from qcasync.cli.bench.payloads import Kind

_STATUS: Final = Path("/proc/self/status")
_RESET: Final = Path("/proc/self/clear_refs")
_ENOUGH: Final = 10_000_000


class Memory(msgspec.Struct, frozen=True):
    """What a decoding took.

    Attributes:
        peak: Bytes that the resident memory grew by at most; None where the system does not tell.
        tracked: Objects that its result leaves to the garbage collector: every later full collection visits them.
    """

    peak: int | None
    tracked: int


def measure(kind: str, contender: str, file: Path, warm_up: Path) -> Memory:
    """Decode, and tell what it took.

    Args:
        kind: What the payload is.
        contender: Who decodes it.
        file: The payload.
        warm_up: A small payload of the same kind, for everything that happens only once.
    """
    make = next(each.make for each in CONTENDERS[Kind(kind)] if each.name == contender)
    small = make(warm_up.read_bytes())
    small()
    del small
    body = file.read_bytes()
    decode, times = make(body), max(_ENOUGH // len(body), 1)
    gc.collect()
    before = len(gc.get_objects())
    held = _peak()
    results = [decode() for _ in range(times)]
    peak = _peak(reset=False)
    gc.collect()
    tracked = len(gc.get_objects()) - before - 1
    return Memory(None if held is None or peak is None else (peak - held) // times, round(tracked / len(results)))


def _peak(*, reset: bool = True) -> int | None:
    """The most resident memory that the process ever had, in bytes; None if unknown.

    Args:
        reset: Begin anew with what it has now, where the system can do that. Otherwise the peak of the imports may hide
            that of a small payload.
    """
    if _STATUS.exists():
        # Not getrusage: Linux counts in what the parent held when it started this process.
        if reset:
            with contextlib.suppress(OSError):  # not everywhere permitted; then it is no more than a bound
                _RESET.write_text("5")
        lines = _STATUS.read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    if sys.platform == "darwin":
        import resource  # noqa: PLC0415 - not everywhere

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return None
