"""A client and its event loop: it stays on one, in one thread and one process; both kinds of loop serve it alike."""

import asyncio
import math
import os
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Final

import anyio
import msgspec
import pytest
import trio

import qcasync
from qcasync.simulator import Conditions, FaultKind, Simulator, SimulatorTransport
from tests.conftest import JumpingLoop, virtual_trio
from tests.support import EPOCH, World, world

LOOPS: Final[dict[str, dict[str, Any]]] = {
    "asyncio": {"backend": "asyncio", "backend_options": {"loop_factory": JumpingLoop}},
    "trio": {"backend": "trio", "backend_options": virtual_trio()},
}
PROJECT: Final = 7001
BLOCKED: Final = 5.0

Call = Callable[[qcasync.Client], Awaitable[object]]


async def authenticate(client: qcasync.Client) -> None:
    await client.authenticate()


async def list_orders(client: qcasync.Client) -> None:
    await client.live.list_orders(PROJECT)


async def iter_orders(client: qcasync.Client) -> None:
    async with client.live.iter_orders(PROJECT) as pages:
        await anext(pages)


async def stop(client: qcasync.Client) -> None:
    await client.live.stop(PROJECT)


CALLS: Final = [authenticate, list_orders, iter_orders, stop]


# One loop, one thread, one process (I127). These tests start loops of their own, so they are no coroutines.


@pytest.fixture
def simulator() -> Simulator:
    """It counts what was sent."""
    return Simulator(1, EPOCH)


@pytest.fixture
def client(simulator: Simulator) -> qcasync.Client:
    """A client that has not been used yet."""
    return qcasync.Client(
        simulator.user_id,
        simulator.api_token,
        transport=SimulatorTransport(simulator, lambda: EPOCH),
        clock=qcasync.Clock(wall=lambda: EPOCH),
        allow_trading=True,
    )


def run(client: qcasync.Client, call: Call, loop: str) -> None:
    """Make a call on a loop of its own, where it may not hang."""

    async def main() -> None:
        with anyio.fail_after(5):
            await call(client)

    anyio.run(main, backend=loop)


def refusal(client: qcasync.Client, call: Call, loop: str) -> str:
    """Make a call that is refused. Returns what the error says."""
    try:
        run(client, call, loop)
    except qcasync.ConfigurationError as error:
        return str(error)
    return "it was not refused"


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
@pytest.mark.parametrize("second", LOOPS)
@pytest.mark.parametrize("first", LOOPS)
def test_on_another_loop(client: qcasync.Client, simulator: Simulator, first: str, second: str, call: Call) -> None:
    """Connections belong to the loop on which they were opened, though it has ended."""
    run(client, authenticate, first)
    assert "event loop" in refusal(client, call, second)
    assert simulator.ledger.count() == 1


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
@pytest.mark.parametrize("second", LOOPS)
@pytest.mark.parametrize("first", LOOPS)
def test_on_another_thread(client: qcasync.Client, simulator: Simulator, first: str, second: str, call: Call) -> None:
    """Its own loop is still running here, and goes on being served."""
    said: list[str] = []

    async def main() -> None:
        await client.authenticate()
        other = threading.Thread(target=lambda: said.append(refusal(client, call, second)))
        other.start()
        other.join()
        assert simulator.ledger.count() == 1
        await client.authenticate()

    anyio.run(main, backend=first)
    assert "event loop" in said[0]
    assert simulator.ledger.count() == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
@pytest.mark.parametrize("loop", LOOPS)
def test_in_a_forked_process(client: qcasync.Client, simulator: Simulator, loop: str, call: Call) -> None:
    """A child that inherits a client inherits sockets, on which two would speak at once."""
    run(client, authenticate, loop)
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:  # whatever happens, only one process may return to pytest
        try:
            said = f"{simulator.ledger.count()} {refusal(client, call, loop)} {simulator.ledger.count()}"
            os.write(sending, said.encode())
        finally:
            os._exit(0)
    os.close(sending)
    with open(receiving, "rb") as pipe:
        before, _, said = pipe.read().decode().partition(" ")
    os.waitpid(child, 0)
    said, _, after = said.rpartition(" ")
    assert "fork" in said or "process" in said
    assert before == after == "1"
    run_again = refusal(client, authenticate, loop)
    assert "event loop" in run_again  # the parent's own client knows nothing of the child


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
@pytest.mark.parametrize("loop", LOOPS)
def test_after_closing(client: qcasync.Client, simulator: Simulator, loop: str, call: Call) -> None:
    """On the same loop, by everyone who still has it."""

    async def main() -> None:
        async with client:
            await client.authenticate()
        with pytest.raises(qcasync.ConfigurationError, match="The client is closed"):
            await call(client)

    anyio.run(main, backend=loop)
    assert simulator.ledger.count() == 1


# A callback that blocks (I129)


