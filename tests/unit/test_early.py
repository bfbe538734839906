"""What tests/early.py begins is done once, before its tests, and fails them for all that would fail a test."""

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

SUITE = """
import pathlib, warnings
import pytest

def count():
    with pathlib.Path("counted").open("a") as file:
        file.write("x")
    return "done"

@pytest.mark.early(job=count)
def test_what_is_done(early):
    assert early == "done"

@pytest.mark.early(job=count)
def test_that_shares_it(early):
    assert pathlib.Path("counted").read_text() == "x"

def refuse(number):
    raise ValueError(f"no {number}")

@pytest.mark.early(job=refuse)
@pytest.mark.parametrize("number", [7, 8])
def test_refused(number, early):
    pass

def warn():
    warnings.warn("careful")

@pytest.mark.early(job=warn)
def test_warned(early):
    pass

class Bad:
    def __del__(self):
        raise ValueError("too late")

def lose():
    Bad()

@pytest.mark.early(job=lose)
def test_where_nobody_can_raise(early):
    pass

def test_that_waits_for_nothing():
    pass
"""


def test_jobs_in_a_session(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    pytester.makepyfile(SUITE)
    result = pytester.runpytest_subprocess("-v", "-p", "tests.early", "-p", "no:randomly", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=3, errors=4)
    names = ("waits_for_nothing", "what_is_done", "shares_it", "refused*7*", "refused*8*", "warned", "nobody_can_raise")
    result.stdout.fnmatch_lines([f"*::test_*{name}*" for name in names])
    for told in ("ValueError: no 7", "ValueError: no 8", "UserWarning: careful", "ValueError('too late')"):
        result.stdout.fnmatch_lines_random([f"*{told}*"])
