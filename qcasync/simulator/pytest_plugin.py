"""Fixtures for the tests of anyone who uses QuantConnect.

Write `pytest_plugins = ["qcasync.simulator.pytest_plugin"]` into your `conftest.py`; a test then asks for them by name:

    from qcasync.simulator import SimulatorTransport

    async def test_reads_every_order(qc_simulator):
        project = qc_simulator.add_project([40, 120])
        transport = SimulatorTransport(qc_simulator)
        async with qcasync.Client(qc_simulator.user_id, qc_simulator.api_token, transport=transport) as qc:
            assert len(await qc.live.list_orders(project.id)) == 160

    def test_through_a_socket(qc_server, monkeypatch):
        qc_server.simulator.add_project([12])
        for name, value in qc_server.environment.items():
            monkeypatch.setenv(name, value)
        ...  # whatever reads the environment now talks to the simulator
"""

import time
from collections.abc import Iterator

import pytest

from qcasync.simulator import Server, Simulator, serve


@pytest.fixture
def qc_simulator() -> Simulator:
    """A fresh simulated QuantConnect: one account, no projects, the real API's good day.

    It begins at the present time, as `SimulatorTransport` and `qc_server` go by the process's clock.
    """
    return Simulator(now=time.time())


@pytest.fixture
def qc_server(qc_simulator: Simulator) -> Iterator[Server]:
    """`qc_simulator`, served on a free loopback port for the length of one test. Needs the extra `simulator`."""
    with serve(qc_simulator) as server:
        yield server
