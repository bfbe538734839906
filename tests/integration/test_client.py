"""Whole journeys: the client, a real socket, and the simulator's truth."""

import time
from typing import Any

import anyio
import msgspec
import pytest

import qcasync
from qcasync.simulator import Conditions, Simulator, serve
from tests.integration.conftest import House
from tests.integration.raw import Connection, answer, answering, raw_server
from tests.integration.stacks import Stack, none_busy

pytestmark = pytest.mark.anyio

HOUR = 3600.0
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


async def test_authenticate(house: House, stack: Stack) -> None:
    """With the transport made by its name, as users do it."""
    async with house.client(transport=stack.library) as client:
        await client.authenticate()
        assert client.clock_offset == pytest.approx(0, abs=2)
    assert house.count() == 1


@pytest.mark.parametrize("deployments", [(40, 120, 327), (3000,)], ids=["487 orders", "3000 orders"])
async def test_all_orders(house: House, deployments: tuple[int, ...]) -> None:
    """Every order, once, in order, in the deployment it belongs to."""
    project = house.project(*deployments)
    truth = house.simulator.orders(project.id)
    async with house.client() as client:
        listing = await client.live.list_orders(project.id)
    assert listing.complete
    assert listing.total == len(truth) == sum(deployments)
    assert [order.id for order in listing.orders] == [row["id"] for row in truth]
    assert [order.quantity for order in listing.orders] == [row["quantity"] for row in truth]
    assert [order.tag for order in listing.orders] == [row.get("tag") for row in truth]
    assert [len(order.events) for order in listing.orders] == [len(_list(row.get("events"))) for row in truth]
    assert len(listing.deployments) == len(deployments)
    assert house.count() <= sum(deployments) // 100 + 4


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


async def test_answers_are_compressed(house: House) -> None:
    """Gzip is asked for, and undone: fewer bytes travel than are decoded."""
    project = house.project(100)
    async with house.client() as client:
        await client.live.read_orders(project.id, 0, 100)
    (received,) = house.told(qcasync.ResponseReceived)
    assert 0 < received.wire_bytes < received.body_bytes / 2


async def test_leaving_a_listing_early_keeps_the_client_usable(house: House, stack: Stack) -> None:
    """Requests under way are cancelled; no connection stays busy, however often that happens."""
    project = house.project(1500)
    house.simulator.conditions.latency = 0.01
    transport = stack.transport(4)
    async with house.client(transport=transport, max_concurrency=3) as client:
        for _ in range(5):
            async with client.live.iter_orders(project.id) as pages:
                async for _ in pages:
                    break
            assert await none_busy(transport)
        house.simulator.ledger.clear()
        assert len((await client.live.list_orders(project.id)).orders) == 1500
    await transport.aclose()


@pytest.mark.parametrize("offset", [-3 * HOUR, 3 * HOUR])
async def test_a_wrong_clock_costs_one_request(house: House, offset: float) -> None:
    """20 calls at once, 21 requests."""
    house.simulator.conditions = Conditions(clock_offset=offset, timestamp_past=300, timestamp_future=300, latency=0.01)
    async with house.client() as client:
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(client.authenticate)
        assert client.clock_offset == pytest.approx(offset, abs=2.5)
    assert house.count() == 21


async def test_a_wrong_token_is_sent_once(house: House) -> None:
    refused: list[qcasync.AuthenticationError] = []

    async def call() -> None:
        try:
            await client.authenticate()
        except qcasync.AuthenticationError as error:
            refused.append(error)

    house.simulator.conditions.latency = 0.01
    async with house.client(api_token="wrong") as client, anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(call)
    assert len(refused) == 20
    assert house.count() == 1
    assert "wrong" not in "".join(str(error) for error in refused)


async def test_a_server_that_is_gone(house: House) -> None:
    """Nothing was sent, and the error says so and what to do."""
    with serve(Simulator(1, time.time())) as server:
        address = server.base_url
    async with house.client(base_url=address, allow_trading=True) as client:
        for call in (client.authenticate(), client.live.liquidate(1)):
            with pytest.raises(qcasync.RequestError) as caught:
                await call
            assert type(caught.value) is qcasync.RequestError
            assert caught.value.sent == "no"
            assert "The request was not sent; check the network" in str(caught.value)
            assert caught.value.attempts > 1


async def test_a_server_that_goes_and_comes_back(house: House) -> None:
    """Kept connections are dead; the next call is sent once, on a new one."""
    simulator = Simulator(1, time.time())
    options: dict[str, Any] = {"user_id": simulator.user_id, "api_token": simulator.api_token}
    with serve(simulator) as server:
        async with house.client(base_url=server.base_url, **options) as client:
            await client.authenticate()
    simulator.ledger.clear()
    with serve(simulator, port=server.port):
        async with house.client(base_url=server.base_url, **options) as client:
            await client.authenticate()
    assert simulator.ledger.count() == 1


async def test_a_redirect_is_not_followed(house: House) -> None:
    """Not even to the same server."""
    async with raw_server(answering(answer())) as elsewhere:
        move = answer(b"", f"location: {elsewhere.url}", status="307 Temporary Redirect")
        async with raw_server(answering(move)) as server, house.client(base_url=server.url) as client:
            with pytest.raises(qcasync.ResponseError, match="redirect") as caught:
                await client.authenticate()
            assert caught.value.status_code == 307
            assert len(server.requests) == 1
        assert elsewhere.connections == []


async def test_proxies_of_the_environment_are_ignored(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """They would see every signature."""
    for name in PROXIES:
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with house.client() as client:
        await client.authenticate()


async def test_what_is_sent(house: House) -> None:
    """One request, whole: the signature, JSON, no cookie, nothing that names the machine."""
    async with raw_server(answering(answer(b'{"success":true}', "set-cookie: session=1"))) as server:
        async with house.client(base_url=server.url) as client:
            await client.authenticate()
            await client.authenticate()
        assert len(server.connections) == 1
    for request in server.requests:
        head, _, body = request.decode().partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        assert first == "POST /authenticate HTTP/1.1"
        assert msgspec.json.decode(body) == {}
        assert headers["authorization"].startswith("Basic ")
        assert headers["timestamp"].isdigit()
        assert headers["content-type"] == "application/json"
        assert headers["accept-encoding"] == "gzip"
        assert headers["user-agent"] == "qcasync"
        assert int(headers["content-length"]) == len(body)
        assert set(headers) <= {
            "host", "authorization", "timestamp", "content-type", "content-length", "accept-encoding", "user-agent",
            "accept",
        }  # fmt: skip


async def test_many_calls_at_once(house: House, stack: Stack) -> None:
    """100 connections: httpx in shards of 10, the others in one pool."""
    house.simulator.conditions.latency = 0.05
    async with house.client(transport=stack.library, max_concurrency=100) as client:
        await client.authenticate()
        async with anyio.create_task_group() as group:
            for _ in range(300):
                group.start_soon(client.authenticate)
    assert house.count() == 301
    assert house.told(qcasync.RetryScheduled) == []


async def test_closing_while_a_request_hangs(house: House) -> None:
    """A cancelled call does not hold up the end of the block."""

    async def handler(connection: Connection) -> None:
        await connection.request()
        arrived.set()
        await connection.until_closed()

    arrived = anyio.Event()
    async with raw_server(handler) as server:
        async with house.client(base_url=server.url) as client, anyio.create_task_group() as group:
            group.start_soon(client.authenticate)
            await arrived.wait()
            group.cancel_scope.cancel()
        with anyio.fail_after(5):
            await server.closed.wait()
