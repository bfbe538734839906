"""A change of a live project as one line for a person: what happened, without when and where."""

import math
from datetime import UTC, datetime
from typing import Final

from rich.text import Text

import qcasync
from qcasync.cli.output import clean, name_of

_LONGEST: Final = 1000
"""Characters of a line; no terminal shows more of it."""
_LATE: Final = 60.0
"""Seconds between an event and its being seen from which on its own time is told."""
_STATISTICS: Final = 4
"""Statistics of one change that are written out; the rest is counted."""

_GOOD: Final = "green"
_ODD: Final = "yellow"
_BAD: Final = "bold red"
_DIM: Final = "dim"


def line_of(change: qcasync.Change) -> Text:
    """What happened, in one line without characters that steer a terminal."""
    text, style = _words(change)
    repeated = "again: " if change.attempt > 1 else ""
    replayed = "replayed: " if change.replayed else ""
    told = f"{repeated}{replayed}{text}"
    cut = told if len(told) <= _LONGEST else f"{told[:_LONGEST]}..."
    return Text(clean(cut), style, no_wrap=True, overflow="ellipsis")


def name_of_project(project_id: int) -> str:
    """Whose a change is, as a person reads it."""
    return "account" if project_id == qcasync.ACCOUNT else str(project_id)


def number(value: float) -> str:
    """A quantity, with no more digits than it has."""
    if not math.isfinite(value) or abs(value) >= 1e15:
        return f"{value:g}"
    return f"{value:,.8f}".rstrip("0").rstrip(".")


def price(value: float) -> str:
    """A price or an amount, with two decimals at least."""
    text = number(value)
    if not math.isfinite(value) or "e" in text:
        return text
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals:0<2}"


def one_line(text: str) -> str:
    """The beginning of a text of several lines, in one."""
    return " ".join(text[:_LONGEST].split())


def _words(change: qcasync.Change) -> tuple[str, str]:
    """What to say of a change, and in which style."""
    match change:
        case qcasync.OrderAdded():
            return f"order {change.order.id}: {_order(change.order)}", ""
        case qcasync.OrderChanged():
            return f"order {change.order.id} is now: {_order(change.order)}", ""
        case qcasync.OrderEventAdded():
            return _event(change, change.event, "")
        case qcasync.OrderEventAmended():
            return _event(change, change.event, " (told anew)")
        case qcasync.LogLineAdded():
            return f"log: {change.text.rstrip()}", _DIM
        case qcasync.InsightAdded():
            return _insight(change.insight), ""
        case qcasync.ChartExtended():
            return _chart(change), _DIM
        case qcasync.StatisticsChanged():
            return _statistics(change), _DIM
        case _:
            return _account(change)


def _account(change: qcasync.Change) -> tuple[str, str]:
    """Of what an account is worth and holds, and of whether anything can be known."""
    match change:
        case qcasync.EquityChanged():
            return f"equity {change.equity:,.2f}{_difference(change.equity, change.previous)}", _DIM
        case qcasync.HoldingChanged():
            return _holding(change), ""
        case qcasync.CashChanged():
            return _cash(change), ""
        case qcasync.ProjectFailing():
            return f"cannot be read: {one_line(change.reason)}", _BAD
        case qcasync.ProjectRecovered():
            return "can be read again", _GOOD
        case qcasync.ServiceFailing():
            return f"nothing can be read: {one_line(change.reason)}", _BAD
        case qcasync.ServiceRecovered():
            return "QuantConnect can be read again", _GOOD
        case qcasync.Gap():
            return f"gap ({change.what}): {one_line(change.detail)}", _ODD
        case _:
            return _deployment(change)


def _deployment(change: qcasync.Change) -> tuple[str, str]:
    match change:
        case qcasync.DeploymentStarted():
            brokerage = f" on {one_line(change.brokerage)}" if change.brokerage else ""
            status = f", {name_of(change.status)}" if change.status is not None else ""
            return f"deployed{brokerage}{status}{_at(change.launched, change)}", _GOOD
        case qcasync.StatusChanged():
            return f"{name_of(change.status)}{_was(change.previous)}", _GOOD
        case qcasync.DeploymentStopped():
            return f"{name_of(change.status)}{_was(change.previous)}{_at(change.stopped, change)}", _ODD
        case qcasync.DeploymentFailed():
            error = f": {one_line(change.error)}" if change.error else ""
            return f"{name_of(change.status)}{_was(change.previous)}{_at(change.stopped, change)}{error}", _BAD
        case _:  # a kind of a release to come
            return type(change).__name__, ""


