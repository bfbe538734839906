"""`qcasync simulator`: a QuantConnect of one's own, until Ctrl-C."""

import time
from typing import Annotated

import anyio
import typer

from qcasync.cli.output import say
from qcasync.simulator import Conditions, Simulator, demo, serve


def _counts(text: str) -> list[int]:
    try:
        counts = [int(part) for part in text.split(",")]
    except ValueError:
        counts = [-1]
    if min(counts) < 0:
        raise typer.BadParameter(f"{text!r} is not a list of counts such as 40,120,327")
    return counts


def simulator(
    *,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="A free one unless given.", show_default=False)] = 0,
    allow_remote: Annotated[bool, typer.Option("--allow-remote", help="Permit a host that others reach.")] = False,
    project: Annotated[
        list[str] | None,
        typer.Option(metavar="N,N,...", help="Orders per deployment. Repeatable.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides what is invented.")] = 7,
    latency: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="For each answer.", show_default=False)] = 0,
    loading: Annotated[
        int, typer.Option(min=0, metavar="N", help="Loading answers per project.", show_default=False)
    ] = 0,
    fault_rate: Annotated[
        float, typer.Option(min=0, max=1, metavar="SHARE", help="Of requests that fail.", show_default=False)
    ] = 0,
    clock_offset: Annotated[
        float, typer.Option(metavar="SECONDS", help="How far its clock is ahead.", show_default=False)
    ] = 0,
) -> None:
    """Serve a simulated QuantConnect until Ctrl-C.

    For any client in any language. What it prints can be pasted into another shell. Without --project it has the
    projects of the demonstration.
    """
    projects = [_counts(text) for text in project or ()]
    now = time.time()
    simulated = Simulator(seed, now) if projects else demo(now, seed=seed)
    for deployments in projects:
        simulated.add_project(deployments)
    simulated.conditions = Conditions(
        latency=latency, loading=loading, fault_rate=fault_rate, clock_offset=clock_offset
    )
    try:
        with serve(simulated, host, port, allow_remote=allow_remote) as server:
            typer.echo(server.introduction)
            say("Ctrl-C ends it.", "dim")
            anyio.run(anyio.sleep_forever)
    except ValueError:
        raise typer.BadParameter(f"{host} can be reached by others; add --allow-remote if that is meant") from None
