import subprocess
import sys

import pytest

import qcasync
from qcasync.cli.__main__ import main
from qcasync.cli.exit_codes import exit_code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (qcasync.ConfigurationError("no"), 2),
        (qcasync.IncompleteRead("x", "no"), 3),
        (qcasync.NotReady("x", None, 1.0), 3),
        (qcasync.AuthenticationError("x", 200), 1),
        (qcasync.RequestTimeout("x", "slow", "no"), 1),
        (OSError(28, "No space left on device"), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_exit_codes(error: qcasync.QuantConnectError | OSError, code: int) -> None:
    assert exit_code(error) == code


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"qcasync {qcasync.__version__}\n"


def test_help_fits_a_screen(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["--help"]) == 0
    lines = capsys.readouterr().out.strip().splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)


@pytest.mark.parametrize(
    "arguments",
    [
        ["frobnicate"],
        ["orders"],
        ["orders", "0"],
        ["orders", "twelve"],
        ["--transport", "telnet", "doctor"],
        ["orders", "1", "--json", "--csv", "x.csv"],
        ["simulator", "--project", "4,many"],
        ["simulator", "--project", "-1"],
        ["simulator", "--host", "0.0.0.0"],
        ["demo", "--latency", "-1"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2_and_nothing_on_stdout(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Error" in err


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_the_extra_one_sentence_says_what_to_install(missing: str) -> None:
    script = f"import sys; sys.modules[{missing!r}] = None; from qcasync.cli.__main__ import main; sys.exit(main([]))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "The command line needs typer and rich: pip install 'qcasync[cli]'\n"
