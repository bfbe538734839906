"""What consumers may do inside the transaction that acknowledges."""

import sqlite3
from contextlib import suppress
from typing import Final

from qcasync.errors import ConfigurationError
from qcasync.poller.store import Write


class _Guard:
    """Forbids statements that would end the transaction, or touch what is ours. Reading is free."""

    def __init__(self) -> None:
        self.denied = ""

    def __call__(self, action: int, first: str | None, second: str | None, _base: str | None, _by: str | None) -> int:
        if action in _FREE or (action == sqlite3.SQLITE_PRAGMA and first in _INFORMATIVE):
            return sqlite3.SQLITE_OK
        ours = any(name is not None and name.lower().startswith("qc_") for name in (first, second))
        if ours or action in _FORBIDDEN:
            self.denied = f"{_FORBIDDEN.get(action, 'writing to')} {first or ''}".strip()
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK


_FREE: Final = frozenset(
    {sqlite3.SQLITE_READ, sqlite3.SQLITE_SELECT, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)
_INFORMATIVE: Final = frozenset({"table_info", "table_xinfo", "table_list", "index_list", "index_info"})
_FORBIDDEN: Final = {
    sqlite3.SQLITE_TRANSACTION: "statement",
    sqlite3.SQLITE_ATTACH: "attaching",
    sqlite3.SQLITE_DETACH: "detaching",
    sqlite3.SQLITE_PRAGMA: "pragma",
}


def let_write(database: sqlite3.Connection, write: Write) -> None:
    """Let a consumer write in our transaction, but not end it."""
    guard = _Guard()
    database.set_authorizer(guard)
    try:
        write(database)
    except sqlite3.Error as error:
        if guard.denied:
            raise _misused(guard.denied) from error
        raise
    finally:
        with suppress(sqlite3.ProgrammingError):  # it was closed
            database.set_authorizer(None)
            database.row_factory, database.text_factory = None, str
    try:
        alive = database.in_transaction
    except sqlite3.ProgrammingError as error:
        raise _misused("closing the connection") from error
    if not alive:
        raise _misused("ending the transaction")


def _misused(what: str) -> ConfigurationError:
    return ConfigurationError(
        f"What was given to ack(write=...) may not do this in the checkpoint: {what}.",
        "It writes to tables of its own; the acknowledgement commits.",
    )
