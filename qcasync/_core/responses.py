"""What an answer means: `(endpoint, status, headers, body)` becomes a value, "still loading", or an error.

QuantConnect reports most failures with HTTP 200 and `success: false`, and the reason is a text. The patterns that
tell the texts apart are data: a new text is a new row of `PATTERNS`.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Generic, TypeVar
from urllib.parse import urlsplit

import msgspec

from qcasync._core.decoding import Loading, Refusal, html_title, read_refusal
from qcasync._core.endpoints import Endpoint
from qcasync._core.redaction import scrub
from qcasync._core.rejections import CREDENTIALS_HINT, Rejected
from qcasync._core.retry_after import retry_after
from qcasync._core.retrying import Situation
from qcasync._core.skew import unix_second
from qcasync.errors import (
    AccessBlocked,
    APIError,
    AuthenticationError,
    ConfigurationError,
    DecodeError,
    NotFoundError,
    RateLimitError,
    RedirectRefused,
    ResponseError,
    ServerError,
)

T = TypeVar("T")

Patterns = tuple[tuple[str, Situation], ...]
PATTERNS: Final[Patterns] = (
    ("hash doesn't match", Situation.CREDENTIALS),
    ("userid not valid", Situation.CREDENTIALS),
    ("slow down", Situation.THROTTLED),
    ("too many requests", Situation.THROTTLED),
    ("rate limit", Situation.THROTTLED),
    ("try again", Situation.TRANSIENT),
    ("temporarily", Situation.TRANSIENT),
    ("internal error", Situation.TRANSIENT),
)
"""Part of an error text, in lower case, and what it means. The first row that matches counts; none is a refusal."""

MEANINGS: Final = MappingProxyType(
    {
        "credentials": Situation.CREDENTIALS,
        "throttled": Situation.THROTTLED,
        "transient": Situation.TRANSIENT,
        "permanent": Situation.REFUSED,
    }
)
"""What a user may say of a text that `PATTERNS` does not know."""

NOT_FOUND: Final = ("not found", "no live deployment")
CHALLENGES: Final = (
    "just a moment",
    "attention required",
    "checking your browser",
    "captcha",
    "cf-chl",
    "cf-mitigated",
)
"""Part of a page, in lower case, by which a content network asks for a browser."""
CHALLENGE_WAIT: Final = 5.0
"""Seconds to wait at least before such a network is asked again: it counts."""
REDIRECTS: Final = (301, 302, 303, 307, 308)
_MAX_TEXTS: Final = 10


class Value(msgspec.Struct, Generic[T], frozen=True):
    """The answer that was promised.

    Attributes:
        date: Its `Date` header.
        server_time: The server's time when it had come, as nearly as we know it, in Unix seconds.
    """

    value: T
    date: str | None = None
    server_time: float = 0.0

    @property
    def at(self) -> float:
        """When the server wrote it, in Unix seconds: what its `Date` says, or else about when it came."""
        second = unix_second(self.date)
        return self.server_time if second is None else second


def patterns(more: Mapping[str, str]) -> Patterns:
    """The texts of `PATTERNS`, and before them those that a user knows better.

    Raises:
        ConfigurationError: A meaning is none of `MEANINGS`, or a text is empty.
    """
    for text, meaning in more.items():
        if meaning not in MEANINGS or not text.strip():
            raise ConfigurationError(
                f"error_patterns maps {text!r} to {meaning!r}.",
                f"Give a part of an error text, and one of {', '.join(map(repr, MEANINGS))}.",
            )
    return (*((text.lower(), MEANINGS[meaning]) for text, meaning in more.items()), *PATTERNS)


def interpret(
    endpoint: Endpoint[T],
    status_code: int,
    headers: Mapping[str, str],
    body: bytes,
    server_time: float,
    *,
    request_bytes: int = 0,
    known: Patterns = PATTERNS,
) -> Value[T] | Loading | Rejected:
    """What an answer means.

    Args:
        endpoint: What was asked.
        status_code: The HTTP status.
        headers: Names in lower case.
        body: Complete and decompressed.
        server_time: The server's Unix time, to understand a `Retry-After` that is a date.
        request_bytes: Size of the request's body.
        known: Error texts and what they mean.
    """
    path = endpoint.path
    hint = retry_after(headers, server_time)
    if 200 <= status_code < 300:
        answer = _read(endpoint, status_code, body, hint, known)
        return Value(answer.value, headers.get("date"), server_time) if isinstance(answer, Value) else answer
    refusal = read_refusal(body)
    if status_code == 429:
        texts = _texts(refusal)
        return Rejected(Situation.THROTTLED, RateLimitError(path, 429, texts, retry_after=hint), hint)
    named = _meaning(refusal, known) is Situation.CREDENTIALS
    if status_code == 401 or named:
        return _unauthorized(path, status_code, _texts(refusal))
    if status_code == 403:
        return _forbidden(path, body, refusal)
    if status_code >= 500:
        return _server_failed(path, status_code, headers, body, refusal=refusal, hint=hint)
    if 300 <= status_code < 400:
        return _pointed_elsewhere(path, status_code, headers, body)
    if status_code == 413:
        reason = f"a request of {request_bytes} bytes is too large for the server; send less at once"
        return Rejected(Situation.REFUSED, ResponseError(path, status_code, reason))
    if status_code in (408, 425):
        return Rejected(Situation.HURRIED, ServerError(path, status_code, _server_reason(refusal, body)), hint)
    if refusal is None:
        return Rejected(Situation.REFUSED, ResponseError(path, status_code, _unexpected(body)))
    kind = NotFoundError if status_code == 404 else APIError
    return Rejected(Situation.REFUSED, kind(path, status_code, _texts(refusal), _hint(endpoint, refusal)))


def _forbidden(path: str, body: bytes, refusal: Refusal | None) -> Rejected:
    if refusal is not None:  # it may be about this project only
        return msgspec.structs.replace(_unauthorized(path, 403, _texts(refusal)), doubtful=True)
    if (page := _page(body)) is not None:
        return Rejected(Situation.REFUSED, AccessBlocked(path, 403, page))
    return Rejected(Situation.REFUSED, ResponseError(path, 403, _unexpected(body)))


def _pointed_elsewhere(path: str, status_code: int, headers: Mapping[str, str], body: bytes) -> Rejected:
    if status_code not in REDIRECTS:
        return Rejected(Situation.REDIRECT, ResponseError(path, status_code, _unexpected(body)))
    to = _host(headers.get("location", ""))
    reason = f"a redirect{to}, which is never followed: it would carry credentials to another place"
    return Rejected(Situation.REDIRECT, RedirectRefused(path, status_code, reason))


def _unexpected(body: bytes) -> str:
    return _page(body) or f"an unexpected answer of {len(body)} bytes"


def _server_failed(
    path: str, status_code: int, headers: Mapping[str, str], body: bytes, *, refusal: Refusal | None, hint: float | None
) -> Rejected:
    reason = _server_reason(refusal, body)
    if status_code == 503 and refusal is None and _is_challenge(headers, body):
        slowly = max(hint or 0.0, CHALLENGE_WAIT)
        return Rejected(Situation.UNAVAILABLE, AccessBlocked(path, status_code, reason), slowly)
    situation = Situation.UNAVAILABLE if status_code == 503 and hint is not None else Situation.SERVER_ERROR
    if status_code in (501, 505):
        situation = Situation.UNSUPPORTED
    silent = status_code == 500 and not body.strip()
    return Rejected(situation, ServerError(path, status_code, reason), hint, maybe_signature=silent)


def _unauthorized(path: str, status_code: int, texts: tuple[str, ...]) -> Rejected:
    lost = any(_NO_TIMESTAMP.search(text) for text in texts)
    hint = NO_TIMESTAMP_HINT if lost else CREDENTIALS_HINT
    return Rejected(Situation.CREDENTIALS, AuthenticationError(path, status_code, texts, hint))


_NO_TIMESTAMP: Final = re.compile(r"Timestamp:\s*(?:\.|,|;|$)")
NO_TIMESTAMP_HINT: Final = (
    "The server saw no timestamp: something on the way, such as a proxy, strips the header. " + CREDENTIALS_HINT
)


def _is_challenge(headers: Mapping[str, str], body: bytes) -> bool:
    page = body[:_PAGE_BYTES].lower()
    return "cf-mitigated" in headers or any(mark.encode() in page for mark in CHALLENGES)


_PAGE_BYTES: Final = 16_384


def _read(
    endpoint: Endpoint[T], status_code: int, body: bytes, hint: float | None, known: Patterns
) -> Value[T] | Loading | Rejected:
    try:
        answer = endpoint.read(body)
    except DecodeError as error:
        if (page := _page(body)) is not None:
            return Rejected(Situation.UNDECODABLE, ServerError(endpoint.path, status_code, page))
        located = DecodeError(endpoint.path, status_code, error.reason, error.path, error.excerpt)
        return Rejected(Situation.UNDECODABLE, located)
    if isinstance(answer, Refusal):
        return _refused(endpoint, status_code, answer, hint, known)
    if isinstance(answer, Loading):
        return answer
    return Value(answer)


def _refused(
    endpoint: Endpoint[T], status_code: int, refusal: Refusal, hint: float | None, known: Patterns
) -> Rejected:
    path, texts, situation = endpoint.path, _texts(refusal), _meaning(refusal, known)
    if situation is Situation.CREDENTIALS:
        return _unauthorized(path, status_code, texts)
    if situation is Situation.THROTTLED:
        return Rejected(situation, RateLimitError(path, status_code, texts, retry_after=hint), hint)
    kind = NotFoundError if any(pattern in _said(refusal) for pattern in NOT_FOUND) else APIError
    return Rejected(situation, kind(path, status_code, texts, _hint(endpoint, refusal)))


def _meaning(refusal: Refusal | None, known: Patterns) -> Situation:
    said = _said(refusal)
    return next((meaning for pattern, meaning in known if pattern in said), Situation.REFUSED)


def _said(refusal: Refusal | None) -> str:
    return " ".join(_texts(refusal)).lower()


def _host(location: str) -> str:
    try:
        host = urlsplit(location).hostname
    except ValueError:
        return ""
    return f" to {scrub(host)}" if host else ""


def _texts(refusal: Refusal | None) -> tuple[str, ...]:
    return () if refusal is None else tuple(scrub(text) for text in refusal.errors[:_MAX_TEXTS])


def _hint(endpoint: Endpoint[T], refusal: Refusal) -> str:
    said = " ".join(refusal.errors)
    return next((hint for pattern, hint in endpoint.hints if pattern in said), "")


def _server_reason(refusal: Refusal | None, body: bytes) -> str:
    if refusal is not None and refusal.errors:
        return "the server failed: " + "; ".join(_texts(refusal))
    return _page(body) or "the server failed, and gave no reason"


def _page(body: bytes) -> str | None:
    title = html_title(body)
    if title is None:
        return None
    named = f" titled {scrub(title)!r}" if title else ""
    return f"a page of HTML{named} instead of JSON, perhaps from a proxy or for maintenance"
