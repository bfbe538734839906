"""Answers byte by byte: what is cut short, lies, never ends or explodes. Each transport must survive each."""

import asyncio
import base64
import gc
import gzip
import hashlib
import logging
import time
import traceback
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import cache

import anyio
import anyio.lowlevel
import pytest

import qcasync
from qcasync._attempt import exchange_in_child
from qcasync.transports._pooled import PooledTransport
from qcasync.transports.aiohttp import AiohttpTransport
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
from tests.integration.stacks import Stack, none_busy

pytestmark = pytest.mark.anyio

KIB, MIB = 2**10, 2**20
INTERIM = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"
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


async def test_countless_interim_answers_end_the_exchange(transport: Transport) -> None:
    """A hundred before each answer are borne, whether they come at once or one by one; then it is a fault."""

    async def handler(connection: Connection) -> None:
        await connection.request()
        await connection.send(INTERIM * 100 + answer())
        await connection.request()
        for _ in range(100):
            await connection.send(INTERIM)
        await connection.send(answer())
        await connection.request()
        await connection.send(INTERIM * 101 + answer())
        await connection.until_closed()

    async with raw_server(handler) as server:
        with anyio.fail_after(5):
            for _ in range(2):
                assert (await transport.exchange(request(server), Progress(time.monotonic))).body == SUCCESS
            with pytest.raises(TransportError, match="more than 100 interim answers") as caught:
                await transport.exchange(request(server), progress := Progress(time.monotonic))
            assert (caught.value.fault, progress.phase) == (Fault.LOST, Phase.SENT)
            await server.closed.wait()
            assert len(server.connections) == 1
        assert await none_busy(transport)


async def test_endless_interim_answers_end_at_once(transport: Transport, progress: Progress) -> None:
    """Long before any deadline."""

    async def handler(connection: Connection) -> None:
        await connection.request()
        while True:
            await connection.send(INTERIM * 1000)

    async with raw_server(handler) as server:
        with anyio.fail_after(2), pytest.raises(TransportError, match="interim"):
            await transport.exchange(request(server), progress)
        assert await none_busy(transport)


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


@cache
def bomb() -> bytes:
    """200 KB of gzip that would become 200 MB."""
    packer = zlib.compressobj(wbits=31)
    return b"".join(packer.compress(bytes(MIB)) for _ in range(200)) + packer.flush()


GZIP_HEADER = "content-encoding: gzip"
ENDLESS = bytes(256 * KIB)


@pytest.mark.parametrize(
    ("head", "repeated", "fault", "detail"),
    [
        pytest.param(answer(b"", GZIP_HEADER, length=-1), bomb, Fault.TOO_LARGE, "more than", id="bomb"),
        pytest.param(answer(b"", length=-1), lambda: ENDLESS, Fault.TOO_LARGE, "more than", id="endless"),
        pytest.param(
            CHUNKED,
            lambda: b"%x\r\n%s\r\n" % (len(ENDLESS), ENDLESS),
            Fault.TOO_LARGE,
            "more than",
            id="endless chunks",
        ),
        pytest.param(answer(b"", length=10**12), lambda: ENDLESS, Fault.TOO_LARGE, "announced", id="lying length"),
        pytest.param(
            answer(b"", GZIP_HEADER, length=-1),
            lambda: gzip.compress(bytes(KIB)),
            Fault.DAMAGED,
            "data after the end",
            id="many gzip members",
        ),
    ],
)
async def test_a_hostile_body_does_not_fill_the_memory(
    transport: Transport, progress: Progress, head: bytes, repeated: Callable[[], bytes], fault: Fault, detail: str
) -> None:
    """It is refused at the cap; up to 8 MiB more are for the library, and for the server in this process."""
    cap = 16 * MIB
    data = repeated()

    async def handler(connection: Connection) -> None:
        await connection.request()
        await connection.send(head)
        while True:
            await connection.send(data)

    async with raw_server(handler) as server:
        tracemalloc.start()
        try:
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            with anyio.fail_after(5), pytest.raises(TransportError, match=detail) as caught:
                await transport.exchange(request(server, cap), progress)
            peak = tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()
        assert (caught.value.fault, progress.phase) == (fault, Phase.ANSWERING)
        assert peak <= cap + 8 * MIB
        assert await none_busy(transport)


