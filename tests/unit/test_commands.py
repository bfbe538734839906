"""Commands for algorithms, in virtual time: what is told of each, and that the simulator's ledger agrees."""

import contextlib
import json
import logging
import math
import random
import traceback
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import pytest

import qcasync
from qcasync import Intent, Outcome, OutcomeKind, OutcomeUnknown
from qcasync._turns import RESERVED
from qcasync.simulator import Conditions, FaultKind, Project
from qcasync.simulator.faults import ANSWER_FAULTS
from tests.integration.ticks import permits_free
from tests.journals import MemoryJournal, full
from tests.support import World, world

pytestmark = pytest.mark.anyio

K = FaultKind
CONFIRMED, REFUSED, NOT_SENT, UNKNOWN = OutcomeKind
CANARY = "canary-content"
COMMAND = {"$type": "OrderCommand", "Symbol": CANARY, "Quantity": 10}
ORGANIZATION = "5cad178b20a1d52567b534553413b691"
PATHS = {"create": "live/commands/create", "broadcast": "live/commands/broadcast"}
LOST = [K.RESET_BEFORE_ANSWER, K.EMPTY_500, K.CUT_JSON, K.HTML_504, K.FAILURE_PASSING]
"""What says too little about the effect."""
WAYS = pytest.mark.parametrize("way", ["create", "broadcast"])


@dataclass
class Scene:
    """Two projects that run, a client that may trade, and its journal."""

    here: World
    way: str
    journal: MemoryJournal
    project: Project
    other: Project

    @property
    def client(self) -> qcasync.Client:
        return self.here.client

    @property
    def path(self) -> str:
        return PATHS[self.way]

    async def act(self, command: Any = COMMAND, **options: Any) -> Outcome:
        """Make the call."""
        if self.way == "create":
            return await self.client.live.create_command(self.project.id, command, **options)
        return await self.client.live.broadcast_command(command, **options)

    def told(self) -> list[dict[str, Any]]:
        """What the project's algorithm was told."""
        return self.here.simulator.ledger.commands_of(self.project.id)

    def settled(self) -> Outcome:
        """The outcome that was told last, which the journal knows as well."""
        told = [each.outcome for each in self.here.told(qcasync.OutcomeTold)]
        assert self.journal.outcomes == told
        return told[-1]


@asynccontextmanager
async def scene(
    way: str, conditions: Conditions | None = None, *, journal: MemoryJournal | None = None, **options: Any
) -> AsyncGenerator[Scene, None]:
    journal = MemoryJournal() if journal is None else journal
    options = {"allow_trading": True, "organization_id": ORGANIZATION} | options
    async with world(conditions, journal=journal, **options) as here:
        yield Scene(here, way, journal, here.simulator.add_project([2]), here.simulator.add_project([1]))
        assert permits_free(here.client)


@WAYS
async def test_confirmed(way: str) -> None:
    """One request; the intent is on the disk before it, and knows the type and the size of what was said, not more."""
    journal = MemoryJournal(look=lambda: it.here.count(it.path))
    async with scene(way, journal=journal) as it:
        outcome = await it.act()
        assert (outcome.kind, outcome.endpoint, outcome.final) == (CONFIRMED, it.path, True)
        assert outcome.project_id == (it.project.id if way == "create" else None)
        assert it.settled() == outcome
        assert [type(entry) for entry in journal.entries] == [Intent, Outcome]
        assert journal.looks == [0, 1]
        (intent,) = journal.intents
        (record,) = it.here.simulator.ledger.requests
        assert (intent.command_type, intent.project_id) == ("OrderCommand", outcome.project_id)
        assert intent.organization_id == (None if way == "create" else ORGANIZATION)
        assert intent.body_bytes == len(json.dumps(record.payload, separators=(",", ":")))
        assert it.told() == [COMMAND]
        assert CANARY not in repr(journal.entries) + repr(it.here.observed)
        assert it.client.unresolved() == ()


