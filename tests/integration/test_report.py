"""`qcasync report` and `qcasync.pictures.report` against a served simulator, and their pages in a browser.

One server for all tests; each test has a project of its own.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

import qcasync
from qcasync import pictures
from qcasync.cli.__main__ import main
from qcasync.pictures import pages
from qcasync.pictures.report_page import report_page
from qcasync.simulator import FaultKind, Project, Server, Simulator, serve
from tests.browser import CHROMIUM, PHONE, browser, needs_browser
from tests.integration.test_cli import CREDENTIALS, Outcome, Terminal, plain
from tests.unit.pictures.reports import gathered, hostile, unread

DRAWN = "document.documentElement.dataset.drawn === 'yes'"
LOOK = """() => ({
  width: document.documentElement.scrollWidth,
  figures: document.querySelectorAll('.figure').length,
  drawn: document.querySelectorAll('.figure .main-svg').length > 0,
  strangers: document.querySelectorAll('main img, main a, main iframe, main object, main form, main svg image').length,
  scripts: document.querySelectorAll('script').length,
  log: [...document.querySelectorAll('.r-log')].map(each => [each.scrollTop, each.scrollHeight]),
  background: getComputedStyle(document.body).backgroundColor,
  wide: [...document.querySelectorAll('.r-scroll')].filter(each => each.scrollWidth > each.clientWidth).length,
})"""
DESKTOP = 1200, 900


@pytest.fixture(scope="module")
def shared() -> Iterator[Server]:
    with serve(Simulator(7, time.time())) as server:
        yield server


@pytest.fixture
def server(shared: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Server:
    """The server as if it were new, named in an environment without anything else."""
    shared.simulator.clear_faults()
    shared.simulator.ledger.clear()
    wanted = {**plain(tmp_path), **shared.environment}
    for name in filter(CREDENTIALS.match, list(wanted)):
        monkeypatch.setenv(name, wanted[name])
    monkeypatch.setenv("HOME", str(tmp_path))
    return shared


@pytest.fixture
def project(server: Server) -> Project:
    return server.simulator.add_project([40, 90], name="Momentum", now=time.time())


Run = Callable[..., Outcome]


@pytest.fixture
def run(server: Server, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Run `qcasync report` in this process. Nothing there is a terminal."""

    def command(*arguments: object) -> Outcome:
        code = main(["report", *map(str, arguments)])
        out, err = capfdbinary.readouterr()
        return Outcome(code, out.decode(), err.decode())

    return command


