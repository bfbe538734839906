"""Reading all that a report shows, at once, through the client's own gate. A part that fails costs only itself."""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from anyio.abc import TaskGroup

from qcasync._core.requests import SURE_LOG_LINES
from qcasync._tasks import task_group
from qcasync.client import Client
from qcasync.errors import AuthenticationError, ConfigurationError, QuantConnectError
from qcasync.models.live import LiveAlgorithm
from qcasync.pictures.chart_reading import DRAWDOWN, EQUITY, SHORTEST, read_sharply
from qcasync.pictures.report_data import InsightTail, LogTail, ReportData, Unread

PATIENCE: Final = 30.0
"""Seconds for a part without which there still is a report."""
LINES: Final = 100
"""Log lines that are shown."""
INSIGHTS: Final = 50
"""Insights that are shown."""

EXPOSURE: Final = "Exposure"

_INSIGHT_WINDOW: Final = 100
_WITHOUT_LAUNCH: Final = timedelta(days=30)
_WRONG_CLOCK: Final = timedelta(days=1)
"""By as much ours may be late, before QuantConnect's is known."""

Read = Callable[[], Coroutine[Any, Any, object]]
PartRead = Callable[[int, int], None]
"""Told how many parts were read, and of how many."""


async def gather(
    qc: Client,
    project_id: int,
    *,
    since: datetime | None = None,
    patience: float = PATIENCE,
    now: datetime | None = None,
    part_read: PartRead | None = None,
) -> ReportData:
    """Read all that a report shows.

    Cost: live/read, the orders as `list_orders`, portfolio, up to three charts, one or two requests for the log and as
    many for insights; more where QuantConnect has to load something first.

    Args:
        qc: The client. Its gate bounds how much is read at once.
        project_id: The project.
        since: Where the period begins, aware; the launch of the latest deployment if left out.
        patience: Seconds for each part beside status and orders.
        now: The end of the period, aware; the time by QuantConnect's clock if left out.
        part_read: Told about progress.

    Raises:
        QuantConnectError: Status or orders could not be read: that is no report.
    """
    if since is not None and since.tzinfo is None:
        raise ConfigurationError("`since` has no time zone.", "Pass an aware datetime.")
    _refuse_future(since, now or qc.server_time + _WRONG_CLOCK)
    reading = _Reading(qc, project_id, patience, part_read or _unheard)
    async with task_group() as group:
        reading.must(group, "listing", lambda: qc.live.list_orders(project_id))
        reading.may(group, "portfolio", lambda: qc.live.read_portfolio(project_id, timeout=patience))
        reading.may(group, "insights", reading.insight_tail)
        reading.must(group, "live", lambda: reading.live(group, since, now))
    if reading.failed is not None:
        raise reading.failed
    return ReportData(project_id=project_id, **reading.parts)


