"""Stop, liquidate and create, in virtual time: what is told of each, and that the simulator's own record agrees."""

import asyncio
import logging
import math
import pickle
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio
import pytest

import qcasync
from qcasync import AlgorithmStatus, Intent, Outcome, OutcomeKind, OutcomeUnknown, paper_brokerage
from qcasync._turns import RESERVED
from qcasync.simulator import Conditions, FaultKind, Project
from qcasync.simulator.deployments import Deployment
from qcasync.transports.protocol import Fault, Progress, Request, Response, Transport, TransportError
from tests.integration.ticks import permits_free
from tests.journals import MemoryJournal, full
from tests.support import EPOCH, World, true_time, world

pytestmark = pytest.mark.anyio

K = FaultKind
CONFIRMED, REFUSED, NOT_SENT, UNKNOWN = OutcomeKind
LIST, CREATE = "live/list", "live/create"
PATHS = {"stop": "live/update/stop", "liquidate": "live/update/liquidate", "create": CREATE}
STATUS = {"stop": AlgorithmStatus.STOPPED, "liquidate": AlgorithmStatus.LIQUIDATED}
ENDINGS = pytest.mark.parametrize("command", ["stop", "liquidate"])
COMMANDS = pytest.mark.parametrize("command", ["stop", "liquidate", "create"])


@dataclass
class Scene:
    """A project, a client that may trade, and its journal."""

    here: World
    project: Project
    command: str
    journal: MemoryJournal

    @property
    def client(self) -> qcasync.Client:
        return self.here.client

    @property
    def path(self) -> str:
        return PATHS[self.command]

    @property
    def effects(self) -> list[str]:
        """What happened."""
        return [effect.kind for effect in self.here.simulator.ledger.effects]

    @property
    def first(self) -> Deployment:
        """The deployment that was there when the test began."""
        return self.project.deployments[0]

    async def act(self, **options: Any) -> Any:
        """Make the call."""
        if self.command != "create":
            return await getattr(self.client.live, self.command)(self.project.id, **options)
        return await self.client.live.create(
            self.project.id, "compile", "node", brokerage=paper_brokerage(cash={"USD": 1234.5}), **options
        )

    def fault(self, kind: FaultKind, **options: Any) -> None:
        """Let the call go wrong."""
        self.here.simulator.fault(kind, path=self.path, **options)

    def settled(self) -> Outcome:
        """The outcome that was told last, which the journal knows as well."""
        told = [each.outcome for each in self.here.told(qcasync.OutcomeTold)]
        assert self.journal.outcomes == told
        assert {each.id for each in self.journal.intents} >= {each.intent_id for each in told}
        return told[-1]


@asynccontextmanager
async def scene(
    command: str, conditions: Conditions | None = None, *, journal: MemoryJournal | None = None, **options: Any
) -> AsyncGenerator[Scene, None]:
    """A project with a past, which runs unless it is to be launched."""
    journal = MemoryJournal() if journal is None else journal
    async with world(conditions, allow_trading=True, journal=journal, **options) as here:
        yield Scene(here, here.simulator.add_project([5], running=command != "create"), command, journal)
        assert here.transport.in_flight == 0
        assert permits_free(here.client)


async def after(seconds: float, action: Callable[[], object]) -> None:
    await anyio.sleep(seconds)
    action()


# The four outcomes


@ENDINGS
async def test_confirmed(command: str) -> None:
    """What runs is read first, the intent is written, one request is sent, and the outcome is a value."""
    async with scene(command) as it:
        outcome = await it.act()
        assert (outcome.kind, outcome.endpoint, outcome.project_id) == (CONFIRMED, it.path, it.project.id)
        assert (outcome.deploy_id, outcome.observed, outcome.final) == (it.first.deploy_id, False, True)
        assert it.settled() == outcome
        (intent,) = it.journal.intents
        assert (intent.id, intent.deploy_id, intent.known) == (outcome.intent_id, it.first.deploy_id, ())
        assert [record.path for record in it.here.simulator.ledger.requests] == [LIST, it.path]
        assert it.effects == [command]
        assert it.client.unresolved() == ()


async def test_a_confirmed_creation() -> None:
    """The answer is returned as it came; the journal knows what was there before, and of the settings nothing."""
    async with scene("create") as it:
        answer = await it.act()
        assert answer.deploy_id == it.project.deployments[-1].deploy_id != it.first.deploy_id
        assert answer.version_id is not None
        outcome = it.settled()
        assert (outcome.kind, outcome.deploy_id, outcome.observed) == (CONFIRMED, answer.deploy_id, False)
        (intent,) = it.journal.intents
        assert (intent.deploy_id, intent.known) == (None, (it.first.deploy_id,))
        assert "1234.5" not in repr(it.journal.entries)
        assert [record.path for record in it.here.simulator.ledger.requests] == [LIST, CREATE]


REFUSALS = [
    (K.FAILURE_LASTING, qcasync.APIError),
    (K.FAILURE_SILENT, qcasync.APIError),
    (K.STATUS, qcasync.APIError),
    (K.HTML_403, qcasync.AccessBlocked),
]


@COMMANDS
@pytest.mark.parametrize(("kind", "error"), REFUSALS)
async def test_refused(command: str, kind: FaultKind, error: type[qcasync.QuantConnectError]) -> None:
    """The error carries it, and nothing happened."""
    async with scene(command) as it:
        it.fault(kind)
        with pytest.raises(error) as caught:
            await it.act()
        outcome = caught.value.outcome
        assert outcome is not None
        assert (outcome.kind, outcome.final, outcome.observed) == (REFUSED, True, False)
        assert outcome.reason == caught.value.reason  # type: ignore[attr-defined]
        assert outcome.reason in str(caught.value)
        assert it.settled() == outcome
        assert it.here.count(it.path) == 1
        assert it.effects == []


@ENDINGS
@pytest.mark.parametrize("kind", [K.RETRY_AFTER_429, K.BARE_429, K.SLOW_DOWN])
async def test_a_throttled_command_is_refused(command: str, kind: FaultKind) -> None:
    """It is not sent late."""
    async with scene(command) as it:
        it.fault(kind)
        with pytest.raises(qcasync.RateLimitError) as caught:
            await it.act()
        assert caught.value.outcome == it.settled()
        assert it.settled().kind is REFUSED
        assert it.here.count(it.path) == 1


@pytest.mark.parametrize("kind", [K.RETRY_AFTER_429, K.BARE_429, K.SLOW_DOWN])
async def test_a_throttled_creation_is_sent_once_more(kind: FaultKind) -> None:
    """The refusal came before execution; a second one ends it."""
    async with scene("create") as it:
        it.fault(kind)
        await it.act()
        assert it.effects == ["create"]
        assert it.here.count(CREATE) == 2
    async with scene("create") as it:
        it.fault(kind, times=9)
        with pytest.raises(qcasync.RateLimitError) as caught:
            await it.act()
        assert caught.value.outcome is not None
        assert caught.value.outcome.kind is REFUSED
        assert it.here.count(CREATE) == 2


@COMMANDS
async def test_not_sent(command: str) -> None:
    """No byte left, three times."""
    async with scene(command) as it:
        it.fault(K.REFUSED, times=9)
        with pytest.raises(qcasync.RequestError) as caught:
            await it.act()
        assert caught.value.attempts == 3
        assert caught.value.outcome == it.settled()
        assert (it.settled().kind, it.settled().final) == (NOT_SENT, True)
        assert it.here.count(it.path) == 0
        assert it.client.unresolved() == ()


