"""Fixtures for the tests of anyone who uses QuantConnect. pytest loads this itself: nothing heavy is imported up here.

A test asks for them by name:

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

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from qcasync.simulator import Server, Simulator


@pytest.fixture
def qc_simulator() -> "Simulator":
    """A fresh simulated QuantConnect: one account, no projects, the real API's good day.

    It begins at the present time, as `SimulatorTransport` and `qc_server` go by the process's clock.
    """
    import time  # noqa: PLC0415 - see the module's docstring.

    from qcasync.simulator import Simulator  # noqa: PLC0415

    return Simulator(now=time.time())


@pytest.fixture
def qc_server(qc_simulator: "Simulator") -> "Iterator[Server]":
    """`qc_simulator`, served on a free loopback port for the length of one test. Needs the extra `simulator`."""
    from qcasync.simulator import serve  # noqa: PLC0415

    with serve(qc_simulator) as server:
        yield server
