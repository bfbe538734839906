"""Answers byte by byte: what is cut short, lies, never ends or explodes. Each transport must survive each."""

import gc
import gzip
import time
import tracemalloc
from contextlib import suppress

import anyio
import pytest

import qcasync
from qcasync.transports.protocol import Fault, Phase, Progress, Request, Transport, TransportError
from tests.integration.raw import (
    SUCCESS,
    Connection,
    Handler,
    RawServer,
    answer,
    answering,
    closed_port,
    raw_server,
)
from tests.integration.stacks import none_busy

pytestmark = pytest.mark.anyio

KIB, MIB = 2**10, 2**20
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def request(server: RawServer, max_body_bytes: int = MIB) -> Request:
    return Request(url=server.url + "authenticate", body=b"{}", max_body_bytes=max_body_bytes)


def once(data: bytes) -> Handler:
    """Answer one request with these bytes, and close."""

    async def handler(connection: Connection) -> None:
        await connection.request()
        await connection.send(data)

    return handler


@pytest.mark.parametrize(
    ("data", "fault", "phase"),
    [
        pytest.param(b"", Fault.LOST, Phase.SENT, id="closed without an answer"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-", Fault.LOST, Phase.SENT, id="closed within the headers"),
        pytest.param(b"SSH-2.0-OpenSSH_9\r\n", Fault.LOST, Phase.SENT, id="another protocol"),
        pytest.param(answer(SUCCESS, length=99), Fault.DAMAGED, Phase.ANSWERING, id="length too long"),
        pytest.param(CHUNKED + b"10\r\n" + SUCCESS + b"\r\n", Fault.DAMAGED, Phase.ANSWERING, id="chunks without end"),
        pytest.param(answer(SUCCESS, "content-length: 3"), Fault.LOST, Phase.SENT, id="two lengths"),
        pytest.param(answer(b"x" * (MIB + 1)), Fault.TOO_LARGE, Phase.ANSWERING, id="announced as too large"),
        pytest.param(answer(b"no gzip", "content-encoding: gzip"), Fault.DAMAGED, Phase.ANSWERING, id="not gzip"),
        pytest.param(
            answer(gzip.compress(SUCCESS)[:-4], "content-encoding: gzip"),
            Fault.DAMAGED,
            Phase.ANSWERING,
            id="gzip cut short, length right",
        ),
        pytest.param(answer(b"?", "content-encoding: br"), Fault.DAMAGED, Phase.ANSWERING, id="encoding not asked for"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: y\r\n" % n for n in range(20_000)) + b"\r\n",
            Fault.LOST,
            Phase.SENT,
            id="countless headers",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nx: " + b"y" * MIB + b"\r\n\r\n", Fault.LOST, Phase.SENT, id="one huge header"
        ),
    ],
)
async def test_a_broken_answer(
    transport: Transport, progress: Progress, data: bytes, fault: Fault, phase: Phase
) -> None:
    """The right fault and phase, no connection lost, and the next exchange works."""
    answers = [data, answer()]

    async def handler(connection: Connection) -> None:
        await connection.request()
        await connection.send(answers.pop(0))

    async with raw_server(handler) as server:
        with anyio.fail_after(5), pytest.raises(TransportError) as caught:
            await transport.exchange(request(server), progress)
        assert (caught.value.fault, progress.phase) == (fault, phase)
        assert caught.value.detail
        assert await none_busy(transport)
        assert (await transport.exchange(request(server), Progress(time.monotonic))).body == SUCCESS
        await transport.aclose()


async def test_a_chunk_without_a_size(transport: Transport, progress: Progress) -> None:
    """Found at once or while the body is read, it is never a result."""
    async with raw_server(once(CHUNKED + b"no\r\n")) as server:
        with anyio.fail_after(5), pytest.raises(TransportError):
            await transport.exchange(request(server), progress)
        assert progress.phase in (Phase.SENT, Phase.ANSWERING)
        assert await none_busy(transport)


async def test_a_connection_that_is_reset_after_the_request(transport: Transport, progress: Progress) -> None:
    """Written is written, whatever the kernel says."""

    async def handler(connection: Connection) -> None:
        await connection.request()
        await connection.reset()

    async with raw_server(handler) as server:
        with pytest.raises(TransportError) as caught:
            await transport.exchange(request(server), progress)
        assert (caught.value.fault, progress.phase) == (Fault.LOST, Phase.SENT)
        assert len(server.requests) == 1


async def test_nothing_listens(transport: Transport, progress: Progress) -> None:
    """A refused connection is proof that nothing was sent."""
    with pytest.raises(TransportError) as caught:
        await transport.exchange(Request(url=f"http://127.0.0.1:{closed_port()}/"), progress)
    assert (caught.value.fault, progress.phase) == (Fault.UNREACHABLE, Phase.NOT_SENT)


async def test_a_name_that_does_not_resolve(transport: Transport, progress: Progress) -> None:
    """The name .invalid is reserved for this."""
    with pytest.raises(TransportError) as caught:
        await transport.exchange(Request(url="http://nowhere.invalid/"), progress)
    assert (caught.value.fault, progress.phase) == (Fault.UNREACHABLE, Phase.NOT_SENT)


async def test_a_name_that_cannot_be_looked_up(transport: Transport, progress: Progress) -> None:
    """A label of more than 63 letters is no name: Python's codec refuses it before any lookup."""
    with pytest.raises(TransportError) as caught:
        await transport.exchange(Request(url=f"http://{'a' * 70}.invalid/"), progress)
    assert (caught.value.fault, progress.phase) == (Fault.UNREACHABLE, Phase.NOT_SENT)


@pytest.mark.parametrize(
    "surplus",
    [
        pytest.param(b"surplus", id="length too short"),
        pytest.param(answer(b'{"success":false}'), id="two answers to one request"),
    ],
)
async def test_bytes_after_an_answer_are_not_the_next_answer(transport: Transport, surplus: bytes) -> None:
    """A stale answer must not confirm a later request, such as a liquidation."""

    async def handler(connection: Connection) -> None:
        await connection.request()
        await connection.send(answer() + (surplus if len(server.connections) == 1 else b""))
        await connection.until_closed()

    async with raw_server(handler) as server:
        with anyio.fail_after(5):
            with suppress(TransportError):  # aiohttp refuses the first answer if the surplus came with it
                await transport.exchange(request(server), Progress(time.monotonic))
            assert (await transport.exchange(request(server), Progress(time.monotonic))).body == SUCCESS
        assert len(server.connections) == 2
        await transport.aclose()


async def test_an_idle_connection_that_was_closed_is_not_noticed_by_the_caller(transport: Transport) -> None:
    """The next exchange opens another one, and is sent once."""
    async with raw_server(once(answer())) as server:
        for _ in range(3):
            assert (await transport.exchange(request(server), Progress(time.monotonic))).body == SUCCESS
            for _ in range(5):
                await anyio.wait_all_tasks_blocked()
        assert len(server.requests) == 3


async def test_a_late_answer_on_an_idle_connection_is_dropped(transport: Transport) -> None:
    """Balancers say 408 to an idle connection before they close it: nobody asked."""

    async def handler(connection: Connection) -> None:
        await connection.request()
        await connection.send(answer())
        if len(server.connections) == 1:
            await said.wait()
            await connection.send(answer(b"", status="408 Request Timeout"))
            sent.set()
        await connection.until_closed()

    said, sent = anyio.Event(), anyio.Event()
    async with raw_server(handler) as server:
        assert (await transport.exchange(request(server), Progress(time.monotonic))).status_code == 200
        said.set()
        await sent.wait()
        await anyio.wait_all_tasks_blocked()
        assert (await transport.exchange(request(server), Progress(time.monotonic))).status_code == 200
        await transport.aclose()


async def test_interim_answers_are_skipped(transport: Transport, progress: Progress) -> None:
    """100 Continue, unasked for, is no answer."""
    async with raw_server(answering(b"HTTP/1.1 100 Continue\r\n\r\n" * 3, answer())) as server:
        response = await transport.exchange(request(server), progress)
        assert (response.status_code, response.body) == (200, SUCCESS)
        await transport.aclose()


async def test_an_answer_of_single_bytes(transport: Transport, progress: Progress) -> None:
    """Segments do not matter."""
    async with raw_server(answering(*(bytes([byte]) for byte in answer()))) as server:
        assert (await transport.exchange(request(server), progress)).body == SUCCESS
        assert progress.phase is Phase.ANSWERED
        await transport.aclose()


async def test_headers_have_lower_case_names_and_are_joined(transport: Transport, progress: Progress) -> None:
    """As the protocol promises, on every library."""
    async with raw_server(answering(answer(SUCCESS, "X-Many: one", "Set-Cookie: a=b", "x-many: two"))) as server:
        response = await transport.exchange(request(server), progress)
        assert response.headers["x-many"] == "one, two"
        assert all(name == name.lower() for name in response.headers)
        await transport.exchange(request(server), Progress(time.monotonic))
        assert b"cookie" not in server.requests[1].lower()
        await transport.aclose()


@pytest.mark.parametrize("status", ["301", "302", "303", "307", "308"])
async def test_redirects_are_answers(transport: Transport, progress: Progress, status: str) -> None:
    """They would carry the signature, and a 307 the body, to another place."""
    async with raw_server(answering(answer())) as elsewhere:
        move = answer(b"", f"location: {elsewhere.url}", status=f"{status} Moved")
        async with raw_server(answering(move)) as server:
            response = await transport.exchange(request(server), progress)
            assert response.status_code == int(status)
            assert response.headers["location"] == elsewhere.url
            assert (len(server.requests), elsewhere.connections) == (1, [])
            await transport.aclose()


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_an_endless_body_is_stopped_at_the_cap(transport: Transport, progress: Progress, encoding: str) -> None:
    """The server notices: its connection is closed, and what it sent beyond the cap fits into the socket's buffers."""
    sent = 0

    async def handler(connection: Connection) -> None:
        nonlocal sent
        await connection.request()
        await connection.send(answer(b"", f"content-encoding: {encoding}", length=-1))
        chunk = bytes(64 * KIB) if encoding == "identity" else gzip.compress(bytes(64 * KIB))[:-8]
        try:
            while True:
                await connection.send(chunk)
                sent += len(chunk)
        finally:
            server.closed.set()

    async with raw_server(handler) as server:
        with anyio.fail_after(5):
            with pytest.raises(TransportError) as caught:
                await transport.exchange(request(server), progress)
            assert progress.phase is Phase.ANSWERING
            assert caught.value.fault in ({Fault.TOO_LARGE} if encoding == "identity" else set(Fault))
            del caught
            gc.collect()  # a generator that was left behind would be reported here, by trio
            await server.closed.wait()
        assert sent < 32 * MIB
        assert await none_busy(transport)


async def test_a_gzip_bomb_does_not_fill_the_memory(transport: Transport, progress: Progress) -> None:
    """194 KB on the wire that would become 200 MB: at most a few MB are ever there."""
    bomb = gzip.compress(bytes(200 * MIB), 9)

    async with raw_server(answering(answer(bomb, "content-encoding: gzip"))) as server:
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        try:
            with pytest.raises(TransportError) as caught:
                await transport.exchange(request(server), progress)
            peak = tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()
        assert caught.value.fault is Fault.TOO_LARGE
        assert peak < 8 * MIB
        assert await none_busy(transport)


async def test_a_drip_ends_at_the_deadline_of_the_call(transport: Transport) -> None:
    """A byte now and then satisfies every timeout between bytes; the call's deadline ends it, within 100 ms."""

    async def handler(connection: Connection) -> None:
        await connection.request()
        await connection.send(answer(b"", length=10_000))
        try:
            while True:
                await connection.send(b" ")
                await anyio.sleep(0.01)
        finally:
            server.closed.set()

    async with raw_server(handler) as server:
        async with qcasync.Client(1, "token", base_url=server.url, transport=transport) as client:
            began = time.monotonic()
            with pytest.raises(qcasync.RequestTimeout) as caught:
                await client.authenticate(timeout=0.3)
            assert 0.3 <= time.monotonic() - began < 0.4
        assert caught.value.sent == "yes"
        with anyio.fail_after(5):
            await server.closed.wait()
