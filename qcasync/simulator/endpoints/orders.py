"""live/orders/read: one window of the joined list of a project's orders."""

import math

from qcasync.simulator.conditions import Conditions
from qcasync.simulator.endpoints.call import Call
from qcasync.simulator.payloads import UnreadableError, read_int
from qcasync.simulator.wire import Reply, loading

_END_WITHOUT_START = 100
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
    start, end = _window(call)
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
    length = _length(conditions, page=len(rows), total=total, number=call.number)
    tail = b"" if length is None else b',"length":%d' % length
    return Reply(body=b'{"orders":[' + b",".join(rows) + b"]" + tail + b',"success":true}')


def _window(call: Call) -> tuple[int, float]:
    # The half-open range to serve, after what the conditions make of the one asked for.
    conditions = call.conditions
    start, end = read_int(call.payload, "start"), read_int(call.payload, "end")
    if start is None and end is not None and end <= _END_WITHOUT_START:
        start = 0
    if start is None or end is None or start < 0 or end <= start:
        raise UnreadableError("Invalid argument")
    if conditions.max_window is not None and end - start > conditions.max_window:
        raise UnreadableError(f"Orders can be read in pages up to {conditions.max_window} orders")
    width = end - start + conditions.inclusive_end
    if conditions.ignore_start:
        start = 0
    return start, start + min(width, math.inf if conditions.clamp is None else conditions.clamp)


def _length(conditions: Conditions, *, page: int, total: int, number: int) -> int | None:
    match conditions.length_means:
        case "total":
            return total
        case "page":
            return page
        case "zero":
            return 0
        case "negative":
            return -1
        case "growing":
            return total + number
        case "absent":
            return None
