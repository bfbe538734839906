"""Trades that are computed from fills, by a rule of ours. What QuantConnect itself tells stands in `trades`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Generic, overload

from qcasync.models._base import Model, Number
from qcasync.models.enums import TradeDirection
from qcasync.models.listings import Anomaly
from qcasync.models.symbols import Symbol

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ClosedTrade", "ClosedTrades", "FillKey", "OpenLot"]


class FillKey(Model, frozen=True, kw_only=True):
    """Which fill it was.

    Attributes:
        deploy_id: The deployment; None if no event tells.
        order_id: The order's number within the deployment.
        order_event_id: The event's number within the order; 0 if the fill was concluded from the order itself.
    """

    deploy_id: str | None
    order_id: int
    order_event_id: int


class ClosedTrade(Model, Generic[Number], frozen=True, kw_only=True):
    """A fill, or a part of one, that a later fill closed.

    Attributes:
        symbol: The security.
        direction: Long if it was bought first, short if it was sold first.
        quantity: How much, without a sign.
        entry_time: When it was opened, in UTC.
        entry_price: At which price.
        exit_time: When it was closed, in UTC.
        exit_price: At which price.
        price_currency: Currency of the prices and of `profit_loss`; "" if unknown.
        profit_loss: What the move of the price earned, times the multiplier; fees are not taken off.
        fees: Its share of both fills' fees, by currency.
        entry: The fill that opened it.
        exit: The fill that closed it.
    """

    symbol: Symbol
    direction: TradeDirection
    quantity: Number
    entry_time: datetime
    entry_price: Number
    exit_time: datetime
    exit_price: Number
    price_currency: str
    profit_loss: Number
    fees: Mapping[str, Number]
    entry: FillKey
    exit: FillKey

    @property
    def duration(self) -> timedelta:
        """How long it was open."""
        return self.exit_time - self.entry_time


class OpenLot(Model, Generic[Number], frozen=True, kw_only=True):
    """What is left of a fill that nothing has closed yet.

    Attributes:
        symbol: The security.
        direction: Long if it was bought, short if it was sold.
        quantity: How much of it is left, without a sign.
        entry_time: When it was opened, in UTC.
        entry_price: At which price.
        price_currency: Currency of the price; "" if unknown.
        fees: Its share of the fill's fee, by currency.
        entry: The fill that opened it.
    """

    symbol: Symbol
    direction: TradeDirection
    quantity: Number
    entry_time: datetime
    entry_price: Number
    price_currency: str
    fees: Mapping[str, Number]
    entry: FillKey


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ClosedTrades(Sequence[ClosedTrade[Number]], Generic[Number]):
    """The trades that orders closed, in the order of their exits; a sequence of them.

    Attributes:
        trades: The trades; this is a sequence of the same.
        open_lots: What nothing has closed, oldest first.
        anomalies: What about the orders makes the trades doubtful. An index is a position among the orders.
    """

    trades: tuple[ClosedTrade[Number], ...]
    open_lots: tuple[OpenLot[Number], ...] = ()
    anomalies: tuple[Anomaly, ...] = ()

    def __len__(self) -> int:
        return len(self.trades)

    @overload
    def __getitem__(self, index: int) -> ClosedTrade[Number]: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[ClosedTrade[Number], ...]: ...
    def __getitem__(self, index: int | slice) -> ClosedTrade[Number] | tuple[ClosedTrade[Number], ...]:
        return self.trades[index]

    def __repr__(self) -> str:
        return (
            f"<ClosedTrades: {len(self.trades)} trades, {len(self.open_lots)} open lots, "
            f"{len(self.anomalies)} anomalies>"
        )

    def to_arrow(self) -> "pa.Table":
        """Return the trades as a table with the columns of `qcasync.models.tables.CLOSED_TRADES`.

        Raises:
            ConfigurationError: pyarrow is not installed.
        """
        from qcasync.models import tables  # noqa: PLC0415 - tables are made of models

        return tables.CLOSED_TRADES.fitting(self.trades).table(self.trades)
