"""What algorithms recorded beside orders: log lines, insights, points of charts."""

from qcasync.models.changes.base import Change
from qcasync.models.charts import Candlestick, ChartPoint
from qcasync.models.insights import Insight


class LogLineAdded(Change, frozen=True, kw_only=True):
    """The algorithm wrote a line into its log.

    Attributes:
        deploy_id: The deployment.
        line: Its number over all deployments, from 0.
        text: The line.
    """

    deploy_id: str
    line: int
    text: str


class InsightAdded(Change, frozen=True, kw_only=True):
    """The algorithm made a prediction.

    Attributes:
        index: Its place in the project's list.
        insight: The prediction.
    """

    index: int
    insight: Insight


class ChartExtended(Change, frozen=True, kw_only=True):
    """A series of a chart has new points.

    Attributes:
        chart: The chart's name.
        series: The series' name.
        points: The new points, oldest first; empty if they are candles.
        candles: The new candles, oldest first.
    """

    chart: str
    series: str
    points: tuple[ChartPoint, ...] = ()
    candles: tuple[Candlestick, ...] = ()
