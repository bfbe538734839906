"""What an answer means: a table of statuses and bodies, and one of ways to say "come back later"."""

import base64
import email.utils
from typing import Any

import pytest

from qcasync._core.decoding import Loading
from qcasync._core.endpoints import (
    AUTHENTICATE,
    CREATE_LIVE_ALGORITHM,
    LIQUIDATE_LIVE_ALGORITHM,
    LIST_LIVE_ALGORITHMS,
    READ_LIVE_ALGORITHM,
    READ_LIVE_ALGORITHM_LIST,
    READ_LIVE_ORDERS,
    Endpoint,
)
from qcasync._core.rejections import CREDENTIALS_HINT, Rejected
from qcasync._core.responses import NO_TIMESTAMP_HINT, Value, interpret, patterns
from qcasync._core.retry_after import retry_after
from qcasync._core.retrying import Situation
from qcasync.errors import (
    AccessBlocked,
    APIError,
    AuthenticationError,
    ConfigurationError,
    DecodeError,
    NotFoundError,
    QuantConnectError,
    RateLimitError,
    RedirectRefused,
    ResponseError,
    ServerError,
)
from qcasync.models.orders import OrderPage

NOW = 1767225600.0
HASH = "216c78d5de86fd10ddd78629fe16fde360a7b9fad1859d440c79ac8154cf3a97"
MISMATCH = f"Hash doesn't match. UID: 12345 Hash: {HASH} Timestamp: 1735689600"
REDACTED = "Hash doesn't match. UID: [redacted] Hash: [redacted] Timestamp: 1735689600"
PAGE = b"<!DOCTYPE html><html><head><title>Down for\n maintenance</title></head></html>"
PAGE_REASON = "a page of HTML titled 'Down for maintenance' instead of JSON, perhaps from a proxy or for maintenance"
NO_REASON = "the server failed, and gave no reason"
REDIRECT = "which is never followed: it would carry credentials to another place"


