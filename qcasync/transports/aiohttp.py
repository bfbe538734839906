"""The transport over aiohttp, for asyncio. Needs the extra `aiohttp`."""

import asyncio
import io
import select
import ssl
from types import MappingProxyType, SimpleNamespace
from typing import Final, NamedTuple
from weakref import WeakSet

import aiohttp
import httpx
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from qcasync.errors import ConfigurationError
from qcasync.transports._bodies import ACCEPT_ENCODING, BoundedBody
from qcasync.transports._failures import FaultTable, kinds, translate
from qcasync.transports._pooled import CONNECT_SECONDS, KEEPALIVE_SECONDS, READ_SECONDS
from qcasync.transports._tls import require_checks
from qcasync.transports.protocol import Fault, Phase, Progress, Request, Response, TransportError

_AT_ONCE: Final = 16 * 1024
"""A body up to this size fits into the send buffer of an idle connection, so it is written in one go."""

_FAULTS: Final[FaultTable] = (
    (aiohttp.ConnectionTimeoutError, Fault.UNREACHABLE),
    (aiohttp.ClientConnectorError, Fault.UNREACHABLE),
    (UnicodeError, Fault.UNREACHABLE),  # a host name that no codec takes
    (TimeoutError, Fault.TIMEOUT),
    (aiohttp.ClientError, Fault.LOST),
    (OSError, Fault.LOST),
)


class AiohttpTransport:
    """Exchanges over aiohttp: the least CPU per request, and one pool serves 100 connections well. asyncio only.

    Args:
        max_connections: How many exchanges may run at once.
        ssl_context: Replaces the default trust store, for a private certificate authority for instance.

    Raises:
        ConfigurationError: `ssl_context` does not check certificates.
    """

    def __init__(self, max_connections: int = 11, *, ssl_context: ssl.SSLContext | None = None) -> None:
        # aiohttp's own default context reads SSL_CERT_FILE; httpx can be told not to.
        self._ssl_context = (
            httpx.create_ssl_context(trust_env=False) if ssl_context is None else require_checks(ssl_context)
        )
        self._max_connections = max_connections
        self._session: aiohttp.ClientSession | None = None

    async def exchange(self, request: Request, progress: Progress, /) -> Response:
        """Perform one exchange. See `Transport.exchange`.

        Raises:
            ConfigurationError: The event loop is not asyncio's.
        """
        if self._session is None:
            self._session = self._open()
        try:
            return await _exchange(self._session, request, progress)
        except kinds(_FAULTS) as error:
            failure = translate(error, _FAULTS, progress)
            if not isinstance(error, aiohttp.ClientResponseError):  # that holds the request, with its signature
                failure.__cause__ = error
        raise failure  # out here, for the same reason: raised inside, it would keep the error as its context

    async def aclose(self) -> None:
        """Close every connection. Idempotent."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            raise ConfigurationError(
                "The aiohttp transport works on asyncio only.", 'Use transport="httpx" or transport="httpx2" on trio.'
            ) from None
        return aiohttp.ClientSession(
            connector=_Connector(
                limit=self._max_connections, keepalive_timeout=KEEPALIVE_SECONDS, ssl=self._ssl_context
            ),
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_read=READ_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            trace_configs=[_trace()],
        )


class _Connector(aiohttp.TCPConnector):
    """Gives a kept connection only if nothing came while it was idle.

    aiohttp 3.14 would take an answer that nobody asked for, such as a balancer's 408, for the answer to the next
    request; and what the loop has not read yet, the end of the connection included, it cannot know.
    """

    def __init__(self, *, limit: int, keepalive_timeout: float, ssl: ssl.SSLContext) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType] - one of its options is untyped
            limit=limit, keepalive_timeout=keepalive_timeout, ssl=ssl
        )
        self._used: WeakSet[ResponseHandler] = WeakSet()

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = connection.protocol
            if protocol is None or protocol not in self._used:
                break
            if not (protocol.should_close or _is_readable(connection.transport)):
                break
            connection.close()
        if protocol is not None:
            self._used.add(protocol)
        return connection


def _is_readable(transport: asyncio.Transport | None) -> bool:
    file = None if transport is None else transport.get_extra_info("socket")
    if file is None:
        return True
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([file], [], [], 0)[0])
    poll = select.poll()
    poll.register(file, select.POLLIN)
    return bool(poll.poll(0))


class _Evidence(NamedTuple):
    """What the trace events of one request are told with."""

    progress: Progress
    at_once: bool


async def _exchange(session: aiohttp.ClientSession, request: Request, progress: Progress) -> Response:
    at_once = len(request.body) <= _AT_ONCE
    async with session.request(
        request.method,
        request.url,
        headers=[*request.headers, ("Accept-Encoding", ACCEPT_ENCODING)],
        data=request.body if at_once else io.BytesIO(request.body),
        allow_redirects=False,
        trace_request_ctx=_Evidence(progress, at_once),
    ) as response:
        progress.reached(Phase.ANSWERING)
        names = {name.lower() for name in response.headers}
        headers = MappingProxyType({name: ", ".join(response.headers.getall(name)) for name in names})
        body = BoundedBody(headers, request.max_body_bytes)
        async for chunk in response.content.iter_any():
            body.feed(chunk)
        content = body.finish()
    progress.reached(Phase.ANSWERED)
    return Response(status_code=response.status, headers=headers, body=content, wire_bytes=body.wire_bytes)


def _trace() -> aiohttp.TraceConfig:
    """Events that tell how far a request got; each comes just before what it is named for."""

    async def connection_wanted(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        evidence: _Evidence = context.trace_request_ctx
        if evidence.progress.phase is not Phase.NOT_SENT:  # aiohttp sends a GET again when a connection breaks
            raise TransportError(Fault.LOST, "the connection was closed without an answer")

    async def headers_sent(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        evidence: _Evidence = context.trace_request_ctx
        evidence.progress.reached(Phase.PARTLY_SENT)

    async def chunk_sent(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        evidence: _Evidence = context.trace_request_ctx
        if evidence.at_once:
            evidence.progress.reached(Phase.SENT)

    trace = aiohttp.TraceConfig()
    trace.on_connection_reuseconn.append(connection_wanted)
    trace.on_connection_create_start.append(connection_wanted)
    trace.on_request_headers_sent.append(headers_sent)
    trace.on_request_chunk_sent.append(chunk_sent)
    return trace
