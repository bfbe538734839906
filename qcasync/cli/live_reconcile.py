"""`qcasync live reconcile`: what became of the calls with effect that a journal leaves open."""

import contextlib
from pathlib import Path
from typing import Annotated, Final

import anyio
import typer

import qcasync
from qcasync.cli.ending import outcome_object
from qcasync.cli.exit_codes import INCOMPLETE
from qcasync.cli.live_command import COMMAND
from qcasync.cli.output import is_read_by_programs, messages, results, row, say, table, warn, when, write_json
from qcasync.cli.settings import Settings

_SECONDS: Final = 15.0
"""For all calls at once, unless --timeout says otherwise."""

_Looked = list[tuple[qcasync.Intent, qcasync.Outcome]]


def reconcile(
    context: typer.Context,
    *,
    journal: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            envvar="QC_JOURNAL",
            exists=True,
            dir_okay=False,
            help="Of calls with effect.",
            show_default=False,
        ),
    ],
    settle: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="Close what stays unknown, as you know it.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line, as when piped.")] = False,
) -> None:
    """Look what became of calls with effect that a journal leaves open.

    Looks at all of them for 15 s, or --timeout, and writes down what is found.
    Exit code 3 says that at least one stays unknown; --settle closes those.
    """
    with messages().status("looking what became of them ..."):
        looked = anyio.run(_look, Settings.of(context), journal, settle)
    if as_json or is_read_by_programs():
        write_json({**outcome_object(outcome), "decided": intent.at} for intent, outcome in looked)
    elif looked:
        _show(looked)
    else:
        say("Nothing is unresolved.")
    unknown = {_where(intent) for intent, outcome in looked if outcome.kind is qcasync.OutcomeKind.UNKNOWN}
    for where in sorted(unknown):
        warn(f"somebody has to look at {where}")
    if unknown and settle is None:
        raise typer.Exit(INCOMPLETE)


async def _look(settings: Settings, journal: Path, settle: str | None) -> _Looked:
    # Not `async with client`: what that would warn of is what we are about to look at.
    async with contextlib.aclosing(settings.client(journal=journal)) as qc:
        intents = qc.unresolved()
        if not intents:
            return []
        seconds = settings.timeout or _SECONDS
        await qc.authenticate(timeout=seconds)  # the looks themselves take any failure for "not to be seen yet"
        outcomes: dict[str, qcasync.Outcome] = {}

        async def look_at(intent: qcasync.Intent) -> None:
            outcome = outcomes[intent.id] = await qc.live.reconcile(intent, timeout=seconds)
            if settle is not None and not outcome.final:
                await qc.settle(intent, settle)

        async with anyio.create_task_group() as group:
            for intent in intents:
                group.start_soon(look_at, intent)
        return [(intent, outcomes[intent.id]) for intent in intents]


def _where(intent: qcasync.Intent) -> str:
    project = intent.project_id
    if project is None:
        return f"the projects of {intent.target}: qcasync live list"
    command = "orders" if intent.endpoint == COMMAND.endpoint else "live show"
    return f"project {project}: qcasync {command} {project}"


def _show(looked: _Looked) -> None:
    shown = table()
    for title in ("Call", "Project", "Decided (UTC)", "Outcome"):
        shown.add_column(title, no_wrap=True)
    shown.add_column("What was seen")
    for intent, outcome in looked:
        row(
            shown,
            intent.endpoint,
            intent.project_id,
            when(intent.at),
            outcome.kind.value,
            outcome.reason,
            style="bold red" if outcome.kind is qcasync.OutcomeKind.UNKNOWN else "",
            fold=True,
        )
    results().print(shown)
