"""Tables of insights, of log lines and of the trades that QuantConnect tells."""

from typing import Final

from qcasync.models.enums import InsightDirection, InsightType, TradeDirection
from qcasync.models.insights import Insight
from qcasync.models.logs import LogLine
from qcasync.models.tables._columns import Form, flag, integer, listed, member, moment, number, text, word
from qcasync.models.tables._kind import Kind
from qcasync.models.trades import Trade

__all__ = ["INSIGHTS", "LOG_LINES", "TRADES"]

INSIGHTS: Final[Kind[Insight]] = Kind(
    "insights",
    known_as=lambda insight: f"insight {insight.id}",
    columns=(
        text("id"),
        text("group_id", nullable=True),
        word("source_model", nullable=True),
        moment("generated_time", "generated_time_at", unix=True),
        moment("created_time", "created_time_at", unix=True, nullable=True),
        moment("close_time", "close_time_at", unix=True),
        word("symbol", "ticker", nullable=True),
        word("symbol_id", "symbol"),
        member("type", InsightType),
        member("direction", InsightDirection),
        number("period", ever_float=True),
        number("reference", ever_float=True),
        number("reference_value_final", ever_float=True),
        number("magnitude", ever_float=True, nullable=True),
        number("confidence", ever_float=True, nullable=True),
        number("weight", ever_float=True, nullable=True),
        flag("score_is_final"),
        number("score_direction", ever_float=True),
        number("score_magnitude", ever_float=True),
        number("estimated_value", ever_float=True),
        text("tag", nullable=True),
    ),
)
"""A row for each insight. Made of `Insight`."""

LOG_LINES: Final[Kind[LogLine]] = Kind(
    "log_lines",
    known_as=lambda line: f"log line {line.number}",
    columns=(integer("number"), moment("time", nullable=True), text("text")),
)
"""A row for each line of a log. Made of `LogLine`."""

TRADES: Final[Kind[Trade]] = Kind(
    "trades",
    known_as=lambda trade: f"trade {trade.id}",
    columns=(
        text("id"),
        listed("symbols", Form.TEXTS, lambda trade: [symbol.value for symbol in trade.symbols]),
        listed("symbol_ids", Form.TEXTS, lambda trade: [symbol.id for symbol in trade.symbols]),
        member("direction", TradeDirection),
        number("quantity", ever_float=True),
        moment("entry_time"),
        number("entry_price", ever_float=True),
        moment("exit_time"),
        number("exit_price", ever_float=True),
        number("duration", lambda trade: trade.duration.total_seconds(), ever_float=True),
        number("profit_loss", ever_float=True),
        number("total_fees", ever_float=True),
        number("mae", ever_float=True),
        number("mfe", ever_float=True),
        number("end_trade_drawdown", ever_float=True),
        flag("is_win", nullable=True),
        listed("order_ids", Form.INTEGERS),
    ),
)
"""A row for each trade. Made of `Trade`."""
