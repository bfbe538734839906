"""What a watch knows of a project at a moment."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from qcasync.models.enums import AlgorithmStatus

__all__ = ["WatchedProject"]


class WatchedProject(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a project that is watched.

    Attributes:
        project_id: The project.
        deploy_id: Its latest deployment; None if it has none, or if none is known yet.
        status: The state of that.
        equity: The value of its account, in the account's currency; None if it is not known.
        statistics: Runtime statistics by display name; empty unless they are watched.
        orders: How many orders are known, those of all deployments; None before they were read.
        open_orders: To how many of them something may still happen.
        complete_through: When the latest complete reading of the orders began, in UTC; None before the first.
        looked_at: When something of it was last read, in UTC; None if nothing was yet.
        problem: Why it could not be read the last time; None if it could.
        waiting: How many of its changes are not acknowledged.
    """

    project_id: int
    deploy_id: str | None
    status: AlgorithmStatus | None
    equity: float | None
    statistics: Mapping[str, str]
    orders: int | None
    open_orders: int
    complete_through: datetime | None
    looked_at: datetime | None
    problem: str | None
    waiting: int
