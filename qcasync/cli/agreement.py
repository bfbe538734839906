"""Nothing that acts on the market happens by mistake: the project's name is typed, or its id said twice.

Two clients, one after the other. The first may only look, and finds out what the question is about; the second is
opened for trading once that is answered. The question stands outside of any event loop, so that Ctrl-C ends it at once.
"""

import contextlib
import sys
from typing import Annotated, Final

import anyio
import typer
from rich.text import Text

import qcasync
from qcasync.cli.ending import Plan
from qcasync.cli.exit_codes import FAILED
from qcasync.cli.output import clean, explain, messages, name_of, row, say, table, when

_LOOK_SECONDS: Final = 15.0
"""To find out what the question is about, unless --timeout says otherwise."""

Project = Annotated[int, typer.Argument(min=1, metavar="PROJECT", help="Its id; one at a time.", show_default=False)]


def check_agreement(plan: Plan, agreed: int | None) -> None:
    """Refuse what nobody agreed to, and nobody can be asked about, before anything is read."""
    flag = _flag(plan)
    if agreed is not None and agreed != plan.project:
        raise typer.BadParameter(f"--yes-{plan.verb.name} says {agreed}, not {plan.project}. Nothing was sent.")
    if agreed is None and not somebody_is_there():
        raise typer.BadParameter(f"there is no terminal to ask on. If it is meant, say {flag}. Nothing was sent.")


def somebody_is_there() -> bool:
    """Whether a question is seen, and can be answered."""
    return sys.stdin is not None and sys.stdin.isatty() and messages().file.isatty()


def confirm(plan: Plan) -> str | None:
    """Have the project's name typed, or leave. Returns the deployment that the question was about."""
    try:
        with messages().status("looking what runs ..."):
            algorithm = anyio.run(_look, plan)
    except qcasync.ConfigurationError:
        raise
    except qcasync.QuantConnectError as error:
        explain(error)
        say(f"Nothing was sent. What cannot be looked at cannot be asked about; {_flag(plan)} does not ask.")
        raise typer.Exit(FAILED) from None
    name = clean(algorithm.project_name).strip()
    _introduce(plan, algorithm, name)
    if ask(f"Type the project's {'name' if name else 'id'} to go on: ") != (name or str(plan.project)):
        say("That is something else. Nothing was sent.")
        raise typer.Exit(FAILED)
    return algorithm.deploy_id or None


async def _look(plan: Plan) -> qcasync.LiveAlgorithm:
    client = plan.settings.client(journal=plan.journal)  # which is not used, but has to make sense before we ask
    async with contextlib.aclosing(client) as qc:
        return await qc.live.read(plan.project, timeout=plan.settings.timeout or _LOOK_SECONDS)


def _introduce(plan: Plan, algorithm: qcasync.LiveAlgorithm, name: str) -> None:
    facts = table()
    facts.show_header = False
    facts.add_column(style="dim")
    facts.add_column()
    launched = when(algorithm.launched)
    for title, value in (
        ("project", plan.project),
        ("name", name),
        ("status", name_of(algorithm.status) if algorithm.deploy_id else ""),
        ("brokerage", algorithm.brokerage),
        ("deployment", algorithm.deploy_id or "none that the server tells of"),
        ("launched", launched and f"{launched} UTC"),
    ):
        if value:
            row(facts, title, value, fold=True)
    messages().print(facts)
    messages().line()
    say(plan.verb.means, "bold red")


def ask(question: str) -> str:
    """A line from the terminal, without blanks at its ends."""
    messages().print(Text(question, "bold"), end="")
    try:
        line = sys.stdin.readline()
    except UnicodeDecodeError:
        line = "\n"
    if not line.endswith("\n"):  # Ctrl-D leaves the cursor where it is
        messages().line()
    return line.strip()


def _flag(plan: Plan) -> str:
    return f"--yes-{plan.verb.name} {plan.project}"
