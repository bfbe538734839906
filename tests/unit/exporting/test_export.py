"""An export as a whole: what it writes, what it refuses, and what an interruption leaves."""

import asyncio
import csv
import json
import math
import resource
import shutil
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pyarrow.parquet
import pytest

import qcasync
from qcasync.exporting import FOLDER, TABLES, ExportProgress, export
from qcasync.exporting.folder import Lock
from qcasync.simulator import Conditions, FaultKind, SimulatorTransport
from qcasync.simulator.orders import Life
from qcasync.transports.protocol import Progress, Request, Response
from tests.unit.exporting.support import ORDERS, Desk, check_orders, desk, settled

SEEN = (b"qcasync.observed_from", b"qcasync.observed_until")


def interrupt(desk: Desk, *, nth: int, **options: Any) -> str:
    """Let the `nth` window of orders fail, and tell how the export ends."""
    desk.simulator.fault(FaultKind.FAILURE_LASTING, path=ORDERS, nth=nth)
    with pytest.raises(qcasync.QuantConnectError) as caught:
        desk.export(**options)
    desk.simulator.clear_faults()
    return "\n".join([str(caught.value), *caught.value.__notes__])


def killed(desk: Desk, rows: int) -> None:
    """Leave the folder as an export leaves it that is killed when it has read so many rows."""
    copy = desk.to.with_name("killed")

    def tell(told: ExportProgress) -> None:
        if told.stage == "reads" and told.rows >= rows and not copy.exists():
            shutil.copytree(desk.to, copy)

    desk.export(progress=tell)
    shutil.rmtree(desk.to)
    copy.rename(desk.to)
    desk.asked()


class Renumbering(SimulatorTransport):
    """A server that calls the order 646 by another number."""

    async def exchange(self, request: Request, progress: Progress, /) -> Response:
        """Let the simulator answer."""
        answer = await super().exchange(request, progress)
        body = answer.body.replace(b'"id":646,', b'"id":9646,').replace(b'"orderId":646,', b'"orderId":9646,')
        return msgspec.structs.replace(answer, body=body) if request.url.endswith(ORDERS) else answer


class Enough:
    """Ends an export in its second pass over the orders."""

    def __init__(self, told: list[tuple[str, str]]) -> None:
        self._told = told
        self._passes = len(told) + 1

    def __call__(self, told: ExportProgress) -> None:
        if len(self._told) >= self._passes and told.rows >= 900:
            message = "enough"
            raise RuntimeError(message)


def after_a_list_became_shorter() -> list[tuple[str, str]]:
    """What an export tells that goes on with 700 orders, of which 40 are left."""
    with tempfile.TemporaryDirectory() as folder:
        it = settled(Path(folder), 700)
        interrupt(it, nth=7)
        it.simulator.deploy(it.project_id, time.time())
        it.simulator.reset(it.project_id, time.time())
        it.place(40, life=Life.FILLED)
        it.export()
        check_orders(it)
        assert len(it.rows("orders")) == 40
        return it.told


