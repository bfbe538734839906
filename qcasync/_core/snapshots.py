"""What became different between two snapshots: holdings and cash, statistics, charts.

A snapshot shows everything, so what it lacks is gone; but one that shows nothing at all, where there was something or
where it is the first, is believed the second time only. The first snapshot of all is a baseline, unless everything is
to be told. Keys have a count, because the same may come again, and what is new, so that a checkpoint that begins to
count anew does not give to one change the key of another.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, TypeVar

import msgspec

from qcasync._core.digests import digest_of, plain
from qcasync.models.changes import CashChanged, Change, ChartExtended, HoldingChanged, StatisticsChanged
from qcasync.models.charts import Candlestick, Chart, ChartPoint
from qcasync.models.portfolio import Cash, Holding, Portfolio

T = TypeVar("T")

AHEAD: Final = 86_400.0
"""Seconds after an answer was written in which a point of a chart may lie. One beyond would hide all that follow."""


class PortfolioMemory(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a portfolio.

    Attributes:
        holdings: Positions by `Symbol.id`; none that is flat.
        cash: Amounts by currency; none that is zero.
        told: How many changes were told: part of their keys.
        emptied: Whether the latest snapshot showed nothing at all.
    """

    holdings: dict[str, Holding]
    cash: dict[str, Cash]
    told: int = 0
    emptied: bool = False


class StatisticsMemory(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of runtime statistics.

    Attributes:
        deploy_id: The deployment that they are about.
        texts: By display name.
        told: How many changes were told: part of their keys.
    """

    deploy_id: str
    texts: dict[str, str]
    told: int = 0


ChartMemory = dict[str, int]
"""The latest point of each series of a chart that was told, in Unix seconds."""


def follow_portfolio(
    project_id: int, memory: PortfolioMemory | None, portfolio: Portfolio, at: float, *, tells_first: bool
) -> tuple[PortfolioMemory | None, list[Change]]:
    """Compare a portfolio with what is remembered of it. Returns what to remember, if that is different, and to tell.

    Args:
        project_id: The project.
        memory: What is remembered; None if nothing is.
        portfolio: A snapshot.
        at: When the answer was written, in Unix seconds.
        tells_first: Tell the positions of the first snapshot.
    """
    before = memory or PortfolioMemory(holdings={}, cash={})
    was_empty = not before.holdings and not before.cash
    is_empty = not portfolio.holdings and not portfolio.cash
    if is_empty and not before.emptied and (memory is None or not was_empty):
        return msgspec.structs.replace(before, emptied=True), []
    is_first = memory is None or (was_empty and before.emptied)
    holdings = {name: holding for name, holding in portfolio.holdings.items() if holding.quantity}
    cash = {name: each for name, each in portfolio.cash.items() if each.amount}
    changes: list[Change] = []
    if tells_first or not is_first:
        observed_at = datetime.fromtimestamp(at, UTC)
        for name in _names(before.holdings, holdings, _same_position):
            holding = holdings.get(name)
            now = "closed" if holding is None else f"{holding.quantity}@{holding.average_price}"
            changes.append(
                HoldingChanged(
                    project_id=project_id,
                    key=f"holding:{project_id}:{before.told + len(changes) + 1}:{now}:{plain(name)}",
                    observed_at=observed_at,
                    symbol_id=name,
                    holding=holding,
                    previous=before.holdings.get(name),
                )
            )
        for name in _names(before.cash, cash, _same_amount):
            amount = cash.get(name)
            now = "none" if amount is None else f"{amount.amount}"
            changes.append(
                CashChanged(
                    project_id=project_id,
                    key=f"cash:{project_id}:{before.told + len(changes) + 1}:{now}:{plain(name)}",
                    observed_at=observed_at,
                    currency=name,
                    cash=amount,
                    previous=before.cash.get(name),
                )
            )
    if memory is not None and not changes and not before.emptied:
        return None, []
    return PortfolioMemory(holdings=holdings, cash=cash, told=before.told + len(changes)), changes


def follow_statistics(
    project_id: int,
    memory: StatisticsMemory | None,
    deploy_id: str,
    texts: Mapping[str, str],
    at: float,
    *,
    tells_first: bool,
) -> tuple[StatisticsMemory | None, list[Change]]:
    """Compare runtime statistics with what is remembered of them. Returns what to remember, and to tell.

    Args:
        project_id: The project.
        memory: What is remembered; None if nothing is.
        deploy_id: The deployment.
        texts: By display name.
        at: When the answer was written, in Unix seconds.
        tells_first: Tell the first ones.
    """
    if not texts:  # nothing is shown of what does not run
        return None, []
    known = {} if memory is None or memory.deploy_id != deploy_id else memory.texts
    told = 0 if memory is None else memory.told
    changed = {name: text for name, text in texts.items() if known.get(name) != text}
    removed = tuple(name for name in known if name not in texts)
    if memory is not None and not changed and not removed:
        return None, []
    changes: list[Change] = []
    if memory is not None or tells_first:
        mark = digest_of(msgspec.json.encode((deploy_id, changed, removed), order="sorted")).hex()
        changes.append(
            StatisticsChanged(
                project_id=project_id,
                key=f"statistics:{project_id}:{told + 1}:{mark}",
                observed_at=datetime.fromtimestamp(at, UTC),
                deploy_id=deploy_id,
                changed=changed,
                removed=removed,
            )
        )
    return StatisticsMemory(deploy_id=deploy_id, texts=dict(texts), told=told + len(changes)), changes


def follow_chart(
    project_id: int, memory: ChartMemory | None, chart: Chart, at: float, *, tells_first: bool
) -> tuple[ChartMemory | None, list[Change]]:
    """Find the points of a chart that are newer than those that are remembered. Returns what to remember, and to tell.

    Args:
        project_id: The project.
        memory: What is remembered; None if nothing is.
        chart: A stretch of the chart, up to now.
        at: When the answer was written, in Unix seconds.
        tells_first: Tell the points of the first answer.
    """
    before = {} if memory is None else memory
    after = dict(before)
    changes: list[Change] = []
    for name, series in chart.series.items():
        known = before.get(name, -1)
        fresh = sorted((each for each in series.points() if known < each.x <= at + AHEAD), key=lambda each: each.x)
        if not fresh:
            continue
        after[name] = fresh[-1].x
        if memory is not None or tells_first:
            changes.append(
                ChartExtended(
                    project_id=project_id,
                    key=f"chart:{project_id}:{plain(chart.name)!r}:{plain(name)!r}:{fresh[0].x}-{fresh[-1].x}",
                    observed_at=datetime.fromtimestamp(at, UTC),
                    chart=chart.name,
                    series=name,
                    points=tuple(point for point in fresh if isinstance(point, ChartPoint)),
                    candles=tuple(point for point in fresh if isinstance(point, Candlestick)),
                )
            )
    return (None if memory is not None and after == before else after), changes


def _names(before: Mapping[str, T], after: Mapping[str, T], same: Callable[[T, T], bool]) -> list[str]:
    """What was added, removed, or is not the same."""
    gone = [name for name in before if name not in after]
    return [name for name in after if name not in before or not same(before[name], after[name])] + gone


def _same_position(before: Holding, after: Holding) -> bool:
    return (before.quantity, before.average_price) == (after.quantity, after.average_price)


def _same_amount(before: Cash, after: Cash) -> bool:
    return before.amount == after.amount
