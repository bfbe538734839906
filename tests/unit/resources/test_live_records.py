"""`client.live.read_logs` and `read_insights`, against the simulator, in virtual time."""

import anyio
import pytest

import qcasync
from qcasync.simulator import Conditions
from tests.support import EPOCH, true_time, world

pytestmark = pytest.mark.anyio


async def test_read_logs() -> None:
    """One window is one request; lines are numbered over all deployments, whichever is named."""
    async with world() as here:
        project = here.simulator.add_project([5, 5])
        first, second = (deployment.deploy_id for deployment in project.deployments)
        live = here.client.live
        offset = (await live.read_logs(project.id, second, 0, 1)).deployment_offset
        assert offset is not None
        assert offset > 250
        page = await live.read_logs(project.id, first, offset - 50, offset + 200)
        assert (page.start, page.count, page.deployment_offset) == (offset - 50, 250, 0)
        assert here.simulator.ledger.requests[-1].payload == {
            "format": "json",
            "projectId": project.id,
            "algorithmId": first,
            "startLine": offset - 50,
            "endLine": offset + 200,
        }
        (line,) = (await live.read_logs(project.id, second, offset, offset + 1)).lines
        assert page.lines[50] == line
        assert here.count() == 3


async def test_a_log_is_a_snapshot_of_five_minutes() -> None:
    """A line is there once the log was written out, as it was logged."""
    async with world() as here:
        project = here.simulator.add_project([5])
        deploy_id = project.deployments[0].deploy_id
        length = (await here.client.live.read_logs(project.id, deploy_id, 0, 1)).length
        assert length is not None
        here.simulator.log(project.id, "sold out: é/\n  at noon", EPOCH + 1)
        assert (await here.client.live.read_logs(project.id, deploy_id, length, length + 9)).lines == ()
        await anyio.sleep(301)
        page = await here.client.live.read_logs(project.id, deploy_id, length, length + 9)
        assert "2025-06-15 15:06:41 sold out: é/\n  at noon" in page.lines


@pytest.mark.parametrize("spelling", ["camel", "pascal"])
async def test_read_insights(spelling: str) -> None:
    """One window is one request; engines of all times mean the same."""
    async with world() as here:
        project = here.simulator.add_project([5, 5], spelling=spelling)  # type: ignore[arg-type]
        page = await here.client.live.read_insights(project.id, 50, 150)
        assert (page.start, page.count, page.quarantined) == (50, 100, ())
        assert here.simulator.ledger.requests[-1].payload == {"projectId": project.id, "start": 50, "end": 150}
        assert here.count() == 1
        assert {insight.direction for insight in page.insights} == set(qcasync.InsightDirection)
        assert {insight.type for insight in page.insights} == set(qcasync.InsightType)
        assert {type(insight.magnitude) for insight in page.insights} == {float, type(None)}
        assert {type(insight.score_direction) for insight in page.insights} == {float}
        made = here.simulator.insight(project.id, true_time())
        here.simulator.flush(project.id, true_time())
        length = page.length
        assert length is not None
        *_, newest = (await here.client.live.read_insights(project.id, length, length + 100)).insights
        assert newest.id == made["id"]
        assert newest.generated_time.timestamp() == EPOCH
        assert newest.close_time_at - newest.generated_time_at == pytest.approx(newest.period)


async def test_both_are_waited_for_while_they_load() -> None:
    """Word of loading is no answer; it ends at the deadline as `NotReady`."""
    async with world(Conditions(loading=2)) as here:
        project = here.simulator.add_project([5])
        deploy_id = project.deployments[0].deploy_id
        assert (await here.client.live.read_logs(project.id, deploy_id, 0, 10)).count == 10
        assert (await here.client.live.read_insights(project.id, 0, 10)).count == 10
        assert (here.count("live/logs/read"), here.count("live/insights/read")) == (3, 3)
        here.simulator.conditions = Conditions(loading=float("inf"))
        with pytest.raises(qcasync.NotReady):
            await here.client.live.read_logs(project.id, deploy_id, 0, 10, timeout=5)
        with pytest.raises(qcasync.NotReady):
            await here.client.live.read_insights(project.id, 0, 10, timeout=5)


async def test_a_deployment_of_another_project() -> None:
    """The server's refusal says where to look."""
    async with world() as here:
        project = here.simulator.add_project([5])
        with pytest.raises(qcasync.APIError, match=r"live\.list\(\)"):
            await here.client.live.read_logs(project.id, "L-0", 0, 10)
        with pytest.raises(qcasync.APIError):
            await here.client.live.read_insights(project.id + 1, 0, 10)


BAD_INPUT = {
    "negative line": (lambda live: live.read_logs(1, "L-1", -1, 1), "start must not be negative"),
    "no lines": (lambda live: live.read_logs(1, "L-1", 5, 5), "empty or reversed"),
    "many lines": (lambda live: live.read_logs(1, "L-1", 0, 251), "spans 251 lines.*at most 250"),
    "no deployment": (lambda live: live.read_logs(1, "", 0, 1), "deploy_id must not be empty"),
    "no project of a log": (lambda live: live.read_logs(0, "L-1", 0, 1), "positive integer, not 0"),
    "negative index": (lambda live: live.read_insights(1, -1, 1), "start must not be negative"),
    "reversed window": (lambda live: live.read_insights(1, 5, 4), "empty or reversed"),
    "many insights": (lambda live: live.read_insights(1, 0, 101), "spans 101 insights.*at most 100"),
    "no project": (lambda live: live.read_insights("1", 0, 1), "positive integer, not '1'"),
    "negative timeout": (lambda live: live.read_insights(1, 0, 1, timeout=-1), "timeout must be positive"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
async def test_bad_input_is_refused_before_any_request(case: str) -> None:
    """A typed error with a remedy, and nothing sent."""
    call, sentence = BAD_INPUT[case]
    async with world() as here:
        with pytest.raises(qcasync.ConfigurationError, match=sentence) as caught:
            await call(here.client.live)
        assert caught.value.hint
        assert here.count() == 0