def _order(order: qcasync.Order) -> str:
    prices = (
        ("limit", order.limit_price),
        ("stop", order.stop_price),
        ("trigger", order.trigger_price),
        ("trailing", order.trailing_amount),
    )
    kind = name_of(order.type)
    told = [f"{name} {price(value)}" for name, value in prices if value is not None]
    if order.limit_price is None or kind != "limit":  # "limit, limit 501.20" would say it twice
        told.insert(0, kind)
    side, ticker = name_of(order.direction), one_line(order.symbol.value)  # an option's is padded by blanks
    words = f"{side} {number(abs(order.quantity))} {ticker}, {', '.join(told)}, {name_of(order.status)}"
    return f"{words}, tag {order.tag!r}" if order.tag else words


def _event(
    change: qcasync.OrderEventAdded | qcasync.OrderEventAmended, event: qcasync.OrderEvent, note: str
) -> tuple[str, str]:
    ticker = one_line(event.symbol_value or _ticker(event.symbol))
    status = name_of(event.status)
    if event.fill_quantity:
        side = "bought" if event.fill_quantity > 0 else "sold"
        quantity = number(abs(event.fill_quantity))
        partly = event.status is qcasync.OrderStatus.PARTIALLY_FILLED and event.quantity
        whole = f" of {number(abs(event.quantity))}" if partly else ""
        currency = f" {event.fill_price_currency}" if event.fill_price_currency else ""
        what = f"{side} {quantity}{whole} {ticker} at {price(event.fill_price)}{currency}"
        fee = event.order_fee
        what += f", fee {price(fee.value.amount)} {fee.value.currency}" if fee is not None else ""
    else:
        what = f"{name_of(event.direction)} {number(abs(event.quantity))} {ticker}"
    message = f", {one_line(event.message)}" if event.message else ""
    moment = _at(event.time, change)
    return f"order {change.order_id} {status}{note}: {what}{message}{moment}", _EVENT_STYLES.get(event.status, "")


_EVENT_STYLES: Final = {
    qcasync.OrderStatus.FILLED: "bold",
    qcasync.OrderStatus.PARTIALLY_FILLED: "bold",
    qcasync.OrderStatus.CANCELED: _ODD,
    qcasync.OrderStatus.INVALID: _BAD,
}


def _statistics(change: qcasync.StatisticsChanged) -> str:
    told = [f"{name} {value}" for name, value in change.changed.items()]
    told += [f"no {name}" for name in change.removed]
    more = len(told) - _STATISTICS
    return "statistics: " + "; ".join(told[:_STATISTICS]) + (f"; and {more} more" if more > 0 else "")


def _holding(change: qcasync.HoldingChanged) -> str:
    now, before, ticker = change.holding, change.previous, _ticker(change.symbol_id)
    was = "" if before is None else f", was {number(before.quantity)}"
    if now is None:
        return f"holds no {ticker}{was}"
    return f"holds {number(now.quantity)} {ticker} at {price(now.average_price)} on average{was}"


def _cash(change: qcasync.CashChanged) -> str:
    before = None if change.previous is None else change.previous.amount
    if change.cash is None:
        return f"cash: no {change.currency}" + ("" if before is None else f", was {price(before)}")
    return f"cash {price(change.cash.amount)} {change.currency}{_difference(change.cash.amount, before)}"


def _insight(insight: qcasync.Insight) -> str:
    hours = number(round(insight.period / 3600, 2))
    confidence = "" if insight.confidence is None else f", confidence {insight.confidence:.0%}"
    tag = f", tag {insight.tag!r}" if insight.tag else ""
    what, ticker = name_of(insight.type), insight.ticker or _ticker(insight.symbol)
    return f"insight: {what} of {ticker} {name_of(insight.direction)} for {hours} h{confidence}{tag}"


def _chart(change: qcasync.ChartExtended) -> str:
    count = len(change.points) or len(change.candles)
    values = [point.y for point in change.points] or [candle.close for candle in change.candles]
    latest = "" if not values or values[-1] is None else f", the last at {number(values[-1])}"
    points = "point" if count == 1 else "points"
    return f"chart {change.chart} / {change.series}: {count} new {points}{latest}"


def _ticker(symbol_id: str) -> str:
    """The first part of a symbol's id; of a derivative, which the ticker alone does not tell, all of it."""
    return symbol_id if "|" in symbol_id else symbol_id.partition(" ")[0] or symbol_id


def _was(previous: qcasync.AlgorithmStatus | None) -> str:
    return "" if previous is None else f", was {name_of(previous)}"


def _difference(now: float, before: float | None) -> str:
    return "" if before is None else f" ({now - before:+,.2f})"


def _at(moment: datetime | None, change: qcasync.Change) -> str:
    """When it happened, if that was well before it was seen."""
    if moment is None or (change.observed_at - moment).total_seconds() < _LATE:
        return ""
    utc, seen = moment.astimezone(UTC), change.observed_at.astimezone(UTC)
    return f" (at {utc:%H:%M:%S})" if utc.date() == seen.date() else f" (at {utc:%Y-%m-%d %H:%M})"
