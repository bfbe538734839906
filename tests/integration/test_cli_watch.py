"""`qcasync watch` against a served simulator: as lines of JSON in a pipe, and on a terminal.

One server for all tests, and an account of its own for each. What ends by itself runs in this process.
"""

import array
import contextlib
import itertools
import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

import qcasync
from qcasync.cli.__main__ import main
from qcasync.simulator import Account, Conditions, Project, Server, Simulator, serve
from tests.integration.test_cli import COMMAND, CREDENTIALS, REPOSITORY, Outcome, terminal

fcntl = pytest.importorskip("fcntl", reason="Windows has neither these terminals nor these signals")
termios = pytest.importorskip("termios")

UNKNOWN = 99
SOON = 2.0
"""Seconds in which a watch has to end."""
UNKEPT = "warning: without --checkpoint, nothing that this watch knows survives it\n"
USER_IDS = itertools.count(3_000_001)


@pytest.fixture(scope="module")
def shared() -> Iterator[Server]:
    with serve(Simulator(7, time.time())) as server:
        yield server


@dataclass
class Bench:
    """The shared server, and an account of this test's own."""

    server: Server
    account: Account
    folder: Path
    capture: pytest.CaptureFixture[bytes]

    @property
    def simulator(self) -> Simulator:
        return self.server.simulator

    @property
    def file(self) -> Path:
        return self.folder / "watch.db"

    def project(self, *deployments: int, running: bool = True) -> Project:
        return self.simulator.add_project(deployments, running=running, account=self.account, now=time.time())

    def run(self, *arguments: object) -> Outcome:
        """Run a watch that ends by itself, in this process. Nothing there is a terminal."""
        code = main(["watch", *map(str, arguments)])
        out, err = self.capture.readouterr()
        return Outcome(code, out.decode(), err.decode())

    def truth(self, project: Project) -> set[tuple[int, int | None]]:
        """The ids of the orders, each with None and with the places of its events."""
        told: set[tuple[int, int | None]] = set()
        for order in self.simulator.orders(project.id):
            events: Any = order.get("events") or []
            told |= {(int(str(order["id"])), position) for position in [None, *range(len(events))]}
        return told


