"""What became different about what an account is worth and holds."""

from qcasync.models.changes.base import Change
from qcasync.models.portfolio import Cash, Holding


class EquityChanged(Change, frozen=True, kw_only=True):
    """The value of the account of a running deployment, as live/list tells it.

    Attributes:
        deploy_id: The deployment.
        equity: Now, in the account's currency.
        previous: Before; None if it was not known.
    """

    deploy_id: str
    equity: float
    previous: float | None


class StatisticsChanged(Change, frozen=True, kw_only=True):
    """Runtime statistics that are different now.

    Attributes:
        deploy_id: The deployment.
        changed: New texts by display name, such as {"Net Profit": "$1,234.56"}.
        removed: Names that are no longer there.
    """

    deploy_id: str
    changed: dict[str, str]
    removed: tuple[str, ...] = ()


class HoldingChanged(Change, frozen=True, kw_only=True):
    """A position was opened, changed in size or average price, or closed. A mere move of its price is no change.

    Attributes:
        symbol_id: The security: a `Symbol.id`.
        holding: The position now; None if it was closed, or is flat.
        previous: The position before; None if there was none.
    """

    symbol_id: str
    holding: Holding | None
    previous: Holding | None


class CashChanged(Change, frozen=True, kw_only=True):
    """The amount of a currency is different now. A mere move of its rate is no change.

    Attributes:
        currency: Such as "USD".
        cash: Now; None if there is none left, or it is zero.
        previous: Before; None if there was none.
    """

    currency: str
    cash: Cash | None
    previous: Cash | None
