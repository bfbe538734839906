"""Bytes become models. Any bytes give what was promised, `Loading`, a `Refusal`, or a DecodeError.

A clean body is decoded in one typed pass. Only what that pass refuses is taken apart and read patiently: a page of
orders entry by entry, so that a broken one is quarantined and costs no other; anything else member by member.

"Success" alone is no answer: a body without its payload is an error, never an empty collection.
"""

from typing import Any

import msgspec
from msgspec import Raw, Struct

from qcasync._core.reading import lost_something, read_object, read_order, read_value, untyped
from qcasync._core.scalars import UnreadableError
from qcasync._core.screening import html_title, screen, undecodable
from qcasync._core.tolerance import Reader
from qcasync._core.wire import OLD_ORDERS, ORDERS, REFUSED, members, parse
from qcasync.errors import DecodeError
from qcasync.models._json import is_array, is_object
from qcasync.models.enums import ChartResolution
from qcasync.models.live import CreateLiveAlgorithmResponse, LiveAlgorithm, LiveDeployment
from qcasync.models.live_result import LiveResult
from qcasync.models.orders import Order, OrderPage
from qcasync.models.quarantine import MAX_RAW, Quarantined

__all__ = [
    "Loading",
    "Refusal",
    "html_title",
    "read_create",
    "read_live",
    "read_live_list",
    "read_orders",
    "read_refusal",
    "read_success",
]

MAX_TEXTS = 20
MAX_TEXT = 1000
_HEAD = 1024
"""Where the keys of the first order tell the spelling."""


class Loading(Struct, frozen=True):
    """The server is still preparing the answer.

    Attributes:
        progress: 0 to 1; None if it was not told.
    """

    progress: float | None = None


class Refusal(Struct, frozen=True):
    """The server refused.

    Attributes:
        errors: Its texts as they came, at most 20 of at most 1000 characters. They may hold secrets.
    """

    errors: tuple[str, ...] = ()


def read_orders(body: bytes) -> OrderPage | Loading | Refusal:
    """Read the answer of live/orders/read."""
    screen(body)
    old = b'"Symbol"' in body[:_HEAD]
    try:
        answer = (OLD_ORDERS if old else ORDERS).decode(body)
    except REFUSED:
        return _orders_patiently(body)
    orders = answer.orders
    if orders is None or answer.success is False or lost_something(orders, body, old=old):
        return _orders_patiently(body)
    return OrderPage(orders=orders, length=answer.length)


def read_live(body: bytes) -> LiveAlgorithm | Refusal:
    """Read the answer of live/read for one project, in today's flat form or in the documented one."""
    told = _members(body)
    if (refusal := _refusal(told)) is not None:
        return refusal
    if "liveresults" in told:
        return _documented_live(members(told["liveresults"]), body)
    if "deployid" not in told and "status" not in told:
        raise undecodable("success, but no live algorithm", body)
    return read_object(told, LiveAlgorithm, body)


def read_live_list(body: bytes) -> tuple[LiveDeployment, ...] | Refusal:
    """Read the answer of live/list, or of the former list form of live/read."""
    told = _members(body)
    if (refusal := _refusal(told)) is not None:
        return refusal
    path, entries = "$", None
    while (key := "live" if "live" in told else "algorithms") in told:
        path, entries = f"{path}.{key}", told[key]
        told = members(entries) if _begins(entries, b"{") else {}
    if entries is None or _begins(entries, b"null"):
        raise undecodable("success, but no list of live algorithms", body)
    deployments: tuple[LiveDeployment, ...] = read_value(entries, tuple[LiveDeployment, ...], path)
    return deployments


def read_create(body: bytes) -> CreateLiveAlgorithmResponse | Refusal:
    """Read the answer of live/create."""
    told = _members(body)
    return _refusal(told) or read_object(told, CreateLiveAlgorithmResponse, body)


