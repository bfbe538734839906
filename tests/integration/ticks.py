"""Cancel any call of a client after k turns of the event loop, in each of the styles that there are.

The table of calls stands here, and a server that answers all of them: it runs in the test's own event loop, so what
a number of turns means does not depend on a clock.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import anyio
import anyio.lowlevel
import pytest
import trio

import qcasync
from qcasync._turns import RESERVED
from qcasync.transports._pooled import PooledTransport
from qcasync.transports.protocol import Transport
from tests import bodies
from tests.integration.conftest import TRUST
from tests.integration.raw import Connection, answer, raw_server
from tests.integration.stacks import Stack, none_busy

Act = Callable[[qcasync.Client], Awaitable[object]]
Call = Callable[[], Awaitable[object]]
Cancel = Callable[[Call, int], Awaitable[bool]]
"""Starts a call, cancels it after so many turns, and says whether it was still running."""

MAX_TURNS: Final = 400
ENOUGH: Final = 3
"""Calls that end by themselves, one after the other: then a later turn finds none running."""
FOLLOW_UPS: Final = 20
PATIENCE: Final = 2.0
"""Seconds that a timeout allows: less than any deadline of ours or of an HTTP library."""
FOLLOW_UP_SECONDS: Final = 4.0
PROJECT: Final = 7001
ENDED_PROJECT: Final = 7002
"""Its deployment has ended long ago."""


# Styles


class SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop in real time, in which a test may let some time pass at once."""

    def __init__(self) -> None:
        self._skipped = 0.0
        super().__init__()

    def time(self) -> float:
        return super().time() + self._skipped

    def skip(self, seconds: float) -> None:
        """Timers that are due then fire in the next turn."""
        self._skipped += seconds


async def by_scope(call: Call, turns: int) -> bool:
    """As anyio and trio do it: a scope around the call is cancelled."""
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


def natively(times: int) -> Cancel:
    """As `task.cancel()` does it, so many times in successive turns."""

    async def cancel(call: Call, turns: int) -> bool:
        task = asyncio.ensure_future(call())
        await _pass(turns)
        running = not task.done()
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        try:
            await task
        except asyncio.CancelledError:
            return True
        assert not running, "a cancellation was swallowed"
        return False

    return cancel


async def by_timeout(call: Call, turns: int) -> bool:
    """As `asyncio.timeout` does it. The time is over because the loop's clock skips it: no real time is waited for."""

    async def bounded() -> None:
        async with asyncio.timeout(PATIENCE):
            await call()

    return await _overtaken(bounded, turns)


async def by_wait_for(call: Call, turns: int) -> bool:
    """As `asyncio.wait_for` does it, on the same clock."""

    async def bounded() -> None:
        await asyncio.wait_for(call(), PATIENCE)

    return await _overtaken(bounded, turns)


async def _overtaken(bounded: Call, turns: int) -> bool:
    task = asyncio.ensure_future(bounded())
    await _pass(turns)
    running = not task.done()
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SkippingLoop)
    loop.skip(PATIENCE)
    try:
        await task
    except TimeoutError:
        return True
    return running


async def _pass(turns: int) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


STYLES: Final[dict[str, Cancel]] = {
    "scope": by_scope,
    "once": natively(1),
    "twice": natively(2),
    "three times": natively(3),
    "timeout": by_timeout,
    "wait_for": by_wait_for,
}


# Calls


_PAPER: Final = qcasync.paper_brokerage()
_SINCE: Final = datetime(2025, 2, 3, tzinfo=UTC)
_UNTIL: Final = datetime(2025, 2, 4, tzinfo=UTC)
_COMMAND: Final = {"$type": "Rebalance", "share": 0.5}
_TURNS_INSIDE: Final = 20
"""Of a block in which nothing else is waited for."""


async def _enter(client: qcasync.Client) -> None:
    async with client.live.iter_orders(PROJECT):
        for _ in range(_TURNS_INSIDE):
            await anyio.lowlevel.checkpoint()


