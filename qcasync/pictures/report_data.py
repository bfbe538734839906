"""What a report is made of: everything that was read, and for each part that could not be read, why. Only data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TypeVar

from qcasync._core.fill_quality import fill_quality
from qcasync.models.charts import Chart
from qcasync.models.fill_quality import FillQuality
from qcasync.models.insights import Insight
from qcasync.models.listings import OrderListing
from qcasync.models.live import LiveAlgorithm
from qcasync.models.orders import Order
from qcasync.models.portfolio import Portfolio
from qcasync.models.statistics import Statistics

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Unread:
    """A part that is missing from a report.

    Attributes:
        reason: Why, in a sentence.
    """

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTail:
    """The last lines that a deployment has logged.

    Attributes:
        lines: Oldest first, each with its date in front.
        total: How many lines the deployment has; None if that is not told.
    """

    lines: Sequence[str]
    total: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InsightTail:
    """The last insights of a project.

    Attributes:
        insights: Oldest first.
        total: How many there are; None if that is not told.
    """

    insights: Sequence[Insight]
    total: int | None


@dataclass(frozen=True, kw_only=True)
class ReportData:
    """A live algorithm, as far as it could be read.

    Attributes:
        project_id: The project.
        live: Its status and statistics.
        listing: All its orders, of all its deployments.
        portfolio: What it holds.
        equity: The chart "Strategy Equity" of the period.
        drawdown: The chart "Drawdown" of the period.
        exposure: The chart "Exposure" of the period.
        log: The last lines of its log.
        insights: Its last insights.
        since: Where the period begins, in UTC.
        since_launch: Whether that is the launch of the latest deployment.
        read_at: When the reading began, in UTC: the end of the period.
    """

    project_id: int
    live: LiveAlgorithm
    listing: OrderListing
    portfolio: Portfolio | Unread
    equity: Chart | Unread
    drawdown: Chart | Unread
    exposure: Chart | Unread
    log: LogTail | Unread
    insights: InsightTail | Unread
    since: datetime
    since_launch: bool
    read_at: datetime

    @property
    def parts(self) -> Mapping[str, object]:
        """What a report can do without, by name."""
        names = ("portfolio", "equity", "drawdown", "exposure", "log", "insights")
        return {name: getattr(self, name) for name in names}

    @cached_property
    def orders(self) -> tuple[Order, ...]:
        """The orders of the period, in the order of the list."""
        return tuple(order for order in self.listing if order.time >= self.since)

    @cached_property
    def fill_quality(self) -> FillQuality:
        """How well the orders of the period were filled."""
        return fill_quality(self.orders)

    @cached_property
    def runtime_statistics(self) -> Statistics:
        """Text by display name, in whichever form live/read answered."""
        results = self.live.results
        return self.live.runtime_statistics or (results.runtime_statistics if results else Statistics())

    @cached_property
    def server_statistics(self) -> Statistics:
        """The same about its machine."""
        results = self.live.results
        return self.live.server_statistics or (results.server_statistics if results else Statistics())

    @cached_property
    def tickers(self) -> Mapping[str, str]:
        """Today's ticker by `Symbol.id`, as far as orders tell. Holdings are known by the first ticker."""
        return {order.symbol.id: order.symbol.value for order in self.listing if order.symbol.value}
