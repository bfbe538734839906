"""Secrets are absent from whatever may be shown: the server's texts, and every way to look at a `Secret`."""

import base64
import copy
import dataclasses
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from qcasync._core.redaction import Secret, scrub

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


@dataclasses.dataclass
class _Holder:
    secret: Secret


class _Struct(msgspec.Struct):
    secret: Secret


def _locals_of_a_failure(secret: Secret) -> str:
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
