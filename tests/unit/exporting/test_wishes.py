"""What is wanted, and the names that follow from it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

import qcasync
from qcasync.exporting.wishes import chart_files, wishes


def test_tables_come_once_and_in_a_fixed_order() -> None:
    wanted = wishes(["cash", "orders", "cash"], ["B", "A", "B"], "csv", None)
    assert wanted.tables == ("orders", "cash")
    assert wanted.names == ("orders.csv", "cash.csv", "chart-b.csv", "chart-a.csv")


def test_since_is_told_in_utc() -> None:
    since = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    assert wishes(["orders"], (), "csv", since).since == datetime(2025, 12, 31, 23, tzinfo=UTC)


def test_a_chart_alone_is_enough() -> None:
    assert wishes((), ["Drawdown"], "parquet", None).names == ("chart-drawdown.parquet",)


@pytest.mark.parametrize("name", ["", " ", "\n"])
def test_a_chart_needs_a_name(name: str) -> None:
    with pytest.raises(qcasync.ConfigurationError, match="without a name"):
        chart_files([name])


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("Drawdown", "chart-drawdown"),
        ("Strategy Equity", "chart-strategy-equity"),
        ("a/b", "chart-a-b-c14cddc0"),
        ("..", "chart-5ec1f7e7"),
    ],
)
def test_names_of_charts(name: str, file: str) -> None:
    assert chart_files([name]) == {name: file}


def test_charts_of_one_slug_have_different_files() -> None:
    files = chart_files(["Strategy Equity", "strategy equity", "Strategy-Equity"])
    assert len(set(files.values())) == 3
    assert all(file.startswith("chart-strategy-equity-") for file in files.values())


def test_no_chart_leaves_the_folder() -> None:
    hostile = ["../../etc/passwd", "a\\b", "C:x", "=x", "\x1b[2J", ".", "Größe", "x" * 500, "\ud800", "con", "a\0b"]
    files = chart_files(hostile)
    assert len(set(files.values())) == len(hostile)
    for file in files.values():
        assert file.startswith("chart-")
        assert len(file) < 80
        assert set(file) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
