import gc
import gzip
import io
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import qcasync
from qcasync.cli.__main__ import main
from qcasync.cli.bench import contenders, payloads
from qcasync.cli.bench._pydantic_live import LiveAnswer
from qcasync.cli.bench._pydantic_orders import DeploymentsAnswer, OrdersAnswer
from qcasync.cli.bench.command import make
from qcasync.cli.bench.contenders import BASELINE, CONTENDERS, Contender
from qcasync.cli.bench.measuring import Plan, measure
from qcasync.cli.bench.memory import measure as measure_memory
from qcasync.cli.bench.ours import Decode
from qcasync.cli.bench.payloads import Kind, Seeded, from_file, recognize, seeded, warm_up
from qcasync.cli.bench.picture import draw
from qcasync.cli.bench.report import show
from qcasync.cli.bench.results import Row, Run, StallRow, Timing
from qcasync.cli.bench.stall import measure_all
from qcasync.simulator.bodies import chart, deployments, live_results, orders_window, portfolio

SAMPLES = Path(__file__).parents[2] / "contract" / "samples"


def timing(ratio: float | None) -> Timing:
    return Timing(min=(ratio or 1.0) / 1000, median=0.002, ratio=ratio, ratio_median=ratio)


def decoder(payload: str, contender: str, ratio: float | None = 1.0, **told: Any) -> Row:
    alike: dict[str, Any] = {
        "payload": payload,
        "payload_bytes": 162_297,
        "contender": contender,
        "side": "qcasync" if contender.startswith("qcasync") else "other",
        "timing": timing(ratio),
        "timing_bare": timing(ratio),
        "timing_gc_off": timing(ratio),
        "bytes_per_second": 162_297_000 / (ratio or 1.0),
        "orders_per_second": 100_000.0,
        "peak_bytes": 500_000,
        "peak_ratio": 3.08,
        "tracked": 816_607,
    }
    return Row(**(alike | told))


