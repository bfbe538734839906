"""What networks do: names, ports, certificates, limits, silence and floods, and a process that is frozen."""

import gzip
import os
import select
import signal
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from itertools import count
from math import inf
from pathlib import Path
from typing import Any, Final

import anyio
import msgspec
import pytest
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.tls import TLSStream

import qcasync
from qcasync.transports.protocol import Progress, Request, Transport, TransportError
from tests.integration.conftest import TRUST, House, NoJitter
from tests.integration.proxy import Bandwidth, Slicer, Timeout, proxy
from tests.integration.raw import (
    CERTIFICATE,
    SUCCESS,
    Connection,
    Handler,
    answer,
    answering,
    raw_server,
)
from tests.integration.stacks import ON_ASYNCIO, STACKS, Stack, none_busy
from tests.integration.test_toxics import stopwatch

pytestmark = pytest.mark.anyio

GRACE: Final = 0.1
LIQUIDATE: Final = "live/update/liquidate"
ON_ONE_STACK = pytest.mark.parametrize("stack", STACKS[:1], ids=str)
ON_UNIX = pytest.mark.skipif(sys.platform == "win32", reason="limits and signals of Unix")


def posing(house: House, path: str, deed: Handler) -> Handler:
    """Be the simulator, and treat the first request for `path` badly instead: it is read, and never carried out."""
    first = count()

    async def handler(connection: Connection) -> None:
        while True:
            request = await connection.request()
            head, _, body = request.decode().partition("\r\n\r\n")
            line, *fields = head.split("\r\n")
            method, target, _ = line.split(" ")
            if target.endswith(path) and next(first) == 0:
                return await deed(connection)
            headers = [(name, value.strip()) for name, _, value in (field.partition(":") for field in fields)]
            told = house.simulator.handle(method, target, headers, body.encode(), time.time())
            dates = [f"{name}: {value}" for name, value in told.headers if name == "date"]
            await connection.send(answer(told.body, *dates))

    return handler


async def close(connection: Connection) -> None:
    """Say nothing: who returns closes the connection."""


def asked(requests: list[bytes], path: str) -> int:
    """How many requests there were for a path."""
    return sum(f"/{path} ".encode() in request.partition(b"\r\n")[0] for request in requests)


# Names and connections


class Resolver:
    """The system's resolver, which fails so many times, or knows more addresses."""

    def __init__(self, failures: float = 0, addresses: tuple[str, ...] = ()) -> None:
        self.asked = 0
        self._failures = failures
        self._addresses = addresses
        self._system = socket.getaddrinfo

    def __call__(self, host: Any, port: Any, *args: Any, **options: Any) -> Any:
        if host not in ("localhost", b"localhost"):
            return self._system(host, port, *args, **options)
        self.asked += 1
        if self.asked <= self._failures:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        found = [self._system(each, port, *args, **options) for each in self._addresses or (host,)]
        return [entry for entries in found for entry in entries]


async def test_a_name_that_resolves_at_the_third_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was sent, so even a liquidation is tried again."""
    resolver = Resolver(failures=2)
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    project = house.project(5)
    async with house.client(base_url=f"http://localhost:{house.server.port}/api/v2/", allow_trading=True) as client:
        await client.live.liquidate(project.id)
    assert resolver.asked >= 3
    assert house.count(LIQUIDATE) == len(house.simulator.ledger.effects) == 1


@pytest.mark.parametrize("call", ["authenticate", "liquidate"])
async def test_a_name_that_never_resolves(house: House, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    resolver = Resolver(failures=inf)
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    async with house.client(base_url=f"http://localhost:{house.server.port}/", allow_trading=True) as client:
        with pytest.raises(qcasync.RequestError) as caught:
            await (client.authenticate() if call == "authenticate" else client.live.liquidate(1))
    assert caught.value.sent == "no"
    assert resolver.asked >= caught.value.attempts > 1
    assert house.count() == 0


@contextmanager
def swallowing(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """A port that never answers: its queue of connections is full, so the kernel drops whoever asks."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket(family))
        try:
            listener.bind((host, port))
        except OSError as error:
            pytest.skip(f"no port on {host}: {error}")
        listener.listen(0)
        for _ in range(200):
            asking = stack.enter_context(socket.socket(family))
            asking.setblocking(False)
            asking.connect_ex(listener.getsockname())
            if not select.select([], [asking], [], 0.1)[1]:
                yield listener.getsockname()[1]
                return
        pytest.skip("this system accepts, or refuses, what no queue holds")


