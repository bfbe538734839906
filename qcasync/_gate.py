"""How many requests are in flight at once, and who is next: a narrow door with a lane for what cannot wait."""

import math
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel


class Gate:
    """A limit to requests in flight that holds some permits back for urgent ones.

    Who waits is served in order, the urgent first. While nothing urgent is in flight, `permits` others are; an urgent
    request finds one of the `reserved` permits free however many others wait or hang.

    Args:
        permits: Requests at once.
        reserved: Further permits, for urgent requests only.

    Attributes:
        free: Permits that nobody holds, the reserved ones included.
    """

    def __init__(self, permits: int, reserved: int) -> None:
        self.free: int = permits + reserved
        self._reserved = reserved
        self._urgent: deque[anyio.Event] = deque()
        self._others: deque[anyio.Event] = deque()

    @asynccontextmanager
    async def permit(self, *, urgent: bool, within: float = math.inf) -> AsyncGenerator[None, None]:
        """Hold a permit inside the block.

        Raises:
            TimeoutError: None came `within` so many seconds.
        """
        with anyio.fail_after(within):
            await self._acquire(urgent)
        try:
            yield
        finally:
            self._release()

    async def _acquire(self, urgent: bool) -> None:
        await anyio.lowlevel.checkpoint_if_cancelled()
        queue = self._urgent if urgent else self._others
        if not queue and self.free > (0 if urgent else self._reserved):
            self.free -= 1
            return
        turn = anyio.Event()
        queue.append(turn)
        try:
            await turn.wait()
        except BaseException:
            if turn.is_set():  # the permit came together with the cancellation
                self._release()
            else:
                queue.remove(turn)
            raise

    def _release(self) -> None:
        self.free += 1
        for queue, kept in ((self._urgent, 0), (self._others, self._reserved)):
            while queue and self.free > kept:
                self.free -= 1
                queue.popleft().set()
