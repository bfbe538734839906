"""The tests of `loss_guard.py`, without an account: `pytest examples/own_tests`."""

import math

import pytest
from loss_guard import stop_if_losing

import qcasync
from qcasync.simulator import FaultKind, Simulator

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_project_that_loses_too_much_is_stopped(qc: qcasync.Client, qc_simulator: Simulator) -> None:
    project = qc_simulator.add_project([12])
    outcome = await stop_if_losing(qc, project.id, most=-math.inf)
    assert outcome is not None
    assert outcome.kind is qcasync.OutcomeKind.CONFIRMED
    assert [effect.kind for effect in qc_simulator.ledger.effects] == ["stop"]


async def test_one_that_does_not_goes_on(qc: qcasync.Client, qc_simulator: Simulator) -> None:
    project = qc_simulator.add_project([12])
    assert await stop_if_losing(qc, project.id, most=math.inf) is None
    assert qc_simulator.ledger.effects == []


async def test_a_bad_gateway_does_not_keep_it_from_looking(qc: qcasync.Client, qc_simulator: Simulator) -> None:
    project = qc_simulator.add_project([12])
    qc_simulator.fault(FaultKind.HTML_502, path="live/portfolio/read", times=2)
    await stop_if_losing(qc, project.id, most=-math.inf)
    assert [effect.kind for effect in qc_simulator.ledger.effects] == ["stop"]


async def test_it_never_stops_a_project_twice(qc: qcasync.Client, qc_simulator: Simulator) -> None:
    """QuantConnect stopped it, and the connection broke before it could say so."""
    project = qc_simulator.add_project([12])
    qc_simulator.fault(FaultKind.RESET_BEFORE_ANSWER, path="live/update/stop", performed=True)
    outcome = await stop_if_losing(qc, project.id, most=-math.inf)
    assert outcome is not None
    assert outcome.observed, "nobody answered, but the deployment was seen to have ended"
    assert len(qc_simulator.ledger.effects) == 1
