"""A watch: which projects there are, when they are looked at, and who is failing."""

import inspect
import logging
import random
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Final

import anyio
import msgspec
from anyio.abc import TaskGroup

from qcasync._core import requests
from qcasync._core.cadence import Cadence, first_look
from qcasync._core.deployment_follower import follow
from qcasync._core.endpoints import LIST_LIVE_ALGORITHMS
from qcasync._core.health import Health, Told, Trouble, Verdict
from qcasync._core.reconciling import newest
from qcasync._core.requests import ListLive
from qcasync.errors import (
    APIError,
    AuthenticationError,
    CheckpointError,
    ConfigurationError,
    QuantConnectError,
    RateLimitError,
)
from qcasync.models.changes import (
    ACCOUNT,
    Change,
    ProjectFailing,
    ProjectRecovered,
    ServiceFailing,
    ServiceRecovered,
)
from qcasync.models.live import LiveDeployment
from qcasync.models.watched import WatchedProject
from qcasync.poller.delivery import Changes
from qcasync.poller.keeping import Keeper
from qcasync.poller.options import Aspect, Options
from qcasync.poller.project import DEPLOYMENTS, Project
from qcasync.poller.reader import Reader
from qcasync.poller.schedule import NEVER, Schedule
from qcasync.poller.store import Facts

STATUS: Final = "status"
HEALTH: Final = "health"
AT_ONCE: Final = 32
"""Looks that are made at once, at most; how many requests that means is the client's business."""
SHORT: Final = 30.0
"""Seconds for a call about something that failed the last time."""
LINGER: Final = 1200.0
"""Seconds for which a project is watched on when its status chooses it no more: its last orders are yet to come."""

logger: logging.Logger = logging.getLogger("qcasync")


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


