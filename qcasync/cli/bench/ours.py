"""What qcasync does with a payload, through the functions that its users call."""

from collections.abc import Callable, Iterator
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

import msgspec

import qcasync
from qcasync._core.decoding import read_live_list
from qcasync.models._json import is_array, is_object
from qcasync.models._points import read as read_points
from qcasync.models._tables import Engine

Decode = Callable[[], object]
"""Decodes a payload, and returns what came of it."""

_summary: Final = attrgetter("status", "quantity", "price")
_time: Final = attrgetter("time")


def orders(body: bytes) -> Decode:
    """Every field of every order."""
    return lambda: qcasync.decode_orders(body)


def summaries(body: bytes) -> Decode:
    """A look at status, quantity and price of every order, and none at events."""

    def decode() -> object:
        page = qcasync.decode_orders(body, lazy_events=True)
        for order in page.orders:
            _summary(order)
        return page

    return decode


def exact_orders(body: bytes) -> Decode:
    """Every field of every order, with exact decimals."""
    return lambda: qcasync.decode_orders(body, decimal=True)


def live(body: bytes) -> Decode:
    """A live algorithm with its result; nobody looks at the charts."""
    return lambda: qcasync.decode_live(body)


def live_columns(body: bytes) -> Decode:
    """A live algorithm with its result, and every series of every chart as columns."""

    def decode() -> object:
        algorithm = qcasync.decode_live(body)
        for series in _series(algorithm):
            _time(series)
        return algorithm

    return decode


def live_columns_bare(body: bytes) -> Decode:
    """The same as if neither NumPy nor pysimdjson were installed."""

    def decode() -> object:
        algorithm = qcasync.decode_live(body)
        return algorithm, [_bare(series) for series in _series(algorithm)]

    return decode


def chart(body: bytes) -> Decode:
    """A chart that nobody looks at."""
    return lambda: qcasync.decode_chart(body)


def chart_columns(body: bytes) -> Decode:
    """A chart with every series as columns."""

    def decode() -> object:
        found = qcasync.decode_chart(body)
        for series in found.series.values():
            _time(series)
        return found

    return decode


def chart_columns_bare(body: bytes) -> Decode:
    """The same as if neither NumPy nor pysimdjson were installed."""

    def decode() -> object:
        found = qcasync.decode_chart(body)
        return found, [_bare(series) for series in found.series.values()]

    return decode


def portfolio(body: bytes) -> Decode:
    """Holdings and cash."""
    return lambda: qcasync.decode_portfolio(body)


def exact_portfolio(body: bytes) -> Decode:
    """Holdings and cash, with exact decimals."""
    return lambda: qcasync.decode_portfolio(body, decimal=True)


def deployments(body: bytes) -> Decode:
    """Every field of every deployment."""
    return lambda: read_live_list(body)


def orders_without_text(body: bytes) -> Decode:
    """The same orders from msgpack: their objects are built, but no text is read. Nothing typed can be faster.

    The keys are those that the payload has, so nothing is there that the JSON did not tell.
    """
    told = msgspec.json.decode(body)
    typed = msgspec.to_builtins(qcasync.decode_orders(body), builtin_types=(datetime,))
    packed = msgspec.msgpack.encode({"orders": _as_told(typed["orders"], told["orders"]), "length": typed["length"]})
    decoder = msgspec.msgpack.Decoder(qcasync.OrderPage)
    return lambda: decoder.decode(packed)


def _series(algorithm: qcasync.LiveAlgorithm) -> Iterator[qcasync.Series]:
    charts = algorithm.charts if algorithm.results is None else algorithm.results.charts
    for one in charts.values():
        yield from one.series.values()


def _bare(series: qcasync.Series) -> object:
    candles = series.series_type is qcasync.SeriesType.CANDLE
    return read_points(bytes(series.values), candles=candles, engine=Engine())


def _as_told(typed: Any, told: Any) -> Any:
    """Return what the server told, but times as times."""
    if is_array(told) and is_array(typed):
        return [_as_told(*pair) for pair in zip(typed, told, strict=True)]
    if is_object(told) and is_object(typed):
        return {key: _as_told(typed.get(key), value) for key, value in told.items()}
    return typed if isinstance(typed, datetime) else told
