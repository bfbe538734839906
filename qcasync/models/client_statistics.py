"""What a client has done so far, and how it is now: plain numbers, free of credentials."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

__all__ = ["BreakerState", "CallStatistics", "ClientStatistics"]

BreakerState = Literal["closed", "open", "half-open"]
"""Whether requests pass, none does, or one does and decides."""


class CallStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """The calls of one operation. Each window of a listing is a call.

    Attributes:
        begun: How many began.
        succeeded: How many brought what they promised.
        cancelled: How many were cancelled by whoever made them.
        errors: How many ended in an error, by its class, such as "RateLimitError".
        seconds: How long those took that ended, retries and waits included, added up.
    """

    begun: int = 0
    succeeded: int = 0
    cancelled: int = 0
    errors: Mapping[str, int] = {}
    seconds: float = 0.0

    @property
    def failed(self) -> int:
        """How many ended in an error."""
        return sum(self.errors.values())

    @property
    def in_progress(self) -> int:
        """How many have not ended yet."""
        return self.begun - self.succeeded - self.cancelled - self.failed


class ClientStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """A client's counters, which only grow, and its present state.

    Attributes:
        since: When the client was made, by our clock, in UTC.
        at: When this was told, likewise.
        calls: By operation, such as "READ_LIVE_ORDERS"; those that were made at least once.
        attempts: Requests that were handed to the HTTP library.
        answers: Responses that were read to their end, by status code.
        lost: Requests that brought no whole response.
        given_up: Requests that were cancelled while they were in flight.
        retries: Requests that were sent again after a failure.
        loading_waits: Waits for data that QuantConnect was still preparing.
        throttled: Answers that asked for fewer requests: 429, or such words in a 200.
        clock_refusals: Signatures that were refused because of the clock.
        windows: Windows of listings that were read.
        bytes_sent: Of requests' bodies.
        bytes_received: Of responses' bodies, as they travelled.
        bytes_decompressed: The same after decompression.
        in_flight: Requests in flight now.
        requests_per_second: What the rate allows now; None while nothing limits it.
        retry_budget: How many retries could be paid now, at the price of one each.
        breaker: "closed" while requests pass.
        credentials_refused: Whether nothing is sent because the credentials were refused a moment ago.
        clock_offset: Seconds that the server's clock is ahead of ours; None before the first answer.
        clock_uncertainty: Seconds between the least and the most that it can be; None before the first answer.
        connections: Open connections; None where the transport does not tell.
    """

    since: datetime
    at: datetime
    calls: Mapping[str, CallStatistics]
    attempts: int
    answers: Mapping[int, int]
    lost: int
    given_up: int
    retries: int
    loading_waits: int
    throttled: int
    clock_refusals: int
    windows: int
    bytes_sent: int
    bytes_received: int
    bytes_decompressed: int
    in_flight: int
    requests_per_second: float | None
    retry_budget: float
    breaker: BreakerState
    credentials_refused: bool
    clock_offset: float | None
    clock_uncertainty: float | None
    connections: int | None
