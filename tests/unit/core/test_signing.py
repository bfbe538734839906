"""Signatures against vectors computed by hand, and the form that credentials must have."""

import base64
import hashlib
import pickle
import traceback

import pytest

from qcasync._core.redaction import Secret
from qcasync._core.signing import Credentials, sign
from qcasync.errors import ConfigurationError

CANARY = "canary-5e1f"


def test_a_known_answer() -> None:
    """`printf 'a-token:1735689600' | sha256sum`, then `printf '12345:…' | base64`."""
    assert sign(Credentials(12345, "a-token"), 1735689600) == (
        (
            "Authorization",
            "Basic MTIzNDU6MjE2Yzc4ZDVkZTg2ZmQxMGRkZDc4NjI5ZmUxNmZkZTM2MGE3YjlmYWQxODU5ZDQ0MGM3OWFjODE1NGNmM2E5Nw==",
        ),
        ("Timestamp", "1735689600"),
    )


def test_a_known_answer_beyond_ascii() -> None:
    """`printf 'tökén:with:colons:1700000000' | sha256sum`: the token is hashed as UTF-8, and colons are its own."""
    assert sign(Credentials("7", "tökén:with:colons"), 1700000000) == (
        (
            "Authorization",
            "Basic NzoxNjhhNGMxYmJjZTMyZDcxOWZkZjgxYTQ2ZWU2NzM4ZTQ0OWVjZTU3NjEwOGVkNWYxMGU1ZjQ2OTc5M2VhM2Ux",
        ),
        ("Timestamp", "1700000000"),
    )


@pytest.mark.parametrize("user_id", [0, 1, 12345, "12345", "007", "9" * 30])
@pytest.mark.parametrize("token", ["t", "a b", "0" * 64, "Ω", "日本語", "🔑", '"\\', "'; --"])
@pytest.mark.parametrize("timestamp", [0, 1, 1735689600, 2**40])
def test_the_recipe(user_id: int | str, token: str, timestamp: int) -> None:
    """Basic authentication of the user id with lower-case hexadecimal SHA-256 of "token:timestamp"."""
    headers = dict(sign(Credentials(user_id, token), timestamp))
    scheme, _, pair = headers.pop("Authorization").partition(" ")
    digest = hashlib.sha256(token.encode("utf-8") + b":" + str(timestamp).encode("ascii")).hexdigest()
    assert scheme == "Basic"
    assert base64.b64decode(pair, validate=True) == f"{user_id}:{digest}".encode()
    assert headers == {"Timestamp": str(timestamp)}


@pytest.mark.parametrize(
    "user_id",
    [
        pytest.param(-1, id="negative"),
        pytest.param(True, id="a truth value"),
        pytest.param("", id="empty"),
        pytest.param("+1", id="sign"),
        pytest.param(" 1", id="blank before"),
        pytest.param("1 ", id="blank after"),
        pytest.param("1\n", id="line break"),
        pytest.param("1:2", id="colon"),
        pytest.param("1.0", id="fraction"),
        pytest.param("1_000", id="underscore"),
        pytest.param("0x1F", id="hexadecimal"),
        pytest.param("١٢٣", id="digits of another script"),
        pytest.param("²", id="superscript"),
        pytest.param("someone@example.com", id="e-mail address"),
    ],
)
def test_a_user_id_is_digits(user_id: int | str) -> None:
    """Anything but ASCII digits is refused before any I/O."""
    with pytest.raises(ConfigurationError, match="The user id from arguments is not a number"):
        Credentials(user_id, "token")


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        ("", "is empty"),
        (f"{CANARY}\n", "cannot be seen"),
        (f"{CANARY}\r\n", "cannot be seen"),
        (f"a\n{CANARY}", "cannot be seen"),
        (f"\0{CANARY}", "cannot be seen"),
        (f"{CANARY}\x7f", "cannot be seen"),
        (f"{CANARY}\x1b[0m", "cannot be seen"),
        (f"{CANARY}\x85", "cannot be seen"),
        (f"{CANARY}\N{ZERO WIDTH SPACE}", "cannot be seen"),
        (f"{CANARY}\N{NO-BREAK SPACE}", "cannot be seen"),
        (f"\N{ZERO WIDTH NO-BREAK SPACE}{CANARY}", "cannot be seen"),
        (f"{CANARY}\N{LINE SEPARATOR}", "cannot be seen"),
        (f"{CANARY}\udcff", "cannot be seen"),
        (f" {CANARY}", "begins or ends with a blank"),
        (f"{CANARY} ", "begins or ends with a blank"),
        (" ", "begins or ends with a blank"),
    ],
)
def test_a_token_that_cannot_be_right_is_refused_without_an_echo(token: str, problem: str) -> None:
    """What was pasted wrongly, or cannot be encoded, is named by its kind; the token is nowhere in the error."""
    with pytest.raises(ConfigurationError, match=problem) as caught:
        Credentials(1, token, "somewhere")
    assert "The API token from somewhere" in caught.value.problem
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


@pytest.mark.parametrize("token", ["", "a\nb", " a"])
def test_a_refused_token_comes_with_a_remedy(token: str) -> None:
    """Every refusal says what to do."""
    with pytest.raises(ConfigurationError) as caught:
        Credentials(1, token)
    assert caught.value.hint


@pytest.mark.parametrize("user_id", [1, "one"])
def test_a_refusal_keeps_no_token_among_its_locals(user_id: int | str) -> None:
    """Crash reporters show the locals of every frame."""
    with pytest.raises(ConfigurationError) as caught:
        Credentials(user_id, f" {CANARY}")
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    del frames.stack[0]  # this test's own
    assert frames.stack
    assert CANARY not in "".join(frames.format())


def test_a_token_may_come_wrapped() -> None:
    """It is checked all the same."""
    assert sign(Credentials(12345, Secret("a-token")), 1) == sign(Credentials(12345, "a-token"), 1)
    with pytest.raises(ConfigurationError, match="is empty"):
        Credentials(12345, Secret(""))


def test_credentials_show_who_and_where_but_not_the_token() -> None:
    """The repr is for `doctor` and logs."""
    credentials = Credentials("12345", CANARY, "environment")
    assert repr(credentials) == "<Credentials of user 12345 from environment>"
    assert CANARY not in f"{credentials} {credentials.api_token}"
    assert not hasattr(credentials, "__dict__")
    with pytest.raises(TypeError, match="neither pickled nor copied"):
        pickle.dumps(credentials)
