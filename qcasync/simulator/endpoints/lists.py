"""live/list: every deployment of the account, newest first."""

from collections.abc import Iterator

from qcasync.simulator.deployments import Deployment
from qcasync.simulator.endpoints.call import Call
from qcasync.simulator.payloads import (
    UnreadableError,
    read_instant,
    read_int,
    read_text,
)
from qcasync.simulator.projects import Project
from qcasync.simulator.wire import JsonObject, Reply, back_end_date, success

# More can be asked for by name than the four that the documentation calls usable.
_STATUSES = frozenset(
    {
        "DeployError",
        "InQueue",
        "Running",
        "Stopped",
        "Liquidated",
        "Deleted",
        "Completed",
        "RuntimeError",
        "Invalid",
        "LoggingIn",
        "Initializing",
        "History",
        "PendingInput",
        "Idle",
    }
)


def list_deployments(call: Call, /) -> Reply:
    """Answer the deployments, filtered by `projectId`, `status` and launch between `start` and `end`. No paging."""
    entries = [_entry(call, project, deployment) for project, deployment in _wanted(call)]
    return success({call.conditions.list_key: entries})


def _wanted(call: Call) -> Iterator[tuple[Project, Deployment]]:
    payload = call.payload
    status = read_text(payload, "status")
    if status is not None and status not in _STATUSES:
        raise UnreadableError("Invalid argument")
    start, end = read_instant(payload, "start"), read_instant(payload, "end")
    projects = call.world.projects_of(call.user_id) if read_int(payload, "projectId") is None else [call.project()]
    for project in projects:
        for deployment in reversed(project.deployments):
            launched_at = deployment.launched_at
            too_early = start is not None and launched_at < start
            too_late = end is not None and launched_at > end
            if not too_early and not too_late and status in {None, deployment.status(call.now)}:
                yield project, deployment


def _entry(call: Call, project: Project, deployment: Deployment) -> JsonObject:
    ended = not deployment.is_active(call.now)
    return {
        "projectId": project.id,
        "deployId": deployment.deploy_id,
        "status": deployment.status(call.now),
        "launched": back_end_date(deployment.launched_at),
        "stopped": back_end_date(deployment.stopped_at) if ended and deployment.stopped_at is not None else None,
        "brokerage": deployment.brokerage,
        "subscription": f"Strategy Equity,{deployment.deploy_id}",
        "equity": 100_000.0 + deployment.snapshot.size,
        "environment": "live-paper",
        "description": "",
        "error": "",
        "leagues": [],
    }
