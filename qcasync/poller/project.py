"""One project of a watch: what of it is looked at, and how often."""

from datetime import UTC, datetime
from typing import Final, Protocol, cast

from qcasync._core.cadence import Cadence
from qcasync._core.deployment_follower import DeploymentMemory
from qcasync.models.watched import WatchedProject
from qcasync.poller.keeping import Keeper
from qcasync.poller.options import PERIODS, RENEWED, Aspect, Options
from qcasync.poller.orders import ABOUT as ORDERS
from qcasync.poller.orders import OrdersLook
from qcasync.poller.reader import Reader
from qcasync.poller.records import insights_look, logs_look
from qcasync.poller.snapshots import ChartsLook, PortfolioLook, StatisticsLook

DEPLOYMENTS: Final = "deployments"
TURN_READINGS: Final = 2
"""Complete readings after a deployment has turned: a replica that lags behind may answer the first one."""


class Look(Protocol):
    """What is looked at beside the orders."""

    @property
    def has_baseline(self) -> bool:
        """Whether it was seen once: what comes from then on is news."""
        ...

    async def look(self, timeout: float | None) -> bool:
        """Look once, within some seconds for each call. Returns whether there was news."""
        ...


class Project:
    """One project of a watch.

    Args:
        project_id: The project.
        reader: Reads.
        keeper: Keeps, and passes changes on.
        options: What is watched.
        told_since: What is older than this Unix time when the project is first seen is not told; None tells all.
    """

    def __init__(
        self, project_id: int, reader: Reader, keeper: Keeper, options: Options, *, told_since: float | None
    ) -> None:
        self.id = project_id
        self.told_since = told_since
        self.deployments: DeploymentMemory = keeper.memory(project_id, DEPLOYMENTS, DeploymentMemory) or {}
        self.orders: OrdersLook = OrdersLook(project_id, reader, keeper, told_since)
        self.cadences: dict[Aspect, Cadence] = {
            aspect: Cadence(period, follows=aspect in RENEWED and period == PERIODS[aspect])
            for aspect, period in options.periods.items()
        }
        self.was_looked_at = False
        """Whether a look at it was begun."""
        self.looked_at: float | None = None
        """When something of it was last read, in the server's Unix seconds."""
        self.problems: dict[Aspect, str] = {}
        """Why aspects of it could not be read the last time."""
        first = told_since is None
        self._statistics = (
            StatisticsLook(project_id, reader, keeper, tells_first=first) if "statistics" in options.periods else None
        )
        self._looks = self._others(reader, keeper, options, tells_first=first)

    async def look(self, aspect: Aspect, *, timeout: float | None) -> bool | float | None:
        """Look at one aspect. Returns whether there was news; or when to go on; None if there is nothing to look at.

        Raises:
            QuantConnectError: It could not be read.
        """
        if aspect == "logs" and self.latest is None:
            return None  # the server wants a deployment to be named
        if aspect == "orders":
            self.orders.ended = {name: each.ended_at for name, each in self.deployments.items() if each.ended}
            return await self.orders.look(timeout=timeout)
        return await self._looks[aspect].look(timeout)

    def view(self, waiting: int) -> WatchedProject:
        """What is known of it at this moment.

        Args:
            waiting: How many of its changes are not acknowledged.
        """
        orders, open_orders = self.orders.counts
        record = None if self.latest is None else self.deployments[self.latest]
        statistics = self._statistics.memory if self._statistics is not None else None
        return WatchedProject(
            project_id=self.id,
            deploy_id=self.latest,
            status=None if record is None else record.status,
            equity=None if record is None else record.equity,
            statistics={} if statistics is None else statistics.texts,
            orders=orders,
            open_orders=open_orders,
            complete_through=_moment(self.orders.complete_through),
            looked_at=_moment(self.looked_at),
            problem=next(iter(self.problems.values()), None),
            waiting=waiting,
        )

    @property
    def latest(self) -> str | None:
        """The id of its latest deployment; None if it has none."""
        return next(reversed(self.deployments), None)

    def replays(self, about: str) -> bool:
        """Whether something of it is still being read for the first time."""
        if about == DEPLOYMENTS:
            return not self.deployments
        look: OrdersLook | Look | None = self.orders if about == ORDERS else self._looks.get(cast("Aspect", about))
        return look is not None and not look.has_baseline

    def turned(self) -> None:
        """A deployment of it is new, or in another state."""
        self.orders.read_everything(TURN_READINGS)
        for cadence in self.cadences.values():
            cadence.restart()

    def _others(self, reader: Reader, keeper: Keeper, options: Options, *, tells_first: bool) -> dict[Aspect, Look]:
        """What is looked at beside the orders."""
        periods = options.periods
        looks: dict[Aspect, Look] = {}
        if self._statistics is not None:
            looks["statistics"] = self._statistics
        if "portfolio" in periods:
            looks["portfolio"] = PortfolioLook(self.id, reader, keeper, tells_first=tells_first)
        if "logs" in periods:
            looks["logs"] = logs_look(
                self.id, reader, keeper, lambda: self.latest, tells_first=tells_first, is_new=self._is_new
            )
        if "insights" in periods:
            looks["insights"] = insights_look(
                self.id, reader, keeper, tells_first=tells_first, told_since=self.told_since
            )
        if "charts" in periods:
            looks["charts"] = ChartsLook(self.id, reader, keeper, options.charts, tells_first=tells_first)
        return looks

    def _is_new(self) -> bool:
        """Whether its latest deployment was launched after the moment from which on everything is told."""
        since, latest = self.told_since, self.latest
        return since is not None and latest is not None and self.deployments[latest].launched_at >= since


def _moment(at: float | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)
