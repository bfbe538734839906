"""The logs of live algorithms: a window of lines, all of them, or a stream."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec

from qcasync._core import requests
from qcasync._core.collections import log_of
from qcasync._core.endpoints import READ_LIVE_LOGS
from qcasync._core.window_checks import filter_text, first_index
from qcasync._listing.pages import Pages
from qcasync._session import Seconds, Session
from qcasync.errors import ConfigurationError
from qcasync.models.listings import LogListing
from qcasync.models.logs import LogPage
from qcasync.resources._lists import streamed_list, whole_list
from qcasync.resources._log_parts import LogPart, find_log, find_part


class LiveLogs:
    """What `client.live` does with logs."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def read_logs(
        self,
        project_id: int,
        deploy_id: str,
        start: int,
        end: int,
        *,
        query: str | None = None,
        timeout: Seconds | None = None,
    ) -> LogPage:
        """Read one window of a project's log: a snapshot of about every 5 minutes. Cost: one request.

        QuantConnect numbers the lines of all deployments in one sequence, in launch order, and answers from it
        whichever deployment is named; `deployment_offset` of the page tells where that one begins. A page that is
        shorter than the window may still not be the last one. A deployment that is a few minutes old has no lines.
        `list_logs` reads a whole log.

        Endpoint: POST /live/logs/read

        Args:
            project_id: The project.
            deploy_id: One of its deployments.
            start: Number of the first line, from 0.
            end: Number after the last line, at most `start` + 250.
            query: Only lines that contain this text, in any case; they are numbered among themselves.
            timeout: Seconds for the whole call, waiting for loading included.

        Raises:
            APIError: The project has no such deployment.
            NotReady: QuantConnect was still preparing the log when the deadline came.
        """
        request = requests.log_window(project_id, deploy_id, start, end, query)
        page = await self._session.call(READ_LIVE_LOGS, request, timeout=timeout)
        return msgspec.structs.replace(page, start=start)

    async def list_logs(
        self,
        project_id: int,
        deploy_id: str | None = None,
        *,
        only_deployment: bool = False,
        query: str | None = None,
        timeout: Seconds | None = None,
    ) -> LogListing:
        """Read the whole log of a project, of all its deployments, or raise. Never a part of it.

        Windows of 200 lines are read in parallel. Cost: one request per 200 lines, and one or two that prove the end;
        one to find a deployment where none is named; one to three to find out where a deployment's lines begin and end
        with `only_deployment`. A log that seems to be empty is looked at twice, 10 s apart.

        Endpoint: POST /live/logs/read

        Args:
            project_id: The project.
            deploy_id: One of its deployments, which QuantConnect wants named; the most recent one if left out.
            only_deployment: The lines of that deployment alone, under the numbers that they have in the whole log.
            query: Only lines that contain this text, in any case; they are numbered among themselves. Not together
                with `only_deployment`.
            timeout: Seconds for the whole listing; without it, each window has 120 s of its own.

        Returns:
            The lines with their numbers, oldest first.

        Raises:
            NotFoundError: The project was never deployed.
            APIError: The project has no such deployment.
            IncompleteRead: Some windows could not be read; tells which.
            NotReady: QuantConnect was still preparing the log when the deadline came.
        """
        part = await self._part(project_id, deploy_id, query, timeout, only_deployment=only_deployment)
        session, log = self._session, log_of(project_id, part.deploy_id, query)

        def make(remembered: int | None) -> Pages[LogPage]:
            return Pages(session.exchange, log, start=part.start, stop=part.stop, remembered=remembered)

        whole = await whole_list(session, log, make, part.seconds)
        return LogListing(
            lines=tuple(line for page in whole.read for line in page.rows()),
            deploy_id=part.deploy_id,
            deployment_offset=next((page.deployment_offset for page in whole.read), None),
            **whole.facts(),
        )

    @asynccontextmanager
    async def iter_logs(
        self,
        project_id: int,
        deploy_id: str | None = None,
        *,
        start: int = 0,
        only_deployment: bool = False,
        query: str | None = None,
        timeout: Seconds | None = None,
    ) -> AsyncGenerator[Pages[LogPage], None]:
        """Stream the whole log of a project, of all its deployments, in bounded memory.

        An async context manager that gives an async iterator of pages, in the order of the lines and without overlap;
        at most 4,000 lines (with the default `max_concurrency`) are read ahead of you. Leaving the block early cancels
        what is in flight. Iteration ends only when the end of the log is proved. Cost as `list_logs`.

        Endpoint: POST /live/logs/read

        Args:
            project_id: The project.
            deploy_id: One of its deployments, which QuantConnect wants named; the most recent one if left out.
            start: Number of the first line, to go on where an earlier read ended.
            only_deployment: The lines of that deployment alone, under the numbers that they have in the whole log.
            query: Only lines that contain this text, in any case; they are numbered among themselves. Not together
                with `only_deployment`.
            timeout: Seconds for each window, waiting for loading included; 120 s if left out.

        Yields:
            The pages. Each is a `LogPage`, whose `rows()` have numbers and dates.

        Raises:
            NotFoundError: The project was never deployed.
            IncompleteRead: From the iteration: the rest could not be read.
            NotReady: From the iteration: QuantConnect kept preparing the log.
        """
        begin = first_index(start)
        part = await self._part(project_id, deploy_id, query, timeout, only_deployment=only_deployment)
        session, log = self._session, log_of(project_id, part.deploy_id, query)
        seconds, begin = session.seconds(timeout), max(begin, part.start)

        def make(remembered: int | None) -> Pages[LogPage]:
            return Pages(session.exchange, log, start=begin, stop=part.stop, remembered=remembered, timeout=seconds)

        async with streamed_list(session, log, make) as pages:
            yield pages

    async def _part(
        self,
        project_id: int,
        deploy_id: str | None,
        query: str | None,
        timeout: Seconds | None,
        *,
        only_deployment: bool,
    ) -> LogPart:
        requests.project(project_id)
        if query is not None:
            filter_text(query)
            if only_deployment:
                raise ConfigurationError(
                    "query and only_deployment do not go together: lines that match are numbered among themselves.",
                    "Read the deployment's lines, and pick those that contain the text.",
                )
        seconds = self._session.seconds(timeout)
        find = find_part if only_deployment else find_log
        return await find(self._session, project_id, deploy_id, seconds)
