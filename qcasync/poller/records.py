"""Looks at the lists of a project that only grow: log lines and insights."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

import msgspec

from qcasync._core import requests
from qcasync._core.digests import digest_of, plain
from qcasync._core.endpoints import READ_LIVE_INSIGHTS, READ_LIVE_LOGS
from qcasync._core.requests import MAX_WINDOW, SURE_LOG_LINES
from qcasync._core.tails import TailMemory, follow_tail
from qcasync.models.changes import Change, Gap, InsightAdded, LogLineAdded
from qcasync.models.insights import Insight
from qcasync.poller.keeping import Keeper
from qcasync.poller.reader import Reader
from qcasync.poller.store import Facts

LOGS: Final = "logs"
INSIGHTS: Final = "insights"


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer shows of such a list.

    Attributes:
        marks: What tells each row from others.
        changes: The change that each row is; None if it cannot be decoded.
        recent: Whether each row is news, though it be older than the first look.
        length: How many rows the list has, if the answer says so.
        at: When the answer was written, in Unix seconds.
    """

    marks: list[str]
    changes: list[Change | None]
    recent: list[bool]
    length: int | None
    at: float


class TailLook:
    """What is looked at when such a list is due.

    Args:
        project_id: The project.
        about: Which list.
        read: Reads the rows from an index on, within some seconds.
        keeper: Keeps, and passes changes on.
        tells_first: Tell the rows that are there already.
    """

    def __init__(
        self,
        project_id: int,
        about: str,
        read: Callable[[int, float | None], Awaitable[Rows]],
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
            rows = await self._read(memory.start, timeout)
            tail = follow_tail(memory, rows.marks, rows.length)
            tells_all = self._tells_first or memory.complete
            fresh = list(zip(rows.changes, rows.recent, strict=True))[len(rows.changes) - tail.fresh :]
            changes = [change for change, recent in fresh if change is not None and (tells_all or recent)]
            if tail.restarted:
                changes = [self._gap(memory, rows.at)]
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
            key=f"gap:{self._project_id}:{self._about}:{memory.epoch}:{at:.3f}",
            observed_at=datetime.fromtimestamp(at, UTC),
            what=self._about,
            deploy_id=None,
            detail=f"The {self._about} are no longer those that were read before; all are read again.",
        )


def logs_look(
    project_id: int,
    reader: Reader,
    keeper: Keeper,
    latest: Callable[[], str | None],
    *,
    tells_first: bool,
    is_new: Callable[[], bool] = lambda: False,
) -> TailLook:
    """Look at a project's log.

    Args:
        project_id: The project.
        reader: Reads.
        keeper: Keeps, and passes changes on.
        latest: The project's latest deployment, which the server wants to be named.
        tells_first: Tell the lines that are there already.
        is_new: Whether that deployment was launched since the checkpoint was begun: its lines are all told.
    """

    async def read(start: int, timeout: float | None) -> Rows:
        deploy_id = latest() or ""
        request = requests.log_window(project_id, deploy_id, start, start + SURE_LOG_LINES)
        page, at = await reader.read(READ_LIVE_LOGS, request, timeout=timeout)
        observed_at = datetime.fromtimestamp(at, UTC)
        marks = [digest_of(text.encode()).hex() for text in page.lines]
        first = (page.deployment_offset or 0) if is_new() else None
        rows: list[Change | None] = [
            LogLineAdded(
                project_id=project_id,
                key=f"log:{project_id}:{line}:{mark}",
                observed_at=observed_at,
                deploy_id=deploy_id,
                line=line,
                text=text,
            )
            for line, (text, mark) in enumerate(zip(page.lines, marks, strict=True), start)
        ]
        recent = [first is not None and line >= first for line in range(start, start + len(rows))]
        return Rows(marks=marks, changes=rows, recent=recent, length=page.length, at=at)

    return TailLook(project_id, LOGS, read, keeper, tells_first=tells_first)


def insights_look(
    project_id: int, reader: Reader, keeper: Keeper, *, tells_first: bool, told_since: float | None = None
) -> TailLook:
    """Look at a project's insights.

    Args:
        project_id: The project.
        reader: Reads.
        keeper: Keeps, and passes changes on.
        tells_first: Tell the insights that are there already.
        told_since: Tell those, too, that were made at or after this Unix time; None leaves it at that.
    """

    async def read(start: int, timeout: float | None) -> Rows:
        request = requests.insight_window(project_id, start, start + MAX_WINDOW)
        page, at = await reader.read(READ_LIVE_INSIGHTS, request, timeout=timeout)
        observed_at = datetime.fromtimestamp(at, UTC)
        marks: list[str] = []
        rows: list[Change | None] = []
        recent: list[bool] = []
        for index, row in enumerate(page.rows(), start):
            marks.append(row.id if isinstance(row, Insight) else digest_of(row.raw).hex())
            recent.append(isinstance(row, Insight) and told_since is not None and row.generated_time_at >= told_since)
            rows.append(
                InsightAdded(
                    project_id=project_id,
                    key=f"insight:{project_id}:{plain(row.id) if row.id else index}",
                    observed_at=observed_at,
                    index=index,
                    insight=row,
                )
                if isinstance(row, Insight)
                else None
            )
        return Rows(marks=marks, changes=rows, recent=recent, length=None, at=at)

    return TailLook(project_id, INSIGHTS, read, keeper, tells_first=tells_first)