Ended = tuple[str, str, str, int, float]
"""Of a call on a stack: the error, and its evidence."""


async def give_up(stack: Stack, port: int, ended: list[Ended]) -> None:
    transport = stack.transport(2, ssl_context=TRUST)
    async with qcasync.Client(
        1, "token", base_url=f"http://127.0.0.1:{port}/", transport=transport, max_attempts=1
    ) as client:
        with pytest.raises(qcasync.RequestError) as caught:
            await client.authenticate()
        error = caught.value
        ended.append((str(stack), type(error).__name__, error.sent, error.attempts, error.elapsed))
    await transport.aclose()


def give_up_everywhere() -> list[Ended]:
    """All stacks wait at once."""
    ended: list[Ended] = []

    async def every(backend: str, port: int) -> None:
        async with anyio.create_task_group() as group:
            for stack in STACKS:
                if stack.backend == backend:
                    group.start_soon(give_up, stack, port, ended)

    for name in ("trio", "httpcore", "httpcore2"):
        import_module(name)  # here: where several threads import them first, one may find half a module
    with swallowing() as port, ThreadPoolExecutor() as threads:
        runs = [threads.submit(anyio.run, every, backend, port, backend=backend) for backend in ("asyncio", "trio")]
        for run in runs:
            run.result()
    return ended


@pytest.mark.early(job=give_up_everywhere)
def test_a_connection_that_is_never_accepted_is_given_up(early: list[Ended]) -> None:
    """After 5 s, the time to connect. A handshake that stalls is in `test_phases`."""
    assert {stack for stack, *_ in early} == set(map(str, STACKS))
    for _, error, sent, attempts, elapsed in early:
        assert (error, sent, attempts) == ("RequestError", "no", 1)
        assert 4.9 < elapsed < 7


