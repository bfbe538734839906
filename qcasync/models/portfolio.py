"""What an account holds."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic

from msgspec import field

from qcasync.models._base import ZERO, Model, Number
from qcasync.models.enums import SecurityType
from qcasync.models.symbols import Symbol

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Cash", "Holding", "Portfolio"]

_ONE: Any = 1.0


class Holding(Model, Generic[Number], frozen=True, kw_only=True):
    """A position. Its security is the key under which it stands: a `Symbol.id`.

    The server leaves out what equals its default, so a position of zero may be an empty object.

    Attributes:
        average_price: What it was bought at, on average.
        quantity: How much; negative for a short position.
        market_price: Price now.
        market_value: Value now.
        unrealized_pnl: Profit or loss not yet realized.
        unrealized_pnl_percent: The same in percent.
        conversion_rate: From the quote currency to the account's.
        currency_symbol: Of the quote currency.
        symbol: The security, in old answers; None today.
        type: The kind of asset, in old answers; None today.
    """

    average_price: Number = field(name="a", default=ZERO)
    quantity: Number = field(name="q", default=ZERO)
    market_price: Number = field(name="p", default=ZERO)
    market_value: Number = field(name="v", default=ZERO)
    unrealized_pnl: Number = field(name="u", default=ZERO)
    unrealized_pnl_percent: Number = field(name="up", default=ZERO)
    conversion_rate: Number = field(name="r", default=_ONE)
    currency_symbol: str = field(name="c", default="$")
    symbol: Symbol | None = None
    type: SecurityType | None = None


class Cash(Model, Generic[Number], frozen=True, kw_only=True):
    """An amount of one currency.

    Attributes:
        security_symbols: The securities that convert it to the account's currency.
        symbol: The currency, such as "USD".
        amount: How much.
        conversion_rate: To the account's currency.
        currency_symbol: Such as "$".
        value_in_account_currency: The amount in the account's currency.
    """

    security_symbols: tuple[Symbol, ...] = ()
    symbol: str = ""
    amount: Number = ZERO
    conversion_rate: Number = ZERO
    currency_symbol: str = ""
    value_in_account_currency: Number = ZERO


class Portfolio(Model, Generic[Number], frozen=True, kw_only=True):
    """What an account holds, as live/portfolio/read tells it: a snapshot of about every ten minutes.

    Attributes:
        holdings: Positions by `Symbol.id`. Its ticker is the security's first one, not today's.
        cash: Amounts by currency.
    """

    holdings: Mapping[str, Holding[Number]] = field(default_factory=dict[str, Holding[Number]])
    cash: Mapping[str, Cash[Number]] = field(default_factory=dict[str, Cash[Number]])

    def to_arrow(self) -> "pa.Table":
        """Return the holdings as a table with the columns of `qcasync.models.tables.HOLDINGS`.

        Raises:
            ConfigurationError: pyarrow is not installed.
        """
        from qcasync.models import tables  # noqa: PLC0415 - tables are made of models

        return tables.HOLDINGS.fitting([self]).table([self])

    def cash_to_arrow(self) -> "pa.Table":
        """Return the cash as a table with the columns of `qcasync.models.tables.CASH`.

        Raises:
            ConfigurationError: pyarrow is not installed.
        """
        from qcasync.models import tables  # noqa: PLC0415 - see above

        return tables.CASH.fitting([self]).table([self])
