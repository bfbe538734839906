"""Complete collections, with what a careful reader wants to know about how they came about."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar, overload

from qcasync.models._base import Model, Number
from qcasync.models.deployments import Deployment
from qcasync.models.insights import Insight
from qcasync.models.logs import LogLine
from qcasync.models.orders import Order
from qcasync.models.quarantine import Quarantined
from qcasync.models.trades import Trade

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Anomaly", "InsightListing", "Listing", "LogListing", "OrderListing", "TradeListing"]

Row_co = TypeVar("Row_co", covariant=True)


class Anomaly(Model, frozen=True, kw_only=True):
    """Something in a listing that should not be. Nothing is dropped because of it.

    Attributes:
        kind: A short name for it, such as "gap".
        index: Where in the list.
        detail: What was found there.
    """

    kind: str
    index: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Listing(Sequence[Row_co], Generic[Row_co]):
    """Every row of a list, in the server's order; a sequence of them.

    Attributes:
        total: How many entries the server has: rows and quarantined ones.
        observed_from: When the first window was asked for, in UTC.
        observed_until: When the last window was read, in UTC. Each row is as it was at some moment between the two.
        complete: Whether the end of the list was proved.
        windows: How many windows were read.
        anomalies: What should not be, but is.
        quarantined: The entries that could not be decoded.
        spans_refresh: Whether the server renewed its data while the list was read.
    """

    noun: ClassVar[str] = "rows"

    total: int
    observed_from: datetime
    observed_until: datetime
    complete: bool
    windows: int
    anomalies: tuple[Anomaly, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    spans_refresh: bool = False

    @property
    @abstractmethod
    def rows(self) -> tuple[Row_co, ...]:
        """The rows that could be decoded."""

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> Row_co: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Row_co, ...]: ...
    def __getitem__(self, index: int | slice) -> Row_co | tuple[Row_co, ...]:
        return self.rows[index]

    def __repr__(self) -> str:
        state = "complete" if self.complete else "incomplete"
        return (
            f"<{type(self).__name__}: {len(self)} {self.noun}{self._more()}, {state}, "
            f"{len(self.anomalies)} anomalies, {len(self.quarantined)} quarantined>"
        )

    def _more(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class OrderListing(Listing[Order[Number]], Generic[Number]):
    """Every order of a live project, in the server's order: deployments in launch order, ids ascending in each.

    What every listing has is told at `Listing`.

    Attributes:
        orders: The orders; the listing is a sequence of the same.
        deployments: The deployments that the list joins, in its order.
    """

    noun: ClassVar[str] = "orders"

    orders: tuple[Order[Number], ...]
    deployments: tuple[Deployment, ...] = ()

    @property
    def rows(self) -> tuple[Order[Number], ...]:
        """The orders."""
        return self.orders

    def to_arrow(self) -> "pa.Table":
        """The orders as a table of pyarrow, which polars, pandas and duckdb take without copies.

        Its columns are those of `qcasync.models.tables.ORDERS`.

        Raises:
            ConfigurationError: pyarrow is not installed.
        """
        from qcasync.models import tables  # noqa: PLC0415 - it is made of these models, and few need it

        return tables.ORDERS.fitting(self.orders).table(self.orders)

    def events_to_arrow(self) -> "pa.Table":
        """The events of the orders as a table of pyarrow, one row for each event.

        Its columns are those of `qcasync.models.tables.ORDER_EVENTS`.

        Raises:
            ConfigurationError: pyarrow is not installed.
        """
        from qcasync.models import tables  # noqa: PLC0415 - it is made of these models, and few need it

        return tables.ORDER_EVENTS.fitting(self.orders).table(self.orders)

    def _more(self) -> str:
        return f" in {len(self.deployments)} deployments"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class InsightListing(Listing[Insight]):
    """Every insight of a live project, in the server's order. What every listing has is told at `Listing`.

    Attributes:
        insights: The insights; the listing is a sequence of the same.
    """

    noun: ClassVar[str] = "insights"

    insights: tuple[Insight, ...]

    @property
    def rows(self) -> tuple[Insight, ...]:
        """The insights."""
        return self.insights

    def to_arrow(self) -> "pa.Table":
        """The insights as a table of pyarrow, with the columns of `qcasync.models.tables.INSIGHTS`.

        Raises:
            ConfigurationError: pyarrow is not installed.
        """
        from qcasync.models import tables  # noqa: PLC0415 - it is made of these models, and few need it

        return tables.INSIGHTS.table(self.insights)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TradeListing(Listing[Trade]):
    """Every closed trade of a live project, in the server's order. What every listing has is told at `Listing`.

    Attributes:
        trades: The trades; the listing is a sequence of the same.
    """

    noun: ClassVar[str] = "trades"

    trades: tuple[Trade, ...]

    @property
    def rows(self) -> tuple[Trade, ...]:
        """The trades."""
        return self.trades

    def to_arrow(self) -> "pa.Table":
        """The trades as a table of pyarrow, with the columns of `qcasync.models.tables.TRADES`.

        Raises:
            ConfigurationError: pyarrow is not installed.
        """
        from qcasync.models import tables  # noqa: PLC0415 - it is made of these models, and few need it

        return tables.TRADES.table(self.trades)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class LogListing(Listing[LogLine]):
    """Every line of a log, or of one deployment's part of it. What every listing has is told at `Listing`.

    `total` counts the lines before a deployment's part too: it is the number after the last line that was read.

    Attributes:
        lines: The lines with their numbers; the listing is a sequence of the same.
        deploy_id: The deployment that was named to the server.
        deployment_offset: How many lines of the log precede that deployment; None where old answers do not tell.
    """

    noun: ClassVar[str] = "lines"

    lines: tuple[LogLine, ...]
    deploy_id: str
    deployment_offset: int | None = None

    @property
    def rows(self) -> tuple[LogLine, ...]:
        """The lines."""
        return self.lines

    def to_arrow(self) -> "pa.Table":
        """The lines as a table of pyarrow, with the columns of `qcasync.models.tables.LOG_LINES`.

        Raises:
            ConfigurationError: pyarrow is not installed.
        """
        from qcasync.models import tables  # noqa: PLC0415 - it is made of these models, and few need it

        return tables.LOG_LINES.table(self.lines)
