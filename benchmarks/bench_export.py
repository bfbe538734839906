"""How much memory does it take to export every order of a project to Parquet, and how long?

Each subject runs in a process of its own, against the simulator in another, and reports its peak resident memory and
its seconds: `export` is what `qcasync export` does, orders and events; `closed trades` is what it does with `--trades`;
`list + pandas` lists all orders, makes data frames of them, and lets pandas write the same two files as `export`. The
difference to a client that read one order is what counts.

    python benchmarks/bench_export.py [--orders 25000] [--json] [--smoke]

docs/exporting.md has the figures for --orders 500000.
"""

import argparse
import asyncio
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import pyarrow.parquet
from served import Target, served

import qcasync
from qcasync.exporting import export

SUBJECTS = ("one order", "export", "closed trades", "list + pandas")
LIMIT = 300 * 2**20
"""Bytes that `export` may take, however many orders there are."""


async def read(subject: str, target: Target, folder: Path) -> None:
    """Do what the subject does."""
    async with qcasync.Client(target.user_id, target.api_token, base_url=target.base_url) as client:
        if subject == "one order":
            await client.live.read_orders(target.project_id, 0, 1)
        elif subject == "export":
            await export(client, target.project_id, to=folder)
        elif subject == "closed trades":
            await export(client, target.project_id, to=folder, tables=("closed_trades",))
        else:
            orders = await client.live.list_orders(target.project_id)
            orders.to_arrow().to_pandas().to_parquet(folder / "orders.parquet", compression="zstd")
            orders.events_to_arrow().to_pandas().to_parquet(folder / "order_events.parquet", compression="zstd")


def child(subject: str, text: str, folder: str) -> None:
    """Measure one subject in this process."""
    began = time.perf_counter()
    asyncio.run(read(subject, Target(text), Path(folder)))
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps({"peak": peak, "seconds": seconds}))


def measure(subject: str, target: Target, orders: int) -> dict[str, float]:
    """Measure one subject in another process, and look at what it wrote."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--child", subject, target.text, folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        told: dict[str, float] = json.loads(done.stdout)
        if subject == "closed trades":
            told["bytes"] = Path(folder, "closed_trades.parquet").stat().st_size
        elif subject != "one order":
            files = [Path(folder, name) for name in ("orders.parquet", "order_events.parquet")]
            rows = pyarrow.parquet.read_metadata(files[0]).num_rows
            assert rows == orders, f"{subject} wrote {rows} orders"
            told["bytes"] = sum(file.stat().st_size for file in files)
    return told


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="Peak memory of exports.")
    parser.add_argument("--orders", type=int, default=25_000)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--smoke", action="store_true", help="a small run, to see that it works")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(*options.child)
        return
    orders = 450 if options.smoke else options.orders
    with served(orders, 0.0) as target:
        told = {subject: measure(subject, target, orders) for subject in SUBJECTS}
    assert told["export"]["peak"] <= LIMIT, f"the export took {told['export']['peak'] / 2**20:.0f} MiB"
    stamp = {"orders": orders, "python": platform.python_version()}
    stamp |= {name: version(name) for name in ("qcasync", "pyarrow", "pandas")}
    if options.json:
        print(json.dumps({**stamp, "subjects": told}))
        return
    print(" · ".join(f"{key} {value}" for key, value in stamp.items()))
    base, other = told["one order"], told["list + pandas"]
    for subject, each in told.items():
        more = (each["peak"] - base["peak"]) / 2**20
        of = each["peak"] / other["peak"]
        print(
            f"{subject:14}{each['peak'] / 2**20:8.1f} MiB  {more:+8.1f} MiB  {of:5.2f} of list + pandas"
            f"  {each['seconds']:7.1f} s  {each.get('bytes', 0) / 2**20:7.1f} MiB written"
        )


if __name__ == "__main__":
    main()
