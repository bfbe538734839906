"""A pool that lost connections is replaced, and one that did not is left alone."""

import asyncio
import gc
import logging
import random
import time
from contextlib import suppress

import anyio
import anyio.lowlevel
import pytest

from qcasync._attempt import exchange_in_child
from qcasync.transports._pooled import PooledTransport
from qcasync.transports.protocol import Progress, Request, TransportError
from tests.integration.conftest import TRUST
from tests.integration.raw import Connection, RawServer, answer, answering, raw_server
from tests.integration.stacks import Stack, none_busy

pytestmark = pytest.mark.anyio

POOLED = [Stack(backend, library) for backend in ("asyncio", "trio") for library in ("httpx", "httpx2")]


def pooled(stack: Stack, max_connections: int) -> PooledTransport:
    """A transport that can tell how often it replaced a pool."""
    transport = stack.transport(max_connections, ssl_context=TRUST)
    assert isinstance(transport, PooledTransport)
    return transport


def request(server: RawServer) -> Request:
    return Request(url=server.url, body=b"{}")


async def exchange(transport: PooledTransport, server: RawServer) -> None:
    await transport.exchange(request(server), Progress(time.monotonic))


def busy(transport: PooledTransport) -> int:
    """Connections that are neither idle nor closed."""
    connections = [each for pool in transport._pools for each in pool._pool.connections]
    return sum(not (each.is_idle() or each.is_closed()) for each in connections)


async def lose_a_connection(transport: PooledTransport, server: RawServer) -> None:
    """Cancel an exchange as asyncio does, later and later, until httpcore loses a connection."""
    before = busy(transport)
    for turns in range(2, 40):
        await exchange(transport, server)
        task = asyncio.ensure_future(exchange(transport, server))
        for _ in range(turns % 10):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        if busy(transport) > before:
            return
    pytest.fail("no connection was lost: httpcore was repaired")


LOSING = pytest.mark.parametrize("stack", [Stack("asyncio", "httpx")], ids=str)
UNCLOSED = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # native cancellations interrupt closing, too


@LOSING
@UNCLOSED
@pytest.mark.parametrize("connections", [1, 3, 20])
async def test_a_pool_that_lost_a_connection_is_replaced(
    stack: Stack, connections: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The next exchange finds it, at once."""
    transport = pooled(stack, connections)
    async with raw_server(answering(answer())) as server:
        for lost in range(1, 4):
            await lose_a_connection(transport, server)
            assert transport.rebuilt == lost - 1
            old = transport._pools[0]
            with anyio.fail_after(4):  # a dead pool of one would answer nothing, after 5 s
                for _ in range(20):
                    await exchange(transport, server)
            assert transport.rebuilt == lost
            assert old not in transport._pools
            assert old._pool.connections == []
            assert await none_busy(transport)
        await transport.aclose()
    gc.collect()
    told = [(record.levelno, record.message) for record in caplog.records if record.name == "qcasync"]
    assert len(told) == 3
    assert told[0][0] == logging.WARNING
    assert "was replaced" in told[0][1]


@LOSING
@UNCLOSED
async def test_a_pool_at_work_is_not_replaced(stack: Stack) -> None:
    """Which connection is lost and which at work, nobody can tell: it must wait until the pool is idle."""

    async def handler(connection: Connection) -> None:
        while True:
            if (await connection.request()).startswith(b"POST /slow"):
                arrived.set()
                await go_on.wait()
            await connection.send(answer())

    transport = pooled(stack, 3)
    arrived, go_on = anyio.Event(), anyio.Event()
    async with raw_server(handler) as server:
        slow = Request(url=server.url + "slow", body=b"{}")
        async with anyio.create_task_group() as group:
            group.start_soon(transport.exchange, slow, Progress(time.monotonic))
            await arrived.wait()
            await lose_a_connection(transport, server)
            await exchange(transport, server)
            assert transport.rebuilt == 0
            go_on.set()
        await exchange(transport, server)
        assert transport.rebuilt == 1
        await transport.aclose()
    gc.collect()


@pytest.mark.parametrize("stack", POOLED, ids=str)
async def test_ordinary_traffic_replaces_nothing(stack: Stack) -> None:
    """Connections that open, close, break and are cancelled, at every moment, with pauses in which nothing runs."""

    async def handler(connection: Connection) -> None:
        while True:
            await connection.request()
            match chance.randrange(6):
                case 0:
                    await connection.send(answer(b"{}", "connection: close"))
                    return
                case 1:
                    return
                case 2:
                    await connection.reset()
                    return
                case 3:
                    await connection.send(answer(b"{}", length=9))
                    return
                case _:
                    await connection.send(answer())

    async def one() -> None:
        with suppress(TransportError), anyio.move_on_after(chance.choice([0.0005, 0.001, 0.003, 1])):
            await exchange_in_child(transport, request(server), Progress(time.monotonic))

    chance = random.Random(stack.backend + stack.library)
    transport = pooled(stack, 3)
    end = time.monotonic() + 0.5
    async with raw_server(handler) as server:
        while time.monotonic() < end:
            async with anyio.create_task_group() as group:
                for _ in range(chance.choice([1, 1, 3])):
                    group.start_soon(one)
        assert await none_busy(transport)
        await transport.aclose()
    assert transport.rebuilt == 0
