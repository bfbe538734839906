"""Servers that send exactly the bytes a test wants, in the test's own event loop."""

import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSStream

CERTIFICATE = Path(__file__).with_name("localhost.pem")
"""Key and certificate, its own authority, for the name localhost, until 2120."""
SUCCESS = b'{"success":true}'
GONE = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, ssl.SSLError)


def answer(body: bytes = SUCCESS, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    """An HTTP answer, with a length unless it is negative."""
    size = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", "content-type: application/json", *headers]
    if size >= 0:
        lines.append(f"content-length: {size}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class Connection:
    """The server's end of one connection.

    Attributes:
        received: Bytes that came from the client.
    """

    def __init__(self, stream: ByteStream, server: "RawServer") -> None:
        self._stream = stream
        self._server = server
        self._rest = b""
        self.received = 0

    async def request(self) -> bytes:
        """Read one whole request.

        Raises:
            EndOfStream: The client closed the connection.
        """
        data, self._rest = self._rest, b""
        while b"\r\n\r\n" not in data:
            data += await self.receive()
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        while len(body) < length:
            body += await self.receive()
        self._rest = body[length:]
        self._server.requests.append(head + b"\r\n\r\n" + body[:length])
        return self._server.requests[-1]

    async def receive(self) -> bytes:
        """Read what comes next."""
        data = await self._stream.receive()
        self.received += len(data)
        return data

    async def send(self, data: bytes) -> None:
        """Write bytes."""
        await self._stream.send(data)

    async def send_below_tls(self, data: bytes) -> None:
        """Write bytes into the TCP stream that TLS runs on."""
        assert isinstance(self._stream, TLSStream)
        await self._stream.transport_stream.send(data)

    async def until_closed(self) -> None:
        """Wait until the client closes the connection, or breaks it."""
        with suppress(*GONE):
            while True:
                await self.receive()
        self._server.closed.set()

    async def reset(self) -> None:
        """Break the connection: the client sees a reset, not an end."""
        raw = self._stream.extra(SocketAttribute.raw_socket)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await self._stream.aclose()


class RawServer:
    """A listener on loopback.

    Attributes:
        requests: Whole requests that were read.
        connections: Those that were accepted.
        closed: Set once a client closed a connection that was waiting for it.
    """

    def __init__(self, port: int, scheme: str) -> None:
        self.port = port
        self.url = f"{scheme}://{'localhost' if scheme == 'https' else '127.0.0.1'}:{port}/"
        self.requests: list[bytes] = []
        self.connections: list[Connection] = []
        self.closed = anyio.Event()


Handler = Callable[[Connection], Awaitable[None]]


@asynccontextmanager
async def raw_server(handler: Handler, *, tls: bool = False) -> AsyncIterator[RawServer]:
    """Serve connections with `handler`, which may return to close its connection, until the block ends."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    server = RawServer(listener.extra(SocketAttribute.local_port), "https" if tls else "http")

    async def serve(stream: ByteStream) -> None:
        with suppress(*GONE):
            async with stream:
                if tls:
                    stream = await TLSStream.wrap(
                        stream, server_side=True, ssl_context=server_context(), standard_compatible=False
                    )
                connection = Connection(stream, server)
                server.connections.append(connection)
                await handler(connection)

    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, serve)
        yield server
        group.cancel_scope.cancel()


def server_context() -> ssl.SSLContext:
    """TLS for a server that calls itself localhost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def trusting_context() -> ssl.SSLContext:
    """TLS for a client that trusts the server."""
    return ssl.create_default_context(cafile=str(CERTIFICATE))


def answering(*answers: bytes) -> Handler:
    """Answer each request of a connection with the same bytes, then wait for the next."""

    async def handler(connection: Connection) -> None:
        while True:
            await connection.request()
            for data in answers:
                await connection.send(data)

    return handler


def closed_port() -> int:
    """A port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
