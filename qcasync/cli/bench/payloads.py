"""Payloads: seeded ones, or a file of the user's own. What an answer is, its content tells."""

import enum
import gzip
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Raw

import qcasync
from qcasync.simulator.bodies import LiveRecipe, LiveSize, chart, deployments, live_results, orders_window, portfolio

_GZIP: Final = b"\x1f\x8b"
_DEPLOYMENTS: Final = 1_000
_SMALL: Final = 5
_SMALL_RESULT: Final = LiveRecipe(holdings=2, orders=4, events=9, closed=2, charts=2, points=20)


class Kind(enum.StrEnum):
    """The answers that can be measured, each by its operation."""

    ORDERS = "live/orders/read"
    LIVE = "live/read"
    CHART = "live/chart/read"
    PORTFOLIO = "live/portfolio/read"
    DEPLOYMENTS = "live/list"


class Seeded(enum.StrEnum):
    """The seeded payloads."""

    ORDERS = "orders"
    PASCAL = "orders-pascal"
    BROKEN = "orders-broken"
    QUIRKY = "orders-quirky"
    LIVE_1 = "live-1mb"
    LIVE_6 = "live-6mb"
    LIVE_26 = "live-26mb"
    DEPLOYMENTS = "deployments"


VARIANTS: Final = frozenset({Seeded.PASCAL, Seeded.BROKEN, Seeded.QUIRKY})
"""The payloads that show what one difficulty costs, against `Seeded.ORDERS`."""


@dataclass(frozen=True, kw_only=True)
class Payload:
    """An answer to decode.

    Attributes:
        name: What it is called.
        kind: What it is.
        body: Its bytes, not compressed.
        orders: How many orders it holds; None where that is not what it is about.
        source: Which of the seeded ones it is; None for a user's own.
    """

    name: str
    kind: Kind
    body: bytes
    orders: int | None = None
    source: Seeded | None = None


def seeded(name: Seeded, *, small: bool = False) -> Payload:
    """Make a seeded payload; always the same.

    Args:
        name: Which.
        small: A few entries instead of many, to see that something works.
    """
    kind, make = _SEEDED[name]
    orders = None if kind is not Kind.ORDERS else _SMALL if small else 100
    return Payload(name=name, kind=kind, body=make(small), orders=orders, source=name)


def warm_up(payload: Payload) -> bytes:
    """Return a small body that is decoded in the same way as a payload."""
    if payload.source is not None:
        return seeded(payload.source, small=True).body
    return _LIKE[payload.kind]()


def from_file(path: Path) -> Payload:
    """Read an answer from a file, which may be compressed with gzip.

    Raises:
        ConfigurationError: It holds no answer that can be measured.
        DecodeError: It does, but that cannot be decoded.
    """
    body = path.read_bytes()
    if body.startswith(_GZIP):
        try:
            body = gzip.decompress(body)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise qcasync.ConfigurationError(
                f"{path} is damaged: {error}.", "Compress it again, or not at all."
            ) from None
    kind = recognize(body)
    if kind is None:
        raise qcasync.ConfigurationError(
            f"{path} is none of the answers that can be measured.",
            f"Save the body of {', '.join(list(Kind)[:-1])} or {list(Kind)[-1]} as it came, envelope included.",
        )
    orders = qcasync.decode_orders(body).count if kind is Kind.ORDERS else None
    return Payload(name=path.name, kind=kind, body=body, orders=orders)


def recognize(body: bytes) -> Kind | None:
    """Tell what an answer is; None if it is nothing that can be measured."""
    try:
        members = _OBJECT.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    keys = {key.lower() for key in members}
    return next((kind for key, kind in _TELLING if key in keys), None)


_OBJECT: Final = msgspec.json.Decoder(dict[str, Raw])

_TELLING: Final = (
    ("orders", Kind.ORDERS),
    ("portfolio", Kind.PORTFOLIO),
    ("chart", Kind.CHART),
    ("liveresults", Kind.LIVE),
    ("deployid", Kind.LIVE),
    ("live", Kind.DEPLOYMENTS),
    ("algorithms", Kind.DEPLOYMENTS),
)
"""The key that tells what an answer is. The first that is there counts."""


def _window(small: bool) -> bytes:
    return orders_window(orders=_SMALL if small else 100)


def _pascal(small: bool) -> bytes:
    return orders_window(orders=_SMALL if small else 100, spelling="pascal")


def _broken(small: bool) -> bytes:
    """A page with one order that nobody can read: its quantity is no number."""
    return _changed(_window(small), {0.5: {"quantity": "many"}})


def _quirky(small: bool) -> bytes:
    """A page with three orders that only a patient reader can read: text for numbers, numbers for text and truth."""
    quirks: dict[float, dict[str, Any]] = {0.2: {"quantity": "71.0"}, 0.5: {"brokerId": [51]}, 0.8: {"isMarketable": 1}}
    return _changed(_window(small), quirks)


def _changed(body: bytes, changes: Mapping[float, Mapping[str, Any]]) -> bytes:
    answer = msgspec.json.decode(body)
    orders = answer["orders"]
    for place, change in changes.items():
        orders[int(place * len(orders))] |= change
    return msgspec.json.encode(answer)


def _live(size: LiveSize) -> Callable[[bool], bytes]:
    return lambda small: live_results(size=_SMALL_RESULT if small else size)


def _deployments(small: bool) -> bytes:
    return deployments(deployments=_SMALL if small else _DEPLOYMENTS)


_SEEDED: Final[Mapping[Seeded, tuple[Kind, Callable[[bool], bytes]]]] = {
    Seeded.ORDERS: (Kind.ORDERS, _window),
    Seeded.PASCAL: (Kind.ORDERS, _pascal),
    Seeded.BROKEN: (Kind.ORDERS, _broken),
    Seeded.QUIRKY: (Kind.ORDERS, _quirky),
    Seeded.LIVE_1: (Kind.LIVE, _live("1 MB")),
    Seeded.LIVE_6: (Kind.LIVE, _live("6 MB")),
    Seeded.LIVE_26: (Kind.LIVE, _live("26 MB")),
    Seeded.DEPLOYMENTS: (Kind.DEPLOYMENTS, _deployments),
}

_LIKE: Final[Mapping[Kind, Callable[[], bytes]]] = {
    Kind.ORDERS: lambda: _window(small=True),
    Kind.LIVE: lambda: _live("1 MB")(True),
    Kind.CHART: lambda: chart(points=20),
    Kind.PORTFOLIO: lambda: portfolio(holdings=2),
    Kind.DEPLOYMENTS: lambda: _deployments(small=True),
}
