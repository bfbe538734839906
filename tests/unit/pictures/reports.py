"""Data of reports: gathered from a simulator in virtual time, and the same with hostile text wherever text may be."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import anyio
import msgspec

import qcasync
from qcasync.pictures.report_data import InsightTail, LogTail, ReportData, Unread
from qcasync.pictures.report_gathering import gather
from qcasync.simulator import Conditions
from tests.conftest import JumpingLoop
from tests.support import EPOCH, world

HOSTILE = (
    "\"'><img src=x onerror=alert(1)></pre></style></script><script>alert(2)</script>"
    "<a href='javascript:alert(3)' onmouseover=alert(4)>x</a>{{ 7 * 191 }}{% raw %}<!--]]>\x1b[2J\u202e$&#60;"
)
"""Ends elements and attributes, begins others, and steers terminals and templates."""


def gathered(conditions: Conditions | None = None, deployments: Sequence[int] = (40, 120, 90)) -> ReportData:
    """What is read of a project."""

    async def read() -> ReportData:
        async with world(conditions) as here:
            project = here.simulator.add_project(deployments, name="Momentum")
            now = datetime.fromtimestamp(EPOCH, UTC)
            return await gather(here.client, project.id, now=now)

    return anyio.run(read, backend_options={"loop_factory": JumpingLoop})


def unread(data: ReportData, reason: str) -> ReportData:
    """The same, but nothing could be read that a report can do without."""
    return replace(data, **dict.fromkeys(data.parts, Unread(reason)))  # type: ignore[arg-type]


def hostile(data: ReportData) -> ReportData:
    """The same with hostile text wherever the server writes text."""
    statistics = qcasync.Statistics({HOSTILE: HOSTILE, "Equity": HOSTILE, "Return": HOSTILE})
    live = msgspec.structs.replace(
        data.live,
        project_name=HOSTILE,
        deploy_id=HOSTILE,
        message=HOSTILE,
        brokerage=HOSTILE,
        security_types=HOSTILE,
        datacenter=HOSTILE,
        status=qcasync.AlgorithmStatus(HOSTILE),
        runtime_statistics=statistics,
        server_statistics=statistics,
    )
    assert isinstance(data.portfolio, qcasync.Portfolio)
    holdings = {f"{HOSTILE} {key}": _holding(each) for key, each in data.portfolio.holdings.items()}
    cash = {
        f"{HOSTILE} {key}": msgspec.structs.replace(each, symbol=HOSTILE, currency_symbol=HOSTILE)
        for key, each in data.portfolio.cash.items()
    }
    assert isinstance(data.insights, InsightTail)
    insights = [
        msgspec.structs.replace(each, symbol=HOSTILE, ticker=HOSTILE, source_model=HOSTILE, tag=HOSTILE)
        for each in data.insights.insights
    ]
    return replace(
        data,
        live=live,
        listing=replace(data.listing, orders=tuple(map(_order, data.listing))),
        portfolio=qcasync.Portfolio(holdings=holdings, cash=cash),
        equity=_chart(data.equity),
        drawdown=Unread(HOSTILE),
        exposure=_chart(data.exposure),
        log=LogTail(lines=[HOSTILE, f"two\n{HOSTILE}"], total=2),
        insights=InsightTail(insights=insights, total=None),
    )


def _holding(holding: qcasync.Holding) -> qcasync.Holding:
    return msgspec.structs.replace(holding, currency_symbol=HOSTILE)


def _order(order: qcasync.Order) -> qcasync.Order:
    symbol = qcasync.Symbol(value=f"{HOSTILE}{order.symbol.value}", id=f"{HOSTILE} {order.symbol.id}")
    return msgspec.structs.replace(
        order,
        symbol=symbol,
        tag=HOSTILE,
        price_currency=HOSTILE,
        type=qcasync.OrderType(HOSTILE) if order.id % 2 else order.type,
        status=qcasync.OrderStatus(HOSTILE) if order.id % 5 == 0 else order.status,
        direction=qcasync.OrderDirection(HOSTILE) if order.id % 7 == 0 else order.direction,
    )


def _chart(chart: Any) -> qcasync.Chart:
    series = {
        f"{at}{HOSTILE}": msgspec.structs.replace(each, name=HOSTILE, unit=HOSTILE, index_name=HOSTILE, color=HOSTILE)
        for at, each in enumerate(chart.series.values())
    }
    return qcasync.Chart(name=HOSTILE, series=series)
