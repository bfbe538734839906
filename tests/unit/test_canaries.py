"""The watch of tests/canaries.py finds every form in every place, and repeats none of it."""

import base64
import hashlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcasync._core.signing import Credentials, sign
from qcasync.simulator import Simulator, serve
from tests.canaries import HELD_BACK, LIBRARIES, Canaries, find, hold_back, invent, with_rich

pytest_plugins = ["pytester"]

TOKEN = invent(0)
HASH = hashlib.sha256(f"{TOKEN}:1735689600".encode()).hexdigest()
VALUE = dict(sign(Credentials(12345, TOKEN), 1735689600))["Authorization"]
PAIR = f"12345:{HASH}"

QUIET = ("uvicorn.error", "uvicorn.access", "uvicorn.asgi")
"""A server in a test is told to be: what these say is below CRITICAL, and so is never made."""

FORMS: dict[str, tuple[str, Callable[[str], str]]] = {
    "plain": ("plain", str),
    "upper case": ("plain", str.upper),
    "reversed case": ("plain", str.swapcase),
    "reversed": ("reversed", lambda secret: secret[::-1]),
    "URL-quoted in part": ("URL-quoted", lambda secret: secret.replace(secret[4], f"%{ord(secret[4]):02x}")),
    "URL-quoted": ("URL-quoted", lambda secret: "".join(f"%{ord(letter):02X}" for letter in secret)),
    "hex": ("hex", lambda secret: secret.encode().hex()),
    "upper-case hex": ("hex", lambda secret: secret.encode().hex().upper()),
    "hex after an odd digit": ("hex", lambda secret: "7" + secret.encode().hex()),
    "reversed hex": ("hex", lambda secret: secret.encode().hex()[::-1]),
    "base64": ("base64", lambda secret: base64.b64encode(secret.encode()).decode()),
    "base64, shifted by one": ("base64", lambda secret: base64.b64encode(b":" + secret.encode()).decode()),
    "base64, shifted by two": ("base64", lambda secret: base64.b64encode(b"1:" + secret.encode()).decode()),
    "base64 for URLs": ("base64", lambda secret: base64.urlsafe_b64encode(b"\xff\xfe?" + secret.encode()).decode()),
    "base64 in reversed case": ("base64", lambda secret: base64.b64encode(secret.encode()).decode().swapcase()),
    "reversed base64": ("base64", lambda secret: base64.b64encode(secret.encode()).decode()[::-1]),
    "base64 within base64's letters": ("base64", lambda secret: "ab" + base64.b64encode(secret.encode()).decode()),
}


@pytest.mark.parametrize("spelled", FORMS)
@pytest.mark.parametrize("secret", [TOKEN, HASH, PAIR], ids=["token", "hash", "pair"])
@pytest.mark.parametrize("around", ["{}", "x\n {} y", "x='{}', y=1", "({}) ", "…{}…"])
def test_every_form_is_found(spelled: str, secret: str, around: str) -> None:
    form, encode = FORMS[spelled]
    found = find(around.format(encode(secret)))
    if secret is TOKEN:
        assert found == form
    assert found is not None


@pytest.mark.parametrize(
    "text", [VALUE, VALUE.lower(), f"Authorization: {VALUE}\n", f"[(b'authorization', b'{VALUE}')]"]
)
def test_an_authorization_value_is_found(text: str) -> None:
    assert find(text) == "plain"
    assert find(VALUE.removeprefix("Basic ")) == "base64"


@given(st.integers(0, 2**32), st.text(max_size=80), st.text(max_size=80), st.sampled_from(sorted(FORMS)))
def test_every_simulated_token_is_found_anywhere(seed: int, before: str, after: str, spelled: str) -> None:
    """Whatever stands around it, if a blank keeps the letters of an encoding apart."""
    _, encode = FORMS[spelled]
    assert find(f"{before} {encode(Simulator(seed).api_token)} {after}") is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a simulated QuantConnect, simulated-or-not",
        "simulated-" + "0" * 23,
        "L-" + "0f" * 16,
        HASH[:63],
        HASH + "0",
        "Basic authentication of the user id",
        "/tmp/pytest-of-somebody/pytest-0/test_a_very_long_name_of_a_test_that_has_parameters_0/file.csv",
        "%", "100 % of 5%2", "0" * 500, "x" * 500,
    ],
)  # fmt: skip
def test_what_is_no_secret_is_not_found(text: str) -> None:
    assert find(text) is None


