"""Errors over real sockets carry no secret, and no library logs one, on any stack.

Tracebacks are read with the locals of every frame but those of tests: the libraries' frames hold signed requests.
"""

import inspect
import logging
import ssl
import time
from collections.abc import Callable
from typing import Any

import anyio
import pytest

import qcasync
from qcasync.simulator import FaultKind
from qcasync.transports.aiohttp import AiohttpTransport
from qcasync.transports.httpx import HttpxTransport
from qcasync.transports.httpx2 import Httpx2Transport
from qcasync.transports.protocol import Progress, Request, Transport, TransportError
from tests.canaries import find, invent
from tests.integration.conftest import House
from tests.integration.raw import CERTIFICATE, Connection, Handler, answer, answering, closed_port, raw_server
from tests.integration.stacks import Stack
from tests.unit.test_secrets import ends, looks, told

pytestmark = pytest.mark.anyio

HEARD = {"httpx": {"httpcore"}, "httpx2": {"httpcore2"}, "aiohttp": set[str]()}
"""Whose records of a request must have been heard, or the test would prove nothing."""


@pytest.fixture(autouse=True)
def debug(caplog: pytest.LogCaptureFixture) -> None:
    """Every logger talks."""
    caplog.set_level(logging.DEBUG)


async def silence(connection: Connection) -> None:
    await connection.request()
    await connection.until_closed()


async def reset(connection: Connection) -> None:
    await connection.request()
    await connection.reset()


async def reset_in_the_body(connection: Connection) -> None:
    await connection.request()
    await connection.send(answer(b"{", length=100))
    await connection.reset()


async def no_tls(connection: Connection) -> None:
    await connection.receive()
    await connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")


async def echo(connection: Connection) -> None:
    """Repeat what came as an answer: a broken proxy shows everyone their own signature."""
    asked = await connection.request()
    await connection.send(asked)


async def echo_in_the_body(connection: Connection) -> None:
    asked = await connection.request()
    await connection.send(answer(asked, status="400 Bad Request"))


async def echo_in_a_page(connection: Connection) -> None:
    asked = await connection.request()
    await connection.send(answer(b"<html><title>" + asked.replace(b"\r\n", b" ") + b"</title>", status="502 Bad"))


async def echo_in_errors(connection: Connection) -> None:
    asked = (await connection.request()).decode().split("\r\n\r\n")[0].replace("\r\n", " ")
    await connection.send(answer(f'{{"success":false,"errors":["{asked}"]}}'.encode()))


async def echo_as_json(connection: Connection) -> None:
    asked = (await connection.request()).decode().split("\r\n\r\n")[0].replace("\r\n", " ")
    await connection.send(answer(f'{{"asked":"{asked}"}}'.encode()))


TROUBLE: dict[str, Handler] = {
    "closed": Connection.request,  # type: ignore[dict-item] - what it returns is not looked at
    "reset": reset,
    "reset in the body": reset_in_the_body,
    "silence": silence,
    "garbage": answering(b"\0\1\2 no HTTP\r\n\r\n"),
    "garbage in headers": answering(b"HTTP/1.1 200 OK\r\nno header\r\n\r\n"),
    "cut short": answering(answer(b'{"success":tr')),
    "corrupt gzip": answering(answer(b"no gzip", "content-encoding: gzip")),
    "wrong type": answering(answer(b'{"success":"perhaps"}')),
    "echo": echo,
    "echo in the body": echo_in_the_body,
    "echo in a page": echo_in_a_page,
    "echo in errors": echo_in_errors,
    "echo as JSON": echo_as_json,
}


