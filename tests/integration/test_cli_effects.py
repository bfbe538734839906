"""Calls with effect on the command line, against a served simulator whose ledger tells what they did.

One server for all tests; each test has a project of its own. What can go without a terminal runs in this process.
"""

import contextlib
import io
import math
import os
import re
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from qcasync.cli.__main__ import main
from qcasync.simulator import Conditions, FaultKind, Project, Server, Simulator, serve
from tests.integration.test_cli import CREDENTIALS, Outcome, terminal

VERBS = ["stop", "liquidate"]
STATUS = {"stop": "STOPPED", "liquidate": "LIQUIDATED"}
NAME = "Momentum: [bold]ONE[/]"


@pytest.fixture(scope="module")
def shared() -> Iterator[Server]:
    with serve(Simulator(7, time.time())) as server:
        yield server


def deployed(simulator: Simulator) -> Project:
    """A project that runs."""
    return simulator.add_project([3, 4], name=NAME, now=time.time())


@dataclass
class Bench:
    """The shared server, and a project of this test's own."""

    server: Server
    project: Project
    capture: pytest.CaptureFixture[bytes]

    @property
    def simulator(self) -> Simulator:
        return self.server.simulator

    def effects(self, project: Project | None = None) -> list[tuple[str, str]]:
        """What happened to the project, and to which deployment."""
        mine = (project or self.project).id
        return [(each.kind, each.deploy_id) for each in self.simulator.ledger.effects if each.project_id == mine]

    def paths(self) -> list[str]:
        """What was asked about the project."""
        mine = self.project.id
        return [each.path for each in self.simulator.ledger.requests if each.payload.get("projectId") == mine]

    def run(self, *arguments: object) -> Outcome:
        """Run a command in this process. Nothing there is a terminal."""
        code = main([str(argument) for argument in arguments])
        out, err = self.capture.readouterr()
        return Outcome(code, out.decode(), err.decode())

    def live(self, verb: str, *options: object, timeout: float | None = None) -> Outcome:
        """End the project's algorithm, as agreed."""
        limit = [] if timeout is None else ["--timeout", timeout]
        return self.run(*limit, "live", verb, self.project.id, f"--yes-{verb}", self.project.id, *options)


@pytest.fixture
def bench(
    shared: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> Bench:
    for name in filter(CREDENTIALS.match, list(os.environ)):
        monkeypatch.delenv(name)
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**shared.environment, "HOME": str(tmp_path), "TERM": "xterm", "COLUMNS": "160"}.items():
        monkeypatch.setenv(name, value)
    shared.simulator.conditions = Conditions()
    shared.simulator.clear_faults()
    return Bench(shared, deployed(shared.simulator), capfdbinary)


@pytest.mark.parametrize("verb", VERBS)
class TestAgreement:
    """J138: nothing happens by mistake."""

    def test_the_right_flag(self, bench: Bench, verb: str) -> None:
        done = bench.live(verb)
        assert (done.code, done.err) == (0, "")
        deploy_id = bench.project.deployments[-1].deploy_id
        [told] = done.objects
        assert told.pop("intent_id")
        assert told == {
            "kind": "CONFIRMED",
            "endpoint": f"live/update/{verb}",
            "project_id": bench.project.id,
            "deploy_id": deploy_id,
            "observed": False,
            "final": True,
            "reason": "",
            "status": STATUS[verb],
        }
        assert bench.effects() == [(verb, deploy_id)]
        assert bench.paths() == ["live/list", f"live/update/{verb}", "live/list"]

    @pytest.mark.parametrize("flag", [[], ["--yes-{}", "1"], ["--emergency"], ["--json"]], ids=" ".join)
    def test_without_a_terminal_anything_else_sends_nothing(self, bench: Bench, verb: str, flag: list[str]) -> None:
        done = bench.run("live", verb, bench.project.id, *(part.format(verb) for part in flag))
        assert (done.code, done.out) == (2, "")
        assert "Nothing was sent" in done.err
        assert bench.paths() == []

    def test_on_a_terminal_the_name_is_asked_for(self, bench: Bench, verb: str) -> None:
        answers = [f"{NAME}\n", f"{NAME.lower()}\n"] + ["\n", "\x04"] * (verb == "liquidate")
        projects = [deployed(bench.simulator) for _ in answers]
        with contextlib.ExitStack() as stack:  # all at once: they mostly wait for their interpreters
            shown = [stack.enter_context(terminal("live", verb, project.id)) for project in projects]
            for each, answer in zip(shown, answers, strict=True):
                each.wait_for("to go on: ")
                os.write(each._side, answer.encode())
            agreed, *others = [each.finish() for each in shown]
        assert agreed.code == 0
        for text in (NAME, str(projects[0].id), "running", "PaperBrokerage", projects[0].deployments[-1].deploy_id):
            assert text in agreed.out
        assert ("ALL POSITIONS WILL BE SOLD" in agreed.out) == (verb == "liquidate")
        assert agreed.out.index("✓ accepted") < agreed.out.index("✓ ended")
        assert [kind for kind, _ in bench.effects(projects[0])] == [verb]
        for other, project in zip(others, projects[1:], strict=True):
            assert other.code == 1
            assert "That is something else. Nothing was sent." in other.out
            assert bench.effects(project) == []