@pytest.fixture(autouse=True)
def _frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every timing begins with a full collection. What the session froze must stay so: else each takes 0.2 s."""
    monkeypatch.setattr(gc, "unfreeze", lambda: None)


@pytest.fixture
def run() -> Run:
    return Run(
        stamp={"qcasync": "0.1.0", "simdjson_kernel": None, "rounds": 7},
        rows=(
            decoder("orders", "qcasync", 0.6),
            decoder("orders", "qcasync, lazy events", 0.4),
            decoder("orders", BASELINE),
            decoder("orders", "pydantic from JSON", 3.3),
            decoder("orders", "json + pydantic", 12.0),
            decoder(
                "orders", "simdjson parse only", 0.15, side="limit", peak_bytes=None, peak_ratio=None, tracked=None
            ),
            decoder("orders-pascal", "qcasync", 0.75),
            decoder("orders-broken", "qcasync", 1.5),
            decoder("live-26mb", "qcasync, lazy charts", 0.06, orders_per_second=None),
            decoder("live-26mb", BASELINE, orders_per_second=None),
        ),
        stalls=(StallRow(payload="live-26mb", inline=0.52, client=0.026, ratio=0.05),),
        left_out=("lean is not installed: pip install lean",),
    )


def shown(run: Run, width: int = 80) -> str:
    out = io.StringIO()
    show(run, Console(file=out, width=width))
    return out.getvalue()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (orders_window(orders=1), Kind.ORDERS),
        (orders_window(orders=1, spelling="pascal"), Kind.ORDERS),
        (warm_up(seeded(Seeded.LIVE_1, small=True)), Kind.LIVE),
        (chart(points=1), Kind.CHART),
        (portfolio(holdings=1), Kind.PORTFOLIO),
        (deployments(deployments=1), Kind.DEPLOYMENTS),
        (b'{"success": false, "errors": ["no"]}', None),
        (b'{"status": "loading", "progress": 0, "success": true}', None),
        (b"[]", None),
        (b"<html>", None),
        (b"\xff", None),
        (b"", None),
    ],
    ids=lambda value: None if isinstance(value, bytes) else str(value),
)
def test_an_answer_is_recognized_by_its_content(body: bytes, kind: Kind | None) -> None:
    assert recognize(body) is kind


@pytest.mark.parametrize(
    ("sample", "kind"),
    [
        ("live_orders_read/pascal", Kind.ORDERS),
        ("live_read/flat", Kind.LIVE),
        ("live_read/documented", Kind.LIVE),
        ("live_list/live", Kind.DEPLOYMENTS),
        ("live_list/algorithms", Kind.DEPLOYMENTS),
    ],
)
def test_the_samples_are_recognized(sample: str, kind: Kind) -> None:
    assert from_file(SAMPLES / f"{sample}.json").kind is kind


def test_a_compressed_file_is_the_same_as_a_plain_one(tmp_path: Path) -> None:
    plain, compressed = tmp_path / "window.json", tmp_path / "window.json.gz"
    body = orders_window(orders=3)
    plain.write_bytes(body)
    compressed.write_bytes(gzip.compress(body))
    assert from_file(plain).body == from_file(compressed).body == body
    assert from_file(compressed).orders == 3


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{}", "is none of the answers that can be measured"),
        (gzip.compress(b"{}")[:-9], "is damaged"),
        (b"\x1f\x8b\x08" + bytes(20), "is damaged"),
    ],
    ids=["unknown", "cut", "no gzip"],
)
def test_a_file_of_no_use_is_an_error_with_a_remedy(
    content: bytes, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "window.json"
    file.write_bytes(content)
    assert main(["bench", "decode", str(file)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert "HINT" in err


def test_what_cannot_be_decoded_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "chart.json"
    file.write_bytes(b'{"chart": {"name": "x", "series": 7}, "success": true}')
    assert main(["bench", "decode", str(file)]) == 1
    assert "$.chart.series" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["no-such-file"], ["."], ["--payload", "orders-gothic"], ["--rounds", "0"], [__file__, "--payload", "orders"]],
    ids=" ".join,
)
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "decode", *arguments]) == 2
    assert capsys.readouterr().out == ""


def test_a_picture_that_cannot_be_written_costs_no_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "decode", "--png", "no/such/folder/x.png"]) == 2
    assert "Create it first" in capsys.readouterr().err


def test_without_matplotlib_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["bench", "decode", "--png", "x.png"]) == 2
    assert "pip install 'qcasync[bench]'" in capsys.readouterr().err


@pytest.mark.parametrize("name", Seeded)
def test_seeded_payloads_decode_as_what_they_are_meant_to_be(name: Seeded) -> None:
    payload = seeded(name, small=True)
    assert recognize(payload.body) is payload.kind
    if payload.kind is Kind.ORDERS:
        page = qcasync.decode_orders(payload.body)
        assert page.count == payload.orders
        assert len(page.quarantined) == (name is Seeded.BROKEN)
        assert len(page.quirks) == (3 if name is Seeded.QUIRKY else 0)


def test_pydantic_models_hold_the_same_orders() -> None:
    body = orders_window(orders=40)
    for ours, theirs in zip(
        qcasync.decode_orders(body).orders, OrdersAnswer.model_validate_json(body).orders, strict=True
    ):
        assert_the_same_fields(ours, theirs)
        assert ours.symbol.id == theirs.symbol.id
        assert ours.broker_ids == theirs.broker_id
        assert ours.properties == theirs.properties
        assert (ours.symbol.underlying is None) == (theirs.symbol.underlying is None)
        for event, their_event in zip(ours.events, theirs.events, strict=True):
            assert event.time_at == their_event.time
            assert event.status.name == their_event.status.name
            assert event.direction.name == their_event.direction.name
            same = {name for name in type(their_event).model_fields if name not in {"time", "status", "direction"}}
            assert all(getattr(event, name) == getattr(their_event, name) for name in same)


def test_pydantic_models_hold_the_same_result() -> None:
    body = live_results(size=payloads.LiveRecipe(holdings=3, orders=12, events=30, closed=5, charts=8, points=9))
    ours, theirs = qcasync.decode_live(body).results, LiveAnswer.model_validate_json(body).live_results.results
    assert ours is not None
    assert theirs is not None
    assert ours.profit_loss == theirs.profit_loss
    assert ours.statistics == theirs.statistics
    assert ours.account_currency == theirs.account_currency
    assert list(ours.orders) == list(theirs.orders)
    for key, order in ours.orders.items():
        assert_the_same_fields(order, theirs.orders[key])
        assert order.broker_ids == tuple(map(str, theirs.orders[key].broker_id))
    for event, their_event in zip(ours.order_events, theirs.order_events, strict=True):
        assert event.order_id == their_event.order_id
        assert event.symbol == their_event.symbol.id
        assert event.status.name == their_event.status.name
        assert event.order_fee_amount == their_event.order_fee.value.amount
        assert abs(event.time - their_event.utc_time) < timedelta(milliseconds=1)
    for name, holding in ours.holdings.items():
        assert holding.average_price == theirs.holdings[name].average_price
        assert holding.quantity == theirs.holdings[name].quantity
    for name, one in ours.charts.items():
        for key, series in one.series.items():
            points = theirs.charts[name].series[key].values
            assert list(series.time) == [point[0] for point in points]
            assert [None if math.isnan(y) else y for y in series.y] == [point[-1] for point in points]


def test_pydantic_models_hold_the_same_deployments() -> None:
    body = deployments(deployments=12)
    answer = DeploymentsAnswer.model_validate_json(body)
    ours = next(each for each in CONTENDERS[Kind.DEPLOYMENTS] if each.side == "qcasync").make(body)()
    assert isinstance(ours, tuple)
    for mine, theirs in zip(ours, answer.live, strict=True):
        for name in set(type(theirs).model_fields) - {"launched", "stopped"}:
            assert getattr(mine, name) == getattr(theirs, name)
        assert theirs.launched is not None
        assert mine.launched.replace(tzinfo=None) == theirs.launched  # back-end dates name no zone


def assert_the_same_fields(ours: qcasync.Order, theirs: Any) -> None:
    times = {"time", "created_time", "last_fill_time", "last_update_time", "canceled_time"}
    apart = {"properties", "symbol", "broker_id", "events", "order_submission_data", "group_order_manager"}
    for name in set(type(theirs).model_fields) - times - apart:
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in times:
        mine, other = getattr(ours, name), getattr(theirs, name)
        assert (mine is None) == (other is None)
        assert mine is None or abs(mine - other) <= timedelta(microseconds=1)  # they cut 100 ns, we round
    data, their_data = ours.order_submission_data, theirs.order_submission_data
    assert (data is None) == (their_data is None)
    assert data is None or (data.bid_price, data.last_price) == (their_data.bid_price, their_data.last_price)


@pytest.mark.parametrize("kind", Kind)
def test_every_contender_decodes_what_it_is_for(kind: Kind) -> None:
    bodies: dict[Kind, Callable[[], bytes]] = {
        Kind.ORDERS: lambda: orders_window(orders=2),
        Kind.LIVE: lambda: seeded(Seeded.LIVE_1, small=True).body,
        Kind.CHART: lambda: chart(points=3),
        Kind.PORTFOLIO: lambda: portfolio(holdings=2),
        Kind.DEPLOYMENTS: lambda: deployments(deployments=2),
    }
    for contender in CONTENDERS[kind]:
        if not contender.missing:
            assert contender.make(bodies[kind]())() is not None


def test_the_limit_builds_the_same_page_without_text() -> None:
    body = orders_window(orders=30)
    limit = next(each for each in CONTENDERS[Kind.ORDERS] if each.name == "ours from msgpack")
    assert limit.make(body)() == qcasync.decode_orders(body)


def test_columns_without_extras_equal_those_with_them() -> None:
    body = chart(points=50)
    found: Any = next(each for each in CONTENDERS[Kind.CHART] if each.name == "qcasync, no extras").make(body)()
    _, columns = found
    assert [held.time for held in columns] == [each.time for each in qcasync.decode_chart(body).series.values()]


def test_who_cannot_take_part_is_left_out_with_the_reason() -> None:
    def refuse(body: bytes) -> Decode:
        raise ValueError(f"no room for {len(body)} bytes\nand more")

    table = {
        Kind.ORDERS: (
            Contender(name="absent", make=refuse, needs=("no_such_module",)),
            Contender(name="slow", make=refuse, max_bytes=1e3),
            Contender(name="strict", make=refuse),
            Contender(name="plain", make=lambda _: lambda: None),
        )
    }
    payload = seeded(Seeded.ORDERS, small=True)
    found = measure([payload], Plan(rounds=1, brief=True), lambda _: None, table)
    assert [row.contender for row in found.rows] == ["plain"]
    assert found.rows[0].timing.ratio is None
    assert found.rows[0].tracked is None
    assert found.left_out == (
        "no_such_module is not installed: pip install no_such_module",
        "slow is not measured above 0.001 MB",
        f"strict does not take orders: no room for {len(payload.body)} bytes",
    )


def test_a_smoke_run_measures_everything_once() -> None:
    told: list[str] = []
    payloads = make([Seeded.ORDERS, Seeded.PASCAL, Seeded.LIVE_1, Seeded.ORDERS], small=True)
    few = {
        kind: [each for each in held if each.name in {"qcasync", BASELINE, "json"}] for kind, held in CONTENDERS.items()
    }
    found = measure(payloads, Plan(rounds=1, brief=True), told.append, few)
    assert [payload.name for payload in payloads] == ["orders", "orders-pascal", "live-1mb"]
    assert told[0] == "round 1 of 1"
    assert [row.contender for row in found.rows if row.payload == "orders"] == ["qcasync", BASELINE, "json"]
    assert [row.contender for row in found.rows if row.payload == "orders-pascal"] == ["qcasync", BASELINE]
    assert all(row.timing.ratio == 1.0 for row in found.rows if row.contender == BASELINE)
    first = found.rows[0]
    assert first.orders_per_second is not None
    assert first.tracked is not None
    assert found.stalls[0].payload == "live-1mb"
    assert "qcasync" in shown(found)


def test_tables_fit_a_terminal(run: Run) -> None:
    text = shown(run)
    assert "…" not in text
    for part in ("qcasync, lazy events", "816,607", "0.40", "live-26mb", "520.0", "0.050"):
        assert part in text


def test_findings_compare_payloads(run: Run) -> None:
    text = " ".join(shown(run, 200).split())
    assert "PascalCase: 0.80 of the orders per second of today's spelling, 0.80 of the MB/s." in text
    assert "A page with one broken order takes 2.50 times as long as a clean one." in text
    assert "pydantic from JSON takes 5.5 times as long as qcasync." in text
    assert "three quirky orders" not in text


def test_without_a_baseline_there_are_no_ratios(run: Run) -> None:
    alone = Run(stamp={}, rows=(decoder("x.json", "qcasync", None),), stalls=(), left_out=())
    assert "x.json, 162 kB" in shown(alone)


def measure_a_file() -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "holdings.json")
        file.write_bytes(portfolio(holdings=2))
        command = [sys.executable, "-m", "qcasync.cli", "bench", "decode", "--rounds", "1", str(file)]
        return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)


@pytest.mark.early(job=measure_a_file)
def test_a_file_of_ones_own_as_lines_for_programs(early: subprocess.CompletedProcess[str]) -> None:
    assert early.returncode == 0, early.stderr
    first, *rest = map(json.loads, early.stdout.splitlines())
    assert first["about"] == "run"
    assert first["rounds"] == 1
    assert {line["about"] for line in rest} == {"decoder"}
    ours = rest[0]
    assert ours["payload"] == "holdings.json"
    assert ours["contender"] == "qcasync"
    assert ours["orders_per_second"] is None
    assert set(ours["timing"]) == {"min", "median", "ratio", "ratio_median"}


def test_the_picture_is_a_png(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "decode.png"
    assert draw(run, path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_without_a_baseline_there_is_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "decode.png"
    assert not draw(Run(stamp={}, rows=(decoder("orders", "qcasync", None),), stalls=(), left_out=()), path)
    assert not path.exists()


def test_stalls_are_measured_both_ways() -> None:
    found = measure_all(seeded(Seeded.LIVE_1, small=True).body, 1)
    assert len(found.inline) == len(found.client) == 1
    assert min(found.inline + found.client) > 0


def test_memory_counts_what_one_result_leaves(tmp_path: Path) -> None:
    file, small = tmp_path / "x.json", tmp_path / "small.json"
    file.write_bytes(orders_window(orders=50))
    small.write_bytes(orders_window(orders=1))
    ours, theirs = (measure_memory("live/orders/read", name, file, small) for name in ("qcasync", BASELINE))
    assert ours.peak is not None
    assert 0 <= ours.tracked < theirs.tracked


def test_each_library_has_a_remedy() -> None:
    needed = {module for held in CONTENDERS.values() for contender in held for module in contender.needs}
    assert all("pip install" in contenders.remedy(module) for module in needed)
