import json
from datetime import UTC, datetime

import pytest

import qcasync
from qcasync.cli import output


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("two\nlines\t", r"two\nlines\t"),
        ("\x9b2J", r"\x9b2J"),
        ("abc\u202efdp.exe", r"abc\u202efdp.exe"),
        ("[bold]not markup[/]", "[bold]not markup[/]"),
        ("Größe ✓", "Größe ✓"),
        (12, "12"),
    ],
)
def test_what_steers_a_terminal_is_shown_as_its_escape(hostile: object, shown: str) -> None:
    assert output.clean(hostile) == shown


@pytest.mark.parametrize("text", ["\x1b[2J", "\x7f", "\x9b2J", "\u202eabc", "a\u2028b", "Größe ✓", "\\u009b"])
def test_json_lines_steer_no_terminal_and_lose_nothing(text: str) -> None:
    line = output.json_line({"tag": text})
    assert json.loads(line) == {"tag": text}
    assert line.count(b"\n") == 1
    assert all(character.isprintable() for character in line.decode().rstrip("\n"))


def test_cells_are_text_whatever_they_hold(capsys: pytest.CaptureFixture[str]) -> None:
    table = output.table("[red]title")
    table.add_column("a")
    output.row(table, "[bold]x[/bold] :smile: \x1b[31m")
    output.results().print(table)
    assert r"[bold]x[/bold] :smile: \x1b[31m" in capsys.readouterr().out


def test_an_error_is_told_with_its_hint_and_notes_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    error = qcasync.APIError("live/read", 200, ["no \x1b[31m[b]such[/b]"], "Look again.")
    error.add_note("Not sent again: twice is enough.")
    output.explain(error)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        r"error: live/read: QuantConnect refused the request: no \x1b[31m[b]such[/b]",
        "  HINT: Look again.",
        "Not sent again: twice is enough.",
    ]


def test_an_error_without_words_has_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    output.explain(OSError())
    assert capsys.readouterr().err == "error: OSError\n"


def test_names_are_as_people_write_them() -> None:
    assert output.name_of(qcasync.OrderStatus.PARTIALLY_FILLED) == "partially filled"
    assert output.name_of(qcasync.AlgorithmStatus("Dream\x1b")) == r"Dream\x1b"
    assert output.name_of(None) == ""


def test_moments_are_to_the_second() -> None:
    assert output.when(datetime(2025, 6, 15, 15, 6, 40, 999_999, tzinfo=UTC)) == "2025-06-15 15:06:40"
    assert output.when(None) == ""
