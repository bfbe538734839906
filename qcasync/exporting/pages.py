"""Pages of orders as lines of a draft, and back.

A line holds the orders as QuantConnect writes them, so that the library's own decoder reads them; beside them stand
what a listing has found out (which deployment each belongs to) and when they were read.
"""

import itertools
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from qcasync._core.bodies import decode_orders
from qcasync._core.deltas import TERMINAL
from qcasync.models.deployments import Deployment
from qcasync.models.enums import OpenEnum, camel
from qcasync.models.orders import Order, OrderPage
from qcasync.models.quarantine import Quarantined
from qcasync.models.tables._texts import whole

Mark = tuple[int, datetime, str]
"""What makes an order itself, whatever happens to it: its id, when it was created, its security."""


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A page that was read, as the draft keeps it.

    Attributes:
        page: Its rows; `page.start` is the index of the first one.
        numbers: The number of each row's deployment.
        asked_at: Unix time after which it was read.
        observed_at: Unix time before which it was read.
    """

    page: OrderPage
    numbers: tuple[int, ...]
    asked_at: float
    observed_at: float

    @property
    def start(self) -> int:
        """Index of the first row."""
        return self.page.start

    @property
    def end(self) -> int:
        """Index after the last row."""
        return self.page.start + self.page.count

    @property
    def is_settled(self) -> bool:
        """Whether all its orders have ended."""
        return all(order.status in TERMINAL for order in self.page.orders)

    def marks(self) -> list[Mark | None]:
        """What makes each row itself; None if it cannot be told."""
        return [_mark(row) for row in self.page.rows()]

    def attributed(self, deployments: Sequence[Deployment]) -> Sequence[Order]:
        """Its orders, each with its deployment, as far as that is known by now."""
        for row, number in zip(self.page.rows(), self.numbers, strict=True):
            if isinstance(row, Order) and 1 <= number <= len(deployments):  # freshly decoded, seen by nobody yet
                msgspec.structs.force_setattr(row, "deployment", deployments[number - 1])
        return self.page.orders


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    start: int
    asked_at: float
    observed_at: float
    runs: tuple[tuple[int, int], ...]
    """Pairs of a deployment's number, and of how many rows from there on are its."""
    quarantined: tuple[Quarantined, ...]
    body: msgspec.Raw


_LINES: Final = msgspec.json.Decoder(_Line)


def as_line(sheet: Sheet) -> bytes:
    """A sheet as a line of a draft, its end included."""
    line = _Line(
        start=sheet.start,
        asked_at=sheet.asked_at,
        observed_at=sheet.observed_at,
        runs=tuple((number, len(list(same))) for number, same in itertools.groupby(sheet.numbers)),
        quarantined=sheet.page.quarantined,
        body=msgspec.Raw(_body(sheet.page.orders)),
    )
    return msgspec.json.encode(line) + b"\n"


def from_line(line: bytes) -> Sheet:
    """What `as_line` wrote.

    Raises:
        ValueError: Somebody else wrote it.
    """
    read = _LINES.decode(line)
    page = decode_orders(bytes(read.body))
    numbers = tuple(number for number, count in read.runs for _ in range(count))
    if page.quarantined:
        raise ValueError("not the orders that were written")
    page = msgspec.structs.replace(page, start=read.start, quarantined=read.quarantined, quirks=())
    if len(numbers) != page.count:
        raise ValueError("not as many orders as were written")
    return Sheet(page=page, numbers=numbers, asked_at=read.asked_at, observed_at=read.observed_at)


def numbers_of(page: OrderPage) -> tuple[int, ...]:
    """The number of each row's deployment, as a listing has told it. A quarantined row goes with the one before."""
    told = (row.deployment.number if isinstance(row, Order) and row.deployment else None for row in page.rows())
    numbers: list[int] = []
    blind = 0
    for number in told:
        if number is None:
            blind += 1
            continue
        numbers += [numbers[-1] if numbers else number] * blind + [number]
        blind = 0
    return (*numbers, *[numbers[-1] if numbers else 1] * blind)


def page_of(rows: Sequence[Order | Quarantined], start: int) -> OrderPage:
    """Rows as the page that begins at `start`."""
    return OrderPage(
        orders=tuple(row for row in rows if isinstance(row, Order)),
        quarantined=tuple(
            msgspec.structs.replace(row, index=at) for at, row in enumerate(rows) if isinstance(row, Quarantined)
        ),
        start=start,
    )


def rest_of(sheet: Sheet, first: int) -> Sheet:
    """The rows of a sheet from an index on."""
    skipped = max(0, first - sheet.start)
    if not skipped:
        return sheet
    page = page_of(list(sheet.page.rows())[skipped:], first)
    return msgspec.structs.replace(sheet, page=page, numbers=sheet.numbers[skipped:])


def fits(known: Sequence[Mark | None], seen: Sequence[Mark | None]) -> bool:
    """Whether rows are the same orders as before. What cannot be told fits."""
    return len(known) == len(seen) and all(
        before is None or now is None or before == now for before, now in zip(known, seen, strict=True)
    )


def _mark(row: Order | Quarantined) -> Mark | None:
    if isinstance(row, Quarantined):
        return None
    return row.id, row.time, row.symbol.id


def _body(orders: Sequence[Order]) -> bytes:
    built: Any = msgspec.to_builtins(orders)  # dictionaries of whatever an order is made of
    for order, entry in zip(orders, built, strict=True):
        entry.pop("@deployment", None)
        for event, part in zip(order.events, entry["events"], strict=True):
            part["status"], part["direction"] = _text(event.status), _text(event.direction)
    body = {"orders": built, "success": True}
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:  # half a character, of which a file of UTF-8 knows nothing
        return whole(json.dumps(body, ensure_ascii=False)).encode()


def _text(member: OpenEnum) -> str:
    """Events write in text what orders write in numbers."""
    return camel(member.name) if member.is_known else str(member.value)
