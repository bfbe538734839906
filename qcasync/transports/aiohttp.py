"""The transport over aiohttp, for asyncio. Needs the extra `aiohttp`."""

import asyncio
import functools
import select
import ssl
import sys
from types import MappingProxyType, SimpleNamespace
from typing import Final, cast
from weakref import WeakSet

import aiohttp
import httpx
from aiohttp.abc import AbstractStreamWriter
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage, StreamWriter
from aiohttp.streams import StreamReader
from aiohttp.tracing import Trace

from qcasync.errors import ConfigurationError
from qcasync.transports._bodies import ACCEPT_ENCODING, BoundedBody
from qcasync.transports._failures import FaultTable, failure
from qcasync.transports._limits import (
    CONNECT_SECONDS,
    CONNECTIONS,
    KEEPALIVE_SECONDS,
    MAX_INTERIM,
    READ_SECONDS,
    WRITE_SECONDS,
)
from qcasync.transports._room import Room
from qcasync.transports._tls import context_of
from qcasync.transports.protocol import Fault, Phase, Progress, Request, Response, TransportError

_AT_ONCE: Final = 16 * 1024
"""A body up to this size fits into the send buffer of an idle connection, so it is written in one go."""
_PIECE: Final = 64 * 1024
"""What is written at a time of a larger one. More of it waits until the connection has taken this."""

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

    marks_phases: Final = True

    def __init__(self, max_connections: int = CONNECTIONS, *, ssl_context: ssl.SSLContext | None = None) -> None:
        self._ssl_context = context_of(ssl_context, httpx.create_ssl_context)
        self._max_connections = max_connections
        self._room = Room()
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def exchange(self, request: Request, progress: Progress, /) -> Response:
        """Perform one exchange. See `Transport.exchange`.

        Raises:
            ConfigurationError: The event loop is not asyncio's.
        """
        if self._closed:
            raise TransportError(Fault.UNREACHABLE, "the transport is closed")
        if self._session is None:
            self._session = self._open()
        earlier = sys.exception()
        try:
            return await self._exchange(self._session, request, progress)
        except BaseException as error:
            failed = failure(error, _FAULTS, progress, earlier)
        try:
            raise failed
        finally:
            del failed  # it would keep this frame, which would keep it

    async def aclose(self) -> None:
        """Close every connection. Idempotent."""
        self._closed = True
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

    async def _exchange(self, session: aiohttp.ClientSession, request: Request, progress: Progress) -> Response:
        async with session.request(
            request.method,
            request.url,
            headers=[*request.headers, ("Accept-Encoding", ACCEPT_ENCODING)],
            data=_Body(request.body, progress),
            allow_redirects=False,
            trace_request_ctx=progress,
        ) as response:
            progress.reached(Phase.ANSWERING)
            names = {name.lower() for name in response.headers}
            headers = MappingProxyType({name: ", ".join(response.headers.getall(name)) for name in names})
            body = BoundedBody(headers, request.max_body_bytes)
            with self._room.share() as share:
                async for chunk in response.content.iter_any():
                    for size in body.feed(chunk):
                        await share.take(size)
                content = body.finish()
        progress.reached(Phase.ANSWERED)
        return Response(status_code=response.status, headers=headers, body=content, wire_bytes=body.wire_bytes)


class _Connector(aiohttp.TCPConnector):
    """Gives a kept connection only if nothing came while it was idle.

    aiohttp 3.14 would take an answer that nobody asked for, such as a balancer's 408, for the answer to the next
    request; and what the loop has not read yet, the end of the connection included, it cannot know.
    """

    def __init__(self, *, limit: int, keepalive_timeout: float, ssl: ssl.SSLContext) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType] - one of its options is untyped
            limit=limit, keepalive_timeout=keepalive_timeout, ssl=ssl
        )
        handler: type[ResponseHandler] = _Handler
        self._factory = functools.partial(handler, loop=asyncio.get_running_loop())  # no option for it
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
        if protocol is not None and protocol not in self._used:
            self._used.add(protocol)
            if connection.transport is not None:
                connection.transport.set_write_buffer_limits(high=1)  # "drained" shall mean that nothing is left
        if isinstance(protocol, _Handler):
            protocol.interim = 0
        return connection


class _Handler(ResponseHandler):
    """The reader of a connection. aiohttp skips interim answers in a loop; here it breaks.

    Attributes:
        interim: How many came since the request.
    """

    interim = 0

    async def read(self) -> tuple[RawResponseMessage, StreamReader]:
        """The next answer, interim ones included."""
        message, payload = await super().read()
        if message.code < 200:
            self.interim += 1
            if self.interim > MAX_INTERIM:
                raise TransportError(Fault.LOST, f"more than {MAX_INTERIM} interim answers")
        return message, payload


def _is_readable(transport: asyncio.Transport | None) -> bool:
    file = None if transport is None else transport.get_extra_info("socket")
    if file is None:
        return True
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([file], [], [], 0)[0])
    poll = select.poll()
    poll.register(file, select.POLLIN)
    return bool(poll.poll(0))


class _Body(aiohttp.Payload):
    """A request's body, which knows when it was written, and does not wait for ever until it is."""

    _autoclose = True  # aiohttp's word for: nothing to close

    def __init__(self, content: bytes, progress: Progress) -> None:
        super().__init__(content, content_type="application/octet-stream")
        self._size = len(content)
        self._content = memoryview(content)
        self._progress = progress

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write all of it."""
        stream = cast("StreamWriter", writer)  # the kind a client's request has
        for start in range(0, max(len(self._content), 1), _PIECE):
            await stream.write(self._content[start : start + _PIECE], drain=False)
            if not _is_written(stream.transport):
                async with asyncio.timeout(WRITE_SECONDS):
                    await stream.drain()
        if len(self._content) <= _AT_ONCE or _is_written(stream.transport):
            self._progress.reached(Phase.SENT)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """The content as text."""
        return bytes(self._content).decode(encoding, errors)


def _is_written(transport: asyncio.Transport | None) -> bool:
    """Whether the kernel has got everything.

    Under TLS, asyncio waits only until the last piece is encrypted; what of it was written is known to the transport
    below, to which no public name leads. Where the private ones do not either, as in uvloop, the answer is no: a large
    request is then "maybe" sent until its answer comes.
    """
    if transport is None or transport.get_write_buffer_size():
        return False
    if transport.get_extra_info("ssl_object") is None:
        return True
    below = getattr(getattr(transport, "_ssl_protocol", None), "_transport", None)
    return below is not None and not below.get_write_buffer_size()


def _trace() -> aiohttp.TraceConfig:
    """Events that tell how far a request got; each comes just before what it is named for."""

    def wanted(context: SimpleNamespace, *, reused: bool) -> None:
        progress: Progress = context.trace_request_ctx
        if progress.phase is not Phase.NOT_SENT:  # aiohttp sends a GET again when a connection breaks
            raise TransportError(Fault.LOST, "the connection was closed without an answer")
        progress.reused = reused

    async def connection_kept(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        wanted(context, reused=True)

    async def connection_new(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        wanted(context, reused=False)

    async def headers_sent(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        progress: Progress = context.trace_request_ctx
        progress.reached(Phase.PARTLY_SENT)

    trace = aiohttp.TraceConfig()
    trace.on_connection_reuseconn.append(connection_kept)
    trace.on_connection_create_start.append(connection_new)
    trace.on_request_headers_sent.append(headers_sent)
    return trace
