"""The simulator's fixtures, and one of our own: a client that talks to it."""

from collections.abc import AsyncIterator

import pytest

import qcasync
from qcasync.simulator import Simulator, SimulatorTransport

pytest_plugins = ["qcasync.simulator.pytest_plugin"]


@pytest.fixture
async def qc(qc_simulator: Simulator) -> AsyncIterator[qcasync.Client]:
    """A client of the simulated QuantConnect, in process: no port, no network."""
    transport = SimulatorTransport(qc_simulator)
    async with qcasync.Client(
        qc_simulator.user_id, qc_simulator.api_token, transport=transport, allow_trading=True
    ) as client:
        yield client
