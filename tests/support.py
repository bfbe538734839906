"""A client and a simulated QuantConnect in one process, in virtual time."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio

import qcasync
from qcasync.simulator import Conditions, Simulator, SimulatorTransport
from qcasync.transports.protocol import Transport

EPOCH = 1_750_000_000.0
"""The true time at which every test begins."""


def true_time() -> float:
    """The true Unix time, in a test."""
    return EPOCH + anyio.current_time()


@dataclass
class World:
    """A client, the simulator it talks to, and what its observers were told."""

    client: qcasync.Client
    simulator: Simulator
    transport: SimulatorTransport
    observed: list[qcasync.Observation]

    def count(self, path: str | None = None) -> int:
        """Requests that reached the simulator."""
        return self.simulator.ledger.count(path)

    def told(self, kind: type[Any]) -> list[Any]:
        """Observations of one kind."""
        return [observation for observation in self.observed if isinstance(observation, kind)]


@asynccontextmanager
async def world(
    conditions: Conditions | None = None,
    *,
    seed: int = 1,
    clock_error: float = 0.0,
    token: str | None = None,
    simulator: Simulator | None = None,
    through: Callable[[Transport], Transport] = lambda transport: transport,
    **options: Any,
) -> AsyncIterator[World]:
    """Open a client on a simulator.

    Args:
        conditions: How the simulator behaves.
        seed: Of the simulator and of the client's jitter.
        clock_error: Seconds that the client's wall clock is ahead of the true time.
        token: Instead of the right one.
        simulator: Instead of a new one.
        through: Puts something between the client and the simulator.
        options: For `qcasync.Client`.
    """
    simulator = simulator or Simulator(seed, EPOCH, conditions=conditions)
    transport = SimulatorTransport(simulator, true_time)
    observed: list[qcasync.Observation] = []
    clock = qcasync.Clock(
        wall=lambda: true_time() + clock_error, mono=lambda: anyio.current_time() + 12345.0, counts_suspend=True
    )
    async with qcasync.Client(
        simulator.user_id,
        token or simulator.api_token,
        transport=through(transport),
        clock=clock,
        rng=random.Random(seed),
        observers=[observed.append],
        **options,
    ) as client:
        yield World(client, simulator, transport, observed)
