"""`qcasync export`: tables of a project as files."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import anyio
import typer

import qcasync
from qcasync.cli.exit_codes import INCOMPLETE
from qcasync.cli.meter import Meter
from qcasync.cli.moments import moment
from qcasync.cli.output import clean, is_read_by_programs, messages, results, row, say, table, warn, write_json
from qcasync.cli.progress import Bar, Bars
from qcasync.cli.settings import Settings
from qcasync.exporting import FOLDER, TABLES, ExportProgress, ExportReport, Format, Table
from qcasync.exporting import export as export_tables

_TOLD = 10
"""Anomalies that are written out; the rest is counted."""


def export(
    context: typer.Context,
    project: Annotated[int, typer.Argument(min=1, metavar="PROJECT", help="Its id.", show_default=False)],
    *,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder for the files.", show_default=False)],
    orders: Annotated[bool, typer.Option("--orders", help="Every order.")] = False,
    events: Annotated[bool, typer.Option("--events", help="Every order event.")] = False,
    trades: Annotated[bool, typer.Option("--trades", help="Closed trades, computed from the fills.")] = False,
    equity: Annotated[bool, typer.Option("--equity", help='The chart "Strategy Equity".')] = False,
    chart: Annotated[
        list[str] | None, typer.Option("--chart", metavar="NAME", help="A chart; may be given often.")
    ] = None,
    holdings: Annotated[bool, typer.Option("--holdings", help="Holdings and cash as they are now.")] = False,
    insights: Annotated[bool, typer.Option("--insights", help="Every insight.")] = False,
    logs: Annotated[bool, typer.Option("--logs", help="Every line of the log.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="All of these; further charts by --chart.")] = False,
    form: Annotated[Literal["parquet", "csv", "jsonl"], typer.Option("--format", help="Of the files.")] = "parquet",
    since: Annotated[
        datetime | None,
        typer.Option(
            metavar="DATE", parser=moment, help="Only rows created since: a date, or a moment in ISO 8601, UTC."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per file, as when piped.")] = False,
) -> None:
    """Write tables of a project: Parquet, CSV or JSON lines.

    Orders and events, unless tables are named.

    Files appear complete or not at all. After an interruption the same command goes on where it was. Exit code 3 says
    that rows are missing.
    """
    wanted: dict[Table, bool] = {
        "orders": orders,
        "order_events": events,
        "closed_trades": trades,
        "equity": equity,
        "holdings": holdings,
        "cash": holdings,
        "insights": insights,
        "log_lines": logs,
    }
    tables: tuple[Table, ...] = TABLES if everything else tuple(name for name, is_wanted in wanted.items() if is_wanted)
    if not tables and not chart:
        tables = ("orders", "order_events")
    with Bars(messages(), transient=True) as bars:
        job = _Job(
            settings=Settings.of(context),
            project=project,
            to=to,
            tables=tables,
            charts=chart or (),
            form=form,
            since=since,
            force=force,
            board=_Board(bars),
        )
        try:
            report = anyio.run(job.run)
        except KeyboardInterrupt:
            if (to / FOLDER).exists():
                say(f"Interrupted. What was read is kept in {clean(to / FOLDER)}: the same command goes on there.")
            raise
    if as_json or is_read_by_programs():
        write_json(
            {"table": each.table, "path": str(each.path), "rows": each.rows, "bytes": each.size}
            for each in report.files
        )
    else:
        _show(report)
    _warn(report)
    if not report.complete:
        raise typer.Exit(INCOMPLETE)


class _Board:
    """Bars, one for each table that is read or written."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self.endpoint: str = "live/orders/read"
        self.read = 0
        self.is_reading = True
        self._shown: dict[tuple[str, str], Bar] = {}

    def __call__(self, told: ExportProgress) -> None:
        self.read = told.rows if told.stage in {"goes on", "reads"} else self.read
        self.is_reading = told.stage != "writes"
        match told.stage:
            case "begins anew" if told.table:
                self._say(f"{told.detail.capitalize()}: it is read anew.")
            case "begins anew":
                self._say(f"The draft of an interrupted export is not used: {told.detail}. Everything is read anew.")
            case "goes on":
                self._say(f"Going on with an interrupted export: {told.rows:,} orders were read.")
            case "reads" | "writes":
                self._bar(told).read(told.rows, told.expected)

    def _say(self, text: str) -> None:
        if self._shown:
            list(self._shown.values())[-1].tell(text)
        else:
            say(clean(text))

    def observe(self, observation: qcasync.Observation) -> None:
        """Note what is asked for, and show what is waited for, in the last bar."""
        if isinstance(observation, qcasync.RequestSent) and observation.endpoint != self.endpoint:
            self.endpoint, self.read = observation.endpoint, 0
        if self._shown:
            list(self._shown.values())[-1](observation)

    def _bar(self, told: ExportProgress) -> Bar:
        key = told.stage, told.table
        if key not in self._shown:
            verb = "reading" if told.stage == "reads" else "writing"
            self._shown[key] = self._bars.add(f"{verb} {told.table.replace('_', ' ')}")
        return self._shown[key]


@dataclass(frozen=True, kw_only=True)
class _Job:
    """What is asked for."""

    settings: Settings
    project: int
    to: Path
    tables: Sequence[Table]
    charts: Sequence[str]
    form: Format
    since: datetime | None
    force: bool
    board: "_Board"
    meter: Meter = field(default_factory=Meter)

    async def run(self) -> ExportReport:
        timeout = self.settings.timeout
        async with self.settings.client(observers=[self.meter, self.board.observe]) as qc:
            with anyio.move_on_after(timeout):
                return await export_tables(
                    qc,
                    self.project,
                    to=self.to,
                    tables=self.tables,
                    charts=self.charts,
                    format=self.form,
                    since=self.since,
                    overwrite=self.force,
                    progress=self.board,
                )
        trouble = f"; last trouble: {self.meter.trouble}" if self.meter.trouble else ""
        board, rows = self.board, self.board.read
        done = "done" if board.is_reading else "written"
        error = qcasync.IncompleteRead(
            board.endpoint,
            f"not {done} within {timeout:g} s{trouble}",
            [(0, rows)] if rows else [],
            [(rows, None)] if board.is_reading else [],
        )
        if (self.to / FOLDER).exists():
            error.add_note(f"What was read is kept in {self.to / FOLDER}: the same command goes on there.")
        raise error


def _show(report: ExportReport) -> None:
    shown = table(f"Project {report.project_id}")
    shown.add_column("File", overflow="fold")
    for title in ("Rows", "Bytes"):
        shown.add_column(title, justify="right", no_wrap=True)
    for each in report.files:
        row(shown, each.path, f"{each.rows:,}", f"{each.size:,}", fold=True)
    results().print(shown)


def _warn(report: ExportReport) -> None:
    for each in report.anomalies[:_TOLD]:
        warn(f"{each.kind} at {each.index}: {each.detail}")
    if len(report.anomalies) > _TOLD:
        warn(f"... and {len(report.anomalies) - _TOLD:,} more of this kind")
    for name, count in report.quarantined.items():
        rows = "1 row" if count == 1 else f"{count:,} rows"
        warn(f"{rows} of {name.replace('_', ' ')} cannot be decoded; quarantined.jsonl has what came")
