"""Complete collections, with what a careful reader wants to know about how they came about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, overload

from qcasync.models._base import Model, Number
from qcasync.models.deployments import Deployment
from qcasync.models.orders import Order
from qcasync.models.quarantine import Quarantined

__all__ = ["Anomaly", "OrderListing"]


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
class OrderListing(Sequence[Order[Number]], Generic[Number]):
    """Every order of a live project, in the server's order: deployments in launch order, ids ascending in each.

    Attributes:
        orders: The orders; the listing is a sequence of the same.
        total: How many entries the server has: orders and quarantined ones.
        observed_from: When the first window was asked for, in UTC.
        observed_until: When the last window was read, in UTC. Each order is as it was at some moment between the two.
        complete: Whether the end of the list was proved.
        windows: How many windows were read.
        deployments: The deployments that the list joins, in its order.
        anomalies: What should not be, but is.
        quarantined: The entries that could not be decoded.
        spans_refresh: Whether the server renewed its data while the list was read.
    """

    orders: tuple[Order[Number], ...]
    total: int
    observed_from: datetime
    observed_until: datetime
    complete: bool
    windows: int
    deployments: tuple[Deployment, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    spans_refresh: bool = False

    def __len__(self) -> int:
        return len(self.orders)

    @overload
    def __getitem__(self, index: int) -> Order[Number]: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Order[Number], ...]: ...
    def __getitem__(self, index: int | slice) -> Order[Number] | tuple[Order[Number], ...]:
        return self.orders[index]

    def __repr__(self) -> str:
        state = "complete" if self.complete else "incomplete"
        return (
            f"<OrderListing: {len(self.orders)} orders in {len(self.deployments)} deployments, {state}, "
            f"{len(self.anomalies)} anomalies, {len(self.quarantined)} quarantined>"
        )
