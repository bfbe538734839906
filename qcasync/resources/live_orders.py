"""The orders of live algorithms: a window of them, all of them, or a stream."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from typing import Any, Literal, overload

from qcasync._core import requests
from qcasync._core.collections import orders_of
from qcasync._core.endpoints import READ_LIVE_ORDERS
from qcasync._core.window_checks import first_index
from qcasync._listing.orders import OrderPages, order_listing
from qcasync._session import Seconds, Session
from qcasync.models.listings import OrderListing
from qcasync.models.orders import OrderPage
from qcasync.resources._lists import streamed_list, whole_list


class LiveOrders:
    """What `client.live` does with orders."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @overload
    async def read_orders(
        self,
        project_id: int,
        start: int,
        end: int,
        *,
        decimal: Literal[False] = False,
        timeout: Seconds | None = None,
    ) -> OrderPage: ...
    @overload
    async def read_orders(
        self, project_id: int, start: int, end: int, *, decimal: Literal[True], timeout: Seconds | None = None
    ) -> OrderPage[Decimal]: ...
    async def read_orders(
        self, project_id: int, start: int, end: int, *, decimal: bool = False, timeout: Seconds | None = None
    ) -> OrderPage[Any]:
        """Read one window of a project's orders. Cost: one request.

        The page may hold less than the window without being the last one. `list_orders` reads all orders.

        Endpoint: POST /live/orders/read

        Args:
            project_id: The project.
            start: Index of the first order; indexes count the orders of all deployments, in launch order.
            end: Index after the last order, at most `start` + 100.
            decimal: Prices, quantities and values as exact `Decimal` instead of float.
            timeout: Seconds for the whole call, waiting for loading included.

        Raises:
            NotReady: QuantConnect was still preparing the orders when the deadline came.
        """
        endpoint = READ_LIVE_ORDERS.exactly() if decimal else READ_LIVE_ORDERS
        return await self._session.call(endpoint, requests.window(project_id, start, end), timeout=timeout)

    @overload
    async def list_orders(
        self, project_id: int, *, decimal: Literal[False] = False, timeout: Seconds | None = None
    ) -> OrderListing: ...
    @overload
    async def list_orders(
        self, project_id: int, *, decimal: Literal[True], timeout: Seconds | None = None
    ) -> OrderListing[Decimal]: ...
    async def list_orders(
        self, project_id: int, *, decimal: bool = False, timeout: Seconds | None = None
    ) -> OrderListing[Any]:
        """Read all orders of a project, of all its deployments, or raise. Never a part of them.

        Windows of 100 are read in parallel. Cost: one request per 100 orders, and one or two that prove the end. A
        project that seems to have no orders is looked at twice, 10 s apart, because QuantConnect answers "none" while
        it warms a cache.

        Endpoint: POST /live/orders/read

        Args:
            project_id: The project.
            decimal: Prices, quantities and values as exact `Decimal` instead of float.
            timeout: Seconds for the whole listing; without it, each window has 120 s of its own.

        Returns:
            The orders in launch order of their deployments, with what is odd about them (`anomalies`) and with orders
            that could not be decoded (`quarantined`).

        Raises:
            IncompleteRead: Some windows could not be read; tells which.
            NotReady: QuantConnect was still preparing the orders when the deadline came.
        """
        session, orders = self._session, orders_of(project_id, decimal=decimal)

        def make(remembered: int | None) -> OrderPages[Any]:
            return OrderPages(session.exchange, orders, remembered=remembered)

        return order_listing(await whole_list(session, orders, make, session.seconds(timeout)))

    @overload
    def iter_orders(
        self, project_id: int, *, start: int = 0, decimal: Literal[False] = False, timeout: Seconds | None = None
    ) -> AbstractAsyncContextManager[OrderPages]: ...
    @overload
    def iter_orders(
        self, project_id: int, *, start: int = 0, decimal: Literal[True], timeout: Seconds | None = None
    ) -> AbstractAsyncContextManager[OrderPages[Decimal]]: ...
    @asynccontextmanager
    async def iter_orders(
        self, project_id: int, *, start: int = 0, decimal: bool = False, timeout: Seconds | None = None
    ) -> AsyncGenerator[OrderPages[Any], None]:
        """Stream all orders of a project, in bounded memory.

        An async context manager that gives an async iterator of pages, in index order and without overlap. At most
        2,000 orders (with the default `max_concurrency`) are read ahead of you. Leaving the block early cancels what is
        in flight. Iteration ends only when the end of the list is proved; until then you hold a part. Cost as
        `list_orders`.

        Endpoint: POST /live/orders/read

        Args:
            project_id: The project.
            start: Index of the first order, to go on where an earlier read ended: the `total` that it reached. The
                orders before it are not looked at. Deployments are then counted from there.
            decimal: Prices, quantities and values as exact `Decimal` instead of float.
            timeout: Seconds for each window, waiting for loading included; 120 s if left out. The pace is yours, so
                nothing bounds the whole.

        Yields:
            The pages. Each is an `OrderPage`.

        Raises:
            IncompleteRead: From the iteration: the rest could not be read.
            NotReady: From the iteration: QuantConnect kept preparing the orders.
        """
        session, orders, begin = self._session, orders_of(project_id, decimal=decimal), first_index(start)
        seconds = session.seconds(timeout)

        def make(remembered: int | None) -> OrderPages[Any]:
            return OrderPages(session.exchange, orders, start=begin, remembered=remembered, timeout=seconds)

        async with streamed_list(session, orders, make) as pages:
            yield pages
