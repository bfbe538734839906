"""What a report's templates show: sums, rows and words made of what was read. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from qcasync.models.charts import Chart
from qcasync.models.enums import AlgorithmStatus, InsightDirection, OrderDirection
from qcasync.models.fill_quality import FillQuality, FillSummary
from qcasync.models.orders import Order
from qcasync.models.portfolio import Portfolio
from qcasync.pictures._text import shown
from qcasync.pictures.report_data import InsightTail, LogTail, ReportData, Unread
from qcasync.pictures.report_exposure import (
    Exposure,
    Fall,
    Position,
    account_symbol,
    equity_of,
    exposure_of,
    fall_of,
    positions_of,
    series_of,
)
from qcasync.pictures.report_formats import NOTHING, money, name, number, price

RECENT: Final = 50
"""Orders that are listed."""
_GROUPS: Final = 15
"""Symbols that are listed."""

_GOOD: Final = frozenset({AlgorithmStatus.RUNNING})
_BAD: Final = frozenset({AlgorithmStatus.RUNTIME_ERROR, AlgorithmStatus.DEPLOY_ERROR, AlgorithmStatus.INVALID})
_ENDED: Final = frozenset(
    {AlgorithmStatus.STOPPED, AlgorithmStatus.LIQUIDATED, AlgorithmStatus.DELETED, AlgorithmStatus.COMPLETED,
     AlgorithmStatus.UNDEFINED}
)  # fmt: skip
_GLYPHS: Final = {"good": "●", "bad": "▲", "ended": "■", "pending": "◌"}


@dataclass(frozen=True, kw_only=True)
class View:
    """What the templates show beside the data itself. None stands for what was not read."""

    status: str
    mood: str
    glyph: str
    sign: str
    equity: float | None
    equity_text: str
    return_text: str
    return_number: float | None
    fall: Fall | None
    portfolio: Portfolio | None
    positions: Sequence[Position] | None
    exposure: Exposure | None
    equity_empty: bool
    equity_missing: bool
    drawdown_missing: bool
    exposure_empty: bool
    exposure_missing: bool
    recent: Sequence[Order]
    log: LogTail | None
    insights: InsightTail | None
    main: FillSummary
    main_note: str
    unmeasured: str
    symbols: Sequence[tuple[str, FillSummary]]
    types: Sequence[tuple[str, FillSummary]]
    currencies: Sequence[tuple[str, FillSummary]]


def view_of(data: ReportData) -> View:
    """Prepare what is shown."""
    portfolio = None if isinstance(data.portfolio, Unread) else data.portfolio
    statistics = data.runtime_statistics
    told = statistics.number("Equity")
    equity = equity_of(told, portfolio) if portfolio else told
    sign = account_symbol(portfolio) if portfolio else ""
    mood = mood_of(data.live.status)
    quality = data.fill_quality
    currency, main = next(iter(quality.by_currency.items()), ("", quality.prompt))
    return View(
        status=status_of(data),
        mood=mood,
        glyph=_GLYPHS[mood],
        sign=sign,
        equity=equity,
        equity_text=shown(statistics.get("Equity") or money(equity, sign)),
        return_text=shown(statistics.get("Return") or NOTHING),
        return_number=statistics.number("Return"),
        fall=fall_of_equity(data.equity),
        portfolio=portfolio,
        positions=None if portfolio is None else positions_of(portfolio, equity, data.tickers),
        exposure=None if portfolio is None else exposure_of(portfolio, equity),
        equity_empty=not (isinstance(data.equity, Unread) or has_points(data.equity)),
        equity_missing=isinstance(data.equity, Unread),
        drawdown_missing=isinstance(data.drawdown, Unread) or not has_points(data.drawdown),
        exposure_empty=not (isinstance(data.exposure, Unread) or has_points(data.exposure)),
        exposure_missing=isinstance(data.exposure, Unread),
        recent=data.orders[: -RECENT - 1 : -1],
        log=None if isinstance(data.log, Unread) else data.log,
        insights=None if isinstance(data.insights, Unread) else data.insights,
        main=main,
        main_note=f", {shown(currency, 12)}" if len(quality.by_currency) > 1 else "",
        unmeasured=_unmeasured(quality),
        symbols=list(quality.by_symbol.items())[:_GROUPS],
        types=_named(quality.by_type),
        currencies=list(quality.by_currency.items()),
    )


def status_of(data: ReportData) -> str:
    """The status as a word."""
    if data.live.results is not None and data.live.status is AlgorithmStatus.UNDEFINED:
        return "status not told"  # the documented form has none
    return "never deployed" if data.live.status is AlgorithmStatus.UNDEFINED else name(data.live.status)


def mood_of(status: AlgorithmStatus) -> str:
    """What a status means: "good", "bad", "ended" or "pending"."""
    if status in _GOOD:
        return "good"
    if status in _BAD:
        return "bad"
    return "ended" if status in _ENDED else "pending"


def has_points(chart: Chart) -> bool:
    """Whether there is anything to draw."""
    return any(len(series.time) for series in chart.series.values())


def fall_of_equity(equity: Chart | Unread) -> Fall | None:
    """How far the equity is, and was, below its highest."""
    series = None if isinstance(equity, Unread) else series_of(equity, "Equity")
    return None if series is None else fall_of(series.y)


def side(order: Order) -> str:
    """The direction, with a mark that tells it without colour."""
    marks = {OrderDirection.BUY: "▲ ", OrderDirection.SELL: "▼ "}
    return marks.get(order.direction, "") + name(order.direction)


def order_price(order: Order) -> str:
    """What an order was filled at, else the price that it waits for."""
    if any(event.fill_quantity for event in order.events) or (not order.events and order.last_fill_time):
        return price(order.price)
    for word, waited in (("limit", order.limit_price), ("stop", order.stop_price), ("trigger", order.trigger_price)):
        if waited is not None:
            return f"{word} {price(waited)}"
    return NOTHING


def arrow(direction: InsightDirection) -> str:
    """Where an insight expects its security to move."""
    marks = {InsightDirection.UP: "▲ ", InsightDirection.DOWN: "▼ "}
    return marks.get(direction, "") + name(direction)


def amounts(by_currency: Mapping[str, float]) -> str:
    """Amounts in several currencies."""
    told = [f"{number(amount)} {shown(currency, 12)}".strip() for currency, amount in by_currency.items()]
    return "; ".join(told) or NOTHING


def _named(by_type: Mapping[str, FillSummary]) -> list[tuple[str, FillSummary]]:
    return [(kind.replace("_", " ").lower(), summary) for kind, summary in by_type.items()]


def _unmeasured(quality: FillQuality) -> str:
    counts = (
        (quality.unquoted, "without a usable quote"),
        (quality.exercised, "exercised or assigned"),
        (quality.unusable, "without usable numbers"),
    )
    return ", ".join(f"{count:,} {why}" for count, why in counts if count)
