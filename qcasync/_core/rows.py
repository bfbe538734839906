"""The rows of a window: which of them count, and what tells one from another."""

from collections.abc import Hashable, Sequence

import msgspec

from qcasync.models._base import Number
from qcasync.models.orders import Order, OrderPage
from qcasync.models.quarantine import Quarantined


def cut(page: OrderPage[Number], start: int, count: int) -> OrderPage[Number]:
    """The first `count` entries of a page, at their place in the list."""
    quarantined = tuple(entry for entry in page.quarantined if entry.index < count)
    orders = page.orders[: count - len(quarantined)]
    return msgspec.structs.replace(page, start=start, orders=orders, quarantined=quarantined)


def identity(rows: Sequence[Order[Number] | Quarantined], index: int) -> Hashable:
    """What makes an order itself, whatever happens to it; its bytes, if it cannot be decoded. None if there is none."""
    if index >= len(rows):
        return None
    row = rows[index]
    return (row.id, row.time, row.symbol.id) if isinstance(row, Order) else hash(row.raw)
