"""No redirect is followed, wherever it points: it would carry the signature, and a 307 the body, to another place."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

import qcasync
from qcasync.transports.protocol import Progress, Request
from tests.canaries import find, invent
from tests.integration.conftest import House
from tests.integration.raw import Connection, RawServer, answer, answering, raw_server
from tests.integration.stacks import Stack
from tests.unit.test_secrets import told

pytestmark = pytest.mark.anyio

STATUSES = (301, 302, 303, 307, 308)
PLACES = {
    "same origin": "{origin}elsewhere",
    "same path": "{origin}live/create",
    "relative path": "/elsewhere",
    "relative to this path": "elsewhere?a=1",
    "another port": "{other}elsewhere",
    "another port, without a scheme": "//127.0.0.1:{port}/elsewhere",
    "another name": "http://localhost:{port}/elsewhere",
    "with a password": "http://somebody:hunter2@127.0.0.1:{port}/",
    "with a secret in its path": "{other}hunter2?token=hunter2#hunter2",
    "no address": "https://[",
    "empty": "",
    "absent": None,
}


@dataclass
class Pair:
    """A server that redirects, and one that would welcome whoever came."""

    here: RawServer
    there: RawServer


@asynccontextmanager
async def pair(status: int, place: str | None, *, tls: bool = False) -> AsyncIterator[Pair]:
    """Serve both until the block ends."""
    async with raw_server(answering(answer())) as there:

        async def move(connection: Connection) -> None:
            location = None if place is None else place.format(origin=here.url, other=there.url, port=there.port)
            lines = [] if location is None else [f"location: {location}"]
            await answering(answer(b"", *lines, status=f"{status} Moved"))(connection)

        async with raw_server(move, tls=tls) as here:
            yield Pair(here, there)


async def refused(house: House, server: RawServer) -> qcasync.QuantConnectError:
    """What a call ends with that is redirected."""
    async with house.client(base_url=server.url) as client:
        with pytest.raises(qcasync.QuantConnectError) as caught:
            await client.authenticate()
    return caught.value


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("status", STATUSES)
async def test_a_redirect_is_refused(house: House, status: int, place: str) -> None:
    """One request, to the server that was named; nothing, not even a connection, to the other."""
    async with pair(status, PLACES[place]) as servers:
        error = await refused(house, servers.here)
        assert isinstance(error, qcasync.ResponseError)
        assert error.status_code == status
        assert len(servers.here.requests) == 1
        assert servers.there.connections == []
        assert find(told(error)) is None


@pytest.mark.parametrize("status", STATUSES)
async def test_the_body_of_a_command_is_not_sent_on(stack: Stack, progress: Progress, status: int) -> None:
    """It may hold a brokerage's password, which 307 and 308 ask to send again."""
    transport = stack.transport(2)
    async with pair(status, PLACES["another port"]) as servers:
        request = Request(url=servers.here.url + "live/create", body=invent(15).encode())
        response = await transport.exchange(request, progress)
        assert response.status_code == status
        assert [invent(15).encode() in each for each in servers.here.requests] == [True]
        assert servers.there.connections == []
        await transport.aclose()


@pytest.mark.parametrize("status", STATUSES)
async def test_a_redirect_to_plain_http_is_refused(house: House, status: int) -> None:
    """From TLS to a place where everybody could read along."""
    async with pair(status, PLACES["another port"], tls=True) as servers:
        error = await refused(house, servers.here)
        assert isinstance(error, qcasync.ResponseError)
        assert (len(servers.here.requests), servers.there.connections) == (1, [])


@pytest.mark.parametrize(
    ("place", "named"),
    [
        ("another port", " to 127.0.0.1,"),
        ("another name", " to localhost,"),
        ("with a password", " to 127.0.0.1,"),
        ("with a secret in its path", " to 127.0.0.1,"),
        ("relative path", "a redirect,"),
        ("no address", "a redirect,"),
    ],
)
async def test_the_error_names_the_host_only(house: House, place: str, named: str) -> None:
    """Enough to recognise a login page; neither path nor query, which may hold what somebody signed in with."""
    async with pair(302, PLACES[place]) as servers:
        error = await refused(house, servers.here)
        text = str(error)
        assert named in text
        assert "never followed" in text
        for part in ("elsewhere", "somebody", "hunter2", "token=", str(servers.there.port)):
            assert part not in text


async def test_a_redirect_is_no_reason_to_leave_the_connection(house: House) -> None:
    """The next call goes to the same place as the first."""
    async with pair(307, PLACES["another port"]) as servers:
        async with house.client(base_url=servers.here.url) as client:
            for _ in range(3):
                with pytest.raises(qcasync.ResponseError):
                    await client.authenticate()
        assert len(servers.here.requests) == 3
        assert servers.there.connections == []
