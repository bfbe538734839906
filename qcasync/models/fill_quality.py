"""How well orders were filled: what was measured of single orders, and summaries of it. The rules: docs/reports.md."""

from collections.abc import Mapping

from msgspec import field

from qcasync.models._base import Model
from qcasync.models.enums import OrderType

__all__ = ["FillQuality", "FillSummary", "MeasuredFill"]


class MeasuredFill(Model, frozen=True, kw_only=True):
    """A filled order beside the quote at its submission. Prices are in `currency`; positive slippage is a loss.

    Attributes:
        deploy_id: The deployment; None if unknown.
        order_id: The order's number within it.
        symbol: The security's ticker.
        symbol_id: Its identity (`Symbol.id`).
        type: The type of the order.
        currency: Of its prices; "" if unknown.
        quantity: How much was filled; negative for a sale.
        price: At what price, on average.
        bid: The bid when the order was submitted.
        ask: The ask when the order was submitted.
        slippage: How much worse than the quote a unit was filled: price - ask of a purchase, bid - price of a sale.
        slippage_bps: The same in basis points of the mid.
        mid_slippage: How much worse than the mid a unit was filled.
        mid_slippage_bps: The same in basis points of the mid.
        seconds: From submission to the last fill; None if that is not told.
        rested: Whether that took so long, or is not told, that the quote says little about the fill.
    """

    deploy_id: str | None
    order_id: int
    symbol: str
    symbol_id: str
    type: OrderType
    currency: str
    quantity: float
    price: float
    bid: float
    ask: float
    slippage: float
    slippage_bps: float
    mid_slippage: float
    mid_slippage_bps: float
    seconds: float | None
    rested: bool

    @property
    def mid(self) -> float:
        """Halfway between bid and ask."""
        return (self.bid + self.ask) / 2

    @property
    def cost(self) -> float:
        """The slippage of all units. What a contract multiplies them by is not told by QuantConnect, nor applied."""
        return self.slippage * abs(self.quantity)

    @property
    def mid_cost(self) -> float:
        """The same against the mid."""
        return self.mid_slippage * abs(self.quantity)


class FillSummary(Model, frozen=True, kw_only=True):
    """The slippage of several orders. Positive is a loss. What cannot be told is None.

    Means are weighted: by quantity, and in basis points by quantity x mid. They are None where orders have prices in
    several currencies. Medians, percentiles and the worst count each order once.

    Attributes:
        orders: How many orders.
        quantity: How much they filled, purchases and sales added up.
        mean: Slippage of a unit, in the currency of the prices.
        mean_bps: The same in basis points.
        median_bps: Half of the orders slipped less.
        p95_bps: 95 % of the orders slipped less.
        worst_bps: The largest slippage.
        mid_mean: Slippage of a unit against the mid.
        mid_mean_bps: The same in basis points.
        cost: The slippage of all units, by currency.
        mid_cost: The same against the mid, by currency.
        spread_ratio: The effective spread by the quoted one: 1 where orders are filled at the quote, 0 at the mid.
        median_seconds: From submission to the last fill.
        p95_seconds: 95 % of the orders were faster.
    """

    orders: int = 0
    quantity: float = 0.0
    mean: float | None = None
    mean_bps: float | None = None
    median_bps: float | None = None
    p95_bps: float | None = None
    worst_bps: float | None = None
    mid_mean: float | None = None
    mid_mean_bps: float | None = None
    cost: Mapping[str, float] = field(default_factory=dict[str, float])
    mid_cost: Mapping[str, float] = field(default_factory=dict[str, float])
    spread_ratio: float | None = None
    median_seconds: float | None = None
    p95_seconds: float | None = None


class FillQuality(Model, frozen=True, kw_only=True):
    """How well orders were filled, against the quotes at their submission.

    Attributes:
        filled: Orders of which at least a part was filled: the measured ones and those of the next three counts.
        unquoted: Of them, those without a usable quote: none, a price of zero, or a bid above the ask.
        exercised: Of them, exercises and assignments of options, which are not filled in a market.
        unusable: Of them, those whose fills are no usable numbers.
        fills: What was measured, in the order of the orders.
        prompt: The summary of those that were filled soon after their submission.
        resting: The summary of the others, which rested until the market came to them.
        by_currency: Summaries of the prompt ones by currency of the prices.
        by_symbol: The same by ticker.
        by_type: The same by type of order, such as "MARKET".
        fees: What all orders cost in fees, by currency; those that are not measured, too.
        resting_after: Seconds to the last fill above which an order counts as resting.
    """

    filled: int
    unquoted: int
    exercised: int
    unusable: int
    fills: tuple[MeasuredFill, ...]
    prompt: FillSummary
    resting: FillSummary
    by_currency: Mapping[str, FillSummary]
    by_symbol: Mapping[str, FillSummary]
    by_type: Mapping[str, FillSummary]
    fees: Mapping[str, float]
    resting_after: float

    @property
    def covered(self) -> float | None:
        """The share of filled orders that was measured, 0 to 1; None if no order was filled."""
        return len(self.fills) / self.filled if self.filled else None
