"""What tests/aside.py runs in another process comes out as if it had run here, whatever becomes of that process."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

pytest_plugins = ["pytester"]

HERE = """
import os, pathlib

def test_here():
    pathlib.Path("here").write_text(str(os.getpid()))
"""
ASIDE = """
import os, pathlib
import pytest

pytestmark = pytest.mark.aside

@pytest.mark.parametrize("name", ["b", "a"])
def test_elsewhere(name):
    with pathlib.Path("elsewhere").open("a") as file:
        file.write(f"{name}{os.getpid()}\\n")

def test_that_fails():
    assert 6 * 7 == 41

@pytest.fixture
def broken():
    yield
    raise ValueError("at the end")

def test_whose_fixture_fails(broken):
    pass

@pytest.mark.skip(reason="not today")
def test_skipped():
    pass

@pytest.mark.xfail(reason="known", strict=True)
def test_known():
    raise ValueError
"""
DIES = """
import os
import pytest

pytestmark = pytest.mark.aside

def test_that_passes():
    pass

def test_that_ends_it_all():
    os._exit(7)

def test_that_never_comes():
    pass
"""

LATE = """
import time
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session):
    if session.config.option.aside_of:
        time.sleep(0.5)
"""
WAITS = """
import pathlib, time
import pytest

pytestmark = pytest.mark.aside

@pytest.fixture
def begun():
    pathlib.Path("begun").touch()
    yield
    pathlib.Path("ended").touch()

def test_that_waits(begun):
    time.sleep(SECONDS)

def test_after_it():
    pathlib.Path("went on").touch()
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    pytester.makepyfile(test_here=HERE, test_elsewhere=ASIDE)
    return pytester


def run(suite: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return suite.runpytest_inprocess("-p", "tests.aside", "-p", "no:cacheprovider", "-p", "no:randomly", *arguments)


def processes(suite: pytest.Pytester) -> tuple[list[str], set[int]]:
    """Which of the two ran elsewhere, in turn, and in which processes."""
    lines = (suite.path / "elsewhere").read_text().split()
    return [line[0] for line in lines], {int(line[1:]) for line in lines}


def test_reports_come_out_here(suite: pytest.Pytester) -> None:
    result = run(suite, "-v", "-rsx")
    result.assert_outcomes(passed=4, failed=1, errors=1, skipped=1, xfailed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines_random(
        ["E * assert (6 * 7) == 41", "E * ValueError: at the end", "SKIPPED * not today"]
    )
    result.stdout.no_fnmatch_line("aside: it ended*")
    assert int((suite.path / "here").read_text()) == os.getpid()
    names, where = processes(suite)
    assert names == ["b", "a"]
    assert len(where) == 1
    assert os.getpid() not in where


@pytest.mark.parametrize("argument", ["--together", "test_elsewhere.py"])
def test_together_or_alone_they_run_here(suite: pytest.Pytester, argument: str) -> None:
    run(suite, argument).assert_outcomes(
        passed=3 + (argument == "--together"), failed=1, errors=1, skipped=1, xfailed=1
    )
    assert processes(suite) == (["b", "a"], {os.getpid()})


def test_a_process_that_dies_fails_what_it_has_not_run(suite: pytest.Pytester) -> None:
    (suite.path / "test_elsewhere.py").write_text(DIES)
    result = run(suite)
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(["The other process ended.", "aside: it ended with status 7:"])


def test_what_failed_here_is_remembered_and_written_down(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By --lf and in JUnit's XML, also where the other process ends last, and whatever PYTEST_ADDOPTS says."""
    suite.makepyfile(test_here="def test_here(): assert 0")
    suite.makeconftest(LATE)
    monkeypatch.setenv("PYTEST_ADDOPTS", "--junitxml=told.xml")
    result = suite.runpytest_inprocess("-p", "tests.aside", "-p", "no:randomly")
    result.assert_outcomes(passed=3, failed=2, errors=1, skipped=1, xfailed=1)
    assert len(ET.parse(suite.path / "told.xml").findall(".//testcase")) == 7
    failed = json.loads((suite.path / ".pytest_cache/v/cache/lastfailed").read_text())
    assert {name.partition("::")[2] for name in failed} == {"test_here", "test_that_fails", "test_whose_fixture_fails"}


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_who_stops_this_process_stops_the_other(suite: pytest.Pytester, how: signal.Signals) -> None:
    """Ctrl-C at once; and if this one is killed, when the test that runs there has ended."""
    (suite.path / "test_elsewhere.py").write_text(WAITS.replace("SECONDS", "60" if how == signal.SIGINT else "0.5"))
    command = [sys.executable, "-m", "pytest", "-p", "tests.aside", "-p", "no:randomly"]
    process = subprocess.Popen(command, cwd=suite.path, stdout=subprocess.PIPE, text=True)
    wait_for(suite.path / "begun")
    process.send_signal(how)
    output, _ = process.communicate()
    wait_for(suite.path / "ended")
    assert process.returncode == (pytest.ExitCode.INTERRUPTED if how == signal.SIGINT else -how)
    assert "aside: it ended" not in output
    time.sleep(0.3)
    assert not (suite.path / "went on").exists()


def wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.02)
