"""Results in the documented form of live/read, in a single pass over their megabytes."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final, Generic, TypeVar, get_origin

import msgspec
from msgspec import Raw, Struct, field
from msgspec.structs import FieldInfo

from qcasync._core.pages import Wish, are_whole, read_each
from qcasync._core.reading import read_value
from qcasync._core.scalars import UnreadableError
from qcasync._core.settling import MODELS, settle_engine_events, settle_events, settle_orders, settle_symbol
from qcasync._core.spelling import Form, Spelling, camel, fold, kebab, parametrized, pascal, respelled
from qcasync._core.tolerance import Reader
from qcasync._core.wire import OLD, REFUSED, begins, decoder, entries, parse
from qcasync.models._base import ZERO, Int64, UtcDatetime
from qcasync.models.enums import ChartResolution
from qcasync.models.live import LiveAlgorithm
from qcasync.models.live_result import LiveResult
from qcasync.models.order_events import OrderEvent, OrderFee
from qcasync.models.orders import Order
from qcasync.models.symbols import Symbol

T = TypeVar("T")

_HEAD: Final = 1024
"""Where the first keys tell the spelling."""
_OLD_RESULTS: Final = re.compile(rb'"results"\s*:\s*\{\s*"[A-Z]')
_NO_EVENTS: Final = Raw(b"[]")
_FIELDS: Final = tuple(each for each in msgspec.structs.fields(LiveResult) if not each.encode_name.startswith("@"))
_DICTIONARIES: Final = frozenset(
    member.name for member in msgspec.structs.fields(LiveResult) if get_origin(member.type) is Mapping
)


_ENGINE_FORMS: Final = {
    "id": Form("Id", Int64),
    "algorithm_id": Form("AlgorithmId", str, field(default="")),
    "order_event_id": Form("OrderEventId", Int64, field(default=0)),
    "symbol": Form("Symbol", Symbol),
    "time_at": Form("UtcTime", UtcDatetime),
    "order_fee_amount": Form("OrderFee", OrderFee | float | None, field(default=ZERO)),
}
"""What the engine's own events, which documents show, have in the place of an event's fields."""


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
    told = answer.live_results
    if answer.success is not True:
        return None
    members: dict[str, Any] = {}
    if told.results is not None:
        members = {name: getattr(told.results, name) for name in LiveResult.__struct_fields__}
    if not _settle(members, body):
        return None
    result = None if told.results is None else LiveResult(**members)
    return LiveAlgorithm(version=told.version, resolution=told.resolution, results=result)


def read_result(told: Mapping[str, Raw]) -> LiveResult:
    """Read a result from its members, each for itself: a quirk in one costs the others next to nothing.

    An order that cannot be read is quarantined.

    Args:
        told: The members, under folded keys.

    Raises:
        DecodeError: One of them cannot be read.
    """
    members: dict[str, Any] = {}
    for member in _FIELDS:
        raw = told.get(fold(member.encode_name))
        if raw is not None and not begins(raw, b"null"):
            members |= _read_member(member, raw)
    return LiveResult(**members)


def _read_member(member: FieldInfo, raw: Raw) -> dict[str, Any]:
    """Return the member under its name, and what was quarantined of it."""
    path = f"$.LiveResults.results.{member.encode_name}"
    if member.name == "order_events":
        return {member.name: _read_events(raw)}
    for old in (True, False):
        try:
            members = {member.name: _member_decoder(member.name, old=old)(raw)}
        except REFUSED:
            continue
        if _settle(members, raw):
            return members
    told = entries(raw) if member.name == "orders" and begins(raw, b"{") else {}
    if told and all(begins(entry, b"{") for entry in told.values()):
        paths = [f"{path}[{key[:40]!r}]" for key in told]
        orders, quarantined = read_each(list(told.values()), paths, bytes(raw), Reader(), Wish())
        lost = {entry.index for entry in quarantined}
        keys = (key for index, key in enumerate(told) if index not in lost)
        return {"orders": dict(zip(keys, orders, strict=True)), "quarantined": quarantined}
    return {member.name: read_value(raw, member.type, path)}


def _settle(members: dict[str, Any], json: bytes | Raw) -> bool:
    """Make models of what a strict decoder found of a result; tell whether it skipped nothing."""
    for name in _DICTIONARIES & members.keys():
        if not members[name]:  # null, or [] as PHP writes it
            members[name] = {}
    orders = tuple(members.get("orders", {}).values())
    if orders and not _settle_orders(orders, bytes(json)):
        return False
    for symbol in _symbols(members):
        settle_symbol(symbol)
    if isinstance(members.get("order_events"), Raw):
        members["order_events"] = _read_events(members["order_events"])
    return True


def _settle_orders(orders: tuple[Any, ...], json: bytes) -> bool:
    if not are_whole(orders, json):
        return False
    for order in orders:
        if order.deployment:  # events under the key of the other spelling
            return False
        order.deployment = None
    settle_orders(orders)
    return True


def _symbols(members: Mapping[str, Any]) -> Iterator[Any]:
    for holder in (*members.get("holdings", {}).values(), *members.get("charts", {}).values()):
        yield holder.symbol
    for cash in members.get("cash", {}).values():
        yield from cash.security_symbols


@cache
def _body_decoder(*, old: bool) -> Callable[[bytes], _Body[Any]]:
    # What the engine writes beside, and no model has. Any other key is perhaps a member in another spelling.
    beside = ("algorithmConfiguration", "totalPerformance", "analysis")
    spelling: Spelling = pascal if old else camel
    kind = msgspec.defstruct(
        "ResultBody",
        [(key, Raw, field(default=Raw(b""))) for key in beside],
        bases=(_wire(old=old),),
        rename={key: spelling(key) for key in beside},
        kw_only=True,
    )
    return decoder(parametrized(_Body, kind))


@cache
def _member_decoder(name: str, *, old: bool) -> Callable[[bytes | Raw], Any]:
    return decoder(next(each.type for each in msgspec.structs.fields(_wire(old=old)) if each.name == name))


@cache
def _wire(*, old: bool) -> type[Struct]:
    """Return the type of a result that msgspec reads; its models are not settled."""
    spelling: Spelling = pascal if old else camel
    kind: type[Struct] = respelled(
        LiveResult,
        spelling,
        exceptions=OLD if old else {},
        forms={LiveResult: dict(_forms(spelling)), Order: {"deployment": _other_events(old=old)}},
        replacements={tuple[str, ...]: tuple[str | int, ...]},
        unsettled=MODELS | {LiveResult},
        forbid_unknown=True,
    )
    return kind


def _other_events(*, old: bool) -> Form:
    """The field of an order that no server writes catches what a server may write under a key of the other spelling."""
    return Form("events" if old else "Events", Raw, field(default=Raw(b"")))


def _forms(spelling: Spelling) -> Iterator[tuple[str, Form]]:
    """Events may have one of three forms, and PHP writes an empty dictionary as an empty list."""
    yield "order_events", Form(spelling("orderEvents"), Raw, field(default=_NO_EVENTS))
    for member in msgspec.structs.fields(LiveResult):
        if member.name in _DICTIONARIES:
            key = spelling(member.encode_name)
            yield member.name, Form(key, member.type | tuple[()] | None, field(default_factory=dict[str, Any]))


def _read_events(raw: Raw) -> tuple[OrderEvent, ...]:
    head = bytes(memoryview(raw)[:_HEAD])
    if begins(raw, b"null"):
        return ()
    try:
        if b'"UtcTime"' in head:
            events: tuple[OrderEvent, ...] = _ENGINE_EVENTS(raw)
            settle_engine_events(events)
        else:
            events = (_OLD_EVENTS if b'"order-id"' in head else _EVENTS)(raw)
            settle_events(events)
    except (*REFUSED, UnreadableError):
        path = "$.LiveResults.results.OrderEvents"
        if not begins(raw, b"["):
            events = read_value(raw, tuple[OrderEvent, ...], path)
        else:
            each = parse(raw, _LIST)
            events = tuple(_read_event(entry, f"{path}[{index}]") for index, entry in enumerate(each))
    return events


def _read_event(raw: Raw, path: str) -> OrderEvent:
    for decode, settle in ((_ENGINE_EVENT, settle_engine_events), (_OLD_EVENT, settle_events)):
        try:
            event: OrderEvent = decode(raw)
            settle((event,))
        except (*REFUSED, UnreadableError):
            continue
        return event
    read: OrderEvent = read_value(raw, OrderEvent, path)
    return read


def _wire_event(spelling: Spelling, forms: Mapping[str, Form] | None = None) -> Any:
    symbols: Mapping[type[Struct], Spelling] = {Symbol: OLD[Symbol]}
    return respelled(OrderEvent, spelling, exceptions=symbols, forms={OrderEvent: forms or {}}, unsettled=MODELS)


_OLD_EVENT: Final = decoder(_wire_event(kebab))
_ENGINE_EVENT: Final = decoder(_wire_event(pascal, _ENGINE_FORMS))
_EVENTS: Final = decoder(parametrized(tuple, _wire_event(camel), ...))
_OLD_EVENTS: Final = decoder(parametrized(tuple, _wire_event(kebab), ...))
_ENGINE_EVENTS: Final = decoder(parametrized(tuple, _wire_event(pascal, _ENGINE_FORMS), ...))
_LIST: Final = msgspec.json.Decoder(list[Raw]).decode
