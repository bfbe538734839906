"""Secrets are absent from whatever may be shown: the server's texts, and every way to look at a `Secret`."""

import base64
import copy
import dataclasses
import pickle
import re
import traceback
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qcasync._core.redaction import Hidden, Secret, scrub
from tests.canaries import find

HASH = "216c78d5de86fd10ddd78629fe16fde360a7b9fad1859d440c79ac8154cf3a97"
CANARY = "canary-5e1f"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("Project not found", "Project not found", id="nothing to hide"),
        pytest.param("", "", id="nothing at all"),
        pytest.param(
            f"Hash doesn't match. UID: 12345 Hash: {HASH} Timestamp: 1735689600",
            "Hash doesn't match. UID: [redacted] Hash: [redacted] Timestamp: 1735689600",
            id="what QuantConnect says to a wrong clock",
        ),
        pytest.param(f"UID:12345,Hash:{HASH.upper()}", "UID:[redacted],Hash:[redacted]", id="no blanks, upper case"),
        pytest.param(f"{HASH}{HASH}", "[redacted]", id="two hashes in one run"),
        pytest.param(f"x{HASH[:40]}x", "x[redacted]x", id="40 digits, as SHA-1 has"),
        pytest.param(HASH[:39], HASH[:39], id="39 digits"),
        pytest.param(f"deployment L-{HASH[:32]}", f"deployment L-{HASH[:32]}", id="a deployment id"),
        pytest.param(
            ", ".join(f"L-{HASH[:32]}" for _ in range(3)), ", ".join([f"L-{HASH[:32]}"] * 3), id="several of them"
        ),
        pytest.param(f"{HASH[:32]}-{HASH[:32]}", f"{HASH[:32]}-{HASH[:32]}", id="a compile id"),
        pytest.param(str(uuid.UUID(HASH[:32])), str(uuid.UUID(HASH[:32])), id="a UUID"),
        pytest.param(":".join(HASH[at : at + 2] for at in range(0, 64, 2)), "[redacted]", id="as a fingerprint"),
        pytest.param("uid=12345&hash=" + HASH, "uid=[redacted]&hash=[redacted]", id="as a query"),
        pytest.param('{"userId": 12345}', '{"userId": [redacted]}', id="as JSON"),
        pytest.param("User ID 12345 is unknown", "User ID [redacted] is unknown", id="as a sentence"),
        pytest.param("UID : 12345", "UID : [redacted]", id="with blanks"),
        pytest.param("guid: 12345, UID none", "guid: 12345, UID none", id="no user id"),
        pytest.param("x" * 500, "x" * 500, id="500 characters"),
        pytest.param("x" * 501, "x" * 499 + "…", id="501 characters"),
        pytest.param("x" * 490 + HASH, "x" * 490 + "[redacted]", id="a hash where the cut would be"),
        pytest.param("x" * 495 + HASH, "x" * 495 + "[red…", id="redacted first, then cut"),
    ],
)
def test_scrub(text: str, shown: str) -> None:
    """Hashes and user ids go, ids of deployments stay, and the length is bounded after that."""
    assert scrub(text) == shown


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_scrub_takes_an_authorization_value_out(scheme: str) -> None:
    """A server that echoes our headers echoes the hash in base64."""
    value = base64.b64encode(f"12345:{HASH}".encode()).decode()
    assert scrub(f"bad header Authorization: {scheme} {value}, sorry") == (
        f"bad header Authorization: {scheme} [redacted], sorry"
    )


def _quoted(text: str) -> str:
    return "".join(f"%{ord(letter):02X}" for letter in text)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper case": str.upper,
    "reversed": lambda text: text[::-1],
    "URL-quoted": _quoted,
    "URL-quoted in small letters": lambda text: _quoted(text).lower(),
    "URL-quoted in part": lambda text: text.replace("a", "%61").replace("3", "%33"),
    "hex": lambda text: text.encode().hex(),
    "base64": _base64,
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(b"\xff\xfe?" + text.encode()).decode(),
    "base64, URL-quoted": lambda text: quote(base64.b64encode(b"\xff\xfe?" + text.encode()), safe=""),
    "base64 in PHP's JSON": lambda text: base64.b64encode(b"\xff\xfe?" + text.encode()).decode().replace("/", "\\/"),
    "base64 of the pair": lambda text: _base64(f"12345:{text}"),
    "Basic": lambda text: "Basic " + _base64(f"12345:{text}"),
    "query": lambda text: quote(f"uid=12345&hash={text}&at=1"),
}


@given(
    digest=st.binary(min_size=32, max_size=32),
    encoding=st.sampled_from(sorted(ENCODINGS)),
    before=st.text(max_size=40),
    after=st.text(max_size=40),
)
@example(bytes(32), "base64", "abc", "def")
@example(bytes(32), "plain", "0x", "Z")
@example(bytes(32), "URL-quoted", "%3", "%")
def test_no_hash_and_no_token_survives(digest: bytes, encoding: str, before: str, after: str) -> None:
    """Whatever stands around it, and however it is encoded: not even a half of it is left."""
    shown = scrub(before + ENCODINGS[encoding](digest.hex()) + after)
    seen = re.sub("[^0-9a-f]", "", unquote(shown).lower())
    for at in range(33):
        assert digest.hex()[at : at + 32] not in seen
    assert find(shown) is None


