"""The scripts of `examples/`: they run, are stopped, go on where they were, and write everything once."""

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from qcasync.simulator import Simulator, serve

EXAMPLES = Path(__file__).parents[2] / "examples"
ORDERS = 30


def run_twice(script: str) -> tuple[list[str], int]:
    """Run an example for a moment, and once more on the same files.

    Returns what names each line or row that it wrote, and how many of them there are to write.
    """
    simulator = Simulator(3, 1_750_000_000.0)
    project = simulator.add_project([ORDERS])
    events = [event for order in simulator.orders(project.id) for event in order.get("events", ())]
    with tempfile.TemporaryDirectory() as folder, serve(simulator) as server:
        environment = {**os.environ, **server.environment, "PYTHONWARNINGS": "error"}
        arguments = ["watch.db"] if script.startswith("fills") else ["watch.db", "changes.jsonl", str(project.id)]
        for seconds in ("1.5", "6"):
            command = [sys.executable, str(EXAMPLES / script), *arguments, "--seconds", seconds]
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            assert done.stderr == ""
        if script.startswith("fills"):
            with sqlite3.connect(Path(folder, "watch.db")) as database:
                written = [row[0] for row in database.execute("SELECT event_id FROM fills")]
            database.close()
            return written, sum(bool(event["fillQuantity"]) for event in events)
        lines = [json.loads(line) for line in Path(folder, "changes.jsonl").read_text().splitlines()]
        return [line["key"] for line in lines if line["kind"] == "order_event_added"], len(events)


@pytest.mark.early(job=run_twice)
@pytest.mark.parametrize("script", ["changes_to_jsonl.py", "fills_to_sqlite.py"])
def test_everything_is_written_once(script: str, early: tuple[list[str], int]) -> None:
    written, there = early
    assert len(written) == there > 0
    assert max(Counter(written).values()) == 1


def export_twice() -> tuple[list[list[str]], dict[str, int]]:
    """Run the nightly export twice on one folder. Returns its lines, and how many orders there are to export."""
    simulator = Simulator(3, 1_750_000_000.0)
    projects = [simulator.add_project([ORDERS]), simulator.add_project([ORDERS, 2 * ORDERS])]
    simulator.add_project([5], running=False)
    with tempfile.TemporaryDirectory() as folder, serve(simulator) as server:
        environment = {**os.environ, **server.environment, "PYTHONWARNINGS": "error"}
        told: list[list[str]] = []
        for _ in range(2):
            command = [sys.executable, str(EXAMPLES / "nightly_export.py"), "exports"]
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            assert done.stderr == ""
            told.append(done.stdout.splitlines())
    return told, {str(project.id): len(simulator.orders(project.id)) for project in projects}


@pytest.mark.early(job=export_twice)
def test_a_nightly_export_is_made_once_and_can_be_asked(early: tuple[list[list[str]], dict[str, int]]) -> None:
    (first, second), orders = early
    exported = [line for line in first if " orders, " in line]
    assert [line.split(":")[0] for line in exported] == sorted(orders)
    assert all(f" {orders[line.split(':')[0]]} orders, " in line for line in exported)
    answers = first[len(exported) :]
    assert len(answers) == 5
    assert all(" fills, " in line for line in answers)
    assert second == answers
