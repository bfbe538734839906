"""A whole run: every payload, everyone who can decode it, everything that is measured. No output."""

import os
import platform
import random
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from qcasync.cli.bench.child import ask
from qcasync.cli.bench.contenders import BASELINE, CONTENDERS, Contender, remedy, simdjson_kernel, versions
from qcasync.cli.bench.memory import Memory
from qcasync.cli.bench.payloads import VARIANTS, Kind, Payload, warm_up
from qcasync.cli.bench.results import Row, Run, StallRow, Timing
from qcasync.cli.bench.stall import Stalls
from qcasync.cli.bench.timing import Case, Collector, interleave, prepare

_REFUSALS: Final = (ValueError, TypeError, RuntimeError, LookupError)
"""What other libraries raise for a payload that they cannot take."""

_ESSENTIAL: Final = frozenset({"qcasync", BASELINE})
"""Who is enough to show what one difficulty costs."""

_READS: Final = 5


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is measured.

    Attributes:
        rounds: How often everyone is timed.
        seed: Decides the order within a round.
        brief: Measure memory of only one payload, of us and the baseline, and stalls only once: to see that it works.
    """

    rounds: int = 7
    seed: int = 1
    brief: bool = False


def measure(
    payloads: Sequence[Payload],
    plan: Plan,
    tell: Callable[[str], None],
    contenders: Mapping[Kind, Sequence[Contender]] = CONTENDERS,
) -> Run:
    """Measure everything.

    Args:
        payloads: What is decoded.
        plan: How much is measured.
        tell: Told what is being done.
        contenders: Who decodes.

    Raises:
        DecodeError: A payload is not what it was taken for.
    """
    left_out: list[str] = []
    cases = [case for each in payloads for case in _cases(each, contenders[each.kind], left_out)]
    interleave(cases, plan.rounds, random.Random(plan.seed), lambda number: tell(f"round {number} of {plan.rounds}"))
    with tempfile.TemporaryDirectory(prefix="qcasync-bench-") as folder:
        files = _Files(Path(folder), payloads)
        tell("memory, each in a process of its own")
        memories = _memories([case if _counts(case, payloads, plan) else None for case in cases], files)
        rows = tuple(_row(case, cases, memory) for case, memory in zip(cases, memories, strict=True))
        stalls = tuple(_stalls(payloads, plan, files, tell))
    return Run(stamp=_stamp(plan), rows=rows, stalls=stalls, left_out=tuple(dict.fromkeys(left_out)))


class _Files:
    """Payloads as files, for other processes.

    Args:
        folder: Where to.
        payloads: All of them.
    """

    def __init__(self, folder: Path, payloads: Iterable[Payload]) -> None:
        self._folder = folder
        for payload in payloads:
            self.body(payload).write_bytes(payload.body)
            self.warm_up(payload).write_bytes(warm_up(payload))

    def body(self, payload: Payload) -> Path:
        return self._folder / payload.name

    def warm_up(self, payload: Payload) -> Path:
        return self._folder / f"{payload.name}.small"


def _cases(payload: Payload, contenders: Sequence[Contender], left_out: list[str]) -> Iterator[Case]:
    for contender in contenders:
        if payload.source in VARIANTS and contender.name not in _ESSENTIAL:
            continue
        if contender.missing:
            left_out += map(remedy, contender.missing)
        elif len(payload.body) > contender.max_bytes:
            left_out.append(f"{contender.name} is not measured above {contender.max_bytes / 1e6:g} MB")
        elif contender.side == "qcasync":
            yield prepare(payload, contender)
        else:
            try:
                yield prepare(payload, contender)
            except _REFUSALS as error:
                said = str(error).partition("\n")[0]
                left_out.append(f"{contender.name} does not take {payload.name}: {said or type(error).__name__}")


def _counts(case: Case, payloads: Sequence[Payload], plan: Plan) -> bool:
    """Tell whether the memory of a case is measured."""
    if case.contender.side == "limit":
        return False
    return not plan.brief or (case.payload is payloads[0] and case.contender.name in _ESSENTIAL)


def _memories(cases: Sequence[Case | None], files: _Files) -> list[Memory | None]:
    """Measure several at once: they do not disturb each other's memory, as they would each other's time."""

    def memory(case: Case | None) -> Memory | None:
        return None if case is None else _memory(case, files)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            return list(pool.map(memory, cases))
        finally:
            pool.shutdown(cancel_futures=True)  # Ctrl-C does not wait for those that have not begun


def _memory(case: Case, files: _Files) -> Memory | None:
    kind, contender = case.payload.kind.value, case.contender.name
    return ask(("memory", kind, contender, files.body(case.payload), files.warm_up(case.payload)), Memory)


def _stalls(payloads: Sequence[Payload], plan: Plan, files: _Files, tell: Callable[[str], None]) -> Iterator[StallRow]:
    for payload in payloads:
        if payload.kind is not Kind.LIVE:
            continue
        tell(f"stalls of an event loop, {payload.name}")
        found = ask(("stall", files.body(payload), 1 if plan.brief else _READS), Stalls)
        if found is not None:
            client, inline = min(found.client), min(found.inline, default=None)
            ratio = None if inline is None else client / inline
            yield StallRow(payload=payload.name, inline=inline, client=client, ratio=ratio)


def _row(case: Case, cases: Sequence[Case], memory: Memory | None) -> Row:
    payload = case.payload
    size, best = len(payload.body), case.samples[Collector.ON].min
    base = next((each for each in cases if each.payload is payload and each.contender.name == BASELINE), None)
    peak = None if memory is None else memory.peak
    return Row(
        payload=payload.name,
        payload_bytes=size,
        contender=case.contender.name,
        side=case.contender.side,
        timing=_timing(case, base, Collector.ON),
        timing_bare=_timing(case, base, Collector.BARE),
        timing_gc_off=_timing(case, base, Collector.OFF),
        bytes_per_second=size / best,
        orders_per_second=None if payload.orders is None else payload.orders / best,
        peak_bytes=peak,
        peak_ratio=None if peak is None else peak / size,
        tracked=None if memory is None else memory.tracked,
    )


def _timing(case: Case, base: Case | None, state: Collector) -> Timing:
    samples, theirs = case.samples[state], None if base is None else base.samples[state]
    return Timing(
        min=samples.min,
        median=samples.median,
        ratio=None if theirs is None else samples.min / theirs.min,
        ratio_median=None if theirs is None else samples.median / theirs.median,
    )


def _stamp(plan: Plan) -> dict[str, str | int | None]:
    return {
        **versions(),
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "simdjson_kernel": simdjson_kernel(),
        "rounds": plan.rounds,
    }
