"""Answers that somebody kept, decoded without a client. The client decodes with the same readers.

Each function takes the complete body of an answer, decompressed, and does no I/O. Besides `DecodeError`, a body raises
what it would raise in a client: `NotReady` if the server was still preparing the data, `APIError` and its kinds if it
refused, `ServerError` if it is a page of HTML.
"""

from decimal import Decimal
from functools import partial
from typing import Any, Final, Literal, TypeVar, overload

from qcasync._core.decoding import Loading, read_orders
from qcasync._core.endpoints import (
    READ_LIVE_ALGORITHM,
    READ_LIVE_CHART,
    READ_LIVE_ORDERS,
    READ_LIVE_PORTFOLIO,
    Endpoint,
)
from qcasync._core.rejections import Rejected
from qcasync._core.responses import interpret
from qcasync.errors import NotReady
from qcasync.models.charts import Chart
from qcasync.models.live import LiveAlgorithm
from qcasync.models.orders import OrderPage
from qcasync.models.portfolio import Portfolio

T = TypeVar("T")

_ORDERS: Final[dict[tuple[bool, bool], Endpoint[OrderPage[Any]]]] = {
    (False, False): READ_LIVE_ORDERS,
    (True, False): READ_LIVE_ORDERS.exactly(),
    (False, True): READ_LIVE_ORDERS.reading(partial(read_orders, lazy=True)),
    (True, True): READ_LIVE_ORDERS.reading(partial(read_orders, number=Decimal, lazy=True)),
}
"""By whether numbers are decimals, and whether events are lazy."""
_PORTFOLIO: Final[dict[bool, Endpoint[Portfolio[Any]]]] = {
    False: READ_LIVE_PORTFOLIO,
    True: READ_LIVE_PORTFOLIO.exactly(),
}


@overload
def decode_orders(body: bytes, *, decimal: Literal[False] = False, lazy_events: bool = False) -> OrderPage: ...
@overload
def decode_orders(body: bytes, *, decimal: Literal[True], lazy_events: bool = False) -> OrderPage[Decimal]: ...
def decode_orders(body: bytes, *, decimal: bool = False, lazy_events: bool = False) -> OrderPage[Any]:
    """Decode an answer of live/orders/read: one window of a project's orders.

    Args:
        body: The answer.
        decimal: Prices, quantities and values as exact `Decimal` instead of float. It takes two to three times as long.
        lazy_events: Keep the events of each order as JSON until they are used for the first time, which saves a quarter
            of the time where nobody looks at them. Until then an order keeps the whole body in memory, what is wrong
            with its events is raised as `DecodeError` when they are used, and `msgspec.structs.asdict` shows JSON.

    Returns:
        The orders. What cannot be decoded is in `quarantined`, what had to be put right in `quirks`.

    Raises:
        DecodeError: It is no such answer.
    """
    return _decode(_ORDERS[decimal, lazy_events], body)


def decode_live(body: bytes) -> LiveAlgorithm:
    """Decode an answer of live/read, in today's flat form or in the documented one.

    The bytes tell which: today's answer has no `results`; the documented one has little else. Its charts stay
    undecoded until they are used (`Series`).

    Args:
        body: The answer.

    Raises:
        DecodeError: It is no such answer.
    """
    return _decode(READ_LIVE_ALGORITHM, body)


def decode_chart(body: bytes) -> Chart:
    """Decode an answer of live/chart/read. Its series stay undecoded until they are used.

    Args:
        body: The answer.

    Raises:
        DecodeError: It is no such answer.
    """
    return _decode(READ_LIVE_CHART, body)


@overload
def decode_portfolio(body: bytes, *, decimal: Literal[False] = False) -> Portfolio: ...
@overload
def decode_portfolio(body: bytes, *, decimal: Literal[True]) -> Portfolio[Decimal]: ...
def decode_portfolio(body: bytes, *, decimal: bool = False) -> Portfolio[Any]:
    """Decode an answer of live/portfolio/read.

    Args:
        body: The answer.
        decimal: Prices, quantities and amounts as exact `Decimal` instead of float.

    Raises:
        DecodeError: It is no such answer.
    """
    return _decode(_PORTFOLIO[decimal], body)


def _decode(endpoint: Endpoint[T], body: bytes) -> T:
    answer = interpret(endpoint, 200, {}, body, 0.0)
    if isinstance(answer, Rejected):
        raise answer.error
    if isinstance(answer, Loading):
        raise NotReady(endpoint.path, answer.progress, 0.0)
    return answer.value
