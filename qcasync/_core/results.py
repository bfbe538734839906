"""Results in the documented form of live/read, in a single pass over their megabytes."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, Generic, TypeVar, get_origin

import msgspec
from msgspec import Raw, Struct, field

from qcasync._core.reading import read_value
from qcasync._core.settling import MODELS, settle_engine_events, settle_events, settle_orders, settle_symbol
from qcasync._core.spelling import Form, Spelling, camel, kebab, pascal, respelled
from qcasync._core.wire import OLD, REFUSED, decoder
from qcasync.models._base import ZERO, Int64, UtcDatetime
from qcasync.models.enums import ChartResolution
from qcasync.models.live import LiveAlgorithm
from qcasync.models.live_result import LiveResult
from qcasync.models.order_events import OrderEvent, OrderFee
from qcasync.models.symbols import Symbol

T = TypeVar("T")

_HEAD: Final = 1024
_OLD_RESULTS: Final = re.compile(rb'"results"\s*:\s*\{\s*"[A-Z]')
_NO_EVENTS: Final = Raw(b"[]")
_DICTIONARIES: Final = frozenset(
    member.name for member in msgspec.structs.fields(LiveResult) if get_origin(member.type) is Mapping
)


class _Results(Struct, Generic[T], forbid_unknown_fields=True):
    version: Int64 | None = None
    resolution: ChartResolution | None = None
    results: T | None = None


class _Body(Struct, Generic[T]):
    live_results: _Results[T] = field(name="LiveResults")
    success: bool | None = None


def read_documented(body: bytes) -> LiveAlgorithm | None:
    """Read an answer that needs no repair.

    Returns:
        None if it has another form, or has to be taken apart.
    """
    head = body[:_HEAD]
    if b'"LiveResults"' not in head:
        return None
    try:
        answer = _body_decoder(old=_OLD_RESULTS.search(head) is not None)(body)
    except REFUSED:
        return None
    if answer.success is False:
        return None
    told = answer.live_results
    result = None if told.results is None else _settled(told.results)
    return LiveAlgorithm(version=told.version, resolution=told.resolution, results=result)


@cache
def _body_decoder(*, old: bool) -> Callable[[bytes], _Body[Any]]:
    spelling: Spelling = pascal if old else camel
    kind = respelled(
        LiveResult,
        spelling,
        exceptions=OLD if old else {},
        forms={LiveResult: dict(_forms(spelling))},
        replacements={tuple[str, ...]: tuple[str | int, ...]},
        unsettled=MODELS | {LiveResult},
        forbid_unknown=True,
    )
    # What the engine writes beside, and no model has. Any other key is perhaps a member in another spelling.
    beside = ("algorithmConfiguration", "totalPerformance", "analysis")
    kind = msgspec.defstruct(
        "ResultBody",
        [(key, Raw, field(default=Raw(b""))) for key in beside],
        bases=(kind,),
        rename={key: spelling(key) for key in beside},
        kw_only=True,
    )
    return decoder(_Body[kind])  # type: ignore[valid-type]  # a computed type


def _forms(spelling: Spelling) -> Mapping[str, Form]:
    """Events may have one of three forms, and PHP writes an empty dictionary as an empty list."""
    forms = {"order_events": Form(spelling("orderEvents"), Raw, field(default=_NO_EVENTS))}
    for member in msgspec.structs.fields(LiveResult):
        if member.name in _DICTIONARIES:
            key = spelling(member.encode_name)
            forms[member.name] = Form(key, member.type | tuple[()], field(default_factory=dict[str, Any]))
    return forms


def _settled(told: Any) -> LiveResult:
    members: dict[str, Any] = {name: getattr(told, name) for name in LiveResult.__struct_fields__}
    for name, value in members.items():
        if value == () and name in _DICTIONARIES:
            members[name] = {}
    result = LiveResult(**members)
    settle_orders(result.orders.values())
    for symbol in _symbols(result):
        settle_symbol(symbol)
    msgspec.structs.force_setattr(result, "order_events", _read_events(told.order_events))
    return result


def _symbols(result: LiveResult) -> list[Symbol | None]:
    found = [holding.symbol for holding in result.holdings.values()]
    found += [chart.symbol for chart in result.charts.values()]
    return found + [symbol for cash in result.cash.values() for symbol in cash.security_symbols]


def _read_events(raw: Raw) -> tuple[OrderEvent, ...]:
    head = bytes(memoryview(raw)[:_HEAD])
    try:
        if b'"UtcTime"' in head:
            events: tuple[OrderEvent, ...] = _ENGINE_EVENTS(raw)
            settle_engine_events(events)
        else:
            events = (_OLD_EVENTS if b'"order-id"' in head else _EVENTS)(raw)
            settle_events(events)
    except REFUSED:
        events = read_value(raw, tuple[OrderEvent, ...], "$.LiveResults.results.OrderEvents")
    return events


def _events_decoder(spelling: Spelling, forms: Mapping[str, Form] | None = None) -> Callable[[bytes | Raw], Any]:
    kind = respelled(
        tuple[OrderEvent, ...], spelling, exceptions=_SYMBOLS, forms={OrderEvent: forms or {}}, unsettled=MODELS
    )
    return decoder(kind)


_SYMBOLS: Final[Mapping[type[Struct], Spelling]] = {Symbol: OLD[Symbol]}
_EVENTS: Final = _events_decoder(camel)
_OLD_EVENTS: Final = _events_decoder(kebab)
_ENGINE_EVENTS: Final = _events_decoder(
    pascal,
    {
        "id": Form("Id", Int64),
        "algorithm_id": Form("AlgorithmId", str, field(default="")),
        "order_event_id": Form("OrderEventId", Int64, field(default=0)),
        "symbol": Form("Symbol", Symbol),
        "time_at": Form("UtcTime", UtcDatetime),
        "order_fee_amount": Form("OrderFee", OrderFee | float, field(default=ZERO)),
    },
)
