import io
import json
import logging
import sys
from pathlib import Path

import pytest

import qcasync
from qcasync.cli import agreement, ending
from qcasync.cli.__main__ import main
from qcasync.cli.ending import LIQUIDATE, STOP, Plan, Result, Verb, Watch
from qcasync.cli.exit_codes import exit_code
from qcasync.cli.settings import Settings
from qcasync.simulator import Simulator, SimulatorTransport


def plan(verb: Verb = STOP, **told: object) -> Plan:
    return Plan(settings=Settings(), verb=verb, project=5, **told)  # type: ignore[arg-type]


def outcome(kind: qcasync.OutcomeKind, **told: object) -> qcasync.Outcome:
    alike: dict[str, object] = {"endpoint": "live/update/stop", "project_id": 5, "deploy_id": "L-0", "intent_id": "i"}
    return qcasync.Outcome(kind=kind, **(alike | told))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "error",
    [qcasync.StillRunning(5, "L-0", "Running", 3.0), qcasync.OutcomeUnknown("live/update/stop", "lost", "yes")],
    ids=lambda error: type(error).__name__,
)
def test_what_somebody_has_to_look_at_is_3(error: qcasync.QuantConnectError) -> None:
    assert exit_code(error) == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ["stop"],
        ["stop", "5"],
        ["liquidate", "5"],
        ["stop", "5", "--emergency"],
        ["stop", "5", "--yes-stop", "6"],
        ["liquidate", "5", "--yes-liquidate", "50"],
        ["liquidate", "5", "--yes-liquidate"],
        ["liquidate", "5", "--yes-stop", "5"],
        ["stop", "5", "--yes-liquidate", "5"],
        ["stop", "5", "6", "--yes-stop", "5"],
        ["stop", "5", "--yes-stop", "5", "--yes-stop", "6"],
        ["stop", "0", "--yes-stop", "0"],
        ["reconcile"],
        ["reconcile", "--journal", "no/such/file"],
    ],
    ids=" ".join,
)
def test_what_was_not_agreed_to_is_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["live", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Error" in err


class Keyboard(io.StringIO):
    """What somebody typed on a terminal, or the terminal itself."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("Momentum\n", "Momentum"),
        ("  Momentum \t\n", "Momentum"),
        ("\n", ""),
        ("", ""),
        ("Momentum", "Momentum"),
        ("Größe\nmore\n", "Größe"),
    ],
)
def test_an_answer_is_one_line(monkeypatch: pytest.MonkeyPatch, typed: str, read: str) -> None:
    monkeypatch.setattr(sys, "stdin", Keyboard(typed))
    assert agreement.ask("? ") == read


def test_what_is_no_text_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\n"), encoding="utf-8"))
    assert agreement.ask("? ") == ""


@pytest.mark.parametrize(("keyboard", "screen"), [(None, True), (False, True), (True, False), (True, True)])
def test_a_question_needs_a_keyboard_and_a_screen(
    monkeypatch: pytest.MonkeyPatch, keyboard: bool | None, screen: bool
) -> None:
    monkeypatch.setattr(sys, "stdin", None if keyboard is None else Keyboard() if keyboard else io.StringIO())
    monkeypatch.setattr(sys, "stderr", Keyboard() if screen else io.StringIO())
    assert agreement.somebody_is_there() is (keyboard is True and screen)


class TestWatch:
    def sent(self, endpoint: str) -> qcasync.RequestSent:
        return qcasync.RequestSent(endpoint=endpoint, attempt=1, body_bytes=20)

    def test_interrupted_before_anything_was_sent(self) -> None:
        watch = Watch(plan())
        watch(self.sent("live/list"))
        result = watch.interrupted()
        assert (result.code, result.outcome.kind, result.outcome.final) == (130, qcasync.OutcomeKind.NOT_SENT, True)

    def test_interrupted_while_nobody_knows(self) -> None:
        watch = Watch(plan(LIQUIDATE))
        watch(self.sent("live/update/liquidate"))
        result = watch.interrupted()
        assert (result.code, result.outcome.kind, result.outcome.final) == (130, qcasync.OutcomeKind.UNKNOWN, False)
        assert (result.outcome.endpoint, result.outcome.project_id) == ("live/update/liquidate", 5)

    @pytest.mark.parametrize("kind", qcasync.OutcomeKind)
    def test_interrupted_with_an_outcome(self, kind: qcasync.OutcomeKind) -> None:
        watch = Watch(plan())
        watch(self.sent("live/update/stop"))
        watch(qcasync.OutcomeTold(outcome=outcome(kind)))
        assert watch.interrupted() == Result(outcome(kind), 130)

    def test_warnings_of_the_log_are_shown_while_it_watches(self, capsys: pytest.CaptureFixture[str]) -> None:
        log = logging.getLogger("qcasync")
        with Watch(plan()):
            log.warning("the disk is \x1b[2J full")
            log.info("chatter")
        assert capsys.readouterr().err == "warning: the disk is \\x1b[2J full\n"
        assert not any(isinstance(handler, Watch) for handler in log.handlers)


UNKNOWN = outcome(qcasync.OutcomeKind.UNKNOWN, final=False, reason="cancelled")
LOST = qcasync.OutcomeUnknown("live/update/stop", "the connection was lost", "yes", "Look.")
RUNS = qcasync.StillRunning(5, "L-0", "Running", 3.0)
REFUSED = qcasync.APIError("live/update/stop", 200, ["No live deployment found"])
UNREACHED = qcasync.RequestError("live/update/stop", "refused", "no")


@pytest.mark.parametrize(
    ("result", "told"),
    [
        (Result(outcome(qcasync.OutcomeKind.CONFIRMED)), ""),
        (Result(outcome(qcasync.OutcomeKind.CONFIRMED), 3, error=RUNS), "QuantConnect accepted live/update/stop, but"),
        (Result(outcome(qcasync.OutcomeKind.CONFIRMED), 130), "Interrupted. QuantConnect accepted live/update/stop,"),
        (Result(UNKNOWN, 3, error=LOST), "\nThe outcome is unknown: live/update/stop may have been carried out, or"),
        (Result(UNKNOWN, 3, error=LOST), "Look before you repeat it: qcasync live show 5\n"),
        (Result(UNKNOWN, 3, error=LOST), "qcasync live reconcile --journal 'the journal'\n"),
        (Result(UNKNOWN, 130), "Interrupted. The outcome is unknown: live/update/stop may"),
        (Result(outcome(qcasync.OutcomeKind.UNKNOWN, reason="positions may remain"), 3), "warning: positions may"),
        (Result(outcome(qcasync.OutcomeKind.REFUSED), 1, error=REFUSED), "refused it: nothing happened."),
        (Result(outcome(qcasync.OutcomeKind.NOT_SENT), 1, error=UNREACHED), "\nNothing was sent.\n"),
        (Result(outcome(qcasync.OutcomeKind.NOT_SENT), 130), "Interrupted. Nothing was sent.\n"),
    ],
    ids=lambda value: f"{value.outcome.kind.name}-{value.code}" if isinstance(value, Result) else "",
)
def test_it_is_said_what_is_known_and_what_to_do(capsys: pytest.CaptureFixture[str], result: Result, told: str) -> None:
    ending.show(plan(journal=Path("the journal")), result)
    out, err = capsys.readouterr()
    assert told in err
    shown = json.loads(out)
    assert shown["kind"] == result.outcome.kind.name
    assert set(shown) >= {"observed", "endpoint", "project_id", "deploy_id", "intent_id", "reason", "final", "status"}
    assert ("reconcile" in err) == (not result.outcome.final)


@pytest.mark.parametrize(
    ("wait", "observed", "told"),
    [
        (True, False, "✓ ended     deployment L-0 of project 5 is stopped\n"),
        (False, False, "✓ accepted  live/update/stop of project 5, deployment L-0\n"),
        (False, True, "✓ observed  the answer was lost, but deployment L-0 was seen Stopped\n"),
    ],
)
def test_a_success_is_one_line_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, wait: bool, observed: bool, told: str
) -> None:
    screen = Keyboard()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("TERM", "dumb")
    done = outcome(qcasync.OutcomeKind.CONFIRMED, observed=observed, reason="deployment L-0 was seen Stopped")
    ending.show(plan(wait=wait), Result(done, status=qcasync.AlgorithmStatus.STOPPED))
    assert screen.getvalue() == told


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("verb", "kind", "code"), [(STOP, qcasync.OutcomeKind.CONFIRMED, 0), (LIQUIDATE, qcasync.OutcomeKind.UNKNOWN, 3)]
)
async def test_liquidated_is_not_what_merely_stopped(
    simulator: Simulator, verb: Verb, kind: qcasync.OutcomeKind, code: int
) -> None:
    project = simulator.add_project([3])
    simulator.end(project.id)
    accepted = outcome(qcasync.OutcomeKind.CONFIRMED, project_id=project.id)
    asked = Plan(settings=Settings(), verb=verb, project=project.id)
    transport = SimulatorTransport(simulator)
    async with qcasync.Client(simulator.user_id, simulator.api_token, transport=transport) as qc:
        result = await ending._see_the_end(qc, asked, accepted, None, 10.0)
    assert (result.outcome.kind, result.code, result.status) == (kind, code, qcasync.AlgorithmStatus.STOPPED)
    assert result.outcome.deploy_id == project.deployments[-1].deploy_id
    assert ("positions may remain" in result.outcome.reason) == (verb is LIQUIDATE)


@pytest.mark.anyio
async def test_an_end_that_cannot_be_seen_leaves_it_accepted(simulator: Simulator) -> None:
    transport = SimulatorTransport(simulator)
    async with qcasync.Client(simulator.user_id, "wrong", transport=transport) as qc:
        result = await ending._see_the_end(qc, plan(), outcome(qcasync.OutcomeKind.CONFIRMED), "L-0", 10.0)
    assert (result.outcome.kind, result.code) == (qcasync.OutcomeKind.CONFIRMED, 3)
    assert isinstance(result.error, qcasync.AuthenticationError)
