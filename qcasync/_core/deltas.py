"""What became different about an order between what is remembered and what was read.

What is remembered is small: digests tell whether two versions are the same, never what they were. Nothing is concluded
from absence, and nothing from an answer that is older than one that was read before: replicas lag behind each other.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from qcasync.models.changes import Change, OrderAdded, OrderChanged, OrderEventAdded, OrderEventAmended
from qcasync.models.enums import OrderStatus
from qcasync.models.order_events import OrderEvent
from qcasync.models.orders import Order

DIGEST_BYTES: Final = 8
MAX_SEEN: Final = 64
"""Former versions of an order that are remembered: what becomes again what it was is told under a key of its own."""
SETTLED: Final = 1200.0
"""Seconds after which even a replica that lags behind shows what another one has shown, or something newer."""
TERMINAL: Final = frozenset({OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.INVALID})

Digest = bytes


class OrderRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of an order.

    Attributes:
        deployment: Its deployment's number.
        order_id: Its number within the deployment.
        index: Its place in the project's list when it was last seen.
        identity: What makes it itself, whatever happens to it.
        digest: Of everything but the events.
        events: A digest for each event.
        seen: Digests of former versions, of the order and of its events.
        updated_at: When it was last updated, as it says; Unix seconds, 0 if it does not.
        since: When this version was first seen, in the server's Unix seconds.
        is_open: Whether something may still happen to it.
    """

    deployment: int
    order_id: int
    index: int
    identity: Digest
    digest: Digest
    events: tuple[Digest, ...] = ()
    seen: tuple[Digest, ...] = ()
    updated_at: float = 0.0
    since: float = 0.0
    is_open: bool = True

    @property
    def key(self) -> tuple[int, int]:
        """What an order is known by within its project."""
        return self.deployment, self.order_id


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """An order as an answer shows it, at a place that is certain.

    Attributes:
        project_id: The project.
        deployment: The deployment's number.
        deploy_id: The deployment, if it is known.
        index: The place in the project's list.
        order: The order.
        observed_at: When the answer was written, in UTC.
    """

    project_id: int
    deployment: int
    deploy_id: str | None
    index: int
    order: Order
    observed_at: datetime

    @property
    def key(self) -> tuple[int, int]:
        """What the order is known by within its project."""
        return self.deployment, self.order.id


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a sighting.

    Attributes:
        record: What to remember; None if that is what is remembered already.
        changes: What to tell, in order.
        stale: Whether the answer showed an older version.
    """

    record: OrderRecord | None = None
    changes: tuple[Change, ...] = ()
    stale: bool = False


_SAME: Final = Merged()
_STALE: Final = Merged(stale=True)


def _form() -> str:
    """Names the fields that digests are made of."""
    names = " ".join(name for kind in (Order, OrderEvent) for name in kind.__struct_encode_fields__)
    return hashlib.blake2b(names.encode(), digest_size=DIGEST_BYTES).hexdigest()


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
    """Of an event."""
    return digest_of(msgspec.json.encode(event))


def merge(known: OrderRecord | None, sighting: Sighting, *, quiet: bool = False) -> Merged:
    """Compare an order with what is remembered of it.

    Args:
        known: What is remembered; None if it was never seen.
        sighting: What an answer shows.
        quiet: Remember other versions of what is known without telling: another release of this library may digest
            them differently.
    """
    order = sighting.order
    events = tuple(event_digest(event) for event in order.events)
    fields = digest(order)
    if known is None:
        return _added(sighting, fields, events)
    if (fields, events) == (known.digest, known.events):
        return _moved(known, sighting.index)
    if is_stale(known, sighting, quiet=quiet):
        return _STALE
    changes: list[Change] = (
        [] if quiet else [_amended(known, sighting, at, events[at]) for at in _differing(known, events)]
    )
    changes += [_event(sighting, at) for at in range(len(known.events), len(events))]
    if fields != known.digest and not quiet:
        changes.append(_changed(known, sighting, fields))
    return _adopt(known, sighting, fields, events, changes)


def is_stale(known: OrderRecord, sighting: Sighting, *, quiet: bool = False) -> bool:
    """Whether another version than the one that is remembered may be an older one.

    Events are only ever added. Where neither they nor the order's own times tell which version came first, the one that
    is remembered is believed for as long as a replica may lag behind the one that showed it.
    """
    order = sighting.order
    if len(order.events) != len(known.events) or quiet:
        return len(order.events) < len(known.events)
    updated_at = _updated_at(order)
    if updated_at != known.updated_at:
        return updated_at < known.updated_at
    return sighting.observed_at.timestamp() <= known.since + SETTLED


def _added(sighting: Sighting, fields: Digest, events: tuple[Digest, ...]) -> Merged:
    order = sighting.order
    added = OrderAdded(
        project_id=sighting.project_id,
        key=f"order:{sighting.project_id}:{sighting.deployment}:{order.id}",
        observed_at=sighting.observed_at,
        deployment=sighting.deployment,
        deploy_id=sighting.deploy_id,
        index=sighting.index,
        order=_bare(order),
    )
    record = OrderRecord(
        deployment=sighting.deployment,
        order_id=order.id,
        index=sighting.index,
        identity=identity(order),
        digest=fields,
        events=events,
        updated_at=_updated_at(order),
        since=sighting.observed_at.timestamp(),
        is_open=order.status not in TERMINAL,
    )
    return Merged(record=record, changes=(added, *(_event(sighting, at) for at in range(len(events)))))


def _moved(known: OrderRecord, index: int) -> Merged:
    return _SAME if index == known.index else Merged(record=msgspec.structs.replace(known, index=index))


def _adopt(
    known: OrderRecord, sighting: Sighting, fields: Digest, events: tuple[Digest, ...], changes: Iterable[Change]
) -> Merged:
    former = [known.digest] if fields != known.digest else []
    former += [known.events[at] for at in _differing(known, events)]
    record = OrderRecord(
        deployment=known.deployment,
        order_id=known.order_id,
        index=sighting.index,
        identity=known.identity,
        digest=fields,
        events=events,
        seen=(*known.seen, *former)[-MAX_SEEN:],
        updated_at=_updated_at(sighting.order),
        since=sighting.observed_at.timestamp(),
        is_open=sighting.order.status not in TERMINAL,
    )
    return Merged(record=record, changes=tuple(changes))


def _differing(known: OrderRecord, events: tuple[Digest, ...]) -> list[int]:
    return [at for at, (old, new) in enumerate(zip(known.events, events, strict=False)) if old != new]


def _event(sighting: Sighting, position: int) -> OrderEventAdded:
    event = sighting.order.events[position]
    return OrderEventAdded(
        project_id=sighting.project_id,
        key=_event_key("event", sighting, position),
        observed_at=sighting.observed_at,
        deployment=sighting.deployment,
        order_id=sighting.order.id,
        position=position,
        event=event,
    )


def _amended(known: OrderRecord, sighting: Sighting, position: int, version: Digest) -> OrderEventAmended:
    return OrderEventAmended(
        project_id=sighting.project_id,
        key=f"{_event_key('amended', sighting, position)}:{_named(known, sighting, version)}",
        observed_at=sighting.observed_at,
        deployment=sighting.deployment,
        order_id=sighting.order.id,
        position=position,
        event=sighting.order.events[position],
    )


def _changed(known: OrderRecord, sighting: Sighting, version: Digest) -> OrderChanged:
    order = sighting.order
    return OrderChanged(
        project_id=sighting.project_id,
        key=f"changed:{sighting.project_id}:{sighting.deployment}:{order.id}:{_named(known, sighting, version)}",
        observed_at=sighting.observed_at,
        deployment=sighting.deployment,
        deploy_id=sighting.deploy_id,
        index=sighting.index,
        order=_bare(order),
    )


def _event_key(kind: str, sighting: Sighting, position: int) -> str:
    """With the server's own name of the event; with our numbers, if that does not name the deployment."""
    events = sighting.order.events
    event = events[position]
    if not event.algorithm_id or not event.id.startswith(f"{event.algorithm_id}-"):
        return f"{kind}:{sighting.project_id}:{sighting.deployment}:{sighting.order.id}:{position}"
    twice = any(other.id == event.id for other in events[:position])
    return f"{kind}:{sighting.project_id}:{event.id}" + (f":{position}" if twice else "")


def _named(known: OrderRecord, sighting: Sighting, version: Digest) -> str:
    """A version, and when it came if it was there before: to become again what one was is another change."""
    return version.hex() + (f":{sighting.observed_at.timestamp():.0f}" if version in known.seen else "")


def _bare(order: Order) -> Order:
    return msgspec.structs.replace(order, events=(), deployment=None)


def _updated_at(order: Order) -> float:
    moments = (order.last_update_time, order.last_fill_time, order.canceled_time)
    return max((moment.timestamp() for moment in moments if moment is not None), default=0.0)


def digest_of(content: bytes) -> Digest:
    """Of anything."""
    return hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest()
