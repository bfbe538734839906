"""A complete listing of orders, performed concurrently: the plan decides, a fixed number of workers fetch."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final, Generic

import anyio
import msgspec

from qcasync._core.endpoints import Endpoint
from qcasync._core.requests import MAX_WINDOW, ReadLiveOrders
from qcasync._core.rows import cut, identity
from qcasync._core.runs import DeploymentRuns
from qcasync._core.window_steps import Arrival, Broken, Complete, LookAgain, Trouble, Wait, Window
from qcasync._core.windows import WARMING_LIMIT, WindowPlan
from qcasync._exchange import Exchange
from qcasync._tasks import task_group
from qcasync.errors import ConfigurationError, IncompleteRead, NotReady, QuantConnectError
from qcasync.models._base import Number
from qcasync.models.deployments import Deployment
from qcasync.models.listings import Anomaly, OrderListing
from qcasync.models.observations import WindowRead
from qcasync.models.orders import Order, OrderPage

WINDOWS_AHEAD: Final = 2
"""Windows kept in memory ahead of the reader, for each worker."""
MAX_PASSES: Final = 2
MOVED: Final = frozenset({"gap", "disorder", "split", "mixed", "short"})
"""Anomalies that a list shows when it moved while it was read: one more pass tells."""


class OrderPages(Generic[Number]):
    """An async iterator over a project's orders: pages in index order, without gap or overlap.

    Iteration ends when the end of the list is proved, and raises if it cannot be; until then what was yielded is a
    part.
    """

    def __init__(
        self,
        exchange: Exchange,
        endpoint: Endpoint[OrderPage[Number]],
        project_id: int,
        plan: WindowPlan,
        timeout: float | None,
    ) -> None:
        self._exchange = exchange
        self._endpoint = endpoint
        self._project_id = project_id
        self._plan = plan
        self._timeout = timeout
        self._runs = DeploymentRuns()
        self._pages: dict[int, OrderPage[Number]] = {}
        self._taken = 0
        self._changed = anyio.Event()
        self._failure: QuantConnectError | None = None
        self._finished = False

    @property
    def anomalies(self) -> tuple[Anomaly, ...]:
        """What is odd about the rows yielded so far, and, at the end, about their number."""
        found = tuple(self._runs.anomalies)
        if self._finished and self._plan.spoken_of > self._taken:
            detail = f"the list ends after {self._taken} orders, but {self._plan.spoken_of} were spoken of"
            found += (Anomaly(kind="short", index=self._taken, detail=detail),)
        return found

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        """The deployments that the rows yielded so far belong to, in launch order."""
        return self._runs.deployments

    @property
    def hint(self) -> int:
        """How many orders the project is thought to have; 0 while nobody knows. Good for progress, not a proof."""
        return max(self._plan.hint, self._plan.frontier)

    @property
    def total(self) -> int:
        """How many orders were yielded so far; all of them once iteration has ended."""
        return self._taken

    @property
    def windows(self) -> int:
        """How many windows were read so far."""
        return self._plan.windows

    @property
    def complete(self) -> bool:
        """Whether the end of the list is proved, and every row was yielded."""
        return self._finished

    @property
    def moved(self) -> bool:
        """Whether the rows seem to have moved while they were read."""
        return self._plan.trouble is Trouble.CHANGED or any(each.kind in MOVED for each in self.anomalies)

    @property
    def spans_refresh(self) -> bool:
        """Whether the server's snapshot was replaced during the read, as far as its answers told."""
        return self._plan.spans_refresh

    def __aiter__(self) -> "OrderPages[Number]":
        return self

    async def __anext__(self) -> OrderPage[Number]:
        """The next page.

        Raises:
            IncompleteRead: The rest cannot be read.
            NotReady: The server kept preparing the first page.
            ConfigurationError: The block of the stream was left.
        """
        while not self._finished:
            page = self._pages.pop(self._taken, None)
            if page is not None:
                return self._hand_over(page)
            if self._failure is not None:
                raise self._failure
            await self._changed.wait()
        raise StopAsyncIteration

    def _hand_over(self, page: OrderPage[Number]) -> OrderPage[Number]:
        rows = list(page.rows())
        numbers = self._runs.rows_read(page.start, rows)
        deployments = {deployment.number: deployment for deployment in self._runs.deployments}
        for row, number in zip(rows, numbers, strict=True):
            if isinstance(row, Order):  # freshly decoded, seen by nobody yet
                msgspec.structs.force_setattr(row, "deployment", deployments[number])
        self._taken += len(rows)
        self._plan.taken(self._taken)
        self._tell()
        return page

    async def work(self) -> None:
        """Fetch windows until there is none left to fetch."""
        while self._failure is None and not self._finished:
            changed = self._changed
            match self._plan.next_step(anyio.current_time()):
                case Window() as window:
                    await self._fetch(window)
                case LookAgain(at):
                    with anyio.move_on_after(at - anyio.current_time()):
                        await changed.wait()
                case Wait():
                    await changed.wait()
                case Complete():
                    if not self._pages:
                        self._finished = True
                        self._tell()
                    else:
                        await changed.wait()
                case Broken(trouble):
                    self._fail(self._broken(trouble))

    async def _fetch(self, window: Window) -> None:
        request = ReadLiveOrders(project_id=self._project_id, start=window.start, end=window.end)
        try:
            page = await self._exchange.call(self._endpoint, request, timeout=self._timeout, patient=True)
        except QuantConnectError as error:
            self._plan.window_abandoned(window)
            self._fail(error if not self._plan.windows else self._incomplete(str(error), error))
            return
        rows = list(page.rows())
        first, surplus = identity(rows, 0), identity(rows, window.size)
        arrival = Arrival(count=len(rows), length=page.length, first=first, surplus=surplus)
        count = self._plan.page_received(window, arrival, anyio.current_time())
        if count:
            self._pages[window.start] = cut(page, window.start, count)
        self._exchange.observe(
            WindowRead(
                endpoint=self._endpoint.path,
                project_id=self._project_id,
                start=window.start,
                end=window.end,
                count=count,
                hint=self._plan.hint,
            )
        )
        self._tell()

    def _tell(self) -> None:
        """Wake everyone who waits for a change."""
        self._changed.set()
        self._changed = anyio.Event()

    def _fail(self, error: QuantConnectError) -> None:
        if self._failure is None:
            self._failure = error
        self._tell()

    def _broken(self, trouble: Trouble) -> QuantConnectError:
        if trouble is Trouble.WARMING:
            return NotReady(self._endpoint.path, None, WARMING_LIMIT)
        return self._incomplete(trouble.value, None)

    def _incomplete(self, reason: str, cause: QuantConnectError | None) -> IncompleteRead:
        error = IncompleteRead(self._endpoint.path, reason, self._plan.read(), self._plan.missing())
        error.__cause__ = cause
        return error

    def close(self) -> None:
        """No more pages will come: whoever asks for one is told so, instead of waiting for ever."""
        if not self._finished:
            self._pages.clear()
            self._fail(ConfigurationError("The stream was left.", "Iterate inside its `async with` block."))

    def overdue(self) -> QuantConnectError:
        """The error for a listing whose deadline passed."""
        return self._incomplete("its deadline passed", None)


