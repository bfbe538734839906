"""Seeded calls with effect: whatever breaks, and whenever they are cancelled, they are sent once and told truthfully.

The simulator's own record is the judge. A failing seed replays alone: `pytest tests/chaos/test_effects.py --runs 5
--seed SEED`.
"""

import asyncio
import logging
import math
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
import anyio.lowlevel
import pytest

import qcasync
from qcasync import Outcome, OutcomeKind, paper_brokerage
from qcasync._attempt import ATTEMPT_SECONDS
from qcasync._sender import PROVE_UNSENT
from qcasync._turns import RESERVED
from qcasync.simulator import Conditions, FaultKind, Project, RequestRecord, Simulator, SimulatorTransport
from qcasync.simulator.deployments import Ending
from qcasync.transports.protocol import Fault, Phase, Progress, Request, Response, TransportError
from tests.chaos.workers import Run
from tests.conftest import ENDS, JumpingLoop, virtual_trio
from tests.journals import MemoryJournal, full
from tests.support import EPOCH, true_time

K = FaultKind
CHUNKS: Final = 10
RUNS_PER_WORLD: Final = 5
"""How many runs of `--runs`, which are models of a watch, stand for each one here."""
HOUR: Final = 3600.0
PATHS: Final = {"stop": "live/update/stop", "liquidate": "live/update/liquidate", "create": "live/create"}
BEFORE_EXECUTION: Final = frozenset(
    {
        "refused",
        "throttled",
        *(f"fault: {kind.name}" for kind in (K.RETRY_AFTER_429, K.BARE_429, K.SLOW_DOWN)),
    }
)
"""What the record says of requests that a server turned away at its door, and that may be sent again once."""
NEVER_PERFORMED: Final = frozenset(
    {
        K.RETRY_AFTER_429,
        K.BARE_429,
        K.SLOW_DOWN,
        K.HTML_403,
        K.STATUS,
        K.FAILURE_LASTING,
        K.FAILURE_SILENT,
        K.REFUSED,
    }
)
TELLING_NOTHING: Final = frozenset({300, 303, 304, 307, 408, 425, 501, 505, 520})
"""Status codes that may come after the effect as well as before."""
ALWAYS_PERFORMED: Final = frozenset({K.SLOW, K.MISSING_PAYLOAD})
"""A server that speaks of success without being asked to perform anything would be another fault."""


@dataclass(frozen=True)
class Break:
    """How the connection fails, in the wire's own words."""

    phase: Phase
    fault: Fault
    arrives: bool
    """Whether the server has the request all the same."""
    stalls: float
    """Seconds before it shows."""


class Wire(SimulatorTransport):
    """The simulator behind connections that break in any phase.

    Attributes:
        breaks: What happens to the next requests of the command; None for nothing.
        left: How many requests of the command may have left, as far as can be known without seeing the wire.
        asked: How many were to leave.
        late: How often the command was sent after the client was closed.
        closed: Set when it is.
    """

    def __init__(self, simulator: Simulator, path: str, breaks: list[Break | None]) -> None:
        super().__init__(simulator, true_time)
        self.breaks = list(breaks)
        self.left = 0
        self.asked = 0
        self.late = 0
        self.closed = False
        self._path = path

    async def exchange(self, request: Request, progress: Progress, /) -> Response:
        if not request.url.endswith(self._path):
            return await super().exchange(request, progress)
        self.late += self.closed
        self.asked += 1
        began = anyio.current_time()
        broken = self.breaks.pop(0) if self.breaks else None
        try:
            if broken is None:
                return await super().exchange(request, progress)
            progress.reached(broken.phase)
            if broken.arrives:
                await super().exchange(request, Progress(lambda: 0.0))
            await anyio.sleep(broken.stalls)
            self.left += progress.phase is Phase.NOT_SENT and broken.fault not in PROVE_UNSENT
            began = math.inf
            raise TransportError(broken.fault, "broken by the test")
        finally:
            endless = anyio.current_time() - began >= ATTEMPT_SECONDS  # who gives up then knows of no phase
            self.left += progress.phase > Phase.NOT_SENT or endless


