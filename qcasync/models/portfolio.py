"""What an account holds."""

from msgspec import field

from qcasync.models._base import Model
from qcasync.models.enums import SecurityType
from qcasync.models.symbols import Symbol

__all__ = ["Cash", "Holding"]


class Holding(Model, frozen=True, kw_only=True):
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

    average_price: float = field(name="a", default=0.0)
    quantity: float = field(name="q", default=0.0)
    market_price: float = field(name="p", default=0.0)
    market_value: float = field(name="v", default=0.0)
    unrealized_pnl: float = field(name="u", default=0.0)
    unrealized_pnl_percent: float = field(name="up", default=0.0)
    conversion_rate: float = field(name="r", default=1.0)
    currency_symbol: str = field(name="c", default="$")
    symbol: Symbol | None = None
    type: SecurityType | None = None


class Cash(Model, frozen=True, kw_only=True):
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
    amount: float = 0.0
    conversion_rate: float = 0.0
    currency_symbol: str = ""
    value_in_account_currency: float = 0.0