async def _iterate(client: qcasync.Client) -> None:
    async with client.live.iter_orders(PROJECT) as pages:
        async for _ in pages:
            await anyio.lowlevel.checkpoint()


async def _leave(client: qcasync.Client) -> None:
    async with client.live.iter_orders(PROJECT) as pages:
        await anext(pages)


async def _leave_the_charts(client: qcasync.Client) -> None:
    async with client.live.iter_charts(PROJECT, start=_SINCE, end=_UNTIL) as charts:
        await anext(charts)


async def _leave_the_client(client: qcasync.Client) -> None:
    async with client:
        pass


CALLS: Final[dict[str, Act]] = {
    "Client.authenticate": lambda client: client.authenticate(),
    "Live.read": lambda client: client.live.read(PROJECT),
    "Live.list": lambda client: client.live.list(),
    "Live.read_list": lambda client: client.live.read_list(),
    "Live.create": lambda client: client.live.create(PROJECT, "compile", "node", brokerage=_PAPER),
    "Live.liquidate": lambda client: client.live.liquidate(PROJECT),
    "Live.stop": lambda client: client.live.stop(PROJECT),
    "Live.liquidate_and_wait": lambda client: client.live.liquidate_and_wait(PROJECT),
    "Live.stop_and_wait": lambda client: client.live.stop_and_wait(PROJECT),
    "Live.wait_stopped": lambda client: client.live.wait_stopped(ENDED_PROJECT),
    "Live.create_command": lambda client: client.live.create_command(PROJECT, _COMMAND),
    "Live.broadcast_command": lambda client: client.live.broadcast_command(_COMMAND, organization_id="a" * 32),
    "Live.read_chart": lambda client: client.live.read_chart(PROJECT, "Equity", start=_SINCE, end=_UNTIL),
    "Live.list_charts": lambda client: client.live.list_charts(PROJECT, start=_SINCE, end=_UNTIL),
    "Live.iter_charts, left early": _leave_the_charts,
    "Live.read_portfolio": lambda client: client.live.read_portfolio(PROJECT),
    "Live.read_logs": lambda client: client.live.read_logs(PROJECT, "L-1", 0, 250),
    "Live.list_logs": lambda client: client.live.list_logs(PROJECT),
    "Live.read_trades": lambda client: client.live.read_trades(PROJECT, 0, 100),
    "Live.read_insights": lambda client: client.live.read_insights(PROJECT, 0, 100),
    "Live.read_orders": lambda client: client.live.read_orders(PROJECT, 0, 100),
    "Live.list_orders": lambda client: client.live.list_orders(PROJECT),
    "Live.iter_orders, entered": _enter,
    "Live.iter_orders, read to its end": _iterate,
    "Live.iter_orders, left early": _leave,
}
"""Every public coroutine, and every block that is entered with `async with`; the method's name comes first."""

ENDINGS: Final[dict[str, Act]] = {
    "Client.aclose": lambda client: client.aclose(),
    "Client.__aexit__": _leave_the_client,
}
"""The same for what a client does not survive."""


# The server


