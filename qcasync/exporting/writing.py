"""From the draft into the tables, in bounded memory: a stretch of orders at a time."""

import threading
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from qcasync._core.closed_trades import closed_trades
from qcasync.exporting.columns import Frame
from qcasync.exporting.draft import Draft
from qcasync.exporting.sinks import File
from qcasync.exporting.threads import StoppedError
from qcasync.models import tables
from qcasync.models.listings import Anomaly
from qcasync.models.orders import Order

ORDERS_AT_ONCE: Final = 1_024


@dataclass
class Output:
    """A table on its way into its file."""

    file: File
    frame: Frame


@dataclass
class _Stretch:
    """Orders in a row."""

    orders: list[Order] = field(default_factory=list[Order])
    indexes: list[int] = field(default_factory=list[int])
    seen: list[float] = field(default_factory=list[float])


def write_orders(draft: Draft, outputs: Mapping[str, Output]) -> Generator[int, None, None]:
    """Write the orders of a draft, and their events, where they are wanted. Yields how many are done, at times."""
    for stretch in _stretches(draft):
        if "orders" in outputs:
            output = outputs["orders"]
            output.file.write(output.frame.batch(tables.ORDERS.batch(stretch.orders), stretch.seen, stretch.indexes))
        if "order_events" in outputs:
            output = outputs["order_events"]
            rows = tables.ORDER_EVENTS.batch(stretch.orders)
            seen = [at for order, at in zip(stretch.orders, stretch.seen, strict=True) for _ in order.events]
            output.file.write(output.frame.batch(rows, seen))
        yield stretch.indexes[-1] + 1


def write_trades(draft: Draft, output: Output, seen: float, stop: threading.Event) -> tuple[Anomaly, ...]:
    """Write the trades that the orders of a draft closed. All their fills are in memory meanwhile.

    Returns:
        What makes the trades doubtful.

    Raises:
        StoppedError: The event is set.
    """
    found = closed_trades(_orders(draft, stop))
    for first in range(0, len(found), ORDERS_AT_ONCE):
        rows = tables.CLOSED_TRADES.batch(found[first : first + ORDERS_AT_ONCE])
        output.file.write(output.frame.batch(rows, seen))
    return found.anomalies


def _orders(draft: Draft, stop: threading.Event) -> Iterator[Order]:
    for part in draft.contents.parts:
        for sheet in draft.sheets(part):
            if stop.is_set():
                raise StoppedError
            yield from sheet.attributed(draft.contents.deployments)


def quarantine_of(draft: Draft) -> Iterator[tuple[int, str, bytes]]:
    """What could not be decoded: index, reason, and the entry as it came."""
    for part in draft.contents.parts:
        if part.quarantined:
            for sheet in draft.sheets(part):
                for entry in sheet.page.quarantined:
                    yield sheet.start + entry.index, entry.reason, entry.raw


def _stretches(draft: Draft) -> Generator[_Stretch, None, None]:
    stretch = _Stretch()
    for part in draft.contents.parts:
        for sheet in draft.sheets(part):
            sheet.attributed(draft.contents.deployments)
            for index, row in enumerate(sheet.page.rows(), sheet.start):
                if isinstance(row, Order):
                    stretch.orders.append(row)
                    stretch.indexes.append(index)
                    stretch.seen.append(sheet.observed_at)
            if len(stretch.orders) >= ORDERS_AT_ONCE:
                yield stretch
                stretch = _Stretch()
    if stretch.orders:
        yield stretch
