"""Every error that qcasync raises.

    QuantConnectError                      every error of this library
    ├─ ConfigurationError                  credentials, addresses, arguments: raised before any I/O
    ├─ RequestError                        no usable answer
    │  └─ RequestTimeout
    ├─ ResponseError                       an answer, but not the promised one
    │  ├─ DecodeError                      not JSON, or not the model
    │  │  └─ ResponseTooLarge
    │  ├─ ServerError                      5xx, or HTML from a proxy
    │  ├─ AccessBlocked                    a content network wants a browser
    │  ├─ RedirectRefused                  a redirect, which is never followed
    │  └─ APIError                         success: false
    │     ├─ AuthenticationError
    │     │  └─ ClockSkewError
    │     ├─ RateLimitError
    │     └─ NotFoundError
    ├─ NotReady                            still loading when the deadline came
    ├─ StillRunning                        a deployment had not ended when the deadline came
    ├─ IncompleteRead                      a listing that could not be completed
    ├─ OutcomeUnknown                      a call with effect may or may not have happened
    └─ JournalError                        the file of intents cannot be read or written

Values go positionally through `super().__init__`, so that every error pickles; `__str__` composes the sentence: what
happened, whose fault it is, what to do. Texts that come from the server are redacted before they get here.
"""

from collections.abc import Iterable
from typing import Literal

from qcasync.outcomes import Outcome

__all__ = [
    "APIError",
    "AccessBlocked",
    "AuthenticationError",
    "ClockSkewError",
    "ConfigurationError",
    "DecodeError",
    "IncompleteRead",
    "JournalError",
    "NotFoundError",
    "NotReady",
    "OutcomeUnknown",
    "QuantConnectError",
    "RateLimitError",
    "RedirectRefused",
    "RequestError",
    "RequestTimeout",
    "ResponseError",
    "ResponseTooLarge",
    "ServerError",
    "StillRunning",
]

Sent = Literal["no", "maybe", "yes"]
"""Whether a request may have reached QuantConnect."""


class QuantConnectError(Exception):
    """Every error of this library.

    Attributes:
        attempts: How often the request was handed to the transport; 0 if the error came before any I/O.
        elapsed: Seconds from the call to the error.
        outcome: Of a call with effect: what is known of it. None for any other call.
    """

    attempts: int = 0
    elapsed: float = 0.0
    outcome: Outcome | None = None


class ConfigurationError(QuantConnectError):
    """Something given to this library cannot work. Raised before any I/O.

    Attributes:
        problem: What is wrong, and where it was given.
        hint: What to do about it.
    """

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem, hint)
        self.problem = problem
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.problem}\n  HINT: {self.hint}" if self.hint else self.problem


class RequestError(QuantConnectError):
    """There is no usable answer.

    Attributes:
        endpoint: The path below the base URL, such as "live/orders/read".
        reason: What went wrong, in the transport's words.
        sent: Whether the request may have reached QuantConnect: "no", "maybe" or "yes".
    """

    def __init__(self, endpoint: str, reason: str, sent: Sent) -> None:
        super().__init__(endpoint, reason, sent)
        self.endpoint = endpoint
        self.reason = reason
        self.sent: Sent = sent

    def __str__(self) -> str:
        reached = {
            "no": "The request was not sent; check the network and the base URL, then repeat it.",
            "maybe": "The request may have reached QuantConnect.",
            "yes": "The request was sent, but its answer was lost.",
        }[self.sent]
        return f"{self.endpoint}: no answer ({self.reason}){_effort(self)}. {reached}"


class RequestTimeout(RequestError):
    """The deadline of the call came before a usable answer."""

    def __str__(self) -> str:
        reached = {
            "no": "The request was not sent.",
            "maybe": "The request may have reached QuantConnect.",
            "yes": "The request was sent, but no complete answer came in time.",
        }[self.sent]
        return f"{self.endpoint}: timed out ({self.reason}){_effort(self)}. {reached} A longer timeout= may help."


class ResponseError(QuantConnectError):
    """The server answered, but not what it promises.

    Attributes:
        endpoint: The path below the base URL; "" when a body was decoded without a client.
        status_code: The HTTP status; 200 when a body was decoded without a client, 0 when nothing was sent.
        reason: What was wrong with the answer.
    """

    def __init__(self, endpoint: str, status_code: int, reason: str) -> None:
        super().__init__(endpoint, status_code, reason)
        self.endpoint = endpoint
        self.status_code = status_code
        self.reason = reason

    def __str__(self) -> str:
        return f"{_place(self)}{self.reason}{_effort(self)}"


