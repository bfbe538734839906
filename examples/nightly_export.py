"""Every running project into Parquet files of the day, and a question about all days to DuckDB.

    python examples/nightly_export.py exports

A run that was interrupted goes on where it was, and a project whose files of the day are there is left alone: start
it from cron as often as you like. It needs `pip install 'qcasync[arrow]' duckdb`.
"""

import argparse
from datetime import UTC, datetime
from pathlib import Path

import anyio
import duckdb

import qcasync
import qcasync.exporting

FEES = """
SELECT project_id, symbol, count(*) AS fills,
    sum((abs(fill_quantity) * fill_price)::DECIMAL(38, 6)) AS turnover, sum(fee_amount::DECIMAL(38, 6)) AS fees
FROM (SELECT DISTINCT ON (id) * FROM read_parquet(?) ORDER BY observed_at DESC)
WHERE fill_quantity <> 0
GROUP BY ALL ORDER BY turnover DESC LIMIT 5
"""
"""An event is in the files of every day since it happened: the latest counts."""


async def export(day: Path) -> None:
    """Export each project into a folder of its own."""
    async with qcasync.Client() as qc:
        deployments = await qc.live.list(status="Running")
        for project_id in sorted({deployment.project_id for deployment in deployments}):
            folder = day / str(project_id)
            if (folder / "order_events.parquet").exists():
                continue
            report = await qcasync.exporting.export(qc, project_id, to=folder)
            told = ", ".join(f"{file.rows} {file.table.replace('_', ' ')}" for file in report.files)
            print(f"{project_id}: {told}{'' if report.complete else ', INCOMPLETE'}")


def ask(exports: Path) -> None:
    """Print what was traded most."""
    files = str(exports / "*" / "*" / "order_events.parquet")
    for project_id, symbol, fills, turnover, fees in duckdb.execute(FEES, [files]).fetchall():
        print(f"{project_id} {symbol}: {fills} fills, {turnover:,.0f} traded, {fees:,.2f} fees")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Export every running project, and ask DuckDB about it.")
    parser.add_argument("exports", type=Path, help="a folder; made if there is none")
    options = parser.parse_args()
    anyio.run(export, options.exports / datetime.now(UTC).strftime("%Y-%m-%d"))
    ask(options.exports)
