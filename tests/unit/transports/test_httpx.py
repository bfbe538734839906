"""The httpx and httpx2 transports, without a socket: tables, shards, and what is refused."""

import dataclasses
import ssl
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

import anyio
import httpx
import httpx2
import pytest

import qcasync
from qcasync.transports._failures import translate
from qcasync.transports._insides import has_lost_slot
from qcasync.transports._pooled import SHARD_CONNECTIONS, Library, PooledTransport
from qcasync.transports.httpx import HttpxTransport
from qcasync.transports.httpx2 import Httpx2Transport
from qcasync.transports.protocol import Fault, Phase, Progress, Request, Transport, TransportError

LIBRARIES = pytest.mark.parametrize("http", [httpx, httpx2], ids=lambda http: http.__name__)
TRANSPORTS = pytest.mark.parametrize("kind", [HttpxTransport, Httpx2Transport])


def progress_at(phase: Phase) -> Progress:
    progress = Progress(lambda: 0.0)
    progress.reached(phase)
    return progress


@LIBRARIES
@pytest.mark.parametrize(
    ("name", "reached", "fault", "phase"),
    [
        ("ConnectError", Phase.NOT_SENT, Fault.UNREACHABLE, Phase.NOT_SENT),
        ("ConnectTimeout", Phase.NOT_SENT, Fault.UNREACHABLE, Phase.NOT_SENT),
        ("PoolTimeout", Phase.NOT_SENT, Fault.UNREACHABLE, Phase.NOT_SENT),
        ("ReadTimeout", Phase.SENT, Fault.TIMEOUT, Phase.SENT),
        ("WriteTimeout", Phase.PARTLY_SENT, Fault.TIMEOUT, Phase.PARTLY_SENT),
        ("ReadError", Phase.SENT, Fault.LOST, Phase.SENT),
        ("WriteError", Phase.PARTLY_SENT, Fault.LOST, Phase.PARTLY_SENT),
        ("RemoteProtocolError", Phase.SENT, Fault.LOST, Phase.SENT),
        ("RemoteProtocolError", Phase.ANSWERING, Fault.DAMAGED, Phase.ANSWERING),
        ("ReadTimeout", Phase.ANSWERING, Fault.TIMEOUT, Phase.ANSWERING),
        ("CloseError", Phase.ANSWERING, Fault.DAMAGED, Phase.ANSWERING),
        ("LocalProtocolError", Phase.PARTLY_SENT, Fault.LOST, Phase.PARTLY_SENT),
        # what a missing mark proves is judged where all transports pass: tests/unit/test_guards.py
        ("ReadTimeout", Phase.NOT_SENT, Fault.TIMEOUT, Phase.NOT_SENT),
        ("RemoteProtocolError", Phase.NOT_SENT, Fault.LOST, Phase.NOT_SENT),
        ("UnsupportedProtocol", Phase.NOT_SENT, Fault.LOST, Phase.NOT_SENT),
    ],
)
def test_what_an_exception_means(http: object, name: str, reached: Phase, fault: Fault, phase: Phase) -> None:
    table = Library.of(http).faults  # type: ignore[arg-type]
    progress = progress_at(reached)
    error = translate(getattr(http, name)("words"), table, progress)
    assert (error.fault, error.detail, progress.phase) == (fault, "words", phase)


@LIBRARIES
def test_every_transport_error_is_in_the_table(http: object) -> None:
    table = Library.of(http).faults  # type: ignore[arg-type]
    base: type[Exception] = http.TransportError  # type: ignore[attr-defined]
    errors = [each for each in vars(http).values() if isinstance(each, type) and issubclass(each, base)]
    assert len(errors) > 10
    for each in errors:
        assert issubclass(each, tuple(kind for kind, _ in table))


def test_an_exception_without_words_is_named() -> None:
    assert translate(httpx.ReadError(""), Library.of(httpx).faults, progress_at(Phase.SENT)).detail == "ReadError"


def test_a_refused_certificate_is_found_behind_other_errors() -> None:
    error = httpx.ConnectError("refused")
    error.__cause__ = OSError("in between")
    error.__cause__.__context__ = ssl.SSLCertVerificationError("self-signed")
    assert translate(error, Library.of(httpx).faults, Progress(lambda: 0.0)).fault is Fault.CERTIFICATE


@pytest.mark.parametrize(
    ("kind", "connections", "pools"),
    [
        (HttpxTransport, 1, 1),
        (HttpxTransport, 11, 1),
        (HttpxTransport, 16, 1),
        (HttpxTransport, 17, 2),
        (HttpxTransport, 20, 2),
        (HttpxTransport, 21, 3),
        (HttpxTransport, 101, 11),
        (Httpx2Transport, 101, 1),
    ],
)
def test_pools(kind: Callable[[int], PooledTransport], connections: int, pools: int) -> None:
    """Enough of them for so many connections, and none larger than the library serves well."""
    transport = kind(connections)
    sizes = [pool._pool._max_connections for pool in transport._pools]
    assert len(sizes) == pools
    assert sum(sizes) >= connections
    assert len(set(sizes)) == 1
    assert pools == 1 or sizes[0] == SHARD_CONNECTIONS


@TRANSPORTS
def test_it_is_a_transport(kind: Callable[[], object]) -> None:
    assert isinstance(kind(), Transport)


