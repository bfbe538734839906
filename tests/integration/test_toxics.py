"""Every toxic, in each direction, under every kind of call: the truth or an error of ours, in time, and sent once.

What a liquidation is told is held against the simulator's ledger: an effect is never denied, and never invented.
"""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import anyio
import pytest

import qcasync
from qcasync.simulator import Project
from qcasync.transports.protocol import Transport
from tests.integration.conftest import TRUST, House
from tests.integration.proxy import (
    Bandwidth,
    Direction,
    Down,
    Latency,
    LimitData,
    ResetPeer,
    Slicer,
    SlowClose,
    Timeout,
    Toxic,
    proxy,
)
from tests.integration.stacks import STACKS, Stack, none_busy

pytestmark = pytest.mark.anyio

LIQUIDATE: Final = "live/update/liquidate"
ORDERS: Final = 120

HARMLESS: Final[tuple[Toxic, ...]] = (
    Latency(0.03, jitter=0.02),
    Bandwidth(150_000),
    SlowClose(0.2),
    Slicer(100, pause=0.0001),
)
"""The call takes a little longer."""
HARMFUL: Final[tuple[Toxic, ...]] = (Timeout(), ResetPeer(), LimitData(60), Down())
"""No answer comes through, and no attempt can help."""
PATIENCE: Final = 0.1
"""Seconds for a call that cannot succeed."""
GRACE: Final = 0.1


@dataclass(frozen=True)
class Kind:
    """A call, and how its value is checked."""

    name: str
    call: Callable[[qcasync.Client, int, float], Awaitable[Any]]
    check: Callable[[Any, House, Project], bool]


def _shows_every_order(value: Any, house: House, project: Project) -> bool:
    truth = house.simulator.orders(project.id)
    return value.complete and [order.id for order in value.orders] == [row["id"] for row in truth]


def _shows_the_first_orders(value: Any, house: House, project: Project) -> bool:
    truth = house.simulator.orders(project.id)[:50]
    return [(order.id, order.quantity) for order in value.orders] == [(row["id"], row["quantity"]) for row in truth]


def _had_one_effect(value: Any, house: House, project: Project) -> bool:
    return [effect.project_id for effect in house.simulator.ledger.effects] == [project.id]


KINDS: Final = (
    Kind("authenticate", lambda client, _, timeout: client.authenticate(timeout=timeout), lambda value, *_: not value),
    Kind(
        "live.list",
        lambda client, _, timeout: client.live.list(timeout=timeout),
        lambda value, _, project: [deployment.project_id for deployment in value] == [project.id],
    ),
    Kind(
        "live.read",
        lambda client, project, timeout: client.live.read(project, timeout=timeout),
        lambda value, _, project: value.deploy_id == project.deployments[-1].deploy_id,
    ),
    Kind(
        "live.read_orders",
        lambda client, project, timeout: client.live.read_orders(project, 0, 50, timeout=timeout),
        _shows_the_first_orders,
    ),
    Kind(
        "live.list_orders",
        lambda client, project, timeout: client.live.list_orders(project, timeout=timeout),
        _shows_every_order,
    ),
    Kind(
        "live.liquidate",
        lambda client, project, timeout: client.live.liquidate(project, timeout=timeout),
        _had_one_effect,
    ),
)


def _cases() -> list[Any]:
    """All of them on one stack, and on the others each toxic once, with what chance adds to it."""
    directions: tuple[Direction, ...] = ("upstream", "downstream")
    toxics = HARMLESS + HARMFUL
    first, *others = STACKS
    chosen = [(first, toxic, direction, kind) for toxic in toxics for direction in directions for kind in KINDS]
    rng = random.Random(1)
    chosen += [(stack, toxic, rng.choice(directions), rng.choice(KINDS)) for stack in others for toxic in toxics]
    return [pytest.param(*case, id=f"{case[0]}-{type(case[1]).__name__}-{case[2]}-{case[3].name}") for case in chosen]


class Stopwatch:
    """Measures a call, and leaves out how long the event loop itself was held up, by a machine with other work."""

    def __init__(self) -> None:
        self._began = anyio.current_time()
        self._lag = 0.0

    @property
    def seconds(self) -> float:
        return anyio.current_time() - self._began - self._lag

    async def watch(self) -> None:
        while True:
            due = anyio.current_time() + 0.01
            await anyio.sleep_until(due)
            self._lag += max(0.0, anyio.current_time() - due - 0.002)


@asynccontextmanager
async def stopwatch() -> AsyncIterator[Stopwatch]:
    async with anyio.create_task_group() as group:
        watch = Stopwatch()
        group.start_soon(watch.watch)
        yield watch
        group.cancel_scope.cancel()


@pytest.fixture
async def transport(stack: Stack) -> AsyncIterator[Transport]:
    """A transport with four connections."""
    transport = stack.transport(4, ssl_context=TRUST)
    yield transport
    await transport.aclose()


@pytest.mark.parametrize(("stack", "toxic", "direction", "kind"), _cases())
async def test_a_call_on_a_spoiled_connection(
    house: House, transport: Transport, toxic: Toxic, direction: Direction, kind: Kind
) -> None:
    """The toxic comes when a connection is open and known to be good, and goes when the call has ended."""
    project = house.project(ORDERS)
    timeout = PATIENCE if toxic in HARMFUL else 15.0
    async with proxy(house.server.port, seed=1) as here:
        options = {"base_url": f"http://127.0.0.1:{here.port}/api/v2/", "transport": transport}
        async with house.client(**options, max_concurrency=3, allow_trading=True) as client:
            await client.authenticate()
            await here.add(direction, toxic)
            value, error = None, None
            async with stopwatch() as watch:
                try:
                    value = await kind.call(client, project.id, timeout)
                except qcasync.QuantConnectError as caught:
                    error = caught
                assert watch.seconds <= timeout + GRACE
            assert (error is None) == (toxic in HARMLESS), error
            assert error is not None or kind.check(value, house, project)
            assert await none_busy(transport)
            await here.clear()
            for _ in range(5):
                await client.authenticate()
            assert await none_busy(transport)
    judge(house, kind, error)


def judge(house: House, kind: Kind, error: qcasync.QuantConnectError | None) -> None:
    """What was told agrees with what the simulator did."""
    requests, effects = house.count(LIQUIDATE), len(house.simulator.ledger.effects)
    assert effects <= requests <= (kind.name == "live.liquidate")
    if isinstance(error, qcasync.OutcomeUnknown):
        assert kind.name == "live.liquidate"
        assert error.sent in ("maybe", "yes")
    elif error is not None:
        assert requests == 0, f"{error!r} denies a request that arrived"
    if isinstance(error, qcasync.RequestError) and error.sent == "no":
        assert requests == 0
