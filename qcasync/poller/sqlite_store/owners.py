"""Who uses a file: one process at a time, and nobody takes it away from one that lives."""

import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from qcasync.errors import CheckpointError
from qcasync.poller.sqlite_store.files import connect
from qcasync.poller.sqlite_store.refusals import refusal

STALE_AFTER: Final = 30.0
"""Seconds without renewal after which an owner on another machine is taken for gone."""


class Owner(msgspec.Struct, frozen=True, array_like=True):
    """The process that uses a file, or was killed while it did; without a host, if nobody does."""

    fence: int
    host: str
    process: int
    since: float
    renewed_at: float

    def __str__(self) -> str:
        since = datetime.fromtimestamp(self.since, UTC).isoformat(" ", "seconds")
        return f"process {self.process} on {self.host}, since {since}"


def read_owner(database: sqlite3.Connection) -> Owner:
    """Who was written into the file last."""
    row = database.execute("SELECT fence, host, process, since, renewed_at FROM qc_owner").fetchone()
    return msgspec.convert(row, Owner)


def owner_of(path: Path) -> Owner | None:
    """Who was written into a file last, as far as it can be read."""
    with (
        suppress(sqlite3.Error, UnicodeDecodeError, msgspec.MsgspecError),
        closing(connect(path, "ro")) as database,
    ):
        return read_owner(database)
    return None


def refuse_alive(path: Path, owner: Owner | None, host: str, now: float) -> None:
    """Raise if a process on another machine than `host` uses the file.

    Locks of network file systems may not reach other machines; the owner's row does.
    """
    if owner is not None and owner.host not in {"", host} and abs(now - owner.renewed_at) < STALE_AFTER:
        raise in_use(path, owner)


def in_use(path: Path, owner: Owner | None, *, lasting: bool = False) -> CheckpointError:
    """The error for a file that somebody else uses, or has taken over."""
    who = "another process" if owner is None or not owner.host else str(owner)
    problem = f"was taken over by {who}" if lasting else f"is in use by {who}"
    hint = f"Stop it, or name another file. {STALE_AFTER:.0f} s after it ended, any machine may take over."
    return refusal(path, problem, hint, lasting=lasting)
