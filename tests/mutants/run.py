"""Which changes of the core would no test notice? `nox -s mutants`; `nox -s mutants -- skew windows` for some modules.

Each mutant lives in the memory of a forked process, which runs the module's own tests against it; no file is changed.
Unit tests come first, and properties, with fixed seeds, only where those noticed nothing. A mutant that cannot even be
imported is none. One that cannot be noticed, because nothing that is promised changes, stands in equivalents.toml with
the reason.

Fails below 95 % of what can be noticed, if a mutant survives where calls with effect are decided, and if the list of
equivalents names what is not there, or what was noticed after all.
"""

import enum
import gc
import multiprocessing
import os
import resource
import signal
import sys
import tomllib
import types
from collections import Counter
from pathlib import Path
from typing import Final

import anyio.pytest_plugin  # noqa: F401  imported here once, and not by each process; so are the next ones
import hypothesis
import hypothesis.stateful
import pytest
import trio.testing  # noqa: F401

import qcasync  # noqa: F401
from tests.mutants.making import Mutant, mutants, unchanged

ENOUGH: Final = 0.95
UNIT: Final = "tests/unit/core/test_"
PROPERTY: Final = "tests/property/test_"
TESTS: Final[dict[str, tuple[list[str], ...]]] = {
    "skew": ([f"{UNIT}skew.py"], [f"{PROPERTY}skew.py"]),
    "signing": ([f"{UNIT}signing.py"],),
    "window_steps": ([f"{UNIT}windows.py"], [f"{PROPERTY}window_plan.py"]),
    "clamps": ([f"{UNIT}windows.py"], [f"{PROPERTY}window_plan.py"]),
    "witnesses": ([f"{UNIT}windows.py"], [f"{PROPERTY}window_plan.py"]),
    "ranges": ([f"{UNIT}ranges.py"], [f"{PROPERTY}window_plan.py"]),
    "windows": ([f"{UNIT}windows.py"], [f"{PROPERTY}window_plan.py"]),
    "retrying": ([f"{UNIT}retrying.py"],),
}
"""What is mutated, and which tests are to notice."""
PYTEST: Final = ("-xq", "--timeout=0", "--noconftest", "--assert=plain", "-pno:randomly", "-pno:cacheprovider")
MEMORY: Final = 4 * 2**30
SECONDS: Final = 30
"""Of the processor, not of the clock: a busy machine kills no mutant. The tests of a module take about three."""


class End(enum.IntEnum):
    """What became of a mutant."""

    SURVIVED = 0
    BY_UNIT = 1
    BY_PROPERTY = 2
    STILLBORN = 3
    TIMEOUT = 4


def live(mutant: Mutant) -> None:
    """In a process of its own: take the module's place, and exit as soon as a test notices."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))
    for module in TESTS:
        sys.modules.pop(f"qcasync._core.{module}", None)
    name = f"qcasync._core.{mutant.module}"
    sys.modules[name] = body = types.ModuleType(name)
    try:
        exec(compile(mutant.source, name, "exec"), body.__dict__)
    except Exception:  # whatever it is: no mutant came of it
        sys.exit(End.STILLBORN)
    for end, files in zip((End.BY_UNIT, End.BY_PROPERTY), TESTS[mutant.module], strict=False):
        if pytest.main([*PYTEST, *files]):
            sys.exit(end)


def end_of(mutant: Mutant) -> End:
    """What becomes of a mutant."""
    process = multiprocessing.get_context("fork").Process(target=live, args=[mutant])
    process.start()
    process.join()
    if process.exitcode in {-signal.SIGXCPU, -signal.SIGKILL}:
        return End.TIMEOUT
    return End(process.exitcode) if process.exitcode in list(End) else End.BY_UNIT  # the interpreter itself gave up


def equivalents(module: str) -> dict[tuple[str, str, str], str]:
    """The mutants that cannot be noticed, and why."""
    listed = tomllib.loads(Path(__file__).with_name("equivalents.toml").read_text(encoding="utf-8"))
    return {
        (entry["where"], entry["before"], after): entry["why"]
        for entry in listed.get(module, [])
        for after in entry["after"]
    }


def examine(module: str) -> tuple[Counter[str], list[str]]:
    """Let all mutants of a module live, one after the other. Returns what became of them, and what is wrong with it."""
    if end_of(unchanged(module)) is not End.SURVIVED:
        return Counter(), [f"{module}: the tests fail without any change"]
    listed = equivalents(module)
    unseen = set(listed)
    ends: Counter[str] = Counter()
    wrong: list[str] = []
    for mutant in mutants(module):
        end = end_of(mutant)
        key = mutant.where, mutant.before, mutant.after
        unseen.discard(key)
        if key in listed:
            ends["EQUIVALENT"] += 1
            wrong += [f"{mutant}\n    is noticed, and stands among the equivalents"] if end is not End.SURVIVED else []
        else:
            ends[end.name] += 1
            if end is End.SURVIVED:
                print(mutant, flush=True)
                wrong += [f"{mutant}\n    survived where calls with effect are decided"] if mutant.with_effect else []
    return ends, wrong + [f"{module}: {key} stands among the equivalents, and is not there" for key in unseen]


def main(modules: list[str]) -> int:
    """Tell what became of the mutants of these modules; of all, by default."""
    hypothesis.settings.register_profile("mutants", deadline=None, database=None, derandomize=True)
    hypothesis.settings.load_profile("mutants")
    gc.freeze()  # pytest collects garbage twice, in each process
    rows: dict[str, Counter[str]] = {}
    wrong: list[str] = []
    for module in modules or TESTS:
        rows[module], faults = examine(module)
        wrong += faults
    rows["together"] = sum(rows.values(), Counter[str]())
    columns = ["BY_UNIT", "BY_PROPERTY", "TIMEOUT", "SURVIVED", "EQUIVALENT"]
    print(f"\n{'':14}" + "".join(f"{name:>13}" for name in [*columns, "of all", "of noticeable"]))
    for module, ends in rows.items():
        killed = sum(ends[name] for name in columns[:3])
        share, honest = killed / max(1, sum(ends[name] for name in columns)), killed / max(1, killed + ends["SURVIVED"])
        print(f"{module:14}" + "".join(f"{ends[name]:>13}" for name in columns) + f"{share:>13.1%}{honest:>13.1%}")
    if honest < ENOUGH:
        wrong.append(f"fewer than {ENOUGH:.0%} of what can be noticed were noticed")
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
