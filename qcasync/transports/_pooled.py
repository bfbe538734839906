"""What the httpx transport and the httpx2 transport have in common: everything but the library.

The libraries' transport layer is used without their client layer, so that there are no redirects, no cookies and no
environment to switch off, and no error that carries the signed request.
"""

import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType, ModuleType
from typing import Any, cast

import anyio
import httpx

from qcasync.transports._bodies import ACCEPT_ENCODING, BoundedBody
from qcasync.transports._failures import FaultTable, kinds, translate
from qcasync.transports._tls import require_checks
from qcasync.transports.protocol import Fault, Phase, Progress, Request, Response, TransportError

CONNECT_SECONDS = 5.0
WRITE_SECONDS = 10.0
READ_SECONDS = 30.0
CLOSE_SECONDS = 2.0
KEEPALIVE_SECONDS = 30.0
"""Below the 60 s after which common load balancers drop an idle connection without a word."""
_TIMEOUTS = MappingProxyType(
    {"connect": CONNECT_SECONDS, "write": WRITE_SECONDS, "read": READ_SECONDS, "pool": CONNECT_SECONDS}
)
SHARD_CONNECTIONS = 10

_EVENTS = MappingProxyType(
    {
        "send_request_headers.started": Phase.PARTLY_SENT,
        "send_request_body.complete": Phase.SENT,
        "receive_response_headers.complete": Phase.ANSWERING,
    }
)
"""Trace events, without the layer's name before the first dot, and what each proves."""
_CONNECTING = "connection"
"""The layer whose events come before the first byte of a request: TCP and TLS."""


@dataclass(frozen=True)
class Library:
    """The parts of an HTTP library that are used.

    Attributes:
        faults: Its exceptions and what they mean.
    """

    request: type[httpx.Request]
    transport: type[httpx.AsyncHTTPTransport]
    limits: type[httpx.Limits]
    create_ssl_context: Callable[..., ssl.SSLContext]
    faults: FaultTable

    @classmethod
    def of(cls, http: ModuleType) -> "Library":
        """The parts of httpx, or of its continuation httpx2, whose classes have the same names."""
        return cls(
            request=http.Request,
            transport=http.AsyncHTTPTransport,
            limits=http.Limits,
            create_ssl_context=http.create_ssl_context,
            faults=(
                (http.ConnectTimeout, Fault.UNREACHABLE),
                (http.PoolTimeout, Fault.UNREACHABLE),
                (http.ConnectError, Fault.UNREACHABLE),
                (UnicodeError, Fault.UNREACHABLE),  # a host name that no codec takes
                (http.TimeoutException, Fault.TIMEOUT),
                (http.TransportError, Fault.LOST),
                (http.StreamError, Fault.DAMAGED),
                (OSError, Fault.LOST),  # on asyncio, a TLS error after the handshake comes through as it is
            ),
        )