class TestFiles:
    def test_orders_and_events_by_default(self, tmp_path: Path) -> None:
        it = desk(tmp_path / "new" / "folder", 120, 250, 3)
        report = it.export()
        check_orders(it)
        assert it.names() == {"orders.parquet", "order_events.parquet"}
        assert [(each.path, each.rows, each.size) for each in report.files] == [
            (it.to / "orders.parquet", 373, (it.to / "orders.parquet").stat().st_size),
            (it.to / "order_events.parquet", len(it.rows("order_events")), report.files[1].size),
        ]
        assert (report.complete, report.resumed_rows, report.anomalies) == (True, 0, ())

    def test_every_table_is_the_same_in_every_format(self, tmp_path: Path) -> None:
        it = desk(tmp_path, 90, 60)
        for form in ("parquet", "csv", "jsonl"):
            it.export(*TABLES, charts=["Drawdown"], format=form)
        stems = {*TABLES, "chart-drawdown"}
        assert it.names() == {f"{stem}.{form}" for stem in stems for form in ("parquet", "csv", "jsonl")}
        for stem in stems:
            rows = it.rows(stem)
            lines = it.lines(stem)
            with (it.to / f"{stem}.csv").open(newline="") as stream:
                cells = list(csv.DictReader(stream))
            assert len(rows) == len(lines) == len(cells) > 0, stem
            for row, line, cell in zip(rows[:200], lines[:200], cells[:200], strict=True):
                for name in row.keys() - {"observed_at"}:
                    assert told(row[name]) == line[name], name
                    assert agrees(row[name], cell[name]), name

    def test_closed_trades_are_those_of_the_orders(self, tmp_path: Path) -> None:
        it = desk(tmp_path, 300, 40)
        it.export("closed_trades")
        assert it.names() == {"closed_trades.parquet"}

        async def read() -> qcasync.OrderListing:
            transport = qcasync.simulator.SimulatorTransport(it.simulator, time.time)
            async with qcasync.Client(it.simulator.user_id, it.simulator.api_token, transport=transport) as client:
                return await client.live.list_orders(it.project_id)

        expected = qcasync.closed_trades(anyio.run(read)).to_arrow().to_pylist()
        rows = it.rows("closed_trades")
        assert [{name: row[name] for name in expected[0]} for row in rows] == expected

    def test_what_a_file_says_about_itself(self, tmp_path: Path) -> None:
        it = desk(tmp_path, 30)
        before = datetime.now(UTC) - timedelta(seconds=1)
        report = it.export("orders", since=datetime(2026, 1, 1, tzinfo=UTC))
        schema = pyarrow.parquet.read_schema(tmp_path / "orders.parquet")
        said = {key.decode(): value.decode() for key, value in schema.metadata.items() if key.startswith(b"qcasync.")}
        assert said == {
            "qcasync.version": qcasync.__version__,
            "qcasync.project_id": str(it.project_id),
            "qcasync.table": "orders",
            "qcasync.observed_from": report.observed_from.isoformat(),
            "qcasync.observed_until": report.observed_until.isoformat(),
            "qcasync.complete": "true",
            "qcasync.since": "2026-01-01T00:00:00+00:00",
        }
        assert before < report.observed_from <= report.observed_until <= datetime.now(UTC) + timedelta(seconds=1)
        seen = [row["observed_at"] for row in it.rows("orders")]
        assert report.observed_from < min(seen)
        assert max(seen) == report.observed_until
        assert pyarrow.parquet.ParquetFile(tmp_path / "orders.parquet").metadata.row_group(0).column(0).compression == (
            "ZSTD"
        )

    def test_a_project_without_orders_has_files_without_rows(self, tmp_path: Path) -> None:
        it = desk(tmp_path, 120)
        it.export(since=datetime(2100, 1, 1, tzinfo=UTC))
        assert (it.rows("orders"), it.rows("order_events")) == ([], [])
        assert "limit_price" in pyarrow.parquet.read_schema(tmp_path / "orders.parquet").names

    def test_rows_were_seen_after_the_first_request_was_sent(self, tmp_path: Path) -> None:
        it = desk(tmp_path, 30, conditions=Conditions(latency=0.2, clock_offset=-3600.0))
        tables = ("orders", "insights", "log_lines", "holdings", "equity")
        before = time.time() - 3600.0
        it.export(*tables)
        for stem in tables:
            said = pyarrow.parquet.read_schema(tmp_path / f"{stem}.parquet").metadata
            since, until = (datetime.fromisoformat(said[name].decode()) for name in SEEN)
            assert before - 1.5 < since.timestamp() <= until.timestamp() - 0.2, stem

    def test_a_chart_begins_at_the_first_launch(self, tmp_path: Path) -> None:
        it = desk(tmp_path, 120)
        it.export("equity")
        points = len(it.rows("equity"))
        it.export("equity", since=datetime(1, 1, 1, tzinfo=UTC), overwrite=True)
        assert abs(len(it.rows("equity")) - points) < 10

    def test_since_the_end_of_time(self, tmp_path: Path) -> None:
        it = desk(tmp_path, 120)
        it.export("equity", "orders", since=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
        assert (it.rows("equity"), it.rows("orders")) == ([], [])

    def test_since_is_about_when_rows_were_made(self, tmp_path: Path) -> None:
        it = desk(tmp_path, 200)
        it.export("orders", "order_events", "closed_trades", "insights", "equity")
        moments = {
            "orders": "time",
            "order_events": "time",
            "closed_trades": "exit_time",
            "insights": "generated_time",
            "equity": "time",
        }
        everything = {stem: it.rows(stem) for stem in moments}
        since = everything["orders"][120]["time"]
        it.export(*moments, since=since, overwrite=True)
        for stem, column in moments.items():
            rows = it.rows(stem)
            assert rows, stem
            assert min(row[column] for row in rows) >= since
            if stem != "equity":  # which is sampled anew
                assert len(rows) == sum(row[column] >= since for row in everything[stem])

    def test_what_cannot_be_decoded_is_kept_and_counted(self, tmp_path: Path) -> None:
        it = desk(tmp_path, 250, conditions=Conditions(broken_orders=frozenset({3, 170})))
        report = it.export()
        assert (report.complete, dict(report.quarantined)) == (False, {"orders": 2})
        kept = it.lines("quarantined")
        assert [(line["table"], line["index"]) for line in kept] == [("orders", 3), ("orders", 170)]
        assert all(line["raw"] and line["reason"] for line in kept)
        assert [row["index"] for row in it.rows("orders")] == [at for at in range(250) if at not in {3, 170}]
        assert pyarrow.parquet.read_schema(tmp_path / "orders.parquet").metadata[b"qcasync.complete"] == b"false"
        it.simulator.conditions = Conditions()
        assert it.export(overwrite=True).complete
        assert it.names() == {"orders.parquet", "order_events.parquet"}


class TestRefusals:
    @pytest.mark.parametrize("name", ["orders.parquet", "order_events.parquet", "quarantined.jsonl"])
    def test_a_file_that_is_there(self, tmp_path: Path, name: str) -> None:
        it = desk(tmp_path, 30)
        (tmp_path / name).write_text("mine")
        with pytest.raises(qcasync.ConfigurationError, match=f"{name} exists.") as refusal:
            it.export()
        assert "--force" in refusal.value.hint
        assert (it.names(), (tmp_path / name).read_text(), it.asked()) == ({name}, "mine", [])
        it.export(overwrite=True)
        check_orders(it)

    def test_a_file_that_comes_while_it_is_read(self, tmp_path: Path) -> None:
        it = desk(tmp_path, 30)
        with pytest.raises(qcasync.ConfigurationError, match=r"orders.parquet exists."):
            it.export(progress=lambda _: (tmp_path / "orders.parquet").write_text("mine"))
        assert (tmp_path / "orders.parquet").read_text() == "mine"
        assert it.names() == {"orders.parquet", FOLDER}
        (tmp_path / "orders.parquet").unlink()
        it.export()
        check_orders(it)

    def test_what_is_no_file(self, tmp_path: Path) -> None:
        it = desk(tmp_path, 30)
        (tmp_path / "orders.parquet").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(qcasync.ConfigurationError, match="is not a file"):
            it.export(overwrite=True)
        assert not (tmp_path / "elsewhere").exists()

    def test_a_link_in_the_place_of_the_draft(self, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / FOLDER).symlink_to(tmp_path / "elsewhere")
        with pytest.raises(qcasync.ConfigurationError, match="symbolic link"):
            desk(tmp_path, 30).export()
        assert list((tmp_path / "elsewhere").iterdir()) == []

    def test_a_folder_in_the_place_of_a_part(self, tmp_path: Path) -> None:
        (tmp_path / FOLDER / "mine").mkdir(parents=True)
        it = desk(tmp_path, 30)
        it.export()
        check_orders(it)
        assert (tmp_path / FOLDER / "mine").is_dir()

    def test_a_folder_that_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(qcasync.ConfigurationError, match="cannot be used"):
            desk(tmp_path / "file", 30).export()

    def test_two_exports_into_one_folder(self, tmp_path: Path) -> None:
        it = desk(tmp_path, 30)
        (tmp_path / FOLDER).mkdir()
        (tmp_path / FOLDER / "manifest.json").write_text("{}")
        lock = Lock(tmp_path / FOLDER / "lock")
        assert lock.take()
        with pytest.raises(qcasync.ConfigurationError, match="is running") as refusal:
            it.export()
        assert not hasattr(refusal.value, "__notes__")
        lock.release(remove=False)
        it.export()
        check_orders(it)

    def test_an_unknown_chart(self, tmp_path: Path) -> None:
        it = desk(tmp_path / "new", 30)
        with pytest.raises(qcasync.ConfigurationError, match="has no chart") as refusal:
            it.export("orders", charts=["Nope\x1b[1m"])
        assert "'Drawdown'" in refusal.value.hint
        assert it.asked() == []
        assert not it.to.exists()

    def test_a_wrong_account_leaves_nothing(self, tmp_path: Path) -> None:
        it = desk(tmp_path / "new", 30)
        with pytest.raises(qcasync.AuthenticationError):
            it.export(user_id=4711)
        assert not it.to.exists()

    @pytest.mark.parametrize(
        ("options", "problem"),
        [
            ({"tables": ["order"]}, "no table 'order'"),
            ({"tables": []}, "nothing to export"),
            ({"format": "xlsx"}, "no format 'xlsx'"),
            ({"since": datetime(2026, 1, 1)}, "no time zone"),  # noqa: DTZ001 - that is the point
            ({"charts": [" "]}, "without a name"),
        ],
    )
    def test_options_that_make_no_sense(self, tmp_path: Path, options: dict[str, Any], problem: str) -> None:
        async def run() -> None:
            async with qcasync.Client("1", "0" * 32, base_url="http://127.0.0.1:9/api/v2/") as client:
                await export(client, 1, to=tmp_path / "new", **options)

        with pytest.raises(qcasync.ConfigurationError, match=problem):
            anyio.run(run)
        assert not (tmp_path / "new").exists()


class TestInterruptions:
    def test_it_goes_on_where_it_was(self, tmp_path: Path) -> None:
        it = settled(tmp_path, 700, 800)
        told = interrupt(it, nth=13)
        assert f"What was read is kept in {tmp_path / FOLDER}: the same export goes on there." in told
        assert it.names() == {FOLDER}
        read = it.asked()
        kept = max(end for _, end in parts(it))
        assert 900 <= kept <= 1200
        report = it.export()
        check_orders(it)
        assert it.told == [("goes on", "")]
        assert report.resumed_rows == kept - 100
        assert min(start for start, _ in it.asked()) == kept - 100
        assert len(read) >= 12
        assert it.names() == {"orders.parquet", "order_events.parquet"}

    def test_killed_it_has_what_the_last_part_has(self, tmp_path: Path) -> None:
        it = settled(tmp_path / "it", 700, 800)
        killed(it, 1250)
        assert parts(it) == [(0, 500), (500, 1000)]
        assert len(list((it.to / FOLDER).glob("*.part"))) == 3
        report = it.export()
        check_orders(it)
        assert report.resumed_rows == 900
        assert min(start for start, _ in it.asked()) == 900

    def test_orders_that_were_open_are_read_again(self, tmp_path: Path) -> None:
        it = settled(tmp_path, 640)
        it.place(10, life=Life.OPEN)
        it.place(600, life=Life.FILLED)
        interrupt(it, nth=12)
        it.asked()
        assert it.truth()[645]["status"] == 1
        it.simulator.fill(it.project_id, 645, time.time())
        report = it.export()
        check_orders(it)
        assert it.rows("orders")[645]["status"] == "filled"
        assert [row["status"] for row in it.rows("order_events") if row["order_id"] == 646] == ["submitted", "filled"]
        asked = it.asked()
        assert (600, 700) in asked
        assert not any(start < 600 for start, _ in asked)
        assert report.resumed_rows == min(start for start, _ in asked if start != 600) - 100

    def test_orders_that_were_open_at_the_end_are_read_again_once(self, tmp_path: Path) -> None:
        it = settled(tmp_path, 600)
        it.place(700, life=Life.OPEN)
        interrupt(it, nth=12)
        it.asked()
        report = it.export()
        check_orders(it)
        assert report.resumed_rows == 600
        assert min(start for start, _ in it.asked()) == 600

    def test_a_page_that_is_read_again_must_be_the_same_orders(self, tmp_path: Path) -> None:
        it = settled(tmp_path, 640)
        it.place(10, life=Life.OPEN)
        it.place(600, life=Life.FILLED)
        interrupt(it, nth=12)
        report = it.export(transport=Renumbering)
        assert it.told == [("goes on", ""), ("begins anew", "the list of orders has moved since")]
        assert report.resumed_rows == 0

    def test_new_orders_and_deployments_since(self, tmp_path: Path) -> None:
        it = settled(tmp_path, 700, 520)
        interrupt(it, nth=9)
        it.simulator.trade(it.project_id, 130, time.time())
        it.simulator.deploy(it.project_id, time.time())
        it.simulator.trade(it.project_id, 20, time.time())
        it.export()
        check_orders(it)
        assert {row["deployment"] for row in it.rows("orders")} == {1, 2, 3}

    def test_a_list_that_moved_is_read_from_its_beginning(self, tmp_path: Path) -> None:
        it = settled(tmp_path, 700, 520)
        interrupt(it, nth=9)
        it.simulator.reset(it.project_id, time.time())
        it.simulator.deploy(it.project_id, time.time())
        it.place(1300, life=Life.FILLED)
        report = it.export()
        check_orders(it)
        assert it.told == [("goes on", ""), ("begins anew", "the list of orders has moved since")]
        assert report.resumed_rows == 0

    def test_a_list_that_moves_while_it_is_read_is_read_once_more(self, tmp_path: Path) -> None:
        it = settled(tmp_path, 900)

        def tell(told: ExportProgress) -> None:
            if told.stage == "reads" and told.rows >= 500 and len(it.simulator.projects[0].deployments) == 1:
                it.simulator.deploy(it.project_id, time.time())
                it.simulator.reset(it.project_id, time.time())
                it.place(950, life=Life.FILLED)

        report = it.export(progress=tell, max_concurrency=1)
        check_orders(it)
        assert it.told == [("begins anew", "the list of orders has moved since")]
        assert report.anomalies == ()

    @pytest.mark.parametrize("times", [1, 2])
    def test_a_list_whose_pages_do_not_fit_is_read_once_more_and_then_given_up(
        self, tmp_path: Path, times: int
    ) -> None:
        it = settled(tmp_path / "new", 900)
        it.simulator.conditions = Conditions(flush_seconds=0.0, inclusive_end=True)
        seen = [0]

        def tell(told: ExportProgress) -> None:
            if told.stage == "reads" and told.rows >= 600 and len(seen) <= times and seen[-1] < 600:
                it.simulator.deploy(it.project_id, time.time())
                it.simulator.reset(it.project_id, time.time())
                it.place(900, life=Life.FILLED)
                seen.append(0)
            seen[-1] = told.rows

        if times == 1:
            it.export(progress=tell, max_concurrency=1)
            check_orders(it)
        else:
            with pytest.raises(qcasync.IncompleteRead) as caught:
                it.export(progress=tell, max_concurrency=1)
            assert not hasattr(caught.value, "__notes__")
            assert not it.to.exists()
        assert it.told == [("begins anew", "the list of orders has moved since")]

    def test_what_is_always_odd_is_no_sign_that_the_list_moved(self, tmp_path: Path) -> None:
        it = settled(tmp_path, 1250)
        report = it.export(transport=Renumbering)
        assert it.told == [("begins anew", "the list of orders has moved since")]
        assert [each.kind for each in report.anomalies] == ["gap", "disorder"]
        (tmp_path / "orders.parquet").unlink()
        (tmp_path / "order_events.parquet").unlink()
        with pytest.raises(RuntimeError, match="enough"):
            it.export(transport=Renumbering, progress=Enough(it.told))
        it.told.clear()
        it.export(transport=Renumbering)
        assert it.told == [("goes on", "")]
        assert len(it.rows("orders")) == 1250

    @pytest.mark.early(job=after_a_list_became_shorter)  # which takes 10 s to be believed
    def test_a_list_that_became_shorter_is_read_from_its_beginning(self, early: list[tuple[str, str]]) -> None:
        assert early == [("goes on", ""), ("begins anew", "the list of orders has moved since")]

    def test_interrupted_again_and_again(self, tmp_path: Path) -> None:
        it = settled(tmp_path, 300, 400, 500)
        for nth in (5, 4, 6):
            interrupt(it, nth=nth)
        it.export()
        check_orders(it)

    def test_other_tables_may_be_wanted_then(self, tmp_path: Path) -> None:
        it = settled(tmp_path, 700)
        interrupt(it, nth=6)
        report = it.export("orders", "order_events", "closed_trades", format="jsonl")
        assert report.resumed_rows > 0
        assert [line["index"] for line in it.lines("orders")] == list(range(700))

    def test_another_project_begins_anew(self, tmp_path: Path) -> None:
        it = settled(tmp_path, 700)
        interrupt(it, nth=6)
        other = it.simulator.add_project([120])
        it.export(project_id=other.id)
        assert it.told == [("begins anew", f"it is about project {it.project_id}")]
        assert len(it.rows("orders")) == 120

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            ({"begun_at": 1_000.0}, "it was begun more than 24 hours ago"),
            ({"begun_at": 1e12}, "it was begun more than 24 hours ago"),
            ({"library": "0.0.1"}, "qcasync 0.0.1 made it"),
            ({"account": "another"}, "it is another account's"),
            ({"parts": 5}, "it cannot be read"),
        ],
    )
    def test_a_draft_that_is_of_no_use(self, tmp_path: Path, change: dict[str, Any], why: str) -> None:
        it = settled(tmp_path, 700)
        interrupt(it, nth=6)
        manifest = tmp_path / FOLDER / "manifest.json"
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **change}))
        it.export()
        check_orders(it)
        assert it.told == [("begins anew", why)]

    def test_a_damaged_part(self, tmp_path: Path) -> None:
        it = settled(tmp_path, 700)
        interrupt(it, nth=6)
        part = next((tmp_path / FOLDER).glob("*.part"))
        part.write_bytes(part.read_bytes()[:-9] + b"\0" * 9)
        it.export()
        check_orders(it)
        assert it.told == [("begins anew", "it is damaged")]

    def test_a_refused_export_leaves_a_draft_alone(self, tmp_path: Path) -> None:
        it = settled(tmp_path, 700)
        interrupt(it, nth=6)
        before = {path: path.read_bytes() for path in (tmp_path / FOLDER).iterdir()}
        (tmp_path / "orders.parquet").write_text("mine")
        with pytest.raises(qcasync.ConfigurationError, match="exists"):
            it.export(project_id=it.simulator.add_project([9]).id)
        assert {path: path.read_bytes() for path in (tmp_path / FOLDER).iterdir()} == before

    @pytest.mark.parametrize("change", [{}, {"begun_at": 1_000.0}])
    def test_killed_between_two_files(self, tmp_path: Path, change: dict[str, Any]) -> None:
        it = settled(tmp_path, 700)
        with pytest.raises(qcasync.ConfigurationError):
            it.export(progress=lambda _: (tmp_path / "order_events.parquet").write_text(""))
        (tmp_path / "order_events.parquet").unlink()
        # As if it had died after the first of two files came into its place.
        (tmp_path / "orders.parquet").write_text("ours")
        stamp = (tmp_path / "orders.parquet").stat()
        manifest = tmp_path / FOLDER / "manifest.json"
        placed = {"orders.parquet": [stamp.st_size, stamp.st_mtime_ns]}
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "placed": placed, **change}))
        it.export()
        check_orders(it)

    @pytest.mark.parametrize("backend", ["asyncio", "trio"])
    @pytest.mark.parametrize(
        ("stage", "table"), [("reads", "orders"), ("writes", "orders"), ("writes", "closed_trades")]
    )
    def test_cancelled_it_leaves_a_draft_and_no_file(
        self, tmp_path: Path, backend: str, stage: str, table: str
    ) -> None:
        it = settled(tmp_path, 1200)
        open_files = len(list(Path("/proc/self/fd").iterdir()))

        async def cancelled() -> None:
            def tell(told: ExportProgress) -> None:
                if (told.stage, told.table) == (stage, table):
                    scope.cancel()

            with anyio.CancelScope() as scope:
                await it.run("orders", "closed_trades", progress=tell)
            assert scope.cancelled_caught

        anyio.run(cancelled, backend=backend)
        assert it.names() == {FOLDER}
        assert parts(it)
        if table == "closed_trades":  # nobody waits until all of them are matched
            assert pyarrow.parquet.read_metadata(tmp_path / FOLDER / "closed_trades.parquet").num_rows == 0
        assert len(list(Path("/proc/self/fd").iterdir())) <= open_files + 1
        it.export(overwrite=False)
        check_orders(it)

    @pytest.mark.parametrize("count", [700, 1300])  # while a part is finished at the end of the list, or on the way
    def test_a_full_disk_leaves_what_was_whole(self, tmp_path: Path, count: int) -> None:
        it = settled(tmp_path, count)
        open_files = len(list(Path("/proc/self/fd").iterdir()))
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)

        def tell(told: ExportProgress) -> None:
            if told.rows >= 600:
                resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, limit[1]))

        try:
            with pytest.raises(OSError, match="too large") as caught:
                it.export(progress=tell, max_concurrency=1)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        assert "is kept in" in caught.value.__notes__[0]
        assert [path.name for path in (tmp_path / FOLDER).glob("*.part")] == ["orders-000001.part"]
        assert len(list(Path("/proc/self/fd").iterdir())) <= open_files + 1
        assert it.export().resumed_rows == 400
        check_orders(it)

    @pytest.mark.parametrize("backend", ["asyncio", "trio"])
    def test_cancelled_before_it_began_it_leaves_nothing(self, tmp_path: Path, backend: str) -> None:
        it = settled(tmp_path / "new", 30)

        async def cancelled() -> None:
            with anyio.CancelScope() as scope:
                scope.cancel()
                await it.run()
            assert scope.cancelled_caught
            assert not it.to.exists()
            await it.run()

        anyio.run(cancelled, backend=backend)
        check_orders(it)

    def test_a_native_cancellation_waits_for_the_disk(self, tmp_path: Path) -> None:
        it = settled(tmp_path, 1200)

        async def cancelled() -> None:
            def tell(told: ExportProgress) -> None:
                if told.stage == "reads" and told.rows >= 700:
                    task.cancel()

            task = asyncio.ensure_future(it.run(progress=tell))
            with pytest.raises(asyncio.CancelledError):
                await task

        anyio.run(cancelled)
        assert parts(it)[-1][1] >= 700
        it.export()
        check_orders(it)


