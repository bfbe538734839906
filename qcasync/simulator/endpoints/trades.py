"""live/trades/read: one window of the closed trades of a project, or of one of its deployments."""

from qcasync.simulator.endpoints.call import Call
from qcasync.simulator.endpoints.windows import read_window, told_length
from qcasync.simulator.payloads import UnreadableError, read_text
from qcasync.simulator.trades import old_trade
from qcasync.simulator.wire import JsonObject, Reply, encode, loading, success


def read_trades(call: Call, /) -> Reply:
    """Answer a window of trades: all deployments in launch order, unless one is named."""
    project, conditions = call.project(), call.conditions
    start, end = read_window(call, "trades")
    deploy_id = read_text(call.payload, "deployId")
    deployments = [each for each in project.deployments if deploy_id in {None, each.deploy_id}]
    if deploy_id is not None and not deployments:
        raise UnreadableError("No live deployment found")
    progress = project.loading("trades").progress(
        call.now, answers=conditions.loading, seconds=conditions.loading_seconds
    )
    if progress is not None:
        return loading(progress)
    if project.trades_asked_at is None:
        project.trades_asked_at = call.now
    if call.now - project.trades_asked_at < conditions.warming_seconds:
        return Reply(body=encode({"trades": [], "length": 0, "success": True}), outcome="warming")
    trades: list[JsonObject] = [trade for deployment in deployments for trade in deployment.trades()]
    page = trades[start : int(min(end, len(trades)))]
    length = told_length(conditions, page=len(page), total=len(trades), number=call.number)
    if project.spelling == "pascal":
        page = [old_trade(trade) for trade in page]
    return success({"trades": page} if length is None else {"trades": page, "length": length})
