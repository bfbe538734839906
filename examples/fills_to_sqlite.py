"""Every fill of every running project, exactly once, in a SQLite table.

The table is in the checkpoint's own file: a row and the acknowledgement of its change are one transaction, so that
neither is there without the other, whenever the process dies.

    python examples/fills_to_sqlite.py desk.db
    sqlite3 desk.db "SELECT symbol, sum(quantity) FROM fills GROUP BY symbol"
"""

import argparse
import sqlite3

import anyio

import qcasync

TABLE = """
CREATE TABLE IF NOT EXISTS fills (
    event_id TEXT PRIMARY KEY, project_id INTEGER, at TEXT, symbol TEXT, quantity REAL, price REAL, fee REAL)"""


EVENTS = (qcasync.OrderEventAdded, qcasync.OrderEventAmended)


def write_fill(database: sqlite3.Connection, change: qcasync.OrderEventAdded | qcasync.OrderEventAmended) -> None:
    """Runs in another thread, in the transaction that acknowledges. An amended event takes the former one's place."""
    event = change.event
    database.execute(TABLE)
    database.execute(
        "INSERT OR REPLACE INTO fills VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            event.id,
            change.project_id,
            event.time.isoformat(),
            event.symbol_value or event.symbol,
            event.fill_quantity,
            event.fill_price,
            event.order_fee_amount,
        ),
    )


async def main(checkpoint: str, seconds: float | None) -> None:
    """Write fills until the time is up, or for ever."""
    fills = 0
    with anyio.move_on_after(seconds):
        async with (
            qcasync.Client() as qc,
            qc.watch(status="Running", checkpoint=checkpoint, start="beginning") as changes,
        ):
            async for change in changes:
                match change:
                    case qcasync.OrderEventAdded(event=event) | qcasync.OrderEventAmended(event=event) if (
                        event.fill_quantity
                    ):
                        await change.ack(lambda database, fill=change: write_fill(database, fill))
                        fills += 1
                    case _:
                        await change.ack()
    print(fills, "fills written")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write every fill of every running project into a SQLite table.")
    parser.add_argument("checkpoint", help="the file; made if there is none")
    parser.add_argument("--seconds", type=float, help="stop after so long")
    options = parser.parse_args()
    anyio.run(main, options.checkpoint, options.seconds)
