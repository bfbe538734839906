"""While nothing is known about the server's clock, one request goes first, and the others wait for what becomes of it.

A wrong clock then costs one refused request, however many calls start together; a wrong token as well.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import anyio

from qcasync._clock import Clock
from qcasync._core.retrying import Effect
from qcasync._core.skew import Skew
from qcasync.errors import QuantConnectError, RequestError

MAX_WAIT: Final = 10.0


class LeaderGate:
    """Lets the first request pass, and then all others.

    Args:
        skew: Says whether a leader is wanted.
        clock: Our clocks.
    """

    def __init__(self, skew: Skew, clock: Clock) -> None:
        self._skew = skew
        self._clock = clock
        self._finished: anyio.Event | None = None

    @asynccontextmanager
    async def turn(self, effect: Effect) -> AsyncGenerator[None, None]:
        """Wait for the leader, or become it. A call with effect on the market never waits.

        The block is the whole outcome of the request, a repetition for the clock included. A leader that got no answer
        has learnt nothing, and is followed by another one.
        """
        if not await self._leads(effect):
            yield
            return
        self._finished = finished = anyio.Event()
        try:
            yield
            self._skew.leader_finished()
        except QuantConnectError as error:
            if not isinstance(error, RequestError):
                self._skew.leader_finished()
            raise
        finally:  # cancelled leaders are followed by another one
            self._finished = None
            finished.set()

    async def _leads(self, effect: Effect) -> bool:
        if effect is Effect.MARKET:
            return False
        with anyio.move_on_after(MAX_WAIT):
            while self._skew.wants_leader(self._clock.read()):
                if self._finished is None:
                    return True
                await self._finished.wait()
        return False
