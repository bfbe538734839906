"""What a client tells its observers: frozen records, free of credentials, and of bodies unless one is asked for."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from qcasync.errors import Sent
from qcasync.outcomes import Outcome

__all__ = [
    "AnswerReceived",
    "CallBegan",
    "CallEnded",
    "LoadingObserved",
    "Observation",
    "Observer",
    "OutcomeTold",
    "RequestFailed",
    "RequestSent",
    "ResponseReceived",
    "RetryScheduled",
    "SkewCorrected",
    "Throttled",
    "WindowRead",
]


class CallBegan(msgspec.Struct, frozen=True, kw_only=True):
    """A call begins: one operation, over all its attempts. Told in the task that makes it.

    Attributes:
        call: Its number, which is no other call's in this process. What happens on its behalf carries it as well.
        operation: QuantConnect's name for it, such as "READ_LIVE_ORDERS".
    """

    call: int
    operation: str
    endpoint: str


class CallEnded(msgspec.Struct, frozen=True, kw_only=True):
    """A call ended. Told for each that began, also if it was cancelled.

    Attributes:
        ended: "ok", "cancelled", or the class of its error, such as "RateLimitError".
        attempts: Requests that were sent for it.
        seconds: From its beginning, waits included.
    """

    call: int
    operation: str
    endpoint: str
    ended: str
    attempts: int
    seconds: float


class RequestSent(msgspec.Struct, frozen=True, kw_only=True):
    """A request is handed to the transport. `ResponseReceived` or `RequestFailed` follows, also if it is cancelled.

    Attributes:
        call: The number of its call; 0 if it belongs to none.
        attempt: 1 for the first, more for its retries. A look after a loading answer is a first one.
        body_bytes: Size of the request's body.
        url: Where it goes. Holds no credentials.
    """

    call: int = 0
    endpoint: str
    attempt: int
    body_bytes: int
    url: str = ""


class ResponseReceived(msgspec.Struct, frozen=True, kw_only=True):
    """A response was read to its end.

    Attributes:
        body_bytes: Size after decompression.
        wire_bytes: Size as it travelled.
        seconds: From handing over the request to the end of the response.
        clock_offset: Seconds that the server's clock is ahead of ours; None while that is not known.
    """

    call: int = 0
    endpoint: str
    attempt: int
    status_code: int
    body_bytes: int
    wire_bytes: int
    seconds: float
    clock_offset: float | None = None


class RequestFailed(msgspec.Struct, frozen=True, kw_only=True):
    """A request brought no whole response.

    Attributes:
        reason: "unreachable", "certificate", "timeout", "lost", "damaged" or "too large"; "cancelled"; or "defect".
        sent: Whether it may have reached QuantConnect.
        seconds: Since it was handed to the transport.
    """

    call: int = 0
    endpoint: str
    attempt: int
    reason: str
    sent: Sent
    seconds: float


class AnswerReceived(msgspec.Struct, frozen=True, kw_only=True):
    """A call without effect was answered, and this is the answer with its body.

    Told only to observers that have an attribute `wants_bodies = True`, after `ResponseReceived`. Bodies hold what the
    account holds, and the hash of a refused request: they are absent from `repr`, and are not for a log.

    Attributes:
        request: The request's body, in JSON.
        headers: Those of the response; names in lower case.
        body: After decompression.
        seconds: From handing over the request to the end of the response.
        read_at: Our clock at the end of the response, in Unix seconds.
        mono_sent: Our monotonic clock no later than the request's first byte.
        mono_answered: The same no earlier than the end of the response's headers.
        mono_read: The same at the end of the response.
    """

    endpoint: str
    attempt: int
    request: bytes
    status_code: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    read_at: float
    mono_sent: float
    mono_answered: float
    mono_read: float

    def __repr__(self) -> str:
        return f"<AnswerReceived {self.endpoint} {self.status_code} ({len(self.body)} bytes)>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:  # rich asks for it first, and msgspec's own lists every field
        return [("endpoint", self.endpoint), ("status_code", self.status_code)]


class RetryScheduled(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt failed, and another will follow.

    Attributes:
        attempt: The one that failed.
        after: Seconds until the next.
        reason: What happened.
        sent: Whether the failed attempt may have reached QuantConnect.
    """

    call: int = 0
    endpoint: str
    attempt: int
    after: float
    reason: str
    sent: Sent


class Throttled(msgspec.Struct, frozen=True, kw_only=True):
    """An answer asked for fewer requests: a 429, or such words in a 200. The client sends fewer from now on.

    Attributes:
        hint: Seconds that the server asks to wait; None if it told none.
    """

    call: int = 0
    endpoint: str
    attempt: int
    hint: float | None


class SkewCorrected(msgspec.Struct, frozen=True, kw_only=True):
    """Requests are signed with another offset from now on.

    Attributes:
        offset: Seconds that the server's clock is ahead of ours.
        uncertainty: Seconds between the earliest and the latest time it can be.
    """

    offset: float
    uncertainty: float


class LoadingObserved(msgspec.Struct, frozen=True, kw_only=True):
    """QuantConnect is still preparing the data; the call waits.

    Attributes:
        progress: 0 to 1; None if the server told none.
        waited: Seconds so far.
    """

    call: int = 0
    endpoint: str
    progress: float | None
    waited: float


class WindowRead(msgspec.Struct, frozen=True, kw_only=True):
    """A window of a listing came.

    Attributes:
        start: First index asked for.
        end: The index after the last one asked for.
        count: Rows that came.
        hint: How many rows the whole list is thought to have; 0 while nobody knows.
    """

    endpoint: str
    project_id: int
    start: int
    end: int
    count: int
    hint: int


class OutcomeTold(msgspec.Struct, frozen=True, kw_only=True):
    """A call with effect ended, and this is known of it.

    Attributes:
        outcome: The same that is returned, or travels on the error.
    """

    outcome: Outcome


Observation = (
    CallBegan
    | CallEnded
    | RequestSent
    | ResponseReceived
    | RequestFailed
    | AnswerReceived
    | RetryScheduled
    | Throttled
    | SkewCorrected
    | LoadingObserved
    | WindowRead
    | OutcomeTold
)
Observer = Callable[[Observation], None]
"""Called on the event loop as things happen; keep it short. What it raises is logged, and otherwise ignored.

One that has an attribute `wants_bodies = True` is told `AnswerReceived` as well."""
