"""What the simulator was asked, and which commands had an effect.

Free of credentials: failing tests print it.
"""

from collections import deque
from collections.abc import Mapping

import msgspec

from qcasync.simulator.wire import as_object

_LIMIT = 100_000
_SECRET_FIELDS = frozenset({"authorization", "timestamp", "token", "apitoken", "hash", "password"})
_SETTINGS_FIELDS = frozenset({"brokerage", "dataProviders", "notification"})
_HARMLESS_SETTINGS = frozenset({"id", "cash", "holdings", "events"})
REDACTED = "[redacted]"


class RequestRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One request that reached the simulator.

    Attributes:
        number: Counts from 1.
        at: True Unix time of arrival.
        path: Relative to `/api/v2/`.
        payload: What was asked, without credentials and brokerage settings.
        status: The status code of the answer.
        outcome: "ok", "failure", "loading", "warming", "refused", "throttled", or "fault: " and its kind.
        user_id: Who signed it; None when the signature was not looked at or not accepted.
    """

    number: int
    at: float
    path: str
    payload: dict[str, object]
    status: int
    outcome: str
    user_id: int | None


class EffectRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A command that changed something.

    Attributes:
        request: The number of the request that caused it.
        kind: "create", "stop", "liquidate" or "command".
    """

    request: int
    at: float
    kind: str
    project_id: int
    deploy_id: str


class CommandRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A command that reached an algorithm.

    Attributes:
        request: The number of the request that brought it. A broadcast reaches many algorithms with one.
        command: What it says, as it came.
        broadcast: Whether it was sent to the whole organization.
    """

    request: int
    at: float
    project_id: int
    deploy_id: str
    command: dict[str, object]
    broadcast: bool


class Ledger:
    """The record of one simulator, oldest first. Bounded: the oldest of 100,000 entries give way."""

    def __init__(self) -> None:
        self._requests: deque[RequestRecord] = deque(maxlen=_LIMIT)
        self._effects: deque[EffectRecord] = deque(maxlen=_LIMIT)
        self._commands: deque[CommandRecord] = deque(maxlen=_LIMIT)
        self._count = 0

    @property
    def requests(self) -> list[RequestRecord]:
        """The requests, oldest first, as a copy."""
        return list(self._requests)

    @property
    def effects(self) -> list[EffectRecord]:
        """The effects, oldest first, as a copy."""
        return list(self._effects)

    @property
    def commands(self) -> list[CommandRecord]:
        """The commands that reached an algorithm, oldest first, as a copy."""
        return list(self._commands)

    def commands_of(self, project_id: int) -> list[dict[str, object]]:
        """What a project's algorithm was told, oldest first, broadcasts included."""
        return [dict(record.command) for record in self._commands if record.project_id == project_id]

    def count(self, path: str | None = None) -> int:
        """How many requests there were, to `path` or in all."""
        return sum(path in {None, record.path} for record in self.requests)

    def clear(self) -> None:
        """Forget everything; numbers go on."""
        self._requests.clear()
        self._effects.clear()
        self._commands.clear()

    def next_number(self) -> int:
        """Number the request that has just arrived."""
        self._count += 1
        return self._count

    def add_request(self, record: RequestRecord) -> None:
        """Append a request."""
        self._requests.append(record)

    def add_effect(self, record: EffectRecord) -> None:
        """Append an effect."""
        self._effects.append(record)

    def add_command(self, record: CommandRecord) -> None:
        """Append a command that arrived."""
        self._commands.append(record)


def redact(payload: Mapping[str, object]) -> dict[str, object]:
    """Copy a request's fields without those that may hold credentials."""
    return {key: _redacted(key, value) for key, value in payload.items()}


def _redacted(key: str, value: object) -> object:
    if key.lower() in _SECRET_FIELDS:
        return REDACTED
    if key in _SETTINGS_FIELDS:
        # Any setting may be a secret; the few that cannot are named, and everything below them is left as it is.
        settings = as_object(value)
        if settings is None:
            return REDACTED
        return {name: entry if name in _HARMLESS_SETTINGS else REDACTED for name, entry in settings.items()}
    return value
