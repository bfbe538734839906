"""The orders of a project into a draft; and on from where a former export was interrupted.

What a finished part holds is not read again, but for the pages with orders that had not ended, and for the last page:
its rows must be the same orders as before, else the list has moved, and must be read from its beginning. So must one
that shows, by what is odd about it, that it moved while it was read.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial

import anyio

from qcasync._listing.orders import OrderPages
from qcasync._listing.pages import MOVED
from qcasync._tasks import task_group
from qcasync.client import Client
from qcasync.errors import IncompleteRead, QuantConnectError
from qcasync.exporting.draft import Draft
from qcasync.exporting.pages import Sheet, fits, numbers_of, page_of
from qcasync.exporting.parts import Part
from qcasync.exporting.snapshots import server_time
from qcasync.exporting.tail import MovedError, Tail
from qcasync.exporting.threads import in_thread
from qcasync.models.orders import Order, OrderPage
from qcasync.models.quarantine import Quarantined

Told = Callable[[int, int], None]
"""Told how many rows there are by now, and how many there seem to be in the end."""


async def read_orders(client: Client, draft: Draft, told: Told, *, is_last: bool) -> int:
    """Bring a draft up to date. Interrupted, it keeps what was read.

    Args:
        client: Reads.
        draft: What was read before, and is to be completed.
        told: Is told how far it is.
        is_last: Whether a list that seems to move while it is read is taken as it comes.

    Returns:
        How many rows it had before, and were not read again.

    Raises:
        MovedError: The list is not the one that the draft has read a part of, or seems to have moved meanwhile.
        IncompleteRead: The rest cannot be read.
    """
    reader = _Reader(client, draft, told, is_last=is_last)
    before = draft.contents.end
    await reader.refresh()
    await reader.read_on()
    return before - sum(reader.again.values())


class _Reader:
    def __init__(self, client: Client, draft: Draft, told: Told, *, is_last: bool) -> None:
        self._client = client
        self._draft = draft
        self._told = told
        self._project_id = draft.contents.project_id
        self._is_last = is_last
        self.again: dict[int, int] = {}
        """Where the sheets begin that were read again, and how many rows each has."""

    async def refresh(self) -> None:
        for part in self._draft.contents.parts:
            if part.unsettled:
                await self._refresh(part)

    async def read_on(self) -> None:
        last = await in_thread(self._last)
        tail = Tail(self._draft, last)
        start = 0
        if last is not None:
            start = last.start
            self.again[last.start] = last.page.count
        began = time.time()
        async with self._client.live.iter_orders(self._project_id, start=start) as pages:
            try:
                async for page in pages:
                    sheet = self._sheet(page, numbers_of(page), began)
                    # In a thread, whose end it awaits: one page is written at a time.
                    await in_thread(partial(tail.take, sheet, pages.deployments, pages.anomalies))
                    self._told(tail.end, pages.hint)
                tail.check_joined()
                await in_thread(lambda: tail.finish(pages.deployments, pages.anomalies))
            except (MovedError, OSError):  # after an error of the disk, nobody knows what of a part is in its file
                await in_thread(tail.abandon)
                raise
            except IncompleteRead as error:
                if not pages.moved:
                    await self._keep(tail, pages)
                    raise
                await in_thread(tail.abandon)
                if not self._is_last:
                    raise MovedError from error
                await in_thread(self._draft.forget)
                raise
            except BaseException:
                await self._keep(tail, pages)
                raise
        if not self._is_last and self._seems_moved():
            raise MovedError

    async def _refresh(self, part: Part) -> None:
        fresh: dict[int, Sheet] = {}
        failures: list[QuantConnectError | MovedError] = []
        known = await in_thread(lambda: self._unsettled(part))
        self.again.update((sheet.start, sheet.page.count) for sheet in known)

        async def again(sheet: Sheet) -> None:
            try:
                fresh[sheet.start] = await self._again(sheet)
            except (QuantConnectError, MovedError) as error:
                failures.append(error)
                group.cancel_scope.cancel()

        async with task_group() as group:
            for sheet in known:
                group.start_soon(again, sheet)
        if failures:
            raise failures[0]
        await in_thread(lambda: self._rewrite(part, fresh))

    async def _again(self, known: Sheet) -> Sheet:
        rows: list[Order | Quarantined] = []
        began = time.time()
        while len(rows) < known.page.count:
            page = await self._client.live.read_orders(self._project_id, known.start + len(rows), known.end)
            if not page.count:
                raise MovedError
            rows += page.rows()
        sheet = self._sheet(page_of(rows[: known.page.count], known.start), known.numbers, began)
        if not fits(known.marks(), sheet.marks()):
            raise MovedError
        return sheet

    def _sheet(self, page: OrderPage, numbers: tuple[int, ...], began: float) -> Sheet:
        """A page that was asked for since this machine's clock showed `began`."""
        asked_at, observed_at = server_time(self._client, began), server_time(self._client)
        return Sheet(page=page, numbers=numbers, asked_at=asked_at, observed_at=observed_at)

    def _seems_moved(self) -> bool:
        contents = self._draft.contents
        return any(each.kind in MOVED and each not in contents.suspected for each in contents.anomalies)

    async def _keep(self, tail: Tail, pages: OrderPages) -> None:
        """What was read before something went wrong."""
        with anyio.CancelScope(shield=True):
            try:
                await in_thread(lambda: tail.finish(pages.deployments, pages.anomalies))
            except OSError:  # it is full, perhaps; what went wrong first is told
                await in_thread(tail.abandon)

    def _unsettled(self, part: Part) -> list[Sheet]:
        starts = set(part.unsettled)
        return [sheet for sheet in self._draft.sheets(part) if sheet.start in starts]

    def _rewrite(self, part: Part, fresh: Mapping[int, Sheet]) -> None:
        """A part with some sheets in the place of others."""
        writer = self._draft.begin_part()
        try:
            for sheet in self._draft.sheets(part):
                writer.add(fresh.get(sheet.start, sheet))
            written = writer.finish()
        except BaseException:
            writer.abandon()
            raise
        parts = (written if each == part else each for each in self._draft.contents.parts)
        self._draft.keep(parts=tuple(each for each in parts if each is not None))

    def _last(self) -> Sheet | None:
        parts = self._draft.contents.parts
        return deque(self._draft.sheets(parts[-1]), maxlen=1)[0] if parts else None
