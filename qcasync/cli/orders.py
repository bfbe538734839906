"""`qcasync orders`: every order of a project, as a summary, as JSON lines, or as a CSV file."""

import contextlib
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

import anyio
import anyio.to_thread
import typer

import qcasync
from qcasync.cli.csv_file import csv_file
from qcasync.cli.digest import Digest
from qcasync.cli.exit_codes import INCOMPLETE
from qcasync.cli.meter import Meter
from qcasync.cli.output import clean, is_read_by_programs, messages, say, warn
from qcasync.cli.progress import Bar, Bars
from qcasync.cli.rows import COLUMNS
from qcasync.cli.settings import Settings
from qcasync.cli.sinks import Sink, csv_sink, json_sink

_TOLD: Final = 10
"""Warnings of one kind that are written out; the rest is counted."""


@dataclass
class _Reading:
    """A listing on its way to a sink, and what is to be said about it."""

    sink: Sink
    bar: Bar
    meter: Meter = field(default_factory=Meter)
    total: int = 0
    quarantined: list[str] = field(default_factory=list[str])
    anomalies: list[str] = field(default_factory=list[str])
    deployments: tuple[qcasync.Deployment, ...] = ()
    spans_refresh: bool = False
    seconds: float = 0.0


def orders(
    context: typer.Context,
    project: Annotated[int, typer.Argument(min=1, metavar="PROJECT", help="Its id.", show_default=False)],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line, as when piped.")] = False,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a CSV file; it appears only when complete.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Let --csv replace an existing file.")] = False,
) -> None:
    """Read every order of a project, of all its deployments, or fail.

    One request per 100 orders, and one or two that prove the end. Exit code 3 says that orders are missing.
    """
    if as_json and csv is not None:
        raise typer.BadParameter("choose one of --json and --csv")
    piped = is_read_by_programs()
    digest = None if as_json or csv is not None or piped else Digest(project)
    watched = piped or not as_json  # else the lines themselves are progress enough
    with _sink(project, digest, csv, force=force) as sink, Bars(messages(), transient=True, shown=watched) as bars:
        reading = _Reading(sink, bars.add(f"project {project}"))
        anyio.run(_read, Settings.of(context), project, reading)
    if digest is not None:
        digest.show(reading.deployments, reading.meter, reading.seconds)
    if csv is not None:
        say(f"{reading.total - len(reading.quarantined):,} orders written to {clean(csv)}.")
    _report(reading)
    if reading.quarantined:
        raise typer.Exit(INCOMPLETE)


@contextlib.contextmanager
def _sink(project: int, digest: Digest | None, csv: Path | None, *, force: bool) -> Generator[Sink, None, None]:
    if digest is not None:
        yield digest
    elif csv is None:
        yield json_sink(project)
    else:
        with csv_file(csv, COLUMNS, overwrite=force) as file:
            yield csv_sink(project, file)


async def _read(settings: Settings, project: int, reading: _Reading) -> None:
    began = anyio.current_time()
    async with settings.client(observers=[reading.meter, reading.bar]) as qc:
        with anyio.move_on_after(settings.timeout):
            async with qc.live.iter_orders(project) as pages:
                async for page in pages:
                    await _pass_on(page, reading)
                    reading.bar.read(pages.total, pages.hint)
                reading.anomalies = [f"{each.kind} at {each.index}: {each.detail}" for each in pages.anomalies]
                reading.deployments, reading.spans_refresh = pages.deployments, pages.spans_refresh
                reading.seconds = anyio.current_time() - began
                return
    raise _overdue(reading, settings.timeout)


async def _pass_on(page: qcasync.OrderPage, reading: _Reading) -> None:
    orders: list[tuple[int, qcasync.Order]] = []
    for index, entry in enumerate(page.rows(), page.start):
        if isinstance(entry, qcasync.Order):
            orders.append((index, entry))
        else:
            reading.quarantined.append(f"entry {index} cannot be decoded: {entry.reason}")
    reading.total += page.count
    # In a thread: whoever reads our output may be slow, and must not stop the event loop.
    await anyio.to_thread.run_sync(reading.sink, orders)


def _overdue(reading: _Reading, timeout: float | None) -> qcasync.IncompleteRead:
    trouble = f"; last trouble: {reading.meter.trouble}" if reading.meter.trouble else ""
    read = [(0, reading.total)] if reading.total else []
    return qcasync.IncompleteRead(
        "live/orders/read", f"not done within {timeout:g} s{trouble}", read, [(reading.total, None)]
    )


def _report(reading: _Reading) -> None:
    for warnings in (reading.anomalies, reading.quarantined):
        for text in warnings[:_TOLD]:
            warn(text)
        if len(warnings) > _TOLD:
            warn(f"... and {len(warnings) - _TOLD:,} more of this kind")
    if reading.spans_refresh:
        say("QuantConnect renewed its data while it was read; orders are as they were before or after that.")
