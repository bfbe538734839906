"""The lists that are read through windows: how each is asked for, and what tells whether its pages fit together."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Generic

import msgspec

from qcasync._core import requests
from qcasync._core.endpoints import READ_LIVE_INSIGHTS, READ_LIVE_LOGS, READ_LIVE_ORDERS, READ_LIVE_TRADES, Endpoint
from qcasync._core.requests import MAX_WINDOW
from qcasync._core.rows import PageT, identity, identity_of_lines
from qcasync._core.window_steps import Arrival, Window
from qcasync.models.insights import InsightPage
from qcasync.models.logs import LogPage
from qcasync.models.orders import OrderPage
from qcasync.models.trades import TradePage


@dataclass(frozen=True, kw_only=True)
class Collection(Generic[PageT]):
    """A list of a project.

    Attributes:
        endpoint: Answers a window of it.
        project_id: The project.
        noun: What its rows are called.
        request: Makes the request for a window: indexes `start` up to, and not including, `end`.
        variant: What is asked beside, so that another list is answered.
        marks: Given a page's rows and the size of its window: what makes the first row itself, and the first one
            behind the window.
    """

    endpoint: Endpoint[PageT]
    project_id: int
    noun: str
    request: Callable[[int, int], msgspec.Struct]
    variant: Hashable = None
    marks: Callable[[Sequence[Any], int], tuple[Hashable, Hashable]] = lambda rows, size: (
        identity(rows, 0),
        identity(rows, size),
    )

    @property
    def key(self) -> Hashable:
        """What its total is remembered by."""
        return (self.endpoint.path, self.project_id, self.variant)

    @property
    def window(self) -> int:
        """How many rows to ask for at once."""
        return self.endpoint.window or MAX_WINDOW

    def arrival(self, page: PageT, window: Window) -> Arrival:
        """What a plan needs to know of an answer."""
        rows = list(page.rows())
        first, surplus = self.marks(rows, window.size)
        return Arrival(count=len(rows), length=page.length, first=first, surplus=surplus)


def orders_of(project_id: int, *, decimal: bool = False) -> Collection[OrderPage[Any]]:
    """The orders of a project, of all its deployments."""
    return Collection(
        endpoint=READ_LIVE_ORDERS.exactly() if decimal else READ_LIVE_ORDERS,
        project_id=requests.project(project_id),
        noun="orders",
        request=lambda start, end: requests.window(project_id, start, end),
    )


def insights_of(project_id: int) -> Collection[InsightPage]:
    """The insights of a project."""
    return Collection(
        endpoint=READ_LIVE_INSIGHTS,
        project_id=requests.project(project_id),
        noun="insights",
        request=lambda start, end: requests.insight_window(project_id, start, end),
    )


def trades_of(project_id: int, deploy_id: str | None) -> Collection[TradePage]:
    """The closed trades of a project, of all its deployments or of one."""
    if deploy_id is not None:
        requests.identifier("deploy_id", deploy_id)
    return Collection(
        endpoint=READ_LIVE_TRADES,
        project_id=requests.project(project_id),
        noun="trades",
        request=lambda start, end: requests.trade_window(project_id, start, end, deploy_id),
        variant=deploy_id,
    )


def log_of(project_id: int, deploy_id: str, query: str | None) -> Collection[LogPage]:
    """The log of a project, of all its deployments, or the lines of it that contain a text."""
    return Collection(
        endpoint=READ_LIVE_LOGS,
        project_id=requests.project(project_id),
        noun="lines",
        request=lambda start, end: requests.log_window(project_id, deploy_id, start, end, query),
        variant=query,
        marks=lambda lines, _size: (identity_of_lines(lines), None),
    )
