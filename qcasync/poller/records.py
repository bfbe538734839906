"""Looks at the lists of a project that only grow: log lines and insights."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

import msgspec

from qcasync._core import requests
from qcasync._core.deltas import digest_of
from qcasync._core.endpoints import READ_LIVE_INSIGHTS, READ_LIVE_LOGS
from qcasync._core.requests import MAX_LOG_LINES, MAX_WINDOW
from qcasync._core.tails import TailMemory, follow_tail
from qcasync.models.changes import Change, Gap, InsightAdded, LogLineAdded
from qcasync.models.insights import Insight
from qcasync.poller.keeping import Keeper
from qcasync.poller.reader import Reader
from qcasync.poller.store import Facts

LOGS: Final = "logs"
INSIGHTS: Final = "insights"

_Rows = tuple[list[str], list[Change | None], float]
"""Of a window: what tells each row from others, the change that it is, and when the answer was written."""


class TailLook:
    """What is looked at when such a list is due.

    Args:
        project_id: The project.
        about: Which list.
        read: Reads the rows from an index on, in an epoch, within some seconds.
        keeper: Keeps, and passes changes on.
        tells_first: Tell the rows that are there already.
    """

    def __init__(
        self,
        project_id: int,
        about: str,
        read: Callable[[int, int, float | None], Awaitable[_Rows]],
        keeper: Keeper,
        *,
        tells_first: bool,
    ) -> None:
        self._project_id = project_id
        self._about = about
        self._read = read
        self._keeper = keeper
        self._tells_first = tells_first
        self._memory: TailMemory = keeper.memory(project_id, about, TailMemory) or TailMemory()

    @property
    def has_baseline(self) -> bool:
        """Whether its end was reached once."""
        return self._memory.complete

    async def look(self, timeout: float | None) -> bool:
        """Look once. Returns whether there was news."""
        news, restarts = False, 0
        while True:
            memory = self._memory
            marks, rows, at = await self._read(memory.start, memory.epoch, timeout)
            tail = follow_tail(memory, marks)
            told = rows[len(rows) - tail.fresh :] if self._tells_first or memory.complete else []
            changes = [change for change in told if change is not None]
            if tail.restarted:
                changes = [self._gap(memory, at)]
            if tail.memory != memory:
                content = msgspec.json.encode(tail.memory)
                await self._keeper.keep(
                    Facts(project_id=self._project_id, memories={self._about: content}, changes=changes)
                )
            self._memory = tail.memory
            news, restarts = news or bool(changes), restarts + tail.restarted
            if not tail.more or restarts > 1:
                return news

    def _gap(self, memory: TailMemory, at: float) -> Gap:
        return Gap(
            project_id=self._project_id,
            key=f"gap:{self._project_id}:{self._about}:{memory.epoch}",
            observed_at=datetime.fromtimestamp(at, UTC),
            what=self._about,
            deploy_id=None,
            detail=f"The {self._about} are no longer those that were read before; all are read again.",
        )


def logs_look(
    project_id: int, reader: Reader, keeper: Keeper, latest: Callable[[], str | None], *, tells_first: bool
) -> TailLook:
    """Look at a project's log.

    Args:
        project_id: The project.
        reader: Reads.
        keeper: Keeps, and passes changes on.
        latest: The project's latest deployment, which the server wants to be named.
        tells_first: Tell the lines that are there already.
    """

    async def read(start: int, epoch: int, timeout: float | None) -> _Rows:
        deploy_id = latest() or ""
        request = requests.log_window(project_id, deploy_id, start, start + MAX_LOG_LINES)
        page, at = await reader.read(READ_LIVE_LOGS, request, timeout=timeout)
        observed_at = datetime.fromtimestamp(at, UTC)
        rows: list[Change | None] = [
            LogLineAdded(
                project_id=project_id,
                key=f"log:{project_id}:{epoch}:{line}",
                observed_at=observed_at,
                deploy_id=deploy_id,
                line=line,
                text=text,
            )
            for line, text in enumerate(page.lines, start)
        ]
        return [digest_of(text.encode()).hex() for text in page.lines], rows, at

    return TailLook(project_id, LOGS, read, keeper, tells_first=tells_first)


def insights_look(project_id: int, reader: Reader, keeper: Keeper, *, tells_first: bool) -> TailLook:
    """Look at a project's insights.

    Args:
        project_id: The project.
        reader: Reads.
        keeper: Keeps, and passes changes on.
        tells_first: Tell the insights that are there already.
    """

    async def read(start: int, epoch: int, timeout: float | None) -> _Rows:
        request = requests.insight_window(project_id, start, start + MAX_WINDOW)
        page, at = await reader.read(READ_LIVE_INSIGHTS, request, timeout=timeout)
        observed_at = datetime.fromtimestamp(at, UTC)
        marks: list[str] = []
        rows: list[Change | None] = []
        for index, row in enumerate(page.rows(), start):
            marks.append(row.id if isinstance(row, Insight) else digest_of(row.raw).hex())
            rows.append(
                InsightAdded(
                    project_id=project_id,
                    key=f"insight:{project_id}:{epoch}:{row.id}",
                    observed_at=observed_at,
                    index=index,
                    insight=row,
                )
                if isinstance(row, Insight)
                else None
            )
        return marks, rows, at

    return TailLook(project_id, INSIGHTS, read, keeper, tells_first=tells_first)
