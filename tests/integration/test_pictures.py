"""`qcasync chart` against a served simulator; its pages and images in a real browser.

One server and one browser for all tests. What the browser shows is asked of the page itself: sizes, colours, elements.
"""

import io
import json
import math
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib.image
import pytest

from qcasync.cli.__main__ import main
from qcasync.pictures import pages
from qcasync.pictures.figures import Figure, chart_figure, equity_figure
from qcasync.simulator import Conditions, FaultKind, Project, Server, Simulator, serve
from qcasync.simulator.series import CHART_NAMES
from tests.browser import PHONE, Browser, Sight, browser, needs_browser
from tests.integration.test_cli import COMMAND, CREDENTIALS, REPOSITORY, Outcome, plain, running, terminal
from tests.unit.pictures.drawing import BEGIN, HOSTILE, STEP, chart, equity, line, order, series, walk

DRAWN = "document.documentElement.dataset.drawn === 'yes'"
NAME = "<img src=x onerror=alert(1)> & \u202eco"
SMALLEST = """
Math.min(...[...document.querySelectorAll("main *, svg text")]
  .filter(each => [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim())
    && each.getClientRects().length)
  .filter(each => !["SCRIPT", "STYLE"].includes(each.tagName))
  .map(each => parseFloat(getComputedStyle(each).fontSize)))
"""


@dataclass
class Desk:
    """The shared server, its project, and a way to run commands."""

    server: Server
    project: Project
    capture: pytest.CaptureFixture[bytes]

    def chart(self, *arguments: object) -> Outcome:
        """Run `qcasync chart PROJECT ...` in this process. Nothing there is a terminal."""
        code = main(["chart", str(self.project.id), *map(str, arguments)])
        out, err = self.capture.readouterr()
        return Outcome(code, out.decode(), err.decode())

    def paths(self) -> list[str]:
        """What was asked, since the test began."""
        return [each.path for each in self.server.simulator.ledger.requests][self._begun :]

    def __post_init__(self) -> None:
        self._begun = len(self.server.simulator.ledger.requests)


@pytest.fixture(scope="module")
def shared() -> Iterator[Server]:
    with serve(Simulator(7, time.time())) as server:
        yield server


@pytest.fixture(scope="module")
def project(shared: Server) -> Project:
    return shared.simulator.add_project([40, 70], name=NAME, now=time.time())


@pytest.fixture
def desk(
    shared: Server,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> Desk:
    for name in [*filter(CREDENTIALS.match, list(os.environ)), "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"]:
        monkeypatch.delenv(name, raising=False)
    kept = {"HOME": str(tmp_path), "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40"}
    for name, value in {**shared.environment, **kept}.items():
        monkeypatch.setenv(name, value)
    shared.simulator.conditions = Conditions()
    shared.simulator.clear_faults()
    return Desk(shared, project, capfdbinary)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as found:
        yield found


def image_of_an_equity() -> tuple[int, bytes]:
    """The exit code of a command that draws an image, and the image."""
    simulator = Simulator(7, time.time())
    project = simulator.add_project([40, 70], name=NAME, now=time.time())
    with serve(simulator) as server, tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "equity.png")
        command = [*COMMAND, "chart", str(project.id), "--to", str(path), "--count", "200"]
        environment = {**plain(folder), **server.environment}
        done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, check=False)
        return done.returncode, path.read_bytes() if path.exists() else b""


def picture(content: bytes) -> Any:
    """Pixels of a PNG: height x width x channels, from 0 to 1."""
    return matplotlib.image.imread(io.BytesIO(content), format="png")


