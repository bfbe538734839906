"""`qcasync live list`: the deployments of all projects."""

from typing import Annotated

import anyio
import typer

import qcasync
from qcasync.cli.output import is_read_by_programs, name_of, results, row, say, table, when, write_json
from qcasync.cli.rows import fields
from qcasync.cli.settings import Settings


def list_deployments(
    context: typer.Context,
    status: Annotated[
        str | None, typer.Option(metavar="S", help="Only Running, Stopped, RuntimeError or Liquidated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line, as when piped.")] = False,
) -> None:
    """List the live deployments of all projects. One request."""
    deployments = anyio.run(_read, Settings.of(context), status)
    if as_json or is_read_by_programs():
        write_json(fields(deployment) for deployment in deployments)
    elif deployments:
        _show(deployments)
    else:
        say("No deployments." if status is None else f"No deployments are {status}.")


async def _read(settings: Settings, status: str | None) -> tuple[qcasync.LiveDeployment, ...]:
    async with settings.client() as qc:
        return await qc.live.list(status=status)


def _show(deployments: tuple[qcasync.LiveDeployment, ...]) -> None:
    shown = table()
    for title in ("Project", "Status", "Launched (UTC)"):
        shown.add_column(title, no_wrap=True)
    shown.add_column("Equity", justify="right", no_wrap=True)
    shown.add_column("Brokerage")
    shown.add_column("Deployment")
    for each in deployments:
        running = each.status is qcasync.AlgorithmStatus.RUNNING
        equity = "" if each.equity is None else f"{each.equity:,.2f}"
        row(
            shown,
            each.project_id,
            name_of(each.status),
            when(each.launched)[:16],
            equity,
            each.brokerage,
            each.deploy_id,
            style="" if running else "dim",
        )
    results().print(shown)
