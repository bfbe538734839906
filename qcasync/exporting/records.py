"""Insights and log lines on their way through: page by page into a file that only this process reads."""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from qcasync._listing.pages import Pages
from qcasync.client import Client
from qcasync.exporting.arrow import Batch, pa
from qcasync.exporting.snapshots import server_time
from qcasync.exporting.threads import in_thread
from qcasync.models import tables
from qcasync.models.quarantine import Quarantined
from qcasync.models.tables import Kind

_ROWS_AT_ONCE: Final = 4_096
_Open = Callable[[int], AbstractAsyncContextManager[Pages[Any]]]


@dataclass
class Records:
    """A list that was read whole.

    Attributes:
        kind: Its kind of table.
        path: Where its rows are.
        observed_from: Unix time after which it was read.
        observed_until: Unix time before which it was.
        quarantined: What could not be decoded; its `index` is that of the whole list.
    """

    kind: str
    path: Path
    observed_from: float = 0.0
    observed_until: float = 0.0
    quarantined: list[Quarantined] = field(default_factory=list[Quarantined])

    def batches(self) -> Generator[Batch, None, None]:
        """The rows again."""
        with self.path.open("rb") as stream, pa.ipc.open_stream(stream) as reader:
            yield from reader


async def read_records(
    client: Client, project_id: int, wanted: Sequence[str], folder: Path, told: Callable[[str, int, int], None]
) -> dict[str, Records]:
    """Read the insights and the log lines that are wanted, each until its end is proved.

    Args:
        client: Reads.
        project_id: The project.
        wanted: Names of kinds of tables.
        folder: Where to keep the rows.
        told: Is told the kind, how many rows there are by now, and how many there seem to be.

    Raises:
        IncompleteRead: The rest cannot be read.
    """
    read: dict[str, Records] = {}
    sources: list[tuple[Kind[Any], _Open]] = [
        (tables.INSIGHTS, client.live.iter_insights),
        (tables.LOG_LINES, client.live.iter_logs),
    ]
    for kind, open_list in sources:
        if kind.name in wanted:
            records = Records(kind.name, folder / f"{kind.name}.arrow")
            read[kind.name] = await _read(client, kind, open_list(project_id), records, told)
    return read


async def _read(
    client: Client,
    kind: Kind[Any],
    stream: AbstractAsyncContextManager[Pages[Any]],
    records: Records,
    told: Callable[[str, int, int], None],
) -> Records:
    began = time.time()
    file = records.path.open("xb")
    try:
        writer = pa.ipc.new_stream(file, kind.schema())
        held: list[Any] = []
        rows = 0

        def flush() -> None:
            writer.write_batch(kind.batch(held))
            held.clear()

        async with stream as pages:
            async for page in pages:
                rows += page.count
                for entry in page.rows():
                    if isinstance(entry, Quarantined):
                        place = page.start + entry.index
                        records.quarantined.append(Quarantined(index=place, reason=entry.reason, raw=entry.raw))
                    else:
                        held.append(entry)
                if len(held) >= _ROWS_AT_ONCE:
                    await in_thread(flush)
                told(kind.name, rows, pages.hint)
        await in_thread(flush)
        writer.close()
    finally:
        file.close()
    records.observed_from, records.observed_until = server_time(client, began), server_time(client)
    return records