async def test_what_is_on_the_wire() -> None:
    """Optional fields are absent, not null; a broadcast reaches every project that runs but the excluded one."""
    async with scene("broadcast") as it:
        await it.client.live.create_command(it.project.id, {"a": [1, 2.5, None, True]}, command_type="MyCommand")
        await it.act({"b": {}})
        await it.act({"c": ""}, exclude_project_id=it.project.id, organization_id="another")
        payloads = [record.payload for record in it.here.simulator.ledger.requests]
        assert payloads == [
            {"projectId": it.project.id, "command": {"$type": "MyCommand", "a": [1, 2.5, None, True]}},
            {"organizationId": ORGANIZATION, "command": {"b": {}}},
            {"organizationId": "another", "excludeProjectId": it.project.id, "command": {"c": ""}},
        ]
        assert it.told() == [payloads[0]["command"], {"b": {}}]
        assert it.here.simulator.ledger.commands_of(it.other.id) == [{"b": {}}, {"c": ""}]
        assert [each.broadcast for each in it.here.simulator.ledger.commands] == [False, True, True, True]


@WAYS
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (K.FAILURE_LASTING, qcasync.APIError),
        (K.STATUS, qcasync.APIError),
        (K.HTML_403, qcasync.AccessBlocked),
        (K.BARE_429, qcasync.RateLimitError),
        (K.SLOW_DOWN, qcasync.RateLimitError),
    ],
)
async def test_refused(way: str, kind: FaultKind, error: type[qcasync.QuantConnectError]) -> None:
    """Nothing happened, and nothing is sent again."""
    async with scene(way) as it:
        it.here.simulator.fault(kind, path=it.path)
        with pytest.raises(error) as caught:
            await it.act()
        assert caught.value.outcome == it.settled()
        assert (it.settled().kind, it.settled().final) == (REFUSED, True)
        assert (it.here.count(it.path), it.told()) == (1, [])


async def test_a_project_that_does_not_run_refuses() -> None:
    async with scene("create") as it:
        it.here.simulator.end(it.project.id)
        with pytest.raises(qcasync.APIError, match="No live deployment"):
            await it.act()
        assert it.settled().kind is REFUSED


@WAYS
async def test_not_sent(way: str) -> None:
    """No byte left, three times."""
    async with scene(way) as it:
        it.here.simulator.fault(K.REFUSED, path=it.path, times=9)
        with pytest.raises(qcasync.RequestError) as caught:
            await it.act()
        assert caught.value.attempts == 3
        assert caught.value.outcome == it.settled()
        assert it.settled().kind is NOT_SENT
        assert it.client.unresolved() == ()


async def test_what_did_not_leave_leaves_later() -> None:
    """Once."""
    async with scene("create") as it:
        it.here.simulator.fault(K.REFUSED, path=it.path)
        assert (await it.act()).kind is CONFIRMED
        assert it.told() == [COMMAND]


@WAYS
@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize("performed", [False, True])
async def test_a_lost_answer_stays_unknown(way: str, kind: FaultKind, performed: bool) -> None:
    """Nothing tells, so nothing is looked for; the journal keeps it until somebody says what became of it."""
    async with scene(way) as it:
        it.here.simulator.fault(kind, path=it.path, performed=performed)
        with pytest.raises(OutcomeUnknown, match="orders and log") as caught:
            await it.act()
        assert caught.value.outcome == it.settled()
        assert (it.settled().kind, it.settled().final) == (UNKNOWN, False)
        assert (it.here.count(), len(it.told())) == (1, performed)
        (intent,) = it.client.unresolved()

        outcome = await it.client.live.reconcile(intent)
        assert (outcome.kind, outcome.final) == (UNKNOWN, False)
        assert outcome.reason == "nothing in QuantConnect's API tells whether a command arrived or ran"
        assert (it.here.count(), anyio.current_time()) == (1, 0)
        assert it.client.unresolved() == (intent,)
        await it.client.settle(intent, "its order is there")
        assert it.client.unresolved() == ()


