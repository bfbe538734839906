"""Which projects a watch watches at present: those that the user names, or those that their status chooses."""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import anyio

from qcasync._core import requests
from qcasync._core.reconciling import newest
from qcasync.models.enums import AlgorithmStatus
from qcasync.models.live import LiveDeployment
from qcasync.poller.options import Options
from qcasync.poller.project import Project

LINGER: Final = 1200.0
"""Seconds for which a project is watched on when its status chooses it no more: its last orders are yet to come."""
LONGEST_LINGER: Final = 86_400.0
"""The same, while these cannot be read."""


class Choice:
    """Chooses projects.

    Args:
        options: What the user wants.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._leaving: dict[int, tuple[float, float]] = {}

    async def wanted(
        self, deployments: Sequence[LiveDeployment], at: float, watched: Mapping[int, Project]
    ) -> Iterable[int] | None:
        """The projects to watch; None if they stay the same.

        Args:
            deployments: All that there are.
            at: When that was written, in Unix seconds.
            watched: The projects that are watched.
        """
        if self._options.ask is not None:
            answer = self._options.ask()
            return map(requests.project, await answer if inspect.isawaitable(answer) else answer)
        if self._options.status is not None:
            return self._by_status(self._options.status, deployments, at, watched)
        return None

    def _by_status(
        self,
        status: AlgorithmStatus,
        deployments: Sequence[LiveDeployment],
        at: float,
        watched: Mapping[int, Project],
    ) -> list[int]:
        """The projects whose latest deployment is in the state; others are watched for a while yet."""
        latest: dict[int, LiveDeployment] = {}
        for deployment in deployments:
            project_id = deployment.project_id
            before = latest.get(project_id)
            found = deployment if before is None else newest(project_id, (before, deployment)) or before
            latest[project_id] = found
        chosen = dict.fromkeys(project_id for project_id, each in latest.items() if each.status == status)
        since = anyio.current_time(), at
        leaving = {each: self._leaving.get(each, since) for each in watched if each not in chosen}
        self._leaving = {each: since for each, since in leaving.items() if not self._has_left(watched[each], *since)}
        return [*chosen, *self._leaving]

    def _has_left(self, project: Project, since: float, left_at: float) -> bool:
        """Whether nothing more is to be expected of a project that its status chooses no more."""
        waited = anyio.current_time() - since
        if waited < LINGER or "orders" not in self._options.periods:
            return waited >= LINGER
        read_at = project.orders.complete_through
        is_read = read_at is not None and read_at >= left_at + LINGER / 2
        return is_read or waited >= LONGEST_LINGER
