"""What an account holds: positions and cash, as today's engine writes them and as older ones did."""

import random

from qcasync.simulator.symbols import EURUSD, Security
from qcasync.simulator.wire import JsonObject


def holding(rng: random.Random, security: Security) -> JsonObject:
    """A position under today's short keys. The conversion rate is 1 and the currency the dollar: both are left out."""
    price = round(security.price * rng.uniform(0.95, 1.05), 2)
    quantity = rng.choice((-1, 1)) * rng.randrange(1, 100)
    profit = round((price - security.price) * quantity, 2)
    return {
        "a": security.price,
        "q": quantity,
        "p": price,
        "v": round(price * quantity, 1),
        "u": profit,
        "up": round(profit / abs(security.price * quantity) * 100, 2),
    }


def old_holding(rng: random.Random, security: Security) -> JsonObject:
    """A position under the long keys of older engines."""
    return {
        "AveragePrice": security.price,
        "Quantity": float(rng.randrange(1, 50)),
        "MarketPrice": round(security.price * rng.uniform(0.95, 1.05), 2),
        "ConversionRate": 1.0,
        "CurrencySymbol": "$",
    }


def dollars(rng: random.Random) -> JsonObject:
    """The cash of the account's own currency."""
    amount = round(rng.uniform(1_000, 100_000), 2)
    return {
        "securitySymbols": [],
        "symbol": "USD",
        "amount": amount,
        "conversionRate": 1.0,
        "currencySymbol": "$",
        "valueInAccountCurrency": amount,
    }


def euros() -> JsonObject:
    """The cash of another currency, which a security converts."""
    return {
        "securitySymbols": [EURUSD.symbol],
        "symbol": "EUR",
        "amount": 100.0,
        "conversionRate": EURUSD.price,
        "currencySymbol": "€",
        "valueInAccountCurrency": 115.314,
    }
