"""live/chart/read: a chart over a stretch of time, at a resolution of the caller's choice."""

from qcasync.simulator.endpoints.call import Call
from qcasync.simulator.payloads import UnreadableError, read_int, read_text
from qcasync.simulator.series import CHART_NAMES, make_chart
from qcasync.simulator.wire import Reply, loading, success

_MOST_POINTS = 10_000


def read_chart(call: Call, /) -> Reply:
    """Answer a chart. `count` is a resolution: the window is cut into about so many samples.

    A window that begins and ends at 0 is answered with a single point, and not refused.
    """
    project, payload, conditions = call.project(), call.payload, call.conditions
    name = read_text(payload, "name")
    count, start, end = (read_int(payload, key) for key in ("count", "start", "end"))
    if name not in CHART_NAMES or count is None or start is None or end is None or count < 1 or end < start:
        raise UnreadableError("Invalid argument")
    progress = project.loading(f"chart {name}").progress(
        call.now, answers=conditions.loading, seconds=conditions.loading_seconds
    )
    if progress is not None:
        return loading(progress)
    times = range(0)
    if project.deployments:
        # The series spans all deployments, and ends now.
        first, last = int(project.deployments[0].launched_at), int(call.now)
        low, high = max(start, first), min(end, last)
        if start == end == 0:
            times = range(first, first + 1)
        elif low <= high:
            times = range(low, high + 1, max((end - start) // min(count, _MOST_POINTS), 1))
    return success({"chart": make_chart(f"{call.world.seed}/{project.id}", name, times)})
