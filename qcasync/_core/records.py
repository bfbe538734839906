"""Pages of log lines, insights and trades: in a single pass where that is possible, else entry by entry."""

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from operator import attrgetter
from typing import Final

import msgspec
from msgspec import Raw, Struct

from qcasync._core.pages import quarantine
from qcasync._core.scalars import UnreadableError
from qcasync._core.tolerance import Reader
from qcasync._core.wire import REFUSED, begins, untyped
from qcasync.errors import DecodeError
from qcasync.models._base import Int64
from qcasync.models.insights import Insight, InsightPage
from qcasync.models.logs import LogPage
from qcasync.models.quarantine import Quarantined
from qcasync.models.trades import Trade, TradePage

_numbers: Final = attrgetter(
    "reference",
    "reference_value_final",
    "period",
    "magnitude",
    "confidence",
    "weight",
    "score_direction",
    "score_magnitude",
    "estimated_value",
)

_OTHER_NAMES: Final = (b'"referenceFinal"', b'"scoreFinal"')
"""The documents' names for two fields. A decoder that knows the engine's would skip them."""


class _LogsBody(Struct, rename="camel"):
    logs: tuple[str, ...] | None = None
    length: Int64 | None = None
    deployment_offset: Int64 | None = None
    success: bool | None = None


class _InsightsBody(Struct):
    insights: tuple[Insight, ...] | None = None
    length: Int64 | None = None
    success: bool | None = None


class _TradesBody(Struct):
    trades: tuple[Trade, ...] | None = None
    length: Int64 | None = None
    success: bool | None = None


_LOGS: Final = msgspec.json.Decoder(_LogsBody).decode
_LINE: Final[Callable[[Raw], str]] = msgspec.json.Decoder(str).decode
# Not strict: the engine writes some numbers as text.
_INSIGHTS: Final = msgspec.json.Decoder(_InsightsBody, strict=False).decode
_INSIGHT: Final[Callable[[Raw], Insight]] = msgspec.json.Decoder(Insight, strict=False).decode
_TRADES: Final = msgspec.json.Decoder(_TradesBody).decode
_TRADE: Final[Callable[[Raw], Trade]] = msgspec.json.Decoder(Trade).decode


def read_log_page(body: bytes) -> LogPage | None:
    """Read a page of log lines that needs no repair.

    Returns:
        None if it has to be taken apart.
    """
    try:
        answer = _LOGS(body)
    except REFUSED:
        return None
    if answer.logs is None or answer.success is not True:
        return None
    return LogPage(lines=answer.logs, length=answer.length, deployment_offset=answer.deployment_offset)


def read_lines(entries: Sequence[Raw]) -> tuple[str, ...]:
    """Read log lines, each for itself. Lines are known by their number, so what is no text keeps its place, as JSON."""
    return tuple(map(_line, entries))


def read_insight_page(body: bytes) -> InsightPage | None:
    """Read a page of insights in today's spelling that needs no repair.

    Returns:
        None if it has to be taken apart.
    """
    try:
        answer = _INSIGHTS(body)
    except REFUSED:
        return None
    if answer.insights is None or answer.success is not True or not _are_whole(answer.insights, body):
        return None
    return InsightPage(insights=answer.insights, length=answer.length)


def read_insights_apart(entries: Sequence[Raw]) -> tuple[tuple[Insight, ...], tuple[Quarantined, ...]]:
    """Read insights in any spelling, each for itself, and quarantine what is none."""
    insights: list[Insight] = []
    quarantined: list[Quarantined] = []
    for index, entry in enumerate(entries):
        try:
            insights.append(_insight(entry, f"$.insights[{index}]"))
        except (DecodeError, UnreadableError) as error:
            quarantined.append(quarantine(index, entry, error))
    return tuple(insights), tuple(quarantined)


def read_trade_page(body: bytes) -> TradePage | None:
    """Read a page of trades in today's spelling that needs no repair.

    Returns:
        None if it has to be taken apart.
    """
    try:
        answer = _TRADES(body)
    except REFUSED:
        return None
    if answer.trades is None or answer.success is not True:
        return None
    return TradePage(trades=answer.trades, length=answer.length)


def read_trades_apart(entries: Sequence[Raw]) -> tuple[tuple[Trade, ...], tuple[Quarantined, ...]]:
    """Read trades in any spelling, each for itself, and quarantine what is none."""
    trades: list[Trade] = []
    quarantined: list[Quarantined] = []
    for index, entry in enumerate(entries):
        try:
            trades.append(_trade(entry, f"$.trades[{index}]"))
        except (DecodeError, UnreadableError) as error:
            quarantined.append(quarantine(index, entry, error))
    return tuple(trades), tuple(quarantined)


def _line(raw: Raw) -> str:
    try:
        return _LINE(raw)
    except REFUSED:
        return "" if begins(raw, b"null") else bytes(raw).decode()


def _insight(raw: Raw, path: str) -> Insight:
    try:
        insight = _INSIGHT(raw)
    except REFUSED:
        pass
    else:
        if _are_whole((insight,), bytes(raw)):
            return insight
    read: Insight = Reader().read(untyped(raw), Insight, path)
    return read


def _trade(raw: Raw, path: str) -> Trade:
    try:
        return _TRADE(raw)
    except REFUSED:
        read: Trade = Reader().read(untyped(raw), Trade, path)
        return read


def _are_whole(insights: Sequence[Insight], json: bytes) -> bool:
    """Tell whether nothing stands under another name, and every number is one: text may say "NaN"."""
    numbers: Iterable[float | None] = chain.from_iterable(map(_numbers, insights))
    return not any(name in json for name in _OTHER_NAMES) and all(
        number is None or math.isfinite(number) for number in numbers
    )
