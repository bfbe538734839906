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
    READ_LIVE_PORTFOLIO,
)
from qcasync._effects import Effects
from qcasync._session import Seconds, Session
from qcasync.models.enums import AlgorithmStatus
from qcasync.models.live import LiveAlgorithm, LiveDeployment
from qcasync.models.portfolio import Portfolio
from qcasync.resources.live_charts import LiveCharts
from qcasync.resources.live_commands import LiveCommands
from qcasync.resources.live_insights import LiveInsights
from qcasync.resources.live_logs import LiveLogs
from qcasync.resources.live_messages import LiveMessages
from qcasync.resources.live_orders import LiveOrders
from qcasync.resources.live_trades import LiveTrades


class Live(LiveOrders, LiveInsights, LiveTrades, LiveLogs, LiveCharts, LiveCommands, LiveMessages):
    """Live algorithms: the attribute `live` of a client.

    Every method may raise `AuthenticationError`, `RequestError`, `ResponseError` and their kinds; `Raises:` lists what
    a method adds to them. `timeout=` bounds a whole call in seconds, retries and waits for loading included.
    """

    def __init__(self, session: Session, effects: Effects) -> None:
        LiveOrders.__init__(self, session)
        LiveInsights.__init__(self, session)
        LiveTrades.__init__(self, session)
        LiveLogs.__init__(self, session)
        LiveCharts.__init__(self, session)
        LiveCommands.__init__(self, session, effects)
        LiveMessages.__init__(self, session, effects)

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