@COMMANDS
async def test_what_is_wrong_before_anything_was_decided_has_no_outcome(command: str) -> None:
    """Without permission nothing is read, written or sent."""
    async with world(journal=(journal := MemoryJournal())) as here:
        project = here.simulator.add_project([5])
        with pytest.raises(qcasync.ConfigurationError, match="allow_trading") as caught:
            await Scene(here, project, command, journal).act()
        assert caught.value.outcome is None
        assert (here.count(), journal.entries, here.observed) == (0, [], [])


LOST = [
    K.RESET_BEFORE_ANSWER,
    K.RESET_IN_BODY,
    K.CUT_JSON,
    K.EMPTY_500,
    K.HTML_504,
    K.RETRY_AFTER_503,
    K.HTML_200,
    K.REDIRECT,
    K.FAILURE_PASSING,
]
"""What says too little about the effect: a 302 and an "Internal Error 21" may come after it as well as before."""


@ENDINGS
@pytest.mark.parametrize("kind", LOST)
async def test_a_lost_answer_is_looked_for(command: str, kind: FaultKind) -> None:
    """Rows 12 and 71: it happened, and it is seen 2 s later. Nothing is sent again."""
    async with scene(command) as it:
        it.fault(kind, performed=True)
        outcome = await it.act()
        assert (outcome.kind, outcome.observed, outcome.final) == (CONFIRMED, True, True)
        assert outcome.deploy_id == it.first.deploy_id
        assert outcome.reason == f"deployment {it.first.deploy_id} was seen {STATUS[command].value}"
        assert it.settled() == outcome
        assert anyio.current_time() == pytest.approx(2)
        assert [record.path for record in it.here.simulator.ledger.requests] == [LIST, it.path, LIST]


@ENDINGS
@pytest.mark.parametrize("kind", LOST)
async def test_what_did_not_happen_stays_unknown(command: str, kind: FaultKind) -> None:
    """Two minutes later it still runs. That proves nothing, so that it is told, and stays in the journal."""
    async with scene(command) as it:
        it.fault(kind, performed=False)
        with pytest.raises(OutcomeUnknown) as caught:
            await it.act()
        outcome = caught.value.outcome
        assert outcome is not None
        assert (outcome.kind, outcome.final, outcome.observed) == (UNKNOWN, False, False)
        assert outcome.deploy_id == it.first.deploy_id
        assert f"Afterwards: deployment {it.first.deploy_id} is still Running." in str(caught.value)
        assert anyio.current_time() == pytest.approx(120, abs=1)
        assert it.settled() == outcome
        assert it.client.unresolved() == tuple(it.journal.intents)
        assert it.here.count(it.path) == 1
        assert pickle.loads(pickle.dumps(caught.value)).outcome == outcome


@COMMANDS
@pytest.mark.parametrize("status", [300, 303, 304, 307, 501, 505])
@pytest.mark.parametrize("performed", [False, True])
async def test_a_status_that_proves_nothing(command: str, status: int, performed: bool) -> None:
    """A redirect may be the answer to what was done, and a box in the middle may have passed on what it cannot do."""
    async with scene(command) as it:
        it.fault(K.STATUS, status=status, performed=performed)
        if performed:
            await it.act()
            assert (it.settled().kind, it.settled().observed) == (CONFIRMED, True)
        else:
            with pytest.raises(OutcomeUnknown) as caught:
                await it.act()
            assert caught.value.outcome == it.settled()
            assert (it.settled().kind, it.settled().final) == (UNKNOWN, False)
        assert it.here.count(it.path) == 1
        assert it.effects == [command] * performed


@ENDINGS
async def test_a_hang_ends_after_45_seconds(command: str) -> None:
    """Row 16: and then it is looked for."""
    async with scene(command) as it:
        it.fault(K.HANG)
        outcome = await it.act()
        assert outcome.observed
        assert anyio.current_time() == pytest.approx(47)


# What runs


async def test_the_state_is_read_for_a_second_at_most() -> None:
    """A slow answer is not waited for."""
    async with scene("stop") as it:
        it.here.simulator.fault(K.HANG, path=LIST)
        outcome = await it.act()
        assert (outcome.kind, outcome.deploy_id) == (CONFIRMED, None)
        assert it.journal.intents[0].deploy_id is None
        assert anyio.current_time() == pytest.approx(1)


@pytest.mark.parametrize("kind", [K.EMPTY_500, K.FAILURE_LASTING, K.GARBAGE, K.REFUSED, K.RETRY_AFTER_429, K.HTML_403])
async def test_a_state_that_cannot_be_read_holds_nobody_up(kind: FaultKind) -> None:
    """Whatever the reason, the command goes out within a second."""
    async with scene("liquidate") as it:
        it.here.simulator.fault(kind, path=LIST, times=99)
        outcome = await it.act()
        assert (outcome.kind, it.effects) == (CONFIRMED, ["liquidate"])
        assert anyio.current_time() <= 1


@ENDINGS
@pytest.mark.parametrize("text", ["This key may not list deployments", "Internal Error 21"])
async def test_who_may_not_read_may_stop(command: str, text: str) -> None:
    """A 403 for the list alone proves nothing about the command: reading never prevents."""
    async with scene(command, Conditions(ignore_commands=True)) as it:
        await it.client.authenticate()
        it.here.simulator.fault(K.STATUS, path=LIST, status=403, text=text, times=math.inf)
        for _ in range(2):
            assert (await it.act()).kind is CONFIRMED
        assert it.here.count(it.path) == 2


