"""Pages in which one entry is odd, and trees that are changed at one node."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qcasync import DecodeError, OrderPage, decode_orders
from tests.bodies import FULL_ORDER
from tests.promises import outcome

Path = tuple[str | int, ...]
Mode = dict[str, bool]

MODES: dict[str, Mode] = {
    "float": {},
    "decimal": {"decimal": True},
    "lazy": {"lazy_events": True},
    "decimal-lazy": {"decimal": True, "lazy_events": True},
}
every_mode = pytest.mark.parametrize("mode", MODES.values(), ids=MODES)

REQUIRED = {"type", "id", "symbol", "time", "quantity", "status", "direction"}
REQUIRED_OF_EVENT = {"id", "algorithmId", "orderId", "orderEventId", "symbol", "time", "status", "direction"}


def write(tree: Any) -> bytes:
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()


def nodes(tree: Any, *path: str | int) -> Iterator[tuple[Path, Any]]:
    """Yield every node of a tree but its root, and the way to it."""
    for key, item in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield (*path, key), item
        yield from nodes(item, *path, key)


def changed(tree: Any, path: Path, change: Callable[[Any, Any], None]) -> Any:
    """Return a copy of a tree after a change to the container in which a node stands."""
    copy = inner = json.loads(write(tree))
    for key in path[:-1]:
        inner = inner[key]
    change(inner, path[-1])
    return copy


def put(value: Any) -> Callable[[Any, Any], None]:
    return lambda inner, key: inner.__setitem__(key, value)


def page_with(odd: bytes, mode: Mode) -> OrderPage[Any]:
    """Decode a page in which an odd entry stands between two clean ones, and see that it costs neither of them."""
    clean = decode_orders(write({"orders": [FULL_ORDER], "success": True}), **mode).orders
    first, _, last = write({"orders": [FULL_ORDER, "@", FULL_ORDER], "success": True}).partition(b'"@"')
    body = first + odd + last

    found = outcome(decode_orders, body, **mode)
    if isinstance(found, DecodeError) and "lazy_events" in mode:  # it came when the events of the odd one were used
        found = decode_orders(body, **mode)
    assert isinstance(found, OrderPage), found
    assert (found.count, found.orders[:1], found.orders[-1:]) == (3, clean, clean)
    assert [(entry.index, entry.raw) for entry in found.quarantined] in ([], [(1, odd)])
    return found
