"""Pages of orders, whose deployments are told apart as they pass, and listings of them."""

from typing import Any, Generic

import msgspec

from qcasync._core.collections import Collection
from qcasync._core.runs import DeploymentRuns
from qcasync._exchange import Exchange
from qcasync._listing.pages import Pages
from qcasync._listing.whole import Whole
from qcasync.models._base import Number
from qcasync.models.deployments import Deployment
from qcasync.models.listings import Anomaly, OrderListing
from qcasync.models.orders import Order, OrderPage


class OrderPages(Pages[OrderPage[Number]], Generic[Number]):
    """An async iterator over a project's orders: pages in index order, without gap or overlap.

    Iteration ends when the end of the list is proved, and raises if it cannot be; until then what was yielded is a
    part.
    """

    def __init__(
        self,
        exchange: Exchange,
        collection: Collection[OrderPage[Number]],
        *,
        start: int = 0,
        remembered: int | None = None,
        timeout: float | None = None,
    ) -> None:
        super().__init__(exchange, collection, start=start, remembered=remembered, timeout=timeout)
        self._runs = DeploymentRuns(start)

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        """The deployments that the rows yielded so far belong to, in launch order.

        Where reading began in the middle of the list, they are counted from there.
        """
        return self._runs.deployments

    def _page_taken(self, page: OrderPage[Number]) -> None:
        rows = list(page.rows())
        numbers = self._runs.rows_read(page.start, rows)
        deployments = {deployment.number: deployment for deployment in self._runs.deployments}
        for row, number in zip(rows, numbers, strict=True):
            if isinstance(row, Order):  # freshly decoded, seen by nobody yet
                msgspec.structs.force_setattr(row, "deployment", deployments[number])

    def _odd(self) -> tuple[Anomaly, ...]:
        return tuple(self._runs.anomalies)


def order_listing(whole: Whole[OrderPages[Any], OrderPage[Any]]) -> OrderListing[Any]:
    """Every order of a project, each with its deployment."""
    orders = tuple(order for page in whole.read for order in page.orders)
    deployments = whole.pages.deployments
    numbered = {deployment.number: deployment for deployment in deployments}
    for order in orders:
        if order.deployment is not None:  # now that all rows are known, so are its id and its end
            msgspec.structs.force_setattr(order, "deployment", numbered[order.deployment.number])
    return OrderListing(orders=orders, deployments=deployments, **whole.facts())