@dataclass
class Plan:
    """What one seed makes of a run."""

    command: str
    conditions: Conditions
    options: dict[str, Any]
    journal: MemoryJournal | None
    breaks: list[Break | None] = field(default_factory=list)
    fault: dict[str, Any] | None = None
    reads: dict[str, Any] | None = None
    runs: bool = True
    clock_error: float = 0.0
    wrong_token: bool = False
    crowd: bool = False
    recent: bool = False
    """Another deployment ended half an hour ago."""
    close: float | None = None
    """The client is closed after so many seconds."""
    redeploy: float | None = None
    ends: Ending | None = None
    """How that deployment ends soon after."""
    cancel: tuple[float, int, bool] | None = None
    """After so many seconds and then so many turns; natively or not."""

    @property
    def writes(self) -> bool:
        """Whether the journal works."""
        return self.journal is not None and self.journal.failure is None and self.journal.seconds < 1


def plan_of(seed: int) -> Plan:
    """Expand a seed. What breaks is mostly one thing, so that a failure stays readable."""
    chance = random.Random(seed)

    def sometimes(value: Callable[[], Any], share: float) -> Any:
        return value() if chance.random() < share else None

    command = chance.choice(["stop", "liquidate", "create"])
    conditions = Conditions(
        latency=chance.choice([0.0, 0.05, 0.5]),
        jitter=chance.choice([0.0, 0.5]),
        stopping_seconds=chance.choice([0.0, 0.0, 20.0, 200.0]),
        ignore_commands=chance.random() < 0.1,
        timestamp_past=300.0,
        timestamp_future=300.0,
        refusal=chance.choice(["hash", "user", "unauthorized", "server_error"]),
        send_date=chance.random() < 0.95,
        list_key=chance.choice(["live", "Algorithms"]),
    )
    plan = Plan(command, conditions, {}, _journal(chance))
    what = chance.choice(["nothing", "wire", "wire", "fault", "fault"])
    if what == "wire":
        plan.breaks = [_break(chance) for _ in range(chance.choice([1, 1, 2, 3]))]
    if what == "fault":
        kind = chance.choice(list(FaultKind))
        plan.fault = {
            "kind": kind,
            "performed": kind in ALWAYS_PERFORMED or (kind not in NEVER_PERFORMED and chance.random() < 0.5),
            "times": chance.choice([1, 1, 2, 9]),
            "delay": chance.uniform(0, 60),
            "retry_after": chance.choice(["0", "3", "100", "1000"]),
            "status": chance.choice([400, 401, 403, 404, 409, 413, *sorted(TELLING_NOTHING)]),
        }
        if plan.fault["status"] in TELLING_NOTHING and kind is K.STATUS:
            plan.fault["performed"] = chance.random() < 0.5
    plan.reads = sometimes(
        lambda: {
            "kind": chance.choice(list(FaultKind)),
            "nth": chance.choice([1, 1, 2]),
            "times": chance.choice([1, 3, 99]),
            "performed": False,
        },
        0.25,
    )
    if command != "create" and chance.random() < 0.3:
        plan.options["emergency"] = True
    if chance.random() < 0.3:
        plan.options["timeout"] = chance.choice([0.3, 2.0, 10.0, 60.0])
    plan.runs = (command != "create") is (chance.random() < 0.95)
    plan.clock_error = chance.choice([0.0, 0.0, 0.0, -3 * HOUR, 3 * HOUR])
    plan.recent = chance.random() < 0.3
    plan.close = sometimes(lambda: chance.choice([chance.uniform(0, 1), chance.uniform(0, 60)]), 0.05)
    if chance.random() < 0.2:  # what is signed by a clock that is wrong is accepted, so that nothing corrects it
        conditions.timestamp_past, conditions.timestamp_future = 2 * HOUR, None
        plan.clock_error = chance.choice([-HOUR, HOUR])
    plan.wrong_token = chance.random() < 0.04
    plan.crowd = chance.random() < 0.15
    plan.redeploy = sometimes(lambda: chance.choice([chance.uniform(0, 1), chance.uniform(0, 30)]), 0.2)
    plan.ends = sometimes(lambda: chance.choice(["Stopped", "Liquidated", "RuntimeError"]), 0.5)
    if plan.fault is not None and plan.fault["kind"] is K.MISSING_PAYLOAD:
        # or a refusal would be spoilt into a success
        plan.clock_error, plan.wrong_token, plan.runs, plan.redeploy = 0.0, False, command != "create", None
    plan.cancel = sometimes(
        lambda: (
            chance.choice([0.0, chance.uniform(0, 1.5), chance.uniform(0, 150)]),
            chance.randrange(40),
            chance.random() < 0.5,
        ),
        0.4,
    )
    return plan