async def test_a_black_hole_on_ipv6_costs_a_moment(
    transport: Transport, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IPv4 is tried 0.25 s after IPv6, and on every stack: anyio, trio and aiohttp all have happy eyeballs."""
    async with raw_server(answering(answer())) as server:
        with swallowing("::1", server.port):
            monkeypatch.setattr(socket, "getaddrinfo", Resolver(addresses=("::1", "127.0.0.1")))
            began = time.monotonic()
            request = Request(url=f"http://localhost:{server.port}/", body=b"{}")
            with anyio.fail_after(4):  # without happy eyeballs: 5 s, and no connection
                assert (await transport.exchange(request, progress)).body == SUCCESS
            assert time.monotonic() - began >= 0.2
        assert len(server.requests) == 1


EXPIRED: Final = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgPPwckYRr+lB523lo
gg5Wp1JJw9y1TM7yKerq6A7OvgChRANCAARNOFiyL951SgK0J1gJHn3y95c9zPb2
vX8LuuqIO+IqadTgvrcfoXV/5JQVFHzZz/iP7SO14VIjd9ZI5R1/KN89
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBYDCCAQWgAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
c3QwHhcNMDEwMTAxMDAwMDAwWhcNMDIwMTAxMDAwMDAwWjAUMRIwEAYDVQQDDAls
b2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARNOFiyL951SgK0J1gJ
Hn3y95c9zPb2vX8LuuqIO+IqadTgvrcfoXV/5JQVFHzZz/iP7SO14VIjd9ZI5R1/
KN89o0gwRjAUBgNVHREEDTALgglsb2NhbGhvc3QwDwYDVR0TAQH/BAUwAwEB/zAd
BgNVHQ4EFgQUNLZJwvUSBRZVL4jY2FZFJmZ7Po4wCgYIKoZIzj0EAwIDSQAwRgIh
AP/B2k5cvEhvk9iXRqlMv4BP/0M2qRhMVrp2r6xmskqaAiEAsqAUugHhatGblONa
iRY+rQ5ptJ/Aa/UQOIX3xlG7xwA=
-----END CERTIFICATE-----
"""
"""Key and certificate, its own authority, for the name localhost, from 2001 to 2002."""
NOT_YET_VALID: Final = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgd6p5GR77LI/yrUrn
tqgKv4G+DPLwl7i2ctAmBP1gEo2hRANCAASg+HvHnm/HpmQw9mrT0JwCq//R3Bqd
lPS5OGd14liOxQPPnj+XkDFcl+lQ5lOK4lk1LdPJsMCTQJBpZkriwrIE
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBYzCCAQmgAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
c3QwIhgPMjEwMDAxMDEwMDAwMDBaGA8yMTEwMDEwMTAwMDAwMFowFDESMBAGA1UE
AwwJbG9jYWxob3N0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEoPh7x55vx6Zk
MPZq09CcAqv/0dwanZT0uThndeJYjsUDz54/l5AxXJfpUOZTiuJZNS3TybDAk0CQ
aWZK4sKyBKNIMEYwFAYDVR0RBA0wC4IJbG9jYWxob3N0MA8GA1UdEwEB/wQFMAMB
Af8wHQYDVR0OBBYEFKKorPWTCAU9vw1FTgHCyLhTS0bDMAoGCCqGSM49BAMCA0gA
MEUCIB6xw86I34h4RrACe7YQBwuoVqlk68epvEROt1YdN0sbAiEAyn4h/Esg3jq8
gKwmXRVserk7LdtzXmUzIu5NMyDQSNs=
-----END CERTIFICATE-----
"""
"""The same, from 2100 to 2110: what every certificate is to a machine whose clock is decades late."""


async def refused(stack: Stack, folder: Path, certificate: str) -> qcasync.RequestError:
    """The error of a call to a server with this certificate, which is trusted. Nothing was sent."""

    async def handler(connection: Connection) -> None:
        stream = await TLSStream.wrap(connection._stream, server_side=True, ssl_context=served)
        server.requests.append(await stream.receive())

    file = folder / "server.pem"
    file.write_text(certificate)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(file)
    transport = stack.transport(2, ssl_context=ssl.create_default_context(cafile=file))
    async with raw_server(handler) as server:
        url = f"https://localhost:{server.port}/"
        async with qcasync.Client(1, "token", base_url=url, transport=transport) as client:
            with pytest.raises(qcasync.RequestError) as caught:
                await client.authenticate()
        assert server.requests == []
    await transport.aclose()
    return caught.value


@pytest.mark.parametrize("certificate", [EXPIRED, NOT_YET_VALID], ids=["expired", "not yet valid"])
async def test_a_certificate_at_the_wrong_time(stack: Stack, tmp_path: Path, certificate: str) -> None:
    """One attempt, and a word about the clock."""
    error = await refused(stack, tmp_path, certificate)
    assert (error.sent, error.attempts) == ("no", 1)
    assert "certificate was refused" in str(error)
    assert "check the clock" in str(error)


async def test_a_refused_certificate_is_told_with_the_reason(stack: Stack, tmp_path: Path) -> None:
    """Three in the morning is no time to guess."""
    assert "expired" in str(await refused(stack, tmp_path, EXPIRED))


# Processes of their own


async def start(function: Callable[..., Any], *args: object, environment: dict[str, str] | None = None) -> Process:
    """Call a function of this module in another process, which prints JSON lines."""
    call = f"import {__name__} as module; module.{function.__name__}(*{args!r})"
    return await anyio.open_process(
        [sys.executable, "-W", "error", "-c", call],
        env={**os.environ, **(environment or {})},
        cwd=Path(__file__).parents[2],
        stdin=None,
        stderr=None,
    )


class Lines:
    """What a process prints."""

    def __init__(self, process: Process) -> None:
        assert process.stdout is not None
        self._stream = BufferedByteReceiveStream(process.stdout)

    async def next(self) -> Any:
        return msgspec.json.decode(await self._stream.receive_until(b"\n", 10_000))


def tell(value: object) -> None:
    print(msgspec.json.encode(value).decode(), flush=True)


@contextmanager
def no_files_left() -> Iterator[None]:
    """Use up what this process may open."""
    import resource  # noqa: PLC0415 - Unix has it

    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, limits[1]))
    held: list[int] = []
    try:
        with suppress(OSError):
            while True:
                held.append(os.dup(0))
        yield
    finally:
        for file in held:
            os.close(file)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def starve(base_url: str, user_id: int, api_token: str) -> None:
    """Call on every stack without a file left, and again with some."""

    async def starved(backend: str) -> None:
        for stack in STACKS:
            if stack.backend != backend:
                continue
            transport = stack.transport(2, ssl_context=TRUST)
            async with qcasync.Client(
                user_id, api_token, base_url=base_url, transport=transport, rng=NoJitter()
            ) as client:
                with no_files_left():
                    began = time.process_time()
                    try:
                        await client.authenticate()
                    except qcasync.QuantConnectError as error:
                        told = [type(error).__name__, getattr(error, "sent", ""), error.attempts]
                        tell([*told, time.process_time() - began])
                await client.authenticate()
            await transport.aclose()

    anyio.run(starved, "asyncio", backend="asyncio")
    anyio.run(starved, "trio", backend="trio")


@ON_UNIX
@ON_ONE_STACK
async def test_too_many_open_files(house: House) -> None:
    """Nothing can be sent: the attempts of a call are made, and no more; with files again all is well."""
    account = house.account
    async with await start(starve, house.server.base_url, account.user_id, account.api_token) as process:
        lines = Lines(process)
        for stack in STACKS:
            error, sent, attempts, seconds = await lines.next()
            assert (error, sent, attempts) == ("RequestError", "no", 4), stack
            assert seconds < 1
        assert await process.wait() == 0
    assert house.count("authenticate") == len(STACKS)


def trust_nobody(plain: str, secure: str) -> None:
    """Call on every stack, and report what comes of it."""

    async def call(backend: str) -> None:
        for stack in STACKS:
            if stack.backend != backend:
                continue
            for url in (plain, secure):
                async with qcasync.Client(1, "simulated-token", base_url=url, transport=stack.library) as client:  # type: ignore[arg-type]
                    try:
                        await client.authenticate()
                        tell("authenticated")
                    except qcasync.RequestError as error:
                        tell(str(error))

    anyio.run(call, "asyncio", backend="asyncio")
    anyio.run(call, "trio", backend="trio")


@ON_ONE_STACK
async def test_the_environment_is_ignored(stack: Stack, tmp_path: Path) -> None:
    """Proxies, certificates and logins that somebody put there before Python started, all at once."""
    login = "machine 127.0.0.1 login thief password stolen\ndefault login thief password stolen\n"
    for name in (".netrc", "_netrc"):
        (tmp_path / name).write_text(login)
        (tmp_path / name).chmod(0o600)
    async with (
        raw_server(answering(answer())) as decoy,
        raw_server(answering(answer())) as plain,
        raw_server(answering(answer()), tls=True) as secure,
    ):
        names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
        environment = {spelling: decoy.url for name in names for spelling in (name, name.lower())}
        environment |= {"NO_PROXY": "", "no_proxy": "", "HOME": str(tmp_path), "NETRC": str(tmp_path / ".netrc")}
        environment |= {"SSL_CERT_FILE": str(CERTIFICATE), "SSL_CERT_DIR": str(CERTIFICATE.parent)}
        environment |= {"REQUESTS_CA_BUNDLE": str(CERTIFICATE), "CURL_CA_BUNDLE": str(CERTIFICATE)}
        async with await start(trust_nobody, plain.url, secure.url, environment=environment) as process:
            lines = Lines(process)
            for _ in STACKS:
                assert await lines.next() == "authenticated"
                assert "certificate was refused" in await lines.next()
            assert await process.wait() == 0
        assert decoy.connections == []
        assert secure.requests == []
        logins = {line for head in plain.requests for line in head.lower().split(b"\r\n") if b"authorization" in line}
        assert len(plain.requests) == len(STACKS)
        assert all(line.startswith(b"authorization: basic mt") for line in logins)  # "1:" in base64


def liquidate(backend: str, base_url: str, account: tuple[int, str], project: int, timeout: float) -> None:
    """Liquidate on every stack at once, and report how and when it ended."""

    async def one(stack: Stack) -> None:
        transport = stack.transport(2, ssl_context=TRUST)
        async with qcasync.Client(*account, base_url=base_url, transport=transport, allow_trading=True) as client:
            try:
                await client.live.liquidate(project, timeout=timeout)
            except qcasync.QuantConnectError as error:
                tell([type(error).__name__, error.elapsed, time.monotonic()])
        await transport.aclose()

    async def every() -> None:
        async with anyio.create_task_group() as group:
            for stack in STACKS:
                if stack.backend == backend:
                    group.start_soon(one, stack)

    anyio.run(every, backend=backend)


@ON_UNIX
@ON_ONE_STACK
async def test_a_process_that_is_frozen_in_the_middle_of_a_liquidation(house: House) -> None:
    """On waking it ends at once, because its deadline passed meanwhile, and nothing is sent again."""
    timeout = 1.5
    projects = {backend: house.project(5) for backend in ("asyncio", "trio")}

    async def freeze(backend: str) -> None:
        stacks = [stack for stack in STACKS if stack.backend == backend]
        project = projects[backend]
        account = (house.account.user_id, house.account.api_token)

        async def handler(connection: Connection) -> None:
            await posing(house, LIQUIDATE, hang)(connection)

        async def hang(connection: Connection) -> None:
            arrived.append(connection)
            if len(arrived) == len(stacks):
                complete.set()
            await connection.until_closed()

        arrived: list[Connection] = []
        complete = anyio.Event()
        async with raw_server(handler) as server:
            url = f"{server.url}api/v2/"
            async with await start(liquidate, backend, url, account, project.id, timeout) as process:
                await complete.wait()
                process.send_signal(signal.SIGSTOP)
                await anyio.sleep(timeout + 0.2)
                woken = time.monotonic()
                process.send_signal(signal.SIGCONT)
                lines = Lines(process)
                for _ in stacks:
                    error, elapsed, ended = await lines.next()
                    assert error == "OutcomeUnknown"
                    assert elapsed >= timeout
                    assert 0 <= ended - woken < 1
                assert await process.wait() == 0
            assert asked(server.requests, LIQUIDATE) == len(stacks)

    async with anyio.create_task_group() as group:
        for backend in projects:
            group.start_soon(freeze, backend)


# Connections that close at the wrong moment


async def test_a_kept_connection_that_closes_under_a_read(house: House) -> None:
    """The server had read the request already, so it is sent again, once, on a new connection."""
    project = house.project(5)
    async with raw_server(posing(house, "live/orders/read", close)) as server:
        async with house.client(base_url=f"{server.url}api/v2/") as client:
            await client.authenticate()
            page = await client.live.read_orders(project.id, 0, 10)
        assert len(page.orders) == 5
        assert asked(server.requests, "live/orders/read") == len(server.connections) == 2


@ON_ONE_STACK
async def test_a_kept_connection_that_closes_under_a_liquidation(house: House) -> None:
    """Written is written: it is not sent again, although the connection looks as if it had been idle for too long."""
    project = house.project(5)
    async with raw_server(posing(house, LIQUIDATE, close)) as server:
        async with house.client(base_url=f"{server.url}api/v2/", allow_trading=True) as client:
            await client.authenticate()
            with pytest.raises(qcasync.OutcomeUnknown) as caught:
                await client.live.liquidate(project.id, timeout=1)
        assert caught.value.sent == "yes"
        assert asked(server.requests, LIQUIDATE) == 1
        assert house.simulator.ledger.effects == []


async def test_a_peer_that_vanished(house: House, transport: Transport) -> None:
    """Neither end is told. The call ends in time, and the next one does not use that connection."""
    async with proxy(house.server.port) as here:
        base_url = f"http://127.0.0.1:{here.port}/api/v2/"
        async with house.client(base_url=base_url, transport=transport, max_concurrency=1) as client:
            await client.authenticate()
            await here.add("upstream", Timeout())
            await here.add("downstream", Timeout())
            async with stopwatch() as watch:
                with pytest.raises(qcasync.RequestTimeout) as caught:
                    await client.authenticate(timeout=0.1)
                assert watch.seconds < 0.1 + GRACE
            assert caught.value.sent == "yes"
            await here.clear()
            await client.authenticate()
            assert here.accepted == 2
            assert await none_busy(transport)


@ON_ONE_STACK
async def test_a_server_that_closes_in_the_middle_of_an_upload(house: House) -> None:
    """It may have what it needs: unknown, and not sent again. For the transports alone, see `test_phases`."""

    async def handler(connection: Connection) -> None:
        data = b""
        while not data.startswith(b"POST /live/create"):
            data += await connection.receive()
            if data.endswith(b"}"):  # the whole of a small request, such as a look at what runs
                await connection.send(answer(b'{"success":true,"live":[]}'))
                data = b""
        uploads.append(connection)
        await connection.reset()

    uploads: list[Connection] = []
    parameters = {"p": "x" * 30_000_000}  # more than all buffers hold
    async with raw_server(handler) as server, house.client(base_url=server.url, allow_trading=True) as client:
        with pytest.raises(qcasync.OutcomeUnknown) as caught:
            await client.live.create(1, "compile", "node", brokerage={"id": "X"}, parameters=parameters, timeout=2)
        assert caught.value.sent == "maybe"
        assert len(uploads) == 1


# Answers that do not come as they should


async def test_interim_answers_now_and_then_end_at_the_deadline(house: House, transport: Transport) -> None:
    """Each is progress, to a timeout between bytes; to the call it is not. A flood of them is in `test_bytes`."""

    async def handler(connection: Connection) -> None:
        await connection.request()
        while True:
            await connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            await anyio.sleep(0.01)

    async with (
        raw_server(handler) as server,
        house.client(base_url=server.url, transport=transport, max_concurrency=1) as client,
        stopwatch() as watch,
    ):
        with pytest.raises(qcasync.RequestError) as caught:
            await client.authenticate(timeout=0.15)
        assert watch.seconds < 0.15 + GRACE
        assert caught.value.sent == "yes"
        assert await none_busy(transport)


async def test_single_bytes_both_ways(house: House) -> None:
    """Segments do not matter."""
    project = house.project(5)
    async with proxy(house.server.port) as here:
        await here.add("upstream", Slicer(1))
        await here.add("downstream", Slicer(1))
        async with house.client(base_url=f"http://127.0.0.1:{here.port}/api/v2/") as client:
            page = await client.live.read_orders(project.id, 0, 10)
    assert [order.id for order in page.orders] == [row["id"] for row in house.simulator.orders(project.id)]
    assert house.told(qcasync.RetryScheduled) == []


async def test_a_slow_link(house: House, transport: Transport) -> None:
    """What arrives in time is a value; what does not is an error in time, and costs no connection."""
    project = house.project(60)
    async with proxy(house.server.port) as here:
        base_url = f"http://127.0.0.1:{here.port}/api/v2/"
        async with house.client(base_url=base_url, transport=transport, max_concurrency=1) as client:
            await here.add("downstream", Bandwidth(100_000))
            assert len((await client.live.read_orders(project.id, 0, 100)).orders) == 60
            (received,) = house.told(qcasync.ResponseReceived)
            assert received.seconds >= received.wire_bytes / 100_000
            await here.clear()
            await here.add("downstream", Bandwidth(1_000))
            async with stopwatch() as watch:
                with pytest.raises(qcasync.RequestTimeout) as caught:
                    await client.live.read_orders(project.id, 0, 100, timeout=0.15)
                assert watch.seconds < 0.15 + GRACE
            assert caught.value.sent == "yes"
            await here.clear()
            assert len((await client.live.read_orders(project.id, 0, 100)).orders) == 60
            assert await none_busy(transport)


@pytest.mark.parametrize("stack", ON_ASYNCIO, ids=str)
async def test_an_answer_too_many_confirms_no_liquidation(house: House) -> None:
    """The next request on that connection would find "success" before anybody has read it."""

    async def handler(connection: Connection) -> None:
        if len(server.connections) == 1:
            await connection.request()
            await connection.send(answer() * 2)
            await connection.until_closed()
        else:
            await posing(house, LIQUIDATE, close)(connection)

    project = house.project(5)
    async with raw_server(handler) as server:
        async with house.client(base_url=f"{server.url}api/v2/", allow_trading=True) as client:
            await client.authenticate()
            with pytest.raises(qcasync.OutcomeUnknown):
                await client.live.liquidate(project.id, timeout=1)
        assert asked(server.requests, LIQUIDATE) == 1
        assert len(server.connections) > 1


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param(answer(gzip.compress(SUCCESS)[:-4], "content-encoding: gzip"), id="gzip cut short"),
        pytest.param(answer(b"no gzip", "content-encoding: gzip"), id="not gzip"),
        pytest.param(answer(b"?", "content-encoding: br"), id="encoding not asked for"),
        pytest.param(answer(b"x" * 100), id="too large"),
        pytest.param(answer(SUCCESS, length=3), id="length too short"),
    ],
)
async def test_what_follows_a_damaged_answer_is_not_the_next_answer(
    transport: Transport, progress: Progress, damaged: bytes
) -> None:
    """The answer is refused, and with it everything that came on that connection. Found by `test_wire`."""

    async def handler(connection: Connection) -> None:
        await connection.request()
        await connection.send(damaged + answer(b'{"stale":1}') if len(server.connections) == 1 else answer())
        await connection.until_closed()

    async with raw_server(handler) as server:
        request = Request(url=server.url, body=b"{}", max_body_bytes=50)
        with anyio.fail_after(5):
            with suppress(TransportError):
                await transport.exchange(request, Progress(time.monotonic))
            assert (await transport.exchange(request, progress)).body == SUCCESS
        assert len(server.connections) == 2
