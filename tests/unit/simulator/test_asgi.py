"""The ASGI application by itself, driven message by message."""

from typing import Any

import anyio
import pytest

from qcasync.simulator import FaultKind, Simulator
from qcasync.simulator.asgi import asgi_app

from .calling import sign_for

pytestmark = pytest.mark.anyio


class Exchange:
    """A server's side of one ASGI exchange."""

    def __init__(self, simulator: Simulator, *bodies: bytes) -> None:
        self.scope: dict[str, Any] = {
            "type": "http",
            "method": "POST",
            "path": "/api/v2/live/read",
            "query_string": b"",
            "headers": [(name.lower().encode(), value.encode()) for name, value in sign_for(simulator).items()],
        }
        self._incoming: list[dict[str, Any]] = [
            {"type": "http.request", "body": body, "more_body": number < len(bodies)}
            for number, body in enumerate(bodies, start=1)
        ]
        self._incoming.append({"type": "http.disconnect"})
        self.sent: list[Any] = []
        self._app = asgi_app(simulator, lambda: simulator.now)

    async def receive(self) -> dict[str, Any]:
        return self._incoming.pop(0)

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def run(self) -> list[Any]:
        await self._app(self.scope, self.receive, self.send)
        return self.sent


async def test_a_body_in_pieces(simulator: Simulator) -> None:
    project = simulator.add_project([1])
    body = b'{"projectId":%d}' % project.id
    start, rest = await Exchange(simulator, body[:3], body[3:]).run()
    assert start["status"] == 200
    assert b'"status":"Running"' in rest["body"]
    assert (b"content-length", str(len(rest["body"])).encode()) in start["headers"]


async def test_a_client_that_leaves_early_is_not_served(simulator: Simulator) -> None:
    assert await Exchange(simulator).run() == []
    assert simulator.ledger.requests == []


async def test_other_protocols_are_ignored(simulator: Simulator) -> None:
    exchange = Exchange(simulator)
    exchange.scope = {"type": "lifespan"}
    assert await exchange.run() == []


async def test_the_delay_is_waited_for(simulator: Simulator) -> None:
    simulator.conditions.latency = 40.0
    started = anyio.current_time()
    await Exchange(simulator, b"{}").run()
    assert anyio.current_time() - started == pytest.approx(40.0)


@pytest.mark.parametrize("offered", [True, False])
async def test_dropping_needs_the_servers_help(simulator: Simulator, offered: bool) -> None:
    dropped: list[bool] = []
    exchange = Exchange(simulator, b"{}")
    if offered:
        exchange.scope["extensions"] = {"qcasync.drop_connection": lambda: dropped.append(True)}
    simulator.fault(FaultKind.RESET_BEFORE_ANSWER)
    assert await exchange.run() == []
    assert dropped == [True] * offered


async def test_a_hang_ends_when_the_client_leaves(simulator: Simulator) -> None:
    simulator.fault(FaultKind.HANG)
    assert await Exchange(simulator, b"{}").run() == []
    assert simulator.ledger.count() == 1
