"""`qcasync report`: one project as a page that needs nothing else, or as numbers for programs."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import anyio
import typer

from qcasync.cli import whole_file
from qcasync.cli.exit_codes import INCOMPLETE
from qcasync.cli.moments import moment
from qcasync.cli.output import clean, is_read_by_programs, messages, say, warn, write_json
from qcasync.cli.progress import Bars
from qcasync.cli.rows import plain
from qcasync.cli.settings import Settings
from qcasync.pictures import pages
from qcasync.pictures.report_data import ReportData, Unread
from qcasync.pictures.report_gathering import PATIENCE, gather
from qcasync.pictures.report_numbers import numbers_of
from qcasync.pictures.report_page import report_page


def report(
    context: typer.Context,
    project: Annotated[int, typer.Argument(min=1, metavar="PROJECT", help="Its id.", show_default=False)],
    *,
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html", help="Where to; report-PROJECT.html on a terminal if left out.", show_default=False
        ),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            metavar="TIME",
            parser=moment,
            help="Where the period begins, UTC; the latest launch if left out.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The numbers as one JSON object, as when piped.")] = False,
) -> None:
    """Make one page about a project, which works offline.

    Status, equity, exposure, holdings, recent orders, fill quality, log.

    Eight requests, one per 100 orders, and a few more. What cannot be read says so on the page; without status or
    orders there is no page.
    """
    if as_json and to is not None:
        raise typer.BadParameter("choose one of --json and --to")
    if to is not None and to.suffix.lower() not in {".html", ".htm"}:
        raise typer.BadParameter(f"--to writes .html, not {to.suffix or 'a file without suffix'}")
    settings = Settings.of(context)
    if as_json or (to is None and is_read_by_programs()):
        data = _gathered(settings, project, since)
        write_json([plain(numbers_of(data))])
        _tell(data)
        return
    path = to or Path(f"report-{project}.html")
    pages.check()
    whole_file.probe(path, overwrite=force)
    data = _gathered(settings, project, since)
    whole_file.write(path, report_page(data).encode("utf-8", "backslashreplace"), overwrite=force)
    say(f"Report written to {clean(path)}.")
    _tell(data)


def _gathered(settings: Settings, project: int, since: datetime | None) -> ReportData:
    with Bars(messages(), transient=True) as bars:
        bar = bars.add(f"project {project}")

        async def read() -> ReportData:
            patience = min(PATIENCE, settings.timeout or PATIENCE)
            async with settings.client(observers=[bar]) as qc:
                return await gather(qc, project, since=since, patience=patience, part_read=bar.read)

        return anyio.run(read)


def _tell(data: ReportData) -> None:
    for name, part in data.parts.items():
        if isinstance(part, Unread):
            say(f"Without {name}: {clean(part.reason)}")
    if data.listing.quarantined:
        warn(f"{len(data.listing.quarantined):,} entries of the list of orders cannot be decoded, and are not in it")
        raise typer.Exit(INCOMPLETE)