def block(seconds: float) -> None:
    """Let time pass while the event loop can do nothing, as a slow callback does."""
    try:
        loop: Any = asyncio.get_running_loop()
        loop._jumping.jumped += seconds
    except RuntimeError:
        clock: Any = trio.lowlevel.current_clock()
        clock.jump(seconds)


def blocking(kind: type[Any]) -> qcasync.Observer:
    """An observer that blocks the loop, once, when it is told something of this kind."""
    kinds = [kind]

    def observe(observation: qcasync.Observation) -> None:
        if kinds and isinstance(observation, kinds[0]):
            kinds.clear()
            block(BLOCKED)

    return observe


def told_to(observer: qcasync.Observer, here: World) -> qcasync.Client:
    """Another client of the same world, with an observer of its own."""
    return qcasync.Client(
        here.simulator.user_id,
        here.simulator.api_token,
        transport=here.transport,
        clock=here.client._exchange.clock,
        observers=[observer],
    )


@pytest.mark.anyio
@pytest.mark.parametrize(("timeout", "ends"), [(7, 7), (5, 5), (3, 5)])
async def test_a_deadline_is_kept_when_an_observer_blocks(timeout: float, ends: float) -> None:
    """To the second, or as soon as the loop is back."""
    async with world() as here, told_to(blocking(qcasync.RequestSent), here) as client:
        here.simulator.fault(FaultKind.HANG, times=100)
        with pytest.raises(qcasync.RequestTimeout) as caught:
            await client.authenticate(timeout=timeout)
        assert anyio.current_time() == pytest.approx(ends)
        assert caught.value.elapsed == pytest.approx(ends)


@pytest.mark.anyio
async def test_the_deadlines_of_others_are_kept_when_an_observer_blocks() -> None:
    """Those that passed meanwhile pass now; those that did not are not moved."""
    ended: dict[float, float] = {}

    async def call(timeout: float) -> None:
        with pytest.raises(qcasync.RequestTimeout):
            await here.client.authenticate(timeout=timeout)
        ended[timeout] = anyio.current_time()

    async with world() as here, told_to(blocking(qcasync.RequestSent), here) as client:
        await here.client.authenticate()
        here.simulator.fault(FaultKind.HANG, times=100)
        async with anyio.create_task_group() as group:
            for timeout in (2, 6, 20):
                group.start_soon(call, timeout)
            await anyio.sleep(1)
            with pytest.raises(qcasync.RequestTimeout):
                await client.authenticate(timeout=8)
            assert anyio.current_time() == pytest.approx(9)
    assert ended == {2: pytest.approx(6), 6: pytest.approx(6), 20: pytest.approx(20)}


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [qcasync.RequestSent, qcasync.ResponseReceived])
async def test_the_time_for_a_wait_is_right_when_an_observer_blocks(kind: type[Any]) -> None:
    """A call that has enough of it succeeds, retries included, and its wait is not shortened or lengthened."""
    async with world(Conditions(latency=1.0)) as here, told_to(blocking(kind), here) as client:
        here.simulator.fault(FaultKind.RETRY_AFTER_503, retry_after="4")
        await client.authenticate(timeout=12)
        assert anyio.current_time() == pytest.approx(BLOCKED + 1 + 4 + 1, abs=1)
        assert here.count() == 2


@pytest.mark.anyio
async def test_the_servers_time_is_right_when_an_observer_blocks() -> None:
    """An answer that is noticed 5 s late does not put the clock 5 s off: the doubt grows, the truth stays inside."""
    async with world(Conditions(latency=1.0)) as here:

        async def block_while_it_travels() -> None:
            await anyio.sleep(0.5)
            block(BLOCKED)

        async with anyio.create_task_group() as group:
            group.start_soon(block_while_it_travels)
            await here.client.authenticate()
        offset, doubt = here.client.clock_offset, here.client.clock_uncertainty
        assert offset is not None
        assert doubt is not None
        assert abs(offset) <= doubt


# Both kinds of loop (I130)


async def journey() -> tuple[object, ...]:
    """What a user gets, what it costs, and what observers are told, on a bad day."""
    conditions = Conditions(latency=0.25, fault_rate=0.2, loading=2, clamp=30)
    async with world(conditions, max_concurrency=1, allow_trading=True) as here:
        project = here.simulator.add_project([70, 60])
        listing = await here.client.live.list_orders(project.id)
        portfolio = await here.client.live.read_portfolio(project.id)
        return listing, portfolio, numbered(here.observed), anyio.current_time()


def numbered(observed: list[qcasync.Observation]) -> list[qcasync.Observation]:
    """With calls numbered from 1: this process may have made others before."""
    first = min(getattr(each, "call", math.inf) for each in observed)
    return [
        msgspec.structs.replace(each, call=each.call - first + 1) if hasattr(each, "call") else each
        for each in observed
    ]


def test_both_loops_see_the_same() -> None:
    """To the last wait: with one worker nothing is left to chance but the seed."""
    assert anyio.run(journey, **LOOPS["asyncio"]) == anyio.run(journey, **LOOPS["trio"])
