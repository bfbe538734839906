"""Who is failing: a project, or everything. Told once, and once more when it is over.

When nothing can be read, that is one piece of news and not one for each project. So a failure counts as a project's own
only if something else was read since it began, or if it is of a kind that only a service that works can answer.
"""

import enum

import msgspec

from qcasync.models.changes import ACCOUNT


class Verdict(enum.Enum):
    """What there is to tell."""

    PROJECT_FAILING = "a project is failing, and others are not"
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


class _Failing(msgspec.Struct):
    since: float
    trouble: Trouble
    times: int = 1
    told: bool = False


Told = tuple[Verdict, int, Trouble | None]
"""What there is to tell, of which project, and why."""


class Health:
    """Told how each look ended. The status of all projects, `ACCOUNT`, counts as one more."""

    def __init__(self) -> None:
        self._failing: dict[int, _Failing] = {}
        self._read_at = float("-inf")
        self.service_failing: bool = False
        """Whether nothing can be read at present, and that was told."""

    def is_failing(self, project_id: int) -> bool:
        """Whether a project was told to be failing."""
        failing = self._failing.get(project_id)
        return failing is not None and failing.told

    def known_to_fail(self, project_id: int, trouble: Trouble, now: float) -> None:
        """It was told so before the process was started again."""
        self._failing[project_id] = _Failing(now, trouble, told=True)

    def failed(self, project_id: int, trouble: Trouble, now: float) -> list[Told]:
        """A look failed. Returns what there is to tell."""
        failing = self._failing.get(project_id)
        if failing is None:
            failing = self._failing[project_id] = _Failing(now, trouble)
        else:
            failing.times += 1
            failing.trouble = trouble
        if self.service_failing or failing.told:
            return []
        if project_id != ACCOUNT and (trouble.own or (failing.times > 1 and self._read_at > failing.since)):
            failing.told = True
            return [(Verdict.PROJECT_FAILING, project_id, trouble)]
        since_read = [each for each in self._failing.values() if each.since > self._read_at and not each.trouble.own]
        if len(since_read) > 1:
            self.service_failing = True
            return [(Verdict.SERVICE_FAILING, ACCOUNT, trouble)]
        return []

    def succeeded(self, project_id: int, now: float, *, entirely: bool = True) -> list[Told]:
        """A look succeeded. Returns what there is to tell.

        Args:
            project_id: The project.
            now: When it did.
            entirely: Nothing else of the project failed when it was looked at last.
        """
        self._read_at = now
        told: list[Told] = []
        if self.service_failing:
            self.service_failing = False
            self._failing = {other: each for other, each in self._failing.items() if each.told}
            told.append((Verdict.SERVICE_RECOVERED, ACCOUNT, None))
        failing = self._failing.pop(project_id, None) if entirely else None
        if failing is not None and failing.told:
            told.append((Verdict.PROJECT_RECOVERED, project_id, None))
        return told

    def left(self, project_id: int) -> None:
        """A project is watched no more."""
        self._failing.pop(project_id, None)
