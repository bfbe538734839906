"""Whole lists: every page, or an error, and how it came about."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypedDict, TypeVar

import anyio
import msgspec

from qcasync._core.rows import PageT
from qcasync._core.skew import Reading
from qcasync._exchange import Exchange
from qcasync._listing.pages import Pages, open_pages
from qcasync.errors import IncompleteRead
from qcasync.models.listings import Anomaly
from qcasync.models.logs import LogPage
from qcasync.models.quarantine import Quarantined

MAX_PASSES: Final = 2

PagesT = TypeVar("PagesT", bound=Pages[Any])


class Facts(TypedDict):
    """What every listing tells of itself."""

    total: int
    observed_from: datetime
    observed_until: datetime
    complete: bool
    windows: int
    anomalies: tuple[Anomaly, ...]
    quarantined: tuple[Quarantined, ...]
    spans_refresh: bool


@dataclass(frozen=True)
class Whole(Generic[PagesT, PageT]):
    """A list that was read to its end.

    Attributes:
        pages: What read it, in its last pass.
        read: The pages, in index order.
        windows: How many windows were read in all passes.
        began: When the last pass began.
        ended: When it ended.
    """

    pages: PagesT
    read: list[PageT]
    windows: int
    began: datetime
    ended: datetime

    def facts(self) -> Facts:
        """What its listing tells of itself."""
        return Facts(
            total=self.pages.total,
            observed_from=self.began,
            observed_until=self.ended,
            complete=self.pages.complete,
            windows=self.windows,
            anomalies=self.pages.anomalies,
            quarantined=tuple(
                msgspec.structs.replace(entry, index=page.start + entry.index)
                for page in self.read
                if not isinstance(page, LogPage)
                for entry in page.quarantined
            ),
            spans_refresh=self.pages.spans_refresh,
        )


async def read_whole(
    exchange: Exchange, make: Callable[[int | None], PagesT], remembered: int | None, timeout: float | None
) -> Whole[PagesT, Any]:
    """Read a list to its end. One that seems to have moved while it was read is read once more.

    Args:
        exchange: Reads the windows.
        make: Makes what reads the list, given how many rows it is thought to have.
        remembered: How many it had when it was last listed.
        timeout: Seconds for all of it.
    """
    passes: list[PagesT] = []
    with anyio.move_on_after(timeout):
        while True:
            began = exchange.clock.read()
            async with open_pages(make(remembered), exchange.max_concurrency) as pages:
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
        # Both by what is known of the server's clock now: before the first answer, that was our own clock.
        return Whole(pages, read, windows, _server_time(exchange, began), _server_time(exchange, exchange.clock.read()))
    raise passes[-1].overdue()


def _server_time(exchange: Exchange, reading: Reading) -> datetime:
    return datetime.fromtimestamp(exchange.skew.server_time(reading), UTC)