def interpreted(status: int, body: bytes | str, endpoint: Endpoint[Any] = READ_LIVE_ORDERS, **headers: str) -> Any:
    """What an answer means; header names are written with underscores."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return interpret(endpoint, status, names, body.encode() if isinstance(body, str) else body, NOW)


@pytest.mark.parametrize(
    ("endpoint", "status", "body", "value"),
    [
        (
            READ_LIVE_ORDERS,
            200,
            '{"success":true,"orders":[],"length":3}',
            Value(OrderPage(orders=(), length=3), None, NOW),
        ),
        (READ_LIVE_ORDERS, 200, '{"orders":[],"length":0}', Value(OrderPage(orders=(), length=0), None, NOW)),
        (READ_LIVE_ORDERS, 201, '{"success":true,"orders":[]}', Value(OrderPage(orders=()), None, NOW)),
        (LIST_LIVE_ALGORITHMS, 200, '{"success":true,"live":[]}', Value((), None, NOW)),
        (AUTHENTICATE, 200, '{"success":true}', Value(None, None, NOW)),
        (AUTHENTICATE, 200, '{"success":true,"errors":[]}', Value(None, None, NOW)),
        (LIQUIDATE_LIVE_ALGORITHM, 202, '{"success":true}', Value(None, None, NOW)),
        (READ_LIVE_ORDERS, 200, '{"success":true,"progress":0.25,"status":"loading"}', Loading(0.25)),
        (READ_LIVE_ORDERS, 200, '{"success":true,"status":"loading"}', Loading(None)),
        (READ_LIVE_ORDERS, 200, '{"progress":0}', Loading(0.0)),
    ],
)
def test_promised_answers(endpoint: Endpoint[Any], status: int, body: str, value: object) -> None:
    """A value, or word of loading; every status of success is one."""
    assert interpreted(status, body, endpoint) == value


def test_when_an_answer_was_written() -> None:
    """What `Date` says, if it says it; otherwise about when it came."""
    for date, at in (("Sun, 15 Jun 2025 15:06:40 GMT", 1_750_000_000.0), ("yesterday", NOW), (None, NOW)):
        answer = interpret(AUTHENTICATE, 200, {} if date is None else {"date": date}, b'{"success":true}', NOW)
        assert isinstance(answer, Value)
        assert answer.at == at


def failed(text: str) -> str:
    return f'{{"success":false,"errors":["{text}"]}}'


TOO_LARGE = "a request of 0 bytes is too large for the server; send less at once"
CHALLENGE = b"<html><head><title>Just a moment...</title></head></html>"
CHALLENGE_REASON = "a page of HTML titled 'Just a moment...' instead of JSON, perhaps from a proxy or for maintenance"

FAILURES: list[tuple[int, bytes | str, Situation, type[QuantConnectError], Any]] = [
    # the four forms of a refused signature
    (200, failed(MISMATCH), Situation.CREDENTIALS, AuthenticationError, (REDACTED,)),
    (200, failed("UserID not valid"), Situation.CREDENTIALS, AuthenticationError, ("UserID not valid",)),
    (401, "", Situation.CREDENTIALS, AuthenticationError, ()),
    (401, PAGE, Situation.CREDENTIALS, AuthenticationError, ()),
    (401, failed("timestamp too old"), Situation.CREDENTIALS, AuthenticationError, ("timestamp too old",)),
    (403, failed("no"), Situation.CREDENTIALS, AuthenticationError, ("no",)),
    (403, "{}", Situation.CREDENTIALS, AuthenticationError, ()),
    (500, "", Situation.SERVER_ERROR, ServerError, NO_REASON),
    (500, " \r\n", Situation.SERVER_ERROR, ServerError, NO_REASON),
    # the text counts under any status
    (400, failed(MISMATCH), Situation.CREDENTIALS, AuthenticationError, (REDACTED,)),
    (500, failed(MISMATCH), Situation.CREDENTIALS, AuthenticationError, (REDACTED,)),
    # throttles
    (429, "", Situation.THROTTLED, RateLimitError, ()),
    (429, PAGE, Situation.THROTTLED, RateLimitError, ()),
    (429, failed("enough"), Situation.THROTTLED, RateLimitError, ("enough",)),
    (200, failed("Slow down!"), Situation.THROTTLED, RateLimitError, ("Slow down!",)),
    (200, failed("Too Many Requests"), Situation.THROTTLED, RateLimitError, ("Too Many Requests",)),
    (200, failed("rate limit reached"), Situation.THROTTLED, RateLimitError, ("rate limit reached",)),
    # the server, or what stands before it
    (500, failed("boom"), Situation.SERVER_ERROR, ServerError, "the server failed: boom"),
    (500, "{}", Situation.SERVER_ERROR, ServerError, NO_REASON),
    (500, PAGE, Situation.SERVER_ERROR, ServerError, PAGE_REASON),
    (500, "boom", Situation.SERVER_ERROR, ServerError, NO_REASON),
    (502, PAGE, Situation.SERVER_ERROR, ServerError, PAGE_REASON),
    (502, "<html>", Situation.SERVER_ERROR, ServerError, PAGE_REASON.replace(" titled 'Down for maintenance'", "")),
    (503, "", Situation.SERVER_ERROR, ServerError, NO_REASON),
    (503, PAGE, Situation.SERVER_ERROR, ServerError, PAGE_REASON),
    (503, CHALLENGE, Situation.UNAVAILABLE, AccessBlocked, CHALLENGE_REASON),
    (502, CHALLENGE, Situation.SERVER_ERROR, ServerError, CHALLENGE_REASON),
    (504, failed(HASH), Situation.SERVER_ERROR, ServerError, "the server failed: [redacted]"),
    (520, "", Situation.SERVER_ERROR, ServerError, NO_REASON),
    (501, "", Situation.UNSUPPORTED, ServerError, NO_REASON),
    (505, failed("boom"), Situation.UNSUPPORTED, ServerError, "the server failed: boom"),
    (408, "", Situation.HURRIED, ServerError, NO_REASON),
    (425, failed("early"), Situation.HURRIED, ServerError, "the server failed: early"),
    # elsewhere
    (301, "", Situation.REDIRECT, RedirectRefused, f"a redirect, {REDIRECT}"),
    (302, PAGE, Situation.REDIRECT, RedirectRefused, f"a redirect, {REDIRECT}"),
    (303, "", Situation.REDIRECT, RedirectRefused, f"a redirect, {REDIRECT}"),
    (307, "", Situation.REDIRECT, RedirectRefused, f"a redirect, {REDIRECT}"),
    (308, failed("moved"), Situation.REDIRECT, RedirectRefused, f"a redirect, {REDIRECT}"),
    (300, PAGE, Situation.REDIRECT, ResponseError, PAGE_REASON),
    (304, "", Situation.REDIRECT, ResponseError, "an unexpected answer of 0 bytes"),
    (399, failed("moved"), Situation.REDIRECT, ResponseError, "an unexpected answer of 36 bytes"),
    # refusals
    (400, failed("Invalid argument"), Situation.REFUSED, APIError, ("Invalid argument",)),
    (400, "", Situation.REFUSED, ResponseError, "an unexpected answer of 0 bytes"),
    (403, PAGE, Situation.REFUSED, AccessBlocked, PAGE_REASON),
    (403, "", Situation.REFUSED, ResponseError, "an unexpected answer of 0 bytes"),
    (404, failed("what?"), Situation.REFUSED, NotFoundError, ("what?",)),
    (404, PAGE, Situation.REFUSED, ResponseError, PAGE_REASON),
    (413, "Request Entity Too Large", Situation.REFUSED, ResponseError, TOO_LARGE),
    (418, '{"error":"teapot"}', Situation.REFUSED, APIError, ("teapot",)),
    (200, failed("Project not found"), Situation.REFUSED, NotFoundError, ("Project not found",)),
    (200, failed("No live deployment found"), Situation.REFUSED, NotFoundError, ("No live deployment found",)),
    (200, failed("please TRY AGAIN later"), Situation.TRANSIENT, APIError, ("please TRY AGAIN later",)),
    (200, failed("temporarily closed"), Situation.TRANSIENT, APIError, ("temporarily closed",)),
    (200, '{"success":false,"Message":"Internal Error 21"}', Situation.TRANSIENT, APIError, ("Internal Error 21",)),
    # the places in which texts stand
    (200, '{"success":false,"errors":["a","b"]}', Situation.REFUSED, APIError, ("a", "b")),
    (200, '{"success":false,"errors":"a"}', Situation.REFUSED, APIError, ("a",)),
    (200, '{"success":false,"errors":{"0":"a"}}', Situation.REFUSED, APIError, ("a",)),
    (200, '{"success":false,"errors":[],"messages":["a"]}', Situation.REFUSED, APIError, ("a",)),
    (200, '{"success":false,"error":["a"]}', Situation.REFUSED, APIError, ("a",)),
    (200, '{"success":false}', Situation.REFUSED, APIError, ()),
    (200, '{"success":false,"orders":[],"length":0}', Situation.REFUSED, APIError, ()),
    # success that is none
    (200, "", Situation.UNDECODABLE, DecodeError, "an empty body"),
    (204, "", Situation.UNDECODABLE, DecodeError, "an empty body"),
    (200, "null", Situation.UNDECODABLE, DecodeError, "not a JSON object"),
    (200, b'{"success":true,"a":"\xff"}', Situation.UNDECODABLE, DecodeError, "not UTF-8 (byte 21)"),
    (200, PAGE, Situation.UNDECODABLE, ServerError, PAGE_REASON),
    (202, PAGE, Situation.UNDECODABLE, ServerError, PAGE_REASON),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "situation", "kind", "told"), FAILURES)
def test_failures(
    status: int, body: bytes | str, situation: Situation, kind: type[QuantConnectError], told: tuple[str, ...] | str
) -> None:
    """What the retry table is told, the exact class, and what the server said, redacted."""
    rejected = interpreted(status, body)
    assert isinstance(rejected, Rejected)
    assert (rejected.situation, type(rejected.error)) == (situation, kind)
    assert isinstance(rejected.error, ResponseError)
    assert (rejected.error.endpoint, rejected.error.status_code) == ("live/orders/read", status)
    assert (rejected.error.errors if isinstance(rejected.error, APIError) else rejected.error.reason) == told
    if isinstance(rejected.error, AuthenticationError):
        assert rejected.error.hint == CREDENTIALS_HINT
    assert rejected.maybe_signature is (status == 500 and not body.strip())
    assert not rejected.confirmed
    assert HASH not in f"{rejected!r} {rejected.error} {rejected.error!r} {vars(rejected.error)}"


@pytest.mark.parametrize(
    ("status", "body", "doubtful"),
    [
        (403, failed("You may not see this project"), True),
        (403, "{}", True),
        (403, failed(MISMATCH), False),
        (403, failed("UserID not valid"), False),
        (401, "", False),
        (401, failed("no"), False),
        (200, failed(MISMATCH), False),
    ],
)
def test_a_refusal_that_may_be_about_something_else(status: int, body: str, doubtful: bool) -> None:
    """Finding 3: a 403 may be about one project; what QuantConnect says of hash and user id, and a 401, may not."""
    rejected = interpreted(status, body)
    assert (rejected.situation, rejected.doubtful) == (Situation.CREDENTIALS, doubtful)


@pytest.mark.parametrize("body", ['{"success":true}', '{"success":true,"orders":null}', '{"orders":', "[]", "{]", "{"])
def test_bodies_that_promise_nothing(body: str) -> None:
    """Success without its payload, or no JSON: never an empty collection; the beginning of the body is shown."""
    rejected = interpreted(200, body)
    assert rejected.situation is Situation.UNDECODABLE
    assert (type(rejected.error), rejected.error.endpoint) == (DecodeError, "live/orders/read")
    assert rejected.error.excerpt == body


@pytest.mark.parametrize("status", [200, 201, 204])
def test_an_undecodable_success_of_a_call_with_effect_is_no_refusal(status: int) -> None:
    """It may have happened: the table makes an unknown outcome of it, and not "refused"."""
    assert interpreted(status, "", LIQUIDATE_LIVE_ALGORITHM).situation is Situation.UNDECODABLE


@pytest.mark.parametrize(("headers", "wait"), [({}, 5.0), ({"retry-after": "2"}, 5.0), ({"retry-after": "30"}, 30.0)])
def test_a_content_network_is_asked_again_slowly(headers: dict[str, str], wait: float) -> None:
    """After 5 s at least: it counts requests."""
    rejected = interpret(AUTHENTICATE, 503, headers, CHALLENGE, NOW)
    assert isinstance(rejected, Rejected)
    assert (rejected.situation, rejected.hint) == (Situation.UNAVAILABLE, wait)


def test_a_content_network_may_tell_in_a_header() -> None:
    """Its page then need not be known."""
    rejected = interpret(AUTHENTICATE, 503, {"cf-mitigated": "challenge"}, PAGE, NOW)
    assert isinstance(rejected, Rejected)
    assert isinstance(rejected.error, AccessBlocked)


def test_a_request_that_is_too_large_is_named_with_its_size() -> None:
    """The server does not say what its limit is."""
    rejected = interpret(AUTHENTICATE, 413, {}, b"", NOW, request_bytes=123_456)
    assert isinstance(rejected, Rejected)
    assert "123456 bytes" in str(rejected.error)


@pytest.mark.parametrize("status", [200, 400, 401])
@pytest.mark.parametrize("end", ["", " ", ".", ", sorry"])
def test_a_timestamp_that_the_server_did_not_see(status: int, end: str) -> None:
    """Something on the way strips the header: the error says so, and not only that credentials are wrong."""
    rejected = interpreted(status, failed(f"Hash doesn't match. UID: 1 Hash: {HASH} Timestamp:{end}"))
    assert rejected.error.hint == NO_TIMESTAMP_HINT
    assert "saw no timestamp" in str(rejected.error)


@pytest.mark.parametrize(
    ("meaning", "situation"),
    [
        ("credentials", Situation.CREDENTIALS),
        ("throttled", Situation.THROTTLED),
        ("transient", Situation.TRANSIENT),
        ("permanent", Situation.REFUSED),
    ],
)
def test_texts_can_be_taught(meaning: str, situation: Situation) -> None:
    """A user's own row counts before those that are known, in any case of its letters."""
    known = patterns({"Internal ERROR 21": meaning})
    rejected = interpret(AUTHENTICATE, 200, {}, failed("We have an internal Error 21").encode(), NOW, known=known)
    assert isinstance(rejected, Rejected)
    assert rejected.situation is situation


