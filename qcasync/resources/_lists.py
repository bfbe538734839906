"""Lists read with a session: with its defaults, and with its memory of how long they were."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from qcasync._core.collections import Collection
from qcasync._core.rows import PageT
from qcasync._listing.pages import Pages, open_pages
from qcasync._listing.whole import Whole, read_whole
from qcasync._session import Session
from qcasync.errors import NotReady

PagesT = TypeVar("PagesT", bound=Pages[Any])


async def whole_list(
    session: Session,
    collection: Collection[PageT],
    make: Callable[[int | None], PagesT],
    timeout: float | None,
) -> Whole[PagesT, PageT]:
    """Read a list to its end, and remember how long it is.

    Args:
        session: Performs the requests.
        collection: The list.
        make: Makes what reads it, given how many rows it is thought to have.
        timeout: Seconds for all of it.
    """
    session.check_usable()
    totals = session.totals
    try:
        whole = await read_whole(session.exchange, make, totals.get(collection.key), timeout)
    except NotReady:
        totals.pop(collection.key, None)  # what we remember may be what is wrong
        raise
    if whole.pages.tells_total:
        totals[collection.key] = whole.pages.total
    return whole


@asynccontextmanager
async def streamed_list(
    session: Session, collection: Collection[Any], make: Callable[[int | None], PagesT]
) -> AsyncGenerator[PagesT, None]:
    """Stream a list, and remember how long it is once its end was reached.

    Args:
        session: Performs the requests.
        collection: The list.
        make: Makes what reads it, given how many rows it is thought to have.
    """
    session.check_usable()
    totals = session.totals
    async with open_pages(make(totals.get(collection.key)), session.exchange.max_concurrency) as pages:
        try:
            yield pages
        finally:
            if pages.stayed_empty:
                totals.pop(collection.key, None)  # what we remember may be what is wrong
        if pages.tells_total:
            totals[collection.key] = pages.total