class TestLines:
    def test_piped_every_point_is_a_line(self, desk: Desk) -> None:
        done = desk.chart("--count", 20)
        assert (done.code, done.err) == (0, "")
        assert {row["series"] for row in done.objects} == {"Equity", "Return"}
        candle = done.objects[0]
        assert list(candle) == ["project_id", "chart", "series", "unit", "time", "open", "high", "low", "close"]
        assert candle["project_id"] == desk.project.id
        assert str(candle["time"]).endswith("Z")
        assert desk.paths() == ["live/read", "live/list", "live/chart/read"]

    def test_it_begins_with_the_first_launch(self, desk: Desk) -> None:
        launched = int(desk.project.deployments[0].launched_at)
        told = datetime.fromisoformat(str(desk.chart("--count", 20).objects[0]["time"]))
        assert told.timestamp() == launched

    def test_since_and_until(self, desk: Desk) -> None:
        begun = datetime.fromtimestamp(int(desk.project.deployments[0].launched_at) + 86_400, UTC)
        done = desk.chart(
            "Benchmark", "--since", f"{begun:%Y-%m-%d}", "--until", f"{begun:%Y-%m-%dT%H:%M}", "--count", 9
        )
        times = [datetime.fromisoformat(str(row["time"])) for row in done.objects]
        assert times
        assert min(times) >= begun.replace(hour=0, minute=0, second=0)
        assert max(times) <= begun
        assert desk.paths() == ["live/read", "live/chart/read"]

    def test_it_ends_now_by_the_servers_clock(self, desk: Desk) -> None:
        ahead = 86_400.0
        desk.server.simulator.conditions = Conditions(clock_offset=ahead)
        begun = time.time()
        assert desk.chart("--count", 20).code == 0
        asked = [each for each in desk.server.simulator.ledger.requests if each.path == "live/chart/read"][-1]
        assert asked.payload["end"] == pytest.approx(begun + ahead, abs=30)

    def test_the_names(self, desk: Desk) -> None:
        assert [row["chart"] for row in desk.chart("--list").objects] == list(CHART_NAMES)
        assert desk.paths() == ["live/read"]

    @pytest.mark.parametrize("name", CHART_NAMES)
    def test_every_chart(self, desk: Desk, name: str) -> None:
        assert len(desk.chart(name, "--count", 5).objects) > 4


class TestRefusals:
    def test_an_unknown_name_lists_the_known_ones_the_nearest_first(self, desk: Desk) -> None:
        done = desk.chart("Portfolo Turnover")
        assert (done.code, done.out) == (2, "")
        assert "Did you mean 'Portfolio Turnover'? Its charts: Portfolio Turnover" in done.err.replace("\n", " ")
        assert all(name in done.err for name in CHART_NAMES)

    def test_case_does_not_matter(self, desk: Desk) -> None:
        assert desk.chart("benchmark", "--count", 5).objects[0]["chart"] == "Benchmark"

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--to", "x.gif"], ".html or .png, not .gif"),
            (["--to", "x"], "not a file without suffix"),
            (["--to", "x.html", "--json"], "choose one"),
            (["--since", "yesterday"], "no time such as"),
            (["--count", "0"], "'--count'"),
            (["--to", "nowhere/x.html"], "nowhere is not a folder"),
        ],
    )
    def test_wrong_usage_is_2_and_nothing_is_sent(self, desk: Desk, arguments: list[str], words: str) -> None:
        done = desk.chart(*arguments)
        assert (done.code, done.out) == (2, "")
        assert words in done.err
        assert desk.paths() == []

    def test_a_stretch_that_ends_before_it_begins(self, desk: Desk) -> None:
        done = desk.chart("--since", "2020-02-01", "--until", "2020-01-01")
        assert done.code == 2
        assert "before it begins" in done.err

    def test_a_stretch_without_points_is_1(self, desk: Desk) -> None:
        done = desk.chart("--since", "2020-01-01", "--until", "2020-01-02")
        assert (done.code, done.out) == (1, "")
        assert "'Strategy Equity' has no points from 2020-01-01 00:00:00 UTC to 2020-01-02" in done.err.replace(
            "\n", " "
        )

    def test_a_project_that_was_never_deployed_is_1(self, desk: Desk) -> None:
        empty = desk.server.simulator.add_project([], now=time.time())
        code = main(["chart", str(empty.id)])
        _, err = desk.capture.readouterr()
        assert code == 1
        assert b"Traceback" not in err
        assert err.startswith(b"error: ")

    def test_an_existing_file_is_replaced_only_by_force(self, desk: Desk, tmp_path: Path) -> None:
        path = tmp_path / "x.html"
        path.write_text("precious")
        assert desk.chart("--to", path).code == 2
        assert path.read_text() == "precious"
        assert desk.paths() == []
        assert desk.chart("--to", path, "--force", "--count", 20).code == 0
        assert path.read_text().startswith("<!doctype html>")

    def test_a_failure_leaves_no_file(self, desk: Desk, tmp_path: Path) -> None:
        desk.server.simulator.fault(FaultKind.FAILURE_LASTING, path="live/orders/read", times=math.inf)
        done = desk.chart("--to", tmp_path / "x.html")
        assert done.code in {1, 3}
        assert done.err.startswith("error: ")
        assert "Traceback" not in done.err
        assert list(tmp_path.iterdir()) == []

    def test_a_wrong_token(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("QUANTCONNECT_API_TOKEN", "canary-token")
        done = desk.chart()
        assert (done.code, done.out) == (1, "")
        assert "canary" not in done.err

    def test_ctrl_c(self, desk: Desk, tmp_path: Path) -> None:
        desk.server.simulator.fault(FaultKind.HANG, path="live/chart/read", times=math.inf)
        with running("chart", desk.project.id, "--to", tmp_path / "x.html") as process:
            while "live/chart/read" not in desk.paths():
                assert process.poll() is None
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=15)
        assert (process.returncode, err) == (130, "")
        assert list(tmp_path.iterdir()) == []


