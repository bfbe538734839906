"""The table of the trades that are computed from fills."""

from typing import Any, Final

from qcasync.models.closed_trades import ClosedTrade
from qcasync.models.enums import TradeDirection
from qcasync.models.tables._columns import Form, integer, listed, member, moment, number, word
from qcasync.models.tables._kind import Kind

__all__ = ["CLOSED_TRADES"]

CLOSED_TRADES: Final[Kind[ClosedTrade[Any]]] = Kind(
    "closed_trades",
    known_as=lambda trade: f"the trade that order {trade.exit.order_id} closed",
    columns=(
        word("symbol", "symbol.value"),
        word("symbol_id", "symbol.id"),
        member("direction", TradeDirection),
        number("quantity"),
        moment("entry_time"),
        number("entry_price"),
        moment("exit_time"),
        number("exit_price"),
        word("price_currency"),
        number("profit_loss"),
        listed("fees", Form.AMOUNTS),
        number("duration", lambda trade: trade.duration.total_seconds(), ever_float=True),
        word("entry_deploy_id", "entry.deploy_id", nullable=True),
        integer("entry_order_id", "entry.order_id"),
        integer("entry_order_event_id", "entry.order_event_id"),
        word("exit_deploy_id", "exit.deploy_id", nullable=True),
        integer("exit_order_id", "exit.order_id"),
        integer("exit_order_event_id", "exit.order_event_id"),
    ),
)
"""A row for each trade. Made of `ClosedTrade`."""