def check(error: BaseException | None, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing secret in an error, however it is looked at, nor in any record."""
    assert error is not None
    assert find(told(error)) is None
    assert find("\n".join(looks(error))) is None
    assert find("\n".join(record.getMessage() for record in caplog.records)) is None
    assert find(caplog.text) is None


@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
async def test_trouble_of_every_kind(house: House, trouble: str, tls: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Also if the other side repeats the request that it was sent."""
    async with (
        raw_server(TROUBLE[trouble], tls=tls) as server,
        house.client(base_url=server.url, max_attempts=1, timeout=0.15 if trouble == "silence" else 5.0) as client,
    ):
        error = await ends(client.authenticate)
        assert len(server.requests) == 1
        assert find(server.requests[0].decode()) is not None  # there was something to show
    check(error, caplog)
    names = {record.name.partition(".")[0] for record in caplog.records if record.levelno == logging.DEBUG}
    assert names >= HEARD[house.stack.library]


@pytest.mark.parametrize("trouble", ["nobody listens", "no such name", "certificate", "no TLS"])
async def test_trouble_before_anything_is_sent(
    house: House, stack: Stack, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even what was about to be sent is shown."""
    handler = no_tls if trouble == "no TLS" else answering(answer())
    async with raw_server(handler, tls=trouble == "certificate") as server:
        address = {
            "nobody listens": f"http://127.0.0.1:{closed_port()}/",
            "no such name": "https://no-such-host.invalid/",
            "certificate": server.url.replace("localhost", "127.0.0.1"),
            "no TLS": server.url.replace("http:", "https:"),
        }[trouble]
        async with house.client(base_url=address, max_attempts=1, timeout=5.0) as client:
            error = await ends(client.authenticate)
        assert server.requests == []
    check(error, caplog)


@pytest.mark.parametrize("kind", [FaultKind.HANG, FaultKind.RESET_BEFORE_ANSWER, FaultKind.RESET_IN_BODY], ids=str)
async def test_a_command_whose_outcome_is_unknown(
    house: House, kind: FaultKind, caplog: pytest.LogCaptureFixture
) -> None:
    """Its body holds a password as well."""
    project = house.project()

    async def create() -> None:
        await client.live.create(
            project.id, "compile", "node", brokerage={"id": "X", "password": invent(21)}, timeout=0.2
        )

    async with house.client(allow_trading=True) as client:
        await client.authenticate()
        house.simulator.fault(kind, path="live/create")
        house.simulator.fault(kind, path="live/list", nth=2, times=99)  # a later look cannot tell
        error = await ends(create)
    assert isinstance(error, qcasync.OutcomeUnknown)
    check(error, caplog)
    assert find(repr(house.simulator.ledger.requests)) is None


async def test_a_cancelled_call(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """What is thrown through the frames of a library leaves them behind."""
    caught: list[BaseException] = []
    async with raw_server(silence) as server, house.client(base_url=server.url) as client:
        with anyio.move_on_after(0.1):
            try:
                await client.authenticate()
            except BaseException as cancelled:
                caught.append(cancelled)
                raise
    check(caught[0], caplog)


async def test_a_wrong_token_over_a_socket(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """The server repeats the hash, in a body that libraries do not log."""
    async with house.client(api_token=invent(22)) as client:
        error = await ends(client.authenticate)
    assert isinstance(error, qcasync.AuthenticationError)
    check(error, caplog)


# Row 135: the environment.

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "WS_PROXY")
HOSTILE: dict[str, dict[str, str]] = {
    "proxies": dict.fromkeys(PROXIES, "http://127.0.0.1:9"),
    "proxies of another kind": {"ALL_PROXY": "socks5://127.0.0.1:9", "all_proxy": "socks5://127.0.0.1:9"},
    "certificates": {"SSL_CERT_FILE": "/dev/null", "SSL_CERT_DIR": "/nowhere", "REQUESTS_CA_BUNDLE": "/dev/null"},
    "netrc": {"NETRC": "{netrc}", "HOME": "{home}"},
}


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
async def test_the_environment_is_ignored(
    house: House, hostile: str, tls: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """Whoever sets a variable must not come to see signatures, or replace them by a login of theirs."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login nobody password nothing\nmachine localhost login nobody password x\n")
    netrc.chmod(0o600)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, value in HOSTILE[hostile].items():
        monkeypatch.setenv(name, value.format(netrc=netrc, home=tmp_path))
    async with (
        raw_server(answering(answer()), tls=tls) as server,
        house.client(base_url=server.url, max_attempts=1) as client,
    ):
        await client.authenticate()
    (request,) = server.requests
    assert request.startswith(b"POST /authenticate ")
    assert find(request.decode()) is not None
    assert b"nobody" not in request
    assert b"proxy" not in request.lower()


async def test_no_keys_of_tls_are_written_down(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, request: pytest.FixtureRequest
) -> None:
    """Whoever reads that file reads what TLS protects."""
    log = tmp_path / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))
    transport = stack.transport(2)
    async with raw_server(answering(answer()), tls=True) as server:
        with pytest.raises(TransportError, match="certificate"):
            await transport.exchange(Request(url=server.url), Progress(time.monotonic))
        await transport.aclose()
    assert not log.exists() or "SECRET" not in log.read_text()


@pytest.mark.parametrize("transport", [HttpxTransport, Httpx2Transport, AiohttpTransport])
def test_no_switch_turns_the_checks_off(transport: Callable[..., Transport]) -> None:
    """Row 134: there is no parameter for it, and a context without checks is refused, at once."""
    names = set(inspect.signature(transport).parameters) | set(inspect.signature(qcasync.Client).parameters)
    assert not names & {
        "verify",
        "insecure",
        "check_hostname",
        "cert",
        "trust_env",
        "proxy",
        "proxies",
        "follow_redirects",
    }
    for spoil in (_without_certificates, _without_names):
        context = ssl.create_default_context(cafile=str(CERTIFICATE))
        spoil(context)
        with pytest.raises(qcasync.ConfigurationError, match="does not check"):
            transport(2, ssl_context=context)


def _without_names(context: ssl.SSLContext) -> None:
    context.check_hostname = False


def _without_certificates(context: ssl.SSLContext) -> None:
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
