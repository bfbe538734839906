"""What became different about deployments."""

from datetime import datetime

from qcasync.models.changes.base import Change
from qcasync.models.enums import AlgorithmStatus


class DeploymentStarted(Change, frozen=True, kw_only=True):
    """A deployment was launched, or seen for the first time.

    Attributes:
        deploy_id: "L-" and 32 hex digits.
        status: Its state.
        launched: When, in UTC.
        brokerage: Such as "PaperBrokerage".
    """

    deploy_id: str
    status: AlgorithmStatus | None
    launched: datetime | None
    brokerage: str = ""


class StatusChanged(Change, frozen=True, kw_only=True):
    """A deployment came into another state, in which it goes on. States between two looks are not seen.

    Attributes:
        deploy_id: The deployment.
        status: Its state now.
        previous: Its state before.
    """

    deploy_id: str
    status: AlgorithmStatus
    previous: AlgorithmStatus | None


class DeploymentStopped(Change, frozen=True, kw_only=True):
    """A deployment ended as somebody wanted: Stopped, Liquidated, Completed or Deleted.

    After a mere "Stopped", a more definite end may follow once, such as "Liquidated".

    Attributes:
        deploy_id: The deployment.
        status: How it ended.
        previous: Its state before.
        stopped: When, in UTC.
    """

    deploy_id: str
    status: AlgorithmStatus
    previous: AlgorithmStatus | None
    stopped: datetime | None


class DeploymentFailed(Change, frozen=True, kw_only=True):
    """A deployment ended by an error: RuntimeError, DeployError or Invalid.

    Attributes:
        deploy_id: The deployment.
        status: How it ended.
        previous: Its state before.
        stopped: When, in UTC.
        error: What QuantConnect says of it.
    """

    deploy_id: str
    status: AlgorithmStatus
    previous: AlgorithmStatus | None
    stopped: datetime | None
    error: str | None