class DecodeError(ResponseError):
    """The body is not JSON, or not the model that was promised.

    Attributes:
        path: Where in the document, such as "$.orders[0].id"; "" if the document as a whole is at fault.
        excerpt: At most 200 redacted characters of the body.
    """

    def __init__(self, endpoint: str, status_code: int, reason: str, path: str = "", excerpt: str = "") -> None:
        super().__init__(endpoint, status_code, reason)
        Exception.__init__(self, endpoint, status_code, reason, path, excerpt)  # all of them, so that it pickles
        self.path = path
        self.excerpt = excerpt

    def __str__(self) -> str:
        at = f" at {self.path}" if self.path else ""
        seen = f"; the body begins {self.excerpt!r}" if self.excerpt else ""
        return f"{_place(self)}the answer cannot be decoded: {self.reason}{at}{seen}{_effort(self)}"


class ResponseTooLarge(DecodeError):
    """The body exceeds the limit of its endpoint; it was not read any further."""

    def __str__(self) -> str:
        return f"{_place(self)}{self.reason}{_effort(self)}"


class ServerError(ResponseError):
    """The server, or a proxy in front of it, failed: a status of 5xx, or a page of HTML instead of JSON."""

    def __str__(self) -> str:
        return f"{_place(self)}{self.reason}{_effort(self)}. The fault is on the server's side; try again later."


class AccessBlocked(ResponseError):
    """A content network in front of QuantConnect turned the request away with a page for browsers.

    It says nothing about the credentials, and repeating the request makes it worse.
    """

    def __str__(self) -> str:
        return (
            f"{_place(self)}{self.reason}{_effort(self)}. A content network in front of QuantConnect blocks this "
            "address, and the request did not get through. Send fewer, or from elsewhere; ask QuantConnect if it lasts."
        )


class RedirectRefused(ResponseError):
    """The server points elsewhere. Redirects are never followed: they would carry credentials to another place."""

    def __str__(self) -> str:
        return f"{_place(self)}{self.reason}{_effort(self)}. Check the base URL; a captive portal redirects as well."


class APIError(ResponseError):
    """QuantConnect refused the request: `success: false`, or a status of 4xx.

    Attributes:
        errors: The server's texts, redacted; empty if it gave no reason.
        hint: What to do about it; may be empty.
    """

    def __init__(self, endpoint: str, status_code: int, errors: Iterable[str] = (), hint: str = "") -> None:
        texts = tuple(errors)
        super().__init__(endpoint, status_code, "; ".join(texts) or "no reason given")
        Exception.__init__(self, endpoint, status_code, texts, hint)
        self.errors = texts
        self.hint = hint

    def __str__(self) -> str:
        hint = f"\n  HINT: {self.hint}" if self.hint else ""
        what = "QuantConnect refused the request" if self.status_code else "nothing was sent"
        return f"{_place(self)}{what}: {self.reason}{_effort(self)}{hint}"


class AuthenticationError(APIError):
    """The user id and API token were refused, and the clock is not to blame."""


class ClockSkewError(AuthenticationError):
    """The request was, or would be, refused because of this machine's clock."""


