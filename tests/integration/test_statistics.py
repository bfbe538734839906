"""What a client tells of itself over real sockets."""

import time
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

import qcasync
from qcasync.simulator import Server, Simulator, serve


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve(Simulator(7, time.time())) as server:
        yield server


@pytest.mark.parametrize(("transport", "connections"), [("httpx", 3), ("httpx2", 3), ("aiohttp", None)])
def test_connections_and_bytes(server: Server, transport: Any, connections: int | None) -> None:
    """As many connections as requests were in flight at once, none once it is closed; None where nobody tells."""

    async def use() -> tuple[qcasync.ClientStatistics, ...]:
        simulator = server.simulator
        async with qcasync.Client(
            simulator.user_id, simulator.api_token, base_url=server.base_url, transport=transport, max_concurrency=3
        ) as qc:
            await qc.authenticate()
            first = qc.statistics()
            async with anyio.create_task_group() as group:
                for _ in range(30):
                    group.start_soon(qc.authenticate)
            busy = qc.statistics()
        return first, busy, qc.statistics()

    first, busy, closed = anyio.run(use)
    assert first.connections == (None if connections is None else 1)
    assert busy.connections == connections
    assert closed.connections == (None if connections is None else 0)
    assert (busy.attempts, busy.answers, busy.in_flight) == (31, {200: 31}, 0)
    assert busy.bytes_received == 31 * len('{"success":true}')
    assert (closed.attempts, closed.calls) == (busy.attempts, busy.calls)
