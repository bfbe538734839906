"""Looking at a project's deployments until they tell, in virtual time."""

from datetime import UTC, datetime

import anyio
import msgspec
import pytest

import qcasync
from qcasync import AlgorithmStatus, Intent, OutcomeKind
from qcasync._core.reconciling import Found
from qcasync._deployments import list_deployments, look_for, wait_ended
from qcasync.simulator import Conditions, FaultKind, Project
from tests.support import EPOCH, World, true_time, world

pytestmark = pytest.mark.anyio

LIST = "live/list"


def lost(project: Project, deploy_id: str | None = None, endpoint: str = "live/update/stop") -> Intent:
    """A call whose answer was lost when the test began."""
    return Intent(
        id="1",
        account="a",
        endpoint=endpoint,
        project_id=project.id,
        deploy_id=deploy_id,
        at=datetime.fromtimestamp(EPOCH, UTC),
        uncertainty=1.0,
    )


async def look(here: World, intent: Intent, limit: float = 120.0) -> Found:
    return await look_for(here.client._session, lambda: intent, limit)


async def test_one_request_lists_one_project() -> None:
    """The other projects of the account are not asked for."""
    async with world() as here:
        project, _ = here.simulator.add_project([1, 2]), here.simulator.add_project([3])
        seen = await list_deployments(here.client._session, project.id, 1.0)
        assert {each.deploy_id for each in seen} == {each.deploy_id for each in project.deployments}
        assert here.count() == 1
        assert here.simulator.ledger.requests[0].payload == {"projectId": project.id}


# What became of an intent


async def test_the_first_look_comes_after_two_seconds() -> None:
    """At once there would be nothing to see. A look that tells is the last one."""
    async with world() as here:
        project = here.simulator.add_project([1])
        deploy_id = project.deployments[0].deploy_id
        here.simulator.end(project.id, true_time())
        found = await look(here, lost(project, deploy_id))
        assert (found.kind, found.reason) == (OutcomeKind.CONFIRMED, f"deployment {deploy_id} was seen Stopped")
        assert anyio.current_time() == pytest.approx(2.0)
        assert here.count(LIST) == 1


@pytest.mark.parametrize(("limit", "looks"), [(1.1, 1), (2.0, 1), (5.0, 2), (120.0, 11)])
async def test_it_looks_until_the_time_is_up(limit: float, looks: int) -> None:
    """The last look has the last second for itself, and what it saw is told."""
    async with world() as here:
        project = here.simulator.add_project([1])
        deploy_id = project.deployments[0].deploy_id
        found = await look(here, lost(project, deploy_id), limit)
        assert (found.kind, found.reason) == (None, f"deployment {deploy_id} is still Running")
        assert anyio.current_time() == pytest.approx(limit - 1)
        assert here.count(LIST) == looks


@pytest.mark.parametrize("limit", [-1.0, 0.0, 1.0])
async def test_no_time_is_no_look(limit: float) -> None:
    """The caller's deadline has passed already, or comes before a look could end."""
    async with world() as here:
        found = await look(here, lost(here.simulator.add_project([1])), limit)
        assert found.kind is found.deployment is None
        assert "no time" in found.reason
        assert here.count() == 0
        assert anyio.current_time() == 0


@pytest.mark.parametrize(
    "kind",
    [FaultKind.FAILURE_LASTING, FaultKind.HTML_403, FaultKind.REDIRECT, FaultKind.RETRY_AFTER_429, FaultKind.EMPTY_500],
)
async def test_a_look_that_fails_tells_nothing(kind: FaultKind) -> None:
    """Whatever it is that fails: the next look may succeed."""
    async with world() as here:
        project = here.simulator.add_project([1])
        here.simulator.end(project.id, true_time())
        here.simulator.fault(kind, path=LIST, times=2)
        found = await look(here, lost(project))
        assert found.kind is OutcomeKind.CONFIRMED
        assert here.count(LIST) == 3


