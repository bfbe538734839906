"""What cannot be read, or be known."""

from qcasync.models.changes.base import Change


class ProjectFailing(Change, frozen=True, kw_only=True):
    """A project cannot be read, while others can. Told once, until it is read again.

    The project id 0 stands for the status of all projects: live/list fails, and everything else is read.

    Attributes:
        error: The kind of the error, such as "NotFoundError".
        reason: What it says.
    """

    error: str
    reason: str


class ProjectRecovered(Change, frozen=True, kw_only=True):
    """A project that was failing can be read again."""


class ServiceFailing(Change, frozen=True, kw_only=True):
    """Nothing can be read at all. Told once for all projects.

    Attributes:
        error: The kind of the error, such as "RequestError".
        reason: What it says.
    """

    error: str
    reason: str


class ServiceRecovered(Change, frozen=True, kw_only=True):
    """After a `ServiceFailing`, something could be read again."""


class Gap(Change, frozen=True, kw_only=True):
    """Something can no longer be known, or cannot be read.

    Attributes:
        what: "deployment" that vanished before its last state was read, "order" that cannot be decoded, or "logs".
        deploy_id: The deployment, if it is known.
        detail: What is missing, for a person.
    """

    what: str
    deploy_id: str | None
    detail: str