class PooledTransport:
    """An HTTP/1.1 transport over pools of kept-alive connections.

    Args:
        library: The HTTP library.
        max_connections: How many exchanges may run at once; more wait, so let the caller's gate be the narrower one.
        ssl_context: Replaces the default trust store, for a private certificate authority for instance.
        unsharded: The largest pool the library serves well.

    Raises:
        ConfigurationError: `ssl_context` does not check certificates.
    """

    def __init__(
        self, library: Library, max_connections: int, ssl_context: ssl.SSLContext | None, unsharded: int
    ) -> None:
        self._library = library
        verify = library.create_ssl_context(trust_env=False) if ssl_context is None else require_checks(ssl_context)
        size = max_connections if max_connections <= unsharded else SHARD_CONNECTIONS
        self._pools = [
            library.transport(
                verify=verify,
                trust_env=False,
                limits=library.limits(
                    max_connections=size, max_keepalive_connections=size, keepalive_expiry=KEEPALIVE_SECONDS
                ),
            )
            for _ in range(-(-max_connections // size))
        ]
        self._in_flight = [0] * len(self._pools)

    async def exchange(self, request: Request, progress: Progress, /) -> Response:
        """Perform one exchange. See `Transport.exchange`."""
        shard = self._in_flight.index(min(self._in_flight))
        self._in_flight[shard] += 1
        try:
            return await self._exchange(self._pools[shard], request, progress)
        except kinds(self._library.faults) as error:
            raise translate(error, self._library.faults, progress) from error
        finally:
            self._in_flight[shard] -= 1

    async def aclose(self) -> None:
        """Close every connection."""
        for pool in self._pools:
            await pool.aclose()

    async def _exchange(self, pool: httpx.AsyncHTTPTransport, request: Request, progress: Progress) -> Response:
        opened: list[Any] = []  # streams of httpcore, whose types have no public home in httpx

        async def trace(event: str, info: Mapping[str, Any]) -> None:
            if event == "connection.connect_tcp.complete":
                opened.append(info["return_value"])
            layer, _, name = event.partition(".")
            phase = _EVENTS.get(name)
            if phase is None and progress.phase is Phase.NOT_SENT and layer != _CONNECTING:
                phase = Phase.SENT  # an event of another version: assume the worst
            if phase is not None:
                progress.reached(phase)

        outgoing = self._library.request(
            request.method,
            request.url,
            headers=[*request.headers, ("Accept-Encoding", ACCEPT_ENCODING)],
            content=request.body,
            extensions={"timeout": _TIMEOUTS, "trace": trace},
        )
        if isinstance(outgoing.stream, httpx.AsyncByteStream):
            outgoing.stream = _Body(request.body)
        try:
            response = await pool.handle_async_request(outgoing)
        except BaseException:
            for stream in opened:  # httpcore forgets a connection whose TLS handshake is cancelled
                with anyio.move_on_after(CLOSE_SECONDS, shield=True):
                    await stream.aclose()
            raise
        try:
            progress.reached(Phase.ANSWERING)
            headers = MappingProxyType(dict(response.headers.items()))
            body = BoundedBody(headers, request.max_body_bytes)
            chunks = aiter(cast("httpx.AsyncByteStream", response.stream))  # the other kind is for synchronous clients
            try:
                async for chunk in chunks:
                    body.feed(chunk)
            except TransportError:
                await self._abandon(response, chunks)
                raise
            content = body.finish()
            _distrust_surplus(response)
        finally:
            await response.aclose()
        progress.reached(Phase.ANSWERED)
        return Response(status_code=response.status_code, headers=headers, body=content, wire_bytes=body.wire_bytes)

    async def _abandon(self, response: httpx.Response, chunks: AsyncIterator[bytes]) -> None:
        """Close the connection under a body that is not wanted any more.

        Reading on, which fails at once, ends the generators inside the library; left to the garbage collector, they
        would be reported by trio.
        """
        await response.aclose()
        with suppress(*kinds(self._library.faults)):
            async for _ in chunks:
                pass


class _Body(httpx.AsyncByteStream):
    """A request's body. httpx's own is a generator, which trio reports if a write is cancelled or fails.

    httpx2 closes its generators, so it keeps its own.
    """

    def __init__(self, body: bytes) -> None:
        self._parts = [body]

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not self._parts:
            raise StopAsyncIteration
        return self._parts.pop()


def _distrust_surplus(response: httpx.Response) -> None:
    """Let the connection be closed if bytes came after the answer.

    h11 keeps them, and would take them for the answer to the next request. No public name leads to h11; where these
    private ones do not either, a connection is trusted as the library trusts it.
    """
    place: Any = response.stream  # private names have no types
    for name in ("_httpcore_stream", "_stream", "_connection", "_h11_state"):
        place = getattr(place, name, None)
    if place is not None and place.trailing_data[0]:
        place.send_failed()  # puts h11 into a state in which httpcore does not keep the connection
