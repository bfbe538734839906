"""Who is failing: a project, or everything. Told once, and once more when it is over.

When nothing can be read, that is one piece of news and not one for each project. So a failure counts as a project's own
only when something else was read meanwhile, and if it lasts or is of a kind that only a service that works can answer.
What fails while other things are read says nothing about the service any more.
"""

import enum
from typing import Final

import msgspec

from qcasync.errors import APIError, AuthenticationError, RateLimitError
from qcasync.models.changes import ACCOUNT

LASTING: Final = 30.0
"""Seconds after the first of several failures at which they are no short disturbance any more."""
LOOKS: Final = 3
"""Looks that must fail, with nothing read in between, before nothing can be read."""


class Verdict(enum.Enum):
    """What there is to tell."""

    PROJECT_FAILING = "a project is failing, and others are not; or only the status of all projects is"
    PROJECT_RECOVERED = "a project that was failing is read again"
    SERVICE_FAILING = "nothing can be read"
    SERVICE_RECOVERED = "something can be read again"


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Why something could not be read.

    Attributes:
        error: The kind of the error.
        reason: What it says.
        own: Whether only a service that works answers so.
    """

    error: str
    reason: str
    own: bool = False

    @classmethod
    def of(cls, error: Exception) -> "Trouble":
        """What an error says. A refusal is an answer; one of credentials or of pace is about everything."""
        own = isinstance(error, APIError) and not isinstance(error, AuthenticationError | RateLimitError)
        return cls(error=type(error).__name__, reason=str(error), own=own)


class _Failing(msgspec.Struct):
    """What is known of something that fails.

    Attributes:
        trouble: Why it failed the last time.
        since: When it first failed, leaving out what the service was to blame for; None if it has not failed since.
        times: How often it has failed since then.
        looks: How often it has failed since anything was read.
        is_fresh: Whether nothing was read since it began.
        told: Whether it was told.
    """

    trouble: Trouble
    since: float | None = None
    times: int = 0
    looks: int = 0
    is_fresh: bool = True
    told: bool = False

    def is_own(self, project_id: int) -> bool:
        """Whether only a service that works fails so. It always knows the status of all projects."""
        return self.trouble.own and project_id != ACCOUNT

    def lasts(self, now: float) -> bool:
        """Whether it is more than a short disturbance."""
        return self.since is not None and self.times > 1 and now - self.since >= LASTING


Told = tuple[Verdict, int, Trouble | None]
"""What there is to tell, of which project, and why."""


class Health:
    """Told how each look ended. The status of all projects, `ACCOUNT`, counts as one more."""

    def __init__(self) -> None:
        self._failing: dict[int, _Failing] = {}
        self._is_service_failing = False

    def known_to_fail(self, project_id: int, trouble: Trouble, now: float) -> None:
        """It was told so before the process was started again. Of the account that means the service.

        Args:
            project_id: The project.
            trouble: Why it failed then.
            now: When this is said.
        """
        if project_id == ACCOUNT:
            self._is_service_failing = True
        else:
            self._failing[project_id] = _Failing(trouble, now, is_fresh=False, told=True)

    def failed(self, project_id: int, trouble: Trouble, now: float) -> list[Told]:
        """A look failed. Returns what there is to tell.

        Args:
            project_id: The project.
            trouble: Why.
            now: When it did.
        """
        failing = self._failing.setdefault(project_id, _Failing(trouble))
        failing.trouble = trouble
        failing.since = now if failing.since is None else failing.since
        failing.times += 1
        failing.looks += 1
        if self._is_service_failing or not self._can_nothing_be_read():
            return []
        self._is_service_failing = True
        return [(Verdict.SERVICE_FAILING, ACCOUNT, trouble)]

    def succeeded(self, project_id: int, now: float, *, entirely: bool = True) -> list[Told]:
        """A look succeeded. Returns what there is to tell, also of others.

        Args:
            project_id: The project.
            now: When it did.
            entirely: Nothing else of the project failed when it was looked at last.
        """
        told: list[Told] = []
        recovers, self._is_service_failing = self._is_service_failing, False
        if recovers:
            told.append((Verdict.SERVICE_RECOVERED, ACCOUNT, None))
        failing = self._failing.pop(project_id, None) if entirely else None
        if failing is not None and failing.told:
            told.append((Verdict.PROJECT_RECOVERED, project_id, None))
        for other, each in self._failing.items():
            failed, each.looks = each.looks > 0, 0
            each.is_fresh = False
            if recovers:
                each.since, each.times = None, 0
            elif failed and not each.told and (each.is_own(other) or each.lasts(now)):
                each.told = True
                told.append((Verdict.PROJECT_FAILING, other, each.trouble))
        return told

    def left(self, project_id: int) -> None:
        """A project is watched no more."""
        self._failing.pop(project_id, None)

    def _can_nothing_be_read(self) -> bool:
        """Whether the service is to blame: looks at several things failed, and enough at what did not fail anyway."""
        fresh = [each for key, each in self._failing.items() if each.is_fresh and not each.is_own(key)]
        several = sum(each.looks > 0 for each in self._failing.values()) > 1
        return several and sum(each.looks for each in fresh) >= LOOKS
