"""What became of a call with effect: told by how it ended, or else by what the project's deployments show afterwards.

QuantConnect's stop and liquidate name a project, not a deployment. What was meant is the deployment that ran when the
call was decided; another one, launched meanwhile, is nobody's evidence. Absence is no evidence either.
"""

import enum
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from qcasync._core.phases import Phase
from qcasync._core.skew import MAX_SKEW
from qcasync.errors import OutcomeUnknown, QuantConnectError, RequestError, ResponseError
from qcasync.models.enums import AlgorithmStatus
from qcasync.models.live import LiveDeployment
from qcasync.outcomes import Intent, Outcome, OutcomeKind

RECONCILE_SECONDS: Final = 120.0
STATE_SECONDS: Final = 1.0
"""How long a call with effect on the market may be held up to learn which deployment it is going to hit."""
_FIRST_WAIT: Final = 2.0
_GROWTH: Final = 1.6
_MAX_WAIT: Final = 15.0
_ROUNDING: Final = 1e-3
"""Too little for a clock to notice: who sleeps for less would look for ever."""
_LATEST: Final = timedelta(minutes=10)
"""What ended later than this after a call was not ended by it."""
_ANY_CLOCK: Final = timedelta(seconds=MAX_SKEW)
_STAMP: Final = timedelta(seconds=1)
"""Launch and stop times are whole seconds."""

ENDED: Final = frozenset(
    {
        AlgorithmStatus.STOPPED,
        AlgorithmStatus.LIQUIDATED,
        AlgorithmStatus.RUNTIME_ERROR,
        AlgorithmStatus.COMPLETED,
        AlgorithmStatus.DEPLOY_ERROR,
        AlgorithmStatus.DELETED,
    }
)
"""What a deployment does not come back from. A status that nobody knows yet is not among them."""


class Aim(enum.Enum):
    """What a call with effect is to bring about, by its endpoint."""

    END = "live/update/stop"
    LIQUIDATE = "live/update/liquidate"
    LAUNCH = "live/create"


TRACELESS: Final = frozenset({"live/commands/create", "live/commands/broadcast"})
"""Calls of which no answer of QuantConnect's shows whether they were carried out, now or later."""


class Found(msgspec.Struct, frozen=True):
    """What a look at the deployments tells about an intent.

    Attributes:
        kind: CONFIRMED; UNKNOWN for good, because what is seen will not change; None if another look may tell more.
        reason: For a person.
        deployment: The one that was meant, or that is new.
    """

    kind: OutcomeKind | None
    reason: str
    deployment: LiveDeployment | None = None


def kind_of(error: QuantConnectError) -> OutcomeKind:
    """What an error that ended a call with effect says about the effect."""
    if isinstance(error, OutcomeUnknown):
        return OutcomeKind.UNKNOWN
    if isinstance(error, ResponseError) and error.status_code:
        return OutcomeKind.REFUSED
    if isinstance(error, RequestError) and error.sent != "no":
        return OutcomeKind.UNKNOWN
    return OutcomeKind.NOT_SENT


def kind_when_cut_off(phase: Phase) -> OutcomeKind:
    """What is known of a call that was cancelled, or ended by a defect, when its request had got as far as `phase`."""
    return OutcomeKind.NOT_SENT if phase is Phase.NOT_SENT else OutcomeKind.UNKNOWN


def outcome_of(
    intent: Intent,
    kind: OutcomeKind,
    found: Found | None = None,
    *,
    deploy_id: str | None = None,
    reason: str = "",
) -> Outcome:
    """What is told of an intent.

    Args:
        intent: The call.
        kind: What is known.
        found: What a look showed, if that is how it is known.
        deploy_id: The new deployment, if the answer named it.
        reason: For a person, where nothing was found.
    """
    if found is not None:
        reason = found.reason
        deploy_id = None if found.deployment is None else found.deployment.deploy_id
    return Outcome(
        kind=kind,
        endpoint=intent.endpoint,
        project_id=intent.project_id,
        deploy_id=deploy_id or intent.deploy_id,
        intent_id=intent.id,
        observed=found is not None and kind is OutcomeKind.CONFIRMED,
        final=kind is not OutcomeKind.UNKNOWN or (found is not None and found.kind is OutcomeKind.UNKNOWN),
        reason=reason,
    )


def has_ended(deployment: LiveDeployment) -> bool:
    """Whether a deployment ended. Where its status is strange, the time of its stop tells."""
    if deployment.status is None or not deployment.status.is_known:
        return deployment.stopped is not None
    return deployment.status in ENDED


