"""What is read whole, in a request or two: charts and what the account holds."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from qcasync.client import Client
from qcasync.errors import APIError, ConfigurationError
from qcasync.exporting.wishes import EQUITY, Wishes
from qcasync.models import tables

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLES: Final = 10_000
"""About how many points of a chart are asked for: QuantConnect spreads them over the stretch."""
_LONGEST: Final = timedelta(days=365)
"""How far a chart reaches back if nothing tells when its project was launched."""


@dataclass(frozen=True)
class Snapshot:
    """A table that was read whole.

    Attributes:
        kind: The name of its kind of table.
        rows: The table.
        asked_at: Unix time after which it was read.
        observed_at: Unix time before which it was read.
    """

    kind: str
    rows: "pa.Table"
    asked_at: float
    observed_at: float


def server_time(client: Client, at: float | None = None) -> float:
    """The server's time in Unix seconds, as far as it is known: now, or when this machine's clock showed `at`."""
    return (time.time() if at is None else at) + (client.clock_offset or 0.0)


async def read_snapshots(client: Client, project_id: int, wishes: Wishes) -> Mapping[str, Snapshot]:
    """Read the charts and the portfolio that are wanted, by the name of the file without its ending.

    Raises:
        ConfigurationError: There is no such chart; lists those that there are.
    """
    snapshots: dict[str, Snapshot] = {}
    charts = {**({EQUITY: "equity"} if "equity" in wishes.tables else {}), **wishes.charts}
    if charts:
        start = await _first_moment(client, project_id, wishes.since)
        for name, stem in charts.items():
            snapshots[stem] = await _chart(client, project_id, name, start)
    wanted = [kind for kind in (tables.HOLDINGS, tables.CASH) if kind.name in wishes.tables]
    if wanted:
        began = time.time()
        portfolio = await client.live.read_portfolio(project_id)
        asked_at, observed_at = server_time(client, began), server_time(client)
        for kind in wanted:
            snapshots[kind.name] = Snapshot(kind.name, kind.table([portfolio]), asked_at, observed_at)
    return snapshots


async def _chart(client: Client, project_id: int, name: str, start: datetime) -> Snapshot:
    began = time.time()
    end = datetime.fromtimestamp(server_time(client), UTC)
    start = min(start, end - timedelta(seconds=1))
    try:
        chart = await client.live.read_chart(project_id, name, start=start, end=end, count=SAMPLES)
    except APIError as error:
        known = await client.live.chart_names(project_id)
        if not known or name in known:
            raise
        raise ConfigurationError(
            f"Project {project_id} has no chart {name!r}.", f"It has {', '.join(map(repr, known))}."
        ) from error
    rows = tables.SERIES.table([chart])
    return Snapshot(tables.SERIES.name, rows, server_time(client, began), server_time(client))


async def _first_moment(client: Client, project_id: int, since: datetime | None) -> datetime:
    """Where a chart begins. Points of a time before the first launch would be lost to those after it."""
    deployments = await client.live.list()
    launches = [each.launched for each in deployments if each.project_id == project_id and each.launched is not None]
    if launches:
        return max(min(launches), since or min(launches))
    return since or datetime.fromtimestamp(server_time(client), UTC) - _LONGEST
