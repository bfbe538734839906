"""Seeded runs on every core. What a run raises, warns of or dies of fails the test, which names its seed."""

import faulthandler
import gc
import os
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

import pytest

Run = Callable[[int], Iterable[str] | Mapping[str, int]]
"""Makes a run of a seed, and returns how it ended, or how often it ended how."""

SHARES = 8
"""Into how many tasks the seeds of a call are divided: few cost little, and many leave no core idle at the end."""

HANGING = 60
"""After so many seconds in one seed a worker shows where it is, and dies."""


Started = Sequence[tuple[Sequence[int], Future[tuple[Counter[str], list[str]]]]]
"""Runs that were begun: shares of seeds, each with what will come of it."""


def workers(give_way: int = 10) -> ProcessPoolExecutor:
    """A process for each core, which gives way to others, the more the higher the number.

    They begin empty, as on Windows: a fork would inherit the threads' locks.
    """
    return ProcessPoolExecutor(
        os.cpu_count(), mp_context=get_context("spawn"), initializer=_give_way, initargs=(give_way,)
    )


def _give_way(more: int) -> None:
    if hasattr(os, "nice"):
        os.nice(more)


def start(processes: ProcessPoolExecutor, run: Run, seeds: Sequence[int]) -> Started:
    """Begin the runs of all seeds."""
    size = -(-len(seeds) // SHARES) or 1
    shares = [seeds[at : at + size] for at in range(0, len(seeds), size)]
    return [(share, processes.submit(_run_share, run, share)) for share in shares]


def finish(started: Started) -> Counter[str]:
    """Wait for runs, and return how many ended how. The test fails if one fails."""
    ends: Counter[str] = Counter()
    failures: list[str] = []
    for share, task in started:
        try:
            ended, failed = task.result()
        except BrokenProcessPool:
            pytest.fail(f"a process died in one of the seeds of {share}, or of the next share", pytrace=False)
        ends += ended
        failures += failed
    if failures:
        pytest.fail("\n".join(failures), pytrace=False)
    return ends


def _run_share(run: Run, seeds: Sequence[int]) -> tuple[Counter[str], list[str]]:
    ends: Counter[str] = Counter()
    failures: list[str] = []
    gc.freeze()  # what was imported for the runs, and all that an earlier share has left: no run makes garbage of it
    sys.unraisablehook = lambda seen: failures.append(f"seeds {seeds}: {seen.exc_value!r} in {seen.object!r}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seed in seeds:
            faulthandler.dump_traceback_later(HANGING, exit=True)
            try:
                ends.update(run(seed))
            except Exception:
                failures.append(f"seed {seed}: {traceback.format_exc()}")
        gc.collect()
    faulthandler.cancel_dump_traceback_later()
    return ends, failures
