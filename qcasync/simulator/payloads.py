"""Reading what was asked: JSON, forms and queries, as tolerant as PHP and no more."""

import re
import urllib.parse
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from qcasync.simulator.wire import JsonObject

_INTEGER = re.compile(r"-?[0-9]{1,18}")
_API_ROOT = "/api/v2/"


class UnreadableError(Exception):
    """The request cannot be understood. The text is what the API answers."""


def split_target(target: str) -> tuple[str, JsonObject]:
    """Split a request target into the path relative to `/api/v2/` and the fields of the query."""
    path, _, query = target.partition("?")
    path = re.sub("/+", "/", path)  # Documented examples join base and path with two slashes.
    return path.removeprefix(_API_ROOT).strip("/"), dict(urllib.parse.parse_qsl(query, keep_blank_values=True))


def read_payload(headers: Mapping[str, str], body: bytes) -> JsonObject:
    """Read the body of a request: a JSON object, a form, or nothing.

    Raises:
        UnreadableError: It is something else.
    """
    if not body.strip():
        return {}
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return dict(urllib.parse.parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    try:
        return msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableError("Invalid argument") from error


def read_int(payload: Mapping[str, object], key: str) -> int | None:
    """A whole number, or its digits, as queries and forms have them; None when it is left out.

    Raises:
        UnreadableError: It is there, and is neither.
    """
    match payload.get(key):
        case None:
            return None
        case bool():
            raise UnreadableError("Invalid argument")
        case int(number):
            return number
        case str(text) if _INTEGER.fullmatch(text):
            return int(text)
        case _:
            raise UnreadableError("Invalid argument")


def read_text(payload: Mapping[str, object], key: str) -> str | None:
    """A text; None when it is left out.

    Raises:
        UnreadableError: It is there, and is blank or no text.
    """
    match payload.get(key):
        case None:
            return None
        case str(text) if text.strip():
            return text
        case _:
            raise UnreadableError("Invalid argument")


def read_instant(payload: Mapping[str, object], key: str) -> float | None:
    """An instant in Unix seconds or ISO text, without a zone in UTC; None when it is left out.

    Raises:
        UnreadableError: It is there, and is neither.
    """
    value = payload.get(key)
    if isinstance(value, str) and not _INTEGER.fullmatch(value):
        try:
            instant = datetime.fromisoformat(value)
        except ValueError as error:
            raise UnreadableError("Invalid argument") from error
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, float):
        return value
    return read_int(payload, key)
