"""All bodies that are being read share one room of bytes, so that many large answers at once do not fill the memory."""

from types import TracebackType
from typing import Final, Self

import anyio

ROOM_BYTES: Final = 128 * 2**20
ALWAYS_ROOM: Final = 64 * 2**10
"""A body this small never waits: the answer to a stop is one."""


class Room:
    """A bounded number of bytes, taken by `Share` as bodies grow.

    Where nothing is left, a share waits until another one ends; but one at a time may go on without waiting, because
    all would wait for each other if all were half read. So at most `capacity`, one whole body, and what is
    small are taken.

    Args:
        capacity: Bytes.

    Attributes:
        taken: Bytes held by all shares.
    """

    __slots__ = ("capacity", "exempt", "taken", "waiting")

    def __init__(self, capacity: int = ROOM_BYTES) -> None:
        self.capacity = capacity
        self.taken = 0
        self.exempt: Share | None = None
        self.waiting: dict[Share, anyio.Event] = {}
        """In the order in which they came."""

    def share(self) -> "Share":
        """What one body takes, within a `with` block."""
        return Share(self)


class Share:
    """What one body holds of the room. All of it is given back at the end of the `with` block.

    Transitions: fits | waits | is exempt
    """

    __slots__ = ("_room", "taken")

    def __init__(self, room: Room) -> None:
        self._room = room
        self.taken = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        room = self._room
        room.taken -= self.taken
        self.taken = 0
        if room.exempt is self:
            room.exempt = next(iter(room.waiting), None)  # who has waited longest
        for event in room.waiting.values():
            event.set()

    async def take(self, size: int) -> None:
        """Take `size` bytes, and wait for them if there must be."""
        room = self._room
        small = self.taken + size <= ALWAYS_ROOM
        if room.taken + size > room.capacity and room.exempt is not self and not small:
            await self._wait_for(size)
        room.taken += size
        self.taken += size

    async def _wait_for(self, size: int) -> None:
        room = self._room
        try:
            while room.taken + size > room.capacity and room.exempt is not self:
                if room.exempt is None:
                    room.exempt = self
                else:
                    event = room.waiting[self] = anyio.Event()
                    await event.wait()
        finally:
            room.waiting.pop(self, None)
