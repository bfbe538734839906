"""Which projects a watch watches at present: those that the user names, or those that their status chooses."""

import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final

import anyio

from qcasync._core import requests
from qcasync._core.lingering import Lingering, chosen
from qcasync.errors import ConfigurationError
from qcasync.models.enums import AlgorithmStatus
from qcasync.models.live import LiveDeployment
from qcasync.poller.options import Options
from qcasync.poller.project import Project

PATIENCE: Final = 30.0
"""Seconds for the user's function that gives the projects."""

logger: logging.Logger = logging.getLogger("qcasync")


class Choice:
    """Chooses projects.

    Args:
        options: What the user wants.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._lingering = Lingering(orders="orders" in options.periods)
        self._is_failing = False
        self.former: Iterable[int] = ()
        """The projects that a former run of the watch watched last, until they are taken up again."""
        self.has_begun = False
        """Whether a function that fails is asked again later, and no more what keeps the watch from beginning."""

    async def wanted(
        self, deployments: Sequence[LiveDeployment], at: float, watched: Mapping[int, Project]
    ) -> Iterable[int] | None:
        """The projects to watch; None if they stay the same.

        Args:
            deployments: All that there are.
            at: When that was written, in Unix seconds.
            watched: The projects that are watched.

        Raises:
            Exception: What the user's function raised, if the watch has not begun.
        """
        if self._options.ask is not None:
            return await self._asked(self._options.ask)
        if self._options.status is not None:
            return self._by_status(self._options.status, deployments, at, watched)
        return None

    async def _asked(self, ask: Callable[[], Iterable[int] | Awaitable[Iterable[int]]]) -> list[int] | None:
        """What the user's function says; None if it fails: what it said before holds."""
        try:
            wanted = await _answer(ask)
        except Exception:  # foreign code, which must not cost the projects that are watched
            if not self.has_begun:
                raise
            if not self._is_failing:
                logger.exception("the function that gives the projects to watch failed; they stay the same meanwhile")
            self._is_failing = True
            return None
        if self._is_failing:
            logger.info("the function that gives the projects to watch works again")
        self._is_failing = False
        return wanted

    def _by_status(
        self,
        status: AlgorithmStatus,
        deployments: Sequence[LiveDeployment],
        at: float,
        watched: Mapping[int, Project],
    ) -> list[int]:
        """The projects whose latest deployment is in the state; others are watched for a while yet.

        Those that were chosen when a former run ended may have stopped since, and are watched for that while, too.
        """
        known, self.former = [*watched, *self.former], ()
        read_at = {each: watched[each].orders.complete_through if each in watched else None for each in known}
        return self._lingering.choose(chosen(status, deployments), read_at, now=anyio.current_time(), at=at)


async def _answer(ask: Callable[[], Iterable[int] | Awaitable[Iterable[int]]]) -> list[int]:
    with anyio.move_on_after(PATIENCE):
        answer = ask()
        return list(map(requests.project, await answer if inspect.isawaitable(answer) else answer))
    raise ConfigurationError(
        f"The function that gives the projects did not answer within {PATIENCE:g} s.",
        "Give its own calls a shorter timeout.",
    )
