"""Which part of a project's log is to be read: which deployment's, and where that begins and ends.

QuantConnect documents a field `deploymentLogs` for one deployment's lines, but not how they are numbered then. Offsets
say where they stand in the whole log, which every source describes alike.
"""

import math
from typing import NamedTuple

import anyio

from qcasync._core import requests
from qcasync._core.endpoints import LIST_LIVE_ALGORITHMS, READ_LIVE_ALGORITHM, READ_LIVE_LOGS
from qcasync._core.requests import ListLive, ReadLive
from qcasync._session import Session
from qcasync.errors import DecodeError, NotFoundError
from qcasync.models.live import LiveDeployment


class LogPart(NamedTuple):
    """What is to be read.

    Attributes:
        deploy_id: The deployment that is named to the server.
        start: Number of the first line.
        stop: Number after the last line; None for the log's end.
        deadline: When all of it is to be done, on the event loop's clock.
    """

    deploy_id: str
    start: int
    stop: int | None
    deadline: float

    @property
    def seconds(self) -> float | None:
        """What is left of the time; None if there is no limit."""
        return None if self.deadline == math.inf else max(self.deadline - anyio.current_time(), 0.001)


async def find_log(session: Session, project_id: int, deploy_id: str | None, seconds: float | None) -> LogPart:
    """The whole log, through a deployment that is named or looked up."""
    deadline = math.inf if seconds is None else anyio.current_time() + seconds
    part = LogPart("" if deploy_id is None else requests.identifier("deploy_id", deploy_id), 0, None, deadline)
    if deploy_id is not None:
        return part
    latest = await session.call(READ_LIVE_ALGORITHM, ReadLive(project_id=project_id), timeout=part.seconds)
    if not latest.deploy_id:
        raise NotFoundError(
            READ_LIVE_ALGORITHM.path,
            200,
            ("the project has no deployment, and so no log",),
            "live.list() shows what is deployed.",
        )
    return part._replace(deploy_id=latest.deploy_id)


async def find_part(session: Session, project_id: int, deploy_id: str | None, seconds: float | None) -> LogPart:
    """One deployment's part of the log: from its offset to that of the deployment that was launched next."""
    part = await find_log(session, project_id, deploy_id, seconds)
    start = await _offset(session, project_id, part)
    following = None if deploy_id is None else await _launched_next(session, project_id, part)
    if following is None:
        return part._replace(start=start)
    return part._replace(start=start, stop=await _offset(session, project_id, part._replace(deploy_id=following)))


async def _offset(session: Session, project_id: int, part: LogPart) -> int:
    request = requests.log_window(project_id, part.deploy_id, 0, 1)
    page = await session.call(READ_LIVE_LOGS, request, timeout=part.seconds)
    if page.deployment_offset is None:
        raise DecodeError(READ_LIVE_LOGS.path, 200, "it does not tell where the deployment's lines begin")
    return page.deployment_offset


async def _launched_next(session: Session, project_id: int, part: LogPart) -> str | None:
    listed = await session.call(LIST_LIVE_ALGORITHMS, ListLive(project_id=project_id), timeout=part.seconds)
    mine = next((each for each in listed if each.deploy_id == part.deploy_id), None)
    if mine is None:
        raise NotFoundError(
            LIST_LIVE_ALGORITHMS.path,
            200,
            ("the deployment is not listed, so that nothing tells where its log ends",),
            "Leave out only_deployment to read the whole log.",
        )
    later = [each for each in listed if each.project_id == project_id and _is_later(each, mine)]
    return min(later, key=_launch).deploy_id if later else None


def _is_later(deployment: LiveDeployment, other: LiveDeployment) -> bool:
    return deployment.deploy_id != other.deploy_id and _launch(deployment) > _launch(other)


def _launch(deployment: LiveDeployment) -> float:
    return deployment.launched.timestamp() if deployment.launched else -math.inf