async def test_a_look_that_hangs_ends_with_the_time() -> None:
    """And not after it."""
    async with world() as here:
        project = here.simulator.add_project([1])
        here.simulator.fault(FaultKind.HANG, path=LIST, times=100)
        found = await look(here, lost(project), 20.0)
        assert found == Found(None, "live/list could not be read")
        assert anyio.current_time() == pytest.approx(20)


async def test_what_is_learnt_meanwhile_counts() -> None:
    """The intent is asked for anew at each look: by then the server's time may be known."""
    async with world() as here:
        project = here.simulator.add_project([1])
        here.simulator.end(project.id, true_time())
        dated = lost(project)
        undated = msgspec.structs.replace(dated, uncertainty=None)
        found = await look_for(here.client._session, lambda: dated if here.count() else undated, 120.0)
        assert found.kind is OutcomeKind.CONFIRMED
        found = await look(here, undated)
        assert found.kind is OutcomeKind.UNKNOWN


async def test_a_closed_client_ends_the_looking() -> None:
    """What was seen before is not told any more: that it is closed is."""
    async with world() as here, anyio.create_task_group() as group:
        project = here.simulator.add_project([1])

        async def close() -> None:
            await anyio.sleep(10)
            await here.client.aclose()

        group.start_soon(close)
        found = await look(here, lost(project))
        assert found == Found(None, "The client is closed.")
        assert anyio.current_time() < 25


async def test_what_will_not_change_is_not_looked_at_again() -> None:
    """A liquidation whose deployment ended as stopped: one look, and unknown for good."""
    async with world() as here:
        project = here.simulator.add_project([1])
        deploy_id = project.deployments[0].deploy_id
        here.simulator.end(project.id, true_time())
        found = await look(here, lost(project, deploy_id, "live/update/liquidate"))
        assert found.kind is OutcomeKind.UNKNOWN
        assert "not Liquidated: positions may remain" in found.reason
        assert here.count(LIST) == 1


# Waiting for the end


async def test_an_end_that_came_before_is_seen_at_once() -> None:
    """One request, no wait; without a name it is the latest deployment."""
    async with world() as here:
        project = here.simulator.add_project([1, 1], running=False)
        seen = await here.client.live.wait_stopped(project.id)
        assert seen.deploy_id == project.deployments[1].deploy_id
        assert seen.status is AlgorithmStatus.STOPPED
        assert here.count() == 1
        assert anyio.current_time() == 0


@pytest.mark.parametrize("status", ["Stopped", "Liquidated", "RuntimeError"])
async def test_the_end_is_waited_for(status: str) -> None:
    """Whatever ends it, it is seen within 15 s."""
    async with world() as here, anyio.create_task_group() as group:
        project = here.simulator.add_project([1])

        async def end() -> None:
            await anyio.sleep(60)
            here.simulator.end(project.id, true_time(), status=status)  # type: ignore[arg-type]

        group.start_soon(end)
        seen = await here.client.live.wait_stopped(project.id)
        assert seen.status is AlgorithmStatus(status)
        assert seen.stopped == datetime.fromtimestamp(EPOCH + 60, UTC)
        assert 60 <= anyio.current_time() <= 75


@pytest.mark.parametrize("named", [False, True])
async def test_a_redeployment_is_another_deployment(named: bool) -> None:
    """The one that was seen first is waited for; what was launched meanwhile still runs."""
    async with world() as here, anyio.create_task_group() as group:
        project = here.simulator.add_project([1])
        (mine,) = project.deployments

        async def redeploy() -> None:
            await anyio.sleep(60)
            here.simulator.deploy(project.id, true_time())

        group.start_soon(redeploy)
        seen = await here.client.live.wait_stopped(project.id, deploy_id=mine.deploy_id if named else None)
        assert seen.deploy_id == mine.deploy_id
        assert project.active(true_time()) is not None


async def test_a_deployment_that_goes_on() -> None:
    """The error names it, its state and the time; the last second was for the last look."""
    async with world() as here:
        project = here.simulator.add_project([1])
        with pytest.raises(qcasync.StillRunning) as caught:
            await here.client.live.wait_stopped(project.id, timeout=50)
        error = caught.value
        assert (error.project_id, error.deploy_id) == (project.id, project.deployments[0].deploy_id)
        assert (error.status, error.waited) == ("Running", pytest.approx(49))
        assert anyio.current_time() == pytest.approx(49)


