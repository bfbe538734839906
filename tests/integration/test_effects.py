"""Calls with effect over real sockets, with a journal in a real file: what is told, and what the next process reads."""

from pathlib import Path

import anyio
import anyio.lowlevel
import msgspec
import pytest

import qcasync
from qcasync import OutcomeKind, OutcomeUnknown, paper_brokerage
from qcasync.simulator import FaultKind
from tests.integration.conftest import House

pytestmark = pytest.mark.anyio

STOP, CREATE, LIST = "live/update/stop", "live/create", "live/list"
SHORT = 1.15
"""Seconds for a call whose answer is lost. The last one is for the look itself, so that it comes at 0.15."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal is."""
    return tmp_path / "journal"


def read(path: Path) -> bytes:
    """The journal as it is."""
    return path.read_bytes()


def kinds(path: Path) -> list[str]:
    """What the lines of a journal say."""
    lines = [msgspec.json.decode(line) for line in read(path).splitlines()]
    return ["intent" if "intent" in line else line["outcome"]["kind"] for line in lines]


@pytest.mark.parametrize("command", ["stop", "liquidate"])
async def test_confirmed(house: House, path: Path, command: str, caplog: pytest.LogCaptureFixture) -> None:
    """Two requests, two lines, and the next process finds nothing to ask about."""
    project = house.project(5)
    async with house.client(allow_trading=True, journal=path) as client:
        outcome = await getattr(client.live, command)(project.id)
        ended = await client.live.wait_stopped(project.id)
    assert (outcome.kind, outcome.deploy_id) == (OutcomeKind.CONFIRMED, project.deployments[0].deploy_id)
    assert (ended.deploy_id, ended.status) == (
        outcome.deploy_id,
        qcasync.AlgorithmStatus("Stopped" if command == "stop" else "Liquidated"),
    )
    assert kinds(path) == ["intent", "confirmed"]
    assert [record.path for record in house.simulator.ledger.requests] == [LIST, f"live/update/{command}", LIST]
    async with house.client(journal=path) as client:
        assert client.unresolved() == ()
    assert "nobody knows" not in caplog.text


async def test_a_lost_answer_is_looked_for(house: House, path: Path) -> None:
    """The connection breaks, and the deployment is seen to have ended."""
    project = house.project(5)
    house.simulator.fault(FaultKind.RESET_BEFORE_ANSWER, path=STOP)
    async with house.client(allow_trading=True, journal=path) as client:
        outcome = await client.live.stop(project.id, timeout=SHORT)
        assert (outcome.kind, outcome.observed) == (OutcomeKind.CONFIRMED, True)
        assert client.unresolved() == ()
    assert kinds(path) == ["intent", "confirmed"]
    assert house.count(STOP) == len(house.simulator.ledger.effects) == 1


async def test_a_lost_creation_is_found(house: House, path: Path) -> None:
    """Row 70: it is returned, and not repeated; of what was sent the file holds nothing."""
    project = house.project()
    house.simulator.fault(FaultKind.RESET_IN_BODY, path=CREATE)
    async with house.client(allow_trading=True, journal=path) as client:
        answer = await client.live.create(
            project.id, "c", "n", brokerage=paper_brokerage(cash={"USD": 98765.0}), timeout=SHORT
        )
    assert answer.deploy_id == project.deployments[0].deploy_id
    assert kinds(path) == ["intent", "confirmed"]
    assert b"98765" not in read(path)
    assert house.count(CREATE) == len(house.simulator.ledger.effects) == 1


async def test_the_next_process_settles_what_is_unknown(
    house: House, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Row 26: cancelled after the first byte. The next client warns, looks, and writes down what it saw."""
    project = house.project(5)
    house.simulator.fault(FaultKind.HANG, path=STOP)
    async with house.client(allow_trading=True, journal=path) as client, anyio.create_task_group() as group:
        group.start_soon(client.live.stop, project.id)
        with anyio.fail_after(10):
            while not house.count(STOP):
                await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()
    assert kinds(path) == ["intent", "unknown"]
    async with house.client(journal=path) as client:
        assert f"{STOP} of project {project.id}" in caplog.text
        (intent,) = client.unresolved()
        outcome = await client.live.reconcile(intent, timeout=1.1)
        assert (outcome.kind, outcome.observed) == (OutcomeKind.CONFIRMED, True)
        assert client.unresolved() == ()
    assert kinds(path) == ["intent", "unknown", "confirmed"]
    assert house.count(STOP) == 1


async def test_what_stays_unknown_stays_listed(house: House, path: Path) -> None:
    """The request was lost on its way: it is not sent again, whoever looks."""
    project = house.project(5)
    house.simulator.fault(FaultKind.RESET_BEFORE_ANSWER, path=STOP, performed=False)
    async with house.client(allow_trading=True, journal=path) as client:
        with pytest.raises(OutcomeUnknown, match="is still Running") as caught:
            await client.live.stop(project.id, timeout=SHORT)
        (intent,) = client.unresolved()
        assert caught.value.outcome is not None
        assert caught.value.outcome.intent_id == intent.id
    assert house.count(STOP) == 1
    assert house.simulator.ledger.effects == []
