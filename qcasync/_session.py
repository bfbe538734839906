"""What resources are given of a client: calls with its defaults, its permissions, and its memory of totals."""

from datetime import timedelta
from typing import TypeVar

import msgspec

from qcasync._core.endpoints import Endpoint
from qcasync._exchange import Exchange
from qcasync.errors import ConfigurationError

T = TypeVar("T")
Seconds = float | timedelta


class Session:
    """An exchange with a client's settings.

    Args:
        exchange: The door to the network.
        timeout: Seconds for a whole call; None for each operation's own.
        allow_trading: Whether calls with effect on the market may be made.
    """

    def __init__(self, exchange: Exchange, *, timeout: float | None, allow_trading: bool) -> None:
        self.exchange = exchange
        self.timeout = timeout
        self.totals: dict[int, int] = {}
        """How many orders each project had when they were last listed."""
        self._allow_trading = allow_trading
        self._closed = False

    async def call(self, endpoint: Endpoint[T], request: msgspec.Struct, *, timeout: Seconds | None) -> T:
        """Perform one operation.

        Raises:
            ConfigurationError: The client is closed, or was not opened for trading.
        """
        self.check_open()
        if endpoint.trading and not self._allow_trading:
            raise ConfigurationError(
                f"{endpoint.path} acts on the market, and this client was not opened for that. Nothing was sent.",
                "Open it with Client(allow_trading=True).",
            )
        return await self.exchange.call(endpoint, request, timeout=self.seconds(timeout))

    def seconds(self, timeout: Seconds | None) -> float | None:
        """A call's timeout, or the client's, in seconds."""
        return self.timeout if timeout is None else seconds_of(timeout)

    def check_open(self) -> None:
        """Refuse to work after `close`."""
        if self._closed:
            raise ConfigurationError("The client is closed.", "Make the calls inside its `async with` block.")

    def close(self) -> None:
        """Refuse calls from now on."""
        self._closed = True


def seconds_of(timeout: Seconds) -> float:
    """Check a timeout, and give it in seconds."""
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else float(timeout)
    if not seconds > 0:
        raise ConfigurationError(f"A timeout must be positive, not {seconds:g} s.", "Leave it out for the default.")
    return seconds