class TestTerminal:
    def test_the_flag_answers_the_question(self, bench: Bench) -> None:
        with terminal("live", "stop", bench.project.id, "--yes-stop", bench.project.id, "--no-wait") as shown:
            done = shown.finish()
        assert done.code == 0
        assert "to go on" not in done.out
        assert f"✓ accepted  live/update/stop of project {bench.project.id}" in done.out
        assert "Whether it has ended was not looked at" in done.out
        assert len(bench.effects()) == 1
        assert "live/read" not in bench.paths()

    def test_ctrl_c_at_the_question(self, bench: Bench) -> None:
        with terminal("live", "liquidate", bench.project.id) as shown:
            shown.wait_for("to go on: ")
            done = shown.interrupt()
        assert done.code == 130
        assert "Interrupted. Nothing was sent." in done.out
        assert "Traceback" not in done.out
        assert bench.effects() == []

    def test_ctrl_c_after_sending(self, bench: Bench, tmp_path: Path) -> None:
        bench.simulator.fault(FaultKind.HANG, path="live/update/stop", project_id=bench.project.id)
        journal = tmp_path / "journal"
        flags = ["--yes-stop", bench.project.id, "--journal", journal]
        with terminal("live", "stop", bench.project.id, *flags) as shown:
            shown.wait_for("sent; waiting for the answer")
            began = time.monotonic()
            done = shown.interrupt()
        assert time.monotonic() - began < 2
        assert done.code == 130
        assert "Interrupted. The outcome is unknown" in done.out
        assert f"Look before you repeat it: qcasync live show {bench.project.id}" in done.out
        assert f"qcasync live reconcile --journal {journal}" in done.out
        assert "Traceback" not in done.out
        assert len(bench.effects()) == 1
        assert bench.run("doctor", "--journal", journal).code == 1

    def test_what_cannot_be_looked_at_is_not_asked_about(self, bench: Bench) -> None:
        bench.simulator.fault(FaultKind.FAILURE_LASTING, path="live/read", project_id=bench.project.id, times=math.inf)
        with terminal("live", "stop", bench.project.id) as shown:
            done = shown.finish()
        assert done.code == 1
        assert f"--yes-stop {bench.project.id} does not ask" in done.out
        assert bench.effects() == []


