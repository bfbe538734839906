"""An export, from the first look at the folder to the last file."""

import time
from functools import partial
from pathlib import Path

import anyio

import qcasync
from qcasync.client import Client
from qcasync.errors import QuantConnectError
from qcasync.exporting.draft import FORM, ROWS_OF_A_PART, Contents, Draft
from qcasync.exporting.files import Files, check_free
from qcasync.exporting.outputs import Material, begin_outputs, moment, write_rest
from qcasync.exporting.reading import read_orders
from qcasync.exporting.records import read_records
from qcasync.exporting.report import ExportProgress, ExportReport, ProgressCallback, Stage
from qcasync.exporting.snapshots import read_snapshots, server_time
from qcasync.exporting.tail import MovedError
from qcasync.exporting.threads import in_thread, in_thread_until
from qcasync.exporting.wishes import OF_ORDERS, QUARANTINED, Wishes
from qcasync.exporting.writing import write_orders, write_trades
from qcasync.models.listings import Anomaly


class Run:
    """One export.

    Args:
        client: Reads.
        project_id: The project.
        to: The folder.
        wanted: What is to be written.
        overwrite: Replace files that are there.
        progress: Told how far it is.
        rows_of_a_part: After how many orders what was read is on the disk.
    """

    def __init__(
        self,
        client: Client,
        project_id: int,
        to: Path,
        wanted: Wishes,
        *,
        overwrite: bool,
        progress: ProgressCallback | None,
        rows_of_a_part: int = ROWS_OF_A_PART,
    ) -> None:
        self._client = client
        self._project_id = project_id
        self._to = to
        self._wishes = wanted
        self._overwrite = overwrite
        self._progress = progress
        self._draft = Draft(
            to,
            Contents(
                form=FORM,
                library=qcasync.__version__,
                project_id=project_id,
                account=client._account,  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - of the same house
                begun_at=time.time(),
            ),
            rows_of_a_part=rows_of_a_part,
        )
        self._files = Files(self._draft, to, wanted.format)

    async def perform(self) -> ExportReport:
        """Do it. What it raises stands at `export`."""
        try:
            await in_thread(self._draft.open)
            report = await self._perform()
        except BaseException as error:
            with anyio.CancelScope(shield=True):
                await in_thread(partial(self._give_up, error))
            raise
        await in_thread(lambda: self._draft.close(remove=True))
        return report

    async def _perform(self) -> ExportReport:
        wanted, placed = self._wishes, self._draft.contents.placed
        names = (*wanted.names, QUARANTINED)
        await in_thread(lambda: check_free(self._to, names, placed, overwrite=self._overwrite))
        self._tell_of_draft()
        await in_thread(self._draft.begin)
        material = Material(self._draft, time.time())
        material.snapshots = await read_snapshots(self._client, self._project_id, wanted)
        resumed = 0
        if OF_ORDERS.intersection(wanted.tables):
            resumed = await self._read_orders()
        material.records = await read_records(
            self._client, self._project_id, wanted.tables, self._draft.path, self._tell_reading
        )
        material.now = server_time(self._client)
        anomalies = await self._write(material)
        files = await in_thread(lambda: self._files.place(overwrite=self._overwrite))
        seen = [material.seen(stem) for stem in wanted.stems]
        return ExportReport(
            project_id=self._project_id,
            files=files,
            observed_from=moment(min(each.since for each in seen)),
            observed_until=moment(max(each.until for each in seen)),
            resumed_rows=resumed,
            anomalies=(*self._draft.contents.anomalies, *anomalies),
            quarantined=self._files.quarantined,
        )

    async def _read_orders(self) -> int:
        def told(rows: int, expected: int) -> None:
            self._tell_reading("orders", rows, expected)

        try:
            return await read_orders(self._client, self._draft, told, is_last=False)
        except MovedError:
            self._tell(stage="begins anew", table="orders", detail="the list of orders has moved since")
            await in_thread(self._draft.forget)
            return await read_orders(self._client, self._draft, told, is_last=True)

    async def _write(self, material: Material) -> tuple[Anomaly, ...]:
        begin = partial(begin_outputs, material, self._files, self._wishes, self._project_id)
        outputs = await in_thread(begin)
        total = self._draft.contents.end
        steps = write_orders(self._draft, outputs)
        if outputs.keys() & {"orders", "order_events"}:
            while (rows := await in_thread(lambda: next(steps, None))) is not None:
                self._tell(stage="writes", table="orders", rows=rows, expected=total)
        anomalies: tuple[Anomaly, ...] = ()
        if "closed_trades" in outputs:
            self._tell(stage="writes", table="closed_trades")
            until = material.seen("closed_trades").until
            trades = partial(write_trades, self._draft, outputs["closed_trades"], until)
            anomalies = await in_thread_until(trades)
        rest = write_rest(material, outputs)
        while (stem := await in_thread(lambda: next(rest, None))) is not None:
            self._tell(stage="writes", table=stem)
        await in_thread(self._files.finish)
        await in_thread(lambda: self._files.add_quarantine(material.quarantine(), self._project_id))
        return anomalies

    def _give_up(self, error: BaseException) -> None:
        """Close what is open, and remove what nobody could use."""
        if not self._draft.is_held:
            return
        self._files.abandon()
        is_empty = self._draft.is_empty
        self._draft.close(remove=is_empty)
        if not is_empty and isinstance(error, QuantConnectError | OSError):
            error.add_note(f"What was read is kept in {self._draft.path}: the same export goes on there.")

    def _tell_of_draft(self) -> None:
        if self._draft.renounced:
            self._tell(stage="begins anew", detail=self._draft.renounced)
        elif self._draft.contents.parts:
            self._tell(stage="goes on", table="orders", rows=self._draft.contents.end)

    def _tell_reading(self, table: str, rows: int, expected: int) -> None:
        self._tell(stage="reads", table=table, rows=rows, expected=expected)

    def _tell(self, *, stage: Stage, table: str = "", rows: int = 0, expected: int = 0, detail: str = "") -> None:
        if self._progress is not None:
            told = ExportProgress(stage=stage, table=table, rows=rows, expected=expected, detail=detail)
            self._progress(told)
