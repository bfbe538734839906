"""What is in the file: its tables, its settings, and the longer queries."""

import sqlite3
from contextlib import closing
from functools import cache
from typing import Any, Final

APPLICATION_ID: Final = int.from_bytes(b"qcas")
SCHEMA_VERSION: Final = 1

# Consumers may have tables in the same file, hence the prefix. Payloads are too long for WITHOUT ROWID.
SCHEMA: Final = """
CREATE TABLE qc_account (account TEXT NOT NULL, begun_at REAL NOT NULL);
CREATE TABLE qc_owner (
    fence INTEGER NOT NULL, host TEXT NOT NULL, process INTEGER NOT NULL, since REAL NOT NULL,
    renewed_at REAL NOT NULL);
CREATE TABLE qc_memory (
    project_id INTEGER NOT NULL, about TEXT NOT NULL, content BLOB NOT NULL CHECK (typeof(content) = 'blob'),
    PRIMARY KEY (project_id, about)) WITHOUT ROWID;
CREATE TABLE qc_orders (
    project_id INTEGER NOT NULL, deployment INTEGER NOT NULL, order_id INTEGER NOT NULL, idx INTEGER NOT NULL,
    identity BLOB NOT NULL CHECK (typeof(identity) = 'blob'), digest BLOB NOT NULL CHECK (typeof(digest) = 'blob'),
    events BLOB NOT NULL CHECK (typeof(events) = 'blob'), past BLOB NOT NULL CHECK (typeof(past) = 'blob'),
    updated_at REAL NOT NULL, since REAL NOT NULL, is_open INTEGER NOT NULL,
    PRIMARY KEY (project_id, deployment, order_id)) WITHOUT ROWID;
CREATE INDEX qc_orders_open ON qc_orders (project_id) WHERE is_open = 1;
CREATE TABLE qc_queues (project_id INTEGER PRIMARY KEY, last INTEGER NOT NULL, acknowledged INTEGER NOT NULL);
CREATE TABLE qc_outbox (
    id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL, sequence INTEGER NOT NULL, key TEXT NOT NULL UNIQUE,
    payload BLOB NOT NULL CHECK (typeof(payload) = 'blob'), attempts INTEGER NOT NULL DEFAULT 1, acked_at REAL,
    UNIQUE (project_id, sequence));
CREATE INDEX qc_outbox_acked ON qc_outbox (acked_at) WHERE acked_at IS NOT NULL;
CREATE TABLE qc_quarantine (
    digest BLOB PRIMARY KEY, project_id INTEGER NOT NULL, idx INTEGER NOT NULL, reason TEXT NOT NULL,
    raw BLOB NOT NULL);
CREATE TABLE qc_parked (
    id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL, sequence INTEGER NOT NULL, attempts INTEGER NOT NULL,
    payload BLOB NOT NULL CHECK (typeof(payload) = 'blob'), reason TEXT NOT NULL, parked_at REAL NOT NULL);
"""
SETTINGS: Final = (
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",  # macOS: an fsync there leaves the data in the drive's cache
    "PRAGMA checkpoint_fullfsync = ON",
    "PRAGMA cell_size_check = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA journal_size_limit = 16777216",
)
COUNT_ASTRAY: Final = """
SELECT count(*) FROM qc_queues AS queue WHERE last - acknowledged <>
    (SELECT count(*) FROM qc_outbox AS entry WHERE entry.project_id = queue.project_id AND sequence > acknowledged)"""
COUNT_ATTEMPTS: Final = """
UPDATE qc_outbox SET attempts = attempts + 1 WHERE id IN (
    SELECT entry.id FROM qc_queues AS queue JOIN qc_outbox AS entry
    ON entry.project_id = queue.project_id AND entry.sequence = queue.acknowledged + 1)"""
PRUNE: Final = """
DELETE FROM qc_outbox WHERE id IN (SELECT id FROM qc_outbox WHERE acked_at < ? ORDER BY acked_at LIMIT ?)"""
ORDERS: Final = """
SELECT qc_orders.* FROM json_each(?) AS wanted CROSS JOIN qc_orders ON project_id = ?
    AND deployment = json_extract(wanted.value, '$[0]') AND order_id = json_extract(wanted.value, '$[1]')"""


def pragma(database: sqlite3.Connection, name: str) -> Any:  # a number or a text
    """What SQLite says about the file."""
    return database.execute(f"PRAGMA {name}").fetchone()[0]


def tables(database: sqlite3.Connection) -> dict[str, str]:
    """Our tables and indexes, each with the statement that made it."""
    query = "SELECT name, sql FROM sqlite_master WHERE substr(name, 1, 3) = 'qc_'"
    return dict(database.execute(query))


@cache
def expected_tables() -> dict[str, str]:
    """What `tables` is to find."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(SCHEMA)
        return tables(database)
