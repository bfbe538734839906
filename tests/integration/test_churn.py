"""Deadlines too short for the answer, by the thousand: no connection is lost, and the client works on.

Without the gate and the child task, httpx 0.28.1 serves 0 of the 20 requests that follow.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import anyio
import pytest

import qcasync
from tests.integration.conftest import TRUST
from tests.integration.raw import Connection, answer, raw_server
from tests.integration.stacks import STACKS, Stack, none_busy
from tests.integration.ticks import permits_free, replaced, tasks

pytestmark = pytest.mark.anyio

TASKS = 40
CONNECTIONS = 10
ANSWER_SECONDS = 0.004
LONGEST = 60.0
SHORTEST = 0.25
SECONDS_PER_RUN = LONGEST / 1_000_000

Call = Callable[[], Awaitable[None]]
Way = Callable[[Call, float], Awaitable[None]]


@pytest.fixture
def seconds(request: pytest.FixtureRequest) -> float:
    """How long to churn: half a second by default, a minute for a million `--runs`."""
    runs: int = request.config.getoption("--runs")
    return max(SHORTEST, min(LONGEST, (runs - 10_000) * SECONDS_PER_RUN))


async def with_timeout(call: Call, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        await call()


async def with_wait_for(call: Call, seconds: float) -> None:
    await asyncio.wait_for(call(), seconds)


async def with_scope(call: Call, seconds: float) -> None:
    with anyio.fail_after(seconds):
        await call()


WAYS: list[Way] = [with_timeout, with_wait_for, with_scope]
CELLS = [
    pytest.param(stack, way, id=f"{stack}-{way.__name__}")
    for stack in STACKS
    for way in WAYS
    if stack.backend == "asyncio" or way is with_scope
]


async def slow(connection: Connection) -> None:
    """Take 4 ms for an answer."""
    while True:
        await connection.request()
        await anyio.sleep(ANSWER_SECONDS)
        await connection.send(answer())


@pytest.mark.timeout(LONGEST + 20)
@pytest.mark.parametrize(("stack", "way"), CELLS)
async def test_churn(stack: Stack, way: Way, seconds: float) -> None:
    """40 tasks on 10 connections with deadlines of 0.5 to 50 ms, then 20 plain requests."""

    async def many(number: int) -> None:
        turn = 0
        while time.monotonic() < end:
            turn += 1
            with suppress(TimeoutError):
                await way(client.authenticate, 0.0005 + (number * 7 + turn * 13) % 50 / 1000)

    transport = stack.transport(CONNECTIONS, ssl_context=TRUST)
    async with raw_server(slow) as server:
        async with qcasync.Client(
            1, "token", base_url=server.url, transport=transport, max_concurrency=CONNECTIONS
        ) as client:
            await client.authenticate()
            before = tasks()
            end = time.monotonic() + seconds
            async with anyio.create_task_group() as group:
                for number in range(TASKS):
                    group.start_soon(many, number)
            assert permits_free(client)
            assert not tasks() - before
            with anyio.fail_after(5):
                for _ in range(20):
                    await client.authenticate()
            assert await none_busy(transport)
            assert replaced(transport) == 0
        await transport.aclose()
