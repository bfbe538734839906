"""Calls to a simulator, signed here by hand: the client is not to be trusted in these tests."""

import base64
import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import cast

import msgspec

from qcasync.simulator import Answer, Simulator


def sign(user_id: int | str, token: str, timestamp: int | str) -> dict[str, str]:
    digest = hashlib.sha256(f"{token}:{timestamp}".encode()).hexdigest()
    credentials = base64.b64encode(f"{user_id}:{digest}".encode()).decode()
    return {"Authorization": f"Basic {credentials}", "Timestamp": str(timestamp), "Content-Type": "application/json"}


def sign_for(simulator: Simulator, now: float | None = None) -> dict[str, str]:
    return sign(simulator.user_id, simulator.api_token, int(simulator.now if now is None else now))


class Caller:
    """Asks one simulator, at a time that stands still unless a test moves it."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.now = simulator.now

    def send(self, path: str, payload: Mapping[str, object] = MappingProxyType({}), *, method: str = "POST") -> Answer:
        headers = sign_for(self.simulator, self.now + self.simulator.conditions.clock_offset)
        return self.simulator.handle(method, path, headers.items(), msgspec.json.encode(dict(payload)), self.now)

    def __call__(self, path: str, /, **payload: object) -> dict[str, object]:
        return msgspec.json.decode(self.send(path, payload).body, type=dict[str, object])

    def orders(self, project_id: int, start: int = 0, end: int = 100) -> list[dict[str, object]]:
        answer = self("live/orders/read", projectId=project_id, start=start, end=end)
        return cast("list[dict[str, object]]", answer["orders"])
