"""Which projects a status chooses, and how long one is watched on that it chooses no more."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from qcasync._core.reconciling import newest
from qcasync.models.enums import AlgorithmStatus
from qcasync.models.live import LiveDeployment

LINGER: Final = 1200.0
"""Seconds for which a project is watched on when its status chooses it no more: its last orders are yet to come."""
LONGEST_LINGER: Final = 86_400.0
"""The same, while these cannot be read."""


def chosen(status: AlgorithmStatus, deployments: Sequence[LiveDeployment]) -> list[int]:
    """The projects whose latest deployment is in a state, in the order of the list."""
    latest: dict[int, LiveDeployment] = {}
    for deployment in deployments:
        project_id = deployment.project_id
        before = latest.get(project_id)
        latest[project_id] = deployment if before is None else newest(project_id, (before, deployment)) or before
    return [project_id for project_id, each in latest.items() if each.status == status]


class Lingering:
    """The projects that are chosen no more, and watched on.

    Args:
        orders: Whether orders are watched. Without them it is only a matter of time.
    """

    def __init__(self, *, orders: bool) -> None:
        self._orders = orders
        self._leaving: dict[int, tuple[float, float]] = {}

    def choose(self, chosen: Iterable[int], read_at: Mapping[int, float | None], *, now: float, at: float) -> list[int]:
        """Return the projects to watch: those that are chosen, and those that are not yet done with.

        Args:
            chosen: The projects that are chosen.
            read_at: The projects that were watched until now; when all of their orders were read the last time, in
                Unix seconds, None before the first time.
            now: By a clock that only goes forward.
            at: When it was written what is chosen, in Unix seconds.
        """
        stay = dict.fromkeys(chosen)
        leaving = {each: self._leaving.get(each, (now, at)) for each in read_at if each not in stay}
        self._leaving = {
            each: (since, left_at)
            for each, (since, left_at) in leaving.items()
            if not self._is_done(now - since, left_at, read_at[each])
        }
        return [*stay, *self._leaving]

    def _is_done(self, waited: float, left_at: float, read_at: float | None) -> bool:
        """Whether nothing more is to be expected."""
        if waited < LINGER or not self._orders:
            return waited >= LINGER
        is_read = read_at is not None and read_at >= left_at + LINGER / 2
        return is_read or waited >= LONGEST_LINGER
