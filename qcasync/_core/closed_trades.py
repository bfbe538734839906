"""Fills become trades: the first lot in is the first lot out."""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from decimal import Context, Decimal, localcontext
from typing import Any, Final

from qcasync._core.fills import EXACT, Fill, exactly, rank, read_fills
from qcasync.models._base import Number
from qcasync.models.closed_trades import ClosedTrade, ClosedTrades, OpenLot
from qcasync.models.enums import TradeDirection
from qcasync.models.listings import Anomaly
from qcasync.models.orders import Order

__all__ = ["closed_trades"]

_FINEST_FEE: Final = Decimal("1e-18")
_DIVIDING: Final = Context(prec=60)
_ONE: Final = Decimal(1)


def closed_trades(
    orders: Iterable[Order[Number]], *, multipliers: Mapping[str, float | Decimal] | None = None, carry: bool = True
) -> ClosedTrades[Number]:
    """Compute which trades the fills of a project's orders closed, at what profit or loss. Costs no request.

    For each security, a fill against the position closes the oldest lots first, and what is left of it opens one in
    the other direction. Fees are shared in proportion to quantities. docs/tables.md has the rule with its reasons.

    Quantities are computed as decimals, so that 0.1 and 0.2 close 0.3. Results are floats, or decimals for orders of
    decimals.

    Args:
        orders: The orders of one project, in any order.
        multipliers: What a move of the price by 1 is worth, by `Symbol.id`: 100 for most options on stocks. 1 for what
            is not named.
        carry: Whether lots outlive their deployment. False lets every deployment begin without a position, as those of
            QuantConnect's paper brokerage do.

    Returns:
        The trades in the order of their exits, the lots left open, and what makes them doubtful.
    """
    fills, anomalies = read_fills(orders)
    worth = {symbol_id: exactly(multiplier) for symbol_id, multiplier in (multipliers or {}).items()}
    trades: list[ClosedTrade[Any]] = []
    positions: dict[Hashable, deque[_Lot]] = {}
    with localcontext(EXACT):
        for fill in fills:
            place = fill.security if carry else (fill.security, fill.origin.deployment)
            lots = positions.setdefault(place, deque())
            rest = _Lot(fill)
            while rest.quantity and lots and lots[0].direction is not rest.direction:
                lot = lots[0]
                anomalies += _two_currencies(lot.fill, fill)
                trades.append(_closed(lot, rest, worth.get(fill.symbol.id, _ONE)))
                if not lot.quantity:
                    lots.popleft()
            if rest.quantity:
                lots.append(rest)
        left = sorted((lot for lots in positions.values() for lot in lots), key=lambda lot: rank(lot.fill))
        open_lots = tuple(lot.left() for lot in left)
    return ClosedTrades(trades=tuple(trades), open_lots=open_lots, anomalies=tuple(anomalies))


class _Lot:
    """What is left of a fill."""

    __slots__ = ("direction", "fee", "fill", "quantity")

    def __init__(self, fill: Fill) -> None:
        self.fill = fill
        self.direction = TradeDirection.LONG if fill.quantity > 0 else TradeDirection.SHORT
        self.quantity = abs(fill.quantity)
        self.fee = fill.fee

    def take(self, quantity: Decimal) -> Decimal:
        """Take a part away. Returns its fee; the last part has what is left of the fee, to the last digit."""
        fee = self.fee
        if quantity < self.quantity:
            fee = _DIVIDING.divide(self.fee * quantity, self.quantity).quantize(_FINEST_FEE)
        self.quantity -= quantity
        self.fee -= fee
        return fee

    def left(self) -> OpenLot[Any]:
        """Return the lot as it is left in the end."""
        fill = self.fill
        number = _form(fill)
        return OpenLot(
            symbol=fill.symbol,
            direction=self.direction,
            quantity=number(self.quantity),
            entry_time=fill.time,
            entry_price=number(fill.price),
            price_currency=fill.price_currency,
            fees={} if fill.fee_currency is None else {fill.fee_currency: number(self.fee)},
            entry=fill.key,
        )


def _closed(lot: _Lot, rest: _Lot, multiplier: Decimal) -> ClosedTrade[Any]:
    """Close as much of a lot as there is, with as much of a fill as there is."""
    entry, leaving = lot.fill, rest.fill
    quantity = min(lot.quantity, rest.quantity)
    gain = leaving.price - entry.price if lot.direction is TradeDirection.LONG else entry.price - leaving.price
    fees: dict[str, Decimal] = {}
    for currency, fee in ((entry.fee_currency, lot.take(quantity)), (leaving.fee_currency, rest.take(quantity))):
        if currency is not None:
            fees[currency] = fees.get(currency, Decimal(0)) + fee
    number = _form(leaving)
    return ClosedTrade(
        symbol=leaving.symbol,
        direction=lot.direction,
        quantity=number(quantity),
        entry_time=entry.time,
        entry_price=number(entry.price),
        exit_time=leaving.time,
        exit_price=number(leaving.price),
        price_currency=leaving.price_currency,
        profit_loss=number(gain * quantity * multiplier),
        fees={currency: number(fee) for currency, fee in fees.items()},
        entry=entry.key,
        exit=leaving.key,
    )


def _form(fill: Fill) -> Callable[[Decimal], Any]:
    return Decimal if fill.origin.is_exact else float


def _two_currencies(entry: Fill, leaving: Fill) -> Iterator[Anomaly]:
    old, new = entry.price_currency, leaving.price_currency
    if old and new and old != new:
        detail = f"order {leaving.origin.order_id}: it closes at a price in {new!r} what was opened at one in {old!r}"
        yield Anomaly(kind="currency", index=leaving.origin.position, detail=detail)
