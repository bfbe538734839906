"""Pages of orders: in a single pass where that is possible, entry by entry where it is not."""

from collections.abc import Callable, Sequence
from datetime import UTC
from decimal import Decimal
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Any, Final, Generic, NamedTuple, TypeVar

from msgspec import Raw, Struct, field

from qcasync._core.exactness import all_finite
from qcasync._core.lazy_orders import LazyOrder
from qcasync._core.scalars import UnreadableError
from qcasync._core.screening import unquote_numbers
from qcasync._core.settling import MODELS, settle_orders
from qcasync._core.spelling import Form, Spelling, camel, kebab, parametrized, pascal, respelled
from qcasync._core.tolerance import Reader
from qcasync._core.wire import OLD, REFUSED, decoder, untyped
from qcasync.errors import DecodeError
from qcasync.models._base import Int64, UtcDatetime
from qcasync.models.order_events import OrderEvent
from qcasync.models.orders import GroupOrderManager, Order, OrderPage, OrderSubmissionData
from qcasync.models.quarantine import MAX_RAW, Quarantined
from qcasync.models.symbols import Symbol

T = TypeVar("T")

_HEAD: Final = 1024
"""Where the keys of the first order tell the spelling."""

_events: Final = attrgetter("events")
_trailing: Final = attrgetter("trailing_amount")
_submitted: Final = attrgetter("order_submission_data")
_group: Final = attrgetter("group_order_manager")


class Wish(NamedTuple):
    """What is wanted of orders.

    Attributes:
        number: The type of prices and quantities: float or Decimal.
        lazy: Whether events may wait until somebody looks at them.
    """

    number: type[float] | type[Decimal] = float
    lazy: bool = False

    @property
    def kind(self) -> Any:
        """The type of an order."""
        return Order if self.number is float else Order[Decimal]


class Style(NamedTuple):
    """How orders are written.

    Attributes:
        old: In PascalCase.
        events: The key of the events.
        kebab: Events in kebab-case.
        late: An order may have a time of creation only.
    """

    old: bool = False
    events: str = "events"
    kebab: bool = False
    late: bool = False

    @classmethod
    def guess(cls, json: bytes) -> "Style":
        """Guess from its head how a page is written. For today's spelling that takes no time."""
        if b'"Symbol"' not in json[:_HEAD]:
            return TODAY
        # Searching backwards, CPython looks for the rarer characters: it is four times as fast.
        key = "Events" if json.rfind(b'"Events"') >= 0 else "events"
        return cls(old=True, events=key, kebab=json.rfind(b'"order-id"') >= 0)

    @classmethod
    def of(cls, json: bytes) -> "Style":
        """Find out from all of it how an order, or a page of them, is written."""
        guess = cls.guess(json)
        late = json.rfind(b'"Time":null' if guess.old else b'"time":null') >= 0
        return guess._replace(kebab=json.rfind(b'"order-id"') >= 0, late=late)

    @property
    def quirks(self) -> tuple[str, ...]:
        """What the strict decoder puts right by itself, and should be told."""
        return ("time: not told; createdTime instead",) if self.late else ()

    def lost(self, json: bytes) -> bool:
        """Tell whether events stand under the key of the other spelling, which a strict decoder skips."""
        other = b'"Events"' if self.events == "events" else b'"events"'
        return json.rfind(other) >= 0


TODAY: Final = Style()


class OrdersBody(Struct, Generic[T]):
    """What an answer of live/orders/read has if it has orders."""

    orders: T | None = None
    length: Int64 | None = None
    success: bool | None = None


def read_page(body: bytes, wish: Wish) -> OrderPage[Any] | None:
    """Read a page of orders that needs no repair, in one pass.

    Returns:
        None if it has to be taken apart.
    """
    guess = style = Style.guess(body)
    try:
        answer = _page_decoder(guess, wish)(body)
    except REFUSED:
        style = Style.of(body)
        if style == guess:
            return None
        try:
            answer = _page_decoder(style, wish)(body)
        except REFUSED:
            return None
    if answer.orders is None or answer.success is not True:
        return None
    orders = _finished(answer.orders, style, wish, body)
    return None if orders is None else OrderPage(orders=orders, length=answer.length, quirks=style.quirks)


def read_entries(entries: Sequence[Raw], body: bytes, reader: Reader, wish: Wish) -> OrderPage[Any]:
    """Read the entries of a page that did not decode in one pass, each for itself: what is broken costs no other.

    Args:
        entries: The entries.
        body: All of the page.
        reader: Told what had to be put right.
        wish: What is wanted.
    """
    paths = [f"$.orders[{index}]" for index in range(len(entries))]
    orders, quarantined = read_each(entries, paths, body, reader, wish)
    return OrderPage(orders=orders, quarantined=quarantined, quirks=reader.quirks)


def read_each(
    entries: Sequence[Raw], paths: Sequence[str], json: bytes, reader: Reader, wish: Wish
) -> tuple[tuple[Order[Any], ...], tuple[Quarantined, ...]]:
    """Read orders each for itself, and quarantine what is none.

    Args:
        entries: The orders.
        paths: Where each stands.
        json: What they are entries of.
        reader: Told what had to be put right.
        wish: What is wanted.
    """
    found = _each_strictly(entries, Style.of(json), wish, json, reader)
    orders: list[Order[Any]] = []
    quarantined: list[Quarantined] = []
    for index, (order, entry, path) in enumerate(zip(found, entries, paths, strict=True)):
        try:
            orders.append(order or _read_order(entry, reader, path, wish))
        except (DecodeError, UnreadableError) as error:
            quarantined.append(quarantine(index, entry, error))
    return tuple(orders), tuple(quarantined)


