"""live/insights/read: one window of the joined list of a project's insights."""

from qcasync.simulator.endpoints.call import Call
from qcasync.simulator.endpoints.windows import read_window, told_length
from qcasync.simulator.records import old_insight
from qcasync.simulator.wire import JsonObject, Reply, loading, success


def read_insights(call: Call, /) -> Reply:
    """Answer a window of insights: all deployments in launch order. Old engines spelled them in kebab-case."""
    project, conditions = call.project(), call.conditions
    start, end = read_window(call, "insights")
    progress = project.loading("insights").progress(
        call.now, answers=conditions.loading, seconds=conditions.loading_seconds
    )
    if progress is not None:
        return loading(progress)
    insights: list[JsonObject] = []
    for deployment in project.deployments:
        insights += deployment.insights_at(call.now, conditions.flush_seconds)
    page = insights[start : int(min(end, len(insights)))]
    length = told_length(conditions, page=len(page), total=len(insights), number=call.number)
    if project.spelling == "pascal":
        page = [old_insight(insight) for insight in page]
    return success({"insights": page} if length is None else {"insights": page, "length": length})
