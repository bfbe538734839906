"""What stands for an order, an event, or a name where only a few bytes are kept: whether two are the same, no more."""

import hashlib
from typing import Final

import msgspec

from qcasync.models.order_events import OrderEvent
from qcasync.models.orders import Order

DIGEST_BYTES: Final = 8
NAME_BYTES: Final = 4
"""Bytes of an event's digest that stand for its id, within its order; the others stand for what it says."""
EVENT_BYTES: Final = NAME_BYTES + DIGEST_BYTES
MAX_NAME: Final = 100
"""Characters of a server's name that becomes part of a key."""

Digest = bytes


def digest_of(content: bytes) -> Digest:
    """Of anything."""
    return hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest()


def _form() -> str:
    """Names the fields that digests are made of."""
    names = " ".join(name for kind in (Order, OrderEvent) for name in kind.__struct_encode_fields__)
    return digest_of(names.encode()).hex()


FORM: Final = _form()
"""How this release digests: another release may know more fields, and its digests tell nothing to this one."""


def identity(order: Order) -> Digest:
    """What makes an order itself, whatever happens to it."""
    created = order.created_time or order.time
    return digest_of(f"{order.id} {created.isoformat()} {order.symbol.id}".encode())


def digest(order: Order) -> Digest:
    """Of everything but the events, and but what a listing added."""
    return digest_of(msgspec.json.encode(msgspec.structs.replace(order, events=(), deployment=None)))


def event_digest(event: OrderEvent) -> Digest:
    """Of an event: of its id, and of everything."""
    return digest_of(event.id.encode())[:NAME_BYTES] + digest_of(msgspec.json.encode(event))


def plain(name: str) -> str:
    """A server's name for something, as part of a key: itself if it is short and printable, else what stands for it."""
    if 0 < len(name) <= MAX_NAME and name.isascii() and name.isprintable():
        return name
    return digest_of(name.encode("utf-8", "surrogatepass")).hex()
