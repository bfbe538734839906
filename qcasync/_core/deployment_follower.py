"""What became different about a project's deployments between two answers of live/list."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from qcasync._core.reconciling import ENDED, has_ended
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
DEFINITE: Final = (ENDED | FAILED) - {AlgorithmStatus.STOPPED}
"""Ends of which there is nothing more to learn. "Stopped" says least: it may turn out to be one of these."""


class DeploymentRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a deployment.

    Attributes:
        status: Its state; None as long as none was told.
        launched_at: When it was launched, in Unix seconds; when it was first seen, if nobody says.
        ended: Whether it has ended, for good.
        ended_at: When, in Unix seconds; None if it goes on, or if nobody says.
        equity: What was told last of its account.
        turns: How many of its states were told.
        equities: How many of its equities were told.
    """

    status: AlgorithmStatus | None
    launched_at: float = 0.0
    ended: bool = False
    ended_at: float | None = None
    equity: float | None = None
    turns: int = 0
    equities: int = 0


DeploymentMemory = dict[str, DeploymentRecord]
"""By the deployments' ids, in the order in which they were launched."""


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
    for deployment in _once_each(seen, at):
        before = memory.get(deployment.deploy_id)
        record = _record(deployment, before, at)
        if record == before:
            continue
        turned = turned or before is None or record.turns != before.turns
        if before is not None or told_since is None or _is_later(record, deployment, told_since, known=bool(memory)):
            changes += _changes(project_id, deployment, before, record, observed_at)
            if tell_equity and _has_other_equity(before, record):
                record = msgspec.structs.replace(record, equities=record.equities + 1)
                changes.append(_equity(project_id, deployment, before, record, observed_at))
        after[deployment.deploy_id] = record
    if not after:
        return Followed()
    ordered = sorted({**memory, **after}.items(), key=lambda item: item[1].launched_at)
    return Followed(memory=dict(ordered), changes=tuple(changes), turned=turned)


def _once_each(seen: Iterable[LiveDeployment], at: float) -> Iterable[LiveDeployment]:
    """The deployments in the order of their launch. Of one that is shown twice, the row that is further on."""
    ordered = sorted(seen, key=lambda each: (_launched_at(each, at), has_ended(each)))
    return {each.deploy_id: each for each in ordered}.values()


def _record(deployment: LiveDeployment, before: DeploymentRecord | None, at: float) -> DeploymentRecord:
    """What to remember of a deployment. One that has ended stays so: an answer that says otherwise is an older one."""
    status, stopped = deployment.status, deployment.stopped
    if status is None and stopped is not None:
        status = AlgorithmStatus.STOPPED
    ended = has_ended(deployment) or status in FAILED
    ended_at = stopped.timestamp() if ended and stopped is not None else None
    if before is None:
        return DeploymentRecord(
            status=status,
            launched_at=_launched_at(deployment, at),
            ended=ended,
            ended_at=ended_at,
            equity=deployment.equity,
            turns=1,
        )
    if status is None or (before.ended and (status not in DEFINITE or before.status in DEFINITE)):
        status = before.status
    over = ended or before.ended
    return DeploymentRecord(
        status=status,
        launched_at=_launched_at(deployment, before.launched_at),
        ended=over,
        ended_at=ended_at if before.ended_at is None else before.ended_at,
        equity=before.equity if before.ended or deployment.equity is None else deployment.equity,
        turns=before.turns + (status != before.status or over != before.ended),
        equities=before.equities,
    )


def _is_later(record: DeploymentRecord, deployment: LiveDeployment, told_since: float, *, known: bool) -> bool:
    """Whether a deployment that is new to us was launched since then.

    If nobody says when it was, it is news unless it can be history: one that has ended, in the first answer.
    """
    if deployment.launched is None:
        return known or not record.ended
    return record.launched_at >= int(told_since)  # launches are told in whole seconds


def _has_other_equity(before: DeploymentRecord | None, record: DeploymentRecord) -> bool:
    """Whether the value of a deployment's account is another one than was known. What it ended with is not news."""
    if before is None:
        return record.equity is not None and not record.ended
    return record.equity != before.equity


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
    turned = record.ended if before is None else record.turns != before.turns
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
    """The change of state. The key of an end is the same in another checkpoint, and no key ever means another state."""
    deploy_id = deployment.deploy_id
    if record.ended:
        key = f"ended:{project_id}:{deploy_id}:{status.value}"
    else:
        key = f"status:{project_id}:{deploy_id}:{record.turns}:{status.value}"
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
    record: DeploymentRecord,
    observed_at: datetime,
) -> EquityChanged:
    assert record.equity is not None  # noqa: S101 (what is None is not told)
    return EquityChanged(
        project_id=project_id,
        key=f"equity:{project_id}:{deployment.deploy_id}:{record.equities}:{record.equity}",
        observed_at=observed_at,
        deploy_id=deployment.deploy_id,
        equity=record.equity,
        previous=None if before is None else before.equity,
    )


def _launched_at(deployment: LiveDeployment, otherwise: float) -> float:
    return otherwise if deployment.launched is None else deployment.launched.timestamp()