@asynccontextmanager
async def open_pages(
    exchange: Exchange,
    endpoint: Endpoint[OrderPage[Number]],
    project_id: int,
    remembered: int | None,
    timeout: float | None = None,
) -> AsyncGenerator[OrderPages[Number], None]:
    """Read a project's orders with as many workers as the exchange serves. Leaving the block stops them.

    Args:
        exchange: Reads the windows.
        endpoint: `READ_LIVE_ORDERS`, with floats or exactly.
        project_id: The project.
        remembered: How many orders it had when it was last listed.
        timeout: Seconds for each window; the endpoint's own default if None.
    """
    workers = exchange.max_concurrency
    plan = WindowPlan(size=MAX_WINDOW, remembered=remembered, room=WINDOWS_AHEAD * workers * MAX_WINDOW)
    pages = OrderPages(exchange, endpoint, project_id, plan, timeout)
    async with task_group() as group:
        for _ in range(workers):
            group.start_soon(pages.work)
        try:
            yield pages
        finally:
            pages.close()
            group.cancel_scope.cancel()


async def list_all(
    exchange: Exchange,
    endpoint: Endpoint[OrderPage[Number]],
    project_id: int,
    remembered: int | None,
    timeout: float | None,
) -> OrderListing[Number]:
    """Every order of a project. A list that seems to have moved while it was read is read once more."""
    passes: list[OrderPages[Number]] = []
    with anyio.move_on_after(timeout):
        while True:
            began = _server_time(exchange)
            async with open_pages(exchange, endpoint, project_id, remembered) as pages:
                passes.append(pages)
                try:
                    read = [page async for page in pages]
                except IncompleteRead:
                    if len(passes) < MAX_PASSES and pages.moved:
                        continue
                    raise
            if len(passes) == MAX_PASSES or not pages.moved:
                break
            remembered = pages.total
        windows = sum(each.windows for each in passes)
        return _listing(pages, read, windows, began, _server_time(exchange))
    raise passes[-1].overdue()


def _listing(
    pages: OrderPages[Number], read: Sequence[OrderPage[Number]], windows: int, began: datetime, ended: datetime
) -> OrderListing[Number]:
    orders = tuple(order for page in read for order in page.orders)
    numbered = {deployment.number: deployment for deployment in pages.deployments}
    for order in orders:
        if order.deployment is not None:  # now that all rows are known, so are its id and its end
            msgspec.structs.force_setattr(order, "deployment", numbered[order.deployment.number])
    return OrderListing(
        orders=orders,
        total=pages.total,
        observed_from=began,
        observed_until=ended,
        complete=pages.complete,
        windows=windows,
        deployments=pages.deployments,
        anomalies=pages.anomalies,
        quarantined=tuple(
            msgspec.structs.replace(entry, index=page.start + entry.index)
            for page in read
            for entry in page.quarantined
        ),
        spans_refresh=pages.spans_refresh,
    )


def _server_time(exchange: Exchange) -> datetime:
    return datetime.fromtimestamp(exchange.skew.server_time(exchange.clock.read()), UTC)
