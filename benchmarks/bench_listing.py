"""How long does it take to read every order of a project?

Subjects, each on the same simulator in a process of its own:

- `qcasync`: `Client.live.list_orders`, on each transport: typed, complete, verified.
- `gather`: one httpx client, the first window for the total, `asyncio.gather` over the others, plain dictionaries.
- `sequential`: window after window with requests until an empty one, as QuantConnect's tutorial has it.

What is timed is the reading; clients are made before, as a service makes them. Only ours retries, corrects the clock,
proves the end and decodes to models; the others are what a user would write first. Rounds are interleaved in random
order, so that a drift of the machine hits all alike; ratios are what counts.

    python benchmarks/bench_listing.py [--orders 10000] [--latency 0.05] [--rounds 7] [--json] [--smoke]
"""

import argparse
import asyncio
import base64
import contextlib
import hashlib
import json
import math
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any, Self

import httpx
import requests

import qcasync

CONNECTIONS = 10
WINDOW = 100


class Timing:
    """Wall and CPU seconds of a `with` block, and the orders it read."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0
        self.orders = 0

    def __enter__(self) -> Self:
        self._began, self._used = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall, self.cpu = time.perf_counter() - self._began, time.process_time() - self._used


class Target:
    """The served project, and what signs requests to it."""

    def __init__(self, text: str) -> None:
        values = dict(re.findall(r"^export (\w+)=(\S+)$", text, re.MULTILINE))
        self.base_url = values["QC_BASE_URL"]
        self.user_id = values["QUANTCONNECT_USER_ID"]
        self.api_token = values["QUANTCONNECT_API_TOKEN"]
        self.project_id = int(re.findall(r"^# project (\d+)", text, re.MULTILINE)[0])

    def headers(self) -> dict[str, str]:
        """What the documentation tells users to send."""
        timestamp = str(int(time.time()))
        digest = hashlib.sha256(f"{self.api_token}:{timestamp}".encode()).hexdigest()
        pair = base64.b64encode(f"{self.user_id}:{digest}".encode()).decode()
        return {"Authorization": f"Basic {pair}", "Timestamp": timestamp}

    def window(self, start: int) -> dict[str, int]:
        """The body of a request."""
        return {"projectId": self.project_id, "start": start, "end": start + WINDOW}


@contextlib.contextmanager
def served(orders: int, latency: float) -> Iterator[Target]:
    """Serve a project from another process."""
    command = [sys.executable, "-m", "qcasync.simulator", "--projects", str(orders), "--latency", str(latency)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        text = ""
        while "QUANTCONNECT_API_TOKEN" not in text or "QC_BASE_URL" not in text:
            line = process.stdout.readline()
            if not line:
                raise SystemExit("the simulator did not start")
            text += line
        yield Target(text)
    finally:
        process.terminate()
        process.wait()


def with_qcasync(target: Target, transport: Any) -> Timing:
    """Ours."""

    async def run() -> Timing:
        async with qcasync.Client(
            target.user_id,
            target.api_token,
            base_url=target.base_url,
            max_concurrency=CONNECTIONS,
            transport=transport,
        ) as client:
            with Timing() as timing:
                timing.orders = len(await client.live.list_orders(target.project_id))
            return timing

    return asyncio.run(run())


def with_gather(target: Target) -> Timing:
    """All windows at once, through one httpx client."""

    async def run() -> Timing:
        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
        async with httpx.AsyncClient(base_url=target.base_url, limits=limits, timeout=None) as client:

            async def read(start: int) -> Any:
                answer = await client.post("live/orders/read", json=target.window(start), headers=target.headers())
                return answer.json()

            with Timing() as timing:
                first = await read(0)
                rest = await asyncio.gather(*(read(start) for start in range(WINDOW, first["length"], WINDOW)))
                timing.orders = sum(len(page["orders"]) for page in [first, *rest])
            return timing

    return asyncio.run(run())


def with_sequential(target: Target) -> Timing:
    """Window after window, until one is empty."""
    orders: list[Any] = []
    page: list[Any] | None = None
    with Timing() as timing:
        while page is None or page:
            answer = requests.post(
                target.base_url + "live/orders/read",
                headers=target.headers(),
                json=target.window(len(orders)),
                timeout=30,
            )
            page = answer.json()["orders"]
            orders += page
    timing.orders = len(orders)
    return timing


SUBJECTS: dict[str, Callable[[Target], Timing]] = {
    "qcasync (httpx)": lambda target: with_qcasync(target, "httpx"),
    "qcasync (httpx2)": lambda target: with_qcasync(target, "httpx2"),
    "gather (httpx)": with_gather,
    "sequential (requests)": with_sequential,
}


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="Time complete listings of a live project's orders.")
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--latency", type=float, default=0.05, help="seconds per answer")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seed", type=int, default=1, help="of the order of subjects")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--smoke", action="store_true", help="a small run, to see that it works")
    options = parser.parse_args()
    if options.smoke:
        options.orders, options.latency, options.rounds = 450, 0.0, 1
    chance = random.Random(options.seed)
    wall: dict[str, list[float]] = {name: [] for name in SUBJECTS}
    cpu: dict[str, list[float]] = {name: [] for name in SUBJECTS}
    with served(options.orders, options.latency) as target:
        with_sequential(target)  # the simulator invents its orders at the first request
        for _ in range(options.rounds):
            for name in chance.sample(sorted(SUBJECTS), len(SUBJECTS)):
                timing = SUBJECTS[name](target)
                wall[name].append(timing.wall)
                cpu[name].append(timing.cpu)
                assert timing.orders == options.orders, f"{name} read {timing.orders} of {options.orders} orders"
    rounds = 1 + math.ceil((math.ceil(options.orders / WINDOW) - 1) / CONNECTIONS) + 1
    ideal = rounds * options.latency
    report(options, ideal, wall, cpu)


def report(
    options: argparse.Namespace, ideal: float, wall: dict[str, list[float]], cpu: dict[str, list[float]]
) -> None:
    """Print a table, or JSON."""
    ours = min(wall["qcasync (httpx)"])
    rows = [
        {
            "subject": name,
            "wall_min": min(seconds),
            "wall_median": statistics.median(seconds),
            "cpu_min": min(cpu[name]),
            "to_ideal": min(seconds) / ideal if ideal else None,
            "to_ours": min(seconds) / ours,
        }
        for name, seconds in wall.items()
    ]
    stamp = {
        "orders": options.orders,
        "latency": options.latency,
        "rounds": options.rounds,
        "connections": CONNECTIONS,
        "ideal": ideal,
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        **{name: version(name) for name in ("qcasync", "httpx", "httpx2", "requests", "msgspec")},
    }
    if options.json:
        print(json.dumps({**stamp, "rows": rows}))
        return
    print(" · ".join(f"{key} {value}" for key, value in stamp.items()))
    print(f"{'':24}{'min s':>8}{'median s':>10}{'CPU s':>8}{'/ ideal':>9}{'/ ours':>8}")
    for row in rows:
        to_ideal = "" if row["to_ideal"] is None else f"{row['to_ideal']:.2f}"
        print(
            f"{row['subject']:24}{row['wall_min']:8.3f}{row['wall_median']:10.3f}{row['cpu_min']:8.3f}"
            f"{to_ideal:>9}{row['to_ours']:8.2f}"
        )


if __name__ == "__main__":
    main()
