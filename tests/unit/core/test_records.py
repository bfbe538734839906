"""Pages of log lines, insights and trades: the one pass, and what it leaves to the patient reader."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from qcasync._core.decoding import Loading, Refusal, read_insights, read_logs, read_trades
from qcasync._core.records import read_insight_page, read_log_page, read_trade_page
from qcasync.errors import DecodeError
from qcasync.models import (
    Insight,
    InsightDirection,
    InsightPage,
    InsightType,
    LogPage,
    Symbol,
    Trade,
    TradeDirection,
    TradePage,
)
from qcasync.models.quarantine import MAX_RAW

INSIGHT: dict[str, Any] = {
    "id": "a01",
    "groupId": None,
    "sourceModel": "M",
    "generatedTime": 1738593000.25,
    "createdTime": 1738593000.25,
    "closeTime": 1738593060.25,
    "symbol": "KRNL X1",
    "ticker": "KRNL",
    "type": "price",
    "reference": 80.5,
    "referenceValueFinal": 81.5,
    "direction": "down",
    "period": 60.0,
    "magnitude": "0.025",
    "confidence": None,
    "weight": 0.5,
    "scoreIsFinal": True,
    "scoreDirection": "1",
    "scoreMagnitude": "0.25",
    "estimatedValue": "-2.5",
    "tag": "null",
}
READ = Insight(
    id="a01",
    source_model="M",
    generated_time_at=1738593000.25,
    created_time_at=1738593000.25,
    close_time_at=1738593060.25,
    symbol="KRNL X1",
    ticker="KRNL",
    type=InsightType.PRICE,
    reference=80.5,
    reference_value_final=81.5,
    direction=InsightDirection.DOWN,
    period=60.0,
    magnitude=0.025,
    weight=0.5,
    score_is_final=True,
    score_direction=1.0,
    score_magnitude=0.25,
    estimated_value=-2.5,
    tag="null",
)


def body(*insights: Any, **envelope: Any) -> bytes:
    return json.dumps({"insights": insights, "length": len(insights), "success": True} | envelope).encode()


def page(*insights: Any, **envelope: Any) -> InsightPage:
    answer = read_insights(body(*insights, **envelope))
    assert isinstance(answer, InsightPage)
    return answer


def log(lines: Any, **envelope: Any) -> LogPage:
    answer = read_logs(json.dumps({"logs": lines, "success": True} | envelope).encode())
    assert isinstance(answer, LogPage)
    return answer


def test_todays_pages_need_one_pass() -> None:
    strict = read_insight_page(body(INSIGHT, INSIGHT))

    assert strict == InsightPage(insights=(READ, READ), length=2)
    assert read_log_page(b'{"logs":["a","b"],"length":9,"deploymentOffset":7,"success":true}') == LogPage(
        lines=("a", "b"), length=9, deployment_offset=7
    )


def test_additional_keys_are_passed_over() -> None:
    assert read_insight_page(body(INSIGHT | {"invented": [{}]}, more=1)) == InsightPage(insights=(READ,), length=1)
    assert log(["a"], invented={}) == LogPage(lines=("a",))


@pytest.mark.parametrize("rename", [{"referenceValueFinal": "referenceFinal"}, {"scoreIsFinal": "scoreFinal"}])
def test_the_documents_names_are_not_passed_over(rename: dict[str, str]) -> None:
    """Both fields have defaults, so a decoder that skipped them would not notice."""
    other = {rename.get(key, key): value for key, value in INSIGHT.items()}

    assert read_insight_page(body(other)) is None
    assert page(INSIGHT, other) == InsightPage(insights=(READ, READ), length=2)


@pytest.mark.parametrize("spell", [str.upper, lambda key: key[:1].upper() + key[1:]])
def test_any_spelling_is_read(spell: Any) -> None:
    assert page({spell(key): value for key, value in INSIGHT.items()}).insights == (READ,)


@pytest.mark.parametrize(
    ("change", "field", "expected"),
    [
        ({"direction": "up"}, "direction", InsightDirection.UP),
        ({"direction": "Flat"}, "direction", InsightDirection.FLAT),
        ({"direction": 1}, "direction", InsightDirection.UP),
        ({"direction": "sideways"}, "direction", InsightDirection("sideways")),
        ({"type": "Volatility"}, "type", InsightType.VOLATILITY),
        ({"type": "trend"}, "type", InsightType("trend")),
        ({"magnitude": 0.1}, "magnitude", 0.1),
        ({"magnitude": "-1E-05"}, "magnitude", -1e-05),
        ({"magnitude": "NaN"}, "magnitude", None),
        ({"confidence": "Infinity"}, "confidence", None),
        ({"estimatedValue": "NaN"}, "estimated_value", 0.0),
        ({"scoreDirection": None}, "score_direction", 0.0),
        ({"scoreIsFinal": 0}, "score_is_final", False),
        ({"scoreIsFinal": "true"}, "score_is_final", True),
        ({"generatedTime": 1738593000}, "generated_time_at", 1738593000.0),
        ({"generatedTime": None}, "generated_time_at", 1738593000.25),
        ({"createdTime": None}, "created_time_at", None),
        ({"id": 12}, "id", "12"),
        ({"period": "60"}, "period", 60.0),
        ({"tag": None}, "tag", None),
    ],
)
def test_a_field_in_another_form(change: dict[str, Any], field: str, expected: object) -> None:
    answer = page(INSIGHT | change, INSIGHT)

    assert (answer.quarantined, answer.insights[1]) == ((), READ)
    found = getattr(answer.insights[0], field)
    assert (found, type(found)) == (expected, type(expected))


def test_numbers_that_json_does_not_have_cost_only_their_field() -> None:
    answer = read_insights(body(INSIGHT).replace(b"80.5", b"NaN").replace(b'"0.25"', b"-Infinity"))

    assert isinstance(answer, InsightPage)
    assert (answer.insights[0].reference, answer.insights[0].score_magnitude) == (0.0, 0.0)
    assert answer.insights[0].reference_value_final == 81.5


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (INSIGHT | {"symbol": None}, "expected text, got null at $.insights[1].symbol"),
        (INSIGHT | {"direction": [1]}, "expected a name or a number, got a list at $.insights[1].direction"),
        (INSIGHT | {"closeTime": -1}, "out of range at $.insights[1].closeTime"),
        (INSIGHT | {"period": "NaN"}, "not a finite number at $.insights[1].period"),
        (INSIGHT | {"magnitude": "lots"}, "expected a number, got text at $.insights[1].magnitude"),
        ({key: INSIGHT[key] for key in ("id", "symbol")}, "no `generatedTime` at $.insights[1]"),
        (None, "expected an object, got null at $.insights[1]"),
        ([], "no `id` at $.insights[1]"),
        ("text", "expected an object, got text at $.insights[1]"),
    ],
)
def test_a_broken_insight_costs_no_other(broken: Any, reason: str) -> None:
    answer = page(INSIGHT, broken, INSIGHT)

    (entry,) = answer.quarantined
    assert (answer.insights, entry.index, entry.reason) == ((READ, READ), 1, reason)
    assert (json.loads(entry.raw), answer.count, answer.length) == (broken, 3, 3)


def test_what_is_kept_of_a_broken_insight_is_bounded() -> None:
    (entry,) = page(INSIGHT | {"id": None, "tag": "x" * 10**6}).quarantined

    assert len(entry.raw) == MAX_RAW


@pytest.mark.parametrize(
    ("insights", "count"), [([], 0), ({}, 0), ({"7": INSIGHT, "9": INSIGHT}, 2), (INSIGHT, 1), ([INSIGHT], 1)]
)
def test_insights_may_come_as_an_object(insights: Any, count: int) -> None:
    assert page(insights=insights).insights == (READ,) * count


@pytest.mark.parametrize(("length", "expected"), [("2", 2), (2.0, 2), (None, None), ("many", None), (10**30, None)])
def test_an_odd_length_is_no_reason_to_lose_a_page(length: Any, expected: int | None) -> None:
    assert page(INSIGHT, length=length) == InsightPage(insights=(READ,), length=expected)
    assert log(["a"], length=length, deploymentOffset=length) == LogPage(
        lines=("a",), length=expected, deployment_offset=expected
    )


def test_success_may_be_left_out_and_may_be_refused() -> None:
    """Some answers of this family have no such key; a false one is never a page."""
    assert read_insights(json.dumps({"insights": [INSIGHT]}).encode()) == InsightPage(insights=(READ,))
    assert read_logs(b'{"logs":["a"]}') == LogPage(lines=("a",))
    assert not isinstance(read_insights(body(INSIGHT, success=False)), InsightPage)
    assert not isinstance(read_logs(b'{"logs":["a"],"success":false}'), LogPage)


@pytest.mark.parametrize("entries", [7, "text", True])
def test_entries_of_another_type_are_an_error(entries: Any) -> None:
    for read, key in ((read_insights, "insights"), (read_logs, "logs"), (read_trades, "trades")):
        with pytest.raises(DecodeError) as caught:
            read(json.dumps({key: entries, "success": True}).encode())
        assert (caught.value.reason, caught.value.path) == ("expected a list", f"$.{key}")


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("2025-02-03 14:00:00 a\nb", "2025-02-03 14:00:00 a\nb"),
        ("", ""),
        (None, ""),
        (7.0, "7.0"),
        (True, "true"),
        (["a", 1], '["a", 1]'),
        ({"é": None}, '{"\\u00e9": null}'),
    ],
)
def test_a_line_keeps_its_place_whatever_it_is(line: Any, read: str) -> None:
    answer = log(["first", line, "last"], length=3)

    assert (answer.lines, answer.count) == (("first", read, "last"), 3)


TRADE: dict[str, Any] = {
    "id": "t1",
    "symbols": [{"value": "KRNL", "id": "KRNL X1", "permtick": "KRNL"}],
    "entryTime": "2025-02-03T14:30:00Z",
    "entryPrice": 80.5,
    "direction": 1,
    "quantity": 2.0,
    "exitTime": "2025-02-03T15:30:00Z",
    "exitPrice": 80.0,
    "profitLoss": 1.0,
    "totalFees": 0.5,
    "mae": -0.25,
    "mfe": 1.5,
    "duration": "01:00:00",
    "endTradeDrawdown": -0.5,
    "isWin": True,
    "orderIds": [3, 4],
}
CLOSED = Trade(
    id="t1",
    symbols=(Symbol(value="KRNL", id="KRNL X1", permtick="KRNL"),),
    entry_time=datetime(2025, 2, 3, 14, 30, tzinfo=UTC),
    entry_price=80.5,
    direction=TradeDirection.SHORT,
    quantity=2.0,
    exit_time=datetime(2025, 2, 3, 15, 30, tzinfo=UTC),
    exit_price=80.0,
    profit_loss=1.0,
    total_fees=0.5,
    mae=-0.25,
    mfe=1.5,
    duration_text="01:00:00",
    end_trade_drawdown=-0.5,
    is_win=True,
    order_ids=(3, 4),
)


def trades(*told: Any, **envelope: Any) -> TradePage:
    answer = read_trades(json.dumps({"trades": told, "length": len(told), "success": True} | envelope).encode())
    assert isinstance(answer, TradePage)
    return answer


def test_todays_trades_need_one_pass() -> None:
    body = json.dumps({"trades": [TRADE, TRADE | {"invented": {}}], "length": 2, "success": True}).encode()

    assert read_trade_page(body) == TradePage(trades=(CLOSED, CLOSED), length=2)


@pytest.mark.parametrize("spell", [str.upper, lambda key: key[:1].upper() + key[1:]])
def test_trades_in_any_spelling_lose_nothing(spell: Any) -> None:
    """Half of the fields have defaults, so that a decoder which skipped them would not notice."""
    assert trades({spell(key): value for key, value in TRADE.items()}).trades == (CLOSED,)


@pytest.mark.parametrize(
    ("change", "field", "expected"),
    [
        ({"direction": "Long"}, "direction", TradeDirection.LONG),
        ({"direction": 7}, "direction", TradeDirection(7)),
        ({"entryTime": "2025-02-03 14:30:00"}, "entry_time", CLOSED.entry_time),
        ({"mae": "NaN"}, "mae", 0.0),
        ({"profitLoss": "-1.5"}, "profit_loss", -1.5),
        ({"isWin": "false"}, "is_win", False),
        ({"isWin": None}, "is_win", None),
        ({"orderIds": None}, "order_ids", ()),
        ({"orderIds": 3}, "order_ids", None),
        ({"symbols": []}, "symbols", ()),
        ({"symbols": ["KRNL"]}, "symbols", (Symbol(value="KRNL", id="", permtick="KRNL"),)),
        ({"symbols": None, "symbol": "KRNL"}, "symbols", (Symbol(value="KRNL", id="", permtick="KRNL"),)),
        ({"symbol": "ignored, as there are symbols", "direction": "Short"}, "symbols", CLOSED.symbols),
        ({"id": 5}, "id", "5"),
        ({"orders": []}, "orders", ()),
    ],
)
def test_a_trade_in_another_form(change: dict[str, Any], field: str, expected: object) -> None:
    answer = trades(TRADE | change, TRADE)

    if expected is None and field == "order_ids":
        assert [entry.reason for entry in answer.quarantined] == [
            "expected a list, got a number at $.trades[0].orderIds"
        ]
        return
    assert (answer.quarantined, answer.trades[1]) == ((), CLOSED)
    assert getattr(answer.trades[0], field) == expected


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (TRADE | {"entryTime": "yesterday"}, "not a date at $.trades[1].entryTime"),
        (TRADE | {"exitTime": "0001-01-01T00:00:00"}, "the year 1 for a date at $.trades[1].exitTime"),
        (TRADE | {"quantity": "NaN"}, "not a finite number at $.trades[1].quantity"),
        ({"id": "t"}, "no `symbols` at $.trades[1]"),
        (None, "expected an object, got null at $.trades[1]"),
    ],
)
def test_a_broken_trade_costs_no_other(broken: Any, reason: str) -> None:
    answer = trades(TRADE, broken, TRADE)

    (entry,) = answer.quarantined
    assert (answer.trades, entry.index, entry.reason) == ((CLOSED, CLOSED), 1, reason)
    assert (json.loads(entry.raw), answer.count) == (broken, 3)


def test_trades_load_and_are_refused() -> None:
    assert read_trades(b'{"success":true,"status":"loading","progress":0}') == Loading(0.0)
    assert read_trades(b'{"success":false,"errors":["no"],"trades":[]}') == Refusal(("no",))
    assert trades(TRADE, length=None) == TradePage(trades=(CLOSED,))
