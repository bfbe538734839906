"""A watch: which projects there are, when they are looked at, and who is failing."""

import logging
import random
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from typing import Final

import anyio
import msgspec
from anyio.abc import TaskGroup

from qcasync._core.cadence import Cadence, first_look
from qcasync._core.deployment_follower import DeploymentMemory, follow
from qcasync._core.endpoints import LIST_LIVE_ALGORITHMS
from qcasync._core.requests import ListLive
from qcasync.errors import AuthenticationError, CheckpointError, ConfigurationError, QuantConnectError
from qcasync.models.changes import ACCOUNT
from qcasync.models.live import LiveDeployment
from qcasync.models.watched import WatchedProject
from qcasync.poller.choosing import Choice
from qcasync.poller.delivery import Changes
from qcasync.poller.health import HealthLog
from qcasync.poller.keeping import Keeper
from qcasync.poller.options import Aspect, Options
from qcasync.poller.project import DEPLOYMENTS, Project
from qcasync.poller.reader import Reader
from qcasync.poller.schedule import NEVER, Schedule
from qcasync.poller.store import Facts

STATUS: Final = "status"
WATCHED: Final = "watched"
"""What is remembered of which projects are watched, where their status chooses them."""
AT_ONCE: Final = 32
"""Looks that are made at once, at most; how many requests that means is the client's business."""
SHORT: Final = 30.0
"""Seconds for a call about something that failed the last time."""
RECOVERY: Final = 30.0
"""Seconds over which the looks at what failed are spread, when the service has recovered."""

logger: logging.Logger = logging.getLogger("qcasync")


Status = tuple[tuple[LiveDeployment, ...], float] | QuantConnectError
"""The status of all projects, and when it was written; or why it could not be read."""


async def read_status(reader: Reader) -> Status:
    """Read the status of all projects for a watch that begins.

    Raises:
        AuthenticationError: The credentials are wrong.
        ConfigurationError: The client cannot be used.
    """
    try:
        return await reader.read(LIST_LIVE_ALGORITHMS, ListLive())
    except (AuthenticationError, ConfigurationError):
        raise
    except QuantConnectError as error:
        return error