@pytest.mark.parametrize("more", [{"a": "always"}, {"": "transient"}, {" ": "permanent"}])
def test_what_cannot_be_taught(more: dict[str, str]) -> None:
    """A meaning that nobody knows, or a text that is everywhere."""
    with pytest.raises(ConfigurationError, match="'credentials', 'throttled', 'transient', 'permanent'"):
        patterns(more)


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://login.example/path?user=1", " to login.example"),
        ("https://user:canary@login.example:8443/", " to login.example"),
        ("/relative", ""),
        ("", ""),
        ("https://[", ""),
        (f"https://{HASH}.example/", " to [redacted].example"),
    ],
)
def test_a_redirect_shows_its_host_and_nothing_else(location: str, shown: str) -> None:
    """Enough to recognise a login page or a captive portal."""
    rejected = interpreted(302, "", location=location)
    assert rejected.error.reason == f"a redirect{shown}, {REDIRECT}"


def test_texts_are_bounded() -> None:
    """Ten texts of 500 characters, redacted before they are cut."""
    texts = ",".join(f'"{number} {"x" * 2000}"' for number in range(50))
    errors = interpreted(200, f'{{"success":false,"errors":[{texts}]}}').error.errors
    assert [len(text) for text in errors] == [500] * 10
    assert errors[9].startswith("9 xxx")


