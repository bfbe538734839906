"""A QuantConnect that runs anywhere: what the API does, as a value that is told the time, and two ways to reach it.

In process, for tests without sockets and under virtual time:

    simulator = Simulator(seed=7, now=time.time())
    project = simulator.add_project([40, 120, 327])
    client = qcasync.Client(simulator.user_id, simulator.api_token, transport=SimulatorTransport(simulator))

Served on loopback, for any client in any language:

    with serve(simulator) as server:
        print(server.base_url)

or from a shell: `python -m qcasync.simulator`. Nothing of the client is used in here except the transport protocol,
so that a mistake in the client cannot agree with itself.
"""

from qcasync.simulator.accounts import Account
from qcasync.simulator.conditions import Conditions
from qcasync.simulator.deployments import Deployment
from qcasync.simulator.faults import FaultKind
from qcasync.simulator.frontdoor import Answer
from qcasync.simulator.ledger import CommandRecord, EffectRecord, Ledger, RequestRecord
from qcasync.simulator.projects import Project
from qcasync.simulator.scenarios import demo
from qcasync.simulator.server import Server, serve
from qcasync.simulator.simulator import Simulator
from qcasync.simulator.transport import SimulatorTransport

__all__ = [
    "Account",
    "Answer",
    "CommandRecord",
    "Conditions",
    "Deployment",
    "EffectRecord",
    "FaultKind",
    "Ledger",
    "Project",
    "RequestRecord",
    "Server",
    "Simulator",
    "SimulatorTransport",
    "demo",
    "serve",
]
