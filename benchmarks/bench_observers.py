"""What does it cost to be told what a client does?

Calls of `Client.authenticate`, one after another, through a transport in the same process that answers at once, so that
nothing but qcasync itself is measured. Counting (`Client.statistics`) is always on.

- nobody: no observer.
- idle: a function that does nothing.
- api: `qcasync.telemetry.OpenTelemetry` without an SDK: what a library pays that nobody has configured.
- sdk: the same with OpenTelemetry's SDK: every span recorded and thrown away, metrics collected in memory.

Rounds are interleaved in random order; the difference within a round is what counts. CPU seconds of this process.

    python benchmarks/bench_observers.py [--calls 2000] [--rounds 15] [--json] [--smoke]
"""

import argparse
import asyncio
import email.utils
import gc
import json
import os
import platform
import random
import statistics
import time
from importlib.metadata import version
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider

import qcasync
from qcasync.telemetry import OpenTelemetry
from qcasync.transports.protocol import Phase, Progress, Request, Response


class AtOnce:
    """A transport that answers before anything could wait for it."""

    marks_phases = True

    async def exchange(self, _request: Request, progress: Progress, /) -> Response:
        """Say that the credentials are good."""
        progress.reached(Phase.ANSWERED)
        body = b'{"success":true}'
        date = email.utils.formatdate(usegmt=True)
        return Response(status_code=200, headers={"date": date}, body=body, wire_bytes=len(body))

    async def aclose(self) -> None:
        """Nothing to close."""


def observers() -> dict[str, list[Any]]:
    """The subjects, by name."""
    sdk = OpenTelemetry(
        tracer_provider=TracerProvider(), meter_provider=MeterProvider(metric_readers=[InMemoryMetricReader()])
    )
    return {"nobody": [], "idle": [lambda _seen: None], "api": [OpenTelemetry()], "sdk": [sdk]}


async def measure(calls: int, rounds: int, chance: random.Random) -> dict[str, list[float]]:
    """CPU seconds per call, for each subject and round."""
    found: dict[str, list[float]] = {}
    clients = {
        name: qcasync.Client(1, "token", transport=AtOnce(), observers=told) for name, told in observers().items()
    }
    for client in clients.values():  # the clock is learned, code is warm
        for _ in range(100):
            await client.authenticate()
    for _ in range(rounds):
        for name in chance.sample(sorted(clients), len(clients)):
            gc.collect()
            began = time.process_time()
            for _ in range(calls):
                await clients[name].authenticate()
            found.setdefault(name, []).append((time.process_time() - began) / calls)
    for client in clients.values():
        await client.aclose()
    return found


def row(name: str, found: dict[str, list[float]]) -> dict[str, Any]:
    """A subject against the client that tells nobody, in microseconds."""
    more = [(mine - bare) * 1e6 for mine, bare in zip(found[name], found["nobody"], strict=True)]
    low, middle, high = statistics.quantiles(more, n=4)
    return {"subject": name, "cpu": statistics.median(found[name]) * 1e6, "more": middle, "quartiles": [low, high]}


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="Cost of observers, per call.")
    parser.add_argument("--calls", type=int, default=2_000, help="per subject and round")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seed", type=int, default=1, help="of the order of subjects")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--smoke", action="store_true", help="a small run, to see that it works")
    options = parser.parse_args()
    if options.smoke:
        options.calls, options.rounds = 50, 2
    found = asyncio.run(measure(options.calls, options.rounds, random.Random(options.seed)))
    rows = [row(name, found) for name in found]
    stamp = {
        "calls": options.calls,
        "rounds": options.rounds,
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        **{name: version(name) for name in ("qcasync", "anyio", "opentelemetry-api", "opentelemetry-sdk")},
    }
    if options.json:
        print(json.dumps({**stamp, "rows": rows}))
        return
    print(" · ".join(f"{key} {value}" for key, value in stamp.items()))
    print(f"{'us of CPU per call':20}{'median':>8}{'more':>8}{'quartiles':>16}")
    for each in sorted(rows, key=lambda each: each["cpu"]):
        low, high = each["quartiles"]
        print(f"{each['subject']:20}{each['cpu']:8.0f}{each['more']:8.1f}{f'{low:.1f} to {high:.1f}':>16}")


if __name__ == "__main__":
    main()
