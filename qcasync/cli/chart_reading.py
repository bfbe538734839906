"""What `qcasync chart` reads: the names, the stretch, the chart, and for the equity the orders and the drawdown."""

import difflib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import anyio
import typer

import qcasync
from qcasync.cli.exit_codes import FAILED
from qcasync.cli.output import clean, explain
from qcasync.cli.settings import Settings
from qcasync.pictures.chart_reading import DRAWDOWN, EQUITY, read_sharply

_LISTED: Final = 30
"""Names that an error lists."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the command line asks for.

    Attributes:
        project: The project.
        name: The chart.
        since: From when; None for the first launch that is known.
        until: Until when; None for now.
        count: About how many samples.
        whole: Whether the equity gets its orders and its drawdown.
    """

    project: int
    name: str
    since: datetime | None
    until: datetime | None
    count: int
    whole: bool


@dataclass(kw_only=True)
class Seen:
    """What was read.

    Attributes:
        project_name: The project's name; "" if unknown.
        chart: The chart.
        since: Where its stretch begins.
        until: Where its stretch ends.
        observed_at: When it was read.
        orders: For the equity, all orders of the project.
        drawdown: For the equity, the chart of the drawdown; None if the project has none.
    """

    project_name: str
    chart: qcasync.Chart
    since: datetime
    until: datetime
    observed_at: datetime
    orders: Sequence[qcasync.Order] = ()
    drawdown: qcasync.Chart | None = None


async def read(settings: Settings, wanted: Wanted) -> Seen:
    """Read a chart and what belongs to it.

    Cost: three requests; for the equity four, and those of `live.list_orders`. With `since` one less; with one long
    before the first point, a few more.

    Raises:
        ConfigurationError: The project has no such chart, or the stretch makes no sense.
    """
    async with settings.client() as qc:
        algorithm = await _read_algorithm(qc, wanted.project)
        names = names_of(algorithm)
        name = chosen(wanted.name, names, wanted.project)
        until = wanted.until or qc.server_time  # by a clock that is late, a chart would end before its last points
        since = wanted.since or await _first_launch(qc, wanted.project, algorithm)
        if since >= until:
            raise qcasync.ConfigurationError(f"The stretch ends at {until:%Y-%m-%d %H:%M:%S} UTC, before it begins.")
        chart = qcasync.Chart(name=name)
        seen = Seen(
            project_name=algorithm.project_name, chart=chart, since=since, until=until, observed_at=qc.server_time
        )

        async def read_chart() -> None:
            seen.chart = await read_sharply(qc, wanted.project, name, start=since, end=until, count=wanted.count)

        async def read_drawdown() -> None:
            seen.drawdown = await read_sharply(qc, wanted.project, DRAWDOWN, start=since, end=until, count=wanted.count)

        async def read_orders() -> None:
            seen.orders = tuple(await qc.live.list_orders(wanted.project))

        works = [read_chart]
        if wanted.whole and name == EQUITY:
            works += [read_orders, *([read_drawdown] if DRAWDOWN in names else [])]
        await _all(works)
        seen.observed_at = qc.server_time
        return seen


async def read_names(settings: Settings, project: int) -> tuple[str, ...]:
    """Read the names of a project's charts. Cost: one request."""
    async with settings.client() as qc:
        return names_of(await _read_algorithm(qc, project))


async def _all(works: Iterable[Callable[[], Awaitable[None]]]) -> None:
    """Do all of them at once. The first error ends the others, and comes out alone."""
    failed: list[qcasync.QuantConnectError] = []
    async with anyio.create_task_group() as group:

        async def attempt(work: Callable[[], Awaitable[None]]) -> None:
            try:
                await work()
            except qcasync.QuantConnectError as error:
                failed.append(error)
                group.cancel_scope.cancel()

        for work in works:
            group.start_soon(attempt, work)
    if failed:
        raise failed[0]


def names_of(algorithm: qcasync.LiveAlgorithm) -> tuple[str, ...]:
    """The charts of a live algorithm, as live/read names them."""
    return tuple(algorithm.charts or (algorithm.results.charts if algorithm.results else ()))


def chosen(name: str, names: Sequence[str], project: int) -> str:
    """The chart that a name means: upper and lower case do not matter. If no names are known, the name itself.

    Raises:
        ConfigurationError: There is none; it lists those that there are, similar ones first.
    """
    if not names or name in names:
        return name
    alike = [each for each in names if each.casefold() == name.casefold()]
    if len(alike) == 1:
        return alike[0]
    folded = {each.casefold(): each for each in names}
    near = [folded[each] for each in difflib.get_close_matches(name.casefold(), folded, n=3)]
    listed = [clean(each) for each in [*near, *(each for each in names if each not in near)]]
    more = f", and {len(listed) - _LISTED:,} more" if len(listed) > _LISTED else ""
    meant = f"Did you mean {clean(near[0])!r}? " if near else ""
    raise qcasync.ConfigurationError(
        f"Project {project} has no chart {clean(name)!r}.", f"{meant}Its charts: {', '.join(listed[:_LISTED])}{more}."
    )


async def _read_algorithm(qc: qcasync.Client, project: int) -> qcasync.LiveAlgorithm:
    algorithm = await qc.live.read(project)
    if algorithm.status is qcasync.AlgorithmStatus.UNDEFINED and not algorithm.deploy_id and not algorithm.results:
        explain(LookupError(f"project {project} was never deployed, and so has no charts."))
        raise typer.Exit(FAILED)
    return algorithm


async def _first_launch(qc: qcasync.Client, project: int, algorithm: qcasync.LiveAlgorithm) -> datetime:
    """When the first deployment was launched, of those that live/list and live/read still tell of."""
    told = [each.launched for each in await qc.live.list() if each.project_id == project]
    launches = [launched for launched in (*told, algorithm.launched) if launched is not None]
    if not launches:
        raise qcasync.ConfigurationError(
            f"QuantConnect does not tell when project {project} was launched.", "Say it with --since."
        )
    return min(launches)