@WAYS
async def test_cancelled(way: str, caplog: pytest.LogCaptureFixture) -> None:
    """It may have happened. A client that opens later warns of it by name, and not of what it said."""
    async with scene(way) as it:
        it.here.simulator.fault(K.HANG, path=it.path)
        with anyio.move_on_after(3):
            await it.act()
        assert (it.settled().kind, it.settled().reason) == (UNKNOWN, "cancelled")
        (intent,) = it.client.unresolved()
        with caplog.at_level(logging.WARNING, "qcasync"):
            async with world(journal=it.journal, simulator=it.here.simulator):
                pass
        assert f"{it.path} of {intent.target}" in caplog.text
        assert intent.target == (f"project {it.project.id}" if way == "create" else f"organization {ORGANIZATION}")
        assert CANARY not in caplog.text


@WAYS
async def test_a_disk_that_refuses_keeps_from_commanding(way: str) -> None:
    """Unlike a stop, which leaves all the same."""
    async with scene(way, journal=MemoryJournal(failure=full())) as it:
        with pytest.raises(qcasync.JournalError) as caught:
            await it.act()
        assert caught.value.outcome is not None
        assert (caught.value.outcome.kind, it.here.count()) == (NOT_SENT, 0)


@WAYS
@pytest.mark.parametrize("arguments", [{"command": [CANARY]}, {"command": {"a": {CANARY}}}, {"command_type": "Other"}])
async def test_what_is_wrong_before_anything_was_decided_has_no_outcome(way: str, arguments: dict[str, Any]) -> None:
    """Nothing is written or sent, and neither the error nor its frames tell what the command says."""
    async with scene(way) as it:
        with pytest.raises(qcasync.ConfigurationError, match="command") as caught:
            await it.act(**arguments)
        assert caught.value.outcome is None
        assert (it.here.count(), it.journal.entries) == (0, [])
        shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        ours = [frame for frame in shown.stack if "qcasync/" in frame.filename and "tests" not in frame.filename]
        assert ours
        assert CANARY not in str(caught.value) + repr([frame.locals for frame in ours])


@WAYS
async def test_without_permission_nothing_is_sent(way: str) -> None:
    async with scene(way, allow_trading=False) as it:
        with pytest.raises(qcasync.ConfigurationError, match="allow_trading") as caught:
            await it.act()
        assert caught.value.outcome is None
        assert (it.here.count(), it.journal.entries) == (0, [])


