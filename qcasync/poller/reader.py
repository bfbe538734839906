"""Reads for a watch, each with the time at which its answer was written."""

from typing import TypeVar

import msgspec

from qcasync._core.endpoints import Endpoint
from qcasync._session import Session

T = TypeVar("T")


class Reader:
    """Performs calls of a client.

    Args:
        session: The client's.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._answered_at: float | None = None

    async def read(
        self, endpoint: Endpoint[T], request: msgspec.Struct, *, timeout: float | None = None
    ) -> tuple[T, float]:
        """Perform an operation. Returns its value, and when the server wrote it, in Unix seconds."""
        call = self._session.prepare(endpoint, request, timeout=self._session.timeout if timeout is None else timeout)
        value = await self._session.perform(call)
        at = self._answered_at = self.server_time() if call.answer is None else call.answer.at
        return value, at

    def answered_at(self) -> float:
        """When the latest answer was written: a time that a replay has too, for requests that ask up to now."""
        return self.server_time() if self._answered_at is None else self._answered_at

    def server_time(self) -> float:
        """The server's Unix time, as nearly as it is known."""
        exchange = self._session.exchange
        return exchange.skew.server_time(exchange.clock.read())

    def earliest_time(self) -> float:
        """The least that the server's Unix time can be; as nearly as it is known, if no answer has told it yet."""
        exchange = self._session.exchange
        return self.server_time() - (exchange.skew.uncertainty(exchange.clock.read()) or 0.0)
