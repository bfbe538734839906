"""`qcasync export` against a served simulator: in this process, in others that are interrupted or killed."""

import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pyarrow.parquet
import pytest

import qcasync
from qcasync.exporting import FOLDER, export
from qcasync.simulator import Conditions, FaultKind, Project, Server, Simulator, serve
from qcasync.simulator.orders import Life
from tests.integration.test_cli import (
    REPOSITORY,
    Outcome,
    Run,
    closing,
    environment,
    interrupted,
    on_terminal,
    plain,
    project,
    run,
    running,
    server,
    simulator,
    without_a_server,
)

__all__ = ["closing", "environment", "project", "run", "server", "simulator"]  # fixtures

WINDOWS = "live/orders/read"
KILLED = """
import sys, anyio, qcasync
from pathlib import Path
from qcasync.exporting.run import Run
from qcasync.exporting.wishes import wishes

async def main():
    async with qcasync.Client(max_concurrency=1) as client:
        wanted = wishes(("orders", "order_events"), (), "parquet", None)
        await Run(client, int(sys.argv[1]), Path(sys.argv[2]), wanted, overwrite=False, progress=None,
                  rows_of_a_part=500).perform()

anyio.run(main)
"""


class TestResults:
    def test_piped_it_is_a_line_for_each_file(self, run: Run, server: Server, project: Project, tmp_path: Path) -> None:
        done = run("export", project.id, "--to", tmp_path / "out")
        assert done.code == 0
        assert done.err == ""
        files = {name: tmp_path / "out" / f"{name}.parquet" for name in ("orders", "order_events")}
        rows = {name: pyarrow.parquet.read_metadata(path).num_rows for name, path in files.items()}
        assert rows["orders"] == 250
        assert done.objects == [
            {"table": name, "path": str(path), "rows": rows[name], "bytes": path.stat().st_size}
            for name, path in files.items()
        ]

    def test_on_a_terminal_it_is_a_table(self, server: Server, project: Project, tmp_path: Path) -> None:
        done = on_terminal("export", project.id, "--orders", "--to", tmp_path / "out", "--format", "csv")
        assert done.code == 0
        table = done.out[done.out.index(f"Project {project.id}") :]
        assert "orders.csv" in table
        assert "250" in table
        assert "reading orders" in done.out

    def test_every_option_has_its_file(self, run: Run, server: Server, project: Project, tmp_path: Path) -> None:
        options = {
            "--orders": {"orders"},
            "--events": {"order_events"},
            "--trades": {"closed_trades"},
            "--equity": {"equity"},
            "--holdings": {"holdings", "cash"},
            "--chart=Drawdown": {"chart-drawdown"},
        }
        for number, (option, stems) in enumerate(options.items()):
            assert run("export", project.id, option, "--to", tmp_path / str(number), "--format=jsonl").code == 0
            assert {path.stem for path in (tmp_path / str(number)).iterdir()} == stems
        done = run("export", project.id, "--all", "--to", tmp_path / "all", "--format=jsonl", "--json")
        assert {line["table"] for line in done.objects} >= {"insights", "log_lines", "orders", "series"}

    def test_rows_that_are_missing(self, run: Run, server: Server, project: Project, tmp_path: Path) -> None:
        server.simulator.conditions = Conditions(broken_orders=frozenset({7}))
        done = run("export", project.id, "--to", tmp_path / "out")
        assert done.code == 3
        assert "1 row of orders cannot be decoded; quarantined.jsonl has" in done.err
        assert done.objects[-1]["table"] == "quarantined"

    def test_since_a_date(self, run: Run, server: Server, project: Project, tmp_path: Path) -> None:
        done = run("export", project.id, "--orders", "--since", "2100-01-01", "--to", tmp_path)
        assert (done.code, done.objects[0]["rows"]) == (0, 0)


