"""The closed trades of live algorithms: a window of them, all of them, or a stream."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec

from qcasync._core import requests
from qcasync._core.collections import trades_of
from qcasync._core.endpoints import READ_LIVE_TRADES
from qcasync._core.window_checks import first_index
from qcasync._listing.pages import Pages
from qcasync._session import Seconds, Session
from qcasync.models.listings import TradeListing
from qcasync.models.trades import TradePage
from qcasync.resources._lists import streamed_list, whole_list


class LiveTrades:
    """What `client.live` does with closed trades."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def read_trades(
        self,
        project_id: int,
        start: int,
        end: int,
        *,
        deploy_id: str | None = None,
        timeout: Seconds | None = None,
    ) -> TradePage:
        """Read one window of a project's closed trades: a snapshot of about every 10 minutes. Cost: one request.

        The engine pairs fills to trades; `qcasync.closed_trades` does so from orders, by a rule that is written down.
        A page that is shorter than the window may still not be the last one. `list_trades` reads all trades.

        Endpoint: POST /live/trades/read

        Args:
            project_id: The project.
            start: Index of the first trade.
            end: Index after the last trade, at most `start` + 100.
            deploy_id: One of the project's deployments, whose trades alone are counted; all of them if left out.
            timeout: Seconds for the whole call, waiting for loading included.

        Raises:
            APIError: The project has no such deployment.
            NotReady: QuantConnect was still preparing the trades when the deadline came.
        """
        request = requests.trade_window(project_id, start, end, deploy_id)
        page = await self._session.call(READ_LIVE_TRADES, request, timeout=timeout)
        return msgspec.structs.replace(page, start=start)

    async def list_trades(
        self, project_id: int, *, deploy_id: str | None = None, timeout: Seconds | None = None
    ) -> TradeListing:
        """Read all closed trades of a project, or of one of its deployments, or raise. Never a part of them.

        Windows of 100 are read in parallel. Cost: one request per 100 trades, and one or two that prove the end. A
        project that seems to have no trades is looked at twice, 10 s apart, because QuantConnect answers "none" while
        it warms a cache.

        Endpoint: POST /live/trades/read

        Args:
            project_id: The project.
            deploy_id: One of its deployments; all of them if left out.
            timeout: Seconds for the whole listing; without it, each window has 120 s of its own.

        Returns:
            The trades in the server's order, with those that could not be decoded (`quarantined`).

        Raises:
            APIError: The project has no such deployment.
            IncompleteRead: Some windows could not be read; tells which.
            NotReady: QuantConnect was still preparing the trades when the deadline came.
        """
        session, trades = self._session, trades_of(project_id, deploy_id)

        def make(remembered: int | None) -> Pages[TradePage]:
            return Pages(session.exchange, trades, remembered=remembered)

        whole = await whole_list(session, trades, make, session.seconds(timeout))
        return TradeListing(trades=tuple(row for page in whole.read for row in page.trades), **whole.facts())

    @asynccontextmanager
    async def iter_trades(
        self,
        project_id: int,
        *,
        deploy_id: str | None = None,
        start: int = 0,
        timeout: Seconds | None = None,
    ) -> AsyncGenerator[Pages[TradePage], None]:
        """Stream all closed trades of a project, or of one of its deployments, in bounded memory.

        An async context manager that gives an async iterator of pages, in index order and without overlap; at most
        2,000 trades (with the default `max_concurrency`) are read ahead of you. Leaving the block early cancels what is
        in flight. Iteration ends only when the end of the list is proved. Cost as `list_trades`.

        Endpoint: POST /live/trades/read

        Args:
            project_id: The project.
            deploy_id: One of its deployments; all of them if left out.
            start: Index of the first trade, to go on where an earlier read ended.
            timeout: Seconds for each window, waiting for loading included; 120 s if left out.

        Yields:
            The pages. Each is a `TradePage`.

        Raises:
            IncompleteRead: From the iteration: the rest could not be read.
            NotReady: From the iteration: QuantConnect kept preparing the trades.
        """
        session, trades, begin = self._session, trades_of(project_id, deploy_id), first_index(start)
        seconds = session.seconds(timeout)

        def make(remembered: int | None) -> Pages[TradePage]:
            return Pages(session.exchange, trades, start=begin, remembered=remembered, timeout=seconds)

        async with streamed_list(session, trades, make) as pages:
            yield pages
