"""Buys and sells on the line of the equity."""

import bisect
import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Final, NamedTuple

from qcasync.models.enums import OrderDirection, OrderStatus
from qcasync.models.order_events import each_once
from qcasync.models.orders import Order
from qcasync.pictures._numbers import amount
from qcasync.pictures._palette import BUY, PAPER, SELL
from qcasync.pictures._points import Points
from qcasync.pictures._text import label
from qcasync.pictures._traces import Trace

_MARKS: Final = 1_000
"""More marks than that are joined with their neighbours, on each side."""
_LISTED: Final = 6
"""Fills that a mark lists; the rest is counted."""


class Fill(NamedTuple):
    """A part of an order that was filled.

    Attributes:
        at: When, in Unix seconds.
        symbol: The security's ticker.
        quantity: How much; negative for a sale.
        price: Of one.
        currency: Of the price; "" if unknown.
    """

    at: float
    symbol: str
    quantity: float
    price: float
    currency: str


def fills(orders: Iterable[Order]) -> list[Fill]:
    """What was bought and sold, by time. An order whose events are not known counts as one fill, of its last one."""
    found: list[Fill] = []
    for order in orders:
        told = [event for event in each_once(order.events) if event.fill_quantity]
        found += [
            Fill(
                event.time_at,
                order.symbol.value,
                math.copysign(float(event.fill_quantity), _sign(order, float(event.fill_quantity))),
                float(event.fill_price),
                event.fill_price_currency or order.price_currency or "",
            )
            for event in told
        ]
        if not order.events and order.status is OrderStatus.FILLED and order.last_fill_time is not None:
            quantity = math.copysign(float(order.quantity), _sign(order, float(order.quantity)))
            moment = order.last_fill_time.timestamp()
            found.append(Fill(moment, order.symbol.value, quantity, float(order.price), order.price_currency or ""))
    return sorted(found)


def marks(found: Sequence[Fill], line: Points) -> list[Trace]:
    """Two traces: buys, and sells. Each mark lies on the line at its time.

    Args:
        found: What was bought and sold, by time.
        line: The equity, ascending.
    """
    return [
        _side("Buys", [fill for fill in found if fill.quantity > 0], line, BUY.light, "triangle-up"),
        _side("Sells", [fill for fill in found if fill.quantity < 0], line, SELL.light, "triangle-down"),
    ]


def _side(name: str, found: Sequence[Fill], line: Points, color: str, symbol: str) -> Trace:
    known = [at for at, value in enumerate(line.values) if not math.isnan(value)]
    times, values = [line.time[at] for at in known], [line.values[at] for at in known]
    groups = _together(found)
    moments = [group[-1].at for group in groups]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [round(moment * 1000) for moment in moments],
        "y": [_height(times, values, moment) for moment in moments],
        "text": [_told(group) for group in groups],
        "marker": {"color": color, "symbol": symbol, "size": 9, "line": {"color": PAPER.light, "width": 1}},
        "hovertemplate": "%{text}<extra></extra>",
    }


def _together(found: Sequence[Fill]) -> list[list[Fill]]:
    """Fills that share a mark: those of the same second, or where there are many, of the same stretch."""
    step = 1.0
    if len({math.floor(fill.at) for fill in found}) > _MARKS:
        step = max((found[-1].at - found[0].at) / _MARKS, 1.0)
    return [list(group) for _, group in groupby(found, lambda fill: math.floor(fill.at / step))]


def _told(group: Sequence[Fill]) -> str:
    lines = [_line(fill) for fill in group[:_LISTED]]
    if len(group) > _LISTED:
        lines.append(f"and {len(group) - _LISTED:,} more")
    first, last = (datetime.fromtimestamp(group[at].at, UTC).strftime("%Y-%m-%d %H:%M:%S") for at in (0, -1))
    lines.append(f"{first} UTC" if first == last else f"{first} to {last} UTC")
    return "<br>".join(lines)


def _line(fill: Fill) -> str:
    side = "Buy" if fill.quantity > 0 else "Sell"
    return label(f"{side} {amount(abs(fill.quantity))} {fill.symbol} at {amount(fill.price, fill.currency)}", 100)


def _height(times: Sequence[int], values: Sequence[float], at: float) -> float | None:
    """The line's value at a time, straight between its points; beyond them that of the end. None if it has none."""
    if not times:
        return None
    after = bisect.bisect_right(times, at)
    if after in {0, len(times)}:
        return values[0] if after == 0 else values[-1]
    low, high = times[after - 1], times[after]
    share = (at - low) / (high - low)
    return values[after - 1] + (values[after] - values[after - 1]) * share


def _sign(order: Order, quantity: float) -> float:
    match order.direction:
        case OrderDirection.BUY:
            return 1.0
        case OrderDirection.SELL:
            return -1.0
        case _:
            return quantity
