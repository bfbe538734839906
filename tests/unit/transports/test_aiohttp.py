"""The aiohttp transport, without a socket: its table, and what is refused."""

import asyncio
import ssl
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import aiohttp
import anyio
import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.http import StreamWriter
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

import qcasync
from qcasync.transports._failures import kinds, translate
from qcasync.transports._limits import WRITE_SECONDS
from qcasync.transports.aiohttp import _FAULTS, AiohttpTransport, _Body
from qcasync.transports.protocol import Fault, Phase, Progress, Request, Transport, TransportError
from tests.conftest import JumpingLoop

KEY = ConnectionKey("localhost", 1, True, True, None, None, None)
REQUEST_INFO = aiohttp.RequestInfo(
    URL("https://localhost/"), "POST", CIMultiDictProxy(CIMultiDict({"Authorization": "canary"})), URL("https://x/")
)


@pytest.mark.parametrize(
    ("error", "reached", "fault", "phase"),
    [
        (aiohttp.ClientConnectorError(KEY, OSError(1, "x")), Phase.NOT_SENT, Fault.UNREACHABLE, Phase.NOT_SENT),
        (aiohttp.ClientConnectorDNSError(KEY, OSError(1, "x")), Phase.NOT_SENT, Fault.UNREACHABLE, Phase.NOT_SENT),
        (aiohttp.ConnectionTimeoutError("x"), Phase.NOT_SENT, Fault.UNREACHABLE, Phase.NOT_SENT),
        (aiohttp.SocketTimeoutError("x"), Phase.SENT, Fault.TIMEOUT, Phase.SENT),
        (aiohttp.ServerDisconnectedError("x"), Phase.SENT, Fault.LOST, Phase.SENT),
        (aiohttp.ClientOSError(1, "x"), Phase.PARTLY_SENT, Fault.LOST, Phase.PARTLY_SENT),
        (aiohttp.ClientPayloadError("x"), Phase.ANSWERING, Fault.DAMAGED, Phase.ANSWERING),
        (aiohttp.ClientResponseError(REQUEST_INFO, ()), Phase.SENT, Fault.LOST, Phase.SENT),
        (ConnectionResetError("x"), Phase.SENT, Fault.LOST, Phase.SENT),
        # what a missing mark proves is judged where all transports pass: tests/unit/test_guards.py
        (aiohttp.ServerDisconnectedError("x"), Phase.NOT_SENT, Fault.LOST, Phase.NOT_SENT),
        (TimeoutError(), Phase.NOT_SENT, Fault.TIMEOUT, Phase.NOT_SENT),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_what_an_exception_means(error: Exception, reached: Phase, fault: Fault, phase: Phase) -> None:
    progress = Progress(lambda: 0.0)
    progress.reached(reached)
    translated = translate(error, _FAULTS, progress)
    assert (translated.fault, progress.phase) == (fault, phase)
    assert translated.detail


def test_a_refused_certificate() -> None:
    error = aiohttp.ClientConnectorCertificateError(KEY, ssl.SSLCertVerificationError("self-signed"))
    error.__cause__ = error.certificate_error
    assert translate(error, _FAULTS, Progress(lambda: 0.0)).fault is Fault.CERTIFICATE


def test_every_client_error_is_in_the_table() -> None:
    errors = [
        each for each in vars(aiohttp).values() if isinstance(each, type) and issubclass(each, aiohttp.ClientError)
    ]
    assert len(errors) > 20
    assert all(issubclass(each, kinds(_FAULTS)) for each in errors)


def test_it_is_a_transport() -> None:
    assert isinstance(AiohttpTransport(), Transport)


def test_a_context_without_checks_is_refused() -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    with pytest.raises(qcasync.ConfigurationError, match="create_default_context"):
        AiohttpTransport(ssl_context=context)


@pytest.mark.anyio
async def test_closing_twice_without_having_been_used() -> None:
    """Also on trio, where it could not be used."""
    transport = AiohttpTransport()
    await transport.aclose()
    await transport.aclose()


@pytest.mark.anyio
async def test_a_closed_transport_opens_nothing() -> None:
    """Finding 25: it would never be closed again. That nothing was sent is proved."""
    transport, progress = AiohttpTransport(), Progress(lambda: 0.0)
    await transport.aclose()
    with pytest.raises(TransportError, match="the transport is closed") as caught:
        await transport.exchange(Request(url="http://127.0.0.1:9"), progress)
    assert (caught.value.fault, progress.phase) == (Fault.UNREACHABLE, Phase.NOT_SENT)
    assert transport._session is None


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_trio_is_told_what_to_use_instead() -> None:
    async with qcasync.Client(1, "token", base_url="http://127.0.0.1:9", transport="aiohttp") as client:
        with pytest.raises(qcasync.ConfigurationError, match=r"asyncio only.\n  HINT: Use transport=\"httpx\""):
            await client.authenticate()


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_session_has_no_memory_and_no_environment() -> None:
    transport = AiohttpTransport(7)
    session = transport._open()
    assert isinstance(session.cookie_jar, aiohttp.DummyCookieJar)
    assert session.trust_env is False
    assert session.auto_decompress is False
    assert session.connector is not None
    assert session.connector.limit == 7
    assert session.timeout.total is None
    await session.close()


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_an_error_that_holds_the_signature_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither as the cause nor as the context: whoever logs a chain of errors would log the signature."""

    class Session:
        def request(self, *_: Any, **__: Any) -> Any:
            raise aiohttp.ClientResponseError(REQUEST_INFO, (), message="two lengths")

        async def close(self) -> None: ...

    transport = AiohttpTransport()
    transport._session = Session()  # type: ignore[assignment]
    with pytest.raises(TransportError, match="two lengths") as caught:
        await transport.exchange(Request(url="https://localhost/"), Progress(lambda: 0.0))
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert "canary" not in repr(SimpleNamespace(**vars(caught.value)))


class Wire:
    """An asyncio transport that takes so many bytes, and no more."""

    def __init__(self, takes: int) -> None:
        self.takes = takes
        self.written = 0

    def write(self, data: bytes) -> None:
        self.written += len(data)

    def get_write_buffer_size(self) -> int:
        return max(0, self.written - self.takes)

    def is_closing(self) -> bool:
        return False

    def get_extra_info(self, name: str) -> object:
        return None


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", [("asyncio", {"loop_factory": JumpingLoop})])
@pytest.mark.parametrize(
    ("size", "takes", "seconds", "phase"),
    [
        (10, 1000, 0, Phase.SENT),
        (100_000, 10**6, 0, Phase.SENT),
        (10, 0, WRITE_SECONDS, Phase.NOT_SENT),
        (100_000, 50_000, WRITE_SECONDS, Phase.NOT_SENT),
        (100_000, 99_999, WRITE_SECONDS, Phase.NOT_SENT),
    ],
)
async def test_a_body_is_written_or_given_up(size: int, takes: int, seconds: float, phase: Phase) -> None:
    """A server that does not read is not waited for longer than that; what was not taken does not count as sent."""
    progress, began = Progress(lambda: 0.0), anyio.current_time()
    protocol = BaseProtocol(asyncio.get_running_loop())
    protocol.transport = wire = Wire(takes)  # type: ignore[assignment] - what is used of one
    protocol.pause_writing()
    body = _Body(bytes(size), progress)
    assert body.size == size
    assert body.decode() == "\0" * size
    with pytest.raises(TimeoutError) if seconds else nullcontext():
        await body.write_with_length(StreamWriter(protocol, asyncio.get_running_loop()), size)
    assert (anyio.current_time() - began, progress.phase) == (seconds, phase)
    assert wire.written == (2**16 if size > takes == 50_000 else size)  # a piece at a time
