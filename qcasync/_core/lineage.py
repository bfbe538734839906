"""Which deployment an order belongs to, across readings of a list that may have become another list.

A project's list joins its deployments without saying where one ends, and order ids restart in each. So each deployment
is given a number when it is first seen, for good. It is recognised by the id that its events name, or else by its first
order. The rows of one answer come from one snapshot of the list, and are placed from what that answer itself shows;
neighbours of another answer prove nothing, for the list may have moved in between. Where an answer shows a deployment
in part, and that part may belong to one that is known by another part, its rows are not placed: no deployment gets two
numbers. Entries that cannot be decoded hide where a deployment ends; only ids that go on without a gap bridge them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from qcasync._core.deltas import SETTLED
from qcasync._core.digests import Digest, digest_of, identity
from qcasync.models.orders import Order
from qcasync.models.quarantine import Quarantined

Row = Order[Any] | Quarantined
NOBODY: Final = 0
"""The number of no deployment: of entries that could not be decoded."""
MISSED: Final = 2
"""Complete readings in a row that do not show a deployment, before it is taken to have vanished."""
HIDDEN: Final = 86400.0
"""Seconds for which an entry that cannot be decoded may be all that is shown of a deployment."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment, as the list of orders shows it.

    Attributes:
        number: Ours, from 1.
        deploy_id: What its events name; None as long as none does.
        first: Identity of the first order that was seen at its beginning; None if none was.
        seen_at: When it was last seen, in the server's Unix seconds.
        read_at: When a complete reading began that showed all of it; 0 if none did for certain.
        reading_at: When another one began that may have. A list that has just become another one is perhaps shown in
            parts of both, so it is certain only if the deployment is still to be seen long after.
        missed: In how many complete readings in a row it was not to be seen.
    """

    number: int
    deploy_id: str | None = None
    first: Digest | None = None
    seen_at: float = 0.0
    read_at: float = 0.0
    reading_at: float = 0.0
    missed: int = 0

    @property
    def read_through(self) -> float:
        """When the latest complete reading began that certainly showed all of it; 0 if none did."""
        return self.reading_at if self.seen_at > self.reading_at + SETTLED else self.read_at


class Known(msgspec.Struct, frozen=True):
    """What is expected at an index: an order that was seen there before."""

    deployment: int
    identity: Digest


class Lineage:
    """The deployments of one project."""

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        self._runs: dict[int, Run] = {run.number: run for run in runs}

    @property
    def runs(self) -> tuple[Run, ...]:
        """All that were ever seen, by number."""
        return tuple(self._runs.values())

    def deploy_id(self, number: int) -> str | None:
        """What a deployment is called, if that is known."""
        return self._runs[number].deploy_id

    def place(
        self, start: int, rows: Sequence[Row], at: float, expected: Mapping[int, Known] | None = None
    ) -> list[int | None]:
        """Number the deployment of each row of one answer; None where the answer does not prove it.

        Args:
            start: Index of the first row.
            rows: Orders, and entries that could not be decoded.
            at: When the answer was written, in Unix seconds.
            expected: What is known to be at some of the indexes.
        """
        numbers: list[int | None] = [None] * len(rows)
        for stretch in _stretches(start, rows):
            number = self._number(stretch, expected or {})
            if number is not None:
                for index in stretch.orders:
                    numbers[index - start] = number
                self._see(number, at)
        return numbers

    def finished(self, began_at: float, *, whole: bool = True, hidden: bool = False) -> None:
        """A reading came to a proved end, which began at this time: what was not seen since is missed.

        Not so soon after it was seen that a replica may lag behind the one that showed it.

        Args:
            began_at: When, in the server's Unix seconds.
            whole: Whether all of its rows were placed. If not, a deployment that is still listed was seen all the same:
                what it is recognised by is placed wherever it stands.
            hidden: Whether some of its entries could not be decoded: a deployment may stand behind them for a day.
        """
        for run in self.runs:
            if run.seen_at >= began_at:
                if whole and (not run.reading_at or run.seen_at > run.reading_at + SETTLED):
                    self._change(run, read_at=run.reading_at, reading_at=began_at)
            elif began_at > run.seen_at + (HIDDEN if hidden else SETTLED):
                self._change(run, missed=run.missed + 1)

    def _number(self, stretch: "_Stretch", expected: Mapping[int, Known]) -> int | None:
        known = next(
            (
                expected[index].deployment
                for index, order in stretch.orders.items()
                if index in expected and expected[index].identity == identity(order)
            ),
            None,
        )
        if stretch.name is not None:
            return self._numbered_by_name(stretch.name, stretch.beginning, known)
        if known is not None or stretch.beginning is None:
            return known
        return self._numbered_by_first(stretch.beginning)

    def _numbered_by_name(self, name: str, beginning: Digest | None, known: int | None) -> int | None:
        for run in self.runs:
            if run.deploy_id == name:
                self._change(run, first=run.first or beginning)
                return run.number
        nameless = [run for run in self.runs if run.deploy_id is None]
        for run in nameless:
            if run.number == known or (beginning is not None and run.first == beginning):
                self._change(run, deploy_id=name)
                return run.number
        if beginning is None and any(run.missed < MISSED for run in nameless):
            return None
        return self._begin(name, beginning)

    def _numbered_by_first(self, beginning: Digest) -> int | None:
        for run in self.runs:
            if run.first == beginning:
                return run.number
        if any(run.first is None and run.missed < MISSED for run in self.runs):
            return None
        return self._begin(None, beginning)

    def _begin(self, name: str | None, beginning: Digest | None) -> int:
        number = max(self._runs, default=0) + 1
        self._runs[number] = Run(number=number, deploy_id=name, first=beginning)
        return number

    def _see(self, number: int, at: float) -> None:
        run = self._runs[number]
        self._change(run, seen_at=max(at, run.seen_at), missed=0)

    def _change(self, run: Run, **fields: Any) -> None:
        self._runs[run.number] = msgspec.structs.replace(run, **fields)


class _Stretch:
    """Orders of an answer that belong together, by their indexes in the list."""

    def __init__(self, index: int, order: Order[Any], *, begins: bool) -> None:
        self.orders = {index: order}
        self.beginning = identity(order) if begins else None
        """Identity of the first order of their deployment, if it is among them."""
        self.name = _named(order)
        """What their deployment is called, if their events tell."""
        self._last: int = index
        self._last_id: int = order.id

    def takes(self, index: int, order: Order[Any]) -> bool:
        """Take the next order of the answer, if it belongs to the same deployment."""
        name = _named(order)
        if name is None or name != self.name:
            other = name is not None and self.name is not None
            hidden = index > self._last + 1 and order.id != self._last_id + index - self._last
            if other or hidden or order.id <= self._last_id:
                return False
        self.orders[index] = order
        self.name = self.name or name
        self._last, self._last_id = index, order.id
        return True


def mark(row: Row) -> Digest:
    """What tells a row from others."""
    return identity(row) if isinstance(row, Order) else mark_of_entry(row)


def mark_of_entry(entry: Quarantined) -> Digest:
    """What tells an entry that could not be decoded from others."""
    return digest_of(entry.raw)


def _stretches(start: int, rows: Sequence[Row]) -> list[_Stretch]:
    """The orders of an answer by deployments: ids ascend, and no two events name different ones."""
    stretches: list[_Stretch] = []
    for at, row in enumerate(rows):
        if isinstance(row, Quarantined) or (stretches and stretches[-1].takes(start + at, row)):
            continue
        is_first = start == 0 if at == 0 else isinstance(rows[at - 1], Order)
        stretches.append(_Stretch(start + at, row, begins=is_first or row.id == 1))
    return stretches


def _named(order: Order[Any]) -> str | None:
    return (order.events[0].algorithm_id or None) if order.events else None
