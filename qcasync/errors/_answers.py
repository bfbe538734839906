"""No usable answer, or not the promised one."""

from collections.abc import Iterable

from qcasync.errors._base import QuantConnectError, Sent, effort


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
        return f"{self.endpoint}: no answer ({self.reason}){effort(self)}. {reached}"


class RequestTimeout(RequestError):
    """The deadline of the call came before a usable answer."""

    def __str__(self) -> str:
        reached = {
            "no": "The request was not sent.",
            "maybe": "The request may have reached QuantConnect.",
            "yes": "The request was sent, but no complete answer came in time.",
        }[self.sent]
        return f"{self.endpoint}: timed out ({self.reason}){effort(self)}. {reached} A longer timeout= may help."


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
        return f"{_place(self)}{self.reason}{effort(self)}"


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
        return f"{_place(self)}the answer cannot be decoded: {self.reason}{at}{seen}{effort(self)}"


class ResponseTooLarge(DecodeError):
    """The body exceeds the limit of its endpoint; it was not read any further."""

    def __str__(self) -> str:
        return f"{_place(self)}{self.reason}{effort(self)}"


class ServerError(ResponseError):
    """The server, or a proxy in front of it, failed: a status of 5xx, or a page of HTML instead of JSON."""

    def __str__(self) -> str:
        return f"{_place(self)}{self.reason}{effort(self)}. The fault is on the server's side; try again later."


class AccessBlocked(ResponseError):
    """A content network in front of QuantConnect turned the request away with a page for browsers.

    It says nothing about the credentials, and repeating the request makes it worse.
    """

    def __str__(self) -> str:
        return (
            f"{_place(self)}{self.reason}{effort(self)}. A content network in front of QuantConnect blocks this "
            "address, and the request did not get through. Send fewer, or from elsewhere; ask QuantConnect if it lasts."
        )


class RedirectRefused(ResponseError):
    """The server points elsewhere. Redirects are never followed: they would carry credentials to another place."""

    def __str__(self) -> str:
        return f"{_place(self)}{self.reason}{effort(self)}. Check the base URL; a captive portal redirects as well."


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
        return f"{_place(self)}{what}: {self.reason}{effort(self)}{hint}"


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


def _place(error: ResponseError) -> str:
    if not error.endpoint:
        return ""
    status = "" if error.status_code in (0, 200) else f" answered HTTP {error.status_code}"
    return f"{error.endpoint}{status}: "
