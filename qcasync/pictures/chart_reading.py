"""What charts and reports read alike."""

from datetime import UTC, datetime, timedelta
from typing import Final

from qcasync.client import Client
from qcasync.models.charts import Chart

EQUITY: Final = "Strategy Equity"
DRAWDOWN: Final = "Drawdown"
SAMPLES: Final = 1_000
"""As many as QuantConnect's own pages ask for; it tells about so many, however long the stretch."""
SHORTEST: Final = timedelta(hours=1)
"""A stretch that is long enough for a server that knows minutes."""


async def read_sharply(
    qc: Client,
    project_id: int,
    name: str,
    *,
    start: datetime,
    end: datetime,
    count: int = SAMPLES,
    timeout: float | None = None,
) -> Chart:
    """Read a chart, and again from where its points begin.

    The server divides the whole stretch by `count`, the part without points, too: three points of a week remain if the
    stretch begins years before.

    Cost: one request; one more each time that less than half of the stretch has points.
    """
    begin = start
    while True:
        chart = await qc.live.read_chart(project_id, name, start=begin, end=end, count=count, timeout=timeout)
        first = _first(chart)
        nearer = begin if first is None else min(first - (end - begin) / count, end - SHORTEST)
        if (end - nearer) * 2 > end - begin:
            return chart
        begin = nearer


def _first(chart: Chart) -> datetime | None:
    """When the first point of a chart is; None if it has none."""
    at = min((min(series.time) for series in chart.series.values() if len(series.time)), default=None)
    return None if at is None else datetime.fromtimestamp(at, UTC)
