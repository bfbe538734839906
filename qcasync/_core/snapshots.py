"""What became different between two snapshots: holdings and cash, statistics, charts.

A snapshot shows everything, so what it lacks is gone; but one that shows nothing at all, where there was something, is
believed the second time only. The first snapshot of all is a baseline, unless everything is to be told.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, TypeVar

import msgspec

from qcasync.models.changes import CashChanged, Change, ChartExtended, HoldingChanged, StatisticsChanged
from qcasync.models.charts import Candlestick, Chart, ChartPoint
from qcasync.models.portfolio import Cash, Holding, Portfolio

T = TypeVar("T")

FIRST: Final = 1


class PortfolioMemory(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a portfolio.

    Attributes:
        holdings: Positions by `Symbol.id`.
        cash: Amounts by currency.
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
    empty = not portfolio.holdings and not portfolio.cash
    if empty and (before.holdings or before.cash) and not before.emptied:
        return msgspec.structs.replace(before, emptied=True), []
    holdings = dict(portfolio.holdings)
    changes: list[Change] = []
    if memory is not None or tells_first:
        observed_at = datetime.fromtimestamp(at, UTC)
        for name in _names(before.holdings, holdings, _same_position):
            changes.append(
                HoldingChanged(
                    project_id=project_id,
                    key=f"holding:{project_id}:{before.told + len(changes) + FIRST}:{name}",
                    observed_at=observed_at,
                    symbol_id=name,
                    holding=holdings.get(name),
                    previous=before.holdings.get(name),
                )
            )
        cash = dict(portfolio.cash)
        for name in _names(before.cash, cash, _same_amount):
            changes.append(
                CashChanged(
                    project_id=project_id,
                    key=f"cash:{project_id}:{before.told + len(changes) + FIRST}:{name}",
                    observed_at=observed_at,
                    currency=name,
                    cash=cash.get(name),
                    previous=before.cash.get(name),
                )
            )
    if memory is not None and not changes and not before.emptied:
        return None, []
    after = PortfolioMemory(holdings=holdings, cash=dict(portfolio.cash), told=before.told + len(changes))
    return after, changes


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
        changes.append(
            StatisticsChanged(
                project_id=project_id,
                key=f"statistics:{project_id}:{told + FIRST}",
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
        fresh = [point for point in series.points() if point.x > before.get(name, -1)]
        if not fresh:
            continue
        after[name] = fresh[-1].x
        if memory is not None or tells_first:
            changes.append(
                ChartExtended(
                    project_id=project_id,
                    key=f"chart:{project_id}:{chart.name}:{name}:{fresh[-1].x}",
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
