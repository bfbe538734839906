"""Seeded answers to whole clients: a call ends in time, in a value that keeps every promise, or in an error of ours.

A failing seed replays alone: `pytest tests/chaos/test_answers.py --mutations 1 --seed SEED`.
"""

import math
import pickle
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import anyio
import msgspec
import pytest

import qcasync
from tests import bodies
from tests.bodies import Tree
from tests.chaos.hostile import CREATED, LISTS, SUCCESS, Hostile, expected
from tests.chaos.workers import Run
from tests.conftest import ENDS, JumpingLoop, virtual_trio
from tests.promises import examine, touch
from tests.support import true_time

CHUNKS = 10
BATCH: Final = 100
"""Calls of one seed."""
SHARE: Final = 80
"""Of so many mutations that were asked for, one is made here: a call costs as much as dozens of decodings."""
DOCUMENTS: Final = 10
PAGES: Final = 6
"""A stream may never end; so many pages of it are read."""
EVERY: Final = 4
"""Of so many values one is examined at length; all are touched."""
MARGIN: Final = 0.01
LOOKING: Final = 120.0
"""Seconds for which a client looks what became of a call with effect, where the caller gives no limit."""
LAST_LOOK: Final = 0.0
"""Seconds that the last look may go on after the end of a call with effect."""
START, END = datetime(2025, 2, 1, tzinfo=UTC), datetime(2025, 2, 2, tzinfo=UTC)


class Kind(NamedTuple):
    """A public call.

    Attributes:
        trees: What it is to be answered.
        seconds: Its deadline, unless another one is given.
        path: Where its effect would be, for a call that has one.
    """

    make: Callable[[qcasync.Client, float | None], Awaitable[Any]]
    trees: tuple[Tree, ...]
    seconds: float = 90.0
    path: str = ""


async def stream(client: qcasync.Client, timeout: float | None) -> list[qcasync.OrderPage]:
    """Read the beginning of a stream."""
    found: list[qcasync.OrderPage] = []
    async with client.live.iter_orders(7, timeout=timeout) as pages:
        async for page in pages:
            found.append(page)
            if len(found) == PAGES:
                break
    return found


def create(client: qcasync.Client, timeout: float | None) -> Awaitable[Any]:
    """Deploy."""
    return client.live.create(7, "compile", "node", brokerage=qcasync.paper_brokerage(), timeout=timeout)


def stop(client: qcasync.Client, timeout: float | None) -> Awaitable[Any]:
    """Stop what runs, after a look at it."""
    return client.live.stop(7, timeout=timeout)


def liquidate(client: qcasync.Client, timeout: float | None) -> Awaitable[Any]:
    """Sell without a look."""
    return client.live.liquidate(7, emergency=True, timeout=timeout)


def chart(client: qcasync.Client, timeout: float | None) -> Awaitable[Any]:
    """Read a chart."""
    return client.live.read_chart(7, "Strategy Equity", start=START, end=END, timeout=timeout)


KINDS: Final = (
    Kind(lambda client, timeout: client.authenticate(timeout=timeout), SUCCESS),
    Kind(lambda client, timeout: client.live.read(7, timeout=timeout), bodies.FLAT + bodies.DOCUMENTED),
    Kind(lambda client, timeout: client.live.list(timeout=timeout), LISTS),
    Kind(lambda client, timeout: client.live.read_list(timeout=timeout), LISTS),
    Kind(lambda client, timeout: client.live.read_orders(7, 0, 100, timeout=timeout), bodies.ORDERS, 120.0),
    Kind(
        lambda client, timeout: client.live.read_orders(7, 0, 100, decimal=True, timeout=timeout), bodies.ORDERS, 120.0
    ),
    Kind(lambda client, timeout: client.live.list_orders(7, timeout=timeout), bodies.ORDERS, math.inf),
    Kind(stream, bodies.ORDERS, math.inf),
    Kind(chart, bodies.CHARTS, 120.0),
    Kind(lambda client, timeout: client.live.read_portfolio(7, timeout=timeout), bodies.PORTFOLIOS),
    Kind(lambda client, timeout: client.live.read_logs(7, "L-1", 0, 250, timeout=timeout), bodies.LOGS, 120.0),
    Kind(lambda client, timeout: client.live.read_insights(7, 0, 100, timeout=timeout), bodies.INSIGHTS, 120.0),
    Kind(create, CREATED + LISTS, 300.0 + LOOKING, "live/create"),
    Kind(stop, SUCCESS + LISTS, 90.0 + LOOKING, "live/update/stop"),
    Kind(liquidate, SUCCESS, 90.0 + LOOKING, "live/update/liquidate"),
)
"""A seed takes one of them."""
TOUCHED: Final = (
    qcasync.OrderPage,
    qcasync.Chart,
    qcasync.Portfolio,
    qcasync.LiveAlgorithm,
    qcasync.LogPage,
    qcasync.InsightPage,
)
"""Answers with something in them that is computed."""
STREAM: Final = 7
EXACT: Final = 5


