"""Whether a file is a checkpoint of ours, and whole."""

import sqlite3
from pathlib import Path

import msgspec

from qcasync.poller.sqlite_store.refusals import ELSEWHERE, REBUILD, refusal
from qcasync.poller.sqlite_store.schema import (
    APPLICATION_ID,
    COUNT_ASTRAY,
    SCHEMA_VERSION,
    expected_tables,
    pragma,
    tables,
)


def examined(path: Path, database: sqlite3.Connection, account: str) -> float:
    """When a file was begun.

    Raises:
        CheckpointError: It is another program's, another release's, another account's, or damaged.
    """
    if pragma(database, "application_id") != APPLICATION_ID:
        raise refusal(path, "is a database of another program", ELSEWHERE)
    version = pragma(database, "user_version")
    if version > SCHEMA_VERSION:
        raise refusal(path, f"was written by a newer release of qcasync (schema {version})", "Upgrade qcasync.")
    found = pragma(database, "quick_check(1)")
    if found != "ok":
        raise refusal(path, f"is damaged ({found})", REBUILD)
    if version != SCHEMA_VERSION or tables(database) != expected_tables():
        raise refusal(path, f"has not the tables that it should have (schema {version})", REBUILD)
    row = database.execute("SELECT account, begun_at FROM qc_account").fetchone()
    owned_by, begun_at = msgspec.convert(row, tuple[str, float])
    if database.execute(COUNT_ASTRAY).fetchone() != (0,):
        raise refusal(path, "is damaged (changes are missing)", REBUILD)
    if owned_by != account:
        raise refusal(path, "belongs to another account, or to another address", "Name another file for this one.")
    return begun_at
