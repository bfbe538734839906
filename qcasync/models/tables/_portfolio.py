"""Tables of what an account holds."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from qcasync.models.enums import SecurityType
from qcasync.models.portfolio import Cash, Holding, Portfolio
from qcasync.models.tables._columns import Form, listed, member, number, word
from qcasync.models.tables._kind import Kind

__all__ = ["CASH", "HOLDINGS"]


class _Held(NamedTuple):
    """A position, and the key under which it stands."""

    symbol_id: str
    holding: Holding[Any]


class _Amount(NamedTuple):
    """An amount of money, and the key under which it stands."""

    currency: str
    cash: Cash[Any]


def _held(portfolio: Portfolio[Any]) -> Iterator[_Held]:
    return (_Held(symbol_id, holding) for symbol_id, holding in portfolio.holdings.items())


def _amounts(portfolio: Portfolio[Any]) -> Iterator[_Amount]:
    return (_Amount(currency, cash) for currency, cash in portfolio.cash.items())


HOLDINGS: Final[Kind[Portfolio[Any]]] = Kind(
    "holdings",
    entries=_held,
    known_as=lambda row: f"the holding of {row.symbol_id!r}",
    columns=(
        word("symbol_id"),
        word("symbol", "holding.symbol?.value", nullable=True),
        member("security_type", SecurityType, "holding.type", nullable=True),
        number("quantity", "holding.quantity"),
        number("average_price", "holding.average_price"),
        number("market_price", "holding.market_price"),
        number("market_value", "holding.market_value"),
        number("unrealized_pnl", "holding.unrealized_pnl"),
        number("unrealized_pnl_percent", "holding.unrealized_pnl_percent"),
        number("conversion_rate", "holding.conversion_rate"),
        word("currency_symbol", "holding.currency_symbol"),
    ),
)
"""A row for each position. Made of `Portfolio`."""

CASH: Final[Kind[Portfolio[Any]]] = Kind(
    "cash",
    entries=_amounts,
    known_as=lambda row: f"the cash in {row.currency!r}",
    columns=(
        word("currency"),
        number("amount", "cash.amount"),
        number("conversion_rate", "cash.conversion_rate"),
        number("value_in_account_currency", "cash.value_in_account_currency"),
        word("currency_symbol", "cash.currency_symbol"),
        listed("security_symbol_ids", Form.TEXTS, lambda row: [symbol.id for symbol in row.cash.security_symbols]),
    ),
)
"""A row for each currency. Made of `Portfolio`, too."""
