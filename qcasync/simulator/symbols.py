"""The securities that simulated algorithms trade. Identifiers have the right form only."""

import random
import string
from itertools import islice, product
from typing import NamedTuple

from qcasync.simulator.wire import JsonObject

EQUITY, FOREX = 1, 4
"""Security types by their number on the wire."""


class Security(NamedTuple):
    """A tradable security: its symbol as orders carry it, its type as on the wire, a typical price and its digits."""

    symbol: JsonObject
    security_type: int
    price: float
    currency: str = "USD"
    digits: int = 2

    @property
    def security_id(self) -> str:
        """The security identifier, the only name of a security that never changes."""
        return str(self.symbol["id"])


def _symbol(value: str, security_id: str, underlying: JsonObject | None = None) -> JsonObject:
    # The writer puts the same text into permtick as into value.
    symbol: JsonObject = {"value": value, "id": security_id, "permtick": value}
    return symbol if underlying is None else {**symbol, "underlying": underlying}


_SPY = _symbol("SPY", "SPY R735QTJ8XC9X")
_ES = _symbol("ES21H25", "ES YLQCXUQ6J1T9")
_SPX = _symbol("SPX", "SPX 31")

EQUITIES = (
    Security(_SPY, EQUITY, 596.0),
    Security(_symbol("AAPL", "AAPL R735QTJ8XC9X"), EQUITY, 199.0),
    Security(_symbol("GOOG", "GOOCV VP83T1ZUHROL"), EQUITY, 176.0),
    Security(_symbol("NEE", "FPL R735QTJ8XC9X"), EQUITY, 74.0),
    Security(_symbol("BRK.B", "BRK.B R735QTJ8XC9X"), EQUITY, 487.0),
)
OPTIONS = (
    Security(_symbol("SPY   250620C00600000", "SPY YQ5SBHHVMTWM|SPY R735QTJ8XC9X", _SPY), 2, 4.2),
    Security(_symbol("SPY   250620P00590000", "SPY 32T2XCFJBBOM|SPY R735QTJ8XC9X", _SPY), 2, 3.1),
    Security(_symbol("SPXW  250620C06000000", "SPXW YQ5SC9K6D2FI|SPX 31", _SPX), 10, 21.5),
    Security(_symbol("ES20H25 C6000", "ES YN9G8DGLTQX1|ES YLQCXUQ6J1T9", _ES), 8, 55.25),
)
EURUSD = Security(_symbol("EURUSD", "EURUSD 8G"), FOREX, 1.15314, digits=5)
OTHERS = (
    Security(_ES, 5, 6000.25),
    EURUSD,
    Security(_symbol("BTCUSD", "BTCUSD 2XR"), 7, 105123.45),
    Security(_symbol("ETHUSDT", "ETHUSDT 18R"), 11, 2544.31, "USDT"),
    Security(_symbol("XAUUSD", "XAUUSD 8I"), 6, 3391.72),
)
EVERYTHING = EQUITIES * 4 + OPTIONS + OTHERS


def equities(count: int) -> list[Security]:
    """`count` different equities: the real ones first, then invented ones. Always the same."""
    tickers = islice(product(string.ascii_uppercase, repeat=4), max(count - len(EQUITIES), 0))
    return [*EQUITIES[:count], *(_invented("".join(letters)) for letters in tickers)]


def _invented(ticker: str) -> Security:
    rng = random.Random(ticker)
    digits = "".join(rng.choices(string.ascii_uppercase + string.digits, k=12))
    return Security(_symbol(ticker, f"{ticker} {digits}"), EQUITY, round(rng.uniform(5.0, 900.0), 2))
