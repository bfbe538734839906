"""What became different about a project's deployments between two answers of live/list."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from qcasync._core.reconciling import has_ended
from qcasync.models.changes import (
    Change,
    DeploymentFailed,
    DeploymentStarted,
    DeploymentStopped,
    EquityChanged,
    StatusChanged,
)
from qcasync.models.enums import AlgorithmStatus
from qcasync.models.live import LiveDeployment

FAILED: Final = frozenset({AlgorithmStatus.RUNTIME_ERROR, AlgorithmStatus.DEPLOY_ERROR, AlgorithmStatus.INVALID})
"""What a deployment ends with that nobody wanted to end."""


class DeploymentRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a deployment.

    Attributes:
        status: Its state; None as long as none was told.
        ended: Whether it has ended, for good.
        ended_at: When, in Unix seconds; None if it goes on, or if nobody says.
        equity: What was told last of its account.
        turns: How many of its states were told.
        equities: How many of its equities were told.
    """

    status: AlgorithmStatus | None
    ended: bool = False
    ended_at: float | None = None
    equity: float | None = None
    turns: int = 0
    equities: int = 0


DeploymentMemory = dict[str, DeploymentRecord]
"""By the deployments' ids."""


class Followed(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer taught about a project.

    Attributes:
        memory: What to remember; None if that is what is remembered already.
        changes: What to tell.
        turned: Whether a deployment is new, or in another state: its orders are to be read.
    """

    memory: DeploymentMemory | None = None
    changes: tuple[Change, ...] = ()
    turned: bool = False


def follow(
    project_id: int,
    memory: Mapping[str, DeploymentRecord],
    seen: Iterable[LiveDeployment],
    at: float,
    *,
    told_since: float | None = None,
    tell_equity: bool = False,
) -> Followed:
    """Compare a project's deployments with what is remembered of them. One that is not shown is not gone.

    Args:
        project_id: The project.
        memory: What is remembered.
        seen: Its deployments in an answer.
        at: When the answer was written, in Unix seconds.
        told_since: A deployment of before this Unix time that is new to us is remembered, and not told; None tells
            every one.
        tell_equity: Tell when the value of a running deployment's account is different.
    """
    observed_at = datetime.fromtimestamp(at, UTC)
    after: DeploymentMemory = {}
    changes: list[Change] = []
    turned = False
    for deployment in sorted(seen, key=_launched_at):
        before = memory.get(deployment.deploy_id)
        record = _record(deployment, before)
        if record == before:
            continue
        tells = before is not None or told_since is None or _launched_at(deployment) >= told_since
        told = _changes(project_id, deployment, before, record, observed_at) if tells else []
        turned = turned or before is None or record.status != before.status
        if tell_equity and tells and record.equity is not None and (before is None or record.equity != before.equity):
            told.append(_equity(project_id, deployment, before, record.equity, observed_at))
            record = msgspec.structs.replace(record, equities=record.equities + 1)
        after[deployment.deploy_id] = record
        changes += told
    return Followed(memory={**memory, **after} if after else None, changes=tuple(changes), turned=turned)


def _record(deployment: LiveDeployment, before: DeploymentRecord | None) -> DeploymentRecord:
    """What to remember of a deployment. One that has ended stays so: an answer that says otherwise is an older one."""
    status = deployment.status
    if before is not None and (before.ended or status is None):
        status = before.status
    ended = has_ended(deployment) or status is AlgorithmStatus.INVALID or (before is not None and before.ended)
    stopped_at = None if deployment.stopped is None else deployment.stopped.timestamp()
    if before is None:
        return DeploymentRecord(status=status, ended=ended, ended_at=stopped_at, equity=deployment.equity, turns=1)
    return DeploymentRecord(
        status=status,
        ended=ended,
        ended_at=before.ended_at if stopped_at is None else stopped_at,
        equity=before.equity if before.ended or deployment.equity is None else deployment.equity,
        turns=before.turns + (status != before.status),
        equities=before.equities,
    )


def _changes(
    project_id: int,
    deployment: LiveDeployment,
    before: DeploymentRecord | None,
    record: DeploymentRecord,
    observed_at: datetime,
) -> list[Change]:
    deploy_id = deployment.deploy_id
    changes: list[Change] = []
    if before is None:
        changes.append(
            DeploymentStarted(
                project_id=project_id,
                key=f"started:{project_id}:{deploy_id}",
                observed_at=observed_at,
                deploy_id=deploy_id,
                status=deployment.status,
                launched=deployment.launched,
                brokerage=deployment.brokerage,
            )
        )
    turned = record.ended if before is None else record.status != before.status
    if turned and record.status is not None:
        previous = None if before is None else before.status
        changes.append(_turn(project_id, deployment, record, record.status, observed_at, previous=previous))
    return changes


def _turn(
    project_id: int,
    deployment: LiveDeployment,
    record: DeploymentRecord,
    status: AlgorithmStatus,
    observed_at: datetime,
    *,
    previous: AlgorithmStatus | None,
) -> Change:
    deploy_id = deployment.deploy_id
    key = f"status:{project_id}:{deploy_id}:{record.turns}"
    if status in FAILED:
        return DeploymentFailed(
            project_id=project_id,
            key=key,
            observed_at=observed_at,
            deploy_id=deploy_id,
            status=status,
            previous=previous,
            stopped=deployment.stopped,
            error=deployment.error or None,
        )
    if record.ended:
        return DeploymentStopped(
            project_id=project_id,
            key=key,
            observed_at=observed_at,
            deploy_id=deploy_id,
            status=status,
            previous=previous,
            stopped=deployment.stopped,
        )
    return StatusChanged(
        project_id=project_id,
        key=key,
        observed_at=observed_at,
        deploy_id=deploy_id,
        status=status,
        previous=previous,
    )


def _equity(
    project_id: int,
    deployment: LiveDeployment,
    before: DeploymentRecord | None,
    equity: float,
    observed_at: datetime,
) -> EquityChanged:
    told = 0 if before is None else before.equities
    return EquityChanged(
        project_id=project_id,
        key=f"equity:{project_id}:{deployment.deploy_id}:{told + 1}",
        observed_at=observed_at,
        deploy_id=deployment.deploy_id,
        equity=equity,
        previous=None if before is None else before.equity,
    )


def _launched_at(deployment: LiveDeployment) -> float:
    return 0.0 if deployment.launched is None else deployment.launched.timestamp()