class TestHostility:
    TEXTS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\x1b[2J\x9b", '"; rm', "../../x", "\u202e\u2028")

    def test_log_lines(self, tmp_path: Path) -> None:
        it = settled(tmp_path, 30)
        for text in self.TEXTS:
            it.simulator.log(it.project_id, text, time.time())
        it.simulator.flush(it.project_id, time.time())
        for form in ("parquet", "csv", "jsonl"):
            it.export("log_lines", format=form)
        rows = it.rows("log_lines")
        assert [row["text"][20:] for row in rows[-len(self.TEXTS) :]] == list(self.TEXTS)
        assert [line["text"] for line in it.lines("log_lines")] == [row["text"] for row in rows]
        raw = (tmp_path / "log_lines.jsonl").read_text()
        assert not set(raw) & set("\x1b\x9b\u202e\u2028")
        with (tmp_path / "log_lines.csv").open(newline="") as stream:
            assert [cell["text"] for cell in csv.DictReader(stream)] == [row["text"] for row in rows]

    def test_tags(self, tmp_path: Path) -> None:
        it = desk(tmp_path, 200)
        for form in ("parquet", "csv", "jsonl"):
            it.export("orders", format=form)
        tags = [row["tag"] for row in it.rows("orders")]
        assert "=SUM(A1)" in tags
        assert [line["tag"] for line in it.lines("orders")] == tags
        with (tmp_path / "orders.csv").open(newline="") as stream:
            cells = [cell["tag"] for cell in csv.DictReader(stream)]
        assert cells == [shown(tag) for tag in tags]
        assert "'=SUM(A1)" in cells
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in cells)


def parts(it: Desk) -> list[tuple[int, int]]:
    """What the draft holds."""
    told = json.loads((it.to / FOLDER / "manifest.json").read_text())
    return [(part["start"], part["end"]) for part in told["parts"]]


def told(value: object) -> object:
    """A value of a table, as strict JSON has it."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, float) and math.isnan(value):
        return None
    return value


def shown(value: object) -> str:
    """A value of a table, as a spreadsheet gets it."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case datetime():
            return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        case list():
            return " ".join(shown(item) for item in value)
        case dict():
            return " ".join(shown(item) for item in value.values())
        case str():
            return f"'{value}" if value[:1] in set("=+-@\t\r\n") and value else value
        case _:
            return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def agrees(value: object, cell: str) -> bool:
    """Whether a cell of a CSV file says the same."""
    if isinstance(value, float):
        return value == float(cell)
    return shown(value) == cell
