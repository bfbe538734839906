"""Live algorithms."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, overload

from qcasync._core import requests
from qcasync._core.echoes import read_for
from qcasync._core.endpoints import (
    LIST_LIVE_ALGORITHMS,
    READ_LIVE_ALGORITHM,
    READ_LIVE_ALGORITHM_LIST,
    READ_LIVE_CHART,
    READ_LIVE_PORTFOLIO,
)
from qcasync._effects import Effects
from qcasync._session import Seconds, Session
from qcasync.models.charts import Chart
from qcasync.models.enums import AlgorithmStatus
from qcasync.models.live import LiveAlgorithm, LiveDeployment
from qcasync.models.portfolio import Portfolio
from qcasync.resources.live_commands import LiveCommands
from qcasync.resources.live_orders import LiveOrders
from qcasync.resources.live_records import LiveRecords


class Live(LiveOrders, LiveRecords, LiveCommands):
    """Live algorithms: the attribute `live` of a client.

    Every method may raise `AuthenticationError`, `RequestError`, `ResponseError` and their kinds; `Raises:` lists what
    a method adds to them. `timeout=` bounds a whole call in seconds, retries and waits for loading included.
    """

    def __init__(self, session: Session, effects: Effects) -> None:
        LiveOrders.__init__(self, session)
        LiveRecords.__init__(self, session)
        LiveCommands.__init__(self, session, effects)

    async def read(
        self, project_id: int, *, deploy_id: str | None = None, timeout: Seconds | None = None
    ) -> LiveAlgorithm:
        """Read the live algorithm of a project. Cost: one request.

        Endpoint: POST /live/read

        Args:
            project_id: The project.
            deploy_id: One of its deployments; the most recent one if left out.
            timeout: Seconds for the whole call.

        Raises:
            NotFoundError: The project does not exist, or was never deployed.
        """
        request = requests.ReadLive(
            project_id=requests.project(project_id),
            deploy_id=None if deploy_id is None else requests.identifier("deploy_id", deploy_id),
        )
        endpoint = read_for(READ_LIVE_ALGORITHM, request.deploy_id)
        return await self._session.call(endpoint, request, timeout=timeout)

    async def list(
        self,
        *,
        status: AlgorithmStatus | str | None = None,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        timeout: Seconds | None = None,
    ) -> tuple[LiveDeployment, ...]:
        """List the deployments of all projects. Cost: one request.

        Endpoint: POST /live/list

        Args:
            status: Only deployments in this status. QuantConnect filters by Running, Stopped, RuntimeError, Liquidated.
            start_time: Only deployments launched since; aware.
            end_time: Only deployments launched until; aware.
            timeout: Seconds for the whole call.
        """
        request = requests.live_list(status, start_time, end_time, times="unix")
        return await self._session.call(LIST_LIVE_ALGORITHMS, request, timeout=timeout)

    async def read_list(
        self,
        *,
        status: AlgorithmStatus | str | None = None,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        timeout: Seconds | None = None,
    ) -> tuple[LiveDeployment, ...]:
        """List deployments through the list form of live/read. Cost: one request.

        QuantConnect documents this form, but has answered it with "Invalid argument" since 2024; use `list`.

        Endpoint: POST /live/read

        Args:
            status: Only deployments in this status.
            start_time: Only deployments launched since; aware.
            end_time: Only deployments launched until; aware.
            timeout: Seconds for the whole call.

        Raises:
            APIError: The server no longer knows this form.
        """
        request = requests.live_list(status, start_time, end_time, times="iso")
        return await self._session.call(READ_LIVE_ALGORITHM_LIST, request, timeout=timeout)

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
            name: The chart, such as "Strategy Equity"; `read` lists them.
            start: From when; aware.
            end: Until when; aware.
            count: About how many samples to take of the stretch; a wider one is sampled more coarsely.
            timeout: Seconds for the whole call, waiting for loading included.

        Raises:
            APIError: There is no such chart.
            NotReady: QuantConnect was still preparing the chart when the deadline came.
        """
        request = requests.chart(project_id, name, start, end, count)
        return await self._session.call(READ_LIVE_CHART, request, timeout=timeout)

    @overload
    async def read_portfolio(
        self, project_id: int, *, decimal: Literal[False] = False, timeout: Seconds | None = None
    ) -> Portfolio: ...
    @overload
    async def read_portfolio(
        self, project_id: int, *, decimal: Literal[True], timeout: Seconds | None = None
    ) -> Portfolio[Decimal]: ...
    async def read_portfolio(
        self, project_id: int, *, decimal: bool = False, timeout: Seconds | None = None
    ) -> Portfolio[Any]:
        """Read what a project's live algorithm holds: a snapshot of about every 10 minutes. Cost: one request.

        Endpoint: POST /live/portfolio/read

        Args:
            project_id: The project.
            decimal: Prices, quantities and amounts as exact `Decimal` instead of float.
            timeout: Seconds for the whole call.

        Raises:
            APIError: The project was never deployed.
        """
        endpoint = READ_LIVE_PORTFOLIO.exactly() if decimal else READ_LIVE_PORTFOLIO
        request = requests.ProjectCall(project_id=requests.project(project_id))
        return await self._session.call(endpoint, request, timeout=timeout)
