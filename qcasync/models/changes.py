"""What a watch tells: frozen records of what became different in a live project.

Every change names its project, has a key that is the same however often it is observed or delivered, and a sequence
number within its project. Changes about the account as a whole have the project id 0.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

import msgspec

from qcasync.errors import ConfigurationError
from qcasync.models.charts import Candlestick, ChartPoint
from qcasync.models.enums import AlgorithmStatus
from qcasync.models.insights import Insight
from qcasync.models.order_events import OrderEvent
from qcasync.models.orders import Order
from qcasync.models.portfolio import Cash, Holding

__all__ = [
    "ACCOUNT",
    "AnyChange",
    "CashChanged",
    "Change",
    "ChartExtended",
    "DeploymentFailed",
    "DeploymentStarted",
    "DeploymentStopped",
    "EquityChanged",
    "Gap",
    "HoldingChanged",
    "InsightAdded",
    "LogLineAdded",
    "OrderAdded",
    "OrderChanged",
    "OrderEventAdded",
    "OrderEventAmended",
    "ProjectFailing",
    "ProjectRecovered",
    "ServiceFailing",
    "ServiceRecovered",
    "StatisticsChanged",
    "StatusChanged",
]

ACCOUNT: Final = 0
"""The project id of changes that concern no single project."""

Write = Callable[[Any], object]
"""Writes through the checkpoint's `sqlite3.Connection`, in the transaction that acknowledges."""
Acknowledge = Callable[["Change", Write | None], Awaitable[None]]


