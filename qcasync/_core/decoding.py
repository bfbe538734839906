"""Bytes become models. Any bytes give what was promised, `Loading`, a `Refusal`, or a DecodeError.

A clean body is decoded in one typed pass. Only what that pass refuses is taken apart and read patiently: a page entry
by entry, so that a broken one is quarantined and costs no other; anything else member by member.

"Success" alone is no answer: a body without its payload is an error, never an empty collection.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Generic, NoReturn, TypeVar

import msgspec
from msgspec import Raw, Struct

from qcasync._core.pages import Wish, read_entries, read_page
from qcasync._core.reading import read_object, read_value
from qcasync._core.records import (
    read_insight_page,
    read_insights_apart,
    read_lines,
    read_log_page,
    read_trade_page,
    read_trades_apart,
)
from qcasync._core.refusals import Refusal, refusal_of, texts_of
from qcasync._core.results import read_documented, read_result
from qcasync._core.scalars import UnreadableError
from qcasync._core.screening import html_title, screen, undecodable
from qcasync._core.spelling import camel, parametrized, respelled
from qcasync._core.tolerance import Reader
from qcasync._core.wire import REFUSED, begins, decoder, members, parse, untyped
from qcasync.errors import DecodeError
from qcasync.models.charts import Chart
from qcasync.models.enums import ChartResolution
from qcasync.models.insights import InsightPage
from qcasync.models.live import CreateLiveAlgorithmResponse, LiveAlgorithm, LiveDeployment
from qcasync.models.logs import LogPage
from qcasync.models.orders import OrderPage
from qcasync.models.portfolio import Portfolio
from qcasync.models.trades import TradePage

T = TypeVar("T")

__all__ = [
    "Loading",
    "Refusal",
    "html_title",
    "read_chart",
    "read_create",
    "read_insights",
    "read_live",
    "read_live_list",
    "read_logs",
    "read_orders",
    "read_portfolio",
    "read_refusal",
    "read_success",
    "read_trades",
]


class Loading(Struct, frozen=True):
    """The server is still preparing the answer.

    Attributes:
        progress: 0 to 1; None if it was not told.
    """

    progress: float | None = None


class _ChartBody(Struct, Generic[T]):
    chart: T | None = None
    success: bool | None = None


# Every field of a chart has a default: only an unknown key tells that it is spelled differently.
_CHART: Callable[[bytes], _ChartBody[Chart]] = decoder(
    parametrized(_ChartBody, respelled(Chart, camel, forbid_unknown=True))
)


def read_orders(
    body: bytes, *, number: type[float] | type[Decimal] = float, lazy: bool = False
) -> OrderPage[Any] | Loading | Refusal:
    """Read the answer of live/orders/read.

    Args:
        body: The answer.
        number: The type of prices and quantities.
        lazy: Whether events may wait until somebody looks at them.
    """
    screen(body)
    wish = Wish(number, lazy)
    return read_page(body, wish) or _orders_patiently(body, wish)


def read_live(body: bytes) -> LiveAlgorithm | Refusal:
    """Read the answer of live/read for one project, in today's flat form or in the documented one."""
    screen(body)
    if (documented := read_documented(body)) is not None:
        return documented
    told = members(body)
    if (refusal := refusal_of(told)) is not None:
        return refusal
    if "liveresults" in told:
        return _documented_live(members(told["liveresults"]))
    if "deployid" not in told and "status" not in told:
        raise undecodable("success, but no live algorithm", body)
    return read_object(told, LiveAlgorithm, body)


def read_chart(body: bytes) -> Chart | Loading | Refusal:
    """Read the answer of live/chart/read."""
    screen(body)
    try:
        answer = _CHART(body)
    except REFUSED:
        pass
    else:
        if answer.chart is not None and answer.success is True:
            return answer.chart
    told = members(body)
    if (refusal := refusal_of(told)) is not None:
        return refusal
    if "chart" not in told or begins(told["chart"], b"null"):
        return _loading(told) or _missing("chart", body)
    chart: Chart = read_value(told["chart"], Chart, "$.chart")
    return chart


def read_portfolio(body: bytes, *, number: type[float] | type[Decimal] = float) -> Portfolio[Any] | Refusal:
    """Read the answer of live/portfolio/read."""
    told = _members(body)
    if (refusal := refusal_of(told)) is not None:
        return refusal
    if "portfolio" not in told or begins(told["portfolio"], b"null"):
        raise undecodable("success, but no portfolio", body)
    portfolio: Portfolio[Any] = read_value(told["portfolio"], parametrized(Portfolio, number), "$.portfolio")
    return portfolio


def read_logs(body: bytes) -> LogPage | Loading | Refusal:
    """Read the answer of live/logs/read."""
    screen(body)
    if (page := read_log_page(body)) is not None:
        return page
    told = members(body)
    entries = _listed(told, "logs", body)
    if not isinstance(entries, list):
        return entries
    offset = _number(told, "deploymentoffset", int)
    return LogPage(lines=read_lines(entries), length=_number(told, "length", int), deployment_offset=offset)