def _journal(chance: random.Random) -> MemoryJournal | None:
    kind = chance.choice(["none", "good", "good", "good", "slow", "refuses", "fails", "hangs"])
    if kind == "none":
        return None
    failure = {"refuses": full(), "fails": ZeroDivisionError()}.get(kind)
    seconds = {"slow": 0.08, "hangs": math.inf}.get(kind, 0.0)
    return MemoryJournal(seconds=seconds, failure=failure, keeps_late=kind == "slow")


def _break(chance: random.Random) -> Break:
    phase = chance.choice([Phase.NOT_SENT, Phase.PARTLY_SENT, Phase.SENT, Phase.ANSWERING])
    faults = {
        Phase.NOT_SENT: [Fault.UNREACHABLE, Fault.UNREACHABLE, Fault.CERTIFICATE, Fault.TIMEOUT, Fault.LOST],
        Phase.ANSWERING: [Fault.DAMAGED, Fault.LOST, Fault.TIMEOUT, Fault.TOO_LARGE],
    }.get(phase, [Fault.LOST, Fault.TIMEOUT])
    return Break(
        phase,
        chance.choice(faults),
        arrives=phase is not Phase.NOT_SENT and chance.random() < 0.5,
        stalls=chance.choice([0.0, 0.0, chance.uniform(0, 60)]),
    )


@dataclass
class Ended:
    """How the call ended."""

    outcome: Outcome | None = None
    cancelled: bool = False
    asked: float = 0.0
    at: float = 0.0


class Scene:
    """A client, its wire, and what comes of a call."""

    def __init__(self, seed: int, plan: Plan) -> None:
        self.plan = plan
        self.path = PATHS[plan.command]
        self.simulator = Simulator(seed, EPOCH, conditions=plan.conditions)
        self.project: Project = self.simulator.add_project([2], running=plan.runs and not plan.recent)
        if plan.recent:
            self.simulator.deploy(self.project.id, EPOCH - 2 * HOUR)
            self.simulator.end(self.project.id, EPOCH - HOUR / 2, status="Liquidated")
            if plan.runs:
                self.simulator.deploy(self.project.id, EPOCH - 600)
        self.before = tuple(each.deploy_id for each in self.project.deployments)
        self.wire = Wire(self.simulator, self.path, plan.breaks)
        self.observed: list[qcasync.Observation] = []
        if plan.journal is not None:
            plan.journal.look = lambda: self.wire.left
        self.client = qcasync.Client(
            self.simulator.user_id,
            "wrong" if plan.wrong_token else self.simulator.api_token,
            transport=self.wire,
            clock=qcasync.Clock(
                wall=lambda: true_time() + plan.clock_error,
                mono=lambda: anyio.current_time() + 12345.0,
                counts_suspend=True,
            ),
            rng=random.Random(seed),
            observers=[self.observed.append],
            allow_trading=True,
            max_concurrency=2,
            journal=plan.journal,
        )
        if plan.fault is not None:
            self.simulator.fault(path=self.path, **plan.fault)
        if plan.reads is not None:
            self.simulator.fault(path="live/list", **plan.reads)

    @property
    def sent(self) -> list[RequestRecord]:
        """The command's requests, as the server saw them."""
        return [each for each in self.simulator.ledger.requests if each.path == self.path]

    async def act(self) -> Outcome | None:
        """Make the call. Returns what is told of it."""
        live, options = self.client.live, self.plan.options
        try:
            if self.plan.command == "create":
                await live.create(self.project.id, "c", "n", brokerage=paper_brokerage(), **options)
                return [each.outcome for each in self.observed if isinstance(each, qcasync.OutcomeTold)][-1]
            outcome: Outcome = await getattr(live, self.plan.command)(self.project.id, **options)
        except qcasync.QuantConnectError as error:
            return error.outcome
        return outcome

    async def close(self) -> None:
        """Somebody closes the client."""
        if self.plan.close is None:
            return
        await anyio.sleep(self.plan.close)
        self.wire.closed = True
        await self.client.aclose()

    async def redeploy(self) -> None:
        """Somebody else launches the project, and may end it again."""
        if self.plan.redeploy is None:
            return
        await anyio.sleep(self.plan.redeploy)
        theirs = self.simulator.deploy(self.project.id, true_time())
        await anyio.sleep(0.9)
        if self.plan.ends is not None and theirs.stopped_at is None:
            theirs.stop(true_time(), self.plan.ends)