def quarantine(index: int, entry: Raw, error: DecodeError | UnreadableError) -> Quarantined:
    """Keep an entry that could not be decoded, with the reason."""
    reason = f"{error.reason} at {error.path}" if error.path else error.reason
    return Quarantined(index=index, reason=reason, raw=unquote_numbers(bytes(entry))[:MAX_RAW])


def _read_order(raw: Raw, reader: Reader, path: str, wish: Wish) -> Order[Any]:
    json = bytes(raw)
    (found,) = _each_strictly([raw], Style.of(json), wish, json, reader)
    order: Order[Any] = found or reader.read(untyped(raw, exact=wish.number is not float), wish.kind, path)
    return order


def _each_strictly(
    entries: Sequence[Raw], style: Style, wish: Wish, json: bytes, reader: Reader
) -> Sequence[Order[Any] | None]:
    """Decode entries that are written in one style; None for what is not, or for all if something would be lost."""
    decode = _order_decoder(style, wish)
    found: list[Order[Any] | None] = []
    for entry in entries:
        try:
            found.append(decode(entry))
        except REFUSED:
            found.append(None)
    strict = tuple(order for order in found if order is not None)
    if _finished(strict, style, wish, json) is None:
        return [None] * len(found)
    for quirk in style.quirks if strict else ():
        reader.note("", quirk)
    return found


def _finished(orders: tuple[Order[Any], ...], style: Style, wish: Wish, json: bytes) -> tuple[Order[Any], ...] | None:
    """Make models of what a strict decoder found.

    Returns:
        None if it skipped something, or took for a date or a number what is none.
    """
    if (not all(map(_events, orders)) and style.lost(json)) or not are_whole(orders, json):
        return None
    if wish.lazy and style == TODAY and wish.number is float:
        for order in orders:
            order.__class__ = LazyOrder
    elif style != TODAY or wish != Wish():
        if style.late and not all(list(map(_told_when, orders))):
            return None
        settle_orders(orders, LazyOrder if wish.lazy else Order)
    return orders if wish.number is float or _is_exact(orders) else None


def are_whole(orders: Sequence[Order[Any]], json: bytes) -> bool:
    """Tell whether the dates of orders are in UTC, and whether nothing stands under the documents' name for a field."""
    if orders and not _tells_utc(orders[0]):  # a serializer writes all dates alike
        return False
    amounts = list(map(_trailing, orders))
    trailing = amounts.count(None) < len(amounts)
    return not (trailing and any(map(_is_undecided, orders)) and json.rfind(b"railingPercentage") >= 0)


def _is_undecided(order: Order[Any]) -> bool:
    return order.trailing_amount is not None and order.trailing_as_percentage is None


def _is_exact(orders: tuple[Order[Any], ...]) -> bool:
    events = chain.from_iterable(order.events for order in orders if type(order) is Order)
    return (
        all_finite(orders, Order)
        and all_finite(events, OrderEvent)
        and all_finite(filter(None, map(_submitted, orders)), OrderSubmissionData)
        and all_finite(filter(None, map(_group, orders)), GroupOrderManager)
    )


def _tells_utc(order: Order[Any]) -> bool:
    """Tell whether the dates of an order are in UTC, and none is .NET's "never"."""
    moments = (order.time, order.created_time, order.last_fill_time, order.last_update_time, order.canceled_time)
    return all(moment is None or (moment.tzinfo is UTC and moment.year > 1) for moment in moments)


def _told_when(order: Any) -> bool:
    """Give an order without a time that of its creation; tell whether it has one."""
    if order.time is None:
        order.time = order.created_time
    return order.time is not None


@cache
def _page_decoder(style: Style, wish: Wish) -> Callable[[bytes], OrdersBody[tuple[Order[Any], ...]]]:
    return decoder(parametrized(OrdersBody, parametrized(tuple, _wire(style, wish), ...)))


@cache
def _order_decoder(style: Style, wish: Wish) -> Callable[[bytes | Raw], Order[Any]]:
    return decoder(_wire(style, wish))


def _wire(style: Style, wish: Wish) -> Any:
    if style == TODAY and wish == Wish():
        return Order
    today = style == TODAY and wish.number is float
    spelling = _pascal_but(style.events) if style.old else camel
    forms: dict[str, Form] = {}
    if style.late:
        forms["time"] = Form(spelling("time"), UtcDatetime | None)
    if wish.lazy:
        forms["events"] = Form(style.events, Raw, field(default=Raw(b"")))
    return respelled(
        wish.kind,
        spelling,
        exceptions={**(OLD if style.old else {}), OrderEvent: kebab if style.kebab else camel},
        forms={Order: forms},
        replacements=_AS_THEY_ARE if today else {tuple[str, ...]: tuple[str | int, ...]},
        unsettled=MODELS,
    )


def _pascal_but(events: str) -> Spelling:
    return lambda key: events if key == "events" else pascal(key)


_AS_THEY_ARE: Final = {model: model for model in (Symbol, OrderSubmissionData, GroupOrderManager)}
"""Models inside an order that today's spelling needs no other type for."""