class QuantConnect:
    """Answers every operation at once, with little.

    Args:
        keeps: Whether a connection serves more than one request.

    Attributes:
        asked: How often each path was asked for.
        open: Connections that the client has not closed yet.
        crowd: So many requests are waited for before they are answered together.
    """

    def __init__(self, *, keeps: bool = True) -> None:
        self.asked: Counter[str] = Counter()
        self.open = 0
        self.crowd = 1
        self._waiting = 0
        self._gathered = anyio.Event()
        self._status = "Running"
        self._headers = () if keeps else ("connection: close",)

    async def serve(self, connection: Connection) -> None:
        """Serve one connection until the client closes it."""
        self.open += 1
        try:
            while True:
                request = await connection.request()
                await self._gather()
                await connection.send(answer(self._answer(request), *self._headers))
        finally:
            self.open -= 1

    async def _gather(self) -> None:
        self._waiting += 1
        gathered = self._gathered
        if self._waiting == self.crowd:
            self._waiting, self._gathered = 0, anyio.Event()
            gathered.set()
        await gathered.wait()

    def _answer(self, request: bytes) -> bytes:
        head, _, body = request.partition(b"\r\n\r\n")
        path = head.split(b" ", 2)[1].decode().lstrip("/")
        self.asked[path] += 1
        return json.dumps({**self._payload(path, json.loads(body)), "success": True}).encode()

    def _payload(self, path: str, asked: dict[str, Any]) -> dict[str, Any]:
        match path:
            case "live/orders/read":
                return _orders(asked["start"], asked["end"])
            case "live/read" if "projectId" in asked:
                return dict(bodies.FLAT[0])
            case "live/list" | "live/read":
                return {
                    "live": [_deployment(PROJECT, "L-1", self._status), _deployment(ENDED_PROJECT, "L-2", "Stopped")]
                }
            case "live/create":
                return {"projectId": PROJECT, "deployId": "L-3", "versionId": 1, "live": {}}
            case "live/chart/read":
                return dict(bodies.CHARTS[0])
            case "live/portfolio/read":
                return dict(bodies.PORTFOLIOS[0])
            case "live/logs/read":
                return _logs(asked["startLine"], asked["endLine"])
            case "live/trades/read":
                return {"trades": [], "length": 0}
            case "live/insights/read":
                return dict(bodies.INSIGHTS[0])
            case _:
                self._status = _STATUS_AFTER[path]
                return {}


_STATUS_AFTER: Final = {
    "live/update/stop": "Stopped",
    "live/update/liquidate": "Liquidated",
    "live/commands/create": "Running",
    "live/commands/broadcast": "Running",
    "authenticate": "Running",  # so that the next call finds it as the first one did
}


def _deployment(project: int, name: str, status: str) -> dict[str, Any]:
    launched = {"launched": "2025-02-03 14:00:00", "stopped": None if status == "Running" else "2025-02-03 15:00:00"}
    return {"projectId": project, "deployId": name, "status": status, **launched}


_ORDERS: Final = [{**bodies.FULL_ORDER, "id": number, "events": []} for number in range(1, 4)]
_WINDOW: Final = 2
"""Orders in one answer, so that a listing has more than one page."""


def _orders(start: int, end: int) -> dict[str, Any]:
    return {"orders": _ORDERS[start : min(end, start + _WINDOW)], "length": len(_ORDERS)}


_LINES: Final = [f"2025-02-03 14:00:0{second} line" for second in range(3)]


def _logs(start: int, end: int) -> dict[str, Any]:
    return {"logs": _LINES[start : min(end, start + _WINDOW)], "length": len(_LINES), "deploymentOffset": 0}


# What must not be left


def permits_free(client: qcasync.Client) -> bool:
    """Whether nobody holds a permit of the client's gate. Looks inside: no public name tells."""
    exchange = client._exchange
    return exchange.turns.gate.free == exchange.max_concurrency + RESERVED


_SERVING: Final = ("tests.integration.raw.", "anyio.abc.", "anyio.streams.")
"""How names of tasks of a `raw_server` begin: connections, and listeners."""


def tasks() -> set[Any]:
    """Every task but those of the servers here."""
    return {task for task in _all_tasks() if not _name(task).startswith(_SERVING)}


def _all_tasks() -> set[Any]:
    if not trio.lowlevel.in_trio_run():
        return set(asyncio.all_tasks())
    root = trio.lowlevel.current_root_task()
    found, unseen = set[Any](), [] if root is None else [root]
    while unseen:
        task = unseen.pop()
        found.add(task)
        unseen += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
    return found


def _name(task: Any) -> str:
    name = task.get_name() if isinstance(task, asyncio.Task) else task.name
    return str(name)


