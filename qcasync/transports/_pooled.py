"""What the httpx transport and the httpx2 transport have in common: everything but the library.

The libraries' transport layer is used without their client layer, so that there are no redirects, no cookies and no
environment to switch off, and no error that carries the signed request.
"""

import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from types import MappingProxyType, ModuleType
from typing import cast

import httpx

from qcasync.errors import ConfigurationError
from qcasync.transports._bodies import ACCEPT_ENCODING, BoundedBody
from qcasync.transports.protocol import Fault, Phase, Progress, Request, Response, TransportError

CONNECT_SECONDS = 5.0
WRITE_SECONDS = 10.0
READ_SECONDS = 30.0
KEEPALIVE_SECONDS = 30.0
"""Below the 60 s after which common load balancers drop an idle connection without a word."""
SHARD_CONNECTIONS = 10

_EVENTS = MappingProxyType(
    {
        "send_request_headers.started": Phase.PARTLY_SENT,
        "send_request_body.complete": Phase.SENT,
        "receive_response_headers.complete": Phase.ANSWERING,
    }
)
"""Trace events, without the protocol's name before the first dot, and what each proves."""


@dataclass(frozen=True)
class Library:
    """The parts of an HTTP library that are used.

    Attributes:
        faults: Its exceptions and what they mean; the first class that matches counts.
    """

    request: type[httpx.Request]
    transport: type[httpx.AsyncHTTPTransport]
    limits: type[httpx.Limits]
    create_ssl_context: Callable[..., ssl.SSLContext]
    faults: tuple[tuple[type[Exception], Fault], ...]

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
                (http.TimeoutException, Fault.TIMEOUT),
                (http.TransportError, Fault.LOST),
                (http.StreamError, Fault.DAMAGED),
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
        if ssl_context is not None and not (
            ssl_context.check_hostname and ssl_context.verify_mode is ssl.CERT_REQUIRED
        ):
            raise ConfigurationError(
                "The ssl_context does not check certificates or host names.",
                "Load your certificate authority into ssl.create_default_context() instead.",
            )
        self._library = library
        verify = ssl_context or library.create_ssl_context(trust_env=False)
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
        except tuple(kind for kind, _ in self._library.faults) as error:
            raise self._failure(error, progress) from error
        finally:
            self._in_flight[shard] -= 1

    async def aclose(self) -> None:
        """Close every connection."""
        for pool in self._pools:
            await pool.aclose()

    async def _exchange(self, pool: httpx.AsyncHTTPTransport, request: Request, progress: Progress) -> Response:
        async def trace(event: str, _: object) -> None:
            phase = _EVENTS.get(event.partition(".")[2])
            if phase is not None:
                progress.reached(phase)

        response = await pool.handle_async_request(
            self._library.request(
                request.method,
                request.url,
                headers=[*request.headers, ("Accept-Encoding", ACCEPT_ENCODING)],
                content=request.body,
                extensions={
                    "timeout": {
                        "connect": CONNECT_SECONDS,
                        "write": WRITE_SECONDS,
                        "read": READ_SECONDS,
                        "pool": CONNECT_SECONDS,
                    },
                    "trace": trace,
                },
            )
        )
        try:
            progress.reached(Phase.ANSWERING)
            headers = MappingProxyType(dict(response.headers.items()))
            body = BoundedBody(headers, request.max_body_bytes)
            raw = cast("AsyncGenerator[bytes, None]", response.aiter_raw())  # typed as an iterator, which cannot be closed
            async with aclosing(raw) as chunks:
                async for chunk in chunks:
                    body.feed(chunk)
            content = body.finish()
        finally:
            await response.aclose()
        progress.reached(Phase.ANSWERED)
        return Response(status_code=response.status_code, headers=headers, body=content, wire_bytes=body.wire_bytes)

    def _failure(self, error: Exception, progress: Progress) -> TransportError:
        fault = next(fault for kind, fault in self._library.faults if isinstance(error, kind))
        if fault is Fault.UNREACHABLE and _is_certificate_error(error):
            fault = Fault.CERTIFICATE
        if progress.phase is Phase.NOT_SENT and fault not in (Fault.UNREACHABLE, Fault.CERTIFICATE):
            progress.reached(Phase.SENT)  # the events of another version may have other names: assume the worst
        if progress.phase >= Phase.ANSWERING and fault is Fault.LOST:
            fault = Fault.DAMAGED
        return TransportError(fault, str(error) or type(error).__name__)


def _is_certificate_error(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
