"""The proxy does what it says, and nothing else: each toxic, seen through bare sockets."""

import gc
import random
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio
import anyio.lowlevel
import pytest
from anyio.abc import SocketStream

from tests.integration.proxy import (
    CHUNK,
    Bandwidth,
    Direction,
    Down,
    Latency,
    LimitData,
    Proxy,
    ResetPeer,
    Slicer,
    SlowClose,
    Timeout,
    Toxic,
    proxy,
)
from tests.integration.raw import GONE, Connection, RawServer, raw_server
from tests.integration.stacks import Stack

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("stack", [Stack("asyncio", "none"), Stack("trio", "none")], ids=lambda each: each.backend),
]
DIRECTIONS = pytest.mark.parametrize("direction", ["upstream", "downstream"])


async def echo(connection: Connection) -> None:
    while True:
        await connection.send(await connection.receive())


@asynccontextmanager
async def echoing(*, seed: int = 0) -> AsyncIterator[tuple[Proxy, RawServer]]:
    """A proxy before a server that says what it hears."""
    async with raw_server(echo) as server, proxy(server.port, seed=seed) as here:
        with anyio.fail_after(10):
            yield here, server


async def connect(here: Proxy) -> SocketStream:
    return await anyio.connect_tcp("127.0.0.1", here.port)


async def said(client: SocketStream, data: bytes) -> bytes:
    """What comes back, until all did or the connection ended."""
    heard = b""
    with suppress(*GONE):
        await client.send(data)
        while len(heard) < len(data):
            heard += await client.receive()
    return heard


def received(server: RawServer) -> int:
    return sum(connection.received for connection in server.connections)


async def test_without_a_toxic_everything_passes(stack: Stack) -> None:
    """More than all buffers hold, both ways at once, byte for byte."""
    data = random.Random(1).randbytes(4_000_000)

    async def speak() -> None:
        await client.send(data)
        await client.send_eof()

    async with echoing() as (here, server), await connect(here) as client, anyio.create_task_group() as group:
        group.start_soon(speak)
        heard = b"".join([part async for part in client])
        assert heard == data
        while here.connections:
            await anyio.lowlevel.checkpoint()
        assert (here.accepted, received(server)) == (1, len(data))