def test_an_echoed_authorization_value_is_redacted() -> None:
    """It holds the hash in base64."""
    value = base64.b64encode(f"12345:{HASH}".encode()).decode()
    assert value not in str(interpreted(400, failed(f"bad Authorization: Basic {value}")).error)


@pytest.mark.parametrize(
    ("endpoint", "text", "hint"),
    [
        (READ_LIVE_ALGORITHM, "No live deployment found", "The project was never deployed; live.list() shows what is."),
        (READ_LIVE_ALGORITHM_LIST, "Invalid argument", "QuantConnect no longer answers this form; use live.list()."),
        (CREATE_LIVE_ALGORITHM, "Brokerage data must be an array", "brokerage must be a mapping with an 'id'."),
        (READ_LIVE_ALGORITHM, "Invalid argument", ""),
    ],
)
@pytest.mark.parametrize("status", [200, 400])
def test_hints_of_the_endpoint(endpoint: Endpoint[Any], text: str, hint: str, status: int) -> None:
    """Known texts come with what to do."""
    assert interpreted(status, failed(text), endpoint).error.hint == hint


@pytest.mark.parametrize(
    ("status", "body", "situation"),
    [
        (429, "", Situation.THROTTLED),
        (200, failed("slow down"), Situation.THROTTLED),
        (503, "", Situation.UNAVAILABLE),
        (500, "", Situation.SERVER_ERROR),
        (408, "", Situation.HURRIED),
    ],
)
def test_the_hint_comes_along(status: int, body: str, situation: Situation) -> None:
    """Wherever a wait can be asked for, the retry table learns it, and so does who catches a RateLimitError."""
    rejected = interpreted(status, body, retry_after="7")
    assert (rejected.situation, rejected.hint) == (situation, 7.0)
    if isinstance(rejected.error, RateLimitError):
        assert rejected.error.retry_after == 7.0


