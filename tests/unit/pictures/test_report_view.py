"""The words and rows of a report, from hand-made orders and statuses."""

from datetime import UTC, datetime
from typing import Any

import pytest

import qcasync
from qcasync import AlgorithmStatus, InsightDirection, OrderDirection, OrderStatus, OrderType
from qcasync.pictures.report_view import amounts, arrow, mood_of, order_price, side

PLACED = datetime(2025, 6, 15, 15, 0, tzinfo=UTC)


def order(**told: Any) -> qcasync.Order:
    alike: dict[str, Any] = {
        "type": OrderType.LIMIT,
        "id": 1,
        "symbol": qcasync.Symbol(value="SPY", id="SPY X"),
        "time": PLACED,
        "quantity": 1.0,
        "price": 101.5,
        "status": OrderStatus.SUBMITTED,
        "direction": OrderDirection.BUY,
    }
    return qcasync.Order(**(alike | told))


@pytest.mark.parametrize(
    ("status", "mood"),
    [
        (AlgorithmStatus.RUNNING, "good"),
        (AlgorithmStatus.RUNTIME_ERROR, "bad"),
        (AlgorithmStatus.DEPLOY_ERROR, "bad"),
        (AlgorithmStatus.STOPPED, "ended"),
        (AlgorithmStatus.UNDEFINED, "ended"),
        (AlgorithmStatus.LOGGING_IN, "pending"),
        (AlgorithmStatus("Hibernating"), "pending"),
    ],
)
def test_moods(status: AlgorithmStatus, mood: str) -> None:
    assert mood_of(status) == mood


def test_sides_are_told_without_colour() -> None:
    assert side(order()) == "▲ buy"
    assert side(order(direction=OrderDirection.SELL)) == "▼ sell"
    assert side(order(direction=OrderDirection.HOLD)) == "hold"
    assert arrow(InsightDirection.UP) == "▲ up"
    assert arrow(InsightDirection.FLAT) == "flat"


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ({"limit_price": 99.0}, "limit 99.00"),
        ({"stop_price": 98.5}, "stop 98.50"),
        ({"trigger_price": 97.0}, "trigger 97.00"),
        ({}, "\N{EN DASH}"),
        ({"limit_price": 99.0, "last_fill_time": PLACED}, "101.50"),
    ],
)
def test_the_price_is_what_was_paid_or_what_is_waited_for(told: dict[str, Any], text: str) -> None:
    assert order_price(order(**told)) == text


def test_amounts_in_several_currencies() -> None:
    assert amounts({"USD": 1234.5, "": -1.0}) == "1,234.50 USD; \N{MINUS SIGN}1.00"
    assert amounts({}) == "\N{EN DASH}"
