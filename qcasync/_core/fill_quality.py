"""Slippage: what orders were filled at, beside the quotes at their submission. The rules stand in docs/reports.md.

What cannot be measured is counted and never guessed.
"""

import enum
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from qcasync._core.fill_summaries import summarize
from qcasync._core.fills import identity
from qcasync.models.enums import OrderStatus, OrderType
from qcasync.models.fill_quality import FillQuality, FillSummary, MeasuredFill
from qcasync.models.order_events import each_once
from qcasync.models.orders import Order

RESTING_AFTER: Final = 60.0
"""Seconds after which a quote says little about a fill."""

_SMALLEST: Final = 1e-12
_LARGEST: Final = 1e15
"""Beyond them a number is no price and no quantity: Lean has decimals of 7.9e28 that stand for "none"."""


class _Unmeasured(enum.Enum):
    UNFILLED = enum.auto()
    UNQUOTED = enum.auto()
    EXERCISED = enum.auto()
    UNUSABLE = enum.auto()


def fill_quality(orders: Iterable[Order[Any]], *, resting_after: float = RESTING_AFTER) -> FillQuality:
    """Measure how well orders were filled, against the bid and ask at their submission. Pure: no request.

    Each order counts once, as it was told last, with all its fills together. A purchase slips by its price above the
    ask, a sale by its price below the bid; what is better than the quote is negative. An order that was filled long
    after its submission met another market than the quote shows, so such orders are summarised apart. docs/reports.md
    has the rules.

    Args:
        orders: A listing, or any orders of one project.
        resting_after: Seconds to the last fill above which an order counts as resting.

    Returns:
        Summaries, single measurements, fees, and counts of what could not be measured.
    """
    found: list[MeasuredFill] = []
    counts: Counter[_Unmeasured] = Counter()
    fees: defaultdict[str, float] = defaultdict(float)
    for order in {identity(order): order for order in orders}.values():
        _add_fees(order, fees)
        measured = _measure(order, resting_after)
        if isinstance(measured, MeasuredFill):
            found.append(measured)
        else:
            counts[measured] += 1
    prompt = [fill for fill in found if not fill.rested]
    return FillQuality(
        filled=len(found) + counts.total() - counts[_Unmeasured.UNFILLED],
        unquoted=counts[_Unmeasured.UNQUOTED],
        exercised=counts[_Unmeasured.EXERCISED],
        unusable=counts[_Unmeasured.UNUSABLE],
        fills=tuple(found),
        prompt=summarize(prompt),
        resting=summarize([fill for fill in found if fill.rested]),
        by_currency=_grouped(prompt, lambda fill: fill.currency),
        by_symbol=_grouped(prompt, lambda fill: fill.symbol),
        by_type=_grouped(prompt, lambda fill: type_name(fill.type)),
        fees=dict(fees),
        resting_after=resting_after,
    )


def type_name(kind: OrderType) -> str:
    """A type of order as text: its name, or the server's value where nobody has named it yet."""
    return kind.name if kind.is_known else str(kind.value)


def _measure(order: Order[Any], resting_after: float) -> MeasuredFill | _Unmeasured:
    fills = [
        (float(event.fill_quantity), float(event.fill_price))
        for event in each_once(order.events)
        if event.fill_quantity
    ]
    if not fills and order.status is OrderStatus.FILLED:
        fills = [(float(order.quantity), float(order.price))]  # old answers have orders without events
    if not fills:
        return _Unmeasured.UNFILLED
    if order.type is OrderType.OPTION_EXERCISE or any(event.is_assignment for event in order.events):
        return _Unmeasured.EXERCISED
    quantity = sum(filled for filled, _ in fills)
    if not all(map(_usable, (abs(quantity), *(number for fill in fills for number in (abs(fill[0]), fill[1]))))):
        return _Unmeasured.UNUSABLE
    if any((filled > 0) is not (quantity > 0) for filled, _ in fills):
        return _Unmeasured.UNUSABLE  # bought and sold by one order
    quote = order.order_submission_data
    if quote is None:
        return _Unmeasured.UNQUOTED
    bid, ask = float(quote.bid_price), float(quote.ask_price)
    if not (_usable(bid) and _usable(ask) and bid <= ask):
        return _Unmeasured.UNQUOTED
    price = sum(filled * each for filled, each in fills) / quantity
    mid = (bid + ask) / 2
    slippage, mid_slippage = (price - ask, price - mid) if quantity > 0 else (bid - price, mid - price)
    seconds = _seconds(order)
    return MeasuredFill(
        deploy_id=order.deploy_id,
        order_id=order.id,
        symbol=order.symbol.value,
        symbol_id=order.symbol.id,
        type=order.type,
        currency=order.price_currency or next((each.fill_price_currency or "" for each in order.events), ""),
        quantity=quantity,
        price=price,
        bid=bid,
        ask=ask,
        slippage=slippage,
        slippage_bps=slippage / mid * 10_000,
        mid_slippage=mid_slippage,
        mid_slippage_bps=mid_slippage / mid * 10_000,
        seconds=seconds,
        rested=seconds is None or seconds > resting_after,
    )


def _usable(number: float) -> bool:
    return _SMALLEST <= number <= _LARGEST


def _seconds(order: Order[Any]) -> float | None:
    filled_at = max((event.time_at for event in order.events if event.fill_quantity), default=None)
    if filled_at is None and order.last_fill_time is not None:
        filled_at = order.last_fill_time.timestamp()
    if filled_at is None:
        return None
    return max(filled_at - order.time.timestamp(), 0.0)  # the two are rounded differently


def _add_fees(order: Order[Any], fees: defaultdict[str, float]) -> None:
    for event in each_once(order.events):
        amount = float(event.order_fee_amount)
        if amount and math.isfinite(amount) and abs(amount) <= _LARGEST:
            fees[event.order_fee_currency or ""] += amount


def _grouped(fills: Sequence[MeasuredFill], key: Callable[[MeasuredFill], str]) -> Mapping[str, FillSummary]:
    groups: defaultdict[str, list[MeasuredFill]] = defaultdict(list)
    for fill in fills:
        groups[key(fill)].append(fill)
    return {name: summarize(group) for name, group in sorted(groups.items(), key=lambda item: -len(item[1]))}