@TRANSPORTS
def test_a_context_without_checks_is_refused(kind: Callable[..., object]) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    with pytest.raises(qcasync.ConfigurationError, match="create_default_context"):
        kind(ssl_context=context)


@pytest.mark.anyio
@TRANSPORTS
async def test_closing_twice(kind: Callable[[], Transport]) -> None:
    transport = kind()
    await transport.aclose()
    await transport.aclose()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("event", "phase"),
    [
        ("connection.connect_tcp.started", Phase.NOT_SENT),
        ("connection.a_new_name.started", Phase.NOT_SENT),
        ("http11.send_request_headers.started", Phase.PARTLY_SENT),
        ("http11.a_new_name.started", Phase.SENT),
        ("a_new_layer.started", Phase.SENT),
    ],
)
async def test_an_unknown_event_is_taken_for_the_worst(event: str, phase: Phase) -> None:
    """A version that renames its events must not make a request look unsent, not even a cancelled one."""

    class Stub(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await request.extensions["trace"](event, {})
            raise KeyboardInterrupt  # stands for a cancellation: no table knows it

    library = dataclasses.replace(Library.of(httpx), transport=Stub)
    progress = Progress(lambda: 0.0)
    with pytest.raises(KeyboardInterrupt):
        await PooledTransport(library, 1, None, 1).exchange(Request(url="http://localhost/"), progress)
    assert progress.phase is phase


class Refusing(httpx.AsyncHTTPTransport):
    """A pool that has no connection to give."""

    closed = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await anyio.sleep(5 if request.url.path == "/none" else 9)
        raise httpx.PoolTimeout("none free")

    async def aclose(self) -> None:
        self.closed += 1
        await super().aclose()


@pytest.mark.anyio
@pytest.mark.parametrize(("exchanges", "rebuilt"), [(1, 1), (2, 1), (3, 1), (4, 0)])
async def test_a_connection_that_is_wanting_is_a_lost_one(
    exchanges: int, rebuilt: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Unless more exchanges run than there are connections: those wait, and who waits too long is told so."""

    async def fail(path: str) -> None:
        with pytest.raises(TransportError, match="none free") as caught:
            await transport.exchange(Request(url=f"http://localhost/{path}"), Progress(lambda: 0.0))
        assert caught.value.fault is Fault.UNREACHABLE

    transport = PooledTransport(dataclasses.replace(Library.of(httpx), transport=Refusing), 3, None, 16)
    (old,) = transport._pools
    assert isinstance(old, Refusing)
    async with anyio.create_task_group() as group:
        group.start_soon(fail, "none")
        for _ in range(exchanges - 1):
            group.start_soon(fail, "slow")
        await anyio.sleep(6)
        assert transport.rebuilt == rebuilt
        assert (old in transport._pools) is not bool(rebuilt)
        assert old.closed == (exchanges == 1)  # others are still at work in it
        group.cancel_scope.cancel()
    assert old.closed == rebuilt
    assert len(transport._in_flight) == len(transport._pools) == 1
    assert sum("was replaced" in record.message for record in caplog.records) == rebuilt
    await transport.aclose()


@pytest.mark.anyio
async def test_another_version_without_the_private_names() -> None:
    """What needs them is done without."""

    class Stub(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            for event in ("http11.send_request_headers.started", "http11.receive_response_headers.started"):
                await request.extensions["trace"](event, {})
            return httpx.Response(200, content=b"{}")

    transport = PooledTransport(dataclasses.replace(Library.of(httpx), transport=Stub), 1, None, 1)
    del transport._pools[0]._pool
    for _ in range(2):
        response = await transport.exchange(Request(url="http://localhost/"), Progress(lambda: 0.0))
        assert response.body == b"{}"
    assert transport.rebuilt == 0


class Connection(NamedTuple):
    """What a pool tells of one."""

    idle: bool
    closed: bool

    def is_idle(self) -> bool:
        return self.idle

    def is_closed(self) -> bool:
        return self.closed


@pytest.mark.parametrize(
    ("connections", "lost"),
    [
        ([], False),
        ([Connection(idle=True, closed=False)], False),
        ([Connection(idle=False, closed=True)], False),
        ([Connection(idle=True, closed=True)], False),
        ([Connection(idle=False, closed=False)], True),
        ([Connection(idle=True, closed=False), Connection(idle=False, closed=False)], True),
    ],
)
def test_a_lost_connection_is_neither_idle_nor_closed(connections: list[Connection], lost: bool) -> None:
    pool: Any = SimpleNamespace(_pool=SimpleNamespace(connections=connections))
    assert has_lost_slot(pool) is lost


@TRANSPORTS
@pytest.mark.anyio
async def test_a_closed_transport_opens_nothing(kind: type[PooledTransport]) -> None:
    """Finding 25: it would never be closed again. That nothing was sent is proved."""
    transport, progress = kind(2), progress_at(Phase.NOT_SENT)
    await transport.aclose()
    with pytest.raises(TransportError, match="the transport is closed") as caught:
        await transport.exchange(Request(url="http://127.0.0.1:9"), progress)
    assert (caught.value.fault, progress.phase) == (Fault.UNREACHABLE, Phase.NOT_SENT)
