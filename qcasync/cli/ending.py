"""How a live algorithm is ended for somebody who watches: sent once, followed to its end, and told.

What was seen is told apart: that QuantConnect accepted the call, and that the deployment ended.
"""

import contextlib
import logging
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self, assert_never

import anyio
import msgspec
from rich.text import Text

import qcasync
from qcasync.cli.exit_codes import FAILED, INCOMPLETE, INTERRUPTED, UNUSABLE
from qcasync.cli.output import clean, explain, is_read_by_programs, messages, name_of, results, say, warn, write_json
from qcasync.cli.rows import fields, plain
from qcasync.cli.settings import Settings

_WAIT_SECONDS: Final = 300.0
"""For all of it, unless --timeout says otherwise."""
_LEAST_SECONDS: Final = 0.001
"""Enough for one look, when sending used up the time."""


@dataclass(frozen=True, kw_only=True)
class Verb:
    """What can be done to a live algorithm.

    Attributes:
        name: Of the command.
        endpoint: What it calls.
        means: What the question says about it.
    """

    name: str
    endpoint: str
    means: str


STOP: Final = Verb(
    name="stop",
    endpoint="live/update/stop",
    means="This stops the algorithm. Its positions stay open, and nothing looks after them.",
)
LIQUIDATE: Final = Verb(
    name="liquidate",
    endpoint="live/update/liquidate",
    means="ALL POSITIONS WILL BE SOLD at the market, short ones bought back. Then the algorithm stops.",
)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the command line asks for; the options of the command."""

    settings: Settings
    verb: Verb
    project: int
    wait: bool = True
    emergency: bool = False
    journal: Path | None = None
    as_json: bool = False


@dataclass(frozen=True)
class Result:
    """What came of it.

    Attributes:
        outcome: Of the call.
        code: The exit code.
        status: In which the deployment was seen last.
        error: What kept us from seeing the end.
    """

    outcome: qcasync.Outcome
    code: int = 0
    status: qcasync.AlgorithmStatus | None = None
    error: qcasync.QuantConnectError | None = None


class Watch(logging.Handler):
    """An observer that shows how far the call got, and remembers it. Warnings of the log are shown as well."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(logging.WARNING)
        self._plan = plan
        self._console = messages()
        self._status = self._console.status(self._line("connecting"))
        self._sent = False
        self._outcome: qcasync.Outcome | None = None

    def __enter__(self) -> Self:
        logging.getLogger("qcasync").addHandler(self)
        self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.stop()
        logging.getLogger("qcasync").removeHandler(self)

    def __call__(self, observation: qcasync.Observation) -> None:
        """Take note of what happened."""
        match observation:
            case qcasync.RequestSent(endpoint=self._plan.verb.endpoint):
                self._sent = True
                self._status.update(self._line("sent; waiting for the answer"))
            case qcasync.OutcomeTold(outcome=outcome):
                self._outcome = outcome
            case _:
                pass

    def emit(self, record: logging.LogRecord) -> None:
        """Show a warning above the line of progress."""
        self._console.print(Text(f"warning: {clean(record.getMessage())}", "yellow"), soft_wrap=True)

    def accepted(self, outcome: qcasync.Outcome) -> None:
        """Show the first of the two things that are to be seen, to whoever watches."""
        if self._console.is_terminal:
            self._console.print(good(*_acceptance(outcome)), soft_wrap=True)
        self._status.update(self._line("waiting for the deployment to end"))

    def interrupted(self) -> Result:
        """What is known after Ctrl-C."""
        if self._outcome is not None:
            return Result(self._outcome, INTERRUPTED)
        outcome = qcasync.Outcome(
            kind=qcasync.OutcomeKind.UNKNOWN if self._sent else qcasync.OutcomeKind.NOT_SENT,
            endpoint=self._plan.verb.endpoint,
            project_id=self._plan.project,
            intent_id="",
            final=not self._sent,
            reason="interrupted",
        )
        return Result(outcome, INTERRUPTED)

    def _line(self, text: str) -> Text:
        return Text(f"{self._plan.verb.name} of project {self._plan.project}: {text} ...")


async def end(plan: Plan, watch: Watch, seen: str | None) -> Result:
    """Send the call, and unless the plan says otherwise, see the deployment end.

    Args:
        plan: What to do.
        watch: Told what happens.
        seen: The deployment that somebody was asked about.
    """
    began = anyio.current_time()
    client = plan.settings.client(allow_trading=True, journal=plan.journal, observers=[watch])
    # Not `async with client`: that reads the journal first, and a disk that hangs must not keep us from this.
    async with contextlib.aclosing(client) as qc:
        perform = qc.live.stop if plan.verb is STOP else qc.live.liquidate
        try:
            outcome = await perform(plan.project, emergency=plan.emergency)
        except qcasync.QuantConnectError as error:
            if error.outcome is None:
                raise
            return Result(error.outcome, code_of(error, error.outcome), error=error)
        if seen is not None and outcome.deploy_id not in {None, seen}:
            warn(f"the deployment that you were asked about, {seen}, is not the one that ran meanwhile")
        if not plan.wait:
            return Result(outcome)
        watch.accepted(outcome)
        left = (plan.settings.timeout or _WAIT_SECONDS) - (anyio.current_time() - began)
        return await _see_the_end(qc, plan, outcome, outcome.deploy_id or seen, max(left, _LEAST_SECONDS))


