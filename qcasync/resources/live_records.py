"""What live algorithms record beside orders: log lines and insights, a window at a time."""

import msgspec

from qcasync._core import requests
from qcasync._core.endpoints import READ_LIVE_INSIGHTS, READ_LIVE_LOGS
from qcasync._session import Seconds, Session
from qcasync.models.insights import InsightPage
from qcasync.models.logs import LogPage


class LiveRecords:
    """What `client.live` does with logs and insights."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def read_logs(
        self, project_id: int, deploy_id: str, start: int, end: int, *, timeout: Seconds | None = None
    ) -> LogPage:
        """Read one window of a project's log: a snapshot of about every 5 minutes. Cost: one request.

        QuantConnect numbers the lines of all deployments in one sequence, in launch order, and answers from it
        whichever deployment is named; `deployment_offset` of the page tells where that one begins. A page that is
        shorter than the window may still not be the last one. A deployment that is a few minutes old has no lines.

        Endpoint: POST /live/logs/read

        Args:
            project_id: The project.
            deploy_id: One of its deployments.
            start: Number of the first line, from 0.
            end: Number after the last line, at most `start` + 250.
            timeout: Seconds for the whole call, waiting for loading included.

        Raises:
            APIError: The project has no such deployment.
            NotReady: QuantConnect was still preparing the log when the deadline came.
        """
        request = requests.log_window(project_id, deploy_id, start, end)
        page = await self._session.call(READ_LIVE_LOGS, request, timeout=timeout)
        return msgspec.structs.replace(page, start=start)

    async def read_insights(
        self, project_id: int, start: int, end: int, *, timeout: Seconds | None = None
    ) -> InsightPage:
        """Read one window of a project's insights: a snapshot of about every 10 minutes. Cost: one request.

        A page that is shorter than the window may still not be the last one. A deployment that is a few minutes old has
        no insights, and QuantConnect gives no sign that it will have some.

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
