"""The check of the demonstration: what was read, order by order, against what the simulator knows.

The simulator's side comes from its own books, not through its API, and is read with types of its own: a mistake of the
client's models cannot agree with itself.
"""

from collections.abc import Iterable, Sequence
from itertools import repeat, zip_longest
from typing import Final, NamedTuple

import msgspec

import qcasync
from qcasync.simulator import Project, Simulator

COMPARED: Final = "deployment, id, type, symbol, direction, quantity, price, status, tag and events"
"""What is compared of each order."""


class Fact(NamedTuple):
    """What is compared of an order, vocabularies by number and events by id."""

    deployment: int
    id: int
    type: object
    symbol: str
    direction: object
    quantity: float
    price: float
    status: object
    tag: str | None
    events: tuple[str, ...]


class Truth:
    """What a simulator knows of one project, and whether what was read is the same.

    Args:
        simulator: Where to look.
        project: One of its projects.
    """

    def __init__(self, simulator: Simulator, project: Project) -> None:
        numbers = [
            number for number, each in enumerate(project.deployments, 1) for number in repeat(number, each.book.size)
        ]
        entries = msgspec.convert(simulator.orders(project.id), type=list[_Entry])
        self._facts = [_told(number, entry) for number, entry in zip(numbers, entries, strict=True)]
        self._deploy_ids = [each.deploy_id for each in project.deployments]
        self._compared = 0
        self.differences: list[str] = []
        """What was found, in words; empty when all is well."""

    def __len__(self) -> int:
        return len(self._facts)

    def compare(self, page: Iterable[qcasync.Order | qcasync.Quarantined]) -> None:
        """Compare the next rows of a listing."""
        for row in page:
            index, self._compared = self._compared, self._compared + 1
            if index >= len(self._facts):
                self.differences.append(f"order {index} does not exist")
            elif isinstance(row, qcasync.Quarantined):
                self.differences.append(f"order {index} was not decoded: {row.reason}")
            elif (read := _read(row)) != self._facts[index]:
                self.differences.append(f"order {index} was read as {read}, but is {self._facts[index]}")

    def conclude(self, deployments: Sequence[qcasync.Deployment]) -> bool:
        """Whether everything was read, and as it is.

        Args:
            deployments: What the listing says about deployments, at its end.
        """
        if self._compared < len(self._facts):
            self.differences.append(f"{len(self._facts) - self._compared} orders were not read")
        for number, (read, known) in enumerate(zip_longest((d.deploy_id for d in deployments), self._deploy_ids), 1):
            if read != known:
                self.differences.append(f"deployment {number} was read as {read}, but is {known}")
        return not self.differences


class _Symbol(msgspec.Struct, frozen=True):
    id: str


class _Event(msgspec.Struct, frozen=True):
    id: str


class _Entry(msgspec.Struct, frozen=True):
    id: int
    type: int
    symbol: _Symbol
    direction: int
    quantity: float
    price: float
    status: int
    tag: str | None = None
    events: tuple[_Event, ...] = ()


def _told(number: int, entry: _Entry) -> Fact:
    return Fact(
        deployment=number,
        id=entry.id,
        type=entry.type,
        symbol=entry.symbol.id,
        direction=entry.direction,
        quantity=entry.quantity,
        price=entry.price,
        status=entry.status,
        tag=entry.tag,
        events=tuple(event.id for event in entry.events),
    )


def _read(order: qcasync.Order) -> Fact:
    return Fact(
        deployment=order.deployment.number if order.deployment else 0,
        id=order.id,
        type=order.type.value,
        symbol=order.symbol.id,
        direction=order.direction.value,
        quantity=order.quantity,
        price=order.price,
        status=order.status.value,
        tag=order.tag,
        events=tuple(event.id for event in order.events),
    )