async def test_a_deployment_that_nobody_sees() -> None:
    """Never deployed, or named wrongly: nothing has ended, and the error says that there was nothing."""
    async with world() as here:
        project = here.simulator.add_project([])
        with pytest.raises(qcasync.StillRunning, match="no deployment was seen after 9 s"):
            await here.client.live.wait_stopped(project.id, timeout=10)
        other = here.simulator.add_project([1])
        with pytest.raises(qcasync.StillRunning) as caught:
            await here.client.live.wait_stopped(other.id, deploy_id="L-" + 32 * "0", timeout=10)
        assert caught.value.status == "in an unknown state"


@pytest.mark.parametrize("kind", [FaultKind.HTML_502, FaultKind.RESET_IN_BODY, FaultKind.GARBAGE])
async def test_what_passes_is_waited_out(kind: FaultKind) -> None:
    """Nine answers in a row are broken, which is more than one look survives."""
    async with world() as here:
        project = here.simulator.add_project([1], running=False)
        here.simulator.fault(kind, path=LIST, times=9)
        seen = await here.client.live.wait_stopped(project.id)
        assert seen.status is AlgorithmStatus.STOPPED


async def test_a_throttle_is_waited_out() -> None:
    """The server asks for a wait that is longer than one look may last."""
    async with world() as here:
        project = here.simulator.add_project([1], running=False)
        here.simulator.fault(FaultKind.RETRY_AFTER_429, path=LIST, times=1, retry_after="130")
        seen = await here.client.live.wait_stopped(project.id)
        assert seen.status is AlgorithmStatus.STOPPED
        assert anyio.current_time() >= 130


@pytest.mark.parametrize("kind", [FaultKind.FAILURE_LASTING, FaultKind.STATUS])
async def test_what_will_not_pass_is_told(kind: FaultKind) -> None:
    """A refusal ends the wait: nobody is kept waiting for it five minutes long."""
    async with world() as here:
        project = here.simulator.add_project([1])
        here.simulator.fault(kind, path=LIST, times=100)
        with pytest.raises(qcasync.APIError):
            await here.client.live.wait_stopped(project.id)
        assert anyio.current_time() < 2


async def test_a_wrong_token_ends_the_wait() -> None:
    """After one request."""
    async with world(token="wrong") as here:
        project = here.simulator.add_project([1])
        with pytest.raises(qcasync.AuthenticationError):
            await here.client.live.wait_stopped(project.id)
        assert here.count() == 1


async def test_a_client_that_is_closed_meanwhile_ends_the_wait() -> None:
    """It says so instead of looking on for five minutes."""
    async with world() as here, anyio.create_task_group() as group:
        project = here.simulator.add_project([1])

        async def close() -> None:
            await anyio.sleep(10)
            await here.client.aclose()

        group.start_soon(close)
        with pytest.raises(qcasync.ConfigurationError, match="closed"):
            await wait_ended(here.client._session, project.id, None, 300.0)
        assert anyio.current_time() < 30


@pytest.mark.parametrize("limit", [0.0, -3.0])
async def test_no_time_is_no_wait(limit: float) -> None:
    """Whatever used it up: the deployment was not seen to end, and nothing is asked."""
    async with world() as here:
        project = here.simulator.add_project([1])
        with pytest.raises(qcasync.StillRunning) as caught:
            await wait_ended(here.client._session, project.id, "L-1", limit)
        assert (caught.value.deploy_id, caught.value.status) == ("L-1", "in an unknown state")
        assert here.count() == 0


async def test_a_name_is_checked_before_any_request() -> None:
    """And so is the time."""
    async with world(Conditions()) as here:
        for options in ({"deploy_id": ""}, {"timeout": 0}):
            with pytest.raises(qcasync.ConfigurationError):
                await here.client.live.wait_stopped(7, **options)  # type: ignore[arg-type]
        assert here.count() == 0
