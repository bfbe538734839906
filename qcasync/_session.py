"""What resources are given of a client: calls with its defaults, its permissions, and its memory of totals."""

import os
from collections.abc import Hashable
from datetime import timedelta
from typing import TypeVar

import msgspec
from anyio.lowlevel import EventLoopToken, current_token

from qcasync._call import Call
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
        organization_id: For calls that take one; None if none is known.
    """

    def __init__(
        self,
        exchange: Exchange,
        *,
        timeout: float | None,
        allow_trading: bool,
        organization_id: str | None = None,
    ) -> None:
        self.exchange = exchange
        self.timeout = timeout
        self.organization_id = organization_id
        self.totals: dict[Hashable, int] = {}
        """How many rows each list had when it was last read, by `Collection.key`."""
        self._allow_trading = allow_trading
        self._closed = False
        self._home: tuple[int, EventLoopToken] | None = None

    async def call(self, endpoint: Endpoint[T], request: msgspec.Struct, *, timeout: Seconds | None) -> T:
        """Perform one operation.

        Raises:
            ConfigurationError: The client is closed, belongs elsewhere, or was not opened for trading.
        """
        return await self.perform(self.prepare(endpoint, request, timeout=self.seconds(timeout)))

    def prepare(self, endpoint: Endpoint[T], request: msgspec.Struct, *, timeout: float | None) -> Call[T]:
        """Make a call that `perform` performs.

        Raises:
            ConfigurationError: It may not be made.
        """
        self.check_usable()
        if endpoint.trading and not self._allow_trading:
            raise ConfigurationError(
                f"{endpoint.path} acts on the market, and this client was not opened for that. Nothing was sent.",
                "Open it with Client(allow_trading=True).",
            )
        return self.exchange.prepare(endpoint, request, timeout=timeout)

    async def perform(self, call: Call[T]) -> T:
        """Perform a call that was prepared.

        Raises:
            ConfigurationError: The client was closed since.
        """
        self.check_usable()
        return await self.exchange.perform(call)

    def seconds(self, timeout: Seconds | None) -> float | None:
        """A call's timeout, or the client's, in seconds."""
        return self.timeout if timeout is None else seconds_of(timeout)

    def check_usable(self) -> None:
        """Refuse to work after `close`, in another event loop than the first call's, and in a forked process."""
        if self._closed:
            raise ConfigurationError("The client is closed.", "Make the calls inside its `async with` block.")
        home = (os.getpid(), current_token())
        if self._home is None:
            self._home = home
        elif self._home[0] != home[0]:
            raise ConfigurationError(
                "The client was used before this process was forked: its connections are the parent's.",
                "Make a client in each process.",
            )
        elif self._home[1] != home[1]:
            raise ConfigurationError(
                "The client was used in another event loop, to which its connections belong.",
                "Make a client in each event loop; tasks of one loop may share it.",
            )

    def close(self) -> None:
        """Refuse calls from now on."""
        self._closed = True
        self.exchange.close()


def seconds_of(timeout: Seconds) -> float:
    """Check a timeout, and give it in seconds."""
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else float(timeout)
    if not seconds > 0:
        raise ConfigurationError(f"A timeout must be positive, not {seconds:g} s.", "Leave it out for the default.")
    return seconds
