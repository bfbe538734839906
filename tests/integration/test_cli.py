"""The command line against a served simulator: in this process where nobody watches, in others on a terminal.

The tests are synchronous, so each command has an event loop of its own, in real time. Nothing sleeps: tests wait for
what is shown.
"""

import contextlib
import csv
import io
import json
import math
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

import qcasync
from qcasync.cli.__main__ import main
from qcasync.simulator import FaultKind, Project, Server, Simulator, serve

REPOSITORY = Path(qcasync.__file__).parent.parent
COMMAND = [sys.executable, "-m", "qcasync.cli"]
CREDENTIALS = re.compile("QC_|QUANTCONNECT_")
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, object]]:
        """The JSON lines on stdout."""
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Outcome]


def plain(home: Path | str) -> dict[str, str]:
    """An environment with nobody's credentials, and a wide and plain terminal."""
    styles = {"FORCE_COLOR", "TTY_COMPATIBLE", "NO_COLOR"}
    kept = {name: value for name, value in os.environ.items() if not CREDENTIALS.match(name) and name not in styles}
    return {**kept, "HOME": str(home), "TERM": "xterm", "COLUMNS": "160"}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wanted = plain(tmp_path)
    for name in os.environ.keys() - wanted.keys():
        monkeypatch.delenv(name)
    for name, value in wanted.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def simulator() -> Simulator:
    return Simulator(seed=7, now=time.time())


@pytest.fixture
def project(simulator: Simulator) -> Project:
    return simulator.add_project([40, 120, 90], name="Redeployed")


@pytest.fixture(scope="module")
def closing() -> Iterator[Executor]:
    """Closes servers behind the next tests: each takes 0.1 s to notice that it should. At the end all are closed."""
    with ThreadPoolExecutor() as threads:
        yield threads


@pytest.fixture
def server(simulator: Simulator, monkeypatch: pytest.MonkeyPatch, closing: Executor) -> Iterator[Server]:
    """The simulator served, and named in the environment."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serve(simulator))
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server
        closing.submit(stack.pop_all().close)


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Run a command in this process. Nothing there is a terminal."""

    def command(*arguments: object) -> Outcome:
        code = main([str(argument) for argument in arguments])
        out, err = capfdbinary.readouterr()
        return Outcome(code, out.decode(), err.decode())

    return command


class Terminal:
    """A process whose stdout and stderr are one terminal."""

    def __init__(self, process: "subprocess.Popen[bytes]", side: int) -> None:
        self._process = process
        self._side = side
        self.raw = b""

    def wait_for(self, text: str) -> None:
        while text.encode() not in self.raw:
            assert self._read(), f"{text!r} did not come"

    def finish(self) -> Outcome:
        """Wait for the end. `out` has what was shown, without styles and movements."""
        while self._read():
            pass
        shown = ESCAPES.sub("", self.raw.decode()).replace("\r\n", "\n")
        return Outcome(self._process.wait(timeout=15), shown, "")

    def interrupt(self) -> Outcome:
        """Press Ctrl-C once."""
        self._process.send_signal(signal.SIGINT)
        return self.finish()

    def _read(self) -> bool:
        try:
            chunk = os.read(self._side, 65536)
        except OSError:  # how Linux says that the other side is closed
            chunk = b""
        self.raw += chunk
        return bool(chunk)


