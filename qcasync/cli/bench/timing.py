"""How long contenders take, side by side.

Every round times every contender once for each state of the garbage collector, in random order, so that a drift of the
machine hits all alike. What is timed is from the bytes to the result; letting go of that is not.
"""

import enum
import gc
import math
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from qcasync.cli.bench.contenders import Contender
from qcasync.cli.bench.ours import Decode
from qcasync.cli.bench.payloads import Payload

_WORTH_TIMING: Final = 0.01
_MAX_REPEATS: Final = 200


class Collector(enum.Enum):
    """What the garbage collector does while a contender decodes.

    The more a program holds, the longer each full collection takes in which an untyped decoder ends.
    """

    ON = "on"
    """As in any program: it visits what the benchmark has imported, too."""
    BARE = "bare"
    """As in a program that holds nothing but the payload."""
    OFF = "off"
    """Nothing."""


@dataclass(frozen=True)
class Samples:
    """Seconds per decoding, one sample a round."""

    seconds: list[float] = field(default_factory=list[float])

    @property
    def min(self) -> float:
        """The least: what it takes when nothing disturbs."""
        return min(self.seconds)

    @property
    def median(self) -> float:
        """What it usually takes."""
        return statistics.median(self.seconds)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A contender with a payload, and how long it took.

    Attributes:
        payload: What it decodes.
        contender: Who decodes.
        decode: Does it.
        repeats: How often a sample repeats it, so that it takes long enough for the clock.
        samples: How long it took in each state of the garbage collector.
    """

    payload: Payload
    contender: Contender
    decode: Decode
    repeats: int
    samples: Mapping[Collector, Samples] = field(default_factory=lambda: {state: Samples() for state in Collector})


def prepare(payload: Payload, contender: Contender) -> Case:
    """Make a case, and let it decode twice, so that everything is in place.

    Whatever the contender raises goes to the caller.
    """
    decode = contender.make(payload.body)
    decode()
    seconds = _time(decode, 1, Collector.ON)
    repeats = min(max(math.ceil(_WORTH_TIMING / seconds), 1), _MAX_REPEATS)
    return Case(payload=payload, contender=contender, decode=decode, repeats=repeats)


def interleave(cases: Sequence[Case], rounds: int, chance: random.Random, began: Callable[[int], None]) -> None:
    """Fill the samples of all cases.

    Args:
        cases: Prepared ones.
        rounds: How often each is timed.
        chance: Decides the order within a round.
        began: Told the number of each round, from 1.
    """
    timings = [(case, state) for case in cases for state in Collector]
    for number in range(1, rounds + 1):
        began(number)
        for case, state in chance.sample(timings, len(timings)):
            case.samples[state].seconds.append(_time(case.decode, case.repeats, state))


def _time(decode: Decode, repeats: int, state: Collector) -> float:
    gc.collect()
    if state is Collector.OFF:
        gc.disable()
    if state is Collector.BARE:
        gc.freeze()
    spent = 0.0
    try:
        for _ in range(repeats):
            began = time.perf_counter()
            result = decode()
            spent += time.perf_counter() - began
            del result
        return spent / repeats
    finally:
        gc.unfreeze()
        gc.enable()
