"""The httpx and httpx2 transports, without a socket: tables, shards, and what is refused."""

import dataclasses
import ssl
from collections.abc import Callable

import httpx
import httpx2
import pytest

import qcasync
from qcasync.transports._failures import translate
from qcasync.transports._pooled import SHARD_CONNECTIONS, Library, PooledTransport
from qcasync.transports.httpx import HttpxTransport
from qcasync.transports.httpx2 import Httpx2Transport
from qcasync.transports.protocol import Fault, Phase, Progress, Request, Transport

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
        # without any mark, nothing but a failed connection proves that nothing was sent
        ("ReadTimeout", Phase.NOT_SENT, Fault.TIMEOUT, Phase.SENT),
        ("RemoteProtocolError", Phase.NOT_SENT, Fault.LOST, Phase.SENT),
        ("UnsupportedProtocol", Phase.NOT_SENT, Fault.LOST, Phase.SENT),
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
