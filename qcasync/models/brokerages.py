"""What live/create is told: where to trade, whence the data come, whom to notify.

Each brokerage has settings of its own, under kebab-case names such as "ib-user-name", and brokerages are added often.
So the settings are an open mapping with an "id"; only the paper brokerage, which every account has, gets a helper.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from qcasync.models._base import Model

__all__ = [
    "DEFAULT_DATA_PROVIDERS",
    "BrokerageSettings",
    "EmailTarget",
    "Notification",
    "NotificationTarget",
    "PaperHolding",
    "SmsTarget",
    "TelegramTarget",
    "WebTarget",
    "paper_brokerage",
]

BrokerageSettings = Mapping[str, object]
"""The settings of a brokerage: "id", such as "InteractiveBrokersBrokerage", and what that one needs. Holds secrets."""

DEFAULT_DATA_PROVIDERS: Mapping[str, BrokerageSettings] = MappingProxyType(
    {"QuantConnectBrokerage": MappingProxyType({"id": "QuantConnectBrokerage"})}
)
"""QuantConnect's own data. Of several providers, the first that has an asset is used."""


class PaperHolding(Model, frozen=True, kw_only=True):
    """A position that a paper account starts with.

    Attributes:
        symbol_id: The security's identity (`Symbol.id`).
        symbol: Its ticker.
        quantity: How much; negative for a short position.
        average_price: What it was bought at, on average.
    """

    symbol_id: str
    symbol: str
    quantity: float
    average_price: float


def paper_brokerage(
    *, cash: Mapping[str, float] | None = None, holdings: Iterable[PaperHolding] = ()
) -> BrokerageSettings:
    """Return the settings of QuantConnect's paper brokerage.

    A redeployment does not resume where the last one ended: an account without `holdings` starts flat. To resume, give
    the cash and holdings that it ended with.

    Args:
        cash: Amounts by currency, such as {"USD": 100_000}. By default the server's.
        holdings: The positions to start with.
    """
    return {
        "id": "QuantConnectBrokerage",
        "cash": [{"currency": currency, "amount": amount} for currency, amount in (cash or {}).items()],
        "holdings": [
            {
                "symbolId": holding.symbol_id,
                "symbol": holding.symbol,
                "quantity": holding.quantity,
                "averagePrice": holding.average_price,
            }
            for holding in holdings
        ],
    }


class EmailTarget(Model, frozen=True, kw_only=True):
    """Notify by e-mail.

    Attributes:
        address: To whom.
        subject: Of the e-mail.
    """

    address: str
    subject: str = ""


class WebTarget(Model, frozen=True, kw_only=True):
    """Notify by a POST to a web address.

    Attributes:
        address: Where to.
        headers: Headers to send along.
    """

    address: str
    headers: Mapping[str, str]


class SmsTarget(Model, frozen=True, kw_only=True):
    """Notify by text message.

    Attributes:
        phone_number: To whom.
    """

    phone_number: str


class TelegramTarget(Model, frozen=True, kw_only=True, omit_defaults=True):
    """Notify by Telegram.

    Attributes:
        id: The user or group.
        token: The bot's; by default the server's.
    """

    id: str
    token: str | None = None


NotificationTarget = EmailTarget | WebTarget | SmsTarget | TelegramTarget
"""Whom to notify."""


class Notification(Model, frozen=True, kw_only=True):
    """Whom to notify of what.

    Attributes:
        events: Which events: "orderEvent", "insight", or both.
        targets: Whom to notify.
    """

    events: tuple[str, ...]
    targets: tuple[NotificationTarget, ...]
