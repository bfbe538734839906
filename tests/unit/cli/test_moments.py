"""Moments on the command line."""

import pytest
import typer

from qcasync.cli.moments import moment


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2024-06-01", "2024-06-01T00:00:00+00:00"),
        ("2024-06-01T14:30", "2024-06-01T14:30:00+00:00"),
        ("2024-06-01 14:30:05+02:00", "2024-06-01T12:30:05+00:00"),
    ],
)
def test_moments(text: str, iso: str) -> None:
    assert moment(text).isoformat() == iso


@pytest.mark.parametrize("text", ["", "yesterday", "2024-13-01", "0001-01-01T00:00+23:59"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        moment(text)
