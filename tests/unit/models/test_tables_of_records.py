"""Tables of portfolios, insights, log lines, trades and changes."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

import qcasync
from qcasync.models import tables
from tests import bodies
from tests.unit.models.test_orders import DEPLOY, EVENT, ORDER
from tests.unit.models.test_tables import LATER, MORNING, STRUCT, column, page


def test_a_portfolio_becomes_holdings_and_cash() -> None:
    new, old = (qcasync.decode_portfolio(msgspec.json.encode(body)) for body in bodies.PORTFOLIOS[:2])
    holding = new.to_arrow().to_pylist()[0]
    (cash,) = new.cash_to_arrow().to_pylist()

    assert holding["symbol_id"] == "KRNL X1"
    assert (holding["quantity"], holding["average_price"], holding["symbol"]) == (10.0, 500.1, None)
    assert (cash["currency"], cash["amount"], cash["security_symbol_ids"]) == ("USD", 94000.25, ["KRNL X1"])
    assert old.to_arrow().column("security_type").to_pylist() == ["equity"]
    exact = qcasync.Portfolio[Decimal](holdings={"A": qcasync.Holding(quantity=Decimal("0.1"))})
    assert exact.to_arrow().column("quantity").to_pylist() == [Decimal("0.1")]


def test_insights_lines_and_trades() -> None:
    insight = qcasync.Insight(
        id="1",
        generated_time_at=1738593000.5,
        close_time_at=1738593060.0,
        symbol="KRNL X1",
        type=qcasync.InsightType.PRICE,
        direction=qcasync.InsightDirection.DOWN,
        period=60.0,
    )
    (row,) = tables.INSIGHTS.table([insight]).to_pylist()
    assert (row["direction"], row["generated_time"], row["magnitude"]) == ("down", insight.generated_time, None)

    lines = [qcasync.LogLine(number=4, text="2025-02-03 14:30:00 \x1b[2J=1+1"), qcasync.LogLine(number=5, text="x")]
    assert tables.LOG_LINES.table(lines).to_pylist() == [
        {"number": 4, "time": MORNING, "text": "2025-02-03 14:30:00 \x1b[2J=1+1"},
        {"number": 5, "time": None, "text": "x"},
    ]

    trade = qcasync.Trade(
        symbols=(ORDER.symbol,),
        entry_time=MORNING,
        entry_price=1.0,
        direction=qcasync.TradeDirection.SHORT,
        quantity=2.0,
        exit_time=LATER,
        exit_price=1.5,
        order_ids=(1, 2),
    )
    (row,) = tables.TRADES.table([trade]).to_pylist()
    assert (row["symbols"], row["direction"], row["duration"]) == (["KRNL"], "short", 60.0)
    assert (row["order_ids"], row["is_win"]) == ([1, 2], None)


def test_changes_have_what_they_share_and_all_of_it_as_json() -> None:
    common: dict[str, Any] = {"project_id": 7, "observed_at": MORNING}
    symbol = {"deploy_id": DEPLOY, "deployment": 1, "order_id": 1, "symbol_id": "KRNL X1"}
    nothing = dict.fromkeys(symbol)
    torn = qcasync.LogLineAdded(key="l", deploy_id="L-1", line=1, text="\ud800", **common)
    added = qcasync.OrderAdded(key="o", deployment=1, deploy_id=DEPLOY, index=0, order=ORDER, **common)
    happened = qcasync.OrderEventAdded(key="e", deployment=1, order_id=1, position=0, event=EVENT, **common)
    changes: list[tuple[qcasync.Change, str, dict[str, Any]]] = [
        (added, "order_added", symbol),
        (happened, "order_event_added", symbol),
        (qcasync.CashChanged(key="c", currency="USD", cash=None, previous=None, **common), "cash_changed", nothing),
        (torn, "log_line_added", {**nothing, "deploy_id": "L-1"}),
        (
            qcasync.HoldingChanged(key="h", symbol_id="K", holding=None, previous=None, **common),
            "holding_changed",
            {**nothing, "symbol_id": "K"},
        ),
    ]

    for row, (change, kind, told) in zip(
        tables.CHANGES.table(change for change, _, _ in changes).to_pylist(), changes, strict=True
    ):
        assert {name: row[name] for name in told} == told
        assert (row["kind"], row["key"], row["project_id"]) == (kind, change.key, 7)
        if change is not torn:
            assert row["json"].encode() == qcasync.encode_change(change)
    assert qcasync.decode_change(row["json"].encode()).key == "h"
    assert column(tables.CHANGES, "json", torn)[0].count("\ufffd") == 1


def test_every_kind_of_change_has_a_row() -> None:
    lines = (Path(__file__).parents[2] / "data" / "watch.changes.jsonl").read_bytes().splitlines()
    changes = list(map(qcasync.decode_change, lines))
    table = tables.CHANGES.table(changes)

    table.validate(full=True)
    assert [row.encode() for row in table.column("json").to_pylist()] == list(map(qcasync.encode_change, changes))
    assert table.column("observed_at").to_pylist() == [change.observed_at for change in changes]


def test_a_closed_trade_has_its_fees_and_both_fills() -> None:
    sold = STRUCT(EVENT, time_at=EVENT.time_at + 60, order_id=2, fill_price=12.0, fill_quantity=-1.0)
    fill = STRUCT(EVENT, fill_price=10.0, fill_quantity=1.0, order_fee_amount=1.0, order_fee_currency="USD")
    trades = qcasync.closed_trades([STRUCT(ORDER, events=(fill,)), STRUCT(ORDER, id=2, quantity=-1.0, events=(sold,))])
    (row,) = trades.to_arrow().to_pylist()

    assert (row["direction"], row["profit_loss"], row["duration"]) == ("long", 2.0, 60.0)
    assert row["fees"] == [{"currency": "USD", "amount": 1.0}]
    assert (row["entry_deploy_id"], row["entry_order_id"], row["exit_order_id"]) == (DEPLOY, 1, 2)


def test_a_listing_of_decimals_becomes_exact_tables() -> None:
    now = MORNING
    orders = tuple(page(bodies.FULL_ORDER, decimal=True))
    listing = qcasync.OrderListing(
        orders=orders, total=1, observed_from=now, observed_until=now, complete=True, windows=1
    )
    assert listing.to_arrow().column("price").to_pylist() == [Decimal("81.25")]
    assert listing.to_arrow().schema == tables.ORDERS.exact.schema()
    assert listing.events_to_arrow().schema == tables.ORDER_EVENTS.exact.schema()
