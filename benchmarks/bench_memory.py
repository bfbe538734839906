"""How much memory does it take to read every order of a project?

Each subject runs in a process of its own, against the simulator in another, and reports its peak resident memory:
`list_orders` holds all orders, `iter_orders` a few windows. The difference to a client that read one order is what
counts.

    python benchmarks/bench_memory.py [--orders 25000] [--json] [--smoke]
"""

import argparse
import asyncio
import json
import platform
import resource
import subprocess
import sys
from importlib.metadata import version

from served import Target, served

import qcasync

SUBJECTS = ("one order", "iter_orders", "list_orders")


async def read(subject: str, target: Target) -> int:
    """Read as the subject does. Returns how many orders were seen."""
    async with qcasync.Client(target.user_id, target.api_token, base_url=target.base_url) as client:
        if subject == "one order":
            return (await client.live.read_orders(target.project_id, 0, 1)).count
        if subject == "list_orders":
            return len(await client.live.list_orders(target.project_id))
        async with client.live.iter_orders(target.project_id) as pages:
            return sum([page.count async for page in pages])


def child(subject: str, text: str) -> None:
    """Measure one subject in this process."""
    seen = asyncio.run(read(subject, Target(text)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps({"seen": seen, "peak": peak}))


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="Peak memory of complete listings.")
    parser.add_argument("--orders", type=int, default=25_000)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--smoke", action="store_true", help="a small run, to see that it works")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(*options.child)
        return
    orders = 450 if options.smoke else options.orders
    peaks: dict[str, int] = {}
    with served(orders, 0.0) as target:
        for subject in SUBJECTS:
            done = subprocess.run(
                [sys.executable, __file__, "--child", subject, target.text], capture_output=True, text=True, check=True
            )
            told = json.loads(done.stdout)
            assert told["seen"] == (1 if subject == "one order" else orders), f"{subject} saw {told['seen']} orders"
            peaks[subject] = told["peak"]
    stamp = {"orders": orders, "python": platform.python_version(), "qcasync": version("qcasync")}
    if options.json:
        print(json.dumps({**stamp, "peaks": peaks}))
        return
    print(" · ".join(f"{key} {value}" for key, value in stamp.items()))
    for subject, peak in peaks.items():
        more = (peak - peaks["one order"]) / 2**20
        print(f"{subject:12}{peak / 2**20:8.1f} MiB  {more:+8.1f} MiB")


if __name__ == "__main__":
    main()