async def _see_the_end(
    qc: qcasync.Client, plan: Plan, outcome: qcasync.Outcome, deploy_id: str | None, seconds: float
) -> Result:
    """Whatever comes of it, the call was accepted."""
    try:
        ended = await qc.live.wait_stopped(plan.project, deploy_id=deploy_id, timeout=seconds)
    except qcasync.StillRunning as error:
        status = qcasync.AlgorithmStatus(error.status)
        return Result(outcome, INCOMPLETE, status if status.is_known else None, error)
    except qcasync.QuantConnectError as error:
        return Result(outcome, INCOMPLETE, error=error)
    outcome = msgspec.structs.replace(outcome, deploy_id=ended.deploy_id)
    if plan.verb is LIQUIDATE and ended.status is not qcasync.AlgorithmStatus.LIQUIDATED:
        reason = f"deployment {ended.deploy_id} is {name_of(ended.status)}, not liquidated: positions may remain"
        outcome = msgspec.structs.replace(outcome, kind=qcasync.OutcomeKind.UNKNOWN, reason=reason)
        return Result(outcome, INCOMPLETE, ended.status)
    return Result(outcome, status=ended.status)


def code_of(error: qcasync.QuantConnectError, outcome: qcasync.Outcome) -> int:
    """The exit code for a call that was not confirmed."""
    if outcome.kind is qcasync.OutcomeKind.UNKNOWN:
        return INCOMPLETE
    return UNUSABLE if isinstance(error, qcasync.ConfigurationError) else FAILED


def show(plan: Plan, result: Result) -> None:
    """Write what came of it: the result to stdout, and what to do about it to stderr."""
    outcome = result.outcome
    if plan.as_json or is_read_by_programs():
        write_outcome(outcome, result.status)
    elif result.code == 0:
        _show_success(plan, result)
    if result.code:
        _advise(plan, result)


def write_outcome(outcome: qcasync.Outcome, status: qcasync.AlgorithmStatus | None = None) -> None:
    """Write an outcome for a program. If that fails, say it: an exit code of 1 would mean that nothing happened."""
    try:
        write_json([outcome_object(outcome, status)])
    except OSError as error:
        with contextlib.suppress(OSError):
            if sys.stdout is not None:
                sys.stdout.close()  # or Python writes it once more at its end, and exits with 120
        told = f"{outcome.endpoint} of project {outcome.project_id}: {outcome.kind.value}"
        warn(f"stdout does not take the result ({error.strerror or error}). {told}")


def outcome_object(outcome: qcasync.Outcome, status: qcasync.AlgorithmStatus | None = None) -> dict[str, object]:
    """An outcome as a JSON object, with the status in which the deployment was seen last."""
    return {**fields(outcome), "kind": outcome.kind.name, "status": plain(status)}


def _show_success(plan: Plan, result: Result) -> None:
    if plan.wait:
        told = f"deployment {result.outcome.deploy_id} of project {plan.project} is {name_of(result.status)}"
        results().print(good("ended", told), soft_wrap=True)
        return
    results().print(good(*_acceptance(result.outcome)), soft_wrap=True)
    if not result.outcome.observed:
        say(f"Whether it has ended was not looked at. Look: qcasync live show {plan.project}")


def _advise(plan: Plan, result: Result) -> None:
    """Say what went wrong, what that means for the market, and where to look."""
    outcome = result.outcome
    if result.error is not None:
        explain(result.error)
    elif outcome.reason and result.code != INTERRUPTED:
        warn(outcome.reason)
    beginning = "Interrupted. " if result.code == INTERRUPTED else ""
    match outcome.kind:
        case qcasync.OutcomeKind.CONFIRMED:
            say(f"{beginning}QuantConnect accepted {outcome.endpoint}, but the deployment was not seen to end.")
            say(f"Look: qcasync live show {plan.project}")
        case qcasync.OutcomeKind.UNKNOWN:
            say(f"{beginning}The outcome is unknown: {outcome.endpoint} may have been carried out, or not.")
            say(f"Look before you repeat it: qcasync live show {plan.project}")
            if plan.journal is not None and not outcome.final:
                say(f"Or have it looked at: qcasync live reconcile --journal {clean(shlex.quote(str(plan.journal)))}")
        case qcasync.OutcomeKind.NOT_SENT:
            say(f"{beginning}Nothing was sent.")
        case qcasync.OutcomeKind.REFUSED:
            say("QuantConnect refused it: nothing happened.")
        case _:
            assert_never(outcome.kind)


def _acceptance(outcome: qcasync.Outcome) -> tuple[str, str]:
    """What was seen first: an answer, or if that was lost, what it would have told."""
    if outcome.observed:
        return "observed", f"the answer was lost, but {outcome.reason}"
    which = "" if outcome.deploy_id is None else f", deployment {outcome.deploy_id}"
    return "accepted", f"{outcome.endpoint} of project {outcome.project_id}{which}"


def good(what: str, told: str) -> Text:
    """A line about something that was seen to go well."""
    return Text.assemble(("✓ ", "green"), (f"{what:<10}", "bold"), clean(told))