class TestOutcomes:
    def test_accepted_is_not_ended(self, bench: Bench) -> None:
        """E69: success, and nothing happens."""
        bench.simulator.conditions.ignore_commands = True
        done = bench.live("stop", timeout=0.5)
        assert done.code == 3
        [told] = done.objects
        assert (told["kind"], told["status"]) == ("CONFIRMED", "RUNNING")
        assert "QuantConnect accepted live/update/stop, but the deployment was not seen to end." in done.err
        assert bench.paths().count("live/update/stop") == 1

    def test_accepted_is_enough_for_no_wait(self, bench: Bench) -> None:
        bench.simulator.conditions.ignore_commands = True
        done = bench.live("stop", "--no-wait")
        assert done.code == 0
        assert [(each["kind"], each["status"]) for each in done.objects] == [("CONFIRMED", None)]

    def test_an_emergency_costs_one_request(self, bench: Bench) -> None:
        assert bench.live("liquidate", "--emergency", "--no-wait").code == 0
        assert bench.paths() == ["live/update/liquidate"]

    def test_a_lost_answer_is_observed(self, bench: Bench, tmp_path: Path) -> None:
        path = "live/update/stop"
        bench.simulator.fault(FaultKind.RESET_BEFORE_ANSWER, path=path, project_id=bench.project.id)
        done = bench.live("stop", "--journal", tmp_path / "journal", timeout=1.2)
        assert done.code == 0
        [told] = done.objects
        assert (told["kind"], told["observed"], told["status"]) == ("CONFIRMED", True, "STOPPED")
        assert "outcome unknown; looking" in done.err
        assert len(bench.effects()) == bench.paths().count(path) == 1
        assert bench.run("live", "reconcile", "--journal", tmp_path / "journal").objects == []

    def test_unknown_stays_so_until_somebody_looks(
        self, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        project, journal = bench.project, tmp_path / "journal"
        monkeypatch.setenv("QC_JOURNAL", str(journal))
        bench.simulator.fault(FaultKind.HANG, path="live/update/stop", project_id=project.id, performed=False)
        done = bench.live("stop", timeout=0.5)
        assert done.code == 3
        assert [each["kind"] for each in done.objects] == ["UNKNOWN"]
        assert f"Look before you repeat it: qcasync live show {project.id}" in done.err
        assert bench.effects() == []
        assert bench.paths().count("live/update/stop") == 1
        assert stat.S_IMODE(journal.stat().st_mode) == 0o600

        examined = bench.run("doctor")
        assert examined.code == 1
        assert f"✗ unresolved    live/update/stop of project {project.id}, decided " in examined.out
        assert project.deployments[-1].deploy_id in examined.out
        assert f"`qcasync live show {project.id}`" in examined.out

        looked = bench.run("--timeout", "0.3", "live", "reconcile")
        assert looked.code == 3
        [told] = looked.objects
        assert (told["kind"], told["project_id"], told["status"]) == ("UNKNOWN", project.id, None)
        assert str(told["decided"]).endswith("Z")
        assert f"somebody has to look at project {project.id}" in looked.err

        with monkeypatch.context() as wrong:
            wrong.setenv("QUANTCONNECT_API_TOKEN", "canary-token")
            looked = bench.run("live", "reconcile")
        assert (looked.code, looked.out) == (1, "")  # and at once: the looks would take it for bad weather
        assert "HINT:" in looked.err

        bench.simulator.end(project.id, time.time())
        with terminal("--timeout", "1.2", "live", "reconcile") as shown:
            looked = shown.finish()
        assert looked.code == 0
        assert re.search(rf"live/update/stop +{project.id} .* confirmed +deployment ", looked.out)

        assert "✓ journal       nothing unresolved\n" in bench.run("doctor").out
        assert bench.run("live", "reconcile").out == ""
        assert bench.paths().count("live/update/stop") == 1

    def test_refused_is_1(self, bench: Bench) -> None:
        bench.simulator.end(bench.project.id, time.time())
        done = bench.live("stop")
        assert done.code == 1
        assert [each["kind"] for each in done.objects] == ["REFUSED"]
        assert "nothing happened" in done.err

    def test_a_wrong_token_is_1_and_was_not_sent(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("QUANTCONNECT_API_TOKEN", "canary-token")
        done = bench.live("liquidate")
        assert done.code == 1
        assert [each["kind"] for each in done.objects] == ["NOT_SENT"]
        assert "Nothing was sent." in done.err
        assert "canary" not in done.out + done.err
        assert bench.effects() == []

    def test_missing_credentials_are_2(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("QUANTCONNECT_API_TOKEN")
        done = bench.live("stop")
        assert (done.code, done.out) == (2, "")
        assert bench.paths() == []


class TestJournal:
    def test_a_file_that_cannot_be_written_keeps_nothing_running(self, bench: Bench, tmp_path: Path) -> None:
        link = tmp_path / "link"
        link.symlink_to(tmp_path / "elsewhere")
        done = bench.live("stop", "--journal", link)
        assert done.code == 0
        assert "goes out all the same" in done.err
        assert len(bench.effects()) == 1
        assert not (tmp_path / "elsewhere").exists()

    def test_one_that_makes_no_sense_is_2(self, bench: Bench, tmp_path: Path) -> None:
        done = bench.live("stop", "--journal", tmp_path)
        assert (done.code, done.out) == (2, "")
        assert "is a directory" in done.err
        assert bench.effects() == []

    def test_doctor_tells_of_one_that_cannot_be_read_and_of_all_else(self, bench: Bench, tmp_path: Path) -> None:
        done = bench.run("doctor", "--journal", tmp_path / "no" / "journal")
        assert done.code == 1
        assert "✗ journal " in done.out
        assert "✓ login " in done.out

    def test_doctor_with_a_new_one(self, bench: Bench, tmp_path: Path) -> None:
        done = bench.run("doctor", "--journal", tmp_path / "journal")
        assert done.code == 0
        assert "✓ journal       nothing unresolved: " in done.out
        assert "does not exist yet" in done.out


class TestCommand:
    """`live command`: the same agreement, and what came of it, as far as anybody can know."""

    def command(self, bench: Bench, content: str, *options: object, timeout: float | None = None) -> Outcome:
        limit = [] if timeout is None else ["--timeout", timeout]
        mine = bench.project.id
        return bench.run(*limit, "live", "command", mine, content, "--yes-command", mine, *options)

    def test_accepted(self, bench: Bench) -> None:
        done = self.command(bench, '{"Symbol": "SPY"}', "--type", "OrderCommand")
        assert done.code == 0
        assert done.err == (
            f"Whether the algorithm carried it out, nothing tells. Look: qcasync orders {bench.project.id}\n"
        )
        [told] = done.objects
        assert (told["kind"], told["endpoint"]) == ("CONFIRMED", "live/commands/create")
        assert bench.simulator.ledger.commands_of(bench.project.id) == [{"$type": "OrderCommand", "Symbol": "SPY"}]
        assert bench.paths() == ["live/commands/create"]

    @pytest.mark.parametrize("content", ["", "[]", "5", '{"a": canary-content}', "[" * 100_000, '{"a": NaN}'])
    def test_what_is_no_object_is_2(self, bench: Bench, content: str) -> None:
        done = self.command(bench, content)
        assert (done.code, done.out) == (2, "")
        assert "JSON is not a JSON object. Nothing was sent." in done.err
        assert "canary-content" not in done.err
        assert bench.paths() == []

    def test_from_stdin(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO('{"a": "é"}'.encode())))
        assert self.command(bench, "-").code == 0
        assert bench.simulator.ledger.commands_of(bench.project.id) == [{"a": "é"}]

    def test_without_a_stdin(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """Closed by whoever started us."""
        monkeypatch.setattr("sys.stdin", None)
        done = self.command(bench, "-")
        assert (done.code, "stdin is not a JSON object. Nothing was sent." in done.err) == (2, True)

    @pytest.mark.parametrize(("where", "why"), [("> /dev/full", "No space left"), (">&-", "stdout is closed")])
    def test_a_result_that_nobody_takes(self, bench: Bench, where: str, why: str) -> None:
        """It happened, and that is said: an exit code of 1 would mean that nothing did."""
        mine = bench.project.id
        line = f"exec {sys.executable} -m qcasync.cli live command {mine} '{{}}' --yes-command {mine} {where}"
        done = subprocess.run(["sh", "-c", line], stderr=subprocess.PIPE, text=True, timeout=30, check=False)
        assert bench.simulator.ledger.commands_of(mine) == [{}]
        told, _ = done.stderr.splitlines()
        assert told.startswith(f"warning: stdout does not take the result ({why}")
        assert told.endswith(f"live/commands/create of project {mine}: confirmed")
        assert done.returncode == 0

    def test_without_agreement_nothing_is_sent(self, bench: Bench) -> None:
        done = bench.run("live", "command", bench.project.id, "{}")
        assert done.code == 2
        assert f"--yes-command {bench.project.id}" in done.err
        assert bench.run("live", "command", bench.project.id, "{}", "--yes-command", 5).code == 2
        assert bench.paths() == []

    def test_unknown_refused_and_not_sent(self, bench: Bench, tmp_path: Path) -> None:
        journal = tmp_path / "journal"
        bench.simulator.fault(FaultKind.HANG, path="live/commands/create", project_id=bench.project.id)
        done = self.command(bench, '{"a": "canary-content"}', "--journal", journal, timeout=0.5)
        assert done.code == 3
        assert [each["kind"] for each in done.objects] == ["UNKNOWN"]
        assert f"Look before you repeat it: qcasync orders {bench.project.id}\n" in done.err
        assert b"canary-content" not in journal.read_bytes()
        looked = bench.run("live", "reconcile", "--journal", journal)
        assert looked.code == 3
        assert f"look at project {bench.project.id}: qcasync orders {bench.project.id}" in looked.err
        assert "of project" in bench.run("doctor", "--journal", journal).out
        assert bench.run("live", "reconcile", "--journal", journal, "--settle", "its order is there").code == 0
        assert bench.run("live", "reconcile", "--journal", journal).out == ""

        bench.simulator.fault(FaultKind.FAILURE_LASTING, path="live/commands/create", project_id=bench.project.id)
        done = self.command(bench, "{}")
        assert (done.code, "QuantConnect refused it: nothing happened." in done.err) == (1, True)
        done = self.command(bench, "{}", "--journal", tmp_path)
        assert (done.code, done.out) == (2, "")
        assert bench.paths().count("live/commands/create") == 2

    def test_on_a_terminal_the_name_is_asked_for(self, bench: Bench) -> None:
        projects = [bench.project, deployed(bench.simulator)]
        with contextlib.ExitStack() as stack:
            shown = [stack.enter_context(terminal("live", "command", project.id, '{"a": 1}')) for project in projects]
            for each, answer in zip(shown, [f"{NAME}\n", "yes\n"], strict=True):
                each.wait_for("to go on: ")
                os.write(each._side, answer.encode())
            agreed, other = [each.finish() for each in shown]
        assert (agreed.code, other.code) == (0, 1)
        assert "What it does with it, up to trading, is the algorithm's own affair." in agreed.out
        assert f"✓ accepted  live/commands/create of project {bench.project.id}" in agreed.out
        told = [bench.simulator.ledger.commands_of(project.id) for project in projects]
        assert told == [[{"a": 1}], []]
