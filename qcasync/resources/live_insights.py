"""The insights of live algorithms: a window of them, all of them, or a stream."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec

from qcasync._core import requests
from qcasync._core.collections import insights_of
from qcasync._core.endpoints import READ_LIVE_INSIGHTS
from qcasync._core.window_checks import first_index
from qcasync._listing.pages import Pages
from qcasync._session import Seconds, Session
from qcasync.models.insights import InsightPage
from qcasync.models.listings import InsightListing
from qcasync.resources._lists import streamed_list, whole_list


class LiveInsights:
    """What `client.live` does with insights."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def read_insights(
        self, project_id: int, start: int, end: int, *, timeout: Seconds | None = None
    ) -> InsightPage:
        """Read one window of a project's insights: a snapshot of about every 10 minutes. Cost: one request.

        A page that is shorter than the window may still not be the last one. A deployment that is a few minutes old has
        no insights, and QuantConnect gives no sign that it will have some. `list_insights` reads all insights.

        Endpoint: POST /live/insights/read

        Args:
            project_id: The project.
            start: Index of the first insight; as far as is known, all deployments are counted, in launch order.
            end: Index after the last insight, at most `start` + 100.
            timeout: Seconds for the whole call, waiting for loading included.

        Raises:
            NotReady: QuantConnect was still preparing the insights when the deadline came.
        """
        request = requests.insight_window(project_id, start, end)
        page = await self._session.call(READ_LIVE_INSIGHTS, request, timeout=timeout)
        return msgspec.structs.replace(page, start=start)

    async def list_insights(self, project_id: int, *, timeout: Seconds | None = None) -> InsightListing:
        """Read all insights of a project, of all its deployments, or raise. Never a part of them.

        Windows of 100 are read in parallel. Cost: one request per 100 insights, and one or two that prove the end. A
        project that seems to have no insights is looked at twice, 10 s apart: before the first flush of a deployment,
        about 10 minutes after its launch, "none" says nothing, and no answer tells it from a list that is empty.

        Endpoint: POST /live/insights/read

        Args:
            project_id: The project.
            timeout: Seconds for the whole listing; without it, each window has 120 s of its own.

        Returns:
            The insights in the server's order, with those that could not be decoded (`quarantined`).

        Raises:
            IncompleteRead: Some windows could not be read; tells which.
            NotReady: QuantConnect was still preparing the insights when the deadline came.
        """
        session, insights = self._session, insights_of(project_id)

        def make(remembered: int | None) -> Pages[InsightPage]:
            return Pages(session.exchange, insights, remembered=remembered)

        whole = await whole_list(session, insights, make, session.seconds(timeout))
        return InsightListing(insights=tuple(row for page in whole.read for row in page.insights), **whole.facts())

    @asynccontextmanager
    async def iter_insights(
        self, project_id: int, *, start: int = 0, timeout: Seconds | None = None
    ) -> AsyncGenerator[Pages[InsightPage], None]:
        """Stream all insights of a project, in bounded memory.

        An async context manager that gives an async iterator of pages, in index order and without overlap; at most
        2,000 insights (with the default `max_concurrency`) are read ahead of you. Leaving the block early cancels what
        is in flight. Iteration ends only when the end of the list is proved. Cost as `list_insights`.

        Endpoint: POST /live/insights/read

        Args:
            project_id: The project.
            start: Index of the first insight, to go on where an earlier read ended.
            timeout: Seconds for each window, waiting for loading included; 120 s if left out.

        Yields:
            The pages. Each is an `InsightPage`.

        Raises:
            IncompleteRead: From the iteration: the rest could not be read.
            NotReady: From the iteration: QuantConnect kept preparing the insights.
        """
        session, insights, begin = self._session, insights_of(project_id), first_index(start)
        seconds = session.seconds(timeout)

        def make(remembered: int | None) -> Pages[InsightPage]:
            return Pages(session.exchange, insights, start=begin, remembered=remembered, timeout=seconds)

        async with streamed_list(session, insights, make) as pages:
            yield pages