async def test_a_body_is_in_memory_once(transport: Transport, progress: Progress) -> None:
    """Collected in place: joining its pieces at the end would take its size again."""
    body = bytes(16 * MIB)
    pieces = [ENDLESS] * (len(body) // len(ENDLESS))  # the server's own buffers are in this process, too

    async with raw_server(answering(answer(b"", length=len(body)), *pieces)) as server:
        tracemalloc.start()
        try:
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            response = await transport.exchange(request(server, len(body)), progress)
            peak = tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()
        assert response.body == body
        assert peak <= len(body) + 8 * MIB
        await transport.aclose()


async def test_bodies_share_the_memory(stack: Stack) -> None:
    """With a full room, one body after the other is read; a cancelled one gives back what it held."""
    body = bytes(4 * MIB)

    async def read() -> None:
        response = await transport.exchange(request(server, len(body)), Progress(time.monotonic))
        assert len(response.body) == len(body)
        done.append(room.taken)

    transport = stack.transport(8)
    assert isinstance(transport, PooledTransport | AiohttpTransport)
    room = transport._room
    room.capacity = MIB
    done: list[int] = []
    async with raw_server(answering(answer(body))) as server:
        with anyio.fail_after(10):
            async with anyio.create_task_group() as group:
                for _ in range(8):
                    group.start_soon(read)
            assert len(done) == 8
            assert 0 < max(done) <= MIB + len(body)  # what others held when one was done
            async with anyio.create_task_group() as group:
                group.start_soon(read)
                group.start_soon(read)
                while not room.taken:
                    await anyio.lowlevel.checkpoint()
                group.cancel_scope.cancel()
        assert (room.taken, room.waiting, room.exempt) == (0, {}, None)
        gc.collect()  # a generator that was left behind would be reported here, by trio
        assert await none_busy(transport)
        await transport.aclose()


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
                await client.authenticate(timeout=0.15)
            assert 0.15 <= time.monotonic() - began < 0.25
        assert caught.value.sent == "yes"
        with anyio.fail_after(5):
            await server.closed.wait()


HASH = hashlib.sha256(b"of a token").hexdigest()
PAIR = base64.b64encode(f"1:{HASH}".encode()).decode()
SIGNED = (("Authorization", f"Basic {PAIR}"), ("Timestamp", "1700000000"))


def shown(error: BaseException) -> str:
    """All that an error shows, and all that hangs on it: texts, attributes, and the variables of every frame."""
    texts = ["".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())]
    known: set[int] = set()
    errors = [error]
    while errors:
        each = errors.pop()
        if id(each) in known:
            continue
        known.add(id(each))
        texts.append(f"{each} {each!r} {vars(each)}")
        texts += [repr(frame.f_locals) for frame, _ in traceback.walk_tb(each.__traceback__)]
        linked = (each.__cause__, each.__context__, *vars(each).values(), *getattr(each, "exceptions", ()))
        errors += [link for link in linked if isinstance(link, BaseException)]
    return "\n".join(texts)


async def is_reset(connection: Connection) -> None:
    await connection.request()
    await connection.reset()


async def is_reset_in_the_body(connection: Connection) -> None:
    await connection.request()
    await connection.send(answer(b"{", length=10))
    await anyio.wait_all_tasks_blocked()
    await connection.reset()


async def never_answers(connection: Connection) -> None:
    await connection.request()
    await connection.until_closed()


async def never_ends(connection: Connection) -> None:
    await connection.request()
    await connection.send(answer(b"{", length=10))
    await connection.until_closed()


async def refuses(connection: Connection) -> None:
    raise NotImplementedError  # nobody gets there: the port is another one


FAILING = {
    "refused": refuses,
    "reset": is_reset,
    "reset in the body": is_reset_in_the_body,
    "too large": once(answer(b"x" * (MIB + 1), length=-1)),
    "announced as too large": once(answer(b"x" * (MIB + 1))),
    "another encoding": once(answer(b"?", f"content-encoding: {PAIR}")),
    "bad header": once(answer(b"", f"bad header Basic {PAIR} {HASH}")),
    "bad length": once(answer(b"", f"content-length: {HASH}", length=-1)),
    "bad status": once(f"HTTP/1.1 Basic {PAIR}\r\n\r\n".encode()),
    "bad chunk": once(CHUNKED + f"{HASH}zz\r\n".encode()),
    "cut short": once(answer(b"{", length=10)),
    "interim": once(INTERIM * 101),
    "no answer": never_answers,
    "no end": never_ends,
}


@asynccontextmanager
async def within_scope(seconds: float) -> AsyncIterator[None]:
    with anyio.fail_after(seconds):
        yield


@pytest.mark.parametrize("child", [True, False], ids=["in a child task", "by itself"])
@pytest.mark.parametrize("failing", FAILING)
async def test_an_error_holds_nothing_of_the_signature(
    stack: Stack,
    transport: Transport,
    progress: Progress,
    failing: str,
    child: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither in texts and attributes, nor in a variable of any frame it came through, nor in an error behind it."""
    for library in ("httpcore", "httpcore2"):  # at DEBUG they log what a server sent, as who asks for it wants
        caplog.set_level(logging.INFO, f"{library}.http11")
    waits = failing.startswith("no ")
    limit: Callable[[float], AbstractAsyncContextManager[object]]
    limit = asyncio.timeout if stack.backend == "asyncio" and child else within_scope
    async with raw_server(FAILING[failing]) as server:
        url = f"http://127.0.0.1:{closed_port()}/" if failing == "refused" else server.url
        request = Request(url=url, headers=SIGNED, body=b"{}", max_body_bytes=MIB)
        with pytest.raises((TransportError, TimeoutError)) as caught:
            async with limit(0.05 if waits else 5):
                if child:
                    await exchange_in_child(transport, request, progress)
                else:
                    await transport.exchange(request, progress)
    assert isinstance(caught.value, TransportError) is not waits
    text = shown(caught.value)
    assert "test_an_error_holds_nothing_of_the_signature" in text
    for secret in (HASH, PAIR, HASH[:30], PAIR[:30]):
        assert secret not in text


async def test_an_error_of_the_caller_keeps_its_traceback(transport: Transport, progress: Progress) -> None:
    """It was there before the exchange, and is not ours to touch."""
    request = Request(url=f"http://127.0.0.1:{closed_port()}/")
    try:
        _ = {}["the caller's"]
    except KeyError as error:
        earlier = error
        with pytest.raises(TransportError) as caught:
            await transport.exchange(request, progress)
    assert caught.value.__context__ is earlier
    assert earlier.__traceback__ is not None
