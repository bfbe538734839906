"""What does it cost to watch many projects?

Each part runs in a process of its own, in virtual time, against answers made in the same process (`canned.py`), whose
cost is taken off. So requests and virtual seconds are exact, and CPU seconds are the library's own, checkpoint (SQLite,
FULL, on disk) included, without the HTTP library's, which `bench_transport.py` measures per request.

- scale: 1,000 projects with 1,000 orders each, 1 % of them open. First everything is read; then a cycle of all projects
  is a round of small looks, and each eighth reads everything. Beside it a loop that lists all orders of all projects.
  Resident memory at its highest, and before the watch began.
- idle: 10,000 projects in which nothing happens. Requests per project and period, and the share of a core.
- soak: 100 projects which trade, 5 % of the requests fail, and the watch is cancelled and opened again every few hours.
  By how much the memory grows from a third of the time on.

    python benchmarks/bench_poller.py [scale] [idle] [soak] [--soak-seconds 60] [--json] [--smoke]
"""

import argparse
import gc
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anyio
from canned import EPOCH, Canned, VirtualLoop

import qcasync
from qcasync.poller import SqliteStore

PERIOD = 600.0
PARTS = ("scale", "idle", "soak")
MIB = 2**20


def client(server: Canned) -> qcasync.Client:
    """A client in virtual time."""
    clock = qcasync.Clock(
        wall=lambda: EPOCH + anyio.current_time(), mono=lambda: anyio.current_time() + 1.0, counts_suspend=True
    )
    return qcasync.Client(
        1, "benchmark-" + "0" * 54, transport=server, clock=clock, rng=random.Random(0), max_concurrency=50
    )


def store(directory: str) -> SqliteStore:
    """A checkpoint that is used on the event loop: threads would live in another time."""
    kept = SqliteStore(Path(directory) / "watch.db")
    kept.blocking = False
    return kept


