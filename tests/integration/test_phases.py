"""What the marks on a `Progress` prove, held against what the server really got; and the events they rest on."""

import time
from typing import Any

import anyio
import httpx
import httpx2
import pytest

from qcasync._attempt import exchange_in_child
from qcasync.transports._pooled import _CONNECTING, _EVENTS, Library
from qcasync.transports.aiohttp import AiohttpTransport
from qcasync.transports.protocol import Fault, Phase, Progress, Request, Transport, TransportError
from tests.integration.raw import (
    CERTIFICATE,
    SUCCESS,
    Connection,
    Handler,
    answer,
    answering,
    raw_server,
    trusting_context,
)
from tests.integration.stacks import ON_ASYNCIO, Stack, none_busy

pytestmark = pytest.mark.anyio

CONNECT = ["connection.connect_tcp.started", "connection.connect_tcp.complete"]
SEND = [
    "http11.send_request_headers.started",
    "http11.send_request_headers.complete",
    "http11.send_request_body.started",
    "http11.send_request_body.complete",
]
RECEIVE = [
    "http11.receive_response_headers.started",
    "http11.receive_response_headers.complete",
    "http11.receive_response_body.started",
    "http11.receive_response_body.complete",
    "http11.response_closed.started",
    "http11.response_closed.complete",
]
POOLED = pytest.mark.parametrize(
    "stack",
    [Stack(backend, library) for backend in ("asyncio", "trio") for library in ("httpx", "httpx2")],
    ids=str,
)


@POOLED
async def test_the_events_of_a_library(stack: Stack) -> None:
    """Their names, their order, and what the server has got when each comes. A new version must pass this."""
    http = {"httpx": httpx, "httpx2": httpx2}[stack.library]
    library = Library.of(http)
    events: list[str] = []
    body = b"x" * 100_000

    async def handler(connection: Connection) -> None:
        while True:
            data = await connection.request()
            assert data.endswith(b"\r\n\r\n" + body)
            arrived.set()
            await read_all.wait()
            await connection.send(answer()[: -len(SUCCESS)])
            await headers_seen.wait()
            await connection.send(SUCCESS)

    async def trace(event: str, info: Any) -> None:
        events.append(event)
        match event.partition(".")[2]:
            case "send_request_headers.started":
                await anyio.wait_all_tasks_blocked()
                assert received() == 0
            case "send_request_body.complete":
                with anyio.fail_after(5):
                    await arrived.wait()  # nothing more is to be written, so all of it gets there
                read_all.set()
            case "receive_response_headers.complete":
                assert not headers_seen.is_set()
                headers_seen.set()
            case _:
                pass

    def received() -> int:
        return sum(connection.received for connection in server.connections) - before

    transport = library.transport(verify=trusting_context(), trust_env=False)
    async with raw_server(handler) as server:
        for expected in (CONNECT + SEND + RECEIVE, SEND + RECEIVE):
            events.clear()
            arrived, read_all, headers_seen = anyio.Event(), anyio.Event(), anyio.Event()
            before = sum(connection.received for connection in server.connections)
            request = library.request("POST", server.url, content=body, extensions={"trace": trace})
            response = await transport.handle_async_request(request)
            assert await response.aread() == SUCCESS
            await response.aclose()
            assert events == expected
        await transport.aclose()
    names = {event.partition(".")[2] for event in SEND + RECEIVE}
    assert set(_EVENTS) <= names
    assert all(event.startswith(_CONNECTING + ".") for event in CONNECT)


@POOLED
async def test_the_events_of_tls_come_before_the_request(stack: Stack) -> None:
    """All of them belong to the layer that sends nothing of it."""
    library = Library.of({"httpx": httpx, "httpx2": httpx2}[stack.library])
    events: list[str] = []

    async def trace(event: str, _: Any) -> None:
        events.append(event)

    transport = library.transport(verify=trusting_context(), trust_env=False)
    async with raw_server(answering(answer()), tls=True) as server:
        request = library.request("POST", server.url, content=b"{}", extensions={"trace": trace})
        response = await transport.handle_async_request(request)
        await response.aread()
        await response.aclose()
        await transport.aclose()
    until = events.index(SEND[0])
    assert events[:until] == [*CONNECT, "connection.start_tls.started", "connection.start_tls.complete"]
    assert events[until:] == SEND + RECEIVE


class Witness(Progress):
    """Notes how many bytes the server had when each phase was reached."""

    def __init__(self) -> None:
        super().__init__(time.monotonic)
        self.connections: list[Connection] = []
        self.seen: list[tuple[Phase, int]] = []

    def reached(self, phase: Phase) -> None:
        if phase > self.phase:
            self.seen.append((phase, sum(connection.received for connection in self.connections)))
        super().reached(phase)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("size", [0, 2, 3_000_000], ids=["empty", "small", "large"])
