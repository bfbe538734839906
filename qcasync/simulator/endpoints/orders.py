"""live/orders/read: one window of the joined list of a project's orders."""

from qcasync.simulator.endpoints.call import Call
from qcasync.simulator.endpoints.windows import read_window, told_length
from qcasync.simulator.wire import Reply, loading

_BROKEN = (
    b'{"id":"first","type":"Market","symbol":17,"events":"none"}',
    b"null",
    b'["not","an","order"]',
    b'{"id":1,"quantity":{"amount":10},"status":[3],"events":[7]}',
)


def read_orders(call: Call, /) -> Reply:
    """Answer a window of orders: all deployments in launch order, ids restarting at 1 in each.

    `algorithmId` is accepted and ignored, as the real API does.
    """
    project, conditions = call.project(), call.conditions
    start, end = read_window(call, "orders")
    progress = project.loading("orders").progress(
        call.now, answers=conditions.loading, seconds=conditions.loading_seconds
    )
    if progress is not None:
        return loading(progress)
    if project.orders_asked_at is None:
        project.orders_asked_at = call.now
    if call.now - project.orders_asked_at < conditions.warming_seconds:
        return Reply(body=b'{"orders":[],"length":0,"success":true}', outcome="warming")
    snapshots = project.snapshots(stale=call.world.dice.random() < conditions.stale_rate)
    rows = project.rows(snapshots, start, end)
    for position in conditions.broken_orders:
        if start <= position < start + len(rows):
            rows[position - start] = _BROKEN[position % len(_BROKEN)]
    total = sum(snapshot.size for snapshot in snapshots)
    length = told_length(conditions, page=len(rows), total=total, number=call.number)
    tail = b"" if length is None else b',"length":%d' % length
    return Reply(body=b'{"orders":[' + b",".join(rows) + b"]" + tail + b',"success":true}')