async def test_a_reader_that_is_slow_holds_up_the_writer(stack: Stack) -> None:
    """Nothing grows: what is not read stays with the sender."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        async with proxy(deaf.getsockname()[1]) as here, await connect(here) as client:
            sent, blocked = 0, False
            while not blocked and sent < 200_000_000:
                with anyio.move_on_after(0.3) as patience:
                    await client.send(bytes(CHUNK))
                    sent += CHUNK
                blocked = patience.cancelled_caught
            assert blocked


async def test_the_end_of_one_side_is_passed_on(stack: Stack) -> None:
    async with echoing() as (here, _), await connect(here) as client:
        await said(client, b"x")
        await client.send_eof()
        with pytest.raises(anyio.EndOfStream):
            await client.receive()


async def test_a_server_that_is_not_there(stack: Stack) -> None:
    """Accepted and closed: a proxy cannot refuse in the name of another."""
    async with raw_server(echo) as server:
        port = server.port
    async with proxy(port) as here, await connect(here) as client:
        with anyio.fail_after(5):
            assert await said(client, b"x") == b""


@DIRECTIONS
async def test_latency(stack: Stack, direction: Direction) -> None:
    """It delays, and does not slow down: chunks travel together."""
    async with echoing() as (here, _), await connect(here) as client:
        await here.add(direction, Latency(0.1, jitter=0.02))
        began = time.monotonic()
        for _ in range(30):
            await client.send(b"0123456789")
            for _ in range(5):
                await anyio.lowlevel.checkpoint()
        heard = b""
        while len(heard) < 300:
            heard += await client.receive()
        assert heard == b"0123456789" * 30
        assert 0.08 <= time.monotonic() - began < 30 * 0.08


@DIRECTIONS
async def test_bandwidth(stack: Stack, direction: Direction) -> None:
    async with echoing() as (here, _), await connect(here) as client:
        await here.add(direction, Bandwidth(100_000))
        began = time.monotonic()
        assert len(await said(client, bytes(15_000))) == 15_000
        assert time.monotonic() - began >= 0.15


async def test_slow_close(stack: Stack) -> None:
    """The data comes at once, the end does not."""
    async with echoing() as (here, _), await connect(here) as client:
        await here.add("downstream", SlowClose(0.1))
        began = time.monotonic()
        assert await said(client, b"x") == b"x"
        await client.send_eof()
        with pytest.raises(anyio.EndOfStream):
            await client.receive()
        assert time.monotonic() - began >= 0.1


@DIRECTIONS
async def test_timeout(stack: Stack, direction: Direction) -> None:
    """Data is swallowed on one side of the server, and the connection is closed in the end."""
    async with echoing() as (here, server), await connect(here) as client:
        await here.add(direction, Timeout(0.1))
        began = time.monotonic()
        assert await said(client, b"lost") == b""
        assert time.monotonic() - began >= 0.1
        assert received(server) == (0 if direction == "upstream" else 4)
        assert not here.connections


async def test_a_timeout_that_is_removed(stack: Stack) -> None:
    """What was swallowed stays lost; what is said afterwards is not."""
    async with echoing() as (here, server), await connect(here) as client:
        await here.add("upstream", Timeout())
        await client.send(b"lost")
        await anyio.wait_all_tasks_blocked()
        await here.clear()
        assert await said(client, b"heard") == b"heard"
        assert received(server) == 5


@DIRECTIONS
async def test_reset_peer(stack: Stack, direction: Direction) -> None:
    """Both sides see a reset, and not an end. Bare sockets, because streams tell them apart less well."""
    async with echoing() as (here, server):
        await here.add(direction, ResetPeer())
        with socket.socket() as client:
            client.setblocking(False)
            with suppress(BlockingIOError):
                client.connect(("127.0.0.1", here.port))
            await anyio.wait_writable(client)
            client.send(b"x")
            await anyio.wait_readable(client)
            with pytest.raises(ConnectionResetError):
                client.recv(1)
        assert received(server) == (0 if direction == "upstream" else 1)


@DIRECTIONS
async def test_slicer(stack: Stack, direction: Direction) -> None:
    """Small pieces, and all of them. The reader may find two at once."""
    pieces: list[int] = []

    async def handler(connection: Connection) -> None:
        while True:
            data = await connection.receive()
            pieces.append(len(data))
            await connection.send(data)

    async with raw_server(handler) as server, proxy(server.port) as here, await connect(here) as client:
        await here.add(direction, Slicer(1, pause=0.0005))
        if direction == "upstream":
            assert await said(client, b"0123456789" * 5) == b"0123456789" * 5
        else:
            pieces.clear()
            await client.send(b"0123456789" * 5)
            heard = b""
            while len(heard) < 50:
                heard += (part := await client.receive())
                pieces.append(len(part))
            pieces.remove(50)
            assert heard == b"0123456789" * 5
        assert sum(pieces) == 50
        assert len(pieces) >= 10


@DIRECTIONS
@pytest.mark.parametrize("size", [1, 7, 20])
async def test_limit_data(stack: Stack, direction: Direction, size: int) -> None:
    """To the byte, over several chunks, and then the end."""
    async with echoing() as (here, server), await connect(here) as client:
        await here.add(direction, LimitData(size))
        heard = b""
        for _ in range(5):
            heard += await said(client, b"01234")
        assert heard == (b"01234" * 4)[: len(heard)]
        if direction == "downstream":
            assert len(heard) == size
        else:
            assert received(server) == size


async def test_down(stack: Stack) -> None:
    """Open connections end, new ones are refused, and then all is well again: on the same port."""
    async with echoing() as (here, _), await connect(here) as client:
        await said(client, b"x")
        await here.add("upstream", Down())
        with pytest.raises(anyio.EndOfStream):
            await client.receive()
        with pytest.raises(OSError, match="connect"):
            await connect(here)
        await here.clear()
        async with await connect(here) as another:
            assert await said(another, b"x") == b"x"
        assert here.accepted == 2


async def test_down_with_the_answer(stack: Stack) -> None:
    """The server has heard, the client hears nothing, and nobody is there any more."""
    async with echoing() as (here, server), await connect(here) as client:
        await here.add("downstream", Down())
        assert await said(client, b"x") == b""
        assert received(server) == 1
        with pytest.raises(OSError, match="connect"):
            await connect(here)


async def test_toxics_add_up(stack: Stack) -> None:
    """Sliced, late and slow: and still all there."""
    async with echoing() as (here, _), await connect(here) as client:
        for toxic in (Slicer(7), Latency(0.05), Bandwidth(50_000)):
            await here.add("downstream", toxic)
        began = time.monotonic()
        data = random.Random(2).randbytes(2_000)
        assert await said(client, data) == data
        assert time.monotonic() - began >= 0.05 + 2_000 / 50_000


@pytest.mark.parametrize("toxic", [Latency(60), Bandwidth(0.1), SlowClose(60), Slicer(1, pause=60)], ids=str)
async def test_what_is_held_back_goes_on_when_its_toxic_is_removed(stack: Stack, toxic: Toxic) -> None:
    async with echoing() as (here, _), await connect(here) as client:
        await here.add("upstream", toxic)
        await client.send(b"0123456789")
        await client.send_eof()
        await anyio.wait_all_tasks_blocked()
        await here.clear()
        assert b"".join([part async for part in client]) == b"0123456789"


async def struck(seed: int) -> list[bool]:
    """Which of 20 connections a toxic strikes that strikes half of them."""
    strikes: list[bool] = []
    async with echoing(seed=seed) as (here, _):
        await here.add("upstream", LimitData(1, toxicity=0.5))
        for _ in range(20):
            async with await connect(here) as client:
                strikes.append(await said(client, b"0123") != b"0123")
    return strikes


async def test_toxicity_is_a_share_of_the_connections_and_replays(stack: Stack) -> None:
    first, again, other = await struck(3), await struck(3), await struck(4)
    assert first == again != other
    assert 3 <= sum(first) <= 17


async def test_nothing_is_left_at_the_end(stack: Stack) -> None:
    """Not a socket, whatever the connections were doing."""
    before = open_files()
    async with raw_server(echo) as server, proxy(server.port) as here:
        await here.add("downstream", Timeout())
        clients = [await connect(here) for _ in range(3)]
        for client in clients:
            await client.send(bytes(100_000))
        await anyio.wait_all_tasks_blocked()
        for client in clients:
            await client.aclose()
    gc.collect()  # a socket that was forgotten would be reported here
    assert open_files() <= before


def open_files() -> int:
    """The next file number: it grows by what is left open."""
    with socket.socket() as probe:
        return probe.fileno()