async def ended(scene: Scene) -> Ended:
    """Make the call, and cancel it if that is the plan."""
    end = Ended()

    async def call() -> None:
        try:
            end.outcome = await scene.act()
            end.cancelled = False
        finally:
            end.at = anyio.current_time()

    if scene.plan.cancel is None:
        await call()
        return end
    seconds, turns, native = scene.plan.cancel
    end.cancelled = True
    if native and asyncio_runs():
        task = asyncio.ensure_future(call())
        await _wait(seconds, turns)
        end.asked = anyio.current_time()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        return end
    async with anyio.create_task_group() as group:
        group.start_soon(call)
        await _wait(seconds, turns)
        end.asked = anyio.current_time()
        group.cancel_scope.cancel()
    return end


async def _wait(seconds: float, turns: int) -> None:
    await anyio.sleep(seconds)
    for _ in range(turns):
        await anyio.lowlevel.checkpoint()


def asyncio_runs() -> bool:
    """Which loop it is."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def run(seed: int) -> str:
    """One run. Returns how it ended."""
    plan = plan_of(seed)
    scene = Scene(seed, plan)
    async with scene.client as client:
        async with anyio.create_task_group() as group:
            group.start_soon(scene.redeploy)
            group.start_soon(scene.close)
            if plan.crowd:
                scene.simulator.fault(K.HANG, path="authenticate", times=math.inf)
                for _ in range(4):
                    group.start_soon(_authenticate, client)
                await anyio.sleep(0.01)
            began = anyio.current_time()
            end = await ended(scene)
            group.cancel_scope.cancel()
        check(scene, end)
        if end.cancelled:
            assert end.at - end.asked <= 2.01, "a cancellation is held up by the journal at most"
        elif "timeout" in plan.options:
            overrun = end.at - began - plan.options["timeout"]
            assert overrun <= _last_line(plan, end), "a timeout covers all but the last line"
        await _works(scene)
    return _name(end)


def _last_line(plan: Plan, end: Ended) -> float:
    """Seconds for the last line: 2 on a disk that hangs, if it is the first one as well; otherwise that is known."""
    hangs = plan.journal is not None and math.isinf(plan.journal.seconds)
    first = end.outcome is not None and end.outcome.kind is OutcomeKind.NOT_SENT
    return 2.01 if hangs and first else 0.11


async def _authenticate(client: qcasync.Client) -> None:
    with suppress(qcasync.QuantConnectError):
        await client.authenticate()


async def _works(scene: Scene) -> None:
    """Nothing is left behind, and the client goes on."""
    exchange: Any = scene.client._exchange
    assert exchange.turns.gate.free == exchange.max_concurrency + RESERVED
    assert scene.wire.in_flight == 0
    assert scene.wire.late == 0, "sent by a closed client"
    left = scene.wire.left
    scene.simulator.clear_faults()
    scene.simulator.conditions = Conditions()
    await anyio.sleep(1500)  # what the server asked to be waited for, and an open breaker
    assert scene.wire.left == left, "sent after the end"
    if not scene.plan.wrong_token and not scene.wire.closed:
        for _ in range(3):
            await scene.client.authenticate()


def _name(end: Ended) -> str:
    if end.cancelled or end.outcome is None:
        return "cancelled"
    return "observed" if end.outcome.observed else end.outcome.kind.value


# The judge


def check(scene: Scene, end: Ended) -> None:
    """Compare what was told with what happened."""
    _check_count(scene)
    if scene.plan.writes:
        _check_journal(scene, end)
    if end.cancelled:
        return
    assert end.outcome is not None, "an error without an outcome"
    _check_outcome(scene, end.outcome)


def _turned_away(scene: Scene, records: list[RequestRecord]) -> bool:
    """Whether these requests were refused before anything was executed, even if the refusal was spoilt on its way."""
    reached = scene.plan.fault is None or scene.plan.fault["performed"]
    return all(
        each.outcome in BEFORE_EXECUTION
        or each.status == 401
        or (each.status, each.outcome) == (403, "fault: STATUS")  # in JSON, while the clock was to blame
        or (reached and each.user_id is None)
        for each in records
    )


def _never_began(scene: Scene) -> bool:
    """The same for everything that left."""
    return len(scene.sent) == scene.wire.left and _turned_away(scene, scene.sent)


def _effects(scene: Scene) -> list[str]:
    return [each.deploy_id for each in scene.simulator.ledger.effects]


def _check_count(scene: Scene) -> None:
    """G1: one request, unless those before it were refused at the door or never left; and never two effects."""
    left, records = scene.wire.left, scene.sent
    assert len(_effects(scene)) <= 1, "two effects"
    assert len(records) <= left, "more arrived than may have left"
    if left > 1:
        earlier = records[: left - 1]
        assert len(earlier) == left - 1, "sent again although it may have left"
        assert _turned_away(scene, earlier), f"sent again after {[each.outcome for each in earlier]}"
        assert left <= (3 if scene.plan.command == "create" else 2)


def _check_outcome(scene: Scene, outcome: Outcome) -> None:
    """G2: what is told is true."""
    plan, effects = scene.plan, _effects(scene)
    if outcome.kind in {OutcomeKind.REFUSED, OutcomeKind.NOT_SENT}:
        assert effects == [], f"told {outcome.kind.value}, but it happened"
    if outcome.kind is OutcomeKind.NOT_SENT:
        assert _never_began(scene), "told not sent, but it may have left"
    if outcome.kind is OutcomeKind.UNKNOWN:
        assert scene.wire.left, "told unknown, but nothing can have left"
    if outcome.kind is not OutcomeKind.CONFIRMED:
        return
    if outcome.observed:
        _check_seen(scene, outcome)
    else:
        assert effects or (plan.conditions.ignore_commands and plan.command != "create"), "confirmed, but not done"
        assert plan.command != "create" or effects == [outcome.deploy_id]


def _check_seen(scene: Scene, outcome: Outcome) -> None:
    (seen,) = [each for each in scene.project.deployments if each.deploy_id == outcome.deploy_id]
    if scene.plan.command == "create":
        assert seen.deploy_id not in scene.before
        assert _effects(scene) in ([[seen.deploy_id]] if scene.plan.redeploy is None else [[seen.deploy_id], []])
        return
    assert not seen.is_active(true_time()), "seen ended, but it runs"
    assert seen.stopped_at is not None
    assert seen.stopped_at > EPOCH - HOUR / 4, "it had ended before the call"
    assert scene.plan.command == "stop" or seen.ending == "Liquidated"
    assert seen.deploy_id in scene.before or scene.plan.redeploy is not None


def _check_journal(scene: Scene, end: Ended) -> None:
    """The intent comes before the request, the last outcome is the one that was told, and "not sent" is true."""
    journal = scene.plan.journal
    assert journal is not None
    assert len(journal.intents) <= 1
    if scene.wire.left:
        assert journal.intents, "sent without an intent"
    told = [each.outcome for each in scene.observed if isinstance(each, qcasync.OutcomeTold)]
    assert journal.outcomes == told
    assert told or end.cancelled, "nothing was told"
    if not journal.intents:
        assert all(outcome.kind is OutcomeKind.NOT_SENT for outcome in told)
        return
    assert journal.looks[0] == 0, "sent before the intent was written"
    unresolved = scene.client.unresolved() != ()
    if end.cancelled:
        assert told[-1].kind is not OutcomeKind.UNKNOWN or scene.wire.left, "told unknown, but nothing can have left"
        if told[-1].kind is OutcomeKind.NOT_SENT:
            assert _effects(scene) == []
            assert _never_began(scene), "cancelled, told not sent, but it may have left"
        return
    assert told[-1] == end.outcome
    if journal.intents[0].deploy_id is not None:
        assert told[-1].deploy_id == journal.intents[0].deploy_id, "another deployment is no evidence"
    assert unresolved is not told[-1].final


# The runs


def seeded(config: pytest.Config, chunk: int) -> tuple[Run, range]:
    """What a chunk runs."""
    runs, first = -(-config.getoption("--runs") // RUNS_PER_WORLD), config.getoption("--seed")
    return run_virtually, range(first + chunk, first + runs, CHUNKS)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_sent_once_and_told_truthfully(chunk: int, ends: Counter[str], request: pytest.FixtureRequest) -> None:
    """Goals G1 and G2: 2,000 calls with `--runs 10000`, 20,000 with `--runs 100000`. Half of them on trio."""
    request.config.stash[ENDS]["calls with effect"].update(ends)
    kinds = {"confirmed", "observed", "refused", "not sent", "unknown", "cancelled"}
    assert set(ends) == kinds or ends.total() < 100


def run_virtually(seed: int) -> list[str]:
    """One run, in virtual time, on the event loop that the seed chooses."""
    logging.getLogger("qcasync").setLevel(logging.CRITICAL)  # thousands of warnings that are as they should be
    if seed // CHUNKS % 2:
        return [anyio.run(run, seed, backend="trio", backend_options=virtual_trio())]
    return [anyio.run(run, seed, backend="asyncio", backend_options={"loop_factory": JumpingLoop})]
