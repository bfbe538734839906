"""live/create, live/update/… and live/commands/…: the calls with effect."""

from qcasync.simulator.deployments import Ending
from qcasync.simulator.endpoints.call import Call
from qcasync.simulator.endpoints.live import flat_answer
from qcasync.simulator.payloads import UnreadableError, read_int, read_text
from qcasync.simulator.wire import JsonObject, Reply, as_object, success

_NEWEST_VERSION = 17202
_PAPER = {"QuantConnectBrokerage": "PaperBrokerage"}


def create(call: Call, /) -> Reply:
    """Deploy a project. It is `Initializing` for a few seconds, and the answer comes before it runs."""
    version, brokerage = _check_creation(call)
    project = call.project()
    if project.active(call.now) is not None:
        raise UnreadableError("This project is already deployed live")
    deployment = call.world.deploy(
        project,
        call.now,
        brokerage=_PAPER.get(brokerage, brokerage),
        initializing=call.conditions.initializing_seconds,
    )
    call.world.record_effect(call.number, call.now, "create", project, deployment)
    live = flat_answer(call.world.seed, project, deployment, call.now)
    return success(
        {
            "projectId": project.id,
            "deployId": deployment.deploy_id,
            "versionId": version,
            "source": "api-v2",
            "responseCode": "0",
            "live": {key: value for key, value in live.items() if key != "projectName"},
        }
    )


def stop(call: Call, /) -> Reply:
    """Stop the project's running deployment."""
    return _end(call, "stop", "Stopped")


def liquidate(call: Call, /) -> Reply:
    """Close every position of the project's running deployment, and stop it."""
    return _end(call, "liquidate", "Liquidated")


def command(call: Call, /) -> Reply:
    """Tell the project's running algorithm something. That it succeeds says nothing about what the algorithm does."""
    project, told = call.project(), _told(call)
    deployment = project.active(call.now)
    if deployment is None:
        raise UnreadableError("No live deployment found")
    if not call.conditions.ignore_commands:
        call.world.deliver(call.number, call.now, project, deployment, told, broadcast=False)
    return success()


def broadcast(call: Call, /) -> Reply:
    """Tell all running algorithms something, but the one that is excluded. An account is one organization here."""
    told, excluded = _told(call), read_int(call.payload, "excludeProjectId")
    if read_text(call.payload, "organizationId") is None:
        raise UnreadableError("Invalid argument")
    if call.conditions.ignore_commands:
        return success()
    for project in call.world.projects_of(call.user_id):
        deployment = project.active(call.now)
        if deployment is not None and project.id != excluded:
            call.world.deliver(call.number, call.now, project, deployment, told, broadcast=True)
    return success()


def _told(call: Call) -> JsonObject:
    told = as_object(call.payload.get("command"))
    if told is None:
        raise UnreadableError("Invalid argument")
    return told


def _end(call: Call, kind: str, ending: Ending) -> Reply:
    project = call.project()
    deployment = project.active(call.now)
    if deployment is None:
        raise UnreadableError("No live deployment found")
    # A second order to stop, while the first is being carried out, changes nothing.
    if not call.conditions.ignore_commands and deployment.stopped_at is None:
        call.world.end(deployment, call.now, ending)
        call.world.record_effect(call.number, call.now, kind, project, deployment)
    return success()


def _check_creation(call: Call) -> tuple[int, str]:
    # The version as the answer has it (a number, though the request must have text), and the brokerage's id.
    payload = call.payload
    version = read_text(payload, "versionId")
    if None in {version, read_text(payload, "compileId"), read_text(payload, "nodeId")}:
        raise UnreadableError("Invalid argument")
    brokerage = as_object(payload.get("brokerage"))
    if brokerage is None:
        raise UnreadableError("Brokerage data must be an array")
    name = brokerage.get("id")
    if not isinstance(name, str) or not name:
        raise UnreadableError("Invalid argument")
    return int(version) if version is not None and version.isdecimal() else _NEWEST_VERSION, name