@pytest.fixture
def bench(
    shared: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> Bench:
    account = shared.simulator.add_account(next(USER_IDS))
    for name in filter(CREDENTIALS.match, list(os.environ)):
        monkeypatch.delenv(name)
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    environment = {
        **shared.environment,
        "QUANTCONNECT_USER_ID": str(account.user_id),
        "QUANTCONNECT_API_TOKEN": account.api_token,
        "HOME": str(tmp_path),
        "TERM": "xterm",
        "COLUMNS": "120",
        "LINES": "30",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    shared.simulator.conditions = Conditions(flush_seconds=0, log_flush_seconds=0)
    shared.simulator.clear_faults()
    return Bench(shared, account, tmp_path, capfdbinary)


class Piped:
    """A watch in a process of its own, with pipes."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process

    def next(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line.endswith(b"\n"), "it ended"
        assert isinstance(msgspec.json.decode(line, type=qcasync.AnyChange), qcasync.Change)
        told: dict[str, Any] = json.loads(line)
        return told

    def until(self, enough: set[tuple[int, int | None]], kind: str = "") -> list[dict[str, Any]]:
        """Its lines, until it has told these orders and events, and a change of this kind."""
        lines: list[dict[str, Any]] = []
        while not (enough <= set(map(which, lines)) and {kind} <= {"", *(line["kind"] for line in lines)}):
            lines.append(self.next())
        return lines

    def end(self, number: int) -> Outcome:
        """Tell it to end. It does so soon."""
        began = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(timeout=5)
        assert time.monotonic() - began < SOON
        assert self.process.stdout
        assert self.process.stderr
        return Outcome(code, self.process.stdout.read().decode(), self.process.stderr.read().decode())


def which(line: dict[str, Any]) -> tuple[int, int | None]:
    match line["kind"]:
        case "order_added":
            return line["order"]["id"], None
        case "order_event_added":
            return line["order_id"], line["position"]
        case _:
            return 0, None


@contextlib.contextmanager
def watching(*arguments: object) -> Iterator[Piped]:
    command = [*COMMAND, "watch", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=REPOSITORY) as process:
        try:
            yield Piped(process)
        finally:
            process.kill()


class TestLines:
    def test_what_one_watch_told_the_next_one_does_not_and_nothing_is_lost(self, bench: Bench) -> None:
        project = bench.project(3, 4)
        options = [project.id, UNKNOWN, "--checkpoint", bench.file, "--from-beginning", "--every", 1]
        before = bench.truth(project)
        with watching(*options) as watch:
            lines = watch.until(before, "project_failing")
            refused = bench.run(project.id, "--checkpoint", bench.file)
            done = watch.end(signal.SIGINT)
        assert (done.code, done.err) == (130, "")
        lines += done.objects
        assert not list(bench.folder.glob("*-wal"))
        assert (refused.code, refused.out) == (1, "")
        assert refused.err.startswith(f"error: The checkpoint {bench.file} is in use by ")
        assert "HINT: Stop it, or name another file." in refused.err

        [failing] = [line for line in lines if line["kind"] == "project_failing"]
        assert (failing["project_id"], failing["error"]) == (UNKNOWN, "NotFoundError")

        bench.simulator.trade(project.id, 2, time.time())
        with watching(*options) as watch:
            again = watch.until(bench.truth(project) - before)
            watch.end(signal.SIGINT)
        told = {line["key"] for line in lines}
        assert len(told) == len(lines)
        repeated = [line for line in again if line["key"] in told]
        assert len(repeated) <= 1  # written when Ctrl-C came, and not acknowledged yet
        assert all(line["attempt"] == 2 for line in repeated)
        mine = [line for line in [*lines, *again] if line["project_id"] == project.id]
        sequences = sorted({line["sequence"] for line in mine})
        assert sequences == list(range(1, len(sequences) + 1))
        assert bench.truth(project) <= {which(line) for line in mine}

    def test_sigterm_ends_it_like_ctrl_c_and_without_projects_it_watches_those_that_run(self, bench: Bench) -> None:
        running = [bench.project(1), bench.project(1, 1)]
        bench.project(1, running=False)
        with watching("--from-beginning", "--no-orders") as watch:
            lines = [watch.next() for _ in range(4)]  # of the second one: started, stopped, started
            done = watch.end(signal.SIGTERM)
        assert (done.code, done.out, done.err) == (130, "", UNKEPT)
        assert {line["project_id"] for line in lines} == {project.id for project in running}
        assert {line["kind"] for line in lines} == {"deployment_started", "deployment_stopped"}

    def test_who_stops_reading_ends_it_though_nothing_happens(self, bench: Bench) -> None:
        with watching(bench.project(1).id, "--no-orders", "--from-beginning") as watch:
            watch.next()
            assert watch.process.stdout
            assert watch.process.stderr
            watch.process.stdout.close()
            assert watch.process.wait(timeout=5) == 1
            assert watch.process.stderr.read().decode() == UNKEPT

    def test_who_stands_still_does_not_keep_it_from_ending(self, bench: Bench) -> None:
        project = bench.project(400)
        with watching(project.id, "--from-beginning", "--checkpoint", bench.file) as watch:
            assert watch.process.stdout
            waiting, before = array.array("i", [0]), -1
            while waiting[0] < 32_768 or waiting[0] != before:  # a pipe is full of 16 pages, each of whole lines
                before = waiting[0]
                time.sleep(0.1)
                fcntl.ioctl(watch.process.stdout, termios.FIONREAD, waiting)
            done = watch.end(signal.SIGTERM)
        assert (done.code, done.err) == (130, "")
        assert not list(bench.folder.glob("*-wal"))
        written = done.out.splitlines()
        with contextlib.closing(sqlite3.connect(bench.file)) as database:
            [last, unread] = database.execute("SELECT last, last - acknowledged FROM qc_queues").fetchone()
        assert unread
        assert len(written) + unread in {last, last + 1}  # acknowledged after it was written, never before
        assert len({json.loads(line)["key"] for line in written}) == len(written)  # the last one, too, is whole


class TestErrors:
    def test_a_wrong_token(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("QUANTCONNECT_API_TOKEN", "canary-token")
        done = bench.run(bench.project(1).id)
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith("error: live/list: ")
        assert "HINT:" in done.err
        assert "canary" not in done.err
        assert done.err.count("error:") == 1
        assert "Traceback" not in done.err

    def test_a_damaged_file_and_what_to_do_about_it(self, bench: Bench) -> None:
        bench.file.write_bytes(b"")
        done = bench.run(bench.project(1).id, "--checkpoint", bench.file)
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith(f"error: The checkpoint {bench.file} is empty")
        assert "HINT: Start once with rebuild=True" in done.err
        assert done.err.endswith("Here that is --rebuild.\n")
        assert bench.file.read_bytes() == b""

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["7", "--status", "Running"], "choose one of PROJECT and --status"),
            (["7", "--rebuild"], "--rebuild needs"),
            (["--status", "Dreaming"], "Unknown status 'Dreaming'"),
            (["7", "--every", "0.5"], "seconds between two looks: 1 or more"),
            (["7", "--status-every", "0"], "status_every"),
            (["0"], "greater than or equal to 1"),
            (["7", "--checkpoint", "."], "is a directory"),
        ],
        ids=" ".join,
    )
    def test_what_makes_no_sense_sends_nothing(self, bench: Bench, arguments: list[str], told: str) -> None:
        before = bench.simulator.ledger.count()
        done = bench.run(*arguments)
        assert (done.code, done.out) == (2, "")
        assert told in " ".join(done.err.replace("│", " ").split())
        assert bench.simulator.ledger.count() == before


class TestTerminal:
    def test_a_screen_that_comes_and_goes(self, bench: Bench) -> None:
        project = bench.project()
        bench.simulator.deploy(project.id, time.time())
        bench.simulator.trade(project.id, 2, time.time(), leave_open=True)
        bench.simulator.log(project.id, "\x1b[2J\x07[bold]x\r\n", time.time())
        options = ["--statistics", "--logs", "--from-beginning", "--checkpoint", bench.file]
        with terminal("watch", project.id, UNKNOWN, *options) as shown:
            for text in ("2 (2)", "order 2 submitted: ", "Project not found", r"\x1b[2J\x07[bold]x", "/watch.db"):
                shown.wait_for(text)
            shown.wait_for("changes, ")  # the footer, when none of them waits any more
            began = time.monotonic()
            done = shown.interrupt()
            assert time.monotonic() - began < SOON
            assert b"\x07" not in shown.raw
            assert shown.raw.rindex(b"\x1b[?25h") > shown.raw.rindex(b"qcasync watch")  # the cursor,
            for mode in (b"\x1b[?1049", b"\x1b[?7"):  # the screen, and the wrapping of lines are given back
                assert shown.raw.count(mode + b"l") == shown.raw.count(mode + b"h") == 1
        assert done.code == 130
        assert shown.raw.partition(b"\x1b[?1049l")[2].startswith(b"Watched for ")
        assert "Traceback" not in done.out
        query = "SELECT sum(last), sum(last - acknowledged) FROM qc_queues"
        with contextlib.closing(sqlite3.connect(bench.file)) as database:
            [told, unacknowledged] = database.execute(query).fetchone()
        assert told >= 7
        assert unacknowledged == 0

    def test_json_and_plain_words(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        project = bench.project(2)
        with contextlib.ExitStack() as stack:  # both at once: they mostly wait for their interpreters
            as_json = stack.enter_context(terminal("watch", project.id, "--from-beginning", "--json"))
            monkeypatch.setenv("TERM", "dumb")
            as_words = stack.enter_context(terminal("watch", project.id, "--from-beginning"))
            as_json.wait_for('"kind":"order_added"')
            as_words.wait_for(f"{project.id} order 1: ")
            for shown in (as_json, as_words):
                done = shown.interrupt()
                assert done.code == 130
                assert UNKEPT in done.out
            assert b"\x1b" not in as_words.raw