class TestTerminal:
    def test_the_equity_in_colour(self, desk: Desk) -> None:
        with terminal("chart", desk.project.id, "--count", 60) as shown:
            done = shown.finish()
        assert done.code == 0
        assert b"\x1b[38;5;39m" in shown.raw
        title, heading, *rest = done.out.splitlines()
        assert title.startswith("<img src=x onerror=alert(1)> & \\u202eco: Strategy Equity")
        assert heading.split() == ["Equity", "▲", "Buys", "▼", "Sells"]
        assert any("Drawdown" in text for text in rest)
        assert len(done.out.splitlines()) <= 40

    def test_without_colour(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NO_COLOR", "1")
        with terminal("chart", desk.project.id, "Exposure", "--count", 60) as shown:
            assert shown.finish().code == 0
        assert b"\x1b[38;" not in shown.raw
        assert b"Equity - Short Ratio" in shown.raw


@needs_browser
class TestPages:
    def test_the_commands_page_needs_nothing_and_fits_a_phone(
        self, desk: Desk, chromium: Browser, tmp_path: Path
    ) -> None:
        path = tmp_path / "equity.html"
        done = desk.chart("--to", path, "--count", 200)
        assert (done.code, done.out) == (0, "")
        assert f"written to {path}" in done.err.replace("\n", "")
        assert [each.name for each in tmp_path.iterdir()] == [path.name]
        with chromium.open(path, size=PHONE, touch=True, until=DRAWN) as sight:
            assert_quiet(sight)
            assert sight.evaluate("document.documentElement.scrollWidth") == 390
            assert sight.evaluate(SMALLEST) >= 11
            assert sight.evaluate("document.querySelector('h1').textContent").startswith("<img src=x onerror=alert(1)>")
            assert sight.evaluate("document.querySelectorAll('img').length") == 0
            plot, legend = (
                sight.evaluate(f"document.querySelector('{each}').getBoundingClientRect().{side}")
                for each, side in ((".cartesianlayer", "bottom"), (".legend", "top"))
            )
            assert legend >= plot - 1
            assert re.search(
                r"Observed\s*\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC",
                sight.evaluate("document.querySelector('header').innerText"),
            )
            names = sight.evaluate("[...document.querySelectorAll('.legendtext')].map(each => each.textContent)")
            assert names == ["Equity", "Buys", "Sells"]

    def test_light_and_dark_also_when_it_changes(self, chromium: Browser, tmp_path: Path) -> None:
        with chromium.open(kept(tmp_path, equity_picture()), until=DRAWN) as sight:
            light = colours(sight)
            sight.do(lambda page: page.emulate_media(color_scheme="dark"))
            sight.wait_for("document.querySelector('.main-svg').style.background !== 'rgb(255, 255, 255)'")
            dark = colours(sight)
            assert light == ["rgb(255, 255, 255)", "rgb(255, 255, 255)", "rgb(0, 114, 178)"]
            assert dark == ["rgb(21, 24, 28)", "rgb(21, 24, 28)", "rgb(86, 180, 233)"]
            sight.do(lambda page: page.emulate_media(media="print", color_scheme="dark"))
            sight.wait_for("document.querySelector('.main-svg').style.background === 'rgb(255, 255, 255)'")
            assert colours(sight) == light
            assert_quiet(sight)

    def test_a_mark_tells_what_it_is(self, chromium: Browser, tmp_path: Path) -> None:
        with chromium.open(kept(tmp_path, equity_picture()), until=DRAWN) as sight:
            sight.evaluate("Plotly.Fx.hover(document.querySelector('.figure'), [{curveNumber: 1, pointNumber: 0}])")
            text = sight.evaluate("document.querySelector('.hoverlayer').textContent")
            assert text == "Buy 1,500 SPY at $596.122024-06-03 10:33:20 UTC"

    def test_hostile_names_are_text(self, chromium: Browser, tmp_path: Path) -> None:
        with chromium.open(kept(tmp_path, hostile_picture()), until=DRAWN) as sight:
            for selector in ("img", "svg a", "svg [onerror]", "main a", "iframe", "b", "i"):
                assert sight.evaluate(f"document.querySelectorAll({json.dumps('main ' + selector)}).length") == 0, (
                    selector
                )
            shown = sight.evaluate("[...document.querySelectorAll('.legendtext')].map(each => each.textContent)")
            assert HOSTILE[0] in shown
            assert HOSTILE[4] in shown  # entities are not decoded
            for curve in range(len(HOSTILE)):
                sight.evaluate(
                    f"Plotly.Fx.hover(document.querySelector('.figure'), [{{curveNumber: {curve}, pointNumber: 0}}])"
                )
                assert sight.evaluate("document.querySelectorAll('.hoverlayer a, .hoverlayer image').length") == 0
            assert_quiet(sight)

    def test_names_are_no_colours_and_no_parts_of_javascript(self, chromium: Browser, tmp_path: Path) -> None:
        names = ["constructor", "toString", "#ffffff"]
        told = chart_figure(chart(*(series(name, line()) for name in names)))
        with chromium.open(kept(tmp_path, told), scheme="dark", until=DRAWN) as sight:
            shown = sight.evaluate("[...document.querySelectorAll('.legendtext')].map(each => each.textContent)")
            assert shown == names
            assert_quiet(sight)

    def test_every_type_is_drawn_without_a_complaint(self, chromium: Browser, tmp_path: Path) -> None:
        with chromium.open(kept(tmp_path, every_kind()), until=DRAWN) as sight:
            assert_quiet(sight)
            for selector in (
                ".boxes",
                ".bars .point",
                ".pielayer .slice",
                ".treemaplayer .slice",
                ".hm image",
                ".scatterlayer .js-fill",
            ):
                assert sight.evaluate(f"document.querySelectorAll({json.dumps(selector)}).length") > 0, selector


@needs_browser
class TestImages:
    @pytest.mark.early(job=image_of_an_equity)
    def test_the_commands_image_is_a_picture(self, early: tuple[int, bytes]) -> None:
        code, content = early
        assert code == 0
        pixels = picture(content)
        height, width, _ = pixels.shape
        assert width == 2 * 1_200
        assert height > 1_000
        assert pixels[0, 0, :3].tolist() == [1.0, 1.0, 1.0]
        assert near(pixels, 0, 114, 178) > 100
        assert near(pixels, 213, 94, 0) > 100
        assert near(pixels, 255, 255, 255) > 0.7 * width * height

    def test_without_a_browser_it_says_what_to_install(
        self, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "nothing"))
        done = desk.chart("Benchmark", "--to", tmp_path / "x.png", "--count", 5)
        assert done.code == 2
        assert "apt install chromium" in done.err
        assert "plotly_get_chrome" in done.err
        assert list(tmp_path.iterdir()) == []


