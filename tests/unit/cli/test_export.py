"""`qcasync export`: what its options mean, and what it says while it runs."""

import io

import pytest
from rich.console import Console

from qcasync import RequestSent
from qcasync.cli.__main__ import main
from qcasync.cli.export import _Board
from qcasync.cli.progress import Bars
from qcasync.exporting import ExportProgress


@pytest.mark.parametrize("arguments", [["export", "1"], ["export", "0", "--to", "x"], ["export", "1", "--format=x"]])
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().out == ""


def test_the_board_has_a_bar_for_each_table_and_stage(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with Bars(console, transient=False) as bars:
        board = _Board(bars)
        board(ExportProgress(stage="goes on", table="orders", rows=1200))
        board(ExportProgress(stage="reads", table="orders", rows=1500, expected=2000))
        board(ExportProgress(stage="begins anew", detail="the list\x1b[2J has moved"))
        board(ExportProgress(stage="reads", table="orders", rows=2000, expected=2000))
        board(ExportProgress(stage="writes", table="order_events", rows=10))
        bars.refresh()
    shown = console.file.getvalue()  # type: ignore[attr-defined]  # it is a StringIO
    assert "reading orders" in shown
    assert "writing order events" in shown
    assert "2,000 of 2,000" in shown
    assert "the list\\x1b[2J has moved" in shown
    assert "Going on with an interrupted export: 1,200 orders were read." in capsys.readouterr().err


def test_the_board_knows_what_is_read_and_how_far(capsys: pytest.CaptureFixture[str]) -> None:
    with Bars(Console(file=io.StringIO()), transient=True) as bars:
        board = _Board(bars)
        board(ExportProgress(stage="goes on", table="orders", rows=1200))
        board.observe(RequestSent(endpoint="live/orders/read", attempt=1, body_bytes=9))
        assert (board.endpoint, board.read, board.is_reading) == ("live/orders/read", 1200, True)
        board(ExportProgress(stage="begins anew", table="orders", detail="the list has moved"))
        board.observe(RequestSent(endpoint="live/logs/read", attempt=1, body_bytes=9))
        assert (board.endpoint, board.read, board.is_reading) == ("live/logs/read", 0, True)
        board(ExportProgress(stage="reads", table="log_lines", rows=250))
        assert board.read == 250
        board(ExportProgress(stage="writes", table="orders", rows=10))
        assert (board.read, board.is_reading) == (250, False)
    assert "The list has moved: it is read anew." in capsys.readouterr().err
