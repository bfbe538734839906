"""Rows of the file become values, and values rows."""

import sqlite3
from collections.abc import Iterable
from typing import Any

import msgspec

from qcasync._core.change_codec import decode_change, encode_change
from qcasync._core.deltas import OrderRecord
from qcasync._core.digests import EVENT_BYTES, Digest
from qcasync.models.changes import Change


def row_of(project_id: int, record: OrderRecord) -> tuple[object, ...]:
    """An order, as its table has it."""
    return (
        project_id,
        record.deployment,
        record.order_id,
        record.index,
        record.identity,
        record.digest,
        b"".join(record.events),
        record.past,
        record.updated_at,
        record.since,
        record.is_open,
    )


def record_of(row: Any) -> OrderRecord:  # as `row_of` makes it
    """An order from its row."""
    _, deployment, order_id, index, identity, digest, events, past, updated_at, since, is_open = row
    return OrderRecord(
        deployment=deployment,
        order_id=order_id,
        index=index,
        identity=identity,
        digest=digest,
        events=_digests(events),
        past=past,
        updated_at=updated_at,
        since=since,
        is_open=bool(is_open),
    )


def _digests(joined: bytes) -> tuple[Digest, ...]:
    return tuple(joined[at : at + EVENT_BYTES] for at in range(0, len(joined), EVENT_BYTES))


def change_of(payload: bytes, sequence: int, attempts: int) -> Change:
    """A change from its row."""
    return msgspec.structs.replace(decode_change(payload), sequence=sequence, attempt=attempts)


def enqueue(database: sqlite3.Connection, project_id: int, new: Iterable[Change]) -> list[Change]:
    """Number changes from where the project's queue ends, and put them there."""
    row = database.execute("SELECT last FROM qc_queues WHERE project_id = ?", (project_id,)).fetchone()
    last = 0 if row is None else row[0]
    changes = [msgspec.structs.replace(change, sequence=at, attempt=1) for at, change in enumerate(new, last + 1)]
    database.executemany(
        "INSERT INTO qc_outbox (project_id, sequence, key, payload) VALUES (?, ?, ?, ?)",
        ((project_id, change.sequence, change.key, encode_change(change)) for change in changes),
    )
    database.execute(
        "INSERT INTO qc_queues VALUES (?, ?, 0) ON CONFLICT (project_id) DO UPDATE SET last = excluded.last",
        (project_id, last + len(changes)),
    )
    return changes