async def test_the_phases_of_an_exchange_in_order(transport: Transport, size: int, tls: bool) -> None:
    """Nothing had been received when writing began; all had been, when the answer came."""
    witness = Witness()
    async with raw_server(answering(answer()), tls=tls) as server:
        witness.connections = server.connections
        request = Request(url=server.url, body=b"x" * size)
        assert (await transport.exchange(request, witness)).body == SUCCESS
        assert server.requests[0].endswith(b"\r\n\r\n" + request.body)
        await transport.aclose()
    phases = [phase for phase, _ in witness.seen]
    assert witness.seen[0] == (Phase.PARTLY_SENT, 0)
    assert phases[-2:] == [Phase.ANSWERING, Phase.ANSWERED]
    assert witness.seen[-2][1] > size
    if not (tls and size > 2 and isinstance(transport, AiohttpTransport)):  # where asyncio does not tell for sure
        assert phases == [Phase.PARTLY_SENT, Phase.SENT, Phase.ANSWERING, Phase.ANSWERED]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_a_connection_that_served_before_is_told_from_a_new_one(transport: Transport, tls: bool) -> None:
    """An idle connection may have been closed by the server, which is no sign of an outage."""

    async def handler(connection: Connection) -> None:
        for _ in range(2):
            await connection.request()
            await connection.send(answer())
        await connection.reset()
        gone.set()

    gone = anyio.Event()

    class AtFirst(Progress):
        """Notes what was known when the first byte went out."""

        reused_then: bool | None = None

        def reached(self, phase: Phase) -> None:
            if self.reused_then is None:
                self.reused_then = self.reused
            super().reached(phase)

    told: list[tuple[bool | None, bool]] = []
    async with raw_server(handler, tls=tls) as server:
        for _ in range(4):
            progress = AtFirst(time.monotonic)
            await transport.exchange(Request(url=server.url, body=b"{}"), progress)
            told.append((progress.reused_then, progress.reused))
            if len(told) == 2:  # the server breaks the connection: let that arrive
                await gone.wait()
                for _ in range(5):
                    await anyio.wait_all_tasks_blocked()
        assert told == [(False, False), (True, True), (False, False), (True, True)]
        assert len(server.connections) == 2
        await transport.aclose()


async def test_a_kept_connection_that_is_closed_too_late_to_notice(transport: Transport, progress: Progress) -> None:
    """Written is written; but the connection was not new, and nobody says that the server is down."""

    async def handler(connection: Connection) -> None:
        await connection.request()
        await connection.send(answer())
        await connection.request()

    async with raw_server(handler) as server:
        request = Request(url=server.url, body=b"{}")
        await transport.exchange(request, Progress(time.monotonic))
        with pytest.raises(TransportError) as caught:
            await transport.exchange(request, progress)
        assert (caught.value.fault, progress.phase, progress.reused) == (Fault.LOST, Phase.SENT, True)
        await transport.aclose()


@pytest.mark.parametrize("stack", [Stack("asyncio", "aiohttp")], ids=str)
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_a_body_is_drained_to_its_end(transport: Transport, progress: Progress, tls: bool) -> None:
    """Asyncio by itself waits no longer when 16 KiB are left, under TLS 128 KiB: no proof, and no write timeout."""
    assert isinstance(transport, AiohttpTransport)
    async with raw_server(answering(answer()), tls=tls) as server:
        await transport.exchange(Request(url=server.url, body=b"{}"), progress)
        assert transport._session is not None
        assert transport._session.connector is not None
        ((kept, _),) = next(iter(transport._session.connector._conns.values()))
        assert kept.transport is not None
        assert kept.transport.get_write_buffer_limits() == (0, 1)
        await transport.aclose()


async def test_a_connection_that_breaks_within_a_large_request(transport: Transport, progress: Progress) -> None:
    """More than any socket buffers, so that the rest is still to be written: the server may have what it needs."""

    async def handler(connection: Connection) -> None:
        await connection.receive()
        await connection.reset()

    async with raw_server(handler) as server:
        with anyio.fail_after(5), pytest.raises(TransportError) as caught:
            await transport.exchange(Request(url=server.url, body=bytes(30_000_000)), progress)
        assert (caught.value.fault, progress.phase) == (Fault.LOST, Phase.PARTLY_SENT)
        assert server.connections[0].received < 30_000_000


async def test_a_cancelled_exchange_keeps_its_evidence(transport: Transport, progress: Progress) -> None:
    """The deadline of a call comes as a cancellation: what is known by then decides what the caller is told."""

    async def handler(connection: Connection) -> None:
        await connection.request()
        arrived.set()
        await connection.until_closed()

    arrived = anyio.Event()
    async with raw_server(handler) as server:
        async with anyio.create_task_group() as group:
            group.start_soon(transport.exchange, Request(url=server.url, body=b"{}"), progress)
            await arrived.wait()
            group.cancel_scope.cancel()
        assert progress.phase is Phase.SENT
        with anyio.fail_after(5):
            await server.closed.wait()


