"""The way in: arguments are checked, and only then is pyarrow imported."""

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from qcasync._core import requests
from qcasync.client import Client
from qcasync.exporting.report import ExportReport, ProgressCallback
from qcasync.exporting.wishes import Format, Table, wishes
from qcasync.models.tables._kind import arrays


async def export(
    client: Client,
    project_id: int,
    *,
    to: str | os.PathLike[str],
    tables: Iterable[Table] = ("orders", "order_events"),
    charts: Iterable[str] = (),
    format: Format = "parquet",  # noqa: A002 - the word for it
    since: datetime | None = None,
    overwrite: bool = False,
    progress: ProgressCallback | None = None,
) -> ExportReport:
    """Write tables of a live project into files, in bounded memory, complete or not at all.

    What is read is kept in the folder ".qcasync-export" in `to` until the files are complete. Whatever interrupts the
    export, the next one into the same folder goes on there: orders that it holds are not read again, except those that
    had not ended, and the last page. Cost: one request per 100 orders, one or two that prove the end, one for each
    chart and one for the portfolio. docs/exporting.md says what each file promises.

    Args:
        client: Reads.
        project_id: The project.
        to: A folder; made if there is none.
        tables: Which tables: "orders", "order_events", "closed_trades", "equity", "holdings", "cash", "insights",
            "log_lines". Each becomes a file of that name.
        charts: Further charts by name; each becomes a file "chart-...".
        format: "parquet", "csv" or "jsonl".
        since: Only rows that were created since; aware.
        overwrite: Replace files that are there.
        progress: Called in the event loop with how far it is.

    Returns:
        What was written. It is worth a look whether it is `complete`.

    Raises:
        ConfigurationError: pyarrow is missing, a file exists, or an argument makes no sense; nothing was sent. Or there
            is no such chart.
        IncompleteRead: The rest of the orders cannot be read. No file was written; what was read is kept.
        OSError: The disk refuses.
    """
    wanted = wishes(tables, charts, format, since)
    arrays()
    from qcasync.exporting.run import Run  # noqa: PLC0415 - it needs pyarrow, an extra, as the line above made sure of

    run = Run(client, requests.project(project_id), Path(to), wanted, overwrite=overwrite, progress=progress)
    return await run.perform()
