"""What was read, and the files that it becomes: which there are, and what each says about itself."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import qcasync
from qcasync.exporting.arrow import Batch, Schema
from qcasync.exporting.columns import CREATED, Frame
from qcasync.exporting.draft import Draft
from qcasync.exporting.files import Files
from qcasync.exporting.records import Records
from qcasync.exporting.snapshots import Snapshot
from qcasync.exporting.wishes import Wishes
from qcasync.exporting.writing import Output, quarantine_of
from qcasync.models import tables

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """When rows were seen, in Unix seconds, and whether all of them could be decoded."""

    since: float
    until: float
    complete: bool = True


@dataclass
class Material:
    """Everything that was read.

    Attributes:
        draft: The orders.
        now: Unix time when they were brought up to date.
        snapshots: What was read whole, by the name of its file without the ending.
        records: Lists that were read page by page, by the name of their kind of table.
    """

    draft: Draft
    now: float
    snapshots: Mapping[str, Snapshot] = field(default_factory=dict[str, Snapshot])
    records: Mapping[str, Records] = field(default_factory=dict[str, Records])

    @property
    def of_orders(self) -> Seen:
        """When the orders were seen."""
        parts = self.draft.contents.parts
        return Seen(
            since=min((part.observed_from for part in parts), default=self.now),
            until=max((part.observed_until for part in parts), default=self.now),
            complete=not any(part.quarantined for part in parts),
        )

    def seen(self, stem: str) -> Seen:
        """When the rows of a file were seen."""
        if stem in self.snapshots:
            return Seen(since=self.snapshots[stem].asked_at, until=self.snapshots[stem].observed_at)
        if stem in self.records:
            records = self.records[stem]
            return Seen(since=records.observed_from, until=records.observed_until, complete=not records.quarantined)
        return self.of_orders

    def kind(self, stem: str) -> str:
        """The kind of table that a file has."""
        return self.snapshots[stem].kind if stem in self.snapshots else stem

    def quarantine(self) -> Iterator[tuple[str, int, str, bytes]]:
        """What could not be decoded: kind, index, reason, and the entry as it came."""
        for index, reason, raw in quarantine_of(self.draft):
            yield "orders", index, reason, raw
        for name, records in self.records.items():
            for entry in records.quarantined:
                yield name, entry.index, entry.reason, entry.raw


def begin_outputs(material: Material, files: Files, wishes: Wishes, project_id: int) -> dict[str, Output]:
    """Begin the files that are wanted, by their names without the ending."""
    outputs: dict[str, Output] = {}
    for stem in wishes.stems:
        kind, seen = material.kind(stem), material.seen(stem)
        frame = Frame(
            _schema(kind),
            project_id,
            has_index=stem == "orders",
            created=CREATED.get(kind),
            since=wishes.since,
        )
        told = {
            "qcasync.version": qcasync.__version__,
            "qcasync.project_id": str(project_id),
            "qcasync.table": kind,
            "qcasync.observed_from": moment(seen.since).isoformat(),
            "qcasync.observed_until": moment(seen.until).isoformat(),
            "qcasync.complete": str(seen.complete).lower(),
            **({} if wishes.since is None else {"qcasync.since": wishes.since.isoformat()}),
        }
        outputs[stem] = Output(files.begin(stem, kind, frame.schema, told), frame)
    return outputs


def write_rest(material: Material, outputs: Mapping[str, Output]) -> Iterator[str]:
    """Write what was not made of orders. Yields the name of each file when it is done, or a part of it."""
    for stem, output in outputs.items():
        seen = material.seen(stem)
        for batch in _batches(material, stem):
            output.file.write(output.frame.batch(batch, seen.until))
            yield stem


def _batches(material: Material, stem: str) -> Iterable[Batch]:
    if stem in material.snapshots:
        return material.snapshots[stem].rows.to_batches()
    return material.records[stem].batches() if stem in material.records else ()


def _schema(kind: str) -> Schema:
    return next(each.schema() for each in _KINDS if each.name == kind)


_KINDS = (
    tables.ORDERS,
    tables.ORDER_EVENTS,
    tables.CLOSED_TRADES,
    tables.HOLDINGS,
    tables.CASH,
    tables.SERIES,
    tables.INSIGHTS,
    tables.LOG_LINES,
)


def moment(at: float) -> datetime:
    """Unix time as UTC, rounded as the column `observed_at` is."""
    return _EPOCH + timedelta(microseconds=round(at * 1e6))