def replaced(transport: Transport) -> int:
    """How many pools were given up because the HTTP library had lost a connection. Nothing was left, but it was luck.

    With TLS there is no way around it: httpcore 1.0.9 forgets a connection if it is cancelled as the handshake ends.
    """
    return transport.rebuilt if isinstance(transport, PooledTransport) else 0


async def soon(happens: Callable[[], bool], patience: float = 1.0) -> bool:
    """Whether something becomes true: a server learns a few turns later that a connection was closed."""
    with anyio.move_on_after(patience):
        while not happens():
            await anyio.lowlevel.checkpoint()
    return happens()


# A row of the table in one style on one stack


@dataclass(frozen=True)
class Line:
    """How a server is reached.

    Attributes:
        keeps: Whether a connection serves more than one request; if not, each call opens another.
        tls: Whether it is encrypted.
    """

    keeps: bool = True
    tls: bool = False


LINES: Final[dict[str, Line]] = {"warm": Line(), "cold": Line(keeps=False), "cold TLS": Line(keeps=False, tls=True)}


@dataclass(frozen=True)
class Cell:
    """A client, and what belongs to it."""

    client: qcasync.Client
    transport: Transport
    server: QuantConnect
    strangers: set[Any]
    """Tasks that there were before it."""

    async def works(self, requests: int = 1) -> None:
        """Assert that no call left anything behind, and that further ones succeed."""
        assert permits_free(self.client)
        assert not tasks() - self.strangers
        with anyio.fail_after(FOLLOW_UP_SECONDS):
            for _ in range(requests):
                await self.client.authenticate()


@asynccontextmanager
async def opened(stack: Stack, line: Line = LINES["warm"], *, concurrency: int = 1) -> AsyncIterator[Cell]:
    """A client with as many connections as permits, and a server. Afterwards no socket and no task is left."""
    server, strangers = QuantConnect(keeps=line.keeps), tasks()
    async with raw_server(server.serve, tls=line.tls) as listener:
        transport = stack.transport(concurrency, ssl_context=TRUST)
        async with qcasync.Client(
            1, "token", base_url=listener.url, transport=transport, max_concurrency=concurrency, allow_trading=True
        ) as client:
            yield Cell(client, transport, server, strangers)
        await transport.aclose()
        assert await soon(lambda: server.open == 0)
        assert not tasks() - strangers


async def cancel_at_every_turn(stack: Stack, cancel: Cancel, act: Act, line: Line = LINES["warm"]) -> int:
    """Cancel a call later and later, until it ends by itself three times in a row. Returns how often it did not.

    There is one connection and one permit, so that the loss of either is seen at once.
    """
    async with opened(stack, line) as cell:
        await cell.works()
        turns = hits = finished = 0
        while finished < ENOUGH:
            assert turns < MAX_TURNS, "the call does not end"
            if await cancel(lambda: act(cell.client), turns):
                hits, finished = hits + 1, 0
            else:
                finished += 1
            turns += 1
            await cell.works()
        await cell.works(FOLLOW_UPS)
        assert await none_busy(cell.transport)
        assert line.tls or replaced(cell.transport) == 0
        assert await soon(lambda: cell.server.open <= 1)
    return hits


async def cancel_closing(stack: Stack, cancel: Cancel, act: Act, turns: int) -> bool:
    """Cancel what closes a client with three connections. Returns whether it was still running.

    A block that is left cannot be left again, so whatever was open must be closed all the same.
    """
    async with opened(stack, concurrency=3) as cell:
        await cell.works()
        cell.server.crowd = 3
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(cell.client.authenticate)
        assert cell.server.open == 3
        cell.client._owned = cell.transport  # as if made by its name, which takes 15 ms
        began = False

        async def close() -> None:
            nonlocal began
            began = True
            await act(cell.client)

        running = await cancel(close, turns)
        if not began:  # a task that is cancelled before its first step runs nothing
            await cell.client.aclose()
        assert await soon(lambda: cell.server.open == 0)
        with pytest.raises(qcasync.ConfigurationError, match="The client is closed"):
            await cell.client.authenticate()
    return running
