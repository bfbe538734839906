"""live/logs/read: one window of the joined log of a project's deployments."""

from qcasync.simulator.endpoints.call import Call
from qcasync.simulator.payloads import UnreadableError, read_int, read_text
from qcasync.simulator.wire import Reply, loading, success

_MOST_LINES = 250


def read_logs(call: Call, /) -> Reply:
    """Answer a window of lines, numbered over all deployments in launch order, whichever of them is named.

    With a `query`, only lines that contain it, in any case, are numbered and answered.
    """
    project, conditions = call.project(), call.conditions
    start, end = _window(call)
    names = [deployment.deploy_id for deployment in project.deployments]
    deploy_id = read_text(call.payload, "algorithmId")
    if deploy_id is None:
        raise UnreadableError("Invalid argument")
    if deploy_id not in names:
        raise UnreadableError("No live deployment found")
    query = read_text(call.payload, "query")
    progress = project.loading("logs").progress(
        call.now, answers=conditions.loading, seconds=conditions.loading_seconds
    )
    if progress is not None:
        return loading(progress)
    logs = [deployment.logs_at(call.now, conditions.log_flush_seconds) for deployment in project.deployments]
    if query is not None:
        logs = [[line for line in log if query.lower() in line.lower()] for log in logs]
    lines = [line for log in logs for line in log]
    offset = sum(map(len, logs[: names.index(deploy_id)]))
    return success({"logs": lines[start:end], "length": len(lines), "deploymentOffset": offset})


def _window(call: Call) -> tuple[int, int]:
    start, end = read_int(call.payload, "startLine"), read_int(call.payload, "endLine")
    if start is None or end is None or start < 0 or end <= start or call.payload.get("format", "json") != "json":
        raise UnreadableError("Invalid argument")
    if end - start > _MOST_LINES:
        raise UnreadableError(f"Log lines can be read in pages up to {_MOST_LINES} lines")
    return start, end
