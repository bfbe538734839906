"""What every decoded value promises, checked without the decoder: types as annotated, and sane values in them.

The annotations of the public classes are read here a second time, by `typing`, not by msgspec.
"""

import math
import pickle
import types
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from functools import cache, singledispatch
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from msgspec import Raw, Struct

import qcasync
from qcasync.models._columns import Columns

Check = Callable[[Any], bool]
PUBLIC = frozenset(value for value in vars(qcasync).values() if isinstance(value, type))

MAX_DEPTH = 64
"""How deep JSON may be nested that is handed on as it came: what is deeper may decode, and yet not pickle."""


@singledispatch
def touch(value: Struct) -> None:
    """Use everything in an answer that is lazy or computed. Events that were kept as JSON may raise a DecodeError."""
    raise NotImplementedError(type(value))


@touch.register
def _(page: qcasync.OrderPage) -> None:
    assert page.count == sum(1 for _ in page.rows())
    for order in page.orders:
        assert order.time_in_force.kind is not None
        assert order.deploy_id != ""
        _touch_events(order.events)


@touch.register
def _(chart: qcasync.Chart) -> None:
    for series in chart.series.values():
        prices = (series.open, series.high, series.low, series.close) if series.is_candles else (series.y,)
        assert {len(series.time)} == {len(price) for price in prices}
        assert all(0 <= place < len(series.time) for place in series.tooltips)
        assert series.dropped >= 0


@touch.register
def _(_: qcasync.Portfolio) -> None:
    """Nothing in it is lazy or computed."""


@touch.register
def _(page: qcasync.LogPage) -> None:
    assert page.count == len(page.lines)


@touch.register
def _(page: qcasync.InsightPage) -> None:
    assert page.count == len(page.insights) + len(page.quarantined)
    for insight in page.insights:
        assert insight.generated_time.tzinfo is insight.close_time.tzinfo is UTC
        assert (insight.created_time is None) == (insight.created_time_at is None)


@touch.register
def _(live: qcasync.LiveAlgorithm) -> None:
    result = live.results or qcasync.LiveResult()
    touch(qcasync.OrderPage(orders=tuple(result.orders.values())))
    _touch_events(result.order_events)
    for chart in (*live.charts.values(), *result.charts.values()):
        touch(chart)
    of_result = (result.statistics, result.runtime_statistics, result.server_statistics, result.state)
    for statistics in (live.runtime_statistics, live.server_statistics, live.deployment_details, *of_result):
        assert all(type(statistics.number(name)) in (float, type(None)) for name in statistics)


def _touch_events(events: tuple[qcasync.OrderEvent[Any], ...]) -> None:
    for event in events:
        assert event.time.tzinfo is UTC
        assert event.order_fee is None or event.order_fee.value.amount is event.order_fee_amount


def outcome(decode: Callable[..., Any], body: bytes, **options: bool) -> Any:
    """Return how decoding ends: a value that keeps every promise, or an error that can be shown and sent.

    Args:
        decode: A public function.
        body: What it decodes.
        options: For the function.
    """
    try:
        value = decode(body, **options)
        touch(value)
    except qcasync.QuantConnectError as error:
        _assert_presentable(error)
        return error
    examine(value, exact=options.get("decimal", False))
    return value


def _assert_presentable(error: qcasync.QuantConnectError) -> None:
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert len(getattr(error, "excerpt", "")) <= 200


def examine(value: Struct, *, exact: bool = False) -> None:
    """Let a value travel, and hold it against its annotations."""
    try:
        assert repr(value)
        assert pickle.loads(pickle.dumps(value)) == value
        assert_kept(value, exact=exact)
    except RecursionError:
        assert _longest_chain(value) > MAX_DEPTH  # decision 14


def _longest_chain(value: Any) -> int:
    """How many securities are written on each other, in any symbol of a value."""
    longest, found = 0, [(value, 0)]
    while found:
        part, length = found.pop()
        longest = max(longest, length)
        if isinstance(part, Struct):
            chain = length + 1 if isinstance(part, qcasync.Symbol) else 0
            found += [(getattr(part, name), chain) for name in type(part).__struct_fields__]
        elif isinstance(part, dict | tuple):
            found += [(inner, 0) for inner in (part.values() if isinstance(part, dict) else part)]
    return longest


def assert_kept(value: Struct, *, exact: bool = False) -> None:
    """Assert that a model, and everything in it, is what its annotations promise.

    Args:
        value: An instance of a public model.
        exact: Whether its prices were asked for as decimals.
    """
    assert type(value) in PUBLIC, f"of the class {type(value)!r}"
    number: type = Decimal if exact and _is_generic(type(value)) else float
    for name, check in _checks(type(value), number):
        held = getattr(value, name)
        assert check(held), f"{type(value).__name__}.{name} is {held!r:.200}"


def _is_generic(model: type) -> bool:
    return bool(getattr(model, "__parameters__", ()))


@cache
def _checks(model: type, number: type) -> tuple[tuple[str, Check], ...]:
    hints = get_type_hints(model, include_extras=True)
    return tuple((name, _check(hint, number)) for name, hint in hints.items() if not name.startswith("__"))


def _check(hint: Any, number: type) -> Check:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _check(arguments[0], number)
    if isinstance(hint, TypeVar):
        return _check(number, number)
    if origin in (Union, types.UnionType, tuple, Mapping, dict):
        return _check_parts(origin, arguments, number)
    if hint is qcasync.Statistics:
        return lambda value: type(value) is hint and all(map(_is_text, (*value, *value.values())))
    if isinstance(origin or hint, type) and issubclass(origin or hint, Struct):
        return lambda value: type(value) is (origin or hint) and assert_kept(value, exact=number is Decimal) is None
    if isinstance(hint, type) and issubclass(hint, Enum):
        vocabulary = getattr(qcasync, hint.__name__.removesuffix("Text"))  # events have the members of the vocabulary
        return lambda value: type(value) is vocabulary and (value in vocabulary or not value.is_known)
    return _PLAIN[hint]


def _check_parts(origin: Any, arguments: tuple[Any, ...], number: type) -> Check:
    if origin is tuple:
        item = _check(arguments[0], number)
        return lambda value: type(value) is tuple and all(map(item, value))
    if origin in (Mapping, dict):
        item = _check(arguments[1], number)
        return lambda value: type(value) is dict and all(map(_is_text, value)) and all(map(item, value.values()))
    if list in map(get_origin, arguments):
        return _is_json
    options = [_check(argument, number) for argument in arguments]
    return lambda value: any(option(value) for option in options)


def _is_text(value: Any) -> bool:
    """Text that can be printed and stored: no lone surrogate."""
    if type(value) is not str:
        return False
    value.encode()
    return True


def _is_json(value: Any, room: int = MAX_DEPTH) -> bool:
    if type(value) not in (dict, list):
        return type(value) in (str, int, float, bool, type(None))
    parts = (*value, *value.values()) if type(value) is dict else value
    return room > 0 and all(_is_json(part, room - 1) for part in parts)


_PLAIN: dict[Any, Check] = {
    Any: _is_json,
    Raw: lambda value: type(value) in (Raw, Columns),
    bool: lambda value: type(value) is bool,
    bytes: lambda value: type(value) is bytes,
    Decimal: lambda value: type(value) is Decimal and value.is_finite(),
    datetime: lambda value: type(value) is datetime and value.tzinfo is UTC,
    float: lambda value: type(value) is float and math.isfinite(value),
    int: lambda value: type(value) is int and -(2**63) <= value < 2**63,
    str: _is_text,
    type(None): lambda value: value is None,
}