class RateLimitError(APIError):
    """The server asks for fewer requests, and waiting would take longer than the call may.

    Attributes:
        retry_after: Seconds to wait, where the server said so.
    """

    def __init__(
        self,
        endpoint: str,
        status_code: int,
        errors: Iterable[str] = (),
        hint: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(endpoint, status_code, errors, hint)
        Exception.__init__(self, endpoint, status_code, self.errors, hint, retry_after)
        self.retry_after = retry_after


class NotFoundError(APIError):
    """The project, deployment or endpoint does not exist, or these credentials may not see it."""


class NotReady(QuantConnectError):
    """QuantConnect was still preparing the data when the deadline came.

    Attributes:
        endpoint: The path below the base URL.
        progress: The last progress that the server told, 0 to 1; None if it told none.
        waited: Seconds spent waiting.
    """

    def __init__(self, endpoint: str, progress: float | None, waited: float) -> None:
        super().__init__(endpoint, progress, waited)
        self.endpoint = endpoint
        self.progress = progress
        self.waited = waited

    def __str__(self) -> str:
        told = "" if self.progress is None else f" (progress {self.progress:.0%})"
        return (
            f"{self.endpoint}: QuantConnect was still preparing the data{told} after {self.waited:.0f} s. "
            "A young deployment has no data until its first flush, about 10 minutes after its start; try again later."
        )


class StillRunning(QuantConnectError):
    """A deployment had not ended when the deadline came.

    Attributes:
        project_id: The project.
        deploy_id: The deployment; None if there was none to be seen.
        status: Its last known status; "" if there is none.
        waited: Seconds spent waiting.
    """

    def __init__(self, project_id: int, deploy_id: str | None, status: str, waited: float) -> None:
        super().__init__(project_id, deploy_id, status, waited)
        self.project_id = project_id
        self.deploy_id = deploy_id
        self.status = status
        self.waited = waited

    def __str__(self) -> str:
        which = "no deployment was seen" if self.deploy_id is None else f"deployment {self.deploy_id} was {self.status}"
        return (
            f"Project {self.project_id}: {which} after {self.waited:.0f} s. It may still end; "
            "look at it with live.list(), or wait longer with live.wait_stopped()."
        )


class IncompleteRead(QuantConnectError):
    """A listing could not be completed. What was read is here; nothing is passed off as the whole.

    Attributes:
        endpoint: The path below the base URL.
        reason: Why the listing stopped; the cause, where there is one, is `__cause__`.
        read: Half-open index ranges that were read.
        missing: Half-open index ranges that were not; an open end is None.
    """

    def __init__(
        self,
        endpoint: str,
        reason: str,
        read: Iterable[tuple[int, int]] = (),
        missing: Iterable[tuple[int, int | None]] = (),
    ) -> None:
        read, missing = tuple(read), tuple(missing)
        super().__init__(endpoint, reason, read, missing)
        self.endpoint = endpoint
        self.reason = reason
        self.read: tuple[tuple[int, int], ...] = read
        self.missing: tuple[tuple[int, int | None], ...] = missing

    def __str__(self) -> str:
        got = ", ".join(f"{start} to {end}" for start, end in self.read) or "nothing"
        lost = ", ".join(f"from {start} on" if end is None else f"{start} to {end}" for start, end in self.missing)
        return f"{self.endpoint}: incomplete ({self.reason}). Read: {got}; missing: {lost or 'unknown'}{_effort(self)}."


class OutcomeUnknown(QuantConnectError):
    """A call with effect was sent, and nothing tells whether it happened. It is not sent again.

    Attributes:
        endpoint: The path below the base URL.
        reason: Why the answer is missing; the cause is `__cause__`.
        sent: "maybe" or "yes".
        check: How to find out.
    """

    def __init__(self, endpoint: str, reason: str, sent: Sent, check: str = "") -> None:
        super().__init__(endpoint, reason, sent, check)
        self.endpoint = endpoint
        self.reason = reason
        self.sent: Sent = sent
        self.check = check

    def __str__(self) -> str:
        reached = "was sent" if self.sent == "yes" else "may have been sent"
        seen = "" if self.outcome is None else self.outcome.reason
        seen = f" Afterwards: {seen}." if seen and seen != self.reason else ""
        check = f" {self.check}" if self.check else ""
        told = f"{self.endpoint}: the request {reached}, its outcome is unknown ({self.reason}); not repeated."
        return told + seen + check


class JournalError(QuantConnectError):
    """The file of intents cannot be read or written.

    Attributes:
        path: The file.
        problem: What went wrong.
        hint: What to do about it.
    """

    def __init__(self, path: str, problem: str, hint: str = "") -> None:
        super().__init__(path, problem, hint)
        self.path = path
        self.problem = problem
        self.hint = hint

    def __str__(self) -> str:
        return f"The journal {self.path} {self.problem}." + (f"\n  HINT: {self.hint}" if self.hint else "")


def _place(error: ResponseError) -> str:
    if not error.endpoint:
        return ""
    status = "" if error.status_code in (0, 200) else f" answered HTTP {error.status_code}"
    return f"{error.endpoint}{status}: "


def _effort(error: QuantConnectError) -> str:
    if error.attempts <= 1:
        return ""
    return f" (attempt {error.attempts}, {error.elapsed:.1f} s)"
