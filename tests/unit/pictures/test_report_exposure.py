"""Sums over holdings, and falls of a value."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import qcasync
from qcasync.pictures.report_exposure import (
    account_symbol,
    equity_of,
    exposure_of,
    fall_of,
    positions_of,
    share_of,
)


def holding(quantity: float, value: float, **told: float) -> qcasync.Holding:
    return qcasync.Holding(quantity=quantity, market_value=value, **told)  # type: ignore[arg-type]


def dollars(amount: float, **told: object) -> qcasync.Cash:
    alike: dict[str, object] = {"symbol": "USD", "amount": amount, "conversion_rate": 1.0, "currency_symbol": "$"}
    return qcasync.Cash(**(alike | {"value_in_account_currency": amount} | told))  # type: ignore[arg-type]


PORTFOLIO = qcasync.Portfolio(
    holdings={
        "SPY R735QTJ8XC9X": holding(10, 5_000.0, unrealized_pnl=12.5),
        "FPL R735QTJ8XC9X": holding(-20, -3_000.0),
        "OLD X": qcasync.Holding(quantity=4.0, market_price=100.0, conversion_rate=1.25),
        "FLAT X": holding(0, 0.0),
    },
    cash={"USD": dollars(2_500.0)},
)


def test_long_short_net_and_gross() -> None:
    exposure = exposure_of(PORTFOLIO, 10_000.0)
    assert (exposure.long, exposure.short, exposure.net, exposure.gross) == (5_500.0, -3_000.0, 2_500.0, 8_500.0)
    assert exposure.share(exposure.short) == -0.3


def test_nothing_held() -> None:
    exposure = exposure_of(qcasync.Portfolio(), None)
    assert (exposure.long, exposure.short, exposure.net, exposure.gross) == (0.0, 0.0, 0.0, 0.0)
    assert exposure.share(1.0) is None
    assert positions_of(qcasync.Portfolio(), None, {}) == ()


def test_positions_the_largest_first_by_todays_ticker_and_without_what_is_flat() -> None:
    rows = positions_of(PORTFOLIO, 10_000.0, {"FPL R735QTJ8XC9X": "NEE"})
    assert [(row.ticker, row.value, row.share) for row in rows] == [
        ("SPY", 5_000.0, 0.5),
        ("NEE", -3_000.0, -0.3),
        ("OLD", 500.0, 0.05),
    ]
    assert rows[0].pnl == 12.5


def test_the_equity_is_told_or_added_up() -> None:
    assert equity_of(7.0, PORTFOLIO) == 7.0
    assert equity_of(None, PORTFOLIO) == 5_000.0
    assert equity_of(None, qcasync.Portfolio()) is None


@pytest.mark.parametrize(
    ("value", "equity", "share"),
    [(1.0, 4.0, 0.25), (0.1, 0.5, 0.2), (1.0, 0.0, None), (1.0, -4.0, None), (1.0, None, None), (math.inf, 4.0, None)],
)
def test_shares(value: float, equity: float | None, share: float | None) -> None:
    assert share_of(value, equity) == share


def test_the_accounts_sign_is_that_of_the_cash_that_needs_no_conversion() -> None:
    euros = dollars(1.0, symbol="EUR", currency_symbol="€", conversion_rate=1.1)
    assert account_symbol(qcasync.Portfolio(cash={"USD": dollars(1.0), "EUR": euros})) == "$"
    stable = dollars(1.0, symbol="USDT", currency_symbol="₮")
    assert account_symbol(qcasync.Portfolio(cash={"USD": dollars(1.0), "USDT": stable})) == ""
    assert account_symbol(qcasync.Portfolio()) == ""


@pytest.mark.parametrize(
    ("values", "now", "deepest"),
    [
        ([100.0, 120.0, 90.0, 108.0], -0.1, -0.25),
        ([100.0, math.nan, 110.0], 0.0, 0.0),
        ([100.0, math.nan], 0.0, 0.0),
        ([-5.0, -10.0], 0.0, 0.0),
        ([0.0, -1.0], 0.0, 0.0),
        ([100.0, 50.0, 200.0, 150.0], -0.25, -0.5),
    ],
)
def test_falls(values: list[float], now: float, deepest: float) -> None:
    fall = fall_of(values)
    assert fall is not None
    assert (fall.now, fall.deepest) == (pytest.approx(now), pytest.approx(deepest))


def test_without_values_there_is_no_fall() -> None:
    assert fall_of([]) is None
    assert fall_of([math.nan, math.inf]) is None


@given(st.lists(st.floats(1.0, 1e12), min_size=1))
def test_a_fall_is_between_all_and_nothing(values: list[float]) -> None:
    fall = fall_of(values)
    assert fall is not None
    assert -1 <= fall.deepest <= fall.now <= 0