class _Reading:
    """The parts of one report, as they come."""

    def __init__(self, qc: Client, project_id: int, patience: float, part_read: PartRead) -> None:
        self.parts: dict[str, Any] = {}  # by the names of ReportData
        self._failures: list[QuantConnectError] = []
        self._refusals: list[QuantConnectError] = []
        self._qc = qc
        self._project_id = project_id
        self._patience = patience
        self._part_read = part_read
        self._begun = 0
        self._done = 0

    @property
    def failed(self) -> QuantConnectError | None:
        """Why there is no report. Of wrong credentials, what the server said to the one part that it was asked for."""
        told = (error for error in (*self._failures, *self._refusals) if not _is_echo(error))
        return next(told, self._failures[0]) if self._failures else None

    def must(self, group: TaskGroup, name: str, read: Read) -> None:
        """Read a part without which there is no report: if it fails, the rest is given up."""

        async def run() -> None:
            try:
                self.parts[name] = await read()
            except QuantConnectError as error:
                self._failures.append(error)
                if not _is_echo(error):
                    group.cancel_scope.cancel()
            self._count()

        self._begin(group, run)

    def may(self, group: TaskGroup, name: str, read: Read) -> None:
        """Read a part whose place can also tell why it is missing."""

        async def run() -> None:
            try:
                self.parts[name] = await read()
            except QuantConnectError as error:
                self.parts[name] = Unread(str(error).partition("\n")[0])
                if isinstance(error, AuthenticationError):
                    self._refusals.append(error)
            self._count()

        self._begin(group, run)

    async def live(self, group: TaskGroup, since: datetime | None, now: datetime | None) -> LiveAlgorithm:
        """Read the status, and begin with the parts that need it."""
        live = await self._qc.live.read(self._project_id)
        until = self.parts["read_at"] = (now or self._qc.server_time).astimezone(UTC)
        _refuse_future(since, until)
        self.parts["since_launch"] = since is None and live.launched is not None
        start = since or live.launched or until - _WITHOUT_LAUNCH
        self.parts["since"] = start = start.astimezone(UTC)
        first = min(start, until - SHORTEST)
        for part, name in (("equity", EQUITY), ("drawdown", DRAWDOWN), ("exposure", EXPOSURE)):
            if live.charts and name not in live.charts:
                self.parts[part] = Unread(f'The algorithm has no chart "{name}".')
            else:
                self.may(group, part, self._chart(name, first, until))
        if live.deploy_id:
            self.may(group, "log", lambda: self._log_tail(live.deploy_id))
        else:
            self.parts["log"] = Unread("QuantConnect names no deployment whose log could be read.")
        return live

    async def insight_tail(self) -> InsightTail:
        """Read the last insights: the first window, and the last ones if those are others."""
        read = self._qc.live.read_insights
        page = await read(self._project_id, 0, _INSIGHT_WINDOW, timeout=self._patience)
        total, insights = page.length, page.insights
        if total is not None and total > page.count > 0:
            start, insights = max(total - INSIGHTS, 0), ()
            while start < total and page.count:  # a page may be shorter than its window
                page = await read(self._project_id, start, total, timeout=self._patience)
                start, insights = start + page.count, insights + page.insights
        elif page.count >= _INSIGHT_WINDOW or (total is not None and total < page.count):
            total = None  # there may be more: the length is that of the page, or means nothing
        return InsightTail(insights=insights[-INSIGHTS:], total=total)

    async def _log_tail(self, deploy_id: str) -> LogTail:
        read = self._qc.live.read_logs
        page = await read(self._project_id, deploy_id, 0, SURE_LOG_LINES, timeout=self._patience)
        length, offset, first, lines = page.length, page.deployment_offset or 0, 0, page.lines
        if length is not None and length > page.count > 0:
            first = start = max(length - LINES, 0)
            lines = ()
            while start < length and page.count:  # a page may be shorter than its window
                page = await read(self._project_id, deploy_id, start, length, timeout=self._patience)
                start, lines = start + page.count, lines + page.lines
        own = lines[max(offset - first, 0) :]
        total = None if length is None or length < page.count else max(length - offset, len(own))
        return LogTail(lines=own[-LINES:], total=total)

    def _chart(self, name: str, start: datetime, end: datetime) -> Read:
        return lambda: read_sharply(self._qc, self._project_id, name, start=start, end=end, timeout=self._patience)

    def _begin(self, group: TaskGroup, run: Read) -> None:
        self._begun += 1
        group.start_soon(run)

    def _count(self) -> None:
        self._done += 1
        self._part_read(self._done, self._begun)


def _refuse_future(since: datetime | None, now: datetime) -> None:
    if since is not None and since >= now:
        raise ConfigurationError("`since` is in the future.", "Pass a time that has passed.")


def _is_echo(error: QuantConnectError) -> bool:
    """Whether nothing was sent because another part has just been refused. Then all the others fail by themselves."""
    return isinstance(error, AuthenticationError) and not error.status_code


def _unheard(_done: int, _begun: int) -> None:
    """Nobody wants to know."""
