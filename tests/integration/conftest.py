"""Real sockets, real time: every event loop with every transport that runs on it."""

import itertools
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import qcasync
from qcasync._turns import RESERVED
from qcasync.simulator import Account, Conditions, Project, Server, Simulator, serve
from qcasync.transports.protocol import Progress, Transport
from tests.integration.raw import trusting_context
from tests.integration.stacks import STACKS, Stack

TRUST = trusting_context()
"""Shared, because making one takes 15 ms."""
USER_IDS = itertools.count(1_000_001)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They wait for sockets and processes; meanwhile others compute."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.aside)


@pytest.fixture(params=STACKS, ids=str)
def stack(request: pytest.FixtureRequest) -> Stack:
    """An event loop and a transport that runs on it."""
    stack: Stack = request.param
    return stack


@pytest.fixture
def anyio_backend(stack: Stack) -> str:
    """The stack's event loop, in real time."""
    return stack.backend


@pytest.fixture
async def transport(stack: Stack) -> AsyncIterator[Transport]:
    """A transport with two connections."""
    transport = stack.transport(2, ssl_context=TRUST)
    yield transport
    await transport.aclose()


@pytest.fixture
def progress() -> Progress:
    """A fresh record of how far a request gets."""
    return Progress(time.monotonic)


class NoJitter(random.Random):
    """Retries come at once."""

    def random(self) -> float:
        return 0.0


@dataclass
class House:
    """A simulator that is being served, with an account of its own for each test."""

    server: Server
    account: Account
    stack: Stack
    observed: list[qcasync.Observation] = field(default_factory=list)

    @property
    def simulator(self) -> Simulator:
        return self.server.simulator

    def project(self, *deployments: int) -> Project:
        """A project of this test's account."""
        return self.simulator.add_project(deployments, account=self.account, now=time.time())

    def count(self, path: str | None = None) -> int:
        """Requests that reached the simulator."""
        return self.simulator.ledger.count(path)

    def told(self, kind: type[Any]) -> list[Any]:
        """Observations of one kind."""
        return [observation for observation in self.observed if isinstance(observation, kind)]

    def client(self, **options: Any) -> AbstractAsyncContextManager[qcasync.Client]:
        """A client on this stack. Options are those of `qcasync.Client`."""
        return _client(self, options)


@asynccontextmanager
async def _client(house: House, options: dict[str, Any]) -> AsyncIterator[qcasync.Client]:
    transport = house.stack.transport(options.get("max_concurrency", 10) + RESERVED, ssl_context=TRUST)
    defaults: dict[str, Any] = {
        "user_id": house.account.user_id,
        "api_token": house.account.api_token,
        "base_url": house.server.base_url,
        "transport": transport,
        "rng": NoJitter(),
        "observers": [house.observed.append],
    }
    async with qcasync.Client(**{**defaults, **options}) as client:
        yield client
    await transport.aclose()


@pytest.fixture(scope="session")
def served() -> Iterator[Server]:
    """One server for all tests: starting and stopping one takes 0.1 s."""
    with serve(Simulator(7, time.time())) as server:
        yield server


@pytest.fixture
def house(served: Server, stack: Stack) -> House:
    """The server as if it were new."""
    simulator = served.simulator
    simulator.conditions = Conditions()
    simulator.clear_faults()
    simulator.ledger.clear()
    return House(served, simulator.add_account(next(USER_IDS)), stack)