class Watcher:
    """Watches projects.

    Args:
        options: What to do.
        reader: Reads.
        keeper: Keeps, and passes changes on.
        changes: The stream: tells whether a project has too much in it.
        rng: For jitter.
        told_since: What is older than this Unix time when a project is first seen is not told; None tells everything.
    """

    def __init__(
        self,
        options: Options,
        reader: Reader,
        keeper: Keeper,
        changes: Changes,
        *,
        rng: random.Random,
        told_since: float | None,
    ) -> None:
        self._options = options
        self._reader = reader
        self._keeper = keeper
        self._changes = changes
        self._rng = rng
        self._told_since = told_since
        self._schedule = Schedule(AT_ONCE)
        self._health = Health()
        self._healths: dict[int, _Health] = {}
        self._status_cadence = Cadence(options.status_seconds)
        self._leaving: dict[int, float] = {}
        self.projects: dict[int, Project] = {}
        """The projects that are watched at present."""

    async def begin(self) -> None:
        """Look at the status once, and take up the projects.

        Raises:
            AuthenticationError: The credentials are wrong.
        """
        await self._keeper.load([ACCOUNT])
        self._remember_health(ACCOUNT)
        if self._options.project_ids is not None:
            await self._choose(self._options.project_ids)
        due = await self._look_at_status(first=True)
        self._schedule.add(ACCOUNT, STATUS, self._look_at_status, due)

    async def run(self, group: TaskGroup) -> None:
        """Look at everything when it is due, for ever."""
        await self._schedule.run(group)

    def views(self) -> tuple[WatchedProject, ...]:
        """What is known of the projects at this moment."""
        return tuple(project.view(self._changes.waiting_of(project.id)) for project in self.projects.values())

    def replays(self, project_id: int) -> bool:
        """Whether a project's history is not read completely yet."""
        project = self.projects.get(project_id)
        return project is not None and project.orders.complete_through is None

    def drained(self, project_id: int) -> None:
        """Enough of a project's changes were taken: it may be looked at again."""
        now = anyio.current_time()
        for aspect in self._options.periods:
            self._schedule.hasten(project_id, aspect, now)

    # Which projects

    async def _choose(self, wanted: Iterable[int]) -> None:
        """Watch these projects, and no others."""
        ids = list(dict.fromkeys(wanted))
        fresh = [project_id for project_id in ids if project_id not in self.projects]
        for gone in [project_id for project_id in self.projects if project_id not in ids]:
            self._leave(gone)
        if fresh:
            await self._keeper.load(fresh)
        for position, project_id in enumerate(fresh):
            self._join(project_id, position, len(fresh))
            self._keeper.forget(project_id)

    def _join(self, project_id: int, position: int, count: int) -> None:
        project = Project(project_id, self._reader, self._keeper, self._options, told_since=self._told_since)
        self.projects[project_id] = project
        self._remember_health(project_id)
        now = anyio.current_time()
        for aspect, cadence in project.cadences.items():
            due = first_look(position, count, cadence.period, now)
            self._schedule.add(project_id, aspect, partial(self._look, project, aspect), due)

    def _leave(self, project_id: int) -> None:
        del self.projects[project_id]
        self._schedule.remove(project_id)
        self._health.left(project_id)

    async def _choose_again(self, deployments: tuple[LiveDeployment, ...]) -> None:
        if self._options.ask is not None:
            answer = self._options.ask()
            await self._choose(map(requests.project, await answer if inspect.isawaitable(answer) else answer))
        elif self._options.status is not None:
            await self._choose([*self._chosen_by_status(deployments), *self._leaving])

    def _chosen_by_status(self, deployments: tuple[LiveDeployment, ...]) -> list[int]:
        """The projects whose latest deployment is in the state; others are watched for a while yet."""
        latest: dict[int, LiveDeployment] = {}
        for deployment in deployments:
            before = latest.get(deployment.project_id)
            latest[deployment.project_id] = (
                deployment if before is None else newest(deployment.project_id, (before, deployment)) or before
            )
        chosen = [project_id for project_id, each in latest.items() if each.status == self._options.status]
        now = anyio.current_time()
        for project_id in self.projects:
            if project_id in chosen:
                self._leaving.pop(project_id, None)
            else:
                self._leaving.setdefault(project_id, now + LINGER)
        self._leaving = {project_id: until for project_id, until in self._leaving.items() if until > now}
        return chosen

    # Looks

    async def _look_at_status(self, *, first: bool = False) -> float:
        """Look at the status of all projects, and at which projects there are."""
        try:
            deployments, at = await self._reader.read(LIST_LIVE_ALGORITHMS, ListLive())
            await self._choose_again(deployments)
            await self._follow_deployments(deployments, at)
        except (CheckpointError, ConfigurationError):
            raise
        except QuantConnectError as error:
            if first and isinstance(error, AuthenticationError):
                raise
            return await self._failed(ACCOUNT, self._status_cadence, error)
        await self._tell(self._health.succeeded(ACCOUNT, anyio.current_time()))
        return self._status_cadence.looked(anyio.current_time(), news=False)

    async def _follow_deployments(self, deployments: tuple[LiveDeployment, ...], at: float) -> None:
        by_project: defaultdict[int, list[LiveDeployment]] = defaultdict(list)
        for deployment in deployments:
            by_project[deployment.project_id].append(deployment)
        for project in list(self.projects.values()):
            followed = follow(
                project.id,
                project.deployments,
                by_project.get(project.id, ()),
                at,
                told_since=project.told_since,
                tell_equity="statistics" in self._options.periods,
            )
            if followed.memory is None:
                continue
            content = msgspec.json.encode(followed.memory)
            await self._keeper.keep(
                Facts(project_id=project.id, memories={DEPLOYMENTS: content}, changes=followed.changes)
            )
            project.deployments = followed.memory
            if followed.turned:
                project.turned()
                self._schedule.hasten(project.id, "orders", anyio.current_time())

    async def _look(self, project: Project, aspect: Aspect) -> float:
        """Look at one aspect of a project. Returns when to look again."""
        cadence = project.cadences[aspect]
        if self._changes.is_full(project.id):
            return NEVER  # until its consumer has taken enough
        try:
            result = await project.look(aspect, timeout=SHORT if aspect in project.problems else None)
        except (CheckpointError, ConfigurationError):
            raise
        except QuantConnectError as error:
            project.problems[aspect] = str(error)
            return await self._failed(project.id, cadence, error)
        except Exception as error:  # a defect of ours, which must not cost the other projects
            logger.exception("project %d: looking at its %s failed", project.id, aspect)
            project.problems[aspect] = repr(error)
            return await self._failed(project.id, cadence, error)
        now = anyio.current_time()
        if result is None:
            return cadence.looked(now, news=False)
        if not isinstance(result, bool):
            return result
        project.looked_at = self._reader.server_time()
        project.problems.pop(aspect, None)
        await self._tell(self._health.succeeded(project.id, now, entirely=not project.problems))
        return cadence.looked(now, news=result)

    # Health

    async def _failed(self, project_id: int, cadence: Cadence, error: Exception) -> float:
        own = isinstance(error, APIError) and not isinstance(error, AuthenticationError | RateLimitError)
        trouble = Trouble(error=type(error).__name__, reason=str(error), own=own)
        now = anyio.current_time()
        await self._tell(self._health.failed(project_id, trouble, now))
        return cadence.failed(now, self._rng.random())

    async def _tell(self, told: list[Told]) -> None:
        for verdict, project_id, trouble in told:
            before = self._healths.get(project_id, _Health())
            after = _Health(
                before.told + 1, "" if trouble is None else trouble.error, "" if trouble is None else trouble.reason
            )
            change = _health_change(verdict, project_id, trouble, after.told, self._reader.server_time())
            content = msgspec.json.encode(after)
            await self._keeper.keep(Facts(project_id=project_id, memories={HEALTH: content}, changes=[change]))
            self._healths[project_id] = after

    def _remember_health(self, project_id: int) -> None:
        kept = self._keeper.memory(project_id, HEALTH, _Health)
        if kept is None:
            return
        self._healths[project_id] = kept
        if kept.error:
            self._health.known_to_fail(project_id, Trouble(error=kept.error, reason=kept.reason), anyio.current_time())


def _health_change(verdict: Verdict, project_id: int, trouble: Trouble | None, count: int, at: float) -> Change:
    key, observed_at = f"health:{project_id}:{count}", datetime.fromtimestamp(at, UTC)
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