def _kind(name: str) -> str:
    """OrderAdded becomes order_added."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


class Change(msgspec.Struct, frozen=True, kw_only=True, dict=True, tag_field="kind", tag=_kind):
    """Something that became different.

    Attributes:
        project_id: The project; 0 for the account as a whole.
        key: The same for the same change, however often it is observed or delivered. Sinks tell repetitions by it.
        sequence: Its place among the project's changes, from 1, without gaps.
        observed_at: When QuantConnect wrote the answer that showed it, in UTC.
        attempt: How often it has been delivered, or may have been; 1 for the first time.
        replayed: Whether it was read again from history after the checkpoint was rebuilt.
    """

    project_id: int
    key: str
    sequence: int = 0
    observed_at: datetime
    attempt: int = 1
    replayed: bool = False

    async def ack(self, write: Write | None = None) -> None:
        """Acknowledge: it is not delivered again, and the project's next change may come. Costs no request.

        Args:
            write: Called with the checkpoint's `sqlite3.Connection`, in another thread, inside the transaction that
                acknowledges: what it writes and the acknowledgement are both kept, or neither is. If it raises,
                neither is, and the error is raised here. Other projects wait meanwhile: a few statements, no more.

        Raises:
            ConfigurationError: The change did not come from a watch, or the watch has ended.
            CheckpointError: The checkpoint belongs to somebody else by now.
        """
        acknowledge: Acknowledge | None = vars(self).get("_acknowledge")
        if acknowledge is None:
            raise ConfigurationError(
                "This change was not delivered by a watch.", "Acknowledge the object that the iteration gave you."
            )
        await acknowledge(self, write)


class DeploymentStarted(Change, frozen=True, kw_only=True):
    """A deployment was launched, or seen for the first time.

    Attributes:
        deploy_id: "L-" and 32 hex digits.
        status: Its state.
        launched: When, in UTC.
        brokerage: Such as "PaperBrokerage".
    """

    deploy_id: str
    status: AlgorithmStatus | None
    launched: datetime | None
    brokerage: str = ""


class StatusChanged(Change, frozen=True, kw_only=True):
    """A deployment came into another state, in which it goes on. States between two looks are not seen.

    Attributes:
        deploy_id: The deployment.
        status: Its state now.
        previous: Its state before.
    """

    deploy_id: str
    status: AlgorithmStatus
    previous: AlgorithmStatus | None


class DeploymentStopped(Change, frozen=True, kw_only=True):
    """A deployment ended as somebody wanted: Stopped, Liquidated, Completed or Deleted.

    After a mere "Stopped", a more definite end may follow once, such as "Liquidated".

    Attributes:
        deploy_id: The deployment.
        status: How it ended.
        previous: Its state before.
        stopped: When, in UTC.
    """

    deploy_id: str
    status: AlgorithmStatus
    previous: AlgorithmStatus | None
    stopped: datetime | None


class DeploymentFailed(Change, frozen=True, kw_only=True):
    """A deployment ended by an error: RuntimeError, DeployError or Invalid.

    Attributes:
        deploy_id: The deployment.
        status: How it ended.
        previous: Its state before.
        stopped: When, in UTC.
        error: What QuantConnect says of it.
    """

    deploy_id: str
    status: AlgorithmStatus
    previous: AlgorithmStatus | None
    stopped: datetime | None
    error: str | None


class OrderAdded(Change, frozen=True, kw_only=True):
    """An order was seen for the first time.

    Attributes:
        deployment: The deployment's number in this checkpoint, from 1; with `order.id` it identifies the order.
        deploy_id: The deployment, as far as its orders told by then.
        index: The order's place in the project's list.
        order: The order without its events: each of them follows as an `OrderEventAdded`.
    """

    deployment: int
    deploy_id: str | None
    index: int
    order: Order


class OrderChanged(Change, frozen=True, kw_only=True):
    """Something about an order, apart from its events, is different now.

    Attributes:
        deployment: The deployment's number in this checkpoint.
        deploy_id: The deployment.
        index: The order's place in the project's list.
        order: The order as it is now, without its events.
    """

    deployment: int
    deploy_id: str | None
    index: int
    order: Order


class OrderEventAdded(Change, frozen=True, kw_only=True):
    """Something happened to an order: submitted, filled, canceled, ...

    Attributes:
        deployment: The deployment's number in this checkpoint.
        order_id: The order's number within the deployment.
        position: The event's place among the order's events, from 0.
        event: The event.
    """

    deployment: int
    order_id: int
    position: int
    event: OrderEvent


class OrderEventAmended(Change, frozen=True, kw_only=True):
    """QuantConnect tells an event differently than before.

    Attributes:
        deployment: The deployment's number in this checkpoint.
        order_id: The order's number within the deployment.
        position: The event's place among the order's events, from 0.
        event: The event as it is told now.
    """

    deployment: int
    order_id: int
    position: int
    event: OrderEvent


class EquityChanged(Change, frozen=True, kw_only=True):
    """The value of the account of a running deployment, as live/list tells it.

    Attributes:
        deploy_id: The deployment.
        equity: Now, in the account's currency.
        previous: Before; None if it was not known.
    """

    deploy_id: str
    equity: float
    previous: float | None


class StatisticsChanged(Change, frozen=True, kw_only=True):
    """Runtime statistics that are different now.

    Attributes:
        deploy_id: The deployment.
        changed: New texts by display name, such as {"Net Profit": "$1,234.56"}.
        removed: Names that are no longer there.
    """

    deploy_id: str
    changed: dict[str, str]
    removed: tuple[str, ...] = ()


class HoldingChanged(Change, frozen=True, kw_only=True):
    """A position was opened, changed in size or average price, or closed. A mere move of its price is no change.

    Attributes:
        symbol_id: The security: a `Symbol.id`.
        holding: The position now; None if it was closed, or is flat.
        previous: The position before; None if there was none.
    """

    symbol_id: str
    holding: Holding | None
    previous: Holding | None


class CashChanged(Change, frozen=True, kw_only=True):
    """The amount of a currency is different now. A mere move of its rate is no change.

    Attributes:
        currency: Such as "USD".
        cash: Now; None if there is none left, or it is zero.
        previous: Before; None if there was none.
    """

    currency: str
    cash: Cash | None
    previous: Cash | None


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


class ProjectFailing(Change, frozen=True, kw_only=True):
    """A project cannot be read, while others can. Told once, until it is read again.

    The project id 0 stands for the status of all projects: live/list fails, and everything else is read.

    Attributes:
        error: The kind of the error, such as "NotFoundError".
        reason: What it says.
    """

    error: str
    reason: str


class ProjectRecovered(Change, frozen=True, kw_only=True):
    """A project that was failing can be read again."""


class ServiceFailing(Change, frozen=True, kw_only=True):
    """Nothing can be read at all. Told once for all projects.

    Attributes:
        error: The kind of the error, such as "RequestError".
        reason: What it says.
    """

    error: str
    reason: str


class ServiceRecovered(Change, frozen=True, kw_only=True):
    """After a `ServiceFailing`, something could be read again."""


class Gap(Change, frozen=True, kw_only=True):
    """Something can no longer be known, or cannot be read.

    Attributes:
        what: "deployment" that vanished before its last state was read, "order" that cannot be decoded, or "logs".
        deploy_id: The deployment, if it is known.
        detail: What is missing, for a person.
    """

    what: str
    deploy_id: str | None
    detail: str


AnyChange = (
    DeploymentStarted
    | StatusChanged
    | DeploymentStopped
    | DeploymentFailed
    | OrderAdded
    | OrderChanged
    | OrderEventAdded
    | OrderEventAmended
    | EquityChanged
    | StatisticsChanged
    | HoldingChanged
    | CashChanged
    | LogLineAdded
    | InsightAdded
    | ChartExtended
    | ProjectFailing
    | ProjectRecovered
    | ServiceFailing
    | ServiceRecovered
    | Gap
)
"""Every kind of change, for `match` and for decoding: `msgspec.json.decode(text, type=AnyChange)`."""
