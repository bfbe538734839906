"""What `qcasync chart` understands, and the file that it writes."""

import errno
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer

import qcasync
from qcasync.cli import whole_file
from qcasync.cli.chart_reading import chosen, names_of
from qcasync.cli.moments import moment

NAMES = ("Strategy Equity", "Drawdown", "Portfolio Turnover", "Portfolio Margin")


class TestNames:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [("Drawdown", "Drawdown"), ("drawDOWN", "Drawdown"), ("strategy equity", "Strategy Equity")],
    )
    def test_what_a_name_means(self, name: str, expected: str) -> None:
        assert chosen(name, NAMES, 7) == expected

    def test_the_exact_name_wins(self) -> None:
        assert chosen("a", ("A", "a"), 7) == "a"

    def test_two_that_differ_in_case_only_have_to_be_told_apart(self) -> None:
        with pytest.raises(qcasync.ConfigurationError):
            chosen("AB", ("ab", "Ab"), 7)

    def test_without_a_list_the_name_is_asked_for_as_it_is(self) -> None:
        assert chosen("Mine", (), 7) == "Mine"

    def test_near_names_come_first(self) -> None:
        with pytest.raises(qcasync.ConfigurationError) as refused:
            chosen("portfolio turnovr", NAMES, 7)
        assert "Project 7 has no chart 'portfolio turnovr'." in str(refused.value)
        assert "Did you mean 'Portfolio Turnover'? Its charts: Portfolio Turnover, " in str(refused.value)

    def test_a_list_has_an_end_and_is_clean(self) -> None:
        with pytest.raises(qcasync.ConfigurationError) as refused:
            chosen("\x1b[1m", ["\x1b[31m", *map(str, range(100))], 7)
        assert "\x1b" not in str(refused.value)
        assert "and 71 more." in str(refused.value)

    def test_from_either_form_of_live_read(self) -> None:
        charts = {name: qcasync.Chart(name=name) for name in NAMES}
        assert names_of(qcasync.LiveAlgorithm(charts=charts)) == NAMES
        assert names_of(qcasync.LiveAlgorithm(results=qcasync.LiveResult(charts=charts))) == NAMES
        assert names_of(qcasync.LiveAlgorithm()) == ()


class TestMoments:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("2024-06-01", datetime(2024, 6, 1, tzinfo=UTC)),
            ("2024-06-01T14:30", datetime(2024, 6, 1, 14, 30, tzinfo=UTC)),
            ("2024-06-01 14:30:05Z", datetime(2024, 6, 1, 14, 30, 5, tzinfo=UTC)),
            ("2024-06-01T14:30+02:00", datetime(2024, 6, 1, 12, 30, tzinfo=UTC)),
        ],
    )
    def test_utc_unless_it_says_otherwise(self, text: str, expected: datetime) -> None:
        assert moment(text) == expected

    @pytest.mark.parametrize("text", ["", "now", "2024-13-01", "1717400000", "0001-01-01T00:00+02:00"])
    def test_anything_else(self, text: str) -> None:
        with pytest.raises(typer.BadParameter):
            moment(text)


class TestWholeFile:
    def test_it_is_there_and_nothing_else(self, tmp_path: Path) -> None:
        whole_file.write(tmp_path / "x", b"content", overwrite=False)
        assert (tmp_path / "x").read_bytes() == b"content"
        assert len(list(tmp_path.iterdir())) == 1

    def test_what_exists_stays(self, tmp_path: Path) -> None:
        path = tmp_path / "x"
        path.write_text("precious")
        with pytest.raises(qcasync.ConfigurationError, match="--force"):
            whole_file.write(path, b"new", overwrite=False)
        assert path.read_text() == "precious"
        whole_file.write(path, b"new", overwrite=True)
        assert path.read_text() == "new"

    def test_nothing_is_left_of_what_failed(self, tmp_path: Path) -> None:
        with pytest.raises(TypeError):
            whole_file.write(tmp_path / "x", "no bytes", overwrite=False)  # type: ignore[arg-type]
        assert list(tmp_path.iterdir()) == []

    def test_a_disk_that_is_full_is_told_with_the_file(self, tmp_path: Path) -> None:
        full = pytest.raises(qcasync.ConfigurationError, match=r"x\.html cannot be written: No space left")
        with full, whole_file.begin(tmp_path / "x.html", overwrite=False):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        assert list(tmp_path.iterdir()) == []

    def test_a_device_is_never_replaced(self) -> None:
        with pytest.raises(qcasync.ConfigurationError, match="not a file"):
            whole_file.check(Path("/dev/null"), overwrite=True)

    @pytest.mark.parametrize("name", ["x" * 300, "x" * 250])
    def test_a_name_that_is_too_long_is_noticed_before_any_work(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(qcasync.ConfigurationError, match="cannot be written"):
            whole_file.probe(tmp_path / name, overwrite=False)

    def test_a_probe_leaves_nothing(self, tmp_path: Path) -> None:
        whole_file.probe(tmp_path / "x", overwrite=False)
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(qcasync.ConfigurationError, match="not a folder"):
            whole_file.check(tmp_path / "no" / "x", overwrite=False)
