"""Many measured fills become one summary."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from qcasync.models.fill_quality import FillSummary, MeasuredFill


def summarize(fills: Sequence[MeasuredFill]) -> FillSummary:
    """Summarise measured fills; an empty summary if there are none."""
    if not fills:
        return FillSummary()
    slippages = sorted(fill.slippage_bps for fill in fills)
    seconds = sorted(fill.seconds for fill in fills if fill.seconds is not None)
    return FillSummary(
        orders=len(fills),
        quantity=math.fsum(abs(fill.quantity) for fill in fills),
        median_bps=quantile(slippages, 0.5),
        p95_bps=quantile(slippages, 0.95),
        worst_bps=slippages[-1],
        cost=_by_currency((fill.currency, fill.cost) for fill in fills),
        mid_cost=_by_currency((fill.currency, fill.mid_cost) for fill in fills),
        median_seconds=quantile(seconds, 0.5),
        p95_seconds=quantile(seconds, 0.95),
        **_means(fills),
    )


def quantile(ascending: Sequence[float], share: float) -> float | None:
    """The number below which a share of the numbers lies, between two of them in proportion; None if there are none."""
    if not ascending:
        return None
    below, rest = divmod(share * (len(ascending) - 1), 1)
    low, high = ascending[int(below)], ascending[min(int(below) + 1, len(ascending) - 1)]
    return low + (high - low) * rest


def _means(fills: Sequence[MeasuredFill]) -> dict[str, Any]:  # by the names of FillSummary
    if len({fill.currency for fill in fills}) > 1:
        return {}  # there is no sum of dollars and yen
    quantity = math.fsum(abs(fill.quantity) for fill in fills)
    value = math.fsum(abs(fill.quantity) * fill.mid for fill in fills)
    spread = math.fsum(abs(fill.quantity) * (fill.ask - fill.bid) for fill in fills)
    cost = math.fsum(fill.cost for fill in fills)
    mid_cost = math.fsum(fill.mid_cost for fill in fills)
    return {
        "mean": cost / quantity,
        "mean_bps": cost / value * 10_000,
        "mid_mean": mid_cost / quantity,
        "mid_mean_bps": mid_cost / value * 10_000,
        "spread_ratio": 2 * mid_cost / spread if spread else None,
    }


def _by_currency(amounts: Iterable[tuple[str, float]]) -> dict[str, float]:
    sums: defaultdict[str, list[float]] = defaultdict(list)
    for currency, amount in amounts:
        sums[currency].append(amount)
    return {currency: math.fsum(each) for currency, each in sums.items()}
