"""The charts of live algorithms: their names, one of them, all of them, or a stream."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime

import anyio

from qcasync._core import requests
from qcasync._core.endpoints import READ_LIVE_ALGORITHM, READ_LIVE_CHART, Endpoint
from qcasync._session import Seconds, Session
from qcasync.models.charts import Chart
from qcasync.resources._charts import Charts, open_charts


class LiveCharts:
    """What `client.live` does with charts."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def chart_names(self, project_id: int, *, timeout: Seconds | None = None) -> tuple[str, ...]:
        """Tell which charts a project's live algorithm has, in the server's order. Cost: one request.

        A project that was never deployed has none, or is refused.

        Endpoint: POST /live/read

        Args:
            project_id: The project.
            timeout: Seconds for the whole call.

        Raises:
            NotFoundError: The project does not exist.
        """
        request = requests.ReadLive(project_id=requests.project(project_id))
        live = await self._session.call(READ_LIVE_ALGORITHM, request, timeout=timeout)
        return tuple(live.charts if live.results is None else live.results.charts)

    async def read_chart(
        self,
        project_id: int,
        name: str,
        *,
        start: datetime,
        end: datetime,
        count: int = 1_000,
        timeout: Seconds | None = None,
    ) -> Chart:
        """Read a stretch of a chart. Cost: one request, and as many more as QuantConnect needs to load it.

        The series span all deployments of the project. Their points stay undecoded until they are used.

        Endpoint: POST /live/chart/read

        Args:
            project_id: The project.
            name: The chart, such as "Strategy Equity"; `chart_names` lists them.
            start: From when; aware.
            end: Until when; aware.
            count: About how many samples to take of the stretch; a wider one is sampled more coarsely.
            timeout: Seconds for the whole call, waiting for loading included.

        Raises:
            APIError: There is no such chart; the error names it.
            NotReady: QuantConnect was still preparing the chart when the deadline came.
        """
        request = requests.chart(project_id, name, start, end, count)
        return await self._session.call(_chart(name), request, timeout=timeout)

    async def list_charts(
        self,
        project_id: int,
        *,
        start: datetime,
        end: datetime,
        names: Iterable[str] | None = None,
        count: int = 1_000,
        timeout: Seconds | None = None,
    ) -> dict[str, Chart]:
        """Read a stretch of every chart of a project, all at once, or raise. Never a part of them.

        Cost: one request that tells their names, unless `names` does; one per chart, and as many more as QuantConnect
        needs to load them.

        Endpoint: POST /live/chart/read

        Args:
            project_id: The project.
            start: From when; aware.
            end: Until when; aware.
            names: Only these charts.
            count: About how many samples to take of the stretch; a wider one is sampled more coarsely.
            timeout: Seconds for all of it; without it, each chart has 120 s of its own.

        Returns:
            The charts by name, in the order of the names.

        Raises:
            APIError: There is no such chart; the error names it.
            NotReady: QuantConnect was still preparing a chart when the deadline came.
        """
        told, read = await self._plan(project_id, names, start=start, end=end, count=count, timeout=timeout)
        async with open_charts(told, read, len(told)) as charts:
            arrived = {name: chart async for name, chart in charts}
        return {name: arrived[name] for name in told}

    @asynccontextmanager
    async def iter_charts(
        self,
        project_id: int,
        *,
        start: datetime,
        end: datetime,
        names: Iterable[str] | None = None,
        count: int = 1_000,
        timeout: Seconds | None = None,
    ) -> AsyncGenerator[Charts, None]:
        """Stream a stretch of every chart of a project, each as soon as it arrives.

        An async context manager that gives an async iterator of names and charts. At most as many charts as there are
        requests in flight wait for you. Leaving the block early cancels what is in flight. Cost as `list_charts`.

        Endpoint: POST /live/chart/read

        Args:
            project_id: The project.
            start: From when; aware.
            end: Until when; aware.
            names: Only these charts.
            count: About how many samples to take of the stretch; a wider one is sampled more coarsely.
            timeout: Seconds for all of it; without it, each chart has 120 s of its own.

        Yields:
            The charts: `async for name, chart in charts`.

        Raises:
            APIError: From the iteration: there is no such chart; the error names it.
            NotReady: From the iteration: QuantConnect was still preparing a chart when the deadline came.
        """
        told, read = await self._plan(project_id, names, start=start, end=end, count=count, timeout=timeout)
        async with open_charts(told, read, self._session.exchange.max_concurrency) as charts:
            yield charts

    async def _plan(
        self,
        project_id: int,
        names: Iterable[str] | None,
        *,
        start: datetime,
        end: datetime,
        count: int,
        timeout: Seconds | None,
    ) -> tuple[tuple[str, ...], Callable[[str], Awaitable[Chart]]]:
        """Which charts to read, and how to read one of them."""
        session, seconds = self._session, self._session.seconds(timeout)
        requests.chart(project_id, "any", start, end, count)
        deadline = None if seconds is None else anyio.current_time() + seconds
        if names is None:
            told = await self.chart_names(project_id, timeout=timeout)
        else:
            told = requests.chart_names(names)

        async def read(name: str) -> Chart:
            left = None if deadline is None else max(deadline - anyio.current_time(), 0.001)
            request = requests.chart(project_id, name, start, end, count)
            return await session.call(_chart(name), request, timeout=left)

        return told, read


def _chart(name: str) -> Endpoint[Chart]:
    """The operation, whose refusals name the chart. Where a refusal speaks of the project, that is to blame."""
    hint = f"The chart asked for was {name[:200]!r}; live.chart_names() tells which charts there are."
    return replace(READ_LIVE_CHART, hints=(("roject", ""), ("", hint)))
