"""What is watched, how often, and of which projects: a user's words, checked."""

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, cast

import msgspec

from qcasync._core import requests
from qcasync._core.requests import status_name
from qcasync._session import Seconds
from qcasync.errors import ConfigurationError
from qcasync.models.enums import AlgorithmStatus

Aspect: TypeAlias = Literal["orders", "portfolio", "statistics", "logs", "insights", "charts"]
"""What of a project is watched. The status of all projects comes with every watch."""
Projects: TypeAlias = Iterable[int] | Callable[[], Iterable[int] | Awaitable[Iterable[int]]]
"""Project ids, or a function that is asked for them again and again."""
Often: TypeAlias = bool | Seconds
"""Whether; or how often, in seconds: 1 is every second, and not True."""

STATUS_SECONDS: Final = 60.0
"""Seconds between two looks at the status of all projects."""
PERIODS: Final[Mapping[Aspect, float]] = MappingProxyType(
    {
        "orders": 600.0,
        "portfolio": 600.0,
        "statistics": 60.0,
        "logs": 300.0,
        "insights": 600.0,
        "charts": 600.0,
    }
)
"""Seconds between two looks, unless told otherwise: where the server shows snapshots, as often as it renews them."""
RENEWED: Final[frozenset[Aspect]] = frozenset({"orders", "portfolio", "logs", "insights"})
"""What the server shows through snapshots."""
SHORTEST: Final = 1.0
"""Seconds between two looks at least."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What a watch does.

    Attributes:
        project_ids: The projects, if they are fixed.
        ask: Asked for the projects in every cycle, if they are not.
        status: Watch the projects whose latest deployment is in this state; None if that is not what chooses them.
        periods: Seconds between two looks, by aspect; what is not watched is not in it.
        status_seconds: Seconds between two looks at the status of all projects.
        charts: Names of the charts.
        from_beginning: Tell what is there already, and not only what becomes different.
    """

    project_ids: tuple[int, ...] | None
    ask: Callable[[], Iterable[int] | Awaitable[Iterable[int]]] | None
    status: AlgorithmStatus | None
    periods: Mapping[Aspect, float]
    status_seconds: float
    charts: tuple[str, ...]
    from_beginning: bool


def options(
    projects: Projects | None,
    *,
    status: AlgorithmStatus | str | None,
    start: str,
    often: Mapping[Aspect, Often],
    status_every: Seconds,
    charts: Iterable[str],
) -> Options:
    """Check what a user wants.

    Raises:
        ConfigurationError: It cannot be done; the error says what, and what to do.
    """
    if (projects is None) == (status is None):
        raise ConfigurationError(
            "watch() needs projects to watch: their ids, a function that gives them, or a status.",
            'watch([project_id]), or watch(status="Running"); not both.',
        )
    if start not in ("now", "beginning"):
        raise ConfigurationError(f"start must be 'now' or 'beginning', not {start!r}.", "'now' tells what is new.")
    names = _names(charts)
    periods: dict[Aspect, float] = {
        aspect: _seconds(aspect, PERIODS[aspect], wanted) for aspect, wanted in often.items() if wanted is not False
    }
    if not names:
        periods.pop("charts", None)
    ids = None if projects is None or callable(projects) else _ids(projects)
    return Options(
        project_ids=ids,
        ask=projects if callable(projects) else None,
        status=None if status is None else AlgorithmStatus(status_name(status)),
        periods=periods,
        status_seconds=_seconds("status_every", STATUS_SECONDS, status_every),
        charts=names,
        from_beginning=start == "beginning",
    )


def _ids(projects: Iterable[int]) -> tuple[int, ...]:
    if isinstance(projects, int | str):
        raise ConfigurationError(f"projects must be project ids, not {projects!r}.", f"watch([{projects}])")
    ids = tuple(dict.fromkeys(map(requests.project, projects)))
    if not ids:
        raise ConfigurationError("There are no projects to watch.", "Give ids, or a function that may give none yet.")
    return ids


def _names(charts: object) -> tuple[str, ...]:
    if isinstance(charts, str):
        raise ConfigurationError(f"charts must be names of charts, not the text {charts!r}.", f"charts=[{charts!r}]")
    if not isinstance(charts, Iterable):
        raise ConfigurationError(f"charts must be names of charts, not {charts!r}.", 'charts=["Strategy Equity"]')
    names = cast("Iterable[str]", charts)
    return tuple(dict.fromkeys(requests.identifier("charts", name) for name in names))


def _seconds(name: str, default: float, wanted: object) -> float:
    if wanted is True:
        return default
    if not isinstance(wanted, int | float | timedelta):
        raise ConfigurationError(
            f"{name}={wanted!r} says neither whether to look, nor how often.",
            f"True, False, or seconds between two looks: {name}={default:g}.",
        )
    seconds = wanted.total_seconds() if isinstance(wanted, timedelta) else float(wanted)
    if not SHORTEST <= seconds < math.inf:
        raise ConfigurationError(
            f"{name}={seconds:g} is no number of seconds between two looks: {SHORTEST:g} or more.",
            f"QuantConnect renews most data every few minutes; {default:g} is the default.",
        )
    return seconds
