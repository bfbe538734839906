"""Each kind of change as a line, in honest words and in hostile ones."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec
import pytest
from rich.cells import cell_len

import qcasync
from qcasync.cli.watch_lines import line_of, name_of_project, number, price

SEEN = datetime(2025, 6, 16, 14, 2, 11, tzinfo=UTC)
HOSTILE = "\x1b[2J\x1b]0;title\x07[bold red]x[/]\u202eabc\r\nsecond\u2028line\x9b31m\ttab\x00 日本語 🙂"


def common(project_id: int = 7) -> dict[str, Any]:
    return {"project_id": project_id, "key": "k", "sequence": 1, "observed_at": SEEN}


def an_order(**told: object) -> qcasync.Order:
    alike: dict[str, Any] = {
        "type": qcasync.OrderType.LIMIT,
        "id": 7,
        "symbol": qcasync.Symbol(value="SPY", id="SPY R735QTJ8XC9X"),
        "time": SEEN,
        "quantity": 10.0,
        "status": qcasync.OrderStatus.SUBMITTED,
        "direction": qcasync.OrderDirection.BUY,
        "limit_price": 501.2,
    }
    return qcasync.Order(**(alike | told))


def an_event(**told: object) -> qcasync.OrderEvent:
    alike: dict[str, Any] = {
        "id": "d-7-2",
        "algorithm_id": "L-0",
        "order_id": 7,
        "order_event_id": 2,
        "symbol": "SPY R735QTJ8XC9X",
        "symbol_value": "SPY",
        "time_at": SEEN.timestamp() - 2,
        "status": qcasync.OrderStatus.FILLED,
        "direction": qcasync.OrderDirection.BUY,
        "fill_quantity": 10.0,
        "fill_price": 501.2,
        "quantity": 10.0,
    }
    return qcasync.OrderEvent(**(alike | told))


def added(event: qcasync.OrderEvent, **told: Any) -> qcasync.OrderEventAdded:
    return qcasync.OrderEventAdded(**(common() | told), deployment=1, order_id=7, position=1, event=event)


def an_insight(**told: object) -> qcasync.Insight:
    alike: dict[str, Any] = {
        "id": "i",
        "generated_time_at": 0.0,
        "close_time_at": 3600.0,
        "symbol": "SPY R735QTJ8XC9X",
        "ticker": "SPY",
        "type": qcasync.InsightType.PRICE,
        "direction": qcasync.InsightDirection.UP,
        "period": 5400.0,
        "confidence": 0.8,
    }
    return qcasync.Insight(**(alike | told))


def of_an_order(kind: type[Any], order: qcasync.Order) -> qcasync.Change:
    made: qcasync.Change = kind(**common(), deployment=1, deploy_id="L-0", index=0, order=order)
    return made


RUNNING, STOPPED = qcasync.AlgorithmStatus.RUNNING, qcasync.AlgorithmStatus.STOPPED
EARLIER, DAYS_EARLIER = SEEN - timedelta(minutes=9), SEEN - timedelta(days=3)
ten = qcasync.Holding(quantity=10.0, average_price=501.2)
five = qcasync.Holding(quantity=-5.0, average_price=1.0875)
usd, more_usd = qcasync.Cash(symbol="USD", amount=10_000.0), qcasync.Cash(symbol="USD", amount=10_512.25)

CASES: list[tuple[qcasync.Change, str]] = [
    (
        qcasync.DeploymentStarted(
            **common(), deploy_id="L-0", status=RUNNING, launched=EARLIER, brokerage="PaperBrokerage"
        ),
        "deployed on PaperBrokerage, running (at 13:53:11)",
    ),
    (qcasync.DeploymentStarted(**common(), deploy_id="L-0", status=None, launched=None), "deployed"),
    (qcasync.StatusChanged(**common(), deploy_id="L-0", status=RUNNING, previous=None), "running"),
    (
        qcasync.DeploymentStopped(**common(), deploy_id="L-0", status=STOPPED, previous=RUNNING, stopped=SEEN),
        "stopped, was running",
    ),
    (
        qcasync.DeploymentFailed(
            **common(),
            deploy_id="L-0",
            status=qcasync.AlgorithmStatus.RUNTIME_ERROR,
            previous=RUNNING,
            stopped=DAYS_EARLIER,
            error="Division by zero\n  at line 3",
        ),
        "runtime error, was running (at 2025-06-13 14:02): Division by zero at line 3",
    ),
    (of_an_order(qcasync.OrderAdded, an_order()), "order 7: buy 10 SPY, limit 501.20, submitted"),
    (
        of_an_order(
            qcasync.OrderAdded,
            an_order(
                type=qcasync.OrderType.STOP_LIMIT,
                direction=qcasync.OrderDirection.SELL,
                quantity=-0.5,
                stop_price=0.00001234,
                symbol=qcasync.Symbol(value="SPY   250620C00600000", id=""),
                tag="exit: take profit",
            ),
        ),
        "order 7: sell 0.5 SPY 250620C00600000, stop limit, limit 501.20, stop 0.00001234, submitted, "
        "tag 'exit: take profit'",
    ),
    (
        of_an_order(
            qcasync.OrderChanged,
            an_order(type=qcasync.OrderType.MARKET, limit_price=None, status=qcasync.OrderStatus.FILLED),
        ),
        "order 7 is now: buy 10 SPY, market, filled",
    ),
    (added(an_event()), "order 7 filled: bought 10 SPY at 501.20"),
    (
        added(
            an_event(
                status=qcasync.OrderStatus.PARTIALLY_FILLED,
                fill_quantity=-33.0,
                quantity=-100.0,
                fill_price_currency="USD",
                order_fee_amount=1.0,
                order_fee_currency="USD",
                time_at=EARLIER.timestamp(),
            )
        ),
        "order 7 partially filled: sold 33 of 100 SPY at 501.20 USD, fee 1.00 USD (at 13:53:11)",
    ),
    (
        added(
            an_event(
                status=qcasync.OrderStatus.CANCELED, fill_quantity=0.0, symbol_value=None, message="Canceled\nby me"
            )
        ),
        "order 7 canceled: buy 10 SPY, Canceled by me",
    ),
    (
        qcasync.OrderEventAmended(**common(), deployment=1, order_id=7, position=1, event=an_event()),
        "order 7 filled (told anew): bought 10 SPY at 501.20",
    ),
    (
        qcasync.EquityChanged(**common(), deploy_id="L-0", equity=100_234.5, previous=100_000.0),
        "equity 100,234.50 (+234.50)",
    ),
    (qcasync.EquityChanged(**common(), deploy_id="L-0", equity=100_234.5, previous=None), "equity 100,234.50"),
    (
        qcasync.StatisticsChanged(
            **common(), deploy_id="L-0", changed={"Net Profit": "$5.00", "Return": "1 %"}, removed=("Fees",)
        ),
        "statistics: Net Profit $5.00; Return 1 %; no Fees",
    ),
    (
        qcasync.StatisticsChanged(**common(), deploy_id="L-0", changed={f"S{n}": "1" for n in range(6)}),
        "statistics: S0 1; S1 1; S2 1; S3 1; and 2 more",
    ),
    (
        qcasync.HoldingChanged(**common(), symbol_id="SPY R735QTJ8XC9X", holding=ten, previous=None),
        "holds 10 SPY at 501.20 on average",
    ),
    (
        qcasync.HoldingChanged(**common(), symbol_id="EURUSD 8G", holding=five, previous=ten),
        "holds -5 EURUSD at 1.0875 on average, was 10",
    ),
    (
        qcasync.HoldingChanged(**common(), symbol_id="SPY 32|SPY R7", holding=None, previous=five),
        "holds no SPY 32|SPY R7, was -5",
    ),
    (
        qcasync.CashChanged(**common(), currency="USD", cash=more_usd, previous=usd),
        "cash 10,512.25 USD (+512.25)",
    ),
    (qcasync.CashChanged(**common(), currency="USD", cash=usd, previous=None), "cash 10,000.00 USD"),
    (qcasync.CashChanged(**common(), currency="USD", cash=None, previous=usd), "cash: no USD, was 10,000.00"),
    (qcasync.LogLineAdded(**common(), deploy_id="L-0", line=3, text="a\n  b"), r"log: a\n  b"),
    (
        qcasync.InsightAdded(**common(), index=0, insight=an_insight(tag="mine")),
        "insight: price of SPY up for 1.5 h, confidence 80%, tag 'mine'",
    ),
    (
        qcasync.InsightAdded(**common(), index=0, insight=an_insight(ticker=None, confidence=None)),
        "insight: price of SPY up for 1.5 h",
    ),
    (
        qcasync.ChartExtended(
            **common(),
            chart="Equity",
            series="Return",
            points=(qcasync.ChartPoint(x=1, y=2.0), qcasync.ChartPoint(x=2, y=-0.25)),
        ),
        "chart Equity / Return: 2 new points, the last at -0.25",
    ),
    (
        qcasync.ChartExtended(
            **common(),
            chart="Equity",
            series="Equity",
            candles=(qcasync.Candlestick(x=1, open=1.0, high=1.0, low=1.0, close=None),),
        ),
        "chart Equity / Equity: 1 new point",
    ),
    (
        qcasync.ProjectFailing(**common(), error="NotFoundError", reason="live/read: no such\n  HINT: look"),
        "cannot be read: live/read: no such HINT: look",
    ),
    (qcasync.ProjectRecovered(**common()), "can be read again"),
    (qcasync.ServiceFailing(**common(0), error="RequestError", reason="gone"), "nothing can be read: gone"),
    (qcasync.ServiceRecovered(**common(0)), "QuantConnect can be read again"),
    (qcasync.Gap(**common(), what="order", deploy_id=None, detail="entry 3"), "gap (order): entry 3"),
]


@pytest.mark.parametrize(("change", "line"), CASES, ids=lambda value: type(value).__name__)
def test_a_change_is_one_line(change: qcasync.Change, line: str) -> None:
    assert line_of(change).plain == line


def test_every_kind_has_its_words() -> None:
    assert {type(change) for change, _ in CASES} == set(get_args(qcasync.AnyChange))


def with_texts(value: Any, text: str) -> Any:
    """The same with this text in place of every text."""
    match value:
        case str():
            return text
        case msgspec.Struct():
            replaced = {name: with_texts(getattr(value, name), text) for name in value.__struct_fields__}
            return msgspec.structs.replace(value, **replaced)
        case tuple():
            return tuple(with_texts(item, text) for item in value)
        case dict():
            return dict.fromkeys([text], text)
        case qcasync.OpenEnum():
            return type(value)(text)
        case _:
            return value


@pytest.mark.parametrize("change", [change for change, _ in CASES], ids=lambda change: type(change).__name__)
@pytest.mark.parametrize("text", [HOSTILE, "", "x" * 1_000_000], ids=["hostile", "empty", "huge"])
def test_no_text_of_the_server_steers_the_terminal(change: qcasync.Change, text: str) -> None:
    line = line_of(with_texts(change, text))
    assert line.plain.isprintable()
    assert cell_len(line.plain) < 15_000
    assert not line.spans  # what looks like markup is none


def test_texts_are_shown_as_they_are() -> None:
    line = line_of(qcasync.LogLineAdded(**common(), deploy_id="L-0", line=3, text=HOSTILE)).plain
    assert line.startswith(r"log: \x1b[2J\x1b]0;title\x07[bold red]x[/]\u202eabc\r\nsecond")
    assert line.endswith("日本語 🙂")


def test_what_comes_again_is_marked() -> None:
    change = msgspec.structs.replace(qcasync.ProjectRecovered(**common()), attempt=2)
    assert line_of(change).plain == "again: can be read again"
    assert line_of(msgspec.structs.replace(change, attempt=1, replayed=True)).plain == "replayed: can be read again"


def test_what_is_bad_looks_bad() -> None:
    styles = {type(change): str(line_of(change).style) for change, _ in CASES}
    for bad in (qcasync.DeploymentFailed, qcasync.ProjectFailing, qcasync.ServiceFailing):
        assert styles[bad] == "bold red"
    assert styles[qcasync.DeploymentStopped] == "yellow"
    invalid = an_event(status=qcasync.OrderStatus.INVALID, fill_quantity=0.0)
    assert str(line_of(added(invalid)).style) == "bold red"


@pytest.mark.parametrize(
    ("value", "as_number", "as_price"),
    [
        (10.0, "10", "10.00"),
        (1234.5, "1,234.5", "1,234.50"),
        (0.00001234, "0.00001234", "0.00001234"),
        (-0.125, "-0.125", "-0.125"),
        (1e300, "1e+300", "1e+300"),
        (math.nan, "nan", "nan"),
        (-math.inf, "-inf", "-inf"),
    ],
)
def test_numbers_have_no_more_digits_than_they_need(value: float, as_number: str, as_price: str) -> None:
    assert (number(value), price(value)) == (as_number, as_price)


def test_the_account_has_a_name() -> None:
    assert (name_of_project(qcasync.ACCOUNT), name_of_project(12)) == ("account", "12")
