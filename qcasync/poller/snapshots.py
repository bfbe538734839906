"""Looks at what a project shows as a whole: its portfolio, its runtime statistics, its charts."""

from collections.abc import Sequence
from typing import Final

import msgspec

from qcasync._core.endpoints import READ_LIVE_ALGORITHM, READ_LIVE_CHART, READ_LIVE_PORTFOLIO
from qcasync._core.requests import ProjectCall, ReadChart, ReadLive
from qcasync._core.snapshots import (
    ChartMemory,
    PortfolioMemory,
    StatisticsMemory,
    follow_chart,
    follow_portfolio,
    follow_statistics,
)
from qcasync.errors import CheckpointError, ConfigurationError, QuantConnectError
from qcasync.models.changes import Change
from qcasync.poller.keeping import Keeper
from qcasync.poller.reader import Reader
from qcasync.poller.store import Facts

PORTFOLIO: Final = "portfolio"
STATISTICS: Final = "statistics"
CHARTS: Final = "charts"
CHART_STRETCH: Final = 3600
"""Seconds before now with which the first look at a chart begins, unless everything is to be told; and by which a later
one goes back behind the latest point that is known."""
CHART_PAST: Final = 366 * 86_400
"""The same, if everything is to be told."""
CHART_SAMPLES: Final = 10_000
"""How finely a stretch of a chart is sampled at most."""


class _Look:
    """What the looks of this room share.

    Args:
        project_id: The project.
        reader: Reads.
        keeper: Keeps, and passes changes on.
        tells_first: Tell what the first look finds.
    """

    def __init__(self, project_id: int, reader: Reader, keeper: Keeper, *, tells_first: bool) -> None:
        self._project_id = project_id
        self._reader = reader
        self._keeper = keeper
        self._tells_first = tells_first

    async def _keep(self, about: str, memory: object, changes: Sequence[Change]) -> bool:
        """Keep what is different. Returns whether there was news."""
        content = msgspec.json.encode(memory)
        await self._keeper.keep(Facts(project_id=self._project_id, memories={about: content}, changes=changes))
        return bool(changes)


class PortfolioLook(_Look):
    """Looks at holdings and cash."""

    def __init__(self, project_id: int, reader: Reader, keeper: Keeper, *, tells_first: bool) -> None:
        super().__init__(project_id, reader, keeper, tells_first=tells_first)
        self._memory = keeper.memory(project_id, PORTFOLIO, PortfolioMemory)

    @property
    def has_baseline(self) -> bool:
        """Whether a snapshot was seen."""
        return self._memory is not None

    async def look(self, timeout: float | None) -> bool:
        """Look once. Returns whether there was news."""
        request = ProjectCall(project_id=self._project_id)
        portfolio, at = await self._reader.read(READ_LIVE_PORTFOLIO, request, timeout=timeout)
        memory, changes = follow_portfolio(self._project_id, self._memory, portfolio, at, tells_first=self._tells_first)
        if memory is None:
            return False
        news = await self._keep(PORTFOLIO, memory, changes)
        self._memory = memory
        return news


class StatisticsLook(_Look):
    """Looks at runtime statistics."""

    def __init__(self, project_id: int, reader: Reader, keeper: Keeper, *, tells_first: bool) -> None:
        super().__init__(project_id, reader, keeper, tells_first=tells_first)
        self.memory: StatisticsMemory | None = keeper.memory(project_id, STATISTICS, StatisticsMemory)
        """The latest ones."""

    @property
    def has_baseline(self) -> bool:
        """Whether any were seen."""
        return self.memory is not None

    async def look(self, timeout: float | None) -> bool:
        """Look once. Returns whether there was news."""
        request = ReadLive(project_id=self._project_id)
        live, at = await self._reader.read(READ_LIVE_ALGORITHM, request, timeout=timeout)
        memory, changes = follow_statistics(
            self._project_id, self.memory, live.deploy_id, live.runtime_statistics, at, tells_first=self._tells_first
        )
        if memory is None:
            return False
        news = await self._keep(STATISTICS, memory, changes)
        self.memory = memory
        return news


class ChartsLook(_Look):
    """Looks at some charts.

    Args:
        project_id: The project.
        reader: Reads.
        keeper: Keeps, and passes changes on.
        names: The charts' names.
        tells_first: Tell the points that are there already.
    """

    def __init__(
        self,
        project_id: int,
        reader: Reader,
        keeper: Keeper,
        names: Sequence[str],
        *,
        tells_first: bool,
    ) -> None:
        super().__init__(project_id, reader, keeper, tells_first=tells_first)
        self._names = names
        self._memory = keeper.memory(project_id, CHARTS, dict[str, ChartMemory]) or {}

    @property
    def has_baseline(self) -> bool:
        """Whether any chart was seen."""
        return bool(self._memory)

    async def look(self, timeout: float | None) -> bool:
        """Look once at each, whatever becomes of the others. Returns whether there was news."""
        news = False
        failed: QuantConnectError | None = None
        for name in self._names:
            try:
                news = await self._look_at(name, timeout) or news
            except (CheckpointError, ConfigurationError):
                raise
            except QuantConnectError as error:
                failed = failed or error
        if failed is not None:
            raise failed
        return news

    async def _look_at(self, name: str, timeout: float | None) -> bool:
        end = int(self._reader.answered_at())
        start = self._start(name, end)
        request = ReadChart(
            project_id=self._project_id, name=name, count=min(end - start, CHART_SAMPLES), start=start, end=end
        )
        chart, at = await self._reader.read(READ_LIVE_CHART, request, timeout=timeout)
        memory, changes = follow_chart(
            self._project_id, self._memory.get(name), chart, at, tells_first=self._tells_first
        )
        if memory is None:
            return False
        after = {**self._memory, name: memory}
        news = await self._keep(CHARTS, after, changes)
        self._memory = after
        return news

    def _start(self, name: str, end: int) -> int:
        """A series that has ended long ago does not make the stretch, and with it the samples, any longer."""
        known = self._memory.get(name)
        if known:
            start = max(min(known.values()), max(known.values()) - CHART_STRETCH)
        else:
            start = end - (CHART_PAST if self._tells_first else CHART_STRETCH)
        return min(start, end - 1)