def test_known_secrets_are_found_in_every_form() -> None:
    secret = "correct-horse-battery-staple-correct-horse"
    assert find(f"a {secret} b") is None
    for form, encode in FORMS.values():
        assert find(f"a {encode(secret)} b", [secret]) == form
    canaries = Canaries()
    canaries.know(secret)
    assert canaries.scan([("here", "nothing"), ("there", secret.upper())]) == ["plain in there"]
    with pytest.raises(ValueError, match="7 characters will be found everywhere"):
        canaries.know("1234567")


def test_lines_with_secrets_are_held_back() -> None:
    assert hold_back(f"a\n{TOKEN}\nb\n{VALUE} c") == f"a\n{HELD_BACK}\nb\n{HELD_BACK}"
    assert hold_back("a\nb") == "a\nb"


def test_invented_secrets_look_like_simulated_tokens() -> None:
    assert {len(invent(number)) for number in range(100)} == {len(Simulator(1).api_token)}
    assert all(find(invent(number)) == "plain" for number in range(100))


@pytest.mark.parametrize("library", LIBRARIES)
def test_no_library_keeps_its_records(library: str) -> None:
    """Every record down to DEBUG is made, and reaches the watch."""
    for name in [library, *(name for name in logging.root.manager.loggerDict if name.startswith(f"{library}."))]:
        logger = logging.getLogger(name)
        if name in QUIET and logger.level == logging.CRITICAL:
            continue
        assert logger.propagate
        assert logger.isEnabledFor(logging.DEBUG)


def test_a_server_in_a_test_is_quiet() -> None:
    """Once one ran, its loggers make no record, of which the watch might miss some."""
    with serve(Simulator(3)):
        pass
    assert not any(logging.getLogger(name).isEnabledFor(logging.ERROR) for name in QUIET)
    test_no_library_keeps_its_records("uvicorn")


class Shy:
    """Hides what it holds from `repr` only."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def __repr__(self) -> str:
        return "<Shy>"

    def __rich_repr__(self) -> Iterator[tuple[str, str]]:
        yield "secret", self._secret


def test_the_look_of_rich() -> None:
    """It asks the locals of every frame, of whatever led to an error, and of the members of groups; nothing is cut."""

    def fail(held: object) -> None:
        raise KeyError(len(repr(held)))

    def chain(held: object) -> ExceptionGroup[Exception]:
        try:
            fail(held)
        except KeyError as error:
            outer = ValueError("outer")
            outer.__cause__ = error
            return ExceptionGroup("group", [outer])

    for held in (Shy(TOKEN), ["x" * 5000] * 500 + [TOKEN], {"a": {"b": {"c": [Shy(TOKEN)]}}}):
        error = ValueError("top")
        error.__cause__ = chain(held)
        assert find(with_rich(error, "/nowhere")) == "plain"
        assert find(with_rich(error, str(Path(__file__).parent))) is None
    assert with_rich(ValueError("top"), "/nowhere").split() == ["ValueError", "top"]


PLUGIN = 'pytest_plugins = ["tests.canaries"]'
SUITE = """
import base64, logging, sys
import pytest

TOKEN = "simulated-" + "00c0ffee" * 3

def test_stdout():
    print("x", TOKEN)

def test_stderr():
    print(base64.b64encode(TOKEN.encode()).decode(), file=sys.stderr)

def test_what_it_reads_itself(capsys):
    print(TOKEN[::-1])
    assert capsys.readouterr().out

def test_bytes_that_it_reads_itself(capfdbinary):
    print(TOKEN)
    assert capfdbinary.readouterr().out

