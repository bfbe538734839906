"""The rows of a window: which of them count, and what tells one from another."""

from collections.abc import Hashable, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec

from qcasync.models.insights import Insight, InsightPage
from qcasync.models.logs import LogLine, LogPage
from qcasync.models.orders import Order, OrderPage
from qcasync.models.quarantine import Quarantined
from qcasync.models.trades import Trade, TradePage

Page = OrderPage[Any] | InsightPage | TradePage | LogPage  # orders with floats, or with decimals
Row = Order[Any] | Insight | Trade | LogLine | Quarantined
PageT = TypeVar("PageT", bound=Page)

_ROWS: Final[dict[type[Any], str]] = {
    OrderPage: "orders",
    InsightPage: "insights",
    TradePage: "trades",
    LogPage: "lines",
}
"""The field of a page that holds its rows."""


def cut(page: PageT, start: int, count: int) -> PageT:
    """The first `count` entries of a page, at their place in the list."""
    changes: dict[str, Any] = {"start": start}
    if not isinstance(page, LogPage):
        changes["quarantined"] = tuple(entry for entry in page.quarantined if entry.index < count)
        count -= len(changes["quarantined"])
    rows = _ROWS[type(page)]
    changes[rows] = getattr(page, rows)[:count]
    return msgspec.structs.replace(page, **changes)


def identity(rows: Sequence[Row], index: int) -> Hashable:
    """What makes a row itself, whatever happens to it; its bytes, if it cannot be decoded. None if there is none.

    An id alone is not enough: old data may lack it, or have the same zeros in all rows.
    """
    if index >= len(rows):
        return None
    match rows[index]:
        case Order() as order:
            return (order.id, order.time, order.symbol.id)
        case Insight() as insight:
            return (insight.id, insight.generated_time_at, insight.symbol)
        case Trade() as trade:
            return (trade.id, trade.entry_time, trade.exit_time, trade.quantity, trade.order_ids)
        case Quarantined() as entry:
            return hash(entry.raw)
        case _:
            return None


def identity_of_lines(lines: Sequence[LogLine]) -> Hashable:
    """What makes a page of log lines itself. None if another page may begin with the same lines.

    Lines are no keys: an algorithm may log one text over and over. But they stand in the order of their dates, so
    that no two pages begin alike up to a line of another second, however long they are.
    """
    first: datetime | None = None
    for count, line in enumerate(lines, 1):
        time = line.time
        if first is None:
            first = time
        elif time not in {None, first}:
            return hash(tuple(line.text for line in lines[:count]))
    return None
