import io

import pytest
from rich.console import Console

import qcasync
from qcasync.cli.progress import Bars

PATH = "live/orders/read"


@pytest.fixture
def screen() -> io.StringIO:
    return io.StringIO()


def bars_on(screen: io.StringIO, *, terminal: bool) -> Bars:
    return Bars(Console(file=screen, force_terminal=terminal, width=100, color_system=None), transient=False)


def test_a_bar_shows_what_the_listing_waits_for(screen: io.StringIO) -> None:
    with bars_on(screen, terminal=True) as bars:
        bar = bars.add("[red]Large\x1b[2J")
        bar(qcasync.LoadingObserved(endpoint=PATH, progress=0.25, waited=1.0))
        bars.refresh()
        bar(qcasync.RetryScheduled(endpoint=PATH, attempt=1, after=0.5, reason="the server failed", sent="yes"))
        bars.refresh()
        bar(qcasync.WindowRead(endpoint=PATH, project_id=1, start=0, end=100, count=100, hint=250))
        bar.read(100, 250)
        bars.refresh()
        bar.done(250)
    shown = screen.getvalue()
    for text in (
        r"[red]Large\x1b[2J",
        "server prepares (25%)",
        "retry in 0.5 s",
        "100 of 250",
        "250 orders",
        "complete",
    ):
        assert text in shown


def test_nothing_is_shown_where_nobody_watches_but_what_is_told(screen: io.StringIO) -> None:
    with bars_on(screen, terminal=False) as bars:
        bar = bars.add("Large")
        bar.read(100, 250)
        bar.tell("a \x1b[2Jline")
        bar.done(250)
    assert screen.getvalue() == "a \\x1b[2Jline\n"