@contextlib.contextmanager
def terminal(*arguments: object, environment: Mapping[str, str] | None = None) -> Iterator[Terminal]:
    """Run a command on a terminal of its own."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    command = [*COMMAND, *map(str, arguments)]
    with subprocess.Popen(
        command, stdout=theirs, stderr=theirs, stdin=theirs, cwd=REPOSITORY, env=environment
    ) as process:
        os.close(theirs)
        try:
            yield Terminal(process, ours)
        finally:
            process.kill()
            os.close(ours)


def on_terminal(*arguments: object) -> Outcome:
    """Run a command on a terminal to its end."""
    with terminal(*arguments) as shown:
        return shown.finish()


@contextlib.contextmanager
def running(*arguments: object, environment: Mapping[str, str] | None = None) -> Iterator["subprocess.Popen[str]"]:
    """A command in a process of its own, with pipes."""
    with subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=REPOSITORY,
        env=environment,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(stream: "io.TextIOBase | None", text: str) -> None:
    assert stream is not None
    for line in stream:
        if text in line:
            return
    pytest.fail(f"{text!r} did not come")


def interrupted(process: "subprocess.Popen[str]") -> Outcome:
    """Press Ctrl-C once."""
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=15)
    return Outcome(process.returncode, out, err)


class TestOrders:
    def test_piped_every_order_is_a_line(self, run: Run, server: Server, project: Project) -> None:
        done = run("orders", project.id)
        assert (done.code, done.err) == (0, "")
        truth = server.simulator.orders(project.id)
        assert [row["id"] for row in done.objects] == [row["id"] for row in truth]
        assert [row["index"] for row in done.objects] == list(range(250))
        assert {row["project_id"] for row in done.objects} == {project.id}
        assert [row["deployment"] for row in done.objects] == [1] * 40 + [2] * 120 + [3] * 90
        assert done.objects[-1]["deploy_id"] == project.deployments[-1].deploy_id

    def test_on_a_terminal_it_is_a_summary(self, server: Server, project: Project) -> None:
        done = on_terminal("orders", project.id)
        assert done.code == 0
        assert f"250 orders of project {project.id}" in done.out
        assert "Last 10 of 250 orders" in done.out
        for deployment in project.deployments:
            assert deployment.deploy_id in done.out

    def test_json_on_a_terminal_is_lines_and_nothing_else(self, server: Server, project: Project) -> None:
        done = on_terminal("orders", project.id, "--json")
        assert done.code == 0
        assert len(done.objects) == 250

    def test_csv(self, run: Run, server: Server, project: Project, tmp_path: Path) -> None:
        path = tmp_path / "orders.csv"
        done = run("orders", project.id, "--csv", path)
        assert (done.code, done.out) == (0, "")
        assert done.err == f"250 orders written to {path}.\n"
        with path.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        truth = server.simulator.orders(project.id)
        assert [int(row["id"]) for row in rows] == [row["id"] for row in truth]
        assert [float(row["quantity"]) for row in rows] == [row["quantity"] for row in truth]
        tags = {row["tag"] for row in rows}
        assert "'=SUM(A1)" in tags
        assert not {tag for tag in tags if tag.startswith("=")}
        assert "line one\nline two" in tags
        assert list(tmp_path.iterdir()) == [path]

    def test_an_existing_file_is_replaced_only_by_force(
        self, run: Run, server: Server, project: Project, tmp_path: Path
    ) -> None:
        path = tmp_path / "orders.csv"
        path.write_text("precious")
        done = run("orders", project.id, "--csv", path)
        assert done.code == 2
        assert "--force" in done.err
        assert path.read_text() == "precious"
        assert server.simulator.ledger.count() == 0
        assert run("orders", project.id, "--csv", path, "--force").code == 0
        assert path.read_text().startswith("project_id,")

    def test_orders_that_cannot_be_decoded_are_told_and_cost_the_zero(
        self, run: Run, server: Server, project: Project
    ) -> None:
        server.simulator.conditions.broken_orders = frozenset(range(100, 115))
        done = run("orders", project.id)
        assert done.code == 3
        assert len(done.objects) == 235
        assert "warning: entry 100 cannot be decoded" in done.err
        assert "and 5 more" in done.err

    def test_a_list_that_breaks_off_is_3_and_leaves_no_file(
        self, run: Run, server: Server, project: Project, tmp_path: Path
    ) -> None:
        server.simulator.fault(FaultKind.FAILURE_LASTING, path="live/orders/read", nth=2, times=math.inf)
        done = run("orders", project.id, "--csv", tmp_path / "orders.csv")
        assert done.code == 3
        assert "incomplete" in done.err
        assert list(tmp_path.iterdir()) == []

    def test_a_deadline_is_3_and_says_what_was_the_trouble(self, run: Run, server: Server, project: Project) -> None:
        server.simulator.fault(FaultKind.HANG, nth=2, times=math.inf)
        done = run("--timeout", "0.5", "orders", project.id)
        assert done.code == 3
        assert "not done within 0.5 s" in done.err

    def test_a_reader_that_leaves_early_stops_the_download(self, server: Server, simulator: Simulator) -> None:
        large = simulator.add_project([5_000])
        with running("orders", large.id) as process:
            assert process.stdout
            assert process.stderr
            assert json.loads(process.stdout.readline())["id"] == 1
            process.stdout.close()
            assert process.wait(timeout=10) == 1
            assert process.stderr.read() == ""

    def test_ctrl_c(self, server: Server, simulator: Simulator, tmp_path: Path) -> None:
        large = simulator.add_project([5_000])
        simulator.fault(FaultKind.HANG, path="live/orders/read", nth=20, times=math.inf)
        with running("orders", large.id) as process:
            wait_for(process.stdout, '"index":0,')
            done = interrupted(process)
        assert done.code == 130
        assert done.err == ""

    def test_ctrl_c_leaves_no_file(self, server: Server, simulator: Simulator, tmp_path: Path) -> None:
        large = simulator.add_project([5_000])
        simulator.fault(FaultKind.HANG, path="live/orders/read", nth=20, times=math.inf)
        with terminal("orders", large.id, "--csv", tmp_path / "orders.csv") as shown:
            shown.wait_for("of 5,000")
            done = shown.interrupt()
        assert done.code == 130
        assert "Traceback" not in done.out
        assert list(tmp_path.iterdir()) == []


class TestLive:
    def test_list_piped(self, run: Run, server: Server, project: Project) -> None:
        done = run("live", "list")
        assert (done.code, done.err) == (0, "")
        assert {row["deploy_id"] for row in done.objects} == {each.deploy_id for each in project.deployments}
        assert {row["status"] for row in done.objects} == {"RUNNING", "STOPPED"}

    def test_list_filtered(self, run: Run, server: Server, project: Project) -> None:
        assert [row["status"] for row in run("live", "list", "--status", "Running").objects] == ["RUNNING"]
        assert run("live", "list", "--status", "Liquidated").out == ""

    def test_list_on_a_terminal(self, server: Server, project: Project) -> None:
        done = on_terminal("live", "list")
        assert done.code == 0
        for deployment in project.deployments:
            assert deployment.deploy_id in done.out
        assert "No deployments are Liquidated." in on_terminal("live", "list", "--status", "Liquidated").out

    def test_show_piped_has_no_sources(self, run: Run, server: Server, project: Project) -> None:
        [shown] = run("live", "show", project.id).objects
        assert shown["project_id"] == project.id
        assert shown["status"] == "RUNNING"
        assert shown["runtime_statistics"]
        assert isinstance(shown["files"], list)
        assert shown["files"]
        assert "content" not in shown["files"][0]

    @pytest.mark.parametrize("form", ["flat", "results"])
    def test_show_on_a_terminal(self, server: Server, project: Project, form: str) -> None:
        server.simulator.conditions.live_answer = form  # type: ignore[assignment]
        done = on_terminal("live", "show", project.id)
        assert done.code == 0
        for text in ("Strategy Equity", "Return", "CPU Usage"):
            assert text in done.out
        assert ("status" in done.out) == (form == "flat")

    def test_show_what_was_never_deployed(self, server: Server, simulator: Simulator) -> None:
        done = on_terminal("live", "show", simulator.add_project().id)
        assert done.code == 0
        assert "never deployed" in done.out

    def test_a_hostile_name_is_text(self, server: Server, simulator: Simulator) -> None:
        hostile = simulator.add_project([1], name="[bold red]x[/]\x1b[2J\u202e:smile:")
        done = on_terminal("live", "show", hostile.id)
        assert r"[bold red]x[/]\x1b[2J\u202e:smile:" in done.out

    def test_an_unknown_project_is_1(self, run: Run, server: Server) -> None:
        done = run("live", "show", 5)
        assert (done.code, done.out) == (1, "")
        assert "error: live/read" in done.err


class TestDoctor:
    def test_a_healthy_machine(self, run: Run, server: Server) -> None:
        done = run("doctor")
        assert done.code == 0
        marks = {line.split()[1]: line[0] for line in done.out.splitlines() if not line.startswith(" ")}
        assert set(marks.values()) == {"✓"}
        assert {"versions", "credentials", "base", "transport", "login", "latency", "clock"} == set(marks)
        assert "QUANTCONNECT_USER_ID" in done.out
        assert server.base_url in done.out
        assert server.simulator.api_token not in done.out

    def test_as_json(self, run: Run, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        done = run("doctor", "--json")
        checks = [json.loads(line) for line in done.out.splitlines()]
        assert (done.code, {check["ok"] for check in checks}) == (0, {True})
        assert [check["check"] for check in checks][:2] == ["versions", "credentials"]
        monkeypatch.setenv("QUANTCONNECT_API_TOKEN", "canary-token")
        done = run("doctor", "--json")
        assert [json.loads(line)["check"] for line in done.out.splitlines() if '"ok":false' in line] == ["login"]
        assert done.code == 1
        assert "canary" not in done.out

    def test_the_other_transport(self, run: Run, server: Server) -> None:
        pytest.importorskip("httpx2")
        done = run("--transport", "httpx2", "doctor")
        assert done.code == 0
        assert "httpx2" in done.out

    def test_a_wrong_clock_is_no_failure_but_told(self, run: Run, server: Server) -> None:
        server.simulator.conditions.clock_offset = 3 * 3600
        done = run("doctor")
        assert done.code == 0
        assert re.search(r"✓ clock +10[78]\d\d\.\d s behind the server's", done.out)

    def test_no_credentials_are_a_failed_check_with_a_remedy(self, run: Run) -> None:
        done = run("doctor")
        assert done.code == 1
        assert "✗ configuration No QuantConnect credentials found" in done.out
        assert "HINT: Set QUANTCONNECT_USER_ID" in done.out

    def test_a_wrong_token_is_sent_once(self, run: Run, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("QUANTCONNECT_API_TOKEN", "canary-token")
        done = run("doctor")
        assert done.code == 1
        assert "✗ login" in done.out
        assert "HINT:" in done.out
        assert "canary" not in done.out + done.err
        assert server.simulator.ledger.count() == 1

    def test_nobody_there(self, run: Run, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
        with serve(simulator) as server:
            pass
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        done = run("--timeout", "1", "doctor")
        assert done.code == 1
        assert "✗ login" in done.out
        assert "clock" not in done.out


def without_a_server(arguments: list[str]) -> Outcome:
    """Run a command that has credentials, and nobody to show them to: it takes a second, and sleeps."""
    with serve(Simulator(seed=7, now=time.time())) as server:
        pass
    with (
        tempfile.TemporaryDirectory() as home,
        running(*arguments, environment={**plain(home), **server.environment}) as process,
    ):
        out, err = process.communicate(timeout=15)
        return Outcome(process.returncode, out, err)


COMMANDS = [["live", "list"], ["live", "show", "20000001"], ["orders", "20000001"]]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
class TestEveryCommand:
    def test_a_wrong_token(
        self, run: Run, server: Server, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
    ) -> None:
        monkeypatch.setenv("QUANTCONNECT_API_TOKEN", "canary-token")
        done = run(*arguments)
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith("error: ")
        assert "HINT:" in done.err
        assert "Traceback" not in done.err
        assert "canary" not in done.err
        assert server.simulator.ledger.count() == 1

    def test_missing_credentials(self, run: Run, arguments: list[str]) -> None:
        done = run(*arguments)
        assert (done.code, done.out) == (2, "")
        assert "HINT: Set QUANTCONNECT_USER_ID and QUANTCONNECT_API_TOKEN" in done.err
        assert "Traceback" not in done.err

    @pytest.mark.early(job=without_a_server)
    def test_nobody_there(self, arguments: list[str], early: Outcome) -> None:
        assert (early.code, early.out) == (1, "")
        assert "The request was not sent; check the network" in early.err
        assert "Traceback" not in early.err

    def test_senseless_options(self, run: Run, server: Server, arguments: list[str]) -> None:
        for option in (["--concurrency", "0"], ["--timeout", "-1"]):
            done = run(*option, *arguments)
            assert (done.code, done.out) == (2, "")
            assert "must be" in done.err
        assert server.simulator.ledger.count() == 0


class TestSimulator:
    def test_what_it_prints_leads_there_until_ctrl_c(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        with running("simulator", "--project", "3,4", "--project", "5", "--clock-offset", "7200") as process:
            assert process.stdout
            projects: list[str] = []
            for line in process.stdout:
                if line.startswith("# project"):
                    projects.append(line.split()[2].rstrip(":"))
                if line.startswith("export "):
                    name, _, value = line.removeprefix("export ").partition("=")
                    monkeypatch.setenv(name, shlex.split(value)[0])
                    if name == "QUANTCONNECT_API_TOKEN":
                        break
            assert [len(run("orders", project).objects) for project in projects] == [7, 5]
            assert "behind the server's" in run("doctor").out
            done = interrupted(process)
        assert done.code == 130
        assert "Traceback" not in done.err

    def test_a_port_that_is_taken(self, run: Run, server: Server) -> None:
        done = run("simulator", "--port", server.port)
        assert done.code == 1
        assert "in use" in done.err


def interrupted_demo() -> Outcome:
    with (
        tempfile.TemporaryDirectory() as home,
        running("demo", "--latency", "0.1", environment=plain(home)) as process,
    ):
        wait_for(process.stderr, "the request is repeated")
        return interrupted(process)


def interrupted_demo_on_a_terminal() -> tuple[Outcome, bytes]:
    """Once the bars move. Returns what was shown as it came, too."""
    with (
        tempfile.TemporaryDirectory() as home,
        terminal("demo", "--latency", "0.1", environment=plain(home)) as shown,
    ):
        shown.wait_for("server prepares")
        shown.wait_for("of 25,000")
        return shown.interrupt(), shown.raw


class TestDemo:
    def test_it_verifies_every_order_and_leaves_nothing(self, run: Run, tmp_path: Path) -> None:
        before = threading.active_count()
        done = run("demo", "--latency", "0")
        assert done.code == 0
        assert done.out.count("✓ yes") == 3
        for counted in (  # orders, windows, requests, retries; each project's requests are told apart
            r"^Small +1 +12 +2 +3 +0 ",
            r"^Redeployed +3 +487 +6 +7 +0 ",
            r"^Large +1 +25,000 +251 +253 +1 ",
            r"^Together +5 +25,499 +259 +263 +1 ",
        ):
            assert re.search(counted, done.out, re.MULTILINE), counted
        assert "Large: the server failed; the request is repeated" in done.err
        assert "Verified: each of 25,499 orders" in done.err
        assert "qcasync orders PROJECT" in done.err
        assert max(map(len, done.out.splitlines())) <= 80
        assert threading.active_count() <= before
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.early(job=interrupted_demo)
    def test_ctrl_c_in_the_middle(self, early: Outcome) -> None:
        assert (early.code, early.out, early.err) == (130, "", "")

    @pytest.mark.early(job=interrupted_demo_on_a_terminal)
    def test_on_a_terminal_there_are_bars_and_ctrl_c_gives_the_cursor_back(self, early: tuple[Outcome, bytes]) -> None:
        done, raw = early
        assert raw.rindex(b"\x1b[?25h") > raw.rindex(b"\x1b[?25l")
        assert done.code == 130
        assert "Traceback" not in done.out
