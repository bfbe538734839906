"""A simulated project, exported in real time: files are written in threads, which know nothing of virtual time."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pyarrow.parquet

import qcasync
from qcasync.exporting import ExportProgress, ExportReport
from qcasync.exporting.run import Run
from qcasync.exporting.wishes import wishes
from qcasync.simulator import Conditions, Simulator, SimulatorTransport
from qcasync.simulator.orders import Life

ORDERS = "live/orders/read"
Told = Callable[[ExportProgress], object]


@dataclass
class Desk:
    """A project, and where it is exported to.

    Attributes:
        told: The stages and details that exports told, but for what they read and wrote.
    """

    to: Path
    simulator: Simulator
    project_id: int
    told: list[tuple[str, str]] = field(default_factory=list)

    def export(self, *tables: str, **options: Any) -> ExportReport:
        """Export in an event loop of its own. Nothing is sent twice."""
        return anyio.run(lambda: self.run(*tables, **options))

    async def run(
        self, *tables: str, progress: Told | None = None, rows_of_a_part: int = 500, **options: Any
    ) -> ExportReport:
        """The same, in this one."""

        def tell(told: ExportProgress) -> None:
            if told.stage not in {"reads", "writes"}:
                self.told.append((told.stage, told.detail))
            if progress is not None:
                progress(told)

        transport = options.pop("transport", SimulatorTransport)(self.simulator, time.time)
        user_id = options.pop("user_id", self.simulator.user_id)
        async with qcasync.Client(
            user_id,
            self.simulator.api_token,
            transport=transport,
            max_attempts=1,
            max_concurrency=options.pop("max_concurrency", 10),
        ) as client:
            wanted = wishes(
                tables or ("orders", "order_events"),
                options.pop("charts", ()),
                options.pop("format", "parquet"),
                options.pop("since", None),
            )
            project_id = options.pop("project_id", self.project_id)
            overwrite = options.pop("overwrite", False)
            assert not options
            run = Run(
                client,
                project_id,
                self.to,
                wanted,
                overwrite=overwrite,
                progress=tell,
                rows_of_a_part=rows_of_a_part,
            )
            return await run.perform()

    def place(self, count: int, *, life: Life) -> None:
        """Let the running deployment have further orders, of which this became."""
        running = self.simulator.projects[0].active(time.time())
        assert running is not None
        running.place(count, time.time(), life=life)

    def asked(self) -> list[tuple[int, int]]:
        """The windows of orders that were asked for since the last time."""
        windows = [
            (int(str(record.payload["start"])), int(str(record.payload["end"])))
            for record in self.simulator.ledger.requests
            if record.path == ORDERS
        ]
        self.simulator.ledger.clear()
        return windows

    def rows(self, stem: str) -> list[dict[str, Any]]:
        """The rows of a Parquet file."""
        return pyarrow.parquet.read_table(self.to / f"{stem}.parquet").to_pylist()

    def lines(self, stem: str) -> list[dict[str, Any]]:
        """The rows of a file of JSON lines."""
        return [json.loads(line) for line in (self.to / f"{stem}.jsonl").read_text().splitlines()]

    def names(self) -> set[str]:
        """What is in the folder."""
        return {path.name for path in self.to.iterdir()}

    def truth(self) -> list[dict[str, Any]]:
        """The orders as the simulator shows them."""
        return [dict(order) for order in self.simulator.orders(self.project_id, time.time())]


def desk(to: Path, *deployments: int, conditions: Conditions | None = None) -> Desk:
    """A project with deployments of so many orders."""
    simulator = Simulator(7, time.time(), conditions=conditions)
    return Desk(to, simulator, simulator.add_project(deployments).id)


def settled(to: Path, *deployments: int) -> Desk:
    """The same, with orders that were all filled, and a simulator that shows at once what happens."""
    now = time.time()
    simulator = Simulator(7, now, conditions=Conditions(flush_seconds=0.0))
    it = Desk(to, simulator, simulator.add_project().id)
    for count in deployments:
        simulator.deploy(it.project_id, now)
        it.place(count, life=Life.FILLED)
    return it


def check_orders(desk: Desk) -> None:
    """Orders and events in Parquet are those of the simulator, each once, and in their order."""
    truth, orders, events = desk.truth(), desk.rows("orders"), desk.rows("order_events")
    assert [row["index"] for row in orders] == list(range(len(truth)))
    assert [row["id"] for row in orders] == [order["id"] for order in truth]
    assert [row["quantity"] for row in orders] == [order["quantity"] for order in truth]
    assert [row["tag"] for row in orders] == [order.get("tag") for order in truth]
    assert [row["events"] for row in orders] == [len(order.get("events", ())) for order in truth]
    told = [event for order in truth for event in order.get("events", ())]
    assert [row["id"] for row in events] == [event["id"] for event in told]
    assert [row["status"].replace("_", "") for row in events] == [event["status"].lower() for event in told]
    deployments = {event["algorithmId"]: None for event in told}
    numbers = {deploy_id: number for number, deploy_id in enumerate(deployments, 1)}
    assert [row["deployment"] for row in events] == [numbers[event["algorithmId"]] for event in told]
    assert {row["project_id"] for row in orders + events} == {desk.project_id}
    for row in orders:
        assert row["deploy_id"] is None or numbers[row["deploy_id"]] == row["deployment"]