async def test_a_handshake_that_stalls_sends_nothing(stack: Stack, progress: Progress) -> None:
    """Cancelled within TLS, a request provably did not leave."""

    async def handler(connection: Connection) -> None:
        await connection.receive()
        greeted.set()
        await connection.until_closed()

    greeted = anyio.Event()
    transport = stack.transport(2, ssl_context=trusting_context())
    async with raw_server(handler) as server:
        url = f"https://localhost:{server.port}/"
        async with anyio.create_task_group() as group:
            group.start_soon(transport.exchange, Request(url=url, body=b"{}"), progress)
            await greeted.wait()
            group.cancel_scope.cancel()
        assert progress.phase is Phase.NOT_SENT
        with anyio.fail_after(5):
            await server.closed.wait()  # httpcore would leave it to the garbage collector
        await transport.aclose()


async def drips_headers(connection: Connection) -> None:
    await connection.request()
    await connection.send(b"HTTP/1.1 200 OK\r\nx: ")
    await drips_on(connection)


async def drips_a_body(connection: Connection) -> None:
    await connection.request()
    await connection.send(answer(b"", length=10_000))
    await drips_on(connection)


async def drips_on(connection: Connection) -> None:
    while True:
        await connection.send(b"y")
        await anyio.sleep(0.05)


async def is_silent(connection: Connection) -> None:
    await connection.receive()  # on asyncio, reading stops only after a first time
    await anyio.sleep_forever()


@pytest.mark.parametrize(
    ("handler", "scheme", "size", "phase"),
    [
        pytest.param(drips_headers, "http", 2, Phase.SENT, id="headers drip"),
        pytest.param(drips_a_body, "http", 2, Phase.ANSWERING, id="body drips"),
        pytest.param(is_silent, "https", 2, Phase.NOT_SENT, id="TLS stalls"),
        pytest.param(is_silent, "http", 30_000_000, Phase.PARTLY_SENT, id="server does not read"),
    ],
)
async def test_a_deadline_is_kept(
    stack: Stack, progress: Progress, handler: Handler, scheme: str, size: int, phase: Phase
) -> None:
    """Within 100 ms, with the evidence of how far the request got; and the one connection is free again."""
    limit = 0.15 if size < 1_000_000 else 0.3  # writing so much takes a while by itself
    transport = stack.transport(1, ssl_context=trusting_context())
    async with raw_server(handler) as server, raw_server(answering(answer())) as healthy:
        request = Request(url=f"{scheme}://localhost:{server.port}/", body=bytes(size))
        began = time.monotonic()
        with pytest.raises(TimeoutError), anyio.fail_after(limit):
            await exchange_in_child(transport, request, progress)
        assert limit <= time.monotonic() - began < limit + 0.1
        assert progress.phase is phase
        with anyio.fail_after(4):
            response = await exchange_in_child(transport, Request(url=healthy.url), Progress(time.monotonic))
        assert response.body == SUCCESS
        assert await none_busy(transport)
        await transport.aclose()


Ended = tuple[str, Fault, Phase, float]
"""Of an exchange on a stack: the fault, how far it got, and the seconds."""


def stall() -> list[Ended]:
    """Shake hands with who never does, on all stacks of asyncio at once."""
    ended: list[Ended] = []

    async def attempt(stack: Stack, port: int) -> None:
        transport, progress = stack.transport(2, ssl_context=trusting_context()), Progress(time.monotonic)
        began = time.monotonic()
        with pytest.raises(TransportError) as caught:
            await transport.exchange(Request(url=f"https://localhost:{port}/", body=b"{}"), progress)
        ended.append((str(stack), caught.value.fault, progress.phase, time.monotonic() - began))
        await transport.aclose()

    async def every() -> None:
        async with raw_server(Connection.until_closed) as server, anyio.create_task_group() as group:
            for stack in ON_ASYNCIO:
                group.start_soon(attempt, stack, server.port)

    anyio.run(every)
    return ended


@pytest.mark.early(job=stall)
def test_a_handshake_that_never_ends_is_given_up(early: list[Ended]) -> None:
    """After 5 s, the time to connect: the only test that waits for one of the transports' own timeouts."""
    assert {stack for stack, *_ in early} == set(map(str, ON_ASYNCIO))
    for _, fault, phase, seconds in early:
        assert (fault, phase) == (Fault.UNREACHABLE, Phase.NOT_SENT)
        assert 4.9 < seconds < 7


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_one_exchange_is_one_request(transport: Transport, method: str) -> None:
    """Aiohttp would repeat these methods by itself when a kept connection breaks."""

    async def handler(connection: Connection) -> None:
        await connection.request()
        await connection.send(answer())
        await connection.request()

    async with raw_server(handler) as server:
        await transport.exchange(Request(method=method, url=server.url), Progress(time.monotonic))
        with pytest.raises(TransportError) as caught:
            await transport.exchange(Request(method=method, url=server.url), progress := Progress(time.monotonic))
        assert caught.value.fault is Fault.LOST
        assert progress.phase >= Phase.PARTLY_SENT
        assert len(server.requests) == 2
        await transport.aclose()


def test_the_certificate_is_at_hand() -> None:
    assert CERTIFICATE.exists()