def resident() -> float:
    """MiB of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


class Meter:
    """CPU seconds of the library, and requests, since it was last read."""

    def __init__(self, server: Canned) -> None:
        self._server = server
        self._read = (time.process_time(), server.seconds, server.requests.copy())

    def read(self) -> dict[str, float]:
        """What was used."""
        before, self._read = self._read, (time.process_time(), self._server.seconds, self._server.requests.copy())
        cpu = self._read[0] - before[0] - (self._read[1] - before[1])
        asked = self._read[2] - before[2]
        return {"cpu_seconds": round(cpu, 3), "windows": asked["live/orders/read"], "lists": asked["live/list"]}


async def scale(projects: int, orders: int) -> dict[str, Any]:
    """Many orders."""
    server = Canned(projects, orders, open_share=0.01)
    before = resident()
    meter = Meter(server)
    with tempfile.TemporaryDirectory() as directory:
        async with client(server) as qc, qc.watch(range(1, projects + 1), checkpoint=store(directory)) as changes:
            highest = 0.0
            cycles: list[dict[str, float]] = []
            for _ in range(10):
                for _ in range(20):
                    await anyio.sleep(PERIOD / 20)
                    highest = max(highest, resident())
                cycles.append(meter.read())
            told = changes.waiting
        size = sum(file.stat().st_size for file in os.scandir(directory))
    async with client(server) as qc:
        meter.read()
        for project in range(1, projects + 1):
            await qc.live.list_orders(project)
        first = meter.read()
        for project in range(1, projects + 1):
            await qc.live.list_orders(project)
        naive = meter.read()
    small = [cycle for cycle in cycles[1:] if cycle["windows"] < projects * 2.5]
    return {
        "projects": projects,
        "orders": orders,
        "first": cycles[0],
        "small": _mean(small),
        "full": max(cycles[1:], key=lambda cycle: cycle["windows"]),
        "naive_first": first,
        "naive": naive,
        "resident_before_mib": round(before, 1),
        "resident_mib": round(highest, 1),
        "file_mib": round(size / MIB, 1),
        "told": told,
    }


async def idle(projects: int, hours: int) -> dict[str, Any]:
    """Nothing happens."""
    server = Canned(projects, 3)
    with tempfile.TemporaryDirectory() as directory:
        async with client(server) as qc, qc.watch(range(1, projects + 1), checkpoint=store(directory)):
            await anyio.sleep(2 * PERIOD)
            meter = Meter(server)
            await anyio.sleep(hours * 3600)
            used = meter.read()
            memory = resident()
    seconds = hours * 3600
    return {
        "projects": projects,
        "hours": hours,
        "requests_per_project_and_period": round(used["windows"] / projects / (seconds / PERIOD), 4),
        "lists_per_minute": round(used["lists"] / seconds * 60, 3),
        "share_of_a_core": round(used["cpu_seconds"] / seconds, 4),
        "milliseconds_per_look": round(1000 * used["cpu_seconds"] / used["windows"], 3),
        "resident_mib": round(memory, 1),
    }


async def soak(projects: int, seconds: float) -> dict[str, Any]:
    """Faults, cancellations, trades, for a while."""
    server = Canned(projects, 50, open_share=0.1, every=7200.0, faults=0.05)
    rng = random.Random(1)
    began, samples, watches, told = time.monotonic(), [], 0, 0
    with tempfile.TemporaryDirectory() as directory:
        async with client(server) as qc:
            while time.monotonic() - began < seconds:
                watches += 1
                with anyio.move_on_after(rng.uniform(3600, 6 * 3600)):
                    async with qc.watch(
                        range(1, projects + 1), checkpoint=store(directory), start="beginning"
                    ) as changes:
                        async for change in changes:
                            await change.ack()
                            told += 1
                gc.collect()
                samples.append((time.monotonic() - began, resident()))
            days = anyio.current_time() / 86_400
    settled = [memory for at, memory in samples if at >= seconds / 3]
    return {
        "projects": projects,
        "virtual_days": round(days, 1),
        "wall_seconds": round(seconds),
        "watches": watches,
        "changes": told,
        "requests": server.requests.total(),
        "growth_mib": round(settled[-1] - settled[0], 2),
        "resident_mib": round(settled[-1], 1),
    }


def _mean(cycles: list[dict[str, float]]) -> dict[str, float]:
    return {key: round(sum(cycle[key] for cycle in cycles) / len(cycles), 3) for key in cycles[0]}


def child(part: str, *, smoke: bool, soak_seconds: float) -> None:
    """Run one part in this process, and print what came of it."""
    options = {"loop_factory": VirtualLoop}
    match part:
        case "scale":
            found = anyio.run(scale, *((20, 200) if smoke else (1000, 1000)), backend_options=options)
        case "idle":
            found = anyio.run(idle, *((50, 2) if smoke else (10_000, 2)), backend_options=options)
        case _:
            found = anyio.run(soak, *((10, 1.0) if smoke else (100, soak_seconds)), backend_options=options)
    print(json.dumps(found))


def table(results: dict[str, Any]) -> None:
    """Print what people read."""
    if "scale" in results:
        found = results["scale"]
        print(f"{found['projects']:,} projects with {found['orders']:,} orders each")
        for name, label in (
            ("first", "first cycle: everything is read, and kept"),
            ("small", "a cycle in which nothing happened"),
            ("full", "a cycle in which everything is read again"),
            ("naive", "a loop that lists all orders of all projects"),
        ):
            used = found[name]
            print(f"  {label:46} {used['windows']:7,.0f} requests {used['cpu_seconds']:7.2f} s of CPU")
        memory, before = found["resident_mib"], found["resident_before_mib"]
        print(f"  resident: {memory} MiB, {before} before; file: {found['file_mib']} MiB")
    if "idle" in results:
        found = results["idle"]
        print(f"{found['projects']:,} projects in which nothing happens, {found['hours']} virtual hours")
        print(f"  requests per project and period of {PERIOD:.0f} s: {found['requests_per_project_and_period']}")
        print(f"  live/list per minute: {found['lists_per_minute']}")
        print(f"  share of a core: {100 * found['share_of_a_core']:.2f} % ({found['milliseconds_per_look']} ms a look)")
        print(f"  resident: {found['resident_mib']} MiB")
    if "soak" in results:
        found = results["soak"]
        print(f"{found['projects']} projects that trade, 5 % faults, {found['watches']} watches cancelled")
        print(
            f"  {found['virtual_days']} virtual days in {found['wall_seconds']} s: {found['requests']:,} requests, "
            f"{found['changes']:,} changes"
        )
        print(f"  memory grew by {found['growth_mib']} MiB in the last two thirds, to {found['resident_mib']} MiB")


def main() -> None:
    """Run the parts, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all unless named")
    parser.add_argument("--soak-seconds", type=float, default=60.0, help="wall seconds (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--smoke", action="store_true", help="a quick run whose figures mean nothing")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child, smoke=options.smoke, soak_seconds=options.soak_seconds)
        return
    results: dict[str, Any] = {}
    for part in options.parts or PARTS:
        command = [sys.executable, __file__, "--child", part, "--soak-seconds", str(options.soak_seconds)]
        done = subprocess.run(
            [*command, *(["--smoke"] if options.smoke else [])], check=True, stdout=subprocess.PIPE, text=True
        )
        results[part] = json.loads(done.stdout)
    results["versions"] = {
        "python": platform.python_version(),
        **{name: version(name) for name in ("qcasync", "msgspec", "anyio")},
        "cores": os.cpu_count(),
    }
    if options.json:
        print(json.dumps(results, indent=2))
    else:
        table(results)
        print(results["versions"])


if __name__ == "__main__":
    main()
