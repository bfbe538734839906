"""Pages of a list in index order, fetched ahead of the reader."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final, Generic, Self, TypeVar

import anyio

from qcasync._core.collections import Collection
from qcasync._core.rows import PageT, cut
from qcasync._core.window_steps import Broken, Complete, LookAgain, Trouble, Wait, Window
from qcasync._core.windows import WARMING_LIMIT, WindowPlan
from qcasync._exchange import Exchange
from qcasync._tasks import task_group
from qcasync.errors import ConfigurationError, IncompleteRead, NotReady, QuantConnectError
from qcasync.models.listings import Anomaly
from qcasync.models.observations import WindowRead

WINDOWS_AHEAD: Final = 2
"""Windows kept in memory ahead of the reader, for each worker."""
MOVED: Final = frozenset({"gap", "disorder", "split", "mixed", "short"})
"""Anomalies that a list shows when it moved while it was read: one more pass tells."""


class Pages(Generic[PageT]):
    """An async iterator over a list of a project: pages in index order, without gap or overlap.

    Iteration ends when the end of the list is proved, and raises if it cannot be; until then what was yielded is a
    part.
    """

    def __init__(
        self,
        exchange: Exchange,
        collection: Collection[PageT],
        *,
        start: int = 0,
        stop: int | None = None,
        remembered: int | None = None,
        timeout: float | None = None,
    ) -> None:
        self._exchange = exchange
        self._collection = collection
        self._timeout = timeout
        self._stop = stop
        size = collection.window
        self._plan = WindowPlan(
            size=size,
            start=start,
            stop=stop,
            remembered=remembered,
            room=WINDOWS_AHEAD * exchange.max_concurrency * size,
        )
        self._pages: dict[int, PageT] = {}
        self._taken = start
        self._changed = anyio.Event()
        self._failure: QuantConnectError | None = None
        self._finished = False

    @property
    def anomalies(self) -> tuple[Anomaly, ...]:
        """What is odd about the rows yielded so far, and, at the end, about their number."""
        plan, noun = self._plan, self._collection.noun
        if self._finished and plan.falls_short:
            detail = f"nothing follows index {self._taken}, and fewer {noun} than that were spoken of"
        elif self._finished and plan.spoken_of > self._taken:
            detail = f"the list ends after {self._taken} {noun}, but {plan.spoken_of} were spoken of"
        else:
            return self._odd()
        return (*self._odd(), Anomaly(kind="short", index=self._taken, detail=detail))

    @property
    def hint(self) -> int:
        """How many rows the list is thought to have; 0 while nobody knows. Good for progress, not a proof."""
        return max(self._plan.hint, self._plan.frontier)

    @property
    def total(self) -> int:
        """The index after the last row yielded so far: once iteration has ended, how many rows the list has."""
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

    @property
    def tells_total(self) -> bool:
        """Whether `total` is how many rows the list has."""
        return self._finished and self._stop is None and self._plan.knows_total

    @property
    def stayed_empty(self) -> bool:
        """Whether no row ever came, although the list is thought to have some."""
        return self._plan.trouble is Trouble.WARMING

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> PageT:
        """The next page.

        Raises:
            IncompleteRead: The rest cannot be read.
            NotReady: The server kept preparing the first page.
            ConfigurationError: The block of the stream was left.
        """
        while not self._finished:
            page = self._pages.pop(self._taken, None)
            if page is not None:
                self._taken += page.count
                self._page_taken(page)
                self._plan.taken(self._taken)
                self._tell()
                return page
            if self._failure is not None:
                raise self._failure
            await self._changed.wait()
        raise StopAsyncIteration

    # What a kind of list may add

    def _page_taken(self, page: PageT) -> None:
        """The next page leaves for the reader."""

    def _odd(self) -> tuple[Anomaly, ...]:
        """What is odd about the rows yielded so far."""
        return ()

    # What workers do

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
        collection = self._collection
        request = collection.request(window.start, window.end)
        try:
            page = await self._exchange.call(collection.endpoint, request, timeout=self._timeout, patient=True)
        except QuantConnectError as error:
            self._plan.window_abandoned(window)
            self._fail(error if not self._plan.windows else self._incomplete(str(error), error))
            return
        count = self._plan.page_received(window, collection.arrival(page, window), anyio.current_time())
        if count:
            self._pages[window.start] = cut(page, window.start, count)
        self._exchange.observe(
            WindowRead(
                endpoint=collection.endpoint.path,
                project_id=collection.project_id,
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
            return NotReady(self._collection.endpoint.path, None, WARMING_LIMIT)
        return self._incomplete(trouble.value, None)

    def _incomplete(self, reason: str, cause: QuantConnectError | None) -> IncompleteRead:
        error = IncompleteRead(self._collection.endpoint.path, reason, self._plan.read(), self._plan.missing())
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


PagesT = TypeVar("PagesT", bound=Pages[Any])


@asynccontextmanager
async def open_pages(pages: PagesT, workers: int) -> AsyncGenerator[PagesT, None]:
    """Read a list with as many workers as the exchange serves. Leaving the block stops them."""
    async with task_group() as group:
        for _ in range(workers):
            group.start_soon(pages.work)
        try:
            yield pages
        finally:
            pages.close()
            group.cancel_scope.cancel()
