"""One call is cancelled after k turns of the event loop, for every k: no connection is lost, and the client works on.

httpcore 1.0.9 by itself loses the connection for good at a few of these turns, if the cancellation is asyncio's own.
"""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import anyio
import anyio.lowlevel
import pytest

import qcasync
from qcasync.transports.protocol import Progress, Request, Transport
from tests.integration.conftest import TRUST
from tests.integration.raw import Connection, Handler, answer, answering, raw_server
from tests.integration.stacks import ON_ASYNCIO, STACKS, Stack, none_busy

pytestmark = pytest.mark.anyio

MAX_TURNS = 400


async def closing(connection: Connection) -> None:
    """Each request needs a new connection."""
    await connection.request()
    await connection.send(answer(b'{"success":true}', "connection: close"))


HANDLERS: dict[str, Handler] = {"warm": answering(answer()), "cold": closing}


async def cancelled_natively(call: Callable[[], Awaitable[None]], turns: int, times: int) -> bool:
    """Whether the call was still running after so many turns."""
    task = asyncio.ensure_future(call())
    for _ in range(turns):
        await asyncio.sleep(0)
    running = not task.done()
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    try:
        await task
    except asyncio.CancelledError:
        return True
    return running


async def cancelled_by_scope(call: Callable[[], Awaitable[None]], turns: int) -> bool:
    """Whether the call was still running after so many turns."""
    running = True

    async def run() -> None:
        nonlocal running
        await call()
        running = False

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        for _ in range(turns):
            await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()
    return running


async def cancel_at_every_turn(
    stack: Stack, temperature: str, cancelled: Callable[[Callable[[], Awaitable[None]], int], Awaitable[bool]]
) -> int:
    """Cancel later and later until the call ends first. Returns at how many turns it was cancelled."""
    transport = stack.transport(1, ssl_context=TRUST)
    async with raw_server(HANDLERS[temperature]) as server:
        async with qcasync.Client(1, "token", base_url=server.url, transport=transport, max_concurrency=1) as client:
            await client.authenticate()
            turns = hits = finished = 0
            while finished < 3 and turns < MAX_TURNS:
                if await cancelled(client.authenticate, turns):
                    hits, finished = hits + 1, 0
                else:
                    finished += 1
                turns += 1
                with anyio.fail_after(4):
                    await client.authenticate()
            with anyio.fail_after(4):
                for _ in range(20):
                    await client.authenticate()
            assert await none_busy(transport)
            assert finished == 3
        await transport.aclose()
    return hits


@pytest.mark.parametrize("stack", ON_ASYNCIO, ids=str)
@pytest.mark.parametrize("temperature", HANDLERS)
@pytest.mark.parametrize("times", [1, 2, 3])
async def test_native_cancellation(stack: Stack, temperature: str, times: int) -> None:
    """What `task.cancel()`, `asyncio.timeout` and `wait_for` do."""

    async def cancelled(call: Callable[[], Awaitable[None]], turns: int) -> bool:
        return await cancelled_natively(call, turns, times)

    assert await cancel_at_every_turn(stack, temperature, cancelled) > 5


@pytest.mark.parametrize("stack", STACKS, ids=str)
@pytest.mark.parametrize("temperature", HANDLERS)
async def test_cancellation_by_scope(stack: Stack, temperature: str) -> None:
    """What anyio and trio do."""
    assert await cancel_at_every_turn(stack, temperature, cancelled_by_scope) > 5


async def with_timeout(call: Callable[[], Awaitable[None]], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        await call()


async def with_wait_for(call: Callable[[], Awaitable[None]], seconds: float) -> None:
    await asyncio.wait_for(call(), seconds)


async def with_scope(call: Callable[[], Awaitable[None]], seconds: float) -> None:
    with anyio.fail_after(seconds):
        await call()


@pytest.mark.parametrize("stack", ON_ASYNCIO, ids=str)
@pytest.mark.parametrize("way", [with_timeout, with_wait_for, with_scope], ids=lambda way: way.__name__)
async def test_churn(
    stack: Stack, way: Callable[[Callable[[], Awaitable[None]], float], Awaitable[None]], slow: Handler
) -> None:
    """40 tasks on 10 connections with deadlines of 0.5 to 50 ms, then 20 plain requests."""

    async def many(number: int) -> None:
        turn = 0
        while time.monotonic() < end:
            turn += 1
            with suppress(TimeoutError):
                await way(client.authenticate, 0.0005 + (number * 7 + turn * 13) % 50 / 1000)

    transport = stack.transport(10, ssl_context=TRUST)
    end = time.monotonic() + 0.5
    async with raw_server(slow) as server:
        async with qcasync.Client(1, "token", base_url=server.url, transport=transport, max_concurrency=10) as client:
            await client.authenticate()
            async with anyio.create_task_group() as group:
                for number in range(40):
                    group.start_soon(many, number)
            with anyio.fail_after(5):
                for _ in range(20):
                    await client.authenticate()
            assert await none_busy(transport)
        await transport.aclose()


@pytest.fixture
def slow() -> Handler:
    """A server that takes 4 ms for an answer."""

    async def handler(connection: Connection) -> None:
        while True:
            await connection.request()
            await anyio.sleep(0.004)
            await connection.send(answer())

    return handler


@pytest.mark.parametrize("stack", [Stack("asyncio", "httpx")], ids=str)
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
async def test_what_the_child_task_is_for(stack: Stack) -> None:
    """The same through the bare transport loses connections. If this fails, httpcore was repaired."""
    lost = 0
    async with raw_server(answering(answer())) as server:
        request = Request(url=server.url, body=b"{}")
        for turns in range(3, 9):
            transport = stack.transport(1, ssl_context=TRUST)

            async def call(transport: Transport = transport) -> None:
                await transport.exchange(request, Progress(time.monotonic))

            await call()
            await cancelled_natively(call, turns, 1)
            lost += not await none_busy(transport, patience=0.05)
            await transport.aclose()
    gc.collect()  # what is lost is never closed: let that be said here, where it is expected
    assert lost > 0
