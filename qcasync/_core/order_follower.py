"""One project's orders over many looks: what is remembered, what is told, and when everything is to be read again."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar

import msgspec

from qcasync._core.deltas import SETTLED, Merged, OrderRecord, Sighting, merge
from qcasync._core.digests import plain
from qcasync._core.lineage import MISSED, Known, Lineage, Run
from qcasync._core.order_cycle import OrderCycle, is_full_due
from qcasync._core.placing import OrderMemory, Placed
from qcasync._core.window_steps import Trouble
from qcasync.models.changes import Change, Gap
from qcasync.models.orders import Order
from qcasync.models.quarantine import Quarantined

OrderKey = tuple[int, int]


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer taught.

    Attributes:
        records: Orders to remember.
        changes: What to tell.
        unreadable: Entries that could not be decoded, with their indexes in the list.
        stale: How many orders were shown in an older version.
    """

    records: tuple[OrderRecord, ...] = ()
    changes: tuple[Change, ...] = ()
    unreadable: tuple[tuple[int, Quarantined], ...] = ()
    stale: int = 0


class OrderFollower:
    """Follows the orders of one project.

    Args:
        project_id: The project.
        memory: What earlier looks left.
        open_orders: The orders to which something may still happen.
        told_since: Orders of before this Unix time to which nothing has happened since are a baseline, as long as there
            is none: they are remembered, and not told. None tells everything.
        quiet: What is remembered was digested by another release of this library: adopt what is different, and do not
            tell it, until everything was read once.
    """

    # What a follower is made of. The removal test puts parts in their place that lack one rule.
    _lineage_of: ClassVar[type[Lineage]] = Lineage
    _cycle_of: ClassVar[type[OrderCycle]] = OrderCycle

    def __init__(
        self,
        project_id: int,
        memory: OrderMemory | None = None,
        open_orders: Iterable[OrderRecord] = (),
        *,
        told_since: float | None = None,
        quiet: bool = False,
    ) -> None:
        self.project_id = project_id
        self.memory: OrderMemory = OrderMemory() if memory is None else memory
        self._lineage = self._lineage_of(self.memory.runs)
        self._open: dict[OrderKey, OrderRecord] = {record.key: record for record in open_orders}
        self._in_place: dict[int, Known] = {
            record.index: Known(record.deployment, record.identity) for record in self._open.values()
        }
        self._told_since = told_since
        self._quiet = quiet
        self._full_wanted = 1
        self._looks = 0
        self._full_at = 0.0
        self._absences = 0
        self._believes = True
        self._unproved: float | None = None
        self._sighted: set[OrderKey] = set()

    @property
    def has_baseline(self) -> bool:
        """Whether everything was read once."""
        return self.memory.complete_through is not None

    @property
    def open_count(self) -> int:
        """How many orders something may still happen to."""
        return len(self._open)

    def read_everything(self, times: int = 1) -> None:
        """Read everything in the next looks: the deployment has changed."""
        self._full_wanted = max(self._full_wanted, times)

    def look(self, now: float) -> OrderCycle:
        """Begin a look.

        Args:
            now: By a clock that only goes forward.
        """
        full = self._full_wanted > 0 or is_full_due(self._looks + 1, now - self._full_at, self._absences)
        remembered = self.memory.frontier if self._believes else 0
        self._sighted.clear()
        return self._cycle_of(
            self.memory,
            self._lineage,
            self._in_place,
            full=full,
            remembered=remembered,
            # The next look is to prove it: one of the anchor alone, and one that is not due to read everything itself.
            at_once=not (self._full_wanted or self._open) and self._unproved is None,
        )

    def memory_now(self) -> OrderMemory:
        """What to remember beside what an answer taught: the deployments by their numbers."""
        return msgspec.structs.replace(self.memory, runs=self._lineage.runs)

    def learn(self, placed: Sequence[Placed], known: Mapping[OrderKey, OrderRecord], at: float) -> Learned:
        """Compare the rows of an answer with what is remembered of them.

        Args:
            placed: The rows.
            known: The remembered ones among the orders that `keys_of` names.
            at: When the answer was written, in Unix seconds.
        """
        observed_at = datetime.fromtimestamp(at, UTC)
        records: dict[OrderKey, OrderRecord] = {}
        changes: list[Change] = []
        unreadable: list[tuple[int, Quarantined]] = []
        stale = 0
        for each in placed:
            if isinstance(each.row, Quarantined):
                unreadable.append((each.index, each.row))
                continue
            sighting = self._sighting(each, each.row, observed_at)
            before = records.get(sighting.key, known.get(sighting.key))
            merged = self._merge(before, sighting)
            stale += merged.stale
            self._sight(before, merged.record, sighting)
            if merged.record is not None:
                records[sighting.key] = merged.record
            if before is not None or self._is_told(each.row):
                changes += merged.changes
        return Learned(
            records=tuple(records.values()), changes=tuple(changes), unreadable=tuple(unreadable), stale=stale
        )

    def see_again(self, placed: Iterable[Placed]) -> None:
        """An answer came that was learned from before, to the byte: its orders are still there, and nothing is new."""
        for key in keys_of(placed):
            if (known := self._open.get(key)) is not None:
                self._sighted.add(key)
                self._in_place[known.index] = Known(known.deployment, known.identity)  # it may have been forgotten

    def adopt(self, records: Iterable[OrderRecord]) -> None:
        """These records are kept safely."""
        for record in records:
            former = self._open.pop(record.key, None)
            if former is not None and self._stands_at(former.index, former):
                del self._in_place[former.index]
            if record.is_open:
                self._open[record.key] = record
                self._in_place[record.index] = Known(record.deployment, record.identity)

    def finish(self, cycle: OrderCycle, now: float, ended: Mapping[str, float | None]) -> tuple[OrderMemory, list[Gap]]:
        """A look has ended. Returns what to remember of the list, and what can no longer be known.

        Args:
            cycle: The look.
            now: By the clock of `look`.
            ended: The project's deployments that have ended, with the Unix times at which they did, if they are known.
        """
        if not cycle.full:
            self._looks += 1
            self._absences = self._absences + 1 if cycle.absent else 0
            return self._prove(cycle, ended)
        self._unproved = cycle.began_at if cycle.at_once else None
        if cycle.at_once:
            self._looks, self._absences, self._full_at = 0, 0, now
            return self._remember(cycle, self.memory.complete_through), []
        began_at = cycle.began_at or 0.0
        gaps = self._vanished(began_at, ended, whole=cycle.proved, hidden=cycle.hidden) if cycle.ended else []
        if not cycle.proved:
            self._full_wanted = max(self._full_wanted, 1)
            self._believes = cycle.trouble is not Trouble.WARMING  # what we remember may be what is wrong
            return self._remember(cycle, self.memory.complete_through), gaps
        self._looks, self._absences, self._full_at, self._quiet, self._believes = 0, 0, now, False, True
        self._full_wanted = max(0, self._full_wanted - 1)
        self._forget_places()
        return self._remember(cycle, began_at), gaps

    def finished(self, memory: OrderMemory) -> None:
        """What `finish` returned is kept safely."""
        self.memory = memory

    def _remember(self, cycle: OrderCycle, complete_through: float | None) -> OrderMemory:
        return OrderMemory(
            frontier=cycle.frontier,
            anchor=cycle.anchor,
            runs=self._lineage.runs,
            complete_through=complete_through,
        )

    def _prove(self, cycle: OrderCycle, ended: Mapping[str, float | None]) -> tuple[OrderMemory, list[Gap]]:
        """If the look before read everything at once, this one tells whether that was really all."""
        began_at, self._unproved = self._unproved, None
        if began_at is None:
            return self._remember(cycle, self.memory.complete_through), []
        if not cycle.ends:
            self._full_wanted = max(self._full_wanted, 1)
            return self._remember(cycle, self.memory.complete_through), []
        self._quiet, self._believes = False, True
        gaps = self._vanished(began_at, ended, whole=True, hidden=False)
        return self._remember(cycle, began_at), gaps

    def _vanished(self, began_at: float, ended: Mapping[str, float | None], *, whole: bool, hidden: bool) -> list[Gap]:
        """The deployments that a reading up to a proved end is the second one in a row not to show."""
        before = {run.number: run.missed for run in self._lineage.runs}
        self._lineage.finished(began_at, whole=whole, hidden=hidden)
        return [
            self._gap(run, began_at)
            for run in self._lineage.runs
            if before[run.number] < MISSED <= run.missed and self._is_unsettled(run, ended)
        ]

    def _sighting(self, placed: Placed, order: Order, observed_at: datetime) -> Sighting:
        return Sighting(
            project_id=self.project_id,
            deployment=placed.deployment,
            deploy_id=self._lineage.deploy_id(placed.deployment),
            index=placed.index,
            order=order,
            observed_at=observed_at,
        )

    def _sight(self, before: OrderRecord | None, after: OrderRecord | None, sighting: Sighting) -> None:
        record = after or before
        if record is not None and record.is_open:
            self._sighted.add(sighting.key)
        if after is None and sighting.key in self._open:  # its place may have been forgotten
            known = self._open[sighting.key]
            self._in_place[known.index] = Known(known.deployment, known.identity)

    def _is_told(self, order: Order) -> bool:
        if self._told_since is None or self.has_baseline:
            return True
        latest = max((event.time_at for event in order.events), default=0.0)
        return max(order.time.timestamp(), latest) >= self._told_since

    def _merge(self, known: OrderRecord | None, sighting: Sighting) -> Merged:
        return merge(known, sighting, quiet=self._quiet)

    def _stands_at(self, index: int, record: OrderRecord) -> bool:
        return self._in_place.get(index) == Known(record.deployment, record.identity)

    def _forget_places(self) -> None:
        """Open orders that a complete reading did not show have no place any more; they may come back."""
        for key, record in self._open.items():
            if key not in self._sighted and self._stands_at(record.index, record):
                del self._in_place[record.index]

    def _is_unsettled(self, run: Run, ended: Mapping[str, float | None]) -> bool:
        """Whether something may have happened to a deployment after all of it was read."""
        if any(deployment == run.number for deployment, _ in self._open):
            return True
        ended_at = None if run.deploy_id is None else ended.get(run.deploy_id)
        return ended_at is None or run.read_through < ended_at + SETTLED

    def _gap(self, run: Run, at: float) -> Gap:
        name = f"deployment {run.number}" if run.deploy_id is None else run.deploy_id
        itself = (run.first or b"").hex() if run.deploy_id is None else plain(run.deploy_id)
        after = (
            f" after {datetime.fromtimestamp(run.read_through, UTC):%Y-%m-%d %H:%M:%S} UTC" if run.read_through else ""
        )
        return Gap(
            project_id=self.project_id,
            key=f"gap:{self.project_id}:{run.number}:{run.seen_at:.0f}:{itself}",
            observed_at=datetime.fromtimestamp(at, UTC),
            what="deployment",
            deploy_id=run.deploy_id,
            detail=f"The orders of {name} are no longer listed. What happened to them{after} cannot be known.",
        )


def keys_of(placed: Iterable[Placed]) -> list[OrderKey]:
    """The orders that rows are about, by deployment number and order id."""
    return [(each.deployment, each.row.id) for each in placed if isinstance(each.row, Order)]