class TestRefusals:
    def test_a_file_that_is_there(self, run: Run, server: Server, project: Project, tmp_path: Path) -> None:
        (tmp_path / "orders.csv").write_text("mine")
        done = run("export", project.id, "--orders", "--format", "csv", "--to", tmp_path)
        assert (done.code, done.out, server.simulator.ledger.count()) == (2, "", 0)
        assert "orders.csv exists." in done.err
        assert "--force" in done.err
        assert run("export", project.id, "--orders", "--format", "csv", "--to", tmp_path, "--force").code == 0
        assert (tmp_path / "orders.csv").read_text().startswith('"project_id"')

    def test_an_unknown_chart(self, run: Run, server: Server, project: Project, tmp_path: Path) -> None:
        done = run("export", project.id, "--chart", "Nope\x1b[2J", "--to", tmp_path / "out")
        assert (done.code, done.out) == (2, "")
        assert "'Strategy Equity'" in done.err
        assert "\x1b" not in done.err
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize("since", ["yesterday", "2026-13-01", ""])
    def test_what_is_no_date(self, run: Run, tmp_path: Path, since: str) -> None:
        done = run("export", 1, "--to", tmp_path, "--since", since)
        assert done.code == 2
        assert "is no time such as" in " ".join(done.err.split())

    def test_a_wrong_token(
        self, run: Run, server: Server, project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("QUANTCONNECT_API_TOKEN", "canary-token")
        done = run("export", project.id, "--to", tmp_path / "out")
        assert (done.code, done.out) == (1, "")
        assert "QuantConnect refused the request" in done.err
        assert "canary-token" not in done.err
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize("arguments", [["export", "20000001", "--to", "/tmp/qcasync-nobody-there"]])
    @pytest.mark.early(job=without_a_server)
    def test_nobody_there(self, arguments: list[str], early: Outcome) -> None:
        assert (early.code, early.out) == (1, "")
        assert "The request was not sent; check the network" in early.err
        assert not Path("/tmp/qcasync-nobody-there").exists()


def settled(server: Simulator, count: int) -> Project:
    """A project whose orders were all filled."""
    made = server.add_project()
    server.deploy(made.id, time.time())
    running = made.active(time.time())
    assert running is not None
    running.place(count, time.time(), life=Life.FILLED)
    return made


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def windows(of: Simulator) -> list[int]:
    """Where each window of orders began that was asked for since the last time."""
    starts = [int(str(each.payload["start"])) for each in of.ledger.requests if each.path == WINDOWS]
    of.ledger.clear()
    return starts


def killed() -> dict[str, Any]:
    """Kill an export with SIGKILL when two parts of it are on the disk and a third is begun, and go on."""
    simulator = Simulator(5, time.time(), conditions=Conditions(flush_seconds=0.0))
    project = settled(simulator, 1600)
    simulator.fault(FaultKind.HANG, path=WINDOWS, nth=13)
    with tempfile.TemporaryDirectory() as folder, serve(simulator) as server:
        to = Path(folder, "out")
        environment = {**plain(folder), **server.environment}
        command = [sys.executable, "-c", KILLED, str(project.id), str(to)]
        with subprocess.Popen(command, env=environment, cwd=REPOSITORY) as process:
            until(lambda: simulator.ledger.count(WINDOWS) >= 13 and len(list((to / FOLDER).glob("*.part"))) >= 3)
            process.send_signal(signal.SIGKILL)
        left = sorted(path.name for path in to.iterdir())
        first = windows(simulator)
        simulator.clear_faults()

        async def again() -> int:
            async with qcasync.Client(simulator.user_id, simulator.api_token, base_url=server.base_url) as client:
                return (await export(client, project.id, to=to)).resumed_rows

        resumed = anyio.run(again)
        return {
            "left": left,
            "first": first,
            "second": windows(simulator),
            "resumed": resumed,
            "files": sorted(path.name for path in to.iterdir()),
            "orders": pyarrow.parquet.read_table(to / "orders.parquet").to_pylist(),
            "events": pyarrow.parquet.read_table(to / "order_events.parquet", columns=["id"]).to_pylist(),
            "truth": simulator.orders(project.id, time.time()),
        }


def interrupted_export() -> dict[str, Any]:
    """Press Ctrl-C while a window hangs, and run the same command again."""
    simulator = Simulator(5, time.time(), conditions=Conditions(flush_seconds=0.0))
    project = settled(simulator, 1600)
    simulator.fault(FaultKind.HANG, path=WINDOWS, nth=10)
    with tempfile.TemporaryDirectory() as folder, serve(simulator) as server:
        to = Path(folder, "out")
        environment = {**plain(folder), **server.environment}
        arguments = ("--concurrency", 1, "export", project.id, "--to", to)
        with running(*arguments, environment=environment) as process:
            until(lambda: simulator.ledger.count(WINDOWS) >= 10)
            first = interrupted(process)
        left = sorted(path.name for path in to.iterdir())
        simulator.clear_faults()
        windows(simulator)
        with running(*arguments, environment=environment) as process:
            out, err = process.communicate(timeout=15)
        return {
            "first": first,
            "left": left,
            "second": Outcome(process.returncode, out, err),
            "asked": windows(simulator),
            "orders": pyarrow.parquet.read_table(to / "orders.parquet").to_pylist(),
        }


def overdue() -> tuple[Outcome, list[str]]:
    """Let a window hang for longer than `--timeout`."""
    simulator = Simulator(5, time.time(), conditions=Conditions(flush_seconds=0.0))
    project = settled(simulator, 1600)
    simulator.fault(FaultKind.HANG, path=WINDOWS, nth=10, times=100)
    with tempfile.TemporaryDirectory() as folder, serve(simulator) as server:
        to = Path(folder, "out")
        environment = {**plain(folder), **server.environment}
        arguments = ("--timeout", 4, "--concurrency", 1, "export", project.id, "--to", to)
        with running(*arguments, environment=environment) as process:
            out, err = process.communicate(timeout=20)
        return Outcome(process.returncode, out, err), sorted(path.name for path in to.iterdir())


class TestInterruptions:
    @pytest.mark.early(job=killed)
    def test_killed_it_goes_on(self, early: dict[str, Any]) -> None:
        assert early["left"] == [FOLDER]
        assert early["files"] == ["order_events.parquet", "orders.parquet"]
        truth = early["truth"]
        assert [(row["index"], row["id"]) for row in early["orders"]] == [
            (index, order["id"]) for index, order in enumerate(truth)
        ]
        assert [row["id"] for row in early["events"]] == [event["id"] for order in truth for event in order["events"]]
        assert max(Counter(row["id"] for row in early["events"]).values()) == 1
        assert early["resumed"] == 900
        assert len(early["first"]) >= 13
        assert min(early["second"]) == 900  # the last window of the second part
        assert len(early["second"]) < 12

    @pytest.mark.early(job=interrupted_export)
    def test_ctrl_c(self, early: dict[str, Any]) -> None:
        assert early["left"] == [FOLDER]
        first, second = early["first"], early["second"]
        assert (first.code, first.out) == (130, "")
        assert "Interrupted. What was read is kept in" in first.err
        assert "the same command goes on there." in first.err
        assert "Traceback" not in first.err
        assert second.code == 0
        assert "Going on with an interrupted export: 900 orders were read." in second.err
        assert min(early["asked"]) == 800
        assert [row["index"] for row in early["orders"]] == list(range(1600))

    @pytest.mark.early(job=overdue)
    def test_a_timeout(self, early: tuple[Outcome, list[str]]) -> None:
        done, left = early
        assert (done.code, done.out) == (3, "")
        assert "incomplete (" in done.err
        assert f"{FOLDER}: the same" in done.err
        assert left == [FOLDER]
