"""`qcasync live command`: tell one project's algorithm something, after somebody agreed."""

import contextlib
import shlex
import sys
from collections.abc import Mapping
from typing import Annotated, Final, assert_never

import anyio
import msgspec
import typer

import qcasync
from qcasync.cli.agreement import Project, check_agreement, confirm
from qcasync.cli.ending import Plan, Result, Verb, Watch, code_of, good, write_outcome
from qcasync.cli.exit_codes import INTERRUPTED
from qcasync.cli.output import clean, explain, is_read_by_programs, results, say
from qcasync.cli.settings import JournalOption, Settings

COMMAND: Final = Verb(
    name="command",
    endpoint="live/commands/create",
    means="The algorithm is given the command. What it does with it, up to trading, is the algorithm's own affair.",
)


def command(
    context: typer.Context,
    project: Project,
    content: Annotated[
        str, typer.Argument(metavar="JSON", help="An object; - reads it from stdin, past the shell's history.")
    ],
    *,
    yes_command: Annotated[
        int | None, typer.Option(metavar="PROJECT", help="Do not ask; its id once more.", show_default=False)
    ] = None,
    command_type: Annotated[
        str | None, typer.Option("--type", metavar="CLASS", help="Its $type.", show_default=False)
    ] = None,
    journal: JournalOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, as when piped.")] = False,
) -> None:
    """Give a command to a project's running algorithm.

    Asks for the project's name first, and sends once. Whether the algorithm carried it out, nothing tells.
    Exit code 3: the outcome is unknown; look at its orders.
    """
    plan = Plan(
        settings=Settings.of(context), verb=COMMAND, project=project, wait=False, journal=journal, as_json=as_json
    )
    check_agreement(plan, yes_command)
    watch = Watch(plan)
    try:
        told = _read(content)
        if yes_command is None:
            confirm(plan)
        with watch:
            result = anyio.run(_send, plan, watch, told, command_type)
    except KeyboardInterrupt:
        result = watch.interrupted()
    _show(plan, result)
    if result.code:
        raise typer.Exit(result.code)


def _read(content: str) -> Mapping[str, object]:
    if content != "-":
        text = content.encode(errors="surrogateescape")
    else:
        text = b"" if sys.stdin is None else sys.stdin.buffer.read()  # None: it was closed by whoever started us
    with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return msgspec.json.decode(text, type=dict[str, object])
    where = "stdin" if content == "-" else "JSON"  # not its content: a terminal may be logged
    raise typer.BadParameter(f"{where} is not a JSON object. Nothing was sent.")


async def _send(plan: Plan, watch: Watch, told: Mapping[str, object], command_type: str | None) -> Result:
    client = plan.settings.client(allow_trading=True, journal=plan.journal, observers=[watch])
    async with contextlib.aclosing(client) as qc:
        try:
            return Result(await qc.live.create_command(plan.project, told, command_type=command_type))
        except qcasync.QuantConnectError as error:
            if error.outcome is None:
                raise
            return Result(error.outcome, code_of(error, error.outcome), error=error)


def _show(plan: Plan, result: Result) -> None:
    outcome, look = result.outcome, f"qcasync orders {plan.project}"
    if plan.as_json or is_read_by_programs():
        write_outcome(outcome)
    elif result.code == 0:
        results().print(good("accepted", f"{outcome.endpoint} of project {plan.project}"), soft_wrap=True)
    if result.error is not None:
        explain(result.error)
    beginning = "Interrupted. " if result.code == INTERRUPTED else ""
    match outcome.kind:
        case qcasync.OutcomeKind.CONFIRMED:
            say(f"{beginning}Whether the algorithm carried it out, nothing tells. Look: {look}")
        case qcasync.OutcomeKind.UNKNOWN:
            say(f"{beginning}The outcome is unknown: the command may have arrived, or not.")
            say(f"Look before you repeat it: {look}")
            if plan.journal is not None:
                name = clean(shlex.quote(str(plan.journal)))
                say(f"Once you know: qcasync live reconcile --journal {name} --settle REASON")
        case qcasync.OutcomeKind.NOT_SENT:
            say(f"{beginning}Nothing was sent.")
        case qcasync.OutcomeKind.REFUSED:
            say("QuantConnect refused it: nothing happened.")
        case _:
            assert_never(outcome.kind)