def newest(project_id: int | None, deployments: Iterable[LiveDeployment]) -> LiveDeployment | None:
    """The latest deployment of a project."""
    return max((each for each in deployments if each.project_id == project_id), key=_launched, default=None)


def running(project_id: int, deployments: Iterable[LiveDeployment]) -> LiveDeployment | None:
    """The deployment of a project that a call would hit: the latest one, unless it ended."""
    latest = newest(project_id, deployments)
    return None if latest is None or has_ended(latest) else latest


def untraceable(intent: Intent) -> Found | None:
    """What there is to say of an intent that leaves nothing to look for; None of any other.

    It is not settled by that: somebody may know what the command does, and see whether that was done.
    """
    if intent.endpoint not in TRACELESS:
        return None
    return Found(None, "nothing in QuantConnect's API tells whether a command arrived or ran")


def judge(intent: Intent, deployments: Iterable[LiveDeployment]) -> Found:
    """What the deployments of the account tell about an intent whose answer was lost."""
    mine = [each for each in deployments if each.project_id == intent.project_id]
    aim = next((each for each in Aim if each.value == intent.endpoint), None)
    if aim is None:  # written by another version
        return Found(None, f"nothing tells how to look for {intent.endpoint}")
    if aim is Aim.LAUNCH:
        return _judge_launch(intent, mine)
    meant = _meant(intent, mine)
    if meant is None:
        return Found(None, "the deployment that was meant is not to be seen")
    if not has_ended(meant):
        return Found(None, f"deployment {meant.deploy_id} is still {_status(meant)}", meant)
    if intent.deploy_id is None and not _ended_after(intent, meant):
        reason = f"deployment {meant.deploy_id} has ended, and nothing tells that it ended after the call"
        return Found(OutcomeKind.UNKNOWN, reason, meant)
    if meant.stopped is not None and meant.stopped > intent.at + _LATEST + (_blur(intent) or _ANY_CLOCK):
        return Found(OutcomeKind.UNKNOWN, f"deployment {meant.deploy_id} has ended, but long after the call", meant)
    if aim is Aim.LIQUIDATE and meant.status is not AlgorithmStatus.LIQUIDATED:
        reason = f"deployment {meant.deploy_id} has ended, {_status(meant)} and not Liquidated: positions may remain"
        return Found(OutcomeKind.UNKNOWN, reason, meant)
    return Found(OutcomeKind.CONFIRMED, f"deployment {meant.deploy_id} was seen {_status(meant)}", meant)


def look_again(looks: int, waited: float, limit: float) -> float | None:
    """Seconds until the next look: 2 s, growing to 15 s; None once there is no time for one.

    Args:
        looks: How many were made.
        waited: Seconds since the first wait began.
        limit: Seconds in all.
    """
    left = limit - waited - STATE_SECONDS  # a look takes time, too
    return min(_FIRST_WAIT * _GROWTH ** min(looks, 10), _MAX_WAIT, left) if left > _ROUNDING else None


def _judge_launch(intent: Intent, mine: list[LiveDeployment]) -> Found:
    new = [each for each in mine if each.deploy_id not in intent.known]
    if (blur := _blur(intent)) is not None:
        new = [each for each in new if _launched(each) >= intent.at - blur]
    if len(new) == 1:
        return Found(OutcomeKind.CONFIRMED, f"deployment {new[0].deploy_id} was launched after the call", new[0])
    if new:
        names = ", ".join(sorted(each.deploy_id for each in new))
        return Found(OutcomeKind.UNKNOWN, f"several deployments were launched after the call: {names}")
    return Found(None, "no new deployment is to be seen")


def _meant(intent: Intent, mine: list[LiveDeployment]) -> LiveDeployment | None:
    if intent.deploy_id is not None:
        return next((each for each in mine if each.deploy_id == intent.deploy_id), None)
    if (blur := _blur(intent)) is not None:
        mine = [each for each in mine if _launched(each) <= intent.at + blur]
    return newest(intent.project_id, mine)


def _ended_after(intent: Intent, meant: LiveDeployment) -> bool:
    blur = _blur(intent)
    return blur is not None and meant.stopped is not None and meant.stopped >= intent.at - blur


def _blur(intent: Intent) -> timedelta | None:
    """How far off the time of an intent may be; None if nothing is known of it: our clock may be wrong by hours."""
    return None if intent.uncertainty is None else _STAMP + timedelta(seconds=intent.uncertainty)


def _launched(deployment: LiveDeployment) -> datetime:
    return deployment.launched or datetime.min.replace(tzinfo=UTC)


def _status(deployment: LiveDeployment) -> str:
    return "in an unknown state" if deployment.status is None else str(deployment.status.value)
