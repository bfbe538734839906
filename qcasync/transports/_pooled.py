"""What the httpx transport and the httpx2 transport have in common: everything but the library.

The libraries' transport layer is used without their client layer, so that there are no redirects, no cookies and no
environment to switch off, and no error that carries the signed request.
"""

import logging
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType, ModuleType
from typing import Any, Final, cast

import anyio
import httpx

from qcasync.transports._bodies import ACCEPT_ENCODING, BoundedBody
from qcasync.transports._failures import FaultTable, failure, kinds
from qcasync.transports._insides import bound_interim_answers, distrust_surplus, has_lost_slot, open_connections
from qcasync.transports._limits import CLOSE_SECONDS, CONNECT_SECONDS, KEEPALIVE_SECONDS, READ_SECONDS, WRITE_SECONDS
from qcasync.transports._room import Room
from qcasync.transports._tls import context_of
from qcasync.transports.protocol import Fault, Phase, Progress, Request, Response, TransportError

SHARD_CONNECTIONS: Final = 10
_TIMEOUTS = MappingProxyType(
    {"connect": CONNECT_SECONDS, "write": WRITE_SECONDS, "read": READ_SECONDS, "pool": CONNECT_SECONDS}
)

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

logger = logging.getLogger("qcasync")


@dataclass(frozen=True)
class Library:
    """The parts of an HTTP library that are used.

    Attributes:
        faults: Its exceptions and what they mean.
        pool_timeout: The one for which no connection became free in time.
    """

    request: type[httpx.Request]
    transport: type[httpx.AsyncHTTPTransport]
    limits: type[httpx.Limits]
    create_ssl_context: Callable[..., ssl.SSLContext]
    faults: FaultTable
    pool_timeout: type[Exception]

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
            pool_timeout=http.PoolTimeout,
        )


