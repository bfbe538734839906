"""Closed trades, as live/trades/read tells them."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from msgspec import field

from qcasync.models._base import Int64, Model, UtcDatetime
from qcasync.models.enums import TradeDirection
from qcasync.models.orders import Order
from qcasync.models.quarantine import Quarantined, in_place
from qcasync.models.symbols import Symbol

__all__ = ["Trade", "TradePage"]

_SPAN: Final = re.compile(r"(-)?(?:([0-9]{1,8})\.)?([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,7}))?")


class Trade(Model, frozen=True, kw_only=True):
    """A position that was opened and closed, as the engine pairs fills. It names no deployment.

    Attributes:
        id: Its UUID; "" in old data.
        symbols: The securities; several where an algorithm closes a combination. Old data have one, under `symbol`.
        entry_time: When it was opened.
        entry_price: The average price then.
        direction: Long or short.
        quantity: How much was closed, without a sign.
        exit_time: When it was closed.
        exit_price: The average price then.
        profit_loss: What it earned, in the account's currency, before fees; negative for a loss.
        total_fees: The fees of its orders, in the account's currency.
        mae: Maximum adverse excursion: the worst that it ever stood at, in the account's currency; 0 or less.
        mfe: Maximum favorable excursion: the best that it ever stood at; 0 or more.
        duration_text: How long it was open, as sent: "d.hh:mm:ss.fffffff". `duration` has it as a timedelta.
        end_trade_drawdown: How far below its best it was closed.
        is_win: Whether the engine counts it as won; None in old data.
        order_ids: The orders that opened and closed it, by their numbers within the deployment.
        orders: Those orders, where the answer has them.
    """

    # In the order of the documents, whose optional parts have defaults here.
    id: str = ""
    symbols: tuple[Symbol, ...]
    entry_time: UtcDatetime
    entry_price: float
    direction: TradeDirection
    quantity: float
    exit_time: UtcDatetime
    exit_price: float
    profit_loss: float = 0.0
    total_fees: float = 0.0
    mae: float = 0.0
    mfe: float = 0.0
    duration_text: str = field(name="duration", default="")
    end_trade_drawdown: float = 0.0
    is_win: bool | None = None
    order_ids: tuple[Int64, ...] = ()
    orders: tuple[Order, ...] = ()

    @property
    def duration(self) -> timedelta:
        """How long it was open; from entry to exit if the text is missing or cannot be read."""
        found = _SPAN.fullmatch(self.duration_text)
        if found is None:
            return self.exit_time - self.entry_time
        sign, days, hours, minutes, seconds, fraction = found.groups("")
        span = timedelta(
            days=int(days or 0),
            hours=int(hours),
            minutes=int(minutes),
            seconds=int(seconds),
            microseconds=round(int(fraction.ljust(7, "0")) / 10),
        )
        return -span if sign else span


class TradePage(Model, frozen=True, kw_only=True):
    """The answer to one window of live/trades/read.

    Attributes:
        trades: The trades that could be decoded, in the server's order.
        length: How many trades there are, as the documents say; None if the answer lacks it.
        quarantined: The entries that could not be decoded.
        start: Index of the first entry in the list of trades.
    """

    trades: tuple[Trade, ...]
    length: Int64 | None = None
    quarantined: tuple[Quarantined, ...] = ()
    start: int = 0

    @property
    def count(self) -> int:
        """How many entries the server sent."""
        return len(self.trades) + len(self.quarantined)

    def rows(self) -> Iterator[Trade | Quarantined]:
        """Yield every entry at its place: `zip(itertools.count(page.start), page.rows())` has the indices."""
        return in_place(self.trades, self.quarantined)