@given(st.text(st.sampled_from("0123456789abcdefABCDEF%:. -xyzUID/+=\\"), max_size=2000))
def test_scrubbing_ends_and_is_bounded(text: str) -> None:
    """Texts made to mislead it cost no more than others, and a second time changes nothing but the cut."""
    shown = scrub(text)
    assert len(shown) <= 500
    if len(text) < 300:
        assert scrub(shown) == shown


@pytest.mark.parametrize("piece", ["%3", "0%", "a" * 39 + "x", "A" * 53 + " ", "00:", "basic ", "uid ", "\\/", "%2B"])
def test_long_texts_take_time_in_proportion(piece: str) -> None:
    """A megabyte of what nearly matches is read in less than a test's time."""
    assert len(scrub(piece * (2**20 // len(piece)))) <= 500


@pytest.mark.parametrize("text", ["path/" * 30, "a-long_name" * 20, _base64("The quick brown fox jumps" * 5)])
def test_long_words_stay(text: str) -> None:
    """Not everything in the letters of base64 hides a hash."""
    assert scrub(text) == text


@dataclasses.dataclass
class _Holder:
    secret: Secret


class _Struct(msgspec.Struct):
    secret: Secret


def _locals_of_a_failure(secret: object) -> str:
    try:
        int("x")
    except ValueError as error:
        return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


@pytest.mark.parametrize(
    "look",
    [
        pytest.param(repr, id="repr"),
        pytest.param(str, id="str"),
        pytest.param(ascii, id="ascii"),
        pytest.param(lambda secret: f"{secret}", id="format"),
        pytest.param(lambda secret: f"{secret:>40}", id="format with a width"),
        pytest.param(lambda secret: f"{secret!r:.100}", id="repr in a format"),
        pytest.param(lambda secret: "%s %r" % (secret, secret), id="percent"),  # noqa: UP031 - it is what is tested
        pytest.param(lambda secret: repr([secret]), id="in a list"),
        pytest.param(lambda secret: repr(_Holder(secret)), id="in a dataclass"),
        pytest.param(lambda secret: repr(_Struct(secret)), id="in a Struct"),
        pytest.param(_locals_of_a_failure, id="in a traceback with locals"),
        pytest.param(lambda secret: str(dir(secret)), id="dir"),
        pytest.param(lambda secret: str(hash(secret)), id="hash"),
    ],
)
def test_a_secret_is_not_seen(look: Callable[[Secret], str]) -> None:
    """However a secret is shown, its text does not appear."""
    assert CANARY not in look(Secret(CANARY))


@pytest.mark.parametrize(
    "take",
    [
        pytest.param(pickle.dumps, id="pickle"),
        pytest.param(lambda secret: pickle.dumps(secret, 0), id="pickle, first protocol"),
        pytest.param(copy.copy, id="copy"),
        pytest.param(copy.deepcopy, id="deepcopy"),
        pytest.param(lambda secret: dataclasses.asdict(_Holder(secret)), id="dataclass conversion"),
        pytest.param(vars, id="vars"),
        pytest.param(list, id="iteration"),
        pytest.param(msgspec.json.encode, id="msgspec"),
        pytest.param(msgspec.to_builtins, id="msgspec builtins"),
        pytest.param(lambda secret: msgspec.json.encode(_Struct(secret)), id="msgspec, in a Struct"),
    ],
)
def test_a_secret_is_not_taken_along(take: Callable[[Secret], Any]) -> None:
    """What would carry a secret away fails, and says nothing of it."""
    with pytest.raises(TypeError) as caught:
        take(Secret(CANARY))
    assert CANARY not in str(caught.value)


def test_a_secret_is_compared_by_identity() -> None:
    """Equality by content would be an oracle."""
    secret = Secret(CANARY)
    same = secret
    assert secret == same
    assert secret != Secret(CANARY)
    assert secret != CANARY


def test_a_secret_is_revealed_on_request() -> None:
    """Signing asks for the text by name."""
    assert Secret(CANARY).reveal() == CANARY


@pytest.mark.parametrize(
    "look",
    [
        pytest.param(repr, id="repr"),
        pytest.param(str, id="str"),
        pytest.param(ascii, id="ascii"),
        pytest.param(lambda hidden: f"{hidden} {hidden!r}", id="format"),
        pytest.param(lambda hidden: "%s %r" % (hidden, hidden), id="percent"),  # noqa: UP031 - it is what is tested
        pytest.param(lambda hidden: repr([hidden]), id="in a list"),
        pytest.param(_locals_of_a_failure, id="in a traceback with locals"),
    ],
)
def test_hidden_bytes_are_not_seen(look: Callable[[Any], str]) -> None:
    """They show their length."""
    shown = look(Hidden(CANARY.encode()))
    assert CANARY not in shown
    assert f"<{len(CANARY)} bytes>" in shown


def test_hidden_bytes_are_bytes() -> None:
    """Whatever sends bytes can send them."""
    hidden = Hidden(CANARY.encode())
    assert hidden == CANARY.encode()
    assert (len(hidden), hidden[:3], hidden.decode()) == (len(CANARY), b"can", CANARY)
    assert b"".join([b"", hidden]) == bytes(memoryview(hidden)) == CANARY.encode()
    assert pickle.loads(pickle.dumps(hidden)) == hidden