async def test_a_broadcast_needs_an_organization(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's, from an argument or the environment. If there is none, the error says where it looked."""
    for name in ("QUANTCONNECT_ORGANIZATION_ID", "QC_ORGANIZATION_ID"):
        monkeypatch.delenv(name, raising=False)
    async with scene("broadcast", organization_id=None) as it:
        with pytest.raises(qcasync.ConfigurationError, match="environment QC_ORGANIZATION_ID"):
            await it.act()
        for organization in ("", " ", "a\n2026 ERROR forged", 5):
            with pytest.raises(qcasync.ConfigurationError, match="organization_id must be letters and digits"):
                await it.act(organization_id=organization)
        assert it.here.count() == 0
    monkeypatch.setenv("QC_ORGANIZATION_ID", "from-the-environment")
    async with scene("broadcast", organization_id=None) as it:
        await it.act()
        assert it.journal.intents[0].organization_id == "from-the-environment"


@pytest.mark.parametrize("command_type", ["", " ", 5, ["OrderCommand"]])
async def test_a_type_is_a_name(command_type: Any) -> None:
    async with scene("create") as it:
        for command, options in (({"$type": command_type}, {}), ({}, {"command_type": command_type})):
            with pytest.raises(qcasync.ConfigurationError, match="type of a command"):
                await it.act(command, **options)
        with pytest.raises(qcasync.ConfigurationError, match="surrogate"):
            await it.act({}, command_type="\ud800")
        await it.act({"$type": "x" * 1000})
        assert it.journal.intents[0].command_type == "x" * 200
        assert it.told() == [{"$type": "x" * 1000}]


async def test_commands_take_no_permit_of_those_who_stop() -> None:
    """As many commands hang as may be in flight: a stop leaves at once, the next command is not sent late."""
    async with scene("create", max_concurrency=2) as it, anyio.create_task_group() as group:
        it.here.simulator.fault(K.HANG, path=it.path, times=math.inf)
        for _ in range(2 + RESERVED):
            group.start_soon(lost, it)
        await anyio.sleep(1)
        assert it.here.transport.in_flight == 2
        assert (await it.client.live.stop(it.other.id, emergency=True)).kind is CONFIRMED
        assert anyio.current_time() == pytest.approx(1)
        await anyio.sleep(20)
        kinds = [each.kind for each in it.journal.outcomes]
        assert kinds == [CONFIRMED, *[NOT_SENT] * RESERVED]
        group.cancel_scope.cancel()


async def lost(it: Scene) -> None:
    with pytest.raises(qcasync.QuantConnectError):
        await it.act()


async def test_refused_credentials_are_not_tried_by_a_command() -> None:
    """That one more try is for who stops."""
    async with scene("create", token="wrong") as it:
        with pytest.raises(qcasync.AuthenticationError):
            await it.client.authenticate()
        with pytest.raises(qcasync.AuthenticationError) as caught:
            await it.act()
        assert caught.value.outcome is not None
        assert (caught.value.outcome.kind, it.here.count(it.path)) == (NOT_SENT, 0)
        with pytest.raises(qcasync.AuthenticationError):
            await it.client.live.stop(it.project.id, emergency=True)
        assert it.here.count("live/update/stop") == 1


async def test_a_command_that_waited_is_not_sent_once_the_credentials_are_refused() -> None:
    """Those that stand behind the one that was refused are not tried."""
    async with scene("create", max_concurrency=1) as it:
        await it.client.authenticate()
        it.here.simulator.account.api_token = "renewed"
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(lost, it)
        assert it.here.count(it.path) == 1
        assert [each.kind for each in it.journal.outcomes] == [REFUSED, *[NOT_SENT] * 4]


@pytest.mark.parametrize("seed", range(60))
async def test_whatever_happens(seed: int) -> None:
    """A fault, a cancellation, a short timeout or a wrong clock: what is told is true, and nothing is sent twice."""
    chance = random.Random(seed)
    kind = chance.choice(list(K))
    performed = True if kind in ANSWER_FAULTS else chance.random() < 0.5 if kind in LOST else False
    way, clock = chance.choice(list(PATHS)), chance.choice([0.0, 0.0, -3 * 3600.0])
    clock = 0.0 if kind is K.MISSING_PAYLOAD else clock  # or it answers "success" to a signature that was refused
    conditions = Conditions(latency=chance.choice([0.0, 0.3]), timestamp_past=300, timestamp_future=300)
    async with scene(way, conditions, clock_error=clock) as it:
        times = chance.choice([1, 2, math.inf])
        it.here.simulator.fault(kind, path=it.path, times=times, status=409, performed=performed, delay=3.0)
        returned: Outcome | None = None
        with (
            anyio.move_on_after(chance.choice([math.inf, 0.0, 0.1, 2.0])),
            contextlib.suppress(qcasync.QuantConnectError),
        ):
            returned = await it.act(timeout=chance.choice([0.2, 5.0, 90.0]))
        delivered = len(it.told())
        assert delivered <= 1
        outcome = it.settled()
        assert (returned is None) == (outcome.kind is not CONFIRMED)
        assert delivered == 1 if outcome.kind is CONFIRMED else delivered == 0 or outcome.kind is UNKNOWN
        assert bool(it.client.unresolved()) == (outcome.kind is UNKNOWN)
