"""The page of a report, read as a browser would: what is text stays text."""

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import msgspec
import pytest

import qcasync
from qcasync.pictures.report_data import InsightTail, LogTail, ReportData
from qcasync.pictures.report_page import report_page
from qcasync.pictures.report_view import RECENT
from qcasync.simulator import Conditions
from tests.unit.pictures.reports import HOSTILE, gathered, hostile, unread

pytest.importorskip("jinja2")
pytest.importorskip("plotly")


class Page(HTMLParser):
    """The elements and the text of a page, without what its scripts and styles say."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: set[str] = set()
        self.headings: list[str] = []
        self.rows = 0
        self._words: list[str] = []
        self._inside: list[str] = []
        self.feed(text)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self._words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes |= {name for name, _ in attrs}
        if tag not in {"meta", "link", "br"}:
            self._inside.append(tag)
        if tag == "h2":
            self.headings.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._inside.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self._inside):
            self._words.append(data)
            if "h2" in self._inside:
                self.headings[-1] += data


@pytest.fixture(scope="module")
def data() -> ReportData:
    return gathered()


@pytest.fixture(scope="module")
def shown(data: ReportData) -> Page:
    return Page(report_page(data))


SECTIONS = [
    "Equity and drawdown",
    "Exposure",
    "Holdings",
    "Recent orders",
    "Fill quality",
    "Latest log lines",
    "Latest insights",
]


def test_its_sections(shown: Page) -> None:
    assert shown.headings == SECTIONS
    assert shown.tags["script"] == 2 + 1 + 4  # Plotly and our own, the dark colours, and four figures
    assert not {"src", "srcset", "action"} & shown.attributes


def test_status_and_statistics(shown: Page, data: ReportData) -> None:
    for text in ("Momentum", str(data.project_id), data.live.deploy_id, "● running", "PaperBrokerage", "Launched"):
        assert text in shown.text
    for name, value in {**data.runtime_statistics, **data.server_statistics}.items():
        assert name in shown.text
        assert value in shown.text
    assert "about every 10 minutes" in shown.text


def test_holdings_orders_and_log(shown: Page, data: ReportData) -> None:
    assert isinstance(data.portfolio, qcasync.Portfolio)
    assert isinstance(data.log, LogTail)
    assert "Share of equity" in shown.text
    assert "Cash" in shown.text
    assert f"The last {RECENT} of 90 orders" in shown.text
    assert data.orders[-1].time.strftime("%Y-%m-%d %H:%M:%S") in shown.text
    assert data.orders[-RECENT - 1].time.strftime("%Y-%m-%d %H:%M:%S") not in shown.text
    newest, older = (data.orders[-at].time.strftime("%Y-%m-%d %H:%M:%S") for at in (1, 2))
    assert shown.text.index(newest) < shown.text.index(older)
    assert data.log.lines[-1].split("\n")[0].strip() in shown.text


def test_fill_quality(shown: Page, data: ReportData) -> None:
    quality = data.fill_quality
    assert f"{len(quality.fills)} of {quality.filled} filled orders" in shown.text
    for text in ("after resting", "By symbol", "By type of order", "Effective / quoted spread", "stop limit"):
        assert text in shown.text


def test_hostile_text_stays_text(data: ReportData, shown: Page) -> None:
    made = Page(report_page(hostile(data)))
    assert made.tags["img"] == made.tags["a"] == 0
    assert made.tags["script"] == shown.tags["script"]
    assert made.tags.keys() <= shown.tags.keys() | {"strong"}  # the error's
    assert not {name for name in made.attributes if name.startswith("on")}
    assert made.headings == SECTIONS
    assert r"<!--]]>\x1b[2J\u202e$&#60;" in made.text
    assert "1337" not in made.text  # no template reads it
    assert "\x1b" not in made.text
    assert "\u202e" not in made.text


def test_what_was_not_read_is_said_in_its_place(data: ReportData) -> None:
    made = Page(report_page(unread(data, f"live/portfolio/read: {HOSTILE}")))
    assert made.headings == SECTIONS
    assert made.text.count("Not read: live/portfolio/read") == 6
    assert made.tags["script"] == 2 + 1 + 2  # no charts: only slippage and time
    assert made.tags["img"] == 0


def test_it_says_where_the_drawdown_comes_from(data: ReportData, shown: Page) -> None:
    computed = "The drawdown is computed from the equity."
    assert computed not in shown.text
    assert computed in Page(report_page(replace(data, drawdown=qcasync.Chart(name="Drawdown")))).text


def test_a_young_deployment(data: ReportData) -> None:
    young = replace(
        data,
        listing=replace(data.listing, orders=()),
        portfolio=qcasync.Portfolio(),
        equity=qcasync.Chart(name="Strategy Equity"),
        drawdown=qcasync.Chart(name="Drawdown"),
        exposure=qcasync.Chart(name="Exposure"),
        log=LogTail(lines=(), total=0),
        insights=InsightTail(insights=(), total=0),
    )
    made = Page(report_page(young))
    assert made.headings == SECTIONS[:-1]
    assert made.tags["script"] == 0
    for text in (
        "has no points in the period yet",
        "No open positions.",
        "No orders in the period.",
        "No order of the period was filled.",
        "has logged nothing yet",
    ):
        assert text in made.text


def test_an_error_of_the_algorithm_stands_at_the_top(data: ReportData) -> None:
    failed = msgspec.structs.replace(
        data.live, status=qcasync.AlgorithmStatus.RUNTIME_ERROR, message="Runtime Error: division\n  at main.py:12"
    )
    text = Page(report_page(replace(data, live=failed))).text
    assert "▲ runtime error" in text
    assert "Error Runtime Error: division at main.py:12" in text.replace("ErrorRuntime", "Error Runtime")


def test_the_documented_form_and_a_project_that_was_never_deployed() -> None:
    told = Page(report_page(gathered(Conditions(live_answer="results"), (5,)))).text
    assert "status not told" in told
    assert "never deployed" in Page(report_page(gathered(deployments=()))).text


def test_orders_that_cannot_be_decoded_are_told() -> None:
    text = Page(report_page(gathered(Conditions(broken_orders=frozenset({3})), (10,)))).text
    assert "cannot be decoded, and are in none of the figures: 1." in text
