"""What happens in a watch, moment by moment, as whoever runs one writes it down."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

from qcasync._core.deltas import OrderRecord
from qcasync.models.changes import Change
from qcasync.models.orders import Order
from qcasync.models.quarantine import Quarantined

Thing = tuple[Hashable, ...]
"""What an order is, whoever looks at it."""


@dataclass(frozen=True, slots=True)
class Start:
    """A process took the store into use."""

    fencing: int


@dataclass(frozen=True, slots=True)
class Crash:
    """It died. What it had not committed is forgotten."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A window that was answered. `rows` are all that came; those from `end` on do not count.

    Attributes:
        length: What the server says about the length of the list.
    """

    project_id: int
    look: int
    start: int
    end: int
    rows: tuple[Order[Any] | Quarantined, ...]
    at: float
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """A transaction that was kept."""

    project_id: int
    fencing: int
    changes: tuple[Change, ...]
    orders: tuple[OrderRecord, ...] = ()
    answer: int | None = None
    look: int | None = None
    complete_through: float | None = None
    remembered: int | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A consumer was given a change."""

    change: Change


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The store has kept that a change, and all before it in its project, need not be delivered any more."""

    change: Change


@dataclass(frozen=True, slots=True)
class Failure:
    """A project could not be read."""

    project_id: int


@dataclass(frozen=True, slots=True)
class Memory:
    """How much is remembered, and how much may be."""

    used: int
    bound: int


@dataclass(frozen=True, slots=True)
class Erasure:
    """These orders exist no more."""

    project_id: int
    things: frozenset[Thing]


@dataclass(frozen=True, slots=True)
class Quiet:
    """Nothing happens any more, and everything was read and delivered since."""


Moment = Start | Crash | Answer | Commit | Delivery | Acknowledgement | Failure | Memory | Erasure | Quiet


@dataclass
class History:
    """What happened.

    Attributes:
        moments: In order.
        told_since: Orders of before this Unix time are a baseline; None if everything is told.
        undisturbed: The same world without crashes (for I7) or without failures of projects (for I9).
        renumbered: Whether the two may number deployments differently, as they do when one of them never saw one.
        erasable: Whether deployments were erased, so that one of the two may have missed some of their orders.
    """

    moments: list[Moment] = field(default_factory=list)
    told_since: float | None = None
    undisturbed: "History | None" = None
    renumbered: bool = False
    erasable: bool = False

    def commits(self) -> Iterator[tuple[int, Commit]]:
        """Yield the commits with their positions."""
        for at, moment in enumerate(self.moments):
            if isinstance(moment, Commit):
                yield at, moment

    def changes(self) -> Iterator[tuple[int, Change]]:
        """Yield what was told, with the positions of its commits."""
        for at, commit in self.commits():
            for change in commit.changes:
                yield at, change


class Broken(AssertionError):
    """An invariant does not hold.

    Attributes:
        invariant: Which one.
        at: Position of the moment that breaks it.
    """

    def __init__(self, invariant: str, at: int, what: str) -> None:
        super().__init__(f"{invariant} is broken at moment {at}: {what}")
        self.invariant = invariant
        self.at = at


Finding = tuple[int, str]


def thing(project_id: int, order: Order[Any]) -> Thing:
    """What an order is: its number, when it was created, and what it trades."""
    return (project_id, order.id, order.created_time or order.time, order.symbol.id)


def events_of(order: Order[Any]) -> Iterator[Hashable]:
    """Yield what each event of an order is: its name, or its place where the name is not the server's own."""
    for position, event in enumerate(order.events):
        yield (position, event.id)