class Watcher:
    """Watches projects.

    Args:
        options: What to do.
        reader: Reads.
        keeper: Keeps, and passes changes on.
        changes: The stream: tells whether a project has too much in it.
        rng: For jitter.
    """

    def __init__(
        self,
        options: Options,
        reader: Reader,
        keeper: Keeper,
        changes: Changes,
        *,
        rng: random.Random,
    ) -> None:
        self._options = options
        self._reader = reader
        self._keeper = keeper
        self._changes = changes
        self._rng = rng
        self._schedule = Schedule(AT_ONCE)
        self._health = HealthLog(reader, keeper)
        self._choice = Choice(options)
        self._status_cadence = Cadence(options.status_seconds)
        self._looking: set[int] = set()
        self._put_off: set[int] = set()
        self._remembered: list[int] = []
        self.projects: dict[int, Project] = {}
        """The projects that are watched at present."""

    async def begin(self, status: Status) -> None:
        """Take up the projects.

        Args:
            status: What `read_status` returned.

        Raises:
            Exception: What the user's function that gives the projects raised.
        """
        await self._keeper.load([ACCOUNT])
        self._remembered = self._keeper.memory(ACCOUNT, WATCHED, list[int]) or []
        self._choice.former = self._remembered
        self._health.joined(ACCOUNT)
        if self._options.project_ids is not None:
            await self._choose(self._options.project_ids)
        due = await self._take_status(status)
        self._choice.has_begun = True
        self._schedule.add(ACCOUNT, STATUS, self._look_at_status, due)

    async def run(self, group: TaskGroup) -> None:
        """Look at everything when it is due, for ever."""
        await self._schedule.run(group)

    def views(self) -> tuple[WatchedProject, ...]:
        """What is known of the projects at this moment."""
        return tuple(project.view(self._changes.waiting_of(project.id)) for project in self.projects.values())

    def replays(self, project_id: int, about: str) -> bool:
        """Whether something of a project is still being read for the first time."""
        project = self.projects.get(project_id)
        return project is not None and project.replays(about)

    def drained(self, project_id: int) -> None:
        """Enough of a project's changes were taken: it may be looked at again, if that was put off."""
        if project_id not in self._put_off:
            return
        self._put_off.discard(project_id)
        now = anyio.current_time()
        for aspect in self._options.periods:
            self._schedule.hasten(project_id, aspect, now)

    # Which projects

    async def _choose(self, wanted: Iterable[int]) -> None:
        """Watch these projects, and no others. Who comes back while it is still being looked at joins the next time."""
        ids = dict.fromkeys(wanted)
        if self._options.status is not None:
            await self._remember(sorted(ids))
        fresh = [each for each in ids if each not in self.projects and each not in self._looking]
        for gone in [project_id for project_id in self.projects if project_id not in ids]:
            self._leave(gone)
        if fresh:
            await self._keeper.load(fresh)
        for position, project_id in enumerate(fresh):
            self._join(project_id, position, len(fresh))
            self._keeper.forget(project_id)

    async def _remember(self, ids: list[int]) -> None:
        """Remember which projects are watched: what they do while no watch runs is for the next one to tell."""
        if ids != self._remembered:
            self._remembered = ids
            await self._keeper.keep(Facts(project_id=ACCOUNT, memories={WATCHED: msgspec.json.encode(ids)}))

    def _join(self, project_id: int, position: int, count: int) -> None:
        told_since = self._keeper.tells_from(project_id)
        project = Project(project_id, self._reader, self._keeper, self._options, told_since=told_since)
        self.projects[project_id] = project
        self._health.joined(project_id)
        now = anyio.current_time()
        for aspect, cadence in project.cadences.items():
            due = first_look(position, count, cadence.period, now)
            self._schedule.add(project_id, aspect, partial(self._look, project, aspect), due)

    def _leave(self, project_id: int) -> None:
        del self.projects[project_id]
        self._schedule.remove(project_id)
        self._health.left(project_id)
        self._put_off.discard(project_id)

    # Looks

    async def _look_at_status(self) -> float:
        """Look at the status of all projects, and at which projects there are. It tells when an outage is over, too."""
        try:
            status: Status = await self._reader.read(LIST_LIVE_ALGORITHMS, ListLive())
        except ConfigurationError:
            raise
        except QuantConnectError as error:
            status = error
        return await self._take_status(status)

    async def _take_status(self, status: Status) -> float:
        if isinstance(status, QuantConnectError):
            await self._health.failed(ACCOUNT, status)
            now = anyio.current_time()
            return min(self._status_cadence.failed(now, self._rng.random()), now + self._status_cadence.period)
        deployments, at = status
        wanted = await self._choice.wanted(deployments, at, self.projects)
        if wanted is not None:
            await self._choose(wanted)
        await self._follow_deployments(deployments, at)
        await self._succeeded(ACCOUNT, entirely=True)
        return self._status_cadence.looked(anyio.current_time(), news=False)

    async def _follow_deployments(self, deployments: tuple[LiveDeployment, ...], at: float) -> None:
        by_project: defaultdict[int, list[LiveDeployment]] = defaultdict(list)
        for deployment in deployments:
            by_project[deployment.project_id].append(deployment)
        turned = 0
        for project in list(self.projects.values()):
            if self._changes.is_full(project.id):
                self._put_off.add(project.id)
                continue
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
            if followed.changes or _essence(followed.memory) != _essence(project.deployments):
                memories = {DEPLOYMENTS: msgspec.json.encode(followed.memory)}
                await self._keeper.keep(Facts(project_id=project.id, memories=memories, changes=followed.changes))
            project.deployments = followed.memory
            if followed.turned and project.was_looked_at:  # else its first look is due, and reads everything
                project.turned()
                due = first_look(turned, len(self.projects), self._status_cadence.period, anyio.current_time())
                self._schedule.hasten(project.id, "orders", due)
                turned += 1

    async def _look(self, project: Project, aspect: Aspect) -> float:
        """Look at one aspect of a project. Returns when to look again."""
        if self._changes.is_full(project.id):
            self._put_off.add(project.id)
            return NEVER  # until its consumer has taken enough
        self._looking.add(project.id)
        try:
            return await self._look_at(project, aspect)
        finally:
            self._looking.discard(project.id)

    async def _look_at(self, project: Project, aspect: Aspect) -> float:
        cadence = project.cadences[aspect]
        project.was_looked_at = True
        try:
            result = await project.look(aspect, timeout=SHORT if aspect in project.problems else None)
        except (CheckpointError, ConfigurationError):
            raise
        except QuantConnectError as error:
            return await self._failed(project, aspect, error)
        except Exception as error:  # a defect of ours, which must not cost the other projects
            logger.exception("project %d: looking at its %s failed", project.id, aspect)
            return await self._failed(project, aspect, error)
        now = anyio.current_time()
        if self.projects.get(project.id) is not project:
            return NEVER  # it has left meanwhile
        if result is None:
            return cadence.looked(now, news=False)
        if not isinstance(result, bool):
            return result
        project.looked_at = self._reader.server_time()
        project.problems.pop(aspect, None)
        await self._succeeded(project.id, entirely=not project.problems)
        return cadence.looked(now, news=result)

    # Failures

    async def _failed(self, project: Project, aspect: Aspect, error: Exception) -> float:
        if self.projects.get(project.id) is not project:
            return NEVER  # it has left meanwhile
        project.problems[aspect] = str(error) if isinstance(error, QuantConnectError) else repr(error)
        await self._health.failed(project.id, error)
        return project.cadences[aspect].failed(anyio.current_time(), self._rng.random())

    async def _succeeded(self, project_id: int, *, entirely: bool) -> None:
        """What failed with the service need not wait for as long as what fails alone."""
        if not await self._health.succeeded(project_id, entirely=entirely):
            return
        failing = [(project, aspect) for project in self.projects.values() for aspect in project.problems]
        now = anyio.current_time()
        for position, (project, aspect) in enumerate(failing):
            self._schedule.hasten(project.id, aspect, first_look(position, len(failing), RECOVERY, now))


def _essence(memory: DeploymentMemory) -> DeploymentMemory:
    """Without equities that nobody is told, for which alone nothing is written."""
    return {
        deploy_id: record if record.equities else msgspec.structs.replace(record, equity=None)
        for deploy_id, record in memory.items()
    }
