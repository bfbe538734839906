"""Windows of a list: what may be asked for, and what the conditions make of it."""

import math

from qcasync.simulator.conditions import Conditions
from qcasync.simulator.endpoints.call import Call
from qcasync.simulator.payloads import UnreadableError, read_int

_END_WITHOUT_START = 100


def read_window(call: Call, what: str) -> tuple[int, float]:
    """The half-open range to serve, after what the conditions make of the one asked for.

    Args:
        call: With `start` and `end`; `start` may be left out of a small window.
        what: What the list holds, for the failure's text.

    Raises:
        UnreadableError: It is none, or too wide.
    """
    conditions = call.conditions
    start, end = read_int(call.payload, "start"), read_int(call.payload, "end")
    if start is None and end is not None and end <= _END_WITHOUT_START:
        start = 0
    if start is None or end is None or start < 0 or end <= start:
        raise UnreadableError("Invalid argument")
    if conditions.max_window is not None and end - start > conditions.max_window:
        most = conditions.max_window
        raise UnreadableError(f"{what.capitalize()} can be read in pages up to {most} {what}")
    width = end - start + conditions.inclusive_end
    if conditions.ignore_start:
        start = 0
    return start, start + min(width, math.inf if conditions.clamp is None else conditions.clamp)


def told_length(conditions: Conditions, *, page: int, total: int, number: int) -> int | None:
    """What `length` says; None if it is left out.

    Args:
        conditions: Decide what it means.
        page: How many entries the answer has.
        total: How many the list has.
        number: The request's number in the ledger.
    """
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
