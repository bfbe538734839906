import csv
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

import qcasync
from qcasync.cli.csv_file import csv_file


def written(path: Path, *cells: object) -> list[str]:
    with csv_file(path, ["first"], overwrite=True) as file:
        file.write([cells])
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))[1]


@pytest.mark.parametrize("text", ["=SUM(A1)", "+1", "-1", "@here", "\tx", "\rx", "\nx"])
def test_text_that_a_spreadsheet_would_compute_gets_an_apostrophe(tmp_path: Path, text: str) -> None:
    assert written(tmp_path / "a.csv", text) == ["'" + text]


def test_numbers_stay_numbers_and_other_text_stays_itself(tmp_path: Path) -> None:
    assert written(tmp_path / "a.csv", -1.5, -3, None, "a=b", 'a "quoted", cell', "Größe ✓") == [
        "-1.5",
        "-3",
        "",
        "a=b",
        'a "quoted", cell',
        "Größe ✓",
    ]


def test_moments_are_iso_in_utc(tmp_path: Path) -> None:
    noon = datetime(2025, 6, 15, 12, tzinfo=timezone(timedelta(hours=2)))
    assert written(tmp_path / "a.csv", noon, noon.astimezone(UTC)) == ["2025-06-15T10:00:00Z"] * 2


def test_half_a_surrogate_pair_costs_nothing_but_itself(tmp_path: Path) -> None:
    assert written(tmp_path / "a.csv", "x\ud83d") == ["x\\ud83d"]


def test_an_existing_file_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("precious")
    with pytest.raises(qcasync.ConfigurationError, match="--force"), csv_file(path, ["a"], overwrite=False):
        pytest.fail("the block began")
    assert path.read_text() == "precious"


def test_a_file_that_somebody_made_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with pytest.raises(qcasync.ConfigurationError), csv_file(path, ["a"], overwrite=False):
        path.write_text("precious")
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_left_of_a_file_that_was_not_finished(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with pytest.raises(KeyboardInterrupt), csv_file(path, ["a"], overwrite=False) as file:
        file.write([["1"]])
        assert not path.exists()
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["", "missing/a.csv"])
def test_a_place_where_no_file_can_be_is_a_wrong_argument(tmp_path: Path, path: str) -> None:
    with pytest.raises(qcasync.ConfigurationError), csv_file(tmp_path / path, ["a"], overwrite=True):
        pytest.fail("the block began")


def test_a_device_is_never_replaced() -> None:
    device = Path("/dev/null")
    with pytest.raises(qcasync.ConfigurationError, match="not a file"), csv_file(device, ["a"], overwrite=True):
        pytest.fail("the block began")