@ENDINGS
@pytest.mark.parametrize("defect", [ValueError("of a decoder"), OSError(9, "of a proxy"), ZeroDivisionError()])
async def test_a_defect_in_reading_keeps_nothing_running(
    command: str, defect: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever the reading raises, also what no transport should: it is logged, and the command goes out."""
    async with scene(command, through=lambda inner: Odd(inner, LIST, defect)) as it:
        outcome = await it.act()
        assert (outcome.kind, outcome.deploy_id, it.effects) == (CONFIRMED, None, [command])
        assert it.settled() == outcome
        assert type(defect).__name__ in caplog.text


@ENDINGS
async def test_an_emergency_does_not_even_look(command: str) -> None:
    """One request, in no time. If its answer is lost, the deployment that ran is found all the same."""
    async with scene(command) as it:
        outcome = await it.act(emergency=True)
        assert (outcome.kind, outcome.deploy_id) == (CONFIRMED, None)
        assert (it.here.count(), anyio.current_time()) == (1, 0)
    async with scene(command) as it:
        began = anyio.current_time()
        it.fault(K.RESET_BEFORE_ANSWER)
        outcome = await it.act(emergency=True)
        assert (outcome.observed, outcome.deploy_id) == (True, it.first.deploy_id)
        assert anyio.current_time() - began == pytest.approx(2)


async def test_refused_credentials_need_not_be_sent_twice() -> None:
    """The reading proved them wrong: one request in all, and nothing was sent that acts."""
    async with scene("stop", token="wrong") as it:
        with pytest.raises(qcasync.AuthenticationError) as caught:
            await it.act()
        assert caught.value.outcome is not None
        assert caught.value.outcome.kind is NOT_SENT
        assert "Nothing was sent to live/update/stop." in caught.value.__notes__
        assert [record.path for record in it.here.simulator.ledger.requests] == [LIST]
    async with scene("stop", token="wrong") as it:
        with pytest.raises(qcasync.AuthenticationError) as caught:
            await it.act(emergency=True)
        assert caught.value.outcome == it.settled()
        assert it.settled().kind is REFUSED
        assert it.here.count() == 1


async def test_a_closed_auth_gate_lets_a_stop_pass_once() -> None:
    """Credentials that were refused a moment ago may have been renewed at the server; the second stop is not sent."""
    async with scene("stop", token="wrong") as it:
        with pytest.raises(qcasync.AuthenticationError):
            await it.client.authenticate()
        for requests, kind in ((2, REFUSED), (2, NOT_SENT)):
            with pytest.raises(qcasync.AuthenticationError) as caught:
                await it.act()
            assert caught.value.outcome == it.settled()
            assert (it.here.count(), it.settled().kind) == (requests, kind)


async def test_one_forbidden_project_keeps_no_other_running() -> None:
    """A 403 for one project says nothing about the credentials: reading goes on, and four liquidations leave."""
    async with scene("liquidate") as it:
        projects = [it.project, *(it.here.simulator.add_project([5]) for _ in range(3))]
        await it.client.authenticate()
        it.here.simulator.fault(K.STATUS, path="live/read", status=403, text="You may not see this project")
        with pytest.raises(qcasync.AuthenticationError):
            await it.client.live.read(it.project.id)
        await it.client.live.list()
        async with anyio.create_task_group() as group:
            for project in projects:
                group.start_soon(it.client.live.liquidate, project.id)
        assert it.effects == ["liquidate"] * 4


@ENDINGS
async def test_what_never_left_uses_up_no_pass(command: str) -> None:
    """The auth gate lets commands pass until one was refused; one that found no connection was not, nor a cancelled."""
    async with scene(command) as it:
        await it.client.authenticate()
        it.here.simulator.fault(K.STATUS, path="authenticate", status=401)
        with pytest.raises(qcasync.AuthenticationError):
            await it.client.authenticate()
        with pytest.raises(qcasync.AuthenticationError, match="a moment ago"):
            await it.client.authenticate()
        it.fault(K.REFUSED, times=4)
        with pytest.raises(qcasync.RequestError) as caught:
            await it.act(emergency=True)
        assert caught.value.outcome is not None
        assert caught.value.outcome.kind is NOT_SENT
        await by_scope(partial(it.act, emergency=True), 0.001)
        assert it.here.count(it.path) == 0
        assert (await it.act(emergency=True)).kind is CONFIRMED
        await it.client.authenticate()


async def test_a_clock_that_is_hours_off() -> None:
    """The reading learns the time, so that the command is signed well at once."""
    conditions = Conditions(timestamp_past=300, timestamp_future=300)
    async with scene("stop", conditions, clock_error=-3 * 3600.0) as it:
        await it.act()
        assert [record.path for record in it.here.simulator.ledger.requests] == [LIST, LIST, it.path]
    async with scene("stop", conditions, clock_error=-3 * 3600.0) as it:
        await it.act(emergency=True)
        assert [record.path for record in it.here.simulator.ledger.requests] == [it.path, it.path]
        assert it.effects == ["stop"]
        (intent,) = it.journal.intents
        assert intent.uncertainty is None


@ENDINGS
@pytest.mark.parametrize("performed", [False, True])
@pytest.mark.parametrize("hours", [-1.0, 1.0])
async def test_a_cold_clock_confirms_nobody_elses_end(command: str, performed: bool, hours: float) -> None:
    """An hour off, and the answer is lost: what ended half an hour ago is no evidence for what runs since.

    By then the client knows the server's time better than when it decided.
    """
    async with scene(command, clock_error=hours * 3600.0) as it:
        it.here.simulator.end(it.project.id, EPOCH - 1800, status=STATUS[command].value)
        runs = it.here.simulator.deploy(it.project.id, EPOCH - 600)
        it.fault(K.RESET_BEFORE_ANSWER, performed=performed)
        if performed:
            outcome = await it.act(emergency=True)
            assert (outcome.kind, outcome.observed, outcome.final) == (CONFIRMED, True, True)
        else:
            with pytest.raises(OutcomeUnknown, match=f"deployment {runs.deploy_id} is still Running"):
                await it.act(emergency=True)
            assert (it.settled().kind, it.settled().final) == (UNKNOWN, False)
            assert it.client.unresolved() == tuple(it.journal.intents)
        assert it.settled().deploy_id == runs.deploy_id
        assert runs.is_active(true_time()) is not performed
        assert it.effects == [command] * performed


@ENDINGS
async def test_without_the_servers_time_an_end_proves_nothing(command: str) -> None:
    """No answer ever brings a date. That the deployment has ended, it may have done yesterday."""
    async with scene(command, Conditions(send_date=False)) as it:
        it.fault(K.RESET_BEFORE_ANSWER)
        with pytest.raises(OutcomeUnknown, match="nothing tells that it ended after the call"):
            await it.act(emergency=True)
        assert (it.settled().kind, it.settled().final) == (UNKNOWN, True)
        assert it.settled().deploy_id == it.first.deploy_id


@ENDINGS
async def test_an_undated_intent_of_a_dead_process_proves_nothing(command: str) -> None:
    """Whoever reads it later knows neither its clock nor when it was: an end is no confirmation."""
    async with scene(command, clock_error=-3600.0) as it:
        it.fault(K.HANG, performed=False)
        await by_scope(partial(it.act, emergency=True), 5.0)
        (intent,) = it.client.unresolved()
        assert intent.uncertainty is None
        it.here.simulator.end(it.project.id, true_time(), status=STATUS[command].value)
        outcome = await it.client.live.reconcile(intent)
        assert (outcome.kind, outcome.final, outcome.deploy_id) == (UNKNOWN, True, it.first.deploy_id)


async def test_a_clock_that_is_days_off_signs_nothing() -> None:
    """Neither for reading nor for stopping."""
    async with scene("stop", Conditions(timestamp_past=300), clock_error=-40 * 3600.0) as it:
        with pytest.raises(qcasync.ClockSkewError):
            await it.client.authenticate()
        with pytest.raises(qcasync.ClockSkewError) as caught:
            await it.act(emergency=True)
        assert caught.value.outcome == it.settled()
        assert it.settled().kind is NOT_SENT
        assert it.here.count(it.path) == 0


@COMMANDS
async def test_the_intent_says_when_by_the_servers_clock(command: str) -> None:
    """As well as it is known."""
    async with scene(command, clock_error=-90.0) as it:
        await it.client.authenticate()
        began = true_time()
        await it.act()
        (intent,) = it.journal.intents
        assert intent.uncertainty is not None
        assert abs(intent.at.timestamp() - began) <= intent.uncertainty <= 3.0


# What happens meanwhile


@ENDINGS
@pytest.mark.parametrize("performed", [False, True])
async def test_redeployed_meanwhile(command: str, performed: bool) -> None:
    """Row 71: someone launches another deployment while we look. It is never touched, and its state is no evidence."""
    async with scene(command) as it, anyio.create_task_group() as group:
        it.fault(K.RESET_BEFORE_ANSWER, performed=performed)
        group.start_soon(after, 1.0, lambda: it.here.simulator.deploy(it.project.id, true_time()))
        if command == "stop" or performed:
            outcome = await it.act()
            assert (outcome.observed, outcome.deploy_id) == (True, it.first.deploy_id)
        else:
            with pytest.raises(OutcomeUnknown, match="not Liquidated: positions may remain") as caught:
                await it.act()
            outcome = it.settled()
            assert caught.value.outcome == outcome
            assert (outcome.kind, outcome.final, outcome.deploy_id) == (UNKNOWN, True, it.first.deploy_id)
        assert anyio.current_time() == pytest.approx(2)
        assert it.client.unresolved() == ()
        assert it.here.count(it.path) == 1
        assert it.project.active(true_time()) is it.project.deployments[1]
        assert it.effects == ([command] if performed else [])


@ENDINGS
async def test_a_slow_end_is_waited_for(command: str) -> None:
    """The answer is lost, and the deployment takes half a minute to end."""
    async with scene(command, Conditions(stopping_seconds=30)) as it:
        it.fault(K.RESET_IN_BODY)
        outcome = await it.act()
        assert outcome.observed
        assert 30 <= anyio.current_time() <= 45


@ENDINGS
async def test_a_command_that_is_ignored(command: str) -> None:
    """Row 69: accepted is what is told. If the answer is lost as well, nobody knows."""
    async with scene(command, Conditions(ignore_commands=True)) as it:
        assert (await it.act()).kind is CONFIRMED
        assert it.effects == []
        it.fault(K.RESET_IN_BODY)
        with pytest.raises(OutcomeUnknown):
            await it.act()


# Deadlines


@COMMANDS
@pytest.mark.parametrize("timeout", [3.0, 10.0, 200.0])
@pytest.mark.parametrize("kind", [K.RESET_BEFORE_ANSWER, K.HANG])
async def test_the_callers_timeout_covers_everything(command: str, timeout: float, kind: FaultKind) -> None:
    """Reading, sending and looking; also if the timeout is the client's."""
    for options, given in (({}, {"timeout": timeout}), ({"timeout": timeout}, {})):
        async with scene(command, **options) as it:
            began = anyio.current_time()
            it.fault(kind, performed=False)
            with pytest.raises(OutcomeUnknown) as caught:
                await it.act(**given)
            assert timeout - 1.0 <= anyio.current_time() - began <= timeout + 1e-6
            assert caught.value.outcome == it.settled()
            assert not it.settled().final
            assert it.here.count(it.path) == 1


@ENDINGS
async def test_a_closed_client_does_not_look_on(command: str) -> None:
    """Every look would say that it is closed: the outcome is unknown now, and not two minutes later."""
    async with scene(command, Conditions(ignore_commands=True)) as it, anyio.create_task_group() as group:
        it.fault(K.RESET_BEFORE_ANSWER)
        group.start_soon(it_closes, it, 5.0)
        with pytest.raises(OutcomeUnknown, match="The client is closed") as caught:
            await it.act()
        assert 5 <= anyio.current_time() < 20
        assert caught.value.outcome == it.settled()
        assert (it.settled().kind, it.settled().final) == (UNKNOWN, False)


@COMMANDS
async def test_a_closed_client_sends_nothing(command: str) -> None:
    """It is closed while the state is read: the reading may end, and the command never begins."""
    async with scene(command, Conditions(latency=0.5)) as it, anyio.create_task_group() as group:
        group.start_soon(it_closes, it, 0.2)
        with pytest.raises(qcasync.ConfigurationError, match="closed") as caught:
            await it.act()
        outcome = caught.value.outcome
        assert outcome is not None
        assert (outcome.kind, outcome.final) == (NOT_SENT, True)
        assert it.journal.outcomes == [outcome]
        assert it.here.count(it.path) == 0
        assert it.client.unresolved() == ()


@COMMANDS
async def test_a_client_that_is_closed_while_the_intent_is_written_sends_nothing(command: str) -> None:
    """The line is there, and the one after it says that nothing left."""
    async with scene(command, journal=MemoryJournal(seconds=0.5)) as it, anyio.create_task_group() as group:
        group.start_soon(it_closes, it, 0.2)
        with pytest.raises(qcasync.ConfigurationError, match="closed") as caught:
            await it.act()
        assert caught.value.outcome == it.settled()
        assert (it.settled().kind, it.here.count(it.path)) == (NOT_SENT, 0)
        assert it.client.unresolved() == ()


@COMMANDS
@pytest.mark.parametrize("way", ["wrong token", "no state", "no line"])
async def test_everything_that_was_not_sent_is_told(command: str, way: str) -> None:
    """Whatever ended it before its request: observers and the journal hear of it, and not only the caller."""
    options: dict[str, Any] = {"token": "wrong"} if way == "wrong token" else {}
    journal = MemoryJournal(failure=full()) if way == "no line" else MemoryJournal()
    async with scene(command, journal=journal, **options) as it:
        if way == "no state":
            it.here.simulator.fault(K.HTML_403, path=LIST, times=99)
        if way != "wrong token" and command != "create":
            it.fault(K.REFUSED, times=9)  # or it would be sent
        with pytest.raises(qcasync.QuantConnectError) as caught:
            await it.act()
        outcome = caught.value.outcome
        assert outcome is not None
        assert (outcome.kind, outcome.final, outcome.intent_id != "") == (NOT_SENT, True, True)
        assert [each.outcome for each in it.here.told(qcasync.OutcomeTold)] == [outcome]
        assert it.journal.outcomes == [outcome] * (way != "no line")
        assert it.here.count(it.path) == 0


async def it_closes(it: Scene, seconds: float) -> None:
    """The client is closed meanwhile."""
    await anyio.sleep(seconds)
    await it.client.aclose()


async def test_reading_may_take_half_of_a_short_timeout() -> None:
    """The other half is for the command."""
    async with scene("stop", Conditions(latency=0.4)) as it:
        it.here.simulator.fault(K.HANG, path=LIST)
        await it.act(timeout=1.0)
        assert anyio.current_time() == pytest.approx(0.9)


# Create


async def test_a_creation_whose_answer_is_lost_is_found() -> None:
    """Row 70: the new deployment is returned with its ids, and never launched again."""
    for kind in LOST:
        async with scene("create") as it:
            it.fault(kind, performed=True)
            answer = await it.act()
            assert answer.deploy_id == it.project.deployments[-1].deploy_id
            assert (answer.project_id, answer.version_id, answer.live) == (it.project.id, None, None)
            outcome = it.settled()
            assert (outcome.kind, outcome.observed, outcome.deploy_id) == (CONFIRMED, True, answer.deploy_id)
            assert it.here.count(CREATE) == 1
            assert it.effects == ["create"]


async def test_a_creation_that_is_not_found_is_unknown() -> None:
    """After two minutes; it is not tried again, and stays in the journal."""
    async with scene("create") as it:
        it.fault(K.RESET_BEFORE_ANSWER, performed=False)
        with pytest.raises(OutcomeUnknown, match=r"no new deployment is to be seen.*live\.list") as caught:
            await it.act()
        assert caught.value.outcome == it.settled()
        assert (it.settled().kind, it.settled().final, it.settled().deploy_id) == (UNKNOWN, False, None)
        assert anyio.current_time() == pytest.approx(120, abs=1)
        assert it.here.count(CREATE) == 1
        assert len(it.client.unresolved()) == 1


async def test_two_new_deployments_are_one_too_many() -> None:
    """Someone else launched the project as well: which one is ours, nobody can tell."""
    async with scene("create") as it, anyio.create_task_group() as group:
        it.fault(K.RESET_BEFORE_ANSWER)
        group.start_soon(after, 1.0, lambda: it.here.simulator.deploy(it.project.id, true_time()))
        with pytest.raises(OutcomeUnknown, match="several deployments were launched") as caught:
            await it.act()
        assert caught.value.outcome == it.settled()
        assert (it.settled().kind, it.settled().final) == (UNKNOWN, True)
        assert anyio.current_time() == pytest.approx(2)
        assert it.effects == ["create"]


@pytest.mark.parametrize("kind", [K.HANG, K.HTML_502, K.FAILURE_LASTING, K.REFUSED])
async def test_nothing_is_created_before_it_is_known_what_runs(kind: FaultKind) -> None:
    """The error is the reading's, and says that nothing was sent."""
    async with scene("create") as it:
        it.here.simulator.fault(kind, path=LIST, times=99)
        with pytest.raises(qcasync.QuantConnectError) as caught:
            await it.act()
        assert caught.value.outcome is not None
        assert caught.value.outcome.kind is NOT_SENT
        assert caught.value.outcome.reason in str(caught.value)
        assert "Nothing was sent to live/create." in caught.value.__notes__
        assert it.here.count(CREATE) == 0
        assert it.journal.entries == [caught.value.outcome]
        assert anyio.current_time() <= 15


# The journal


@COMMANDS
async def test_the_intent_is_written_before_the_request_leaves(command: str) -> None:
    """And the outcome after its answer."""
    journal = MemoryJournal(look=lambda: it.here.count(it.path))
    async with scene(command, journal=journal) as it:
        await it.act()
        assert [type(entry) for entry in journal.entries] == [Intent, Outcome]
        assert journal.looks == [0, 1]


@ENDINGS
@pytest.mark.parametrize("failure", [full(), OSError(5, "Input/output error"), ZeroDivisionError()])
@pytest.mark.parametrize("emergency", [False, True])
async def test_a_disk_that_refuses_keeps_nothing_running(
    command: str, failure: Exception, emergency: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """The command goes out with a warning, and its outcome is told."""
    async with scene(command, journal=MemoryJournal(failure=failure)) as it:
        outcome = await it.act(emergency=emergency)
        assert (outcome.kind, it.effects) == (CONFIRMED, [command])
        assert [each.outcome for each in it.here.told(qcasync.OutcomeTold)] == [outcome]
        assert f"{it.path} of project {it.project.id} goes out all the same" in caplog.text
        assert f"project {it.project.id} ended as confirmed is not kept" in caplog.text
        assert anyio.current_time() == 0


@pytest.mark.parametrize("failure", [full(), OSError(5, "Input/output error"), ZeroDivisionError()])
async def test_a_disk_that_refuses_keeps_from_creating(failure: Exception) -> None:
    """What nobody could look for later is not begun."""
    async with scene("create", journal=MemoryJournal(failure=failure)) as it:
        with pytest.raises(qcasync.JournalError) as caught:
            await it.act()
        assert caught.value.outcome is not None
        assert caught.value.outcome.kind is NOT_SENT
        assert it.here.count(CREATE) == 0


@ENDINGS
@pytest.mark.parametrize(("options", "seconds"), [({"emergency": True}, 0.1), ({}, 2.0), ({"timeout": 1.0}, 0.5)])
async def test_a_disk_that_hangs_is_not_waited_for(command: str, options: dict[str, Any], seconds: float) -> None:
    """A tenth of a second in an emergency, 2 s otherwise, and never more than half of the time that is left."""
    async with scene(command, journal=MemoryJournal(seconds=math.inf)) as it:
        outcome = await it.act(**options)
        (record,) = [each for each in it.here.simulator.ledger.requests if each.path == it.path]
        assert record.at == pytest.approx(true_time() - anyio.current_time() + seconds)
        assert outcome.kind is CONFIRMED
        assert anyio.current_time() <= seconds + 2.0


async def test_three_emergencies_one_after_the_other() -> None:
    """The disk that hangs holds up each of them, and not the next one as well."""
    async with scene("stop", journal=MemoryJournal(seconds=math.inf)) as it:
        projects = [it.project, it.here.simulator.add_project([5]), it.here.simulator.add_project([5])]
        for project in projects:
            await it.client.live.stop(project.id, emergency=True)
        last = it.here.simulator.ledger.requests[-1]
        assert last.at == pytest.approx(true_time() - anyio.current_time(), abs=0.75)
        assert it.effects == ["stop"] * 3


async def test_a_disk_that_recovers_is_waited_for_again() -> None:
    """While it hangs it costs a tenth of a second each time; after one good write it has its 2 s again."""
    async with scene("stop", Conditions(ignore_commands=True), journal=MemoryJournal()) as it:
        spent = []
        for it.journal.seconds in (math.inf, 1.5, 0.0, 1.5):
            began = anyio.current_time()
            await it.act()
            spent.append(anyio.current_time() - began)
        assert spent == pytest.approx([2.1, 0.2, 0.0, 3.0])
        assert len(it.journal.intents) == 2


@pytest.mark.parametrize("keeps_late", [False, True])
async def test_a_disk_that_hangs_keeps_from_creating(keeps_late: bool) -> None:
    """And if the intent gets there in the end, so does the word that nothing was sent."""
    async with scene("create", journal=MemoryJournal(seconds=math.inf, keeps_late=keeps_late)) as it:
        with pytest.raises(qcasync.JournalError, match="was not written within 2 s"):
            await it.act()
        assert it.here.count(CREATE) == 0
        assert [each.kind for each in it.journal.outcomes] == [NOT_SENT] * keeps_late
        assert it.client.unresolved() == ()


async def test_without_a_journal_there_is_nothing_to_ask() -> None:
    """The calls work, and the question is refused with advice."""
    async with world(allow_trading=True) as here:
        project = here.simulator.add_project([5])
        outcome = await here.client.live.stop(project.id)
        assert outcome.kind is CONFIRMED
        assert [each.outcome for each in here.told(qcasync.OutcomeTold)] == [outcome]
        with pytest.raises(qcasync.ConfigurationError, match=r"journal=FILE"):
            here.client.unresolved()


@COMMANDS
async def test_a_start_warns_of_what_is_unresolved(command: str, caplog: pytest.LogCaptureFixture) -> None:
    """The next client of the same account names the calls; one of another account has nothing to say."""
    async with scene(command) as it:
        it.fault(K.RESET_BEFORE_ANSWER, performed=False)
        with pytest.raises(OutcomeUnknown):
            await it.act()
    caplog.clear()
    async with world(journal=it.journal):
        assert f"{it.path} of project {it.project.id}" in caplog.text
        assert caplog.records[0].levelno == logging.WARNING
    caplog.clear()
    async with world(journal=it.journal, seed=2):
        assert caplog.text == ""


@COMMANDS
async def test_an_intent_is_closed_by_hand(command: str) -> None:
    """Whoever looked at the website knows; from then on nobody is asked again. It costs no request."""
    async with scene(command) as it:
        it.fault(K.RESET_BEFORE_ANSWER, performed=False)
        with pytest.raises(OutcomeUnknown):
            await it.act()
        (intent,) = it.client.unresolved()
        requests = it.here.count()
        await it.client.settle(intent, "it runs, and may")
        assert it.settled().intent_id == intent.id
        assert (it.settled().kind, it.settled().final) == (UNKNOWN, True)
        assert it.settled().reason == "it runs, and may"
        assert it.client.unresolved() == ()
        assert it.here.count() == requests
    async with world() as here:
        with pytest.raises(qcasync.ConfigurationError, match="keeps no journal"):
            await here.client.settle(intent, "anything")


@ENDINGS
async def test_an_end_days_later_confirms_nothing(command: str) -> None:
    """The request was lost on its way. That the algorithm ends by itself on Thursday is none of our doing."""
    async with scene(command) as it:
        it.fault(K.RESET_BEFORE_ANSWER, performed=False)
        with pytest.raises(OutcomeUnknown):
            await it.act()
        await anyio.sleep(4 * 86400)
        it.here.simulator.end(it.project.id, true_time(), status=STATUS[command].value)
        (intent,) = it.client.unresolved()
        outcome = await it.client.live.reconcile(intent)
        assert (outcome.kind, outcome.final, outcome.observed) == (UNKNOWN, True, False)
        assert "long after the call" in outcome.reason
        assert it.client.unresolved() == ()


class Locked(MemoryJournal):
    """A store that cannot even be asked."""

    def unresolved(self, account: str, /) -> tuple[Intent, ...]:
        message = "database is locked"
        raise RuntimeError(message)


async def test_a_foreign_journal_keeps_no_client_from_opening(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever it raises is logged, and whoever has to stop something can."""
    async with scene("stop", journal=Locked()) as it:
        assert "what an earlier process left open is not known: database is locked" in caplog.text
        assert (await it.act()).kind is CONFIRMED


# Transports that others wrote


class Odd:
    """Stands before the simulator; one path raises.

    Args:
        transport: Reaches the simulator.
        path: Of the requests that end with an error.
        error: What they end with.
        arrives: Whether the simulator has them all the same.
    """

    def __init__(self, transport: Transport, path: str, error: BaseException, *, arrives: bool = False) -> None:
        self.sent = 0
        self._transport = transport
        self._path = path
        self._error = error
        self._arrives = arrives

    async def exchange(self, request: Request, progress: Progress, /) -> Response:
        """Mark nothing on `progress` for the path."""
        if not request.url.endswith(self._path):
            return await self._transport.exchange(request, progress)
        self.sent += 1
        if self._arrives:
            await self._transport.exchange(request, Progress(lambda: 0.0))
        raise self._error

    async def aclose(self) -> None:
        await self._transport.aclose()


@COMMANDS
@pytest.mark.parametrize("fault", Fault)
async def test_a_transport_that_marks_nothing_proves_nothing(command: str, fault: Fault) -> None:
    """Only a connection that failed proves that nothing was sent; anything else is sent once, and looked for."""
    path = PATHS[command]
    odd: list[Odd] = []
    unsent = fault in {Fault.UNREACHABLE, Fault.CERTIFICATE}

    def through(inner: Transport) -> Transport:
        odd.append(Odd(inner, path, TransportError(fault, "it broke"), arrives=not unsent))
        return odd[0]

    async with scene(command, through=through) as it:
        if unsent:
            with pytest.raises(qcasync.RequestError) as caught:
                await it.act()
            assert caught.value.outcome == it.settled()
            assert (it.settled().kind, it.effects) == (NOT_SENT, [])
            assert odd[0].sent == (3 if fault is Fault.UNREACHABLE else 1)
        else:
            await it.act()
            assert (it.settled().kind, it.settled().observed, it.effects) == (CONFIRMED, True, [command])
            assert odd[0].sent == 1


class Unmarked:
    """Brings every answer, and tells nothing of its phases."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def exchange(self, request: Request, _: Progress, /) -> Response:
        return await self._transport.exchange(request, Progress(lambda: 0.0))

    async def aclose(self) -> None:
        await self._transport.aclose()


@ENDINGS
async def test_an_answer_is_proof_whatever_was_marked(command: str) -> None:
    """A 504 came back: the request was sent, and may have been carried out."""
    async with scene(command, through=Unmarked) as it:
        assert (await it.act(emergency=True)).kind is CONFIRMED
    async with scene(command, through=Unmarked) as it:
        it.fault(K.HTML_504, performed=False)
        with pytest.raises(OutcomeUnknown) as caught:
            await it.act()
        assert caught.value.sent == "yes"
        assert it.here.count(it.path) == 1


@COMMANDS
async def test_an_exchange_that_ends_without_an_outcome(command: str, anyio_backend_name: str) -> None:
    """Aiohttp cancels what waits for a name when its session is closed: a lost request, and no IndexError."""
    if anyio_backend_name != "asyncio":
        pytest.skip("trio lets nobody but a scope cancel")
    error = asyncio.CancelledError()
    async with scene(command, through=lambda inner: Odd(inner, PATHS[command], error, arrives=True)) as it:
        await it.act()
        assert (it.settled().kind, it.settled().observed) == (CONFIRMED, True)
        assert it.effects == [command]
    async with scene(command, through=lambda inner: Odd(inner, PATHS[command], error)) as it:
        with pytest.raises(OutcomeUnknown) as caught:
            await it.act()
        assert "the transport ended the exchange" in str(caught.value.__cause__)
        assert caught.value.outcome == it.settled()
        assert (it.settled().kind, it.settled().final) == (UNKNOWN, False)


# Emergencies


async def _hung(here: World) -> None:
    """Reads hold every permit but the reserved ones."""
    here.simulator.fault(K.HANG, path="authenticate", times=math.inf)


async def _failing(here: World) -> None:
    """The breaker is open, and the retry budget empty."""
    here.simulator.fault(K.EMPTY_500, path="authenticate", times=math.inf)
    for _ in range(30):
        with suppress(qcasync.QuantConnectError):
            await here.client.authenticate()
    with pytest.raises(qcasync.RequestError, match="most requests failed lately"):
        await here.client.authenticate()


async def _paused(here: World) -> None:
    """The server asked everyone to wait for 100 s."""
    here.simulator.fault(K.RETRY_AFTER_429, path="authenticate", retry_after="100")
    with pytest.raises(qcasync.RateLimitError):
        await here.client.authenticate(timeout=1)


@pytest.mark.parametrize("command", ["stop", "liquidate"])
@pytest.mark.parametrize("trouble", [_hung, _failing, _paused])
@pytest.mark.parametrize(
    ("journal", "seconds"), [(MemoryJournal, 0.0), (partial(MemoryJournal, seconds=math.inf), 0.1)]
)
async def test_nothing_of_ours_holds_an_emergency_up(
    command: str, trouble: Callable[[World], Awaitable[None]], journal: Callable[[], MemoryJournal], seconds: float
) -> None:
    """Rows 139 and 140, goal G3: whatever reading suffers from, one request leaves in no time; a disk costs 0.1 s."""
    async with scene(command, journal=journal(), max_concurrency=2) as it:
        await it.client.authenticate()
        await trouble(it.here)
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(_try, it.client.authenticate)
            await anyio.sleep(0.01)
            began = true_time()
            assert (await it.act(emergency=True)).kind is CONFIRMED
            group.cancel_scope.cancel()
        (record,) = [each for each in it.here.simulator.ledger.requests if each.path == it.path]
        assert record.at - began == pytest.approx(seconds, abs=1e-3)


@pytest.mark.parametrize("trouble", [_hung, _failing, _paused])
@ENDINGS
async def test_four_emergencies_leave_together(command: str, trouble: Callable[[World], Awaitable[None]]) -> None:
    """Who ends one project in an outage, ends all: ten reads hang or sleep, and no answer comes within 20 s."""
    async with scene(command, max_concurrency=10) as it:
        await it.client.authenticate()
        await trouble(it.here)
        it.fault(K.SLOW, performed=True, delay=20.0, times=4)
        projects = [it.project, *(it.here.simulator.add_project([5]) for _ in range(3))]
        async with anyio.create_task_group() as readers:
            for _ in range(10):
                readers.start_soon(_try, it.client.authenticate)
            await anyio.sleep(0.01)
            began = true_time()
            async with anyio.create_task_group() as group:
                for project in projects:
                    group.start_soon(partial(getattr(it.client.live, command), project.id, emergency=True))
            readers.cancel_scope.cancel()
        records = [each for each in it.here.simulator.ledger.requests if each.path == it.path]
        assert [each.at - began for each in records] == pytest.approx([0.0] * 4, abs=1e-3)
        assert it.effects == [command] * 4


async def test_who_sleeps_holds_no_permit() -> None:
    """The server asked everyone to wait: the readers do, and the gate is as free as if they were not there."""
    async with scene("stop", max_concurrency=10) as it:
        await it.client.authenticate()
        await _paused(it.here)
        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(_try, it.client.authenticate)
            await anyio.sleep(1.0)
            assert (it.here.transport.in_flight, permits_free(it.client)) == (0, True)
            group.cancel_scope.cancel()


@ENDINGS
async def test_what_could_not_leave_in_time_is_not_sent_late(command: str) -> None:
    """Every connection waits for an answer, those of other emergencies too: after 10 s that is told."""
    async with scene(command, max_concurrency=1) as it, anyio.create_task_group() as group:
        await it.client.authenticate()
        it.fault(K.HANG, times=math.inf)
        for project in [it.here.simulator.add_project([5]) for _ in range(1 + RESERVED)]:
            call = partial(getattr(it.client.live, command), project.id, emergency=True)
            group.start_soon(_try, call)
        await anyio.sleep(0.01)
        began, left = anyio.current_time(), it.here.count(it.path)
        assert left == 1 + RESERVED
        with pytest.raises(qcasync.RequestTimeout, match="no connection was free within 10 s") as caught:
            await it.act(emergency=True)
        assert anyio.current_time() - began == pytest.approx(10)
        assert (caught.value.sent, caught.value.outcome) == ("no", it.settled())
        assert (it.settled().kind, it.settled().final, it.settled().project_id) == (NOT_SENT, True, it.project.id)
        assert it.here.count(it.path) == left
        group.cancel_scope.cancel()


async def _try(call: Callable[[], Awaitable[object]]) -> None:
    with suppress(qcasync.QuantConnectError):
        await call()


async def test_an_empty_budget_is_not_asked() -> None:
    """A connection that was refused is tried again, although reading has used up what there was to retry."""
    async with scene("liquidate") as it:
        it.here.simulator.fault(K.GARBAGE, path="authenticate", times=math.inf)
        for _ in range(30):
            await _try(it.client.authenticate)
        with pytest.raises(qcasync.DecodeError) as caught:
            await it.client.authenticate()
        assert "Not sent again: the retry budget is exhausted: too many requests fail." in caught.value.__notes__
        it.fault(K.REFUSED)
        began = anyio.current_time()
        assert (await it.act(emergency=True)).kind is CONFIRMED
        assert anyio.current_time() - began <= 0.5


# Cancellation


async def by_scope(call: Callable[[], Awaitable[object]], seconds: float) -> None:
    """Cancel a call after so much time, unless it ends with an outcome all the same."""
    with anyio.move_on_after(seconds), suppress(qcasync.APIError):
        await call()


async def natively(call: Callable[[], Awaitable[object]], seconds: float) -> None:
    """The same by `task.cancel()`."""
    task = asyncio.ensure_future(call())
    await anyio.sleep(seconds)
    task.cancel()
    with suppress(asyncio.CancelledError, qcasync.APIError):
        await task


Ways = tuple[Callable[[Callable[[], Awaitable[object]], float], Awaitable[None]], ...]


@pytest.fixture
def ways(anyio_backend_name: str) -> Ways:
    """How the event loop can cancel: trio knows scopes only."""
    return (by_scope, natively) if anyio_backend_name == "asyncio" else (by_scope,)


@COMMANDS
async def test_cancelled_before_anything_was_decided(command: str, ways: Ways) -> None:
    """While the state is read: nothing was sent, and that is told."""
    for cancel in ways:
        async with scene(command, Conditions(latency=0.5)) as it:
            await cancel(it.act, 0.2)
            assert (it.journal.intents, it.here.count(it.path)) == ([], 0)
            assert [(each.kind, each.reason) for each in it.journal.outcomes] == [(NOT_SENT, "cancelled")]
            assert [each.outcome for each in it.here.told(qcasync.OutcomeTold)] == it.journal.outcomes


@COMMANDS
@pytest.mark.parametrize("keeps_late", [False, True])
async def test_cancelled_while_the_intent_is_written(command: str, keeps_late: bool, ways: Ways) -> None:
    """It may get there all the same, and so the journal is told that nothing was sent."""
    for cancel in ways:
        async with scene(command, journal=MemoryJournal(seconds=1.0, keeps_late=keeps_late)) as it:
            await cancel(it.act, 0.5)
            assert it.here.count(it.path) == 0
            assert [each.kind for each in it.journal.outcomes] == [NOT_SENT]
            assert it.client.unresolved() == ()


@COMMANDS
async def test_cancelled_before_sending(command: str, ways: Ways) -> None:
    """In the wait after a connection that was refused: the journal says that nothing was sent."""
    for cancel in ways:
        async with scene(command) as it:
            it.fault(K.REFUSED, times=9)
            await cancel(it.act, 0.001)
            assert len(it.here.told(qcasync.RetryScheduled)) == 1
            assert (it.settled().kind, it.settled().reason) == (NOT_SENT, "cancelled")
            assert it.client.unresolved() == ()
            await anyio.sleep(100)
            assert it.here.count(it.path) == 0


async def test_cancelled_after_a_refusal(ways: Ways) -> None:
    """The first request was refused at the door, and the wait before the second one is cancelled: nothing happened."""
    for cancel in ways:
        async with scene("create") as it:
            it.fault(K.RETRY_AFTER_429, retry_after="3")
            await cancel(it.act, 1.0)
            assert (it.here.count(CREATE), it.settled().kind) == (1, NOT_SENT)
            assert it.client.unresolved() == ()


@COMMANDS
async def test_cancelled_after_sending(command: str, ways: Ways) -> None:
    """Row B26: the journal says "unknown", the call is listed, and looking once more settles it."""
    for cancel in ways:
        async with scene(command) as it:
            it.fault(K.HANG, performed=True)
            await cancel(it.act, 5.0)
            assert (it.settled().kind, it.settled().final) == (UNKNOWN, False)
            (intent,) = it.client.unresolved()
            outcome = await it.client.live.reconcile(intent)
            assert (outcome.kind, outcome.observed, outcome.intent_id) == (CONFIRMED, True, intent.id)
            assert outcome.deploy_id == it.project.deployments[-1].deploy_id
            assert it.settled() == outcome
            assert it.client.unresolved() == ()
            assert it.effects == [command]
            assert it.here.count(it.path) == 1


@COMMANDS
@pytest.mark.parametrize("fault", [None, K.FAILURE_LASTING])
async def test_cancelled_while_the_outcome_is_written(command: str, fault: FaultKind | None, ways: Ways) -> None:
    """It is known, and so it is written to the end, even by a store that has no thread for it."""
    for cancel in ways:
        async with scene(command, journal=MemoryJournal(seconds=0.5)) as it:
            if fault is not None:
                it.fault(fault)
            await cancel(it.act, 0.75)
            assert it.settled().kind is (CONFIRMED if fault is None else REFUSED)
            assert it.client.unresolved() == ()
            assert it.effects == ([command] if fault is None else [])


@COMMANDS
async def test_cancelled_while_looking(command: str, ways: Ways) -> None:
    """The answer was lost: the call stays listed, and can be looked for later."""
    for cancel in ways:
        async with scene(command) as it:
            it.fault(K.RESET_BEFORE_ANSWER)
            await cancel(it.act, 1.0)
            assert it.here.count() == 2
            assert (it.settled().kind, it.settled().final, it.settled().reason) == (UNKNOWN, False, "cancelled")
            (intent,) = it.client.unresolved()
            assert (await it.client.live.reconcile(intent)).kind is CONFIRMED
            assert it.client.unresolved() == ()


@COMMANDS
async def test_looking_once_more_may_not_tell_either(command: str) -> None:
    """Then it stays listed. Nothing is sent again."""
    async with scene(command) as it:
        it.fault(K.RESET_BEFORE_ANSWER, performed=False)
        with pytest.raises(OutcomeUnknown):
            await it.act(timeout=5)
        (intent,) = it.client.unresolved()
        began = anyio.current_time()
        outcome = await it.client.live.reconcile(intent, timeout=10)
        assert (outcome.kind, outcome.final) == (UNKNOWN, False)
        assert anyio.current_time() - began == pytest.approx(10, abs=1)
        assert it.client.unresolved() == (intent,)
        assert it.here.count(it.path) == 1


async def test_looking_once_more_needs_no_permission() -> None:
    """It reads, and so a client that may not trade can do it; a closed one cannot."""
    async with scene("stop") as it:
        it.fault(K.HANG)
        await by_scope(it.act, 5.0)
        (intent,) = it.client.unresolved()
    async with world(simulator=it.here.simulator, journal=it.journal) as here:
        assert (await here.client.live.reconcile(intent)).kind is CONFIRMED
    with pytest.raises(qcasync.ConfigurationError, match="closed"):
        await here.client.live.reconcile(intent)


# Waiting for the end


@ENDINGS
async def test_and_wait(command: str) -> None:
    """Returns what was seen, a minute later, and not what was accepted."""
    async with scene(command, Conditions(stopping_seconds=60)) as it:
        ended = await getattr(it.client.live, f"{command}_and_wait")(it.project.id)
        assert (ended.status, ended.deploy_id) == (STATUS[command], it.first.deploy_id)
        assert 60 <= anyio.current_time() <= 75
        assert it.effects == [command]


@ENDINGS
async def test_and_wait_in_vain(command: str) -> None:
    """Row 69: accepted, and nothing happened. The error says both."""
    async with scene(command, Conditions(ignore_commands=True)) as it:
        with pytest.raises(qcasync.StillRunning) as caught:
            await getattr(it.client.live, f"{command}_and_wait")(it.project.id, timeout=60)
        assert caught.value.outcome == it.settled()
        assert it.settled().kind is CONFIRMED
        assert caught.value.status == "Running"
        assert anyio.current_time() == pytest.approx(60, abs=1)
        assert it.here.count(it.path) == 1


@ENDINGS
async def test_and_wait_when_refused(command: str) -> None:
    """There is nothing to wait for."""
    async with scene(command) as it:
        it.fault(K.FAILURE_LASTING)
        with pytest.raises(qcasync.APIError) as caught:
            await getattr(it.client.live, f"{command}_and_wait")(it.project.id)
        assert caught.value.outcome == it.settled()
        assert anyio.current_time() == 0


@ENDINGS
async def test_and_wait_when_redeployed(command: str) -> None:
    """Someone launches it again while it still ends: the one that was meant is waited for, and no other."""
    async with scene(command, Conditions(stopping_seconds=60)) as it, anyio.create_task_group() as group:
        group.start_soon(after, 10.0, lambda: it.here.simulator.deploy(it.project.id, true_time()))
        wait = getattr(it.client.live, f"{command}_and_wait")
        if command == "stop":
            assert (await wait(it.project.id)).deploy_id == it.first.deploy_id
        else:
            with pytest.raises(
                OutcomeUnknown, match=r"ended as Stopped, not Liquidated.*Positions may remain"
            ) as caught:
                await wait(it.project.id)
            outcome = caught.value.outcome
            assert outcome is not None
            assert (outcome.kind, outcome.deploy_id) == (UNKNOWN, it.first.deploy_id)
        assert anyio.current_time() < 30
        assert it.project.active(true_time()) is it.project.deployments[1]


@ENDINGS
async def test_and_wait_after_a_lost_answer(command: str) -> None:
    """What was looked for need not be waited for."""
    async with scene(command, Conditions(stopping_seconds=20)) as it:
        it.fault(K.RESET_BEFORE_ANSWER)
        ended = await getattr(it.client.live, f"{command}_and_wait")(it.project.id)
        assert ended.status is STATUS[command]
        assert 20 <= anyio.current_time() <= 35
        assert it.here.count(it.path) == 1


@ENDINGS
async def test_and_wait_has_one_timeout(command: str) -> None:
    """It covers the command as well."""
    async with scene(command, Conditions(latency=1.0, stopping_seconds=600)) as it:
        with pytest.raises(qcasync.StillRunning):
            await getattr(it.client.live, f"{command}_and_wait")(it.project.id, timeout=30)
        assert anyio.current_time() == pytest.approx(30, abs=2)


@ENDINGS
async def test_and_wait_looks_for_the_whole_of_its_timeout(command: str) -> None:
    """The command has 90 s of its own, and five minutes were given: an end after 100 s is seen."""
    async with scene(command, Conditions(stopping_seconds=100)) as it:
        it.fault(K.RESET_BEFORE_ANSWER)
        ended = await getattr(it.client.live, f"{command}_and_wait")(it.project.id, timeout=300)
        assert (ended.status, ended.deploy_id) == (STATUS[command], it.first.deploy_id)
        assert 100 <= anyio.current_time() <= 120
        assert (it.settled().kind, it.settled().observed, it.here.count(it.path)) == (CONFIRMED, True, 1)


@ENDINGS
async def test_and_wait_in_an_emergency(command: str) -> None:
    """Nothing is read before the command; what was launched last is waited for."""
    async with scene(command) as it:
        ended = await getattr(it.client.live, f"{command}_and_wait")(it.project.id, emergency=True)
        assert ended.deploy_id == it.first.deploy_id
        assert [record.path for record in it.here.simulator.ledger.requests] == [it.path, LIST]


@ENDINGS
async def test_and_wait_with_no_time_left_to_wait(command: str) -> None:
    """A slow answer and a slow disk used it up: it was accepted, and was not seen to end. Nothing was misconfigured."""
    async with scene(command) as it, anyio.create_task_group() as group:
        it.fault(K.SLOW, performed=True, delay=2.5)
        group.start_soon(after, 1.0, lambda: setattr(it.journal, "seconds", 1.5))
        with pytest.raises(qcasync.StillRunning) as caught:
            await getattr(it.client.live, f"{command}_and_wait")(it.project.id, timeout=3)
        assert caught.value.outcome == it.settled()
        assert it.settled().kind is CONFIRMED
        assert anyio.current_time() == pytest.approx(4)