def kept(folder: Path, figure: Figure) -> Path:
    path = folder / "page.html"
    path.write_text(pages.page("A page", [figure]), encoding="utf-8")
    return path


def equity_picture() -> Figure:
    told = [order(BEGIN + 3 * STEP, 1500, price=596.12), order(BEGIN + 20 * STEP, -1)]
    return equity_figure(equity(), told, drawdown=None)


def hostile_picture() -> Figure:
    values = [{"x": BEGIN + at, "y": at, "tooltip": HOSTILE[at]} for at in range(len(HOSTILE))]
    told = [series(name, values, seriesType=at % 2, unit=name, tooltip=name) for at, name in enumerate(HOSTILE)]
    return chart_figure(chart(*told, series("pie <b>", line(), seriesType=6), name=HOSTILE[1]))


def every_kind() -> Figure:
    told = [
        series(f"S{number}", walk(9) if number == 2 else line(), seriesType=number, index=number)
        for number in range(12)
    ]
    return chart_figure(chart(*told, series("S5 b", line(), seriesType=5, index=5)))


def assert_quiet(sight: Sight) -> None:
    assert sight.messages == []
    assert sight.outside == []
    assert sight.dialogs == []


def colours(sight: Sight) -> list[str]:
    """Of the page, of the picture, of the marks of buys."""
    found: list[str] = sight.evaluate(
        "[getComputedStyle(document.body).backgroundColor, document.querySelector('.main-svg').style.background,"
        " getComputedStyle(document.querySelector('.scatterlayer .point')).fill]"
    )
    return found


def near(pixels: Any, red: int, green: int, blue: int) -> int:
    """How many pixels have a colour."""
    apart = abs(pixels[:, :, :3] * 255 - [red, green, blue]).max(axis=2)
    return int((apart < 3).sum())
