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
import json
import math
import os
import platform
import random
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, Self

import httpx
import requests
from served import WINDOW, Target, served

import qcasync

CONNECTIONS = 10


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
