"""What a window plan is told, and what it answers. The plan itself stands in `windows.py`."""

import enum
from collections.abc import Hashable

import msgspec


class Window(msgspec.Struct, frozen=True):
    """Indexes `start` up to, and not including, `end`."""

    start: int
    end: int

    @property
    def size(self) -> int:
        """How many rows it asks for."""
        return self.end - self.start


class LookAgain(msgspec.Struct, frozen=True):
    """Nothing to ask before this moment."""

    at: float


class Wait(msgspec.Struct, frozen=True):
    """Nothing to ask before something in flight comes back, or rows are taken."""


class Complete(msgspec.Struct, frozen=True):
    """Every row was read, and the end is proved."""


class Empty(msgspec.Struct):
    """What the plan remembers of empty answers to one start index."""

    looks: int
    since: float
    at: float
    cold: bool = False
    """Asked before any row had come, perhaps of a cache that was still empty."""


class Trouble(enum.Enum):
    """Why a listing cannot be completed."""

    WARMING = "the list is known to have rows, but its first window stays empty"
    HOLE = "the server has no rows where rows must be"
    REPEATED = "the server answers the same rows for different windows"
    CHANGED = "the rows moved while they were read"


class Broken(msgspec.Struct, frozen=True):
    """The listing cannot be completed."""

    trouble: Trouble


Step = Window | LookAgain | Wait | Complete | Broken


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """What the plan needs to know of an answer.

    Attributes:
        count: Rows that came.
        length: What the server says about the length of the list, whatever it means by it.
        first: Identity of the first row; None if there is none or it cannot be told.
        surplus: Identity of the first row after the window's end, where more came than was asked.
    """

    count: int
    length: int | None = None
    first: Hashable = None
    surplus: Hashable = None
