"""`qcasync live stop` and `qcasync live liquidate`: end what runs in one project, after somebody agreed."""

from typing import Annotated

import anyio
import typer

from qcasync.cli.agreement import Project, check_agreement, confirm
from qcasync.cli.ending import LIQUIDATE, STOP, Plan, Watch, end, show
from qcasync.cli.settings import JournalOption, Settings

_YesStop = Annotated[
    int | None, typer.Option(metavar="PROJECT", help="Do not ask; its id once more.", show_default=False)
]
_Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Until it is seen to have ended.")]
_Emergency = Annotated[bool, typer.Option("--emergency", help="Send without looking what runs.")]
_AsJSON = Annotated[bool, typer.Option("--json", help="One JSON object, as when piped.")]


def stop(
    context: typer.Context,
    project: Project,
    *,
    yes_stop: _YesStop = None,
    wait: _Wait = True,
    emergency: _Emergency = False,
    journal: JournalOption = None,
    as_json: _AsJSON = False,
) -> None:
    """Stop a project's live algorithm, and keep its positions.

    Asks for the project's name first, and sends once. Exit code 3: look at it.
    The outcome is unknown, or it was accepted and the algorithm still runs.
    """
    plan = Plan(
        settings=Settings.of(context),
        verb=STOP,
        project=project,
        wait=wait,
        emergency=emergency,
        journal=journal,
        as_json=as_json,
    )
    _carry_out(plan, yes_stop)


def liquidate(
    context: typer.Context,
    project: Project,
    *,
    yes_liquidate: _YesStop = None,
    wait: _Wait = True,
    emergency: _Emergency = False,
    journal: JournalOption = None,
    as_json: _AsJSON = False,
) -> None:
    """Sell all positions of a project's live algorithm, and stop it.

    Asks for the project's name first, and sends once. Exit code 3: look at it.
    The outcome is unknown, or it was accepted and positions may remain.
    """
    plan = Plan(
        settings=Settings.of(context),
        verb=LIQUIDATE,
        project=project,
        wait=wait,
        emergency=emergency,
        journal=journal,
        as_json=as_json,
    )
    _carry_out(plan, yes_liquidate)


def _carry_out(plan: Plan, agreed: int | None) -> None:
    check_agreement(plan, agreed)
    watch = Watch(plan)
    try:
        seen = confirm(plan) if agreed is None else None
        with watch:
            result = anyio.run(end, plan, watch, seen)
    except KeyboardInterrupt:
        result = watch.interrupted()
    show(plan, result)
    if result.code:
        raise typer.Exit(result.code)
