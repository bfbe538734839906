"""Who is failing, as a watch tells and remembers it. Who that is, the core decides."""

from datetime import UTC, datetime
from typing import Final

import anyio
import msgspec

from qcasync._core.health import Health, Told, Trouble, Verdict
from qcasync.models.changes import (
    Change,
    ProjectFailing,
    ProjectRecovered,
    ServiceFailing,
    ServiceRecovered,
)
from qcasync.poller.keeping import Keeper
from qcasync.poller.reader import Reader
from qcasync.poller.store import Facts

HEALTH: Final = "health"


class _Health(msgspec.Struct, frozen=True):
    """What is remembered of a project's, or the account's, health.

    Attributes:
        told: How many failures and recoveries were told: part of their keys.
        error: The kind of the error it fails with; "" if it does not.
        reason: What that says.
    """

    told: int = 0
    error: str = ""
    reason: str = ""


class HealthLog:
    """Tells who is failing, and who is not any more.

    Args:
        reader: Knows the server's time.
        keeper: Keeps, and passes changes on.
    """

    def __init__(self, reader: Reader, keeper: Keeper) -> None:
        self._reader = reader
        self._keeper = keeper
        self._health = Health()
        self._memories: dict[int, _Health] = {}
        self._one = anyio.Lock()

    def joined(self, project_id: int) -> None:
        """A project whose memory is loaded, or the account, is watched from now on."""
        kept = self._keeper.memory(project_id, HEALTH, _Health)
        if kept is None:
            return
        self._memories[project_id] = kept
        if kept.error:
            self._health.known_to_fail(project_id, Trouble(error=kept.error, reason=kept.reason), anyio.current_time())

    def left(self, project_id: int) -> None:
        """A project is watched no more."""
        self._health.left(project_id)
        self._memories.pop(project_id, None)

    async def failed(self, project_id: int, error: Exception) -> None:
        """A look failed."""
        await self._tell(self._health.failed(project_id, Trouble.of(error), anyio.current_time()))

    async def succeeded(self, project_id: int, *, entirely: bool) -> bool:
        """A look succeeded. Returns whether the service has recovered with it.

        Args:
            project_id: The project.
            entirely: Nothing else of the project failed when it was looked at last.
        """
        told = self._health.succeeded(project_id, anyio.current_time(), entirely=entirely)
        await self._tell(told)
        return any(verdict is Verdict.SERVICE_RECOVERED for verdict, _, _ in told)

    async def _tell(self, told: list[Told]) -> None:
        """In the order in which it came to be so, whoever looks meanwhile."""
        if not told:
            return
        async with self._one:
            for verdict, project_id, trouble in told:
                count = self._memories.get(project_id, _Health()).told + 1
                memory = _Health(count) if trouble is None else _Health(count, trouble.error, trouble.reason)
                change = _change(verdict, project_id, trouble, count, self._reader.server_time())
                memories = {HEALTH: msgspec.json.encode(memory)}
                await self._keeper.keep(Facts(project_id=project_id, memories=memories, changes=[change]))
                self._memories[project_id] = memory


def _change(verdict: Verdict, project_id: int, trouble: Trouble | None, count: int, at: float) -> Change:
    key, observed_at = f"health:{project_id}:{count}:{at:.3f}", datetime.fromtimestamp(at, UTC)
    error, reason = ("", "") if trouble is None else (trouble.error, trouble.reason)
    match verdict:
        case Verdict.PROJECT_FAILING:
            return ProjectFailing(project_id=project_id, key=key, observed_at=observed_at, error=error, reason=reason)
        case Verdict.PROJECT_RECOVERED:
            return ProjectRecovered(project_id=project_id, key=key, observed_at=observed_at)
        case Verdict.SERVICE_FAILING:
            return ServiceFailing(project_id=project_id, key=key, observed_at=observed_at, error=error, reason=reason)
        case Verdict.SERVICE_RECOVERED:
            return ServiceRecovered(project_id=project_id, key=key, observed_at=observed_at)