class TestTheCommand:
    def test_a_page(self, run: Run, server: Server, project: Project, tmp_path: Path) -> None:
        path = tmp_path / "momentum.html"
        done = run(project.id, "--to", path)
        assert (done.code, done.out) == (0, "")
        assert done.err == f"Report written to {path}.\n"
        text = path.read_text("utf-8")
        assert text.startswith("<!doctype html>")
        assert "Momentum" in text
        assert project.deployments[-1].deploy_id in text
        assert server.simulator.api_token not in text
        assert server.simulator.ledger.count() <= 8 + 2 + 2 + 2

    def test_piped_it_is_numbers(self, run: Run, server: Server, project: Project) -> None:
        done = run(project.id)
        assert (done.code, done.err) == (0, "")
        [told] = done.objects
        assert told["project_id"] == project.id
        assert run(project.id, "--json").objects[0].keys() == told.keys()
        assert told["status"] == "RUNNING"
        assert told["deploy_id"] == project.deployments[-1].deploy_id
        assert told["runtime_statistics"]
        assert told["orders"] == {"total": 130, "in_period": 90, "quarantined": 0, "anomalies": 0}
        quality: Any = told["fill_quality"]
        assert (
            quality["filled"] == quality["measured"] + quality["unquoted"] + quality["exercised"] + quality["unusable"]
        )
        assert quality["prompt"]["orders"] + quality["resting"]["orders"] == quality["measured"]
        assert "fills" not in quality
        holdings: Any = told["holdings"]
        assert [abs(row["value"]) for row in holdings] == sorted((abs(row["value"]) for row in holdings), reverse=True)
        exposure: Any = told["exposure"]
        assert exposure["gross"] == pytest.approx(sum(abs(row["value"]) for row in holdings))
        assert told["unread"] == {}

    def test_on_a_terminal_the_page_has_a_name_of_its_own_and_it_is_told(
        self, server: Server, project: Project, tmp_path: Path
    ) -> None:
        done = on_terminal(tmp_path, "report", project.id)
        assert done.code == 0
        assert f"Report written to report-{project.id}.html." in done.out
        assert [each.name for each in tmp_path.iterdir()] == [f"report-{project.id}.html"]
        assert (tmp_path / f"report-{project.id}.html").read_text("utf-8").startswith("<!doctype html>")

    def test_a_period(self, run: Run, project: Project) -> None:
        [whole], [told] = run(project.id, "--since", "2020-01-01").objects, run(project.id).objects
        assert told["since"] == told["launched"]
        assert whole["since"] == "2020-01-01T00:00:00Z"
        assert [each["orders"]["in_period"] for each in (whole, told)] == [130, 90]  # type: ignore[index]

    @pytest.mark.parametrize(
        "arguments",
        [["--since", "2999-01-01"], ["--since", "soon"], ["--json", "--to", "x.html"], ["--to", "x.pdf"],
         ["--to", "/nowhere/at/all.html"], ["--to", "/"]],
    )  # fmt: skip
    def test_what_makes_no_sense_is_refused_before_any_request(
        self, run: Run, server: Server, project: Project, arguments: list[str]
    ) -> None:
        done = run(project.id, *arguments)
        assert (done.code, done.out) == (2, "")
        assert "Traceback" not in done.err
        assert server.simulator.ledger.count() == 0

    def test_an_existing_file_is_replaced_only_by_force(
        self, run: Run, server: Server, project: Project, tmp_path: Path
    ) -> None:
        path = tmp_path / "report.html"
        path.write_text("precious")
        done = run(project.id, "--to", path)
        assert done.code == 2
        assert "--force" in done.err
        assert server.simulator.ledger.count() == 0
        assert path.read_text() == "precious"
        assert run(project.id, "--to", path, "--force").code == 0
        assert path.read_text("utf-8").startswith("<!doctype html>")

    def test_a_part_that_fails_is_told_and_costs_only_itself(self, run: Run, server: Server, project: Project) -> None:
        for path in ("live/portfolio/read", "live/logs/read"):
            server.simulator.fault(FaultKind.FAILURE_LASTING, path=path, times=math.inf)
        done = run(project.id)
        [told] = done.objects
        assert done.code == 0
        assert set(told["unread"]) == {"portfolio", "log"}  # type: ignore[call-overload]
        assert told["holdings"] is None
        assert told["fill_quality"]
        assert names_of(done.err) == ["Without portfolio", "Without log"]

    def test_without_the_extra_there_are_numbers_and_a_hint_before_any_request(
        self, run: Run, server: Server, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pages.environment.cache_clear()
        monkeypatch.setitem(sys.modules, "jinja2", None)  # as if it were not installed
        assert run(project.id, "--json").objects[0]["fill_quality"]
        server.simulator.ledger.clear()
        done = run(project.id, "--to", tmp_path / "report.html")
        assert done.code == 2
        assert "pip install 'qcasync[plot]'" in done.err
        assert server.simulator.ledger.count() == 0
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("path", ["live/read", "live/orders/read"])
    def test_without_status_or_orders_there_is_no_page(
        self, run: Run, server: Server, project: Project, tmp_path: Path, path: str
    ) -> None:
        server.simulator.fault(FaultKind.FAILURE_LASTING, path=path, times=math.inf)
        done = run(project.id, "--to", tmp_path / "report.html")
        assert done.code in {1, 3}
        assert f"error: {path}" in done.err
        assert list(tmp_path.iterdir()) == []

    def test_orders_that_cannot_be_decoded_cost_the_zero(self, run: Run, server: Server, project: Project) -> None:
        server.simulator.conditions.broken_orders = frozenset({100})
        try:
            done = run(project.id)
        finally:
            server.simulator.conditions.broken_orders = frozenset()
        assert done.code == 3
        assert "1 entries" in done.err
        assert json.loads(done.out)["orders"]["quarantined"] == 1


def on_terminal(folder: Path, *arguments: object) -> Outcome:
    """Run a command to its end in another process, whose working folder and terminal are its own."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "qcasync.cli", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(Path(qcasync.__file__).parent.parent)}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env=environment) as process:
        os.close(theirs)
        shown = Terminal(process, ours).finish()
    os.close(ours)
    return shown


def names_of(text: str) -> list[str]:
    return [line.partition(":")[0] for line in text.splitlines()]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_service_makes_a_page(server: Server, project: Project, backend: str) -> None:
    async def read() -> str:
        async with qcasync.Client() as qc:
            return await pictures.report(qc, project.id)

    text = anyio.run(read, backend=backend)
    assert text.startswith("<!doctype html>")
    assert "Fill quality" in text


def looked() -> dict[str, dict[str, Any]]:
    """Open three pages in a browser, and tell what is seen there."""
    if not CHROMIUM:
        return {}
    data = gathered()
    made = {
        "honest": (report_page(data), PHONE, "dark"),
        "hostile": (report_page(hostile(data)), DESKTOP, "light"),
        "unread": (report_page(unread(data, "live/logs/read: <b>no</b>")), PHONE, "light"),
    }
    seen: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder, browser() as chromium:
        for name, (text, size, scheme) in made.items():
            path = Path(folder, f"{name}.html")
            path.write_text(text, "utf-8")
            with chromium.open(path, size=size, scheme=scheme, until=DRAWN) as sight:  # type: ignore[arg-type]
                seen[name] = {
                    **sight.evaluate(LOOK),
                    "messages": sight.messages,
                    "dialogs": sight.dialogs,
                    "outside": sight.outside,
                }
    return seen


@needs_browser
@pytest.mark.early(job=looked)
class TestInABrowser:
    def test_nothing_is_complained_about_asked_for_or_run(self, early: dict[str, dict[str, Any]]) -> None:
        for name, seen in early.items():
            assert (seen["messages"], seen["dialogs"], seen["outside"]) == ([], [], []), name
            assert seen["strangers"] == 0, name
            assert seen["drawn"], name

    def test_hostile_text_adds_no_script(self, early: dict[str, dict[str, Any]]) -> None:
        assert early["hostile"]["scripts"] == early["honest"]["scripts"]
        assert early["hostile"]["figures"] == early["honest"]["figures"] == 4
        assert early["unread"]["figures"] == 2

    def test_it_fits_and_wide_tables_scroll_inside_their_box(self, early: dict[str, dict[str, Any]]) -> None:
        assert early["honest"]["width"] == early["unread"]["width"] == PHONE[0]
        assert early["hostile"]["width"] == DESKTOP[0]
        assert early["honest"]["wide"] >= 4

    def test_the_log_shows_its_end(self, early: dict[str, dict[str, Any]]) -> None:
        [[place, height]] = early["honest"]["log"]
        assert place == 0  # of a box whose content begins at its bottom
        assert height > 400

    def test_it_is_dark_where_that_is_wanted(self, early: dict[str, dict[str, Any]]) -> None:
        assert early["honest"]["background"] == "rgb(21, 24, 28)"
        assert early["hostile"]["background"] == "rgb(255, 255, 255)"
