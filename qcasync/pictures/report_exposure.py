"""What an account is exposed to, and how far its value has fallen: sums over holdings and points. Pure."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from qcasync.models.charts import Chart, Series
from qcasync.models.portfolio import Holding, Portfolio


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A holding as a row of a table. Values are in the account's currency, prices in the security's.

    Attributes:
        symbol_id: The security's identity.
        ticker: How it is called.
        quantity: How much; negative for a short position.
        average_price: What it was bought at, on average.
        market_price: Price now.
        currency_symbol: Of the prices.
        value: Value now; negative for a short position.
        pnl: Profit or loss not yet realized.
        pnl_percent: The same in percent.
        share: The value as a share of the equity; None if that is unknown.
    """

    symbol_id: str
    ticker: str
    quantity: float
    average_price: float
    market_price: float
    currency_symbol: str
    value: float
    pnl: float
    pnl_percent: float
    share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """The values of all holdings, added up, in the account's currency.

    Attributes:
        long: Of the long positions.
        short: Of the short ones; zero or negative.
        equity: The account's value; None if unknown.
    """

    long: float
    short: float
    equity: float | None

    @property
    def net(self) -> float:
        """Long and short against each other."""
        return self.long + self.short

    @property
    def gross(self) -> float:
        """Long and short, both counted positive."""
        return self.long - self.short

    def share(self, value: float) -> float | None:
        """A value as a share of the equity; None if that is unknown or not positive."""
        return share_of(value, self.equity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """How far a value is below its highest so far, as shares of that: zero or negative.

    Attributes:
        now: At the end.
        deepest: At worst.
    """

    now: float
    deepest: float


def share_of(value: float, equity: float | None) -> float | None:
    """A value as a share of the equity; None if that is unknown or not positive."""
    return value / equity if equity is not None and equity > 0 and math.isfinite(value) else None


def value_of(holding: Holding) -> float:
    """A holding's value in the account's currency. Old answers leave it out; then quantity x price, converted."""
    return holding.market_value or holding.quantity * holding.market_price * holding.conversion_rate


def equity_of(told: float | None, portfolio: Portfolio) -> float | None:
    """The account's value: as the statistics tell it, else cash and holdings added up; None if there is neither."""
    if told is not None or not portfolio.cash:
        return told
    cash = sum(each.value_in_account_currency for each in portfolio.cash.values())
    return cash + sum(map(value_of, portfolio.holdings.values()))


def exposure_of(portfolio: Portfolio, equity: float | None) -> Exposure:
    """Add up what is held."""
    values = [value_of(holding) for holding in portfolio.holdings.values() if holding.quantity]
    return Exposure(
        long=sum((value for value in values if value > 0), 0.0),
        short=sum((value for value in values if value < 0), 0.0),
        equity=equity,
    )


def positions_of(portfolio: Portfolio, equity: float | None, tickers: Mapping[str, str]) -> tuple[Position, ...]:
    """The positions that are not flat, the largest value first.

    Args:
        portfolio: What is held.
        equity: The account's value; None if unknown.
        tickers: Today's ticker by `Symbol.id`; where it is not known, the security's first one stands in.
    """
    rows = (
        Position(
            symbol_id=symbol_id,
            ticker=tickers.get(symbol_id) or (holding.symbol.value if holding.symbol else symbol_id.partition(" ")[0]),
            quantity=holding.quantity,
            average_price=holding.average_price,
            market_price=holding.market_price,
            currency_symbol=holding.currency_symbol,
            value=value_of(holding),
            pnl=holding.unrealized_pnl,
            pnl_percent=holding.unrealized_pnl_percent,
            share=share_of(value_of(holding), equity),
        )
        for symbol_id, holding in portfolio.holdings.items()
        if holding.quantity
    )
    return tuple(sorted(rows, key=lambda row: (-abs(row.value), row.ticker)))


def account_symbol(portfolio: Portfolio) -> str:
    """The sign of the account's currency: of the cash that needs no conversion; "" if no single one is that."""
    signs = {each.currency_symbol for each in portfolio.cash.values() if each.conversion_rate == 1}
    return signs.pop() if len(signs) == 1 else ""


def series_of(chart: Chart, name: str) -> Series | None:
    """A series by its name, else the first one; None if there is none."""
    return chart.series.get(name) or next(iter(chart.series.values()), None)


def fall_of(values: Iterable[float]) -> Fall | None:
    """How far values are and were below their highest so far; None if there are none. NaN is a gap."""
    peak, now, deepest = -math.inf, 0.0, 0.0
    for value in values:
        if not math.isfinite(value):
            continue
        peak = max(peak, value)
        now = value / peak - 1 if peak > 0 else 0.0
        deepest = min(deepest, now)
    return None if peak == -math.inf else Fall(now=now, deepest=deepest)