class PooledTransport:
    """An HTTP/1.1 transport over pools of kept-alive connections.

    Args:
        library: The HTTP library.
        max_connections: How many exchanges may run at once; more wait, so let the caller's gate be the narrower one.
        ssl_context: Replaces the default trust store, for a private certificate authority for instance.
        unsharded: The largest pool the library serves well.

    Attributes:
        rebuilt: Pools that were replaced, because the library had lost a connection of theirs for good.

    Raises:
        ConfigurationError: `ssl_context` does not check certificates.
    """

    marks_phases: Final = True

    def __init__(
        self, library: Library, max_connections: int, ssl_context: ssl.SSLContext | None, unsharded: int
    ) -> None:
        self.rebuilt: int = 0
        self._closed = False
        self._library = library
        self._verify = context_of(ssl_context, library.create_ssl_context)
        self._size = max_connections if max_connections <= unsharded else SHARD_CONNECTIONS
        self._pools = [self._new_pool() for _ in range(-(-max_connections // self._size))]
        self._in_flight = dict.fromkeys(self._pools, 0)
        """Exchanges of ours by pool; also of pools that were replaced while they had some."""
        self._room = Room()

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return sum(open_connections(pool) for pool in list(self._in_flight))

    async def exchange(self, request: Request, progress: Progress, /) -> Response:
        """Perform one exchange. See `Transport.exchange`."""
        if self._closed:
            raise TransportError(Fault.UNREACHABLE, "the transport is closed")
        earlier = sys.exception()
        pool = await self._healthy_pool()
        self._in_flight[pool] += 1
        try:
            return await self._exchange(pool, request, progress)
        except BaseException as error:
            # Each exchange takes one connection: with no more exchanges than connections, none can be wanting.
            if isinstance(error, self._library.pool_timeout) and self._in_flight[pool] <= self._size:
                self._replace(pool)
            failed = failure(error, self._library.faults, progress, earlier)
        finally:
            self._in_flight[pool] -= 1
            await self._close_if_replaced(pool)
        try:
            raise failed
        finally:
            del failed  # it would keep this frame, which would keep it

    async def aclose(self) -> None:
        """Close every connection, also while being cancelled: httpcore forgets those that it did not come to."""
        self._closed = True
        async with anyio.create_task_group() as group:  # a native cancellation passes every shield but a child's
            group.start_soon(self._close_pools)

    async def _close_pools(self) -> None:
        with anyio.move_on_after(CLOSE_SECONDS, shield=True):
            for pool in [*self._in_flight]:
                await pool.aclose()

    def _new_pool(self) -> httpx.AsyncHTTPTransport:
        return self._library.transport(
            verify=self._verify,
            trust_env=False,
            limits=self._library.limits(
                max_connections=self._size,
                max_keepalive_connections=self._size,
                keepalive_expiry=KEEPALIVE_SECONDS,
            ),
        )

    async def _healthy_pool(self) -> httpx.AsyncHTTPTransport:
        """The pool with the fewest exchanges, in good order.

        A connection of an idle pool is idle or closed, whatever its exchanges went through: the libraries have no
        tasks of their own. httpcore 1.0.9 loses connections when a native cancellation hits it
        (encode/httpcore#1093). Who sends every exchange in a child task, as qcasync does, should never see that here.
        """
        while True:
            pool = min(self._pools, key=self._in_flight.__getitem__)
            if self._in_flight[pool] or not has_lost_slot(pool):
                return pool
            self._replace(pool)
            await self._close_if_replaced(pool)

    def _replace(self, pool: httpx.AsyncHTTPTransport) -> None:
        if pool not in self._pools:
            return
        fresh = self._new_pool()
        self._in_flight[fresh] = 0
        self._pools[self._pools.index(pool)] = fresh
        self.rebuilt += 1
        logger.warning("the HTTP library lost a connection; its pool of %d was replaced", self._size)

    async def _close_if_replaced(self, pool: httpx.AsyncHTTPTransport) -> None:
        """Close a pool that is not used any more, once its last exchange is over."""
        if pool not in self._pools and not self._in_flight.get(pool, 1):
            del self._in_flight[pool]
            with anyio.move_on_after(CLOSE_SECONDS, shield=True):
                await pool.aclose()

    async def _exchange(self, pool: httpx.AsyncHTTPTransport, request: Request, progress: Progress) -> Response:
        witness = _Witness(pool, progress)
        outgoing = self._library.request(
            request.method,
            request.url,
            headers=[*request.headers, ("Accept-Encoding", ACCEPT_ENCODING)],
            content=request.body,
            extensions={"timeout": _TIMEOUTS, "trace": witness.hear},
        )
        if isinstance(outgoing.stream, httpx.AsyncByteStream):
            outgoing.stream = _Body(request.body)
        try:
            response = await pool.handle_async_request(outgoing)
        except BaseException:
            for stream in witness.opened:  # httpcore forgets a connection whose TLS handshake is cancelled
                with anyio.move_on_after(CLOSE_SECONDS, shield=True):
                    await stream.aclose()
            raise
        try:
            progress.reached(Phase.ANSWERING)
            headers = MappingProxyType(dict(response.headers.items()))
            body = BoundedBody(headers, request.max_body_bytes)
            content = await self._read(response, body)
        finally:
            distrust_surplus(response)  # also of an answer that was damaged: what followed it is nobody's answer
            await response.aclose()
        progress.reached(Phase.ANSWERED)
        return Response(status_code=response.status_code, headers=headers, body=content, wire_bytes=body.wire_bytes)

    async def _read(self, response: httpx.Response, body: BoundedBody) -> bytes:
        chunks = aiter(cast("httpx.AsyncByteStream", response.stream))  # the other kind is for synchronous clients
        with self._room.share() as share:
            try:
                async for chunk in chunks:
                    for size in body.feed(chunk):
                        await share.take(size)
            except BaseException:
                await self._abandon(response, chunks)
                raise
            return body.finish()

    async def _abandon(self, response: httpx.Response, chunks: AsyncIterator[bytes]) -> None:
        """Close the connection under a body that is not wanted any more.

        Reading on, which fails at once, ends the generators inside the library; left to the garbage collector, they
        would be reported by trio.
        """
        with anyio.move_on_after(CLOSE_SECONDS, shield=True):
            await response.aclose()
            with suppress(*kinds(self._library.faults)):
                async for _ in chunks:
                    pass


class _Witness:
    """Hears the library's trace events of one request, and marks what they prove.

    Attributes:
        opened: Streams that were opened for the request.
    """

    def __init__(self, pool: httpx.AsyncHTTPTransport, progress: Progress) -> None:
        self.opened: list[Any] = []  # streams of httpcore, whose types have no public home in httpx
        self._pool = pool
        self._progress = progress
        self._connected = False

    async def hear(self, event: str, info: Mapping[str, Any]) -> None:
        """What the extension `trace` is."""
        if event == "connection.connect_tcp.complete":
            self.opened.append(info["return_value"])
        layer, _, name = event.partition(".")
        if layer == _CONNECTING:
            self._connected = True
        phase = _EVENTS.get(name)
        if phase is None and self._progress.phase is Phase.NOT_SENT and layer != _CONNECTING:
            phase = Phase.SENT  # an event of another version: assume the worst
        if phase is not None:
            self._mark(phase)
        if name == "receive_response_headers.started":
            bound_interim_answers(self._pool, info.get("request"))

    def _mark(self, phase: Phase) -> None:
        if self._progress.phase is Phase.NOT_SENT:
            self._progress.reused = not self._connected
        self._progress.reached(phase)


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
