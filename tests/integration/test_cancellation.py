"""How soon a cancelled call ends, and why exchanges run in a task of their own.

That nothing is left of it, at whatever turn of the event loop it is cancelled, is in `test_ticks`.
"""

import gc
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Final

import anyio
import pytest

import qcasync
from qcasync.simulator.bodies import LiveRecipe, live_results
from qcasync.transports.protocol import Progress, Request, Transport
from tests.integration.conftest import TRUST
from tests.integration.raw import Connection, answer, answering, raw_server, trusting_context
from tests.integration.stacks import STACKS, Stack, none_busy
from tests.integration.ticks import PROJECT, natively, permits_free

pytestmark = pytest.mark.anyio

LATENCY: Final = 0.1
"""Seconds: the goal is 0.05; a shared machine that builds something else meanwhile gets twice that."""
MORE_THAN_BUFFERS: Final = 32_000_000


@pytest.fixture(scope="module")
def large() -> bytes:
    """Two megabytes. They are decoded in a thread, which nothing interrupts."""
    return live_results(size=LiveRecipe(holdings=50, orders=500, events=1_000, closed=200, charts=6, points=5_000))


class Held:
    """A call that gets as far as one of its stages, and no further."""

    def __init__(self, large: bytes) -> None:
        self.there = anyio.Event()
        self._large = large

    def observe(self, observation: qcasync.Observation) -> None:
        """An answer has arrived: decoding begins."""
        if isinstance(observation, qcasync.ResponseReceived):
            self.there.set()

    async def connect(self, connection: Connection) -> None:
        """The first message of a TLS handshake is never answered."""
        await self._stop_after(connection.receive())

    async def write(self, connection: Connection) -> None:
        """A request is read in part."""
        await self._stop_after(connection.receive())

    async def read(self, connection: Connection) -> None:
        """A request is never answered."""
        await self._stop_after(connection.request())

    async def decode(self, connection: Connection) -> None:
        """The answer is large."""
        await connection.request()
        await connection.send(answer(self._large))
        await connection.until_closed()

    async def _stop_after(self, received: Awaitable[bytes]) -> None:
        await received
        self.there.set()
        await anyio.sleep_forever()


@pytest.mark.parametrize("stack", STACKS, ids=str)
@pytest.mark.parametrize("stage", ["connect", "write", "read", "decode"])
async def test_a_cancelled_call_ends_at_once(stack: Stack, stage: str, large: bytes) -> None:
    """Wherever it is, over real sockets. The one promise here that only a clock can check."""
    held = Held(large)
    transport = stack.transport(1, ssl_context=TRUST)
    parameters = {"large": "x" * MORE_THAN_BUFFERS} if stage == "write" else None
    async with raw_server(getattr(held, stage)) as server:
        client = qcasync.Client(
            1,
            "token",
            base_url=server.url.replace("http:", "https:") if stage == "connect" else server.url,
            transport=transport,
            max_concurrency=1,
            allow_trading=True,
            observers=[held.observe],
        )

        async def call() -> None:
            if stage == "write":
                paper = qcasync.paper_brokerage()
                await client.live.create(PROJECT, "compile", "node", brokerage=paper, parameters=parameters)
            await client.live.read(PROJECT)

        async with client, anyio.create_task_group() as group:
            group.start_soon(call)
            await held.there.wait()
            cancelled = time.monotonic()
            group.cancel_scope.cancel()
        latency = time.monotonic() - cancelled
        assert group.cancel_scope.cancelled_caught or stage == "decode"  # which may have come to its end
        assert permits_free(client)
        assert await none_busy(transport)
        await transport.aclose()
    assert latency < LATENCY


class Confirming(ssl.SSLObject):
    """Tells when httpcore asks for the protocol: the last it does before a connection with TLS counts as opened."""

    confirmed: Callable[[], None] = staticmethod(lambda: None)

    def selected_alpn_protocol(self) -> str | None:
        self.confirmed()
        return super().selected_alpn_protocol()


@pytest.mark.parametrize("stack", [stack for stack in STACKS if stack.library != "aiohttp"], ids=str)
async def test_cancelled_as_the_handshake_ends(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is opened, and nobody is there to use it."""
    context = trusting_context()
    context.sslobject_class = Confirming
    transport = stack.transport(1, ssl_context=context)
    async with (
        raw_server(answering(answer()), tls=True) as server,
        qcasync.Client(1, "token", base_url=server.url, transport=transport, max_concurrency=1) as client,
    ):
        with anyio.CancelScope() as scope:
            monkeypatch.setattr(Confirming, "confirmed", staticmethod(scope.cancel))
            await client.authenticate()
        monkeypatch.undo()
        assert scope.cancelled_caught
        with anyio.fail_after(4):
            await client.authenticate()
        assert await none_busy(transport)
        await transport.aclose()


@pytest.mark.parametrize("stack", [Stack("asyncio", "httpx")], ids=str)
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
async def test_what_the_child_task_is_for(stack: Stack) -> None:
    """Without it connections are lost. If this fails, httpcore was repaired."""
    lost = 0
    async with raw_server(answering(answer())) as server:
        request = Request(url=server.url, body=b"{}")
        for turns in range(3, 9):
            transport = stack.transport(1, ssl_context=TRUST)

            async def call(transport: Transport = transport) -> None:
                await transport.exchange(request, Progress(time.monotonic))

            await call()
            await natively(1)(call, turns)
            lost += not await none_busy(transport, patience=0.05)
            await transport.aclose()
    gc.collect()  # what is lost is never closed: let that be said here, where it is expected
    assert lost > 0