def test_a_debug_record_of_httpx():
    logging.getLogger("httpx").debug("request of %s", TOKEN.encode().hex())

def test_the_traceback_of_a_record():
    try:
        raise ValueError(TOKEN)
    except ValueError:
        logging.getLogger("asyncio").exception("a task failed")

def test_a_failure():
    assert TOKEN == "another"

def test_a_failure_of_a_worker():
    pytest.fail(f"seed 7: {TOKEN.swapcase()}", pytrace=False)

@pytest.fixture
def talkative():
    yield
    print(TOKEN)

def test_the_end_of_a_fixture(talkative):
    pass

@pytest.mark.shows_secrets(reason="it is what it tests")
def test_that_is_meant_to():
    print(TOKEN)

def test_a_secret_of_its_own(canaries):
    canaries.know("correct-horse")
    print("Correct-Horse")

def test_a_quiet_one(caplog):
    logging.getLogger("httpx").debug("nothing")
    logging.getLogger("httpx").warning("something")
    assert caplog.messages == ["something"]

def test_one_that_wants_more(caplog):
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("httpx").debug("nothing")
    assert caplog.messages == ["nothing"]

@pytest.fixture
def debug(caplog):
    caplog.set_level(logging.DEBUG)

def test_one_whose_fixture_wants_more(debug, caplog):
    logging.getLogger("httpx").debug("nothing")
    assert caplog.messages == ["nothing"]

def test_an_expected_failure():
    with pytest.raises(ValueError, match="sim"):
        raise ValueError(TOKEN)

@pytest.mark.xfail(reason="so it is")
def test_an_expected_failure_that_talks():
    print(TOKEN)
    assert False
"""
LATE = """
import logging
import tests.canaries

pytest_plugins = ["tests.canaries"]

def pytest_sessionfinish():
    logging.getLogger("trio").debug("simulated-" + "00c0ffee" * 3)
"""


def test_the_plugin_in_a_session(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that shows a secret fails, with the form and the place; nothing of the secret is printed."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    pytester.makeconftest(PLUGIN)
    pytester.makepyfile(SUITE)
    result = pytester.runpytest_subprocess("-p", "no:randomly")
    shown = result.stdout.str()
    assert find(shown + result.stderr.str()) is None
    result.assert_outcomes(passed=6, failed=10, errors=1)
    for line in (
        "*::test_stdout: plain in Captured stdout call",
        "*::test_stderr: base64 in Captured stderr call",
        "*::test_what_it_reads_itself: reversed in stdout, read by the test",
        "*::test_bytes_that_it_reads_itself: plain in stdout, read by the test",
        "*::test_a_debug_record_of_httpx: hex in a record of httpx at DEBUG",
        "*::test_the_traceback_of_a_record: plain in a record of asyncio at ERROR",
        "*::test_a_failure: plain in the report of the failure",
        "*::test_a_failure_of_a_worker: plain in the report of the failure",
        "*::test_the_end_of_a_fixture: plain in Captured stdout teardown",
        "*::test_a_secret_of_its_own: plain in Captured stdout call",
        "*::test_an_expected_failure_that_talks: plain in Captured stdout call",
    ):
        result.stdout.fnmatch_lines_random([f"  {line}"])
    result.stdout.fnmatch_lines(["canaries: 12 found in * texts"])  # what is logged is captured once more
    assert "a secret was shown: plain in Captured stdout call" in shown


def test_what_comes_after_the_last_test(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test is left to fail, so the session does."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    pytester.makeconftest(LATE)
    pytester.makepyfile("def test_nothing(): pass")
    result = pytester.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["canaries: 1 found in *", "  after the last test: plain in a record of trio at DEBUG"])


def test_without_a_secret_nothing_changes(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    pytester.makeconftest(PLUGIN)
    pytester.makepyfile("def test_a(): print('a')\ndef test_b(): assert not 'b'\n")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["canaries: 0 found in 2 texts"])
    assert "assert not 'b'" in result.stdout.str()
