"""Accounts, and the check of who asks.

Everything is computed here, so that a mistake of a client cannot agree with itself.
"""

import base64
import binascii
import contextlib
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from qcasync.simulator.conditions import Conditions
from qcasync.simulator.wire import Reply, encode

_REAL_TOKEN = re.compile(r"[0-9a-fA-F]{64}")
_DIGITS = re.compile(r"[0-9]{1,18}")


@dataclass
class Account:
    """Someone who may sign in. Assign `api_token` to see what happens when a token is changed under way.

    Attributes:
        api_token: Never a real one: 64 hexadecimal digits are refused.
    """

    user_id: int
    api_token: str = field(repr=False)

    def __setattr__(self, name: str, value: object) -> None:
        if name == "api_token" and isinstance(value, str) and _REAL_TOKEN.fullmatch(value):
            # A simulator may listen in the open; a real token has no business in it.
            message = "this looks like a real QuantConnect API token: give the simulator an invented one"
            raise ValueError(message)
        super().__setattr__(name, value)


@dataclass(frozen=True)
class Claim:
    """What a request says about its sender. `digest` stays out of every repr."""

    user_id: str
    digest: str = field(repr=False)
    timestamp: str


def read_claim(headers: Mapping[str, str]) -> Claim:
    """Read `Authorization` and `Timestamp`. What is missing or malformed is read as empty text.

    Args:
        headers: Names in lower case.
    """
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    user_id = digest = ""
    if scheme.lower() == "basic":
        with contextlib.suppress(binascii.Error, UnicodeDecodeError):
            user_id, _, digest = base64.b64decode(encoded, validate=True).decode().partition(":")
    return Claim(user_id, digest, headers.get("timestamp", ""))


def find_account(claim: Claim, accounts: Mapping[int, Account]) -> Account | None:
    """The account that the claim names."""
    return accounts.get(int(claim.user_id)) if _DIGITS.fullmatch(claim.user_id) else None


def is_proven(claim: Claim, account: Account | None, *, server_time: float, conditions: Conditions) -> bool:
    """Whether the claim is `account`'s, and was signed within the accepted time."""
    token = "" if account is None else account.api_token
    expected = hashlib.sha256(f"{token}:{claim.timestamp}".encode()).hexdigest()
    # Compared even when the account is unknown, so that the time taken does not tell.
    matches = hmac.compare_digest(expected.encode(), claim.digest.encode())
    if account is None or not matches or not _DIGITS.fullmatch(claim.timestamp):
        return False
    age = server_time - int(claim.timestamp)
    ahead = conditions.timestamp_future
    return age <= conditions.timestamp_past and (ahead is None or -age <= ahead)


def refuse(claim: Claim, account: Account | None, conditions: Conditions) -> Reply:
    """The answer to a login that failed, in one of the four forms seen."""
    match conditions.refusal:
        case "server_error":
            return Reply(status=500, outcome="refused")
        case "unauthorized":
            return _refusal("Unauthorized", status=401)
        case "hash" if account is not None:
            # The real API repeats the hash it was sent; clients have to keep it out of their messages.
            return _refusal(
                f"Hash doesn't match. UID: {claim.user_id} Hash: {claim.digest} Timestamp: {claim.timestamp}"
            )
        case _:
            return _refusal(f"UserID not valid. UID: {claim.user_id}")


def _refusal(text: str, status: int = 200) -> Reply:
    return Reply(status=status, body=encode({"success": False, "errors": [text]}), outcome="refused")
