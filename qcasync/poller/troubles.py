"""What goes wrong with consumers: handlers that hang or fail, and acknowledgements that do not come."""

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Final

import anyio

from qcasync._core.redaction import REDACTED, scrub
from qcasync.models.changes import Change

IMPATIENT: Final = 60.0
"""Seconds without an acknowledgement, while somebody asks for changes, after which a hint is logged."""
NAMED: Final = 20
"""Projects that one hint names at most."""
_LOGIN: Final = re.compile(r"(?<=://)[^\s/]*(?=@)")
"""User and password in a URL."""

Handler = Callable[[Change], Awaitable[object]]

logger: logging.Logger = logging.getLogger("qcasync")


def reason(error: Exception) -> str:
    """An error of foreign code as a text that any store takes: without secrets, at most 500 characters, in UTF-8."""
    try:
        text = repr(error)
    except Exception:  # a __repr__ is foreign code, too
        text = type(error).__name__
    return scrub(_LOGIN.sub(REDACTED, text.encode("utf-8", "backslashreplace").decode()))


def limited(handler: Handler, seconds: float) -> Handler:
    """The handler; it is cancelled, and fails, when it takes longer."""

    async def handle(change: Change) -> None:
        with anyio.move_on_after(seconds) as scope:
            await handler(change)
        if scope.cancelled_caught:
            raise TimeoutError(f"the handler did not return within {seconds:g} s")

    return handle


class Unacknowledged:
    """The projects whose change was delivered and is not acknowledged. Who forgets that is told so, once for each."""

    def __init__(self) -> None:
        self._since: dict[int, float] = {}
        self._hinted: set[int] = set()

    @property
    def seconds(self) -> float:
        """Seconds after which a hint may be due; more than 0 after `hint`."""
        since = next(iter(self._since.values()), None)
        return IMPATIENT if since is None else since + IMPATIENT - anyio.current_time()

    def delivered(self, project_id: int) -> None:
        """A change of the project was handed out."""
        if project_id not in self._hinted:
            self._since[project_id] = anyio.current_time()

    def acknowledged(self, project_id: int) -> None:
        """It was acknowledged."""
        self._since.pop(project_id, None)

    def hint(self) -> None:
        """Log which projects wait for an acknowledgement for long. Costs a look at the longest one."""
        now = anyio.current_time()
        late: list[int] = []
        for project_id, since in self._since.items():  # in the order in which they were delivered
            if now < since + IMPATIENT:
                break
            late.append(project_id)
        if not late:
            return
        for project_id in late:
            del self._since[project_id]
        self._hinted.update(late)
        logger.warning(
            "a change of %s was delivered %g s ago or more, and not acknowledged; its next one comes after "
            "`await change.ack()`, or after a restart",
            _named(late),
            IMPATIENT,
        )


def _named(project_ids: list[int]) -> str:
    names = ", ".join(map(str, project_ids[:NAMED]))
    more = len(project_ids) - NAMED
    if more > 0:
        names += f" and {more} more"
    return f"{'project' if len(project_ids) == 1 else 'each of the projects'} {names}"
