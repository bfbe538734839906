"""TLS: who is trusted, and that a refused certificate is told from a network that fails."""

import ssl
import time

import pytest

import qcasync
from qcasync.transports.protocol import Fault, Phase, Progress, Request, TransportError
from tests.integration.raw import CERTIFICATE, SUCCESS, Connection, answer, answering, raw_server, trusting_context
from tests.integration.stacks import Stack, none_busy

pytestmark = pytest.mark.anyio


async def test_a_private_authority(stack: Stack, progress: Progress) -> None:
    transport = stack.transport(2, ssl_context=trusting_context())
    async with raw_server(answering(answer()), tls=True) as server:
        for _ in range(3):
            response = await transport.exchange(Request(url=server.url, body=b"{}"), Progress(time.monotonic))
            assert response.body == SUCCESS
        assert len(server.connections) == 1
        await transport.aclose()


@pytest.mark.parametrize("why", ["unknown authority", "another name", "trusted by the environment only"])
async def test_a_certificate_that_is_refused(
    stack: Stack, progress: Progress, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sent. SSL_CERT_FILE does not count: whoever sets it could read every signature."""
    if why == "trusted by the environment only":
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    transport = stack.transport(2, ssl_context=trusting_context() if why == "another name" else None)
    async with raw_server(answering(answer()), tls=True) as server:
        url = server.url.replace("localhost", "127.0.0.1") if why == "another name" else server.url
        with pytest.raises(TransportError) as caught:
            await transport.exchange(Request(url=url, body=b"{}"), progress)
        assert (caught.value.fault, progress.phase) == (Fault.CERTIFICATE, Phase.NOT_SENT)
        assert server.requests == []
        await transport.aclose()


async def test_a_refused_certificate_ends_a_call_at_once(stack: Stack) -> None:
    """One attempt, and a sentence that names the cause."""
    transport = stack.transport(2)
    async with raw_server(answering(answer()), tls=True) as server:
        async with qcasync.Client(1, "token", base_url=server.url, transport=transport) as client:
            with pytest.raises(qcasync.RequestError, match=r"certificate was refused.*check the clock") as caught:
                await client.authenticate()
        assert (caught.value.sent, caught.value.attempts) == ("no", 1)
        await transport.aclose()


async def test_a_server_without_tls(stack: Stack, progress: Progress) -> None:
    """A handshake that fails is a connection that failed."""

    async def handler(connection: Connection) -> None:
        await connection.receive()
        await connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    transport = stack.transport(2, ssl_context=trusting_context())
    async with raw_server(handler) as server:
        with pytest.raises(TransportError) as caught:
            await transport.exchange(Request(url=f"https://localhost:{server.port}/", body=b"{}"), progress)
        assert (caught.value.fault, progress.phase) == (Fault.UNREACHABLE, Phase.NOT_SENT)
        await transport.aclose()


@pytest.mark.parametrize("when", ["before the answer", "within the answer"])
async def test_damaged_records(stack: Stack, progress: Progress, when: str) -> None:
    """A middle box that writes into the stream: httpcore lets the TLS error through as it is, we do not."""

    async def handler(connection: Connection) -> None:
        await connection.request()
        if when == "within the answer":
            await connection.send(answer(SUCCESS, length=1000))
        await connection.send_below_tls(b"\x17\x03\x03\x00\x20" + b"\x55" * 32)
        await connection.until_closed()

    transport = stack.transport(2, ssl_context=trusting_context())
    async with raw_server(handler, tls=True) as server:
        with pytest.raises(TransportError) as caught:
            await transport.exchange(Request(url=server.url, body=b"{}"), progress)
        assert caught.value.fault in (Fault.LOST, Fault.DAMAGED)
        assert progress.phase >= Phase.SENT
        assert await none_busy(transport)
        await transport.aclose()


@pytest.mark.parametrize("backwards", ["no host name", "no certificate"])
async def test_a_context_without_checks_is_refused(stack: Stack, backwards: str) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    if backwards == "no certificate":
        context.verify_mode = ssl.CERT_NONE
    with pytest.raises(qcasync.ConfigurationError, match="does not check"):
        stack.transport(2, ssl_context=context)
