"""The seam between qcasync and an HTTP library: bytes in, bytes out, and evidence of how far a request got.

A transport performs exactly one HTTP exchange. It does not retry, follow redirects, keep cookies, sign or decode JSON;
everything it may decide stands in this file. Anything with an `exchange` and an `aclose` method is a transport.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

import msgspec

from qcasync._core.phases import Fault, Phase

__all__ = ["Fault", "Phase", "Progress", "Request", "Response", "Transport", "TransportError"]

SECRET_HEADERS = frozenset({"authorization"})


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request, ready to be written.

    Attributes:
        url: Absolute.
        headers: In the order to send; values may be secret, so they are absent from `repr`.
        max_body_bytes: The largest body that may be returned, after decompression.
    """

    method: str = "POST"
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    max_body_bytes: int = 64 * 2**20

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.url} ({len(self.body)} bytes)>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:  # rich asks for it first, and msgspec's own lists every field
        return [("method", self.method), ("url", self.url)]


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP response, read to its end and decompressed.

    Attributes:
        headers: Names in lower case; a repeated header's values joined by ", ".
        body: Decompressed.
        wire_bytes: Size of the body as it travelled.
    """

    status_code: int
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes = b""
    wire_bytes: int = 0

    def __repr__(self) -> str:
        return f"<Response {self.status_code} ({len(self.body)} bytes)>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("status_code", self.status_code)]


class Progress:
    """How far one request got, and when. Owned by the caller, so that it outlives a cancelled exchange.

    Args:
        clock: A monotonic clock, in seconds.

    Attributes:
        phase: The furthest point reached.
        sent_at: When the first byte of the request was about to be written; None before that.
        answered_at: When the response's headers had been read; None before that.
        reused: Whether the request went out on a connection that had served another one before, and so may have been
            closed by the server meanwhile. False where the transport cannot tell.
    """

    __slots__ = ("_clock", "answered_at", "phase", "reused", "sent_at")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.phase: Phase = Phase.NOT_SENT
        self.sent_at: float | None = None
        self.answered_at: float | None = None
        self.reused: bool = False

    def reached(self, phase: Phase) -> None:
        """Record that the request reached `phase`. Earlier phases than the one recorded are ignored."""
        if phase <= self.phase:
            return
        self.phase = phase
        if self.sent_at is None:
            self.sent_at = self._clock()
        if phase >= Phase.ANSWERING and self.answered_at is None:
            self.answered_at = self._clock()

    def __repr__(self) -> str:
        return f"<Progress {self.phase.name}>"


class TransportError(Exception):
    """An exchange that yielded no usable response. How far it got stands in its `Progress`.

    Attributes:
        fault: What went wrong.
        detail: The HTTP library's own words, free of credentials.
    """

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(fault, detail)
        self.fault = fault
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.fault.value}: {self.detail}" if self.detail else self.fault.value


@runtime_checkable
class Transport(Protocol):
    """What qcasync needs of an HTTP library. `HttpxTransport` is the model implementation.

    A transport that marks every phase as it is reached says so by an attribute `marks_phases = True`. Of any other one
    it is not believed that a request was not sent because nothing was marked; only a failure to connect proves it.
    One that knows how many connections are open says so by an attribute `connections`, for the client's statistics.
    """

    async def exchange(self, request: Request, progress: Progress, /) -> Response:
        """Send `request` and read its response to the end, marking each phase on `progress` as it is reached.

        Redirects are returned, not followed. Cancellation must leave the transport usable.

        Raises:
            TransportError: There is no complete response.
        """
        ...

    async def aclose(self) -> None:
        """Close every connection. Idempotent."""
        ...
