"""Whose the rows of a look are: which are placed, which no answer could place, and behind which a look may begin."""

from collections.abc import Mapping, Sequence

import msgspec

from qcasync._core.digests import Digest
from qcasync._core.lineage import NOBODY, Known, Lineage, Row, Run, mark
from qcasync.models.orders import Order
from qcasync.models.quarantine import Quarantined


class OrderMemory(msgspec.Struct, kw_only=True):
    """What is remembered of a project's list between two looks.

    Attributes:
        frontier: All rows below this index were read at some time.
        anchor: The row before the frontier; None if there is none.
        runs: The deployments.
        complete_through: When the latest complete reading began, in the server's Unix seconds; None before the first.
    """

    frontier: int = 0
    anchor: Known | None = None
    runs: tuple[Run, ...] = ()
    complete_through: float | None = None

    def says_more_than(self, other: "OrderMemory") -> bool:
        """Whether it is worth writing down: the times alone at which deployments were last seen are not."""
        return _timeless(self) != _timeless(other)


def _timeless(memory: OrderMemory) -> OrderMemory:
    runs = tuple(msgspec.structs.replace(run, seen_at=0.0) for run in memory.runs)
    return msgspec.structs.replace(memory, runs=runs)


class Placed(msgspec.Struct, frozen=True):
    """A row whose deployment is certain, or that cannot be decoded; then it may be `NOBODY`'s."""

    index: int
    deployment: int
    row: Row


class Placing:
    """Tells the deployment of rows, as far as it is certain, and remembers of the others what a look has to know.

    Args:
        lineage: The project's deployments; learns.
        expected: The known orders by the index where they are to be seen; the look changes it meanwhile.
    """

    def __init__(self, lineage: Lineage, expected: Mapping[int, Known]) -> None:
        self._lineage = lineage
        self._expected = expected
        self._loose: set[int] = set()
        self._unreadable: set[int] = set()
        self.unplaced: int | None = None
        """The first index of a row that no answer could place, and that counts."""
        self.strays: dict[Digest, int] = {}
        """Orders that an answer showed and none could place since, with how many events they had."""
        self.anchors: dict[int, Known] = {}
        """Orders behind which a look may begin, by the index behind them."""

    @property
    def hides(self) -> bool:
        """Whether some entries could not be decoded."""
        return bool(self._unreadable)

    def place(self, start: int, rows: Sequence[Row], at: float, *, beyond: int) -> list[Placed]:
        """Return the rows whose deployment is certain, and those that cannot be decoded.

        Args:
            start: Index of the first row.
            rows: What came.
            at: When the answer was written, in Unix seconds.
            beyond: The index from which on a row counts that cannot be placed.
        """
        placed: list[Placed] = []
        numbers = self._lineage.place(start, rows, at, self._expected)
        for index, (row, number) in enumerate(zip(rows, numbers, strict=True), start):
            if isinstance(row, Quarantined):
                self._unreadable.add(index)
                placed.append(Placed(index, NOBODY, row))
            elif number is not None:
                self._unreadable.discard(index)
                if self.strays and len(row.events) >= self.strays.get(mark(row), 0):
                    self.strays.pop(mark(row), None)
                placed.append(Placed(index, number, row))
            else:
                self.strays[mark(row)] = max(len(row.events), self.strays.get(mark(row), 0))
                self._loose.add(index)
                if index >= beyond:
                    self.unplaced = index if self.unplaced is None else min(self.unplaced, index)
        self._keep_anchors(placed)
        return placed

    def begin_again(self) -> None:
        """Everything is read anew. What was shown before and could not be placed is still to be explained."""
        self.unplaced = None
        self._unreadable.clear()
        self._loose.clear()
        self.anchors.clear()

    def after_last_order(self, end: int) -> int:
        """The index behind the last order before `end`: entries that cannot be decoded are no anchors."""
        while end - 1 in self._unreadable:
            end -= 1
        return end

    def loose_behind_anchors(self) -> list[int]:
        """Indexes of rows that no answer could place, and that have a placed order before them; ascending."""
        return sorted(index for index in self._loose if index in self.anchors)

    def _keep_anchors(self, placed: Sequence[Placed]) -> None:
        """Those without another placed order behind them."""
        orders = {each.index: each for each in placed if isinstance(each.row, Order)}
        for index, each in orders.items():
            if index + 1 not in orders:
                self.anchors[index + 1] = Known(each.deployment, mark(each.row))