def read_insights(body: bytes) -> InsightPage | Loading | Refusal:
    """Read the answer of live/insights/read."""
    screen(body)
    if (page := read_insight_page(body)) is not None:
        return page
    told = members(body)
    entries = _listed(told, "insights", body)
    if not isinstance(entries, list):
        return entries
    insights, quarantined = read_insights_apart(entries)
    return InsightPage(insights=insights, length=_number(told, "length", int), quarantined=quarantined)


def read_trades(body: bytes) -> TradePage | Loading | Refusal:
    """Read the answer of live/trades/read."""
    screen(body)
    if (page := read_trade_page(body)) is not None:
        return page
    told = members(body)
    entries = _listed(told, "trades", body)
    if not isinstance(entries, list):
        return entries
    trades, quarantined = read_trades_apart(entries)
    return TradePage(trades=trades, length=_number(told, "length", int), quarantined=quarantined)


def read_live_list(body: bytes) -> tuple[LiveDeployment, ...] | Refusal:
    """Read the answer of live/list, or of the former list form of live/read."""
    told = _members(body)
    if (refusal := refusal_of(told)) is not None:
        return refusal
    path, entries = "$", None
    while (key := "live" if "live" in told else "algorithms") in told:
        path, entries = f"{path}.{key}", told[key]
        told = members(entries) if begins(entries, b"{") else {}
    if entries is None or begins(entries, b"null"):
        raise undecodable("success, but no list of live algorithms", body)
    deployments: tuple[LiveDeployment, ...] = read_value(entries, tuple[LiveDeployment, ...], path)
    return deployments


def read_create(body: bytes) -> CreateLiveAlgorithmResponse | Refusal:
    """Read the answer of live/create."""
    told = _members(body)
    return refusal_of(told) or read_object(told, CreateLiveAlgorithmResponse, body)


def read_success(body: bytes) -> Refusal | None:
    """Read an answer that tells nothing but success: authenticate, stop, liquidate."""
    told = _members(body)
    refusal = refusal_of(told)
    if refusal is None and "success" not in told:
        raise undecodable("neither success nor failure", body)
    return refusal


def read_refusal(body: bytes) -> Refusal | None:
    """Read what can be read in the body of a failure; None if that is no JSON object."""
    try:
        return Refusal(texts_of(_members(body)))
    except DecodeError:
        return None


def _members(body: bytes) -> dict[str, Raw]:
    screen(body)
    return members(body)


def _orders_patiently(body: bytes, wish: Wish) -> OrderPage[Any] | Loading | Refusal:
    told = members(body)
    entries = _listed(told, "orders", body)
    if not isinstance(entries, list):
        return entries
    page = read_entries(entries, body, Reader(), wish)
    return msgspec.structs.replace(page, length=_number(told, "length", int))


def _listed(told: dict[str, Raw], key: str, body: bytes) -> list[Raw] | Loading | Refusal:
    """Return the entries of a page, undecoded."""
    if (refusal := refusal_of(told)) is not None:
        return refusal
    entries = told.get(key)
    if entries is None or begins(entries, b"null"):
        return _loading(told) or _missing(key, body)
    return _entries(entries, body, f"$.{key}")


def _loading(told: dict[str, Raw]) -> Loading | None:
    if "progress" in told or ("status" in told and untyped(told["status"]) == "loading"):
        return Loading(_number(told, "progress", float))
    return None


def _missing(payload: str, body: bytes) -> NoReturn:
    raise undecodable(f"success, but neither {payload} nor word of loading", body)


def _documented_live(told: dict[str, Raw]) -> LiveAlgorithm:
    path = "$.LiveResults"
    results = told.get("results")
    return LiveAlgorithm(
        version=_number(told, "version", int),
        resolution=read_value(told["resolution"], ChartResolution | None, path) if "resolution" in told else None,
        results=None if results is None or begins(results, b"null") else read_result(members(results)),
    )


def _entries(raw: Raw, body: bytes, path: str) -> list[Raw]:
    if begins(raw, b"{"):
        # PHP writes an array as an object if its keys are not 0, 1, 2, ...; documents show one order for the list.
        told = members(raw)
        return list(told.values()) if all(key.isdigit() for key in told) else [raw]
    if not begins(raw, b"["):
        raise undecodable("expected a list", body, path)
    return parse(raw, _LIST.decode)


_LIST = msgspec.json.Decoder(list[Raw])


def _number(told: dict[str, Raw], key: str, kind: type[float]) -> Any:
    """Return a number that is worth knowing, but no reason to refuse an answer."""
    try:
        return Reader().read(untyped(told[key]), kind | None) if key in told else None
    except UnreadableError:
        return None
