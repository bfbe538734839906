"""A program that watches, for tests that kill it. It reads orders from its standard input, one a line (`Errand`).

For each it forks: the process that watches need not be started from nothing, and is a process of its own all the same.
It answers with the process's id, and with its status once that has ended.
"""

import importlib
import os
import signal
import sqlite3
import ssl
import sys
import warnings
from collections.abc import Callable
from contextlib import aclosing
from typing import Literal

import anyio
import msgspec

import qcasync
from qcasync._core.change_codec import encode_change
from qcasync.models.changes import Change
from qcasync.transports.httpx import HttpxTransport

CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""One for all processes, because making one takes 15 ms; and none is used."""


class Errand(msgspec.Struct):
    """What one process is to do.

    Attributes:
        life: Which process this is, counting from 1.
        projects: What it watches.
        checkpoint: Its checkpoint.
        journal: Where it writes every change that it is given.
        ends_on: The signals on which it ends in good order.
    """

    base_url: str
    user_id: int
    api_token: str
    life: int
    projects: list[int]
    checkpoint: str
    journal: str
    backend: Literal["asyncio", "trio"]
    ends_on: list[int]


class Line(msgspec.Struct):
    """A change, as it was given to a process.

    Attributes:
        change: As bytes, without what is only known when it is given.
    """

    life: int
    sequence: int
    attempt: int
    change: msgspec.Raw


async def watch(errand: Errand) -> None:
    """Watch, write down, acknowledge; until a signal comes."""
    journal = os.open(errand.journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    async with anyio.create_task_group() as group:
        group.start_soon(_take, errand, journal)
        with anyio.open_signal_receiver(*map(signal.Signals, errand.ends_on)) as signals:
            async for _ in signals:
                group.cancel_scope.cancel()


async def _take(errand: Errand, journal: int) -> None:
    transport = HttpxTransport(20, ssl_context=CONTEXT)
    async with (
        aclosing(transport),
        qcasync.Client(errand.user_id, errand.api_token, base_url=errand.base_url, transport=transport) as client,
        client.watch(
            errand.projects, checkpoint=errand.checkpoint, start="beginning", orders=1.0, status_every=1.0
        ) as changes,
    ):
        async for change in changes:
            line = Line(errand.life, change.sequence, change.attempt, msgspec.Raw(encode_change(change)))
            os.write(journal, b"\n" + msgspec.json.encode(line))
            os.fsync(journal)
            await change.ack(_pouring(change))


def _pouring(change: Change) -> Callable[[sqlite3.Connection], None]:
    def write(database: sqlite3.Connection) -> None:
        database.execute("CREATE TABLE IF NOT EXISTS sink (project_id INTEGER, sequence INTEGER, key TEXT)")
        database.execute("INSERT INTO sink VALUES (?, ?, ?)", (change.project_id, change.sequence, change.key))

    return write


def main() -> None:
    """Fork for each errand, one after the other."""
    warnings.simplefilter("error")
    for name in ("anyio._backends._asyncio", "anyio._backends._trio", "httpcore", "qcasync.client"):
        importlib.import_module(name)  # what each process would import
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a traceback would tell nothing
    for text in sys.stdin.buffer:
        errand = msgspec.json.decode(text, type=Errand)
        child = os.fork()
        if child == 0:
            os.close(0)
            os.dup2(2, 1)  # what it says is no answer
            anyio.run(watch, errand, backend=errand.backend)
            os._exit(0)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