def read_success(body: bytes) -> Refusal | None:
    """Read an answer that tells nothing but success: authenticate, stop, liquidate."""
    told = _members(body)
    refusal = _refusal(told)
    if refusal is None and "success" not in told:
        raise undecodable("neither success nor failure", body)
    return refusal


def read_refusal(body: bytes) -> Refusal | None:
    """Read what can be read in the body of a failure; None if that is no JSON object."""
    try:
        return Refusal(_texts(_members(body)))
    except DecodeError:
        return None


def _members(body: bytes) -> dict[str, Raw]:
    screen(body)
    return members(body)


def _orders_patiently(body: bytes) -> OrderPage | Loading | Refusal:
    told = members(body)
    if (refusal := _refusal(told)) is not None:
        return refusal
    entries = told.get("orders")
    reader = Reader()
    if entries is None or _begins(entries, b"null"):
        if "progress" in told or ("status" in told and untyped(told["status"]) == "loading"):
            return Loading(_number(told, "progress", float))
        raise undecodable("success, but neither orders nor word of loading", body)
    orders: list[Order] = []
    quarantined: list[Quarantined] = []
    for index, entry in enumerate(_entries(entries, body)):
        try:
            orders.append(read_order(entry, reader, f"$.orders[{index}]"))
        except (DecodeError, UnreadableError) as error:
            reason = f"{error.reason} at {error.path}" if error.path else error.reason
            quarantined.append(Quarantined(index=index, reason=reason, raw=bytes(entry)[:MAX_RAW]))
    return OrderPage(
        orders=tuple(orders),
        length=_number(told, "length", int),
        quarantined=tuple(quarantined),
        quirks=reader.quirks,
    )


def _documented_live(told: dict[str, Raw], body: bytes) -> LiveAlgorithm:
    path = "$.LiveResults"
    results = told.get("results")
    return LiveAlgorithm(
        version=_number(told, "version", int),
        resolution=read_value(told["resolution"], ChartResolution | None, path) if "resolution" in told else None,
        results=None
        if results is None or _begins(results, b"null")
        else read_object(members(results), LiveResult, body, f"{path}.results"),
    )


def _refusal(told: dict[str, Raw]) -> Refusal | None:
    success = told.get("success")
    if success is None:
        return Refusal(texts) if (texts := _texts(told)) and told.keys() <= set(_KEYS_OF_REFUSAL) else None
    refused = bytes(success).strip(b'"').lower() not in (b"true", b"1")
    return Refusal(_texts(told)) if refused else None


_KEYS_OF_REFUSAL = ("errors", "messages", "message", "error")
"""Where the texts stand, in the order in which clients look."""


def _texts(told: dict[str, Raw]) -> tuple[str, ...]:
    for key in _KEYS_OF_REFUSAL:
        value = untyped(told[key]) if key in told else None
        texts = value if is_array(value) else list(value.values()) if is_object(value) else [value]
        said = tuple(text[:MAX_TEXT] for text in texts[:MAX_TEXTS] if isinstance(text, str) and text)
        if said:
            return said
    return ()


def _entries(raw: Raw, body: bytes) -> list[Raw]:
    if _begins(raw, b"{"):
        # PHP writes an array as an object if its keys are not 0, 1, 2, ...; documents show one order for the list.
        told = members(raw)
        return list(told.values()) if all(key.isdigit() for key in told) else [raw]
    if not _begins(raw, b"["):
        raise undecodable("expected a list", body, "$.orders")
    return parse(raw, _LIST.decode)


_LIST = msgspec.json.Decoder(list[Raw])


def _number(told: dict[str, Raw], key: str, kind: type[float]) -> Any:
    """Return a number that is worth knowing, but no reason to refuse an answer."""
    try:
        return Reader().read(untyped(told[key]), kind | None) if key in told else None
    except UnreadableError:
        return None


def _begins(raw: Raw, token: bytes) -> bool:
    return bytes(raw).lstrip().startswith(token)
