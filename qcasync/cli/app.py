"""The commands put together, and the options that all of them share."""

from typing import Annotated, Final

import typer

import qcasync
from qcasync.cli.bench.command import decode
from qcasync.cli.chart import chart
from qcasync.cli.demo import demo
from qcasync.cli.doctor import doctor
from qcasync.cli.export import export
from qcasync.cli.live_command import command
from qcasync.cli.live_end import liquidate, stop
from qcasync.cli.live_list import list_deployments
from qcasync.cli.live_reconcile import reconcile
from qcasync.cli.live_show import show
from qcasync.cli.orders import orders
from qcasync.cli.report import report
from qcasync.cli.settings import Settings, TransportName
from qcasync.cli.simulator import simulator
from qcasync.cli.watch import watch

_HELP: Final = (
    "QuantConnect's API. Exit codes: 0 done, 1 failed, 2 usage, 3 incomplete. "
    "Credentials: QUANTCONNECT_USER_ID and QUANTCONNECT_API_TOKEN, or `lean login`."
)
app: typer.Typer = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they print local variables, and with them what should stay secret
)
bench: typer.Typer = typer.Typer(no_args_is_help=True, help="Benchmarks.")
live: typer.Typer = typer.Typer(no_args_is_help=True, help="Live algorithms.")

app.command()(chart)
app.command()(demo)
app.command()(doctor)
app.command()(export)
app.add_typer(bench, name="bench")
app.add_typer(live, name="live")
app.command()(orders)
app.command()(report)
app.command()(simulator)
app.command()(watch)
bench.command("decode")(decode)
live.command("list")(list_deployments)
live.command("show")(show)
live.command("stop")(stop)
live.command("liquidate")(liquidate)
live.command("command")(command)
live.command("reconcile")(reconcile)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"qcasync {qcasync.__version__}")
        raise typer.Exit


@app.callback(help=_HELP)
def options(
    context: typer.Context,
    transport: Annotated[TransportName, typer.Option(help="HTTP library.")] = TransportName.HTTPX,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="For a call, waits included.", show_default=False)
    ] = None,
    concurrency: Annotated[int, typer.Option(metavar="N", help="Requests at once.")] = 10,
    version: Annotated[  # noqa: ARG001 - its callback does it
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Keep what the options say for the command that follows them."""
    context.obj = Settings(transport=transport, timeout=timeout, concurrency=concurrency)