async def converse(seed: int) -> Counter[str]:
    """Make the calls of a seed, each with a client of its own. Returns how often it ended how."""
    rng = random.Random(seed)
    number = seed % len(KINDS)
    documents = expected(KINDS[number].trees, DOCUMENTS, rng)
    ends: Counter[str] = Counter()
    for call in range(BATCH):
        server = Hostile(rng, documents)
        try:
            ends[await one(number, server, rng)] += 1
        except Exception as error:
            error.add_note(f"call {call} of seed {seed}, kind {number}: {server.answered}")
            raise
    return ends


async def one(number: int, server: Hostile, rng: random.Random) -> str:
    """Make one call. Returns how it ended."""
    kind = KINDS[number]
    clock = qcasync.Clock(wall=true_time, mono=anyio.current_time, counts_suspend=True)
    timeout = rng.choice((None, None, 0.5, 20.0, 90.0))
    began, ended = anyio.current_time(), "value"
    async with qcasync.Client(
        1, "token", transport=server, clock=clock, rng=rng, max_concurrency=3, allow_trading=True
    ) as client:
        try:
            value = await kind.make(client, timeout)
        except qcasync.QuantConnectError as error:
            assert_presentable(error)
            ended = type(error).__name__
        else:
            hold(value, exact=number == EXACT, closely=rng.random() * EVERY < 1)
        limit = math.inf if number == STREAM else kind.seconds if timeout is None else timeout
        took = anyio.current_time() - began
        assert took <= limit + MARGIN + (LAST_LOOK if kind.path else 0.0), f"a call took {took:.2f} s of {limit:g} s"
    if kind.path:
        assert_sent_once(kind.path, server)
    return ended


def assert_presentable(error: qcasync.QuantConnectError) -> None:
    """An error can be shown, stored and sent, and is short."""
    text = str(error)
    text.encode()
    assert repr(error)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (type(error), text)
    assert len(text) < 10_000
    assert len(getattr(error, "excerpt", "")) <= 200


def hold(value: Any, *, exact: bool, closely: bool) -> None:
    """A value keeps its promises."""
    if isinstance(value, tuple | list):
        for part in value:
            hold(part, exact=exact, closely=closely)
    elif isinstance(value, qcasync.OrderListing):
        assert len(value) == sum(1 for _ in value)
        hold(tuple(value), exact=exact, closely=closely)
    elif value is not None:
        assert isinstance(value, msgspec.Struct)
        if isinstance(value, TOUCHED):
            touch(value)
        if closely:
            examine(value, exact=exact)


def assert_sent_once(path: str, server: Hostile) -> None:
    """Whatever left was the last of it, unless it was refused before it was carried out."""
    left = [answered.refusal for answered in server.answered if answered.path == path and answered.sent]
    assert all(left[:-1]), f"{path} was sent {len(left)} times"
    assert len(left) <= 3


def seeded(config: pytest.Config, chunk: int) -> tuple[Run, range]:
    """What a chunk runs."""
    calls, first = config.getoption("--mutations") / SHARE, config.getoption("--seed")
    return run_virtually, range(first + chunk, first + math.ceil(calls / BATCH), CHUNKS)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_answer_escapes(chunk: int, ends: Counter[str], request: pytest.FixtureRequest) -> None:
    request.config.stash[ENDS]["answers"].update(ends)
    assert ends["value"] > ends.total() * 0.05 or ends.total() < 10 * BATCH


def run_virtually(seed: int) -> Counter[str]:
    """The calls of a seed, in virtual time, on the event loop that the seed chooses."""
    if seed // len(KINDS) % 2:
        return anyio.run(converse, seed, backend="trio", backend_options=virtual_trio())
    return anyio.run(converse, seed, backend="asyncio", backend_options={"loop_factory": JumpingLoop})
