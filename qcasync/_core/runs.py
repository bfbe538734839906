"""Which deployment each order of a project belongs to, and what is odd about the list.

A project's list joins the orders of all its deployments in launch order, and order ids restart at 1 in each. So the
list is a sequence of *runs*; inside a run ids grow by one, and its events name one deployment. What breaks this is
reported as an anomaly: it may be the server's doing, or a list that moved while it was read. No order is dropped for
it.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from qcasync.models.deployments import Deployment
from qcasync.models.listings import Anomaly
from qcasync.models.orders import Order
from qcasync.models.quarantine import Quarantined


class _Run(msgspec.Struct):
    number: int
    start: int
    end: int
    last_id: int
    deploy_id: str | None
    blind: int = 0
    """Rows since `last_id` whose id cannot be read."""


class DeploymentRuns:
    """Told the rows of a listing in index order, it tells deployments apart. Its memory grows with deployments only.

    Args:
        start: Index of the first row. Of a deployment that began before it, only what follows is known.
    """

    def __init__(self, start: int = 0) -> None:
        self._first = start
        self._runs: list[_Run] = []
        self._seen: set[str] = set()
        self._blind = 0
        self.anomalies: list[Anomaly] = []

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        """The deployments found so far, in launch order."""
        return tuple(
            Deployment(number=run.number, deploy_id=run.deploy_id, start=run.start, end=run.end) for run in self._runs
        )

    def rows_read(self, start: int, rows: Sequence[Order[Any] | Quarantined]) -> list[int]:
        """Take the next rows. Returns each row's deployment number, counted from 1."""
        numbers: list[int] = []
        for index, row in enumerate(rows, start):
            if isinstance(row, Quarantined):
                run = self._runs[-1] if self._runs else None
                if run is None:
                    self._blind += 1
                else:
                    run.blind += 1
                    run.end = index + 1
                numbers.append(run.number if run else 1)
                continue
            numbers.append(self._place(index, row).number)
            self._check_events(index, row)
        return numbers

    def _place(self, index: int, order: Order[Any]) -> _Run:
        deploy_id = order.events[0].algorithm_id if order.events else None
        run = self._runs[-1] if self._runs else None
        if run is None or _begins_another(run, order.id, deploy_id):
            return self._begin(index, order.id, deploy_id)
        expected = run.last_id + 1
        if order.id <= run.last_id:
            self._note("disorder", index, f"order id {order.id} follows {run.last_id} in one deployment")
        elif not expected <= order.id <= expected + run.blind:
            self._note("gap", index, f"order id {order.id} follows {run.last_id}")
        run.last_id, run.end, run.blind = order.id, index + 1, 0
        if run.deploy_id is None and deploy_id is not None:
            self._name(run, index, deploy_id)
        return run

    def _begin(self, index: int, order_id: int, deploy_id: str | None) -> _Run:
        blind, self._blind = self._blind, 0
        start = index - blind
        if self._runs:
            blind = self._runs[-1].blind
        begins_here = self._runs or not self._first
        if begins_here and not 1 <= order_id <= 1 + blind:
            self._note("gap", index, f"the first order id of a deployment is {order_id}")
        run = _Run(number=len(self._runs) + 1, start=start, end=index + 1, last_id=order_id, deploy_id=None)
        self._runs.append(run)
        if deploy_id is not None:
            self._name(run, index, deploy_id)
        return run

    def _name(self, run: _Run, index: int, deploy_id: str) -> None:
        run.deploy_id = deploy_id
        if deploy_id in self._seen:
            self._note("split", index, f"deployment {deploy_id} appears in two places")
        self._seen.add(deploy_id)

    def _check_events(self, index: int, order: Order[Any]) -> None:
        if not order.events:
            return
        if len({event.algorithm_id for event in order.events}) > 1:
            self._note("mixed", index, f"events of order {order.id} name several deployments")
        if any(event.order_id != order.id for event in order.events):
            self._note("foreign_event", index, f"an event of order {order.id} names another order")
        if len({event.id for event in order.events}) < len(order.events):
            self._note("duplicate_event", index, f"order {order.id} has two events of the same id")

    def _note(self, kind: str, index: int, detail: str) -> None:
        self.anomalies.append(Anomaly(kind=kind, index=index, detail=detail))


def _begins_another(run: _Run, order_id: int, deploy_id: str | None) -> bool:
    if deploy_id is not None and run.deploy_id is not None:
        return deploy_id != run.deploy_id
    return order_id <= run.last_id
