"""`qcasync live show`: one live algorithm."""

from collections.abc import Mapping
from typing import Annotated

import anyio
import typer
from rich.text import Text

import qcasync
from qcasync.cli.output import clean, is_read_by_programs, name_of, results, row, table, when, write_json
from qcasync.cli.rows import fields
from qcasync.cli.settings import Settings


def show(
    context: typer.Context,
    project: Annotated[int, typer.Argument(min=1, metavar="PROJECT", help="Its id.", show_default=False)],
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object, as when piped; files without content.")
    ] = False,
) -> None:
    """Show a project's live algorithm: status, statistics, charts. One request."""
    algorithm = anyio.run(_read, Settings.of(context), project)
    if as_json or is_read_by_programs():
        write_json([_object(project, algorithm)])
    else:
        _show(project, algorithm)


async def _read(settings: Settings, project: int) -> qcasync.LiveAlgorithm:
    async with settings.client() as qc:
        return await qc.live.read(project)


def _object(project: int, algorithm: qcasync.LiveAlgorithm) -> dict[str, object]:
    files = [
        {"name": file.name, "modified": file.modified, "is_library": file.is_library} for file in algorithm.files
    ]  # sources are long, and often confidential
    return {"project_id": project, **fields(algorithm), "files": files}


def _show(project: int, algorithm: qcasync.LiveAlgorithm) -> None:
    console = results()
    result = algorithm.results or qcasync.LiveResult()
    console.print(Text(clean(f"{project} {algorithm.project_name}".strip()), "bold"))
    facts = table()
    facts.show_header = False
    facts.add_column(style="dim")
    facts.add_column()
    for name, value in (
        ("status", "" if algorithm.results else _status(algorithm)),
        ("deployment", algorithm.deploy_id),
        ("brokerage", algorithm.brokerage),
        ("launched", _utc(when(algorithm.launched))),
        ("stopped", _utc(when(algorithm.stopped))),
        ("error", algorithm.message),
        ("securities", algorithm.security_types),
        ("datacenter", algorithm.datacenter),
        ("charts", ", ".join(algorithm.charts or result.charts)),
    ):
        if value:
            row(facts, name, value, fold=True)
    console.print(facts)
    for title, statistics in (
        ("Statistics", algorithm.runtime_statistics or result.runtime_statistics),
        ("Server", algorithm.server_statistics or result.server_statistics),
        ("Deployment", algorithm.deployment_details),
    ):
        _show_statistics(title, statistics)


def _show_statistics(title: str, statistics: Mapping[str, str]) -> None:
    if not statistics:
        return
    shown = table(title)
    shown.show_header = False
    shown.add_column(style="dim")
    shown.add_column(justify="right")
    for name, value in statistics.items():
        row(shown, name, value)
    console = results()
    console.line()
    console.print(shown)


def _status(algorithm: qcasync.LiveAlgorithm) -> str:
    undeployed = algorithm.status is qcasync.AlgorithmStatus.UNDEFINED
    return "never deployed" if undeployed else name_of(algorithm.status)


def _utc(text: str) -> str:
    return text and f"{text} UTC"