def at(seconds: float) -> str:
    return email.utils.formatdate(NOW + seconds, usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 7 "}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "604800"}, 604800.0),
        ({"retry-after": "604801"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "-0.5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "-inf"}, None),
        ({"retry-after": "1e400"}, None),
        ({"retry-after": "1" * 35}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "7, 8"}, None),
        ({"retry-after": at(30)}, 30.0),
        ({"retry-after": at(0)}, 0.0),
        ({"retry-after": at(-30)}, None),
        ({"retry-after": at(8 * 86400)}, None),
        ({"retry-after": "Thu, 01 Jan 2026 02:00:30 +0200"}, 30.0),
        ({"retry-after": "Thu, 01 Jan 2026 00:00:30"}, None),
        ({"retry-after": "Thu, 01 Jan 2026 00:00:30 -0000"}, None),
        ({"retry-after": "Fri, 01 Jan 100000 00:00:00 GMT"}, None),
        ({"retry-after": f"Fri, 01 Jan {'9' * 30} 00:00:00 GMT"}, None),
        ({"retry-after": "Thu, 32 Jan 2026 00:00:00 GMT"}, None),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after-ms": "-1", "retry-after": "7"}, 7.0),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7.0),
        ({"retry-after-ms": "nan"}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, milliseconds or a date by the server's clock; what is unreadable or absurd is no hint."""
    assert retry_after(headers, NOW) == seconds
