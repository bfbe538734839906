"""What does it cost to keep what a watch has learnt?

A checkpoint of SQLite in WAL mode with synchronous FULL keeps a page of 100 orders and 100 changes in one transaction,
as after each look of a watch that has much to tell. Milliseconds per commit; beside it, what it costs to append the
changes to a plain file and sync it, to look 100 orders up, and to acknowledge a change; and bytes of the file for each
order, once what was told is pruned, and for each change until then.

    python benchmarks/bench_checkpoint.py [--rounds 1000] [--directory DIR] [--json] [--smoke]
"""

import argparse
import contextlib
import io
import json
import math
import os
import platform
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

import qcasync
from qcasync._core.change_codec import encode_change
from qcasync._core.deltas import OrderRecord, Sighting, merge
from qcasync.models.changes import Change, OrderEventAdded
from qcasync.poller.sqlite_store import PRUNED_AT_ONCE, SqliteStore
from qcasync.poller.store import RETENTION, Facts
from qcasync.simulator.bodies import orders_window

PAGE = 100
GOAL = 2.0
"""Milliseconds that half of the commits may take."""
PROJECT = 12_345_678
NOW = 1_750_000_000.0


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="Cost of a checkpoint.")
    parser.add_argument("--rounds", type=int, default=1000, help="commits that are measured")
    parser.add_argument("--directory", type=Path, help="on the disk that is measured (default: for temporary files)")
    parser.add_argument("--seed", type=int, default=1, help="of which orders are looked up")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--smoke", action="store_true", help="a small run, to see that it works")
    options = parser.parse_args()
    if options.smoke:
        options.rounds = 20
    found = commit(options)
    stamp = {
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "sqlite": sqlite3.sqlite_version,
        **{name: version(name) for name in ("qcasync", "msgspec")},
    }
    if options.json:
        print(json.dumps({**stamp, "commit": found}))
        return
    print(" · ".join(f"{key} {value}" for key, value in stamp.items()))
    for what, figure in found.items():
        print(f"{what:28}{figure:12,.3f}")


def commit(options: argparse.Namespace) -> dict[str, float]:
    """Keep pages, one after another, in a file that grows."""
    rounds, chance = options.rounds, random.Random(options.seed)
    records, changes = page()
    content = bytes(sum(len(encode_change(change)) for change in changes))
    told: list[Change] = []
    commits: list[float] = []
    plain: list[float] = []
    lookups: list[float] = []
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        path = Path(directory, "live.db")
        store = SqliteStore(path)
        store.open("benchmark", NOW)
        with Path(directory, "plain").open("wb", buffering=0) as file:
            for at in range(rounds):
                commits.append(milliseconds(store.commit, numbered(records, changes, at), result=told))
                plain.append(milliseconds(write_plainly, file, content))
                keys = [(1, number) for number in chance.sample(range(1, (at + 1) * PAGE + 1), PAGE)]
                lookups.append(milliseconds(store.orders, PROJECT, keys))
        assert [change.sequence for change in told] == list(range(1, rounds * PAGE + 1)), "every change is new"
        full = used(path)
        acknowledgements = [milliseconds(store.acknowledge, change) for change in told[:rounds]]
        store.acknowledge(told[-1])
        for _ in range(math.ceil(rounds * PAGE / PRUNED_AT_ONCE)):
            store.renew(NOW + 2 * RETENTION)
        kept = used(path)
        store.close()
    return {
        "p50_ms": statistics.median(commits),
        "p99_ms": percentile(commits, 99),
        "goal_p50_ms": GOAL,
        "changes_per_s": PAGE / statistics.mean(commits) * 1e3,
        "plain_file_p50_ms": statistics.median(plain),
        "plain_file_p99_ms": percentile(plain, 99),
        "look_up_p50_ms": statistics.median(lookups),
        "acknowledge_p50_ms": statistics.median(acknowledgements),
        "bytes_per_order_pruned": kept / (rounds * PAGE),
        "bytes_per_change": (full - kept) / (rounds * PAGE),
    }


def page() -> tuple[list[OrderRecord], list[Change]]:
    """What is remembered of a page of orders, and as many changes as there are orders, of the first of them."""
    orders = qcasync.decode_orders(orders_window(orders=PAGE)).orders
    seen = datetime.fromtimestamp(NOW, UTC)
    merged = [
        merge(
            None,
            Sighting(
                project_id=PROJECT,
                deployment=1,
                deploy_id=order.deploy_id,
                index=index,
                order=order,
                observed_at=seen,
            ),
        )
        for index, order in enumerate(orders)
    ]
    records = [each.record for each in merged if each.record is not None]
    return records, [change for each in merged for change in each.changes][:PAGE]


def numbered(records: list[OrderRecord], changes: list[Change], at: int) -> Facts:
    """The same page as if it were the next one of the list."""
    return Facts(
        project_id=PROJECT,
        orders=[
            msgspec.structs.replace(record, order_id=at * PAGE + place, index=at * PAGE + place - 1)
            for place, record in enumerate(records, 1)
        ],
        changes=[msgspec.structs.replace(change, key=renamed(change, at * PAGE)) for change in changes],
    )


def renamed(change: Change, more: int) -> str:
    """The change's key if its order's number were so much higher. Keys of neighbours stay neighbours, as in a list."""
    if isinstance(change, OrderEventAdded):
        name, number, event = change.key.rsplit("-", 2)
        return f"{name}-{int(number) + more}-{event}"
    name, number, mark = change.key.rsplit(":", 2)
    return f"{name}:{int(number) + more}:{mark}"


def write_plainly(file: io.FileIO, content: bytes) -> None:
    """Write as a file without any structure takes it."""
    file.write(content)
    os.fsync(file.fileno())


def used(path: Path) -> int:
    """Bytes of the pages that hold something."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        size, pages, free = (
            database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "page_count", "freelist_count")
        )
    return size * (pages - free)


def milliseconds(work: Callable[..., Any], *arguments: Any, result: list[Any] | None = None) -> float:
    """How long something takes."""
    began = time.perf_counter()
    got = work(*arguments)
    elapsed = time.perf_counter() - began
    if result is not None:
        result.extend(got)
    return elapsed * 1e3


def percentile(values: list[float], percent: int) -> float:
    """The value that so many do not exceed."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


if __name__ == "__main__":
    main()
