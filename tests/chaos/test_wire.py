"""Seeded mutations of whole HTTP answers, over real sockets: a value or an error of ours, and the client works on.

Every transport reads them, the event loop being the one that the seed chooses. A failing seed replays alone:
`pytest tests/chaos/test_wire.py --mutations 1 --seed SEED`.
"""

import asyncio
import math
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import anyio
import pytest

import qcasync
from qcasync.simulator import Project, Simulator
from qcasync.transports.protocol import Transport
from tests.chaos.wires import Answer, mutated
from tests.chaos.workers import Run
from tests.conftest import ENDS
from tests.integration.conftest import TRUST, NoJitter
from tests.integration.raw import Connection, RawServer, raw_server
from tests.integration.stacks import STACKS, none_busy

CHUNKS = 5
BATCH = 25
"""Mutations of one seed."""
SHARE = 600
"""One of so many of the session's mutations is made here: each costs a few requests."""

ORDERS = 60
PATIENCE = 0.08
"""Seconds for a call whose answer was mutated; some answers never end."""

LIQUIDATE = "live/update/liquidate"
OBEYED = frozenset({401, 403, 429})
"""After these a client waits, or sends nothing more: as it was told to."""

CALLS: dict[str, Callable[..., Awaitable[Any]]] = {
    "authenticate": lambda client, project, **options: client.authenticate(**options),
    "live/list": lambda client, project, **options: client.live.list(**options),
    "live/read": lambda client, project, **options: client.live.read(project.id, **options),
    "live/orders/read": lambda client, project, **options: client.live.read_orders(project.id, 0, 3, **options),
    LIQUIDATE: lambda client, project, **options: client.live.liquidate(project.id, **options),
}


class Spoiler:
    """Answers as a simulator does, and mutates one answer when it is told to.

    Attributes:
        mutate: What to do with the next answer of `path`; None for nothing.
        kept: Whether the connection stays open after it.
        sent: What was sent instead, and what had happened to it.
    """

    def __init__(self, simulator: Simulator) -> None:
        self.path = ""
        self.mutate: Callable[[Answer], tuple[str, bytes]] | None = None
        self.kept = True
        self.sent = ("", b"")
        self._simulator = simulator

    async def serve(self, connection: Connection) -> None:
        while True:
            head, _, body = (await connection.request()).decode().partition("\r\n\r\n")
            line, *lines = head.split("\r\n")
            method, target, _ = line.split(" ")
            headers = [(name, value.strip()) for name, _, value in (each.partition(":") for each in lines)]
            told = self._simulator.handle(method, target, headers, body.encode(), time.time())
            fields = tuple(f"{name}: {value}".encode() for name, value in told.headers)
            answer = Answer(b"HTTP/1.1 %d OK" % told.status, fields, told.body)
            if self.mutate is None or not target.endswith(self.path):
                await connection.send(answer.wire())
                continue
            self.sent, self.mutate = self.mutate(answer), None
            await connection.send(self.sent[1])
            if not self.kept:
                return


async def batch(seed: int) -> Counter[str]:
    """The mutations of a seed, one after the other. Returns how often it ended how."""
    transport = STACKS[seed % len(STACKS)].transport(3, ssl_context=TRUST)
    simulator = Simulator(seed, time.time())
    spoiler = Spoiler(simulator)
    ends: Counter[str] = Counter()
    complaints = listen()
    async with raw_server(spoiler.serve) as server:
        project = simulator.add_project([ORDERS], now=time.time())
        for number in range(BATCH):
            try:
                await one(random.Random(seed * BATCH + number), spoiler, server, transport, simulator, project, ends)
                assert not complaints, complaints
            except BaseException as error:
                error.add_note(f"{STACKS[seed % len(STACKS)]}, mutation {number}: {spoiler.sent}")
                raise
        await transport.aclose()
    return ends


async def one(
    rng: random.Random,
    spoiler: Spoiler,
    server: RawServer,
    transport: Transport,
    simulator: Simulator,
    project: Project,
    ends: Counter[str],
) -> None:
    """A good request, one whose answer is mutated, and a good one."""
    observed: list[qcasync.Observation] = []
    options: dict[str, Any] = {
        "user_id": simulator.user_id,
        "api_token": simulator.api_token,
        "base_url": f"{server.url}api/v2/",
        "transport": transport,
        "rng": NoJitter(),
        "allow_trading": True,
    }
    attempts = rng.choice([1, 1, 2])
    async with qcasync.Client(**options, max_attempts=attempts, observers=[observed.append]) as client:
        await good(client, project, rng)
        spoiler.path, spoiler.kept, spoiler.mutate = rng.choice([*CALLS]), rng.random() < 0.7, partial(mutated, rng=rng)
        target = simulator.add_project([1], now=time.time()) if spoiler.path == LIQUIDATE else project
        before, sent = len(server.connections), simulator.ledger.count(LIQUIDATE)
        try:
            with anyio.fail_after(5):
                await CALLS[spoiler.path](client, target, timeout=PATIENCE)
            ended = "value"
        except qcasync.QuantConnectError as error:
            ended = type(error).__name__
        spoiler.mutate = None  # on a slow machine the time may be up before the server is asked
        ends[ended] += 1
        assert simulator.ledger.count(LIQUIDATE) <= sent + 1
        assert await none_busy(transport)
        seen = {each.status_code for each in observed if isinstance(each, qcasync.ResponseReceived)}
        obedient = not seen.isdisjoint(OBEYED)
        if not obedient:
            await good(client, project, rng)
    if obedient:
        async with qcasync.Client(**options) as client:
            await good(client, project, rng)
    reused = len(server.connections) == before
    ends["on the same connection"] += reused
    slow = any(isinstance(each, qcasync.RetryScheduled | qcasync.RequestFailed) for each in observed)  # the machine
    assert reused or slow or ended != "value" or spoiler.sent[0] != "as_it_is" or not spoiler.kept


async def good(client: qcasync.Client, project: Project, rng: random.Random) -> None:
    """Ask for what nobody asked for lately: an answer that was meant for another request shows."""
    start = rng.randrange(3, ORDERS)
    with anyio.fail_after(10):
        (order,) = (await client.live.read_orders(project.id, start, start + 1, timeout=9)).orders
    assert order.id == start + 1


def listen() -> list[str]:
    """What the event loop is left with, and would only log."""
    complaints: list[str] = []
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return complaints
    loop.set_exception_handler(lambda _, context: complaints.append(str(context)))
    return complaints


def run(seed: int) -> Counter[str]:
    """One seed, on its stack."""
    return anyio.run(batch, seed, backend=STACKS[seed % len(STACKS)].backend)


def seeded(config: pytest.Config, chunk: int) -> tuple[Run, range]:
    """What a chunk runs."""
    count, first = config.getoption("--mutations"), config.getoption("--seed")
    return run, range(first + chunk, first + math.ceil(count / SHARE / BATCH), CHUNKS)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_answer_escapes(chunk: int, ends: Counter[str], request: pytest.FixtureRequest) -> None:
    request.config.stash[ENDS]["answers"].update(ends)
    exchanges = ends.total() - ends["on the same connection"]
    assert min(ends["value"], ends["on the same connection"]) > exchanges * 0.1 or exchanges < 10 * BATCH
