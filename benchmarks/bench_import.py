"""How long does it take to import qcasync?

Each import is timed in a process of its own, from inside, so that the start of Python is not counted. Rounds are
interleaved, so that whatever else the machine does meets all of them. The reference is httpx: "beyond" is what comes
on top of it, after it was imported with its own dependencies.

    python benchmarks/bench_import.py [--rounds 15] [--json] [--smoke]
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from importlib.metadata import version

GOAL = 50.0
"""Milliseconds that `import qcasync` may take beyond httpx."""

HTTPX = "import httpx, httpcore"
"""httpx imports httpcore when it is used for the first time."""

IMPORTS = {
    "httpx": ("", HTTPX),
    "qcasync": ("", "import qcasync"),
    "qcasync beyond httpx": (HTTPX, "import qcasync"),
    "a client beyond httpx": (HTTPX, "import qcasync; qcasync.Client; import qcasync.transports.httpx"),
    "a watch beyond httpx": (
        HTTPX,
        "import qcasync; qcasync.Client; import qcasync.transports.httpx, qcasync.poller.watch",
    ),
}
"""What is imported before the clock starts, and what is timed."""

TIMED = """\
import time
{before}
began = time.perf_counter()
{timed}
print((time.perf_counter() - began) * 1e3)
"""


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="Time that imports take.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--smoke", action="store_true", help="a small run, to see that it works")
    options = parser.parse_args()
    found = measure(1 if options.smoke else options.rounds)
    stamp = {
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        **{name: version(name) for name in ("qcasync", "httpx", "msgspec")},
    }
    if options.json:
        print(json.dumps({**stamp, "milliseconds": found, "goal_beyond_httpx": GOAL}))
        return
    print(" · ".join(f"{key} {value}" for key, value in stamp.items()))
    print(f"{'milliseconds':28}{'median':>8}{'least':>8}{'most':>8}")
    for what, times in found.items():
        print(f"{what:28}" + "".join(f"{times[name]:8.1f}" for name in ("median", "least", "most")))


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """Time every import, round after round. The first round of many fills the caches, and is not counted."""
    for what in IMPORTS if rounds > 1 else ():
        milliseconds(what)
    times: dict[str, list[float]] = {what: [] for what in IMPORTS}
    for _ in range(rounds):
        for what, seen in times.items():
            seen.append(milliseconds(what))
    return {
        what: {"median": statistics.median(seen), "least": min(seen), "most": max(seen)} for what, seen in times.items()
    }


def milliseconds(what: str) -> float:
    """How long an import takes in a new process."""
    before, timed = IMPORTS[what]
    script = TIMED.format(before=before, timed=timed)
    told = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    return float(told)


if __name__ == "__main__":
    main()
