"""What became different about an order between what is remembered and what was read.

What is remembered is small: digests tell whether two versions are the same, never what they were. Nothing is concluded
from absence, and nothing from an answer that is older than one that was read before: replicas lag behind each other.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final, TypeVar

import msgspec

from qcasync._core.digests import NAME_BYTES, Digest, digest, digest_of, event_digest, identity, plain
from qcasync.models.changes import Change, OrderAdded, OrderChanged, OrderEventAdded, OrderEventAmended
from qcasync.models.enums import OrderStatus
from qcasync.models.orders import Order

SETTLED: Final = 1200.0
"""Seconds after which even a replica that lags behind shows what another one has shown, or something newer."""
TERMINAL: Final = frozenset({OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.INVALID})

T = TypeVar("T")


class OrderRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of an order.

    Attributes:
        deployment: Its deployment's number.
        order_id: Its number within the deployment.
        index: Its place in the project's list when it was last seen.
        identity: What makes it itself, whatever happens to it.
        digest: Of everything but the events.
        events: A digest for each event: of its id, and of everything.
        past: Digest of the versions before this one, in their order; empty if there were none.
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
    past: Digest = b""
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
    amended, added = _differing(known, events, quiet=quiet)
    former = [known.digest] if fields != known.digest else []
    former += amended.values()
    past = digest_of(known.past + b"".join(former)) if former else known.past
    changes: list[Change] = [] if quiet else [_amended(known, sighting, at, past, events[at]) for at in amended]
    changes += [_event(sighting, known.identity, at) for at in added]
    if fields != known.digest and not quiet:
        changes.append(_changed(known, sighting, past, fields))
    record = _record(sighting, known.identity, fields, events, past)
    return Merged(record=record, changes=tuple(changes))


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
    order, itself = sighting.order, identity(sighting.order)
    added = OrderAdded(
        project_id=sighting.project_id,
        key=f"order:{sighting.project_id}:{order.id}:{itself.hex()}",
        observed_at=sighting.observed_at,
        deployment=sighting.deployment,
        deploy_id=sighting.deploy_id,
        index=sighting.index,
        order=_bare(order),
    )
    record = _record(sighting, itself, fields, events)
    return Merged(record=record, changes=(added, *(_event(sighting, itself, at) for at in range(len(events)))))


def _record(
    sighting: Sighting, itself: Digest, fields: Digest, events: tuple[Digest, ...], past: Digest = b""
) -> OrderRecord:
    order = sighting.order
    return OrderRecord(
        deployment=sighting.deployment,
        order_id=order.id,
        index=sighting.index,
        identity=itself,
        digest=fields,
        events=events,
        past=past,
        updated_at=_updated_at(order),
        since=sighting.observed_at.timestamp(),
        is_open=order.status not in TERMINAL,
    )


def _moved(known: OrderRecord, index: int) -> Merged:
    return _SAME if index == known.index else Merged(record=msgspec.structs.replace(known, index=index))


def _differing(known: OrderRecord, events: tuple[Digest, ...], *, quiet: bool) -> tuple[dict[int, Digest], list[int]]:
    """Positions of the events that say something else, with what stood for them; and of those that are new.

    Events are known by their ids, wherever they stand: one may be put before others. Of one id, each is known by how
    many there were before; so are all, where another release wrote down what is known.
    """
    nameless = slice(0 if quiet else NAME_BYTES)
    former = dict(zip(_counted(each[nameless] for each in known.events), known.events, strict=True))
    amended: dict[int, Digest] = {}
    added: list[int] = []
    for at, name in enumerate(_counted(each[nameless] for each in events)):
        if name not in former:
            added.append(at)
        elif former[name] != events[at]:
            amended[at] = former[name]
    return amended, added


def _counted(names: Iterable[T]) -> Iterator[tuple[T, int]]:
    """Each name, with how often it came before."""
    counts: Counter[T] = Counter()
    for name in names:
        yield name, counts[name]
        counts[name] += 1


def _event(sighting: Sighting, itself: Digest, position: int) -> OrderEventAdded:
    event = sighting.order.events[position]
    return OrderEventAdded(
        project_id=sighting.project_id,
        key=_event_key("event", sighting, itself, position),
        observed_at=sighting.observed_at,
        deployment=sighting.deployment,
        order_id=sighting.order.id,
        position=position,
        event=event,
    )


def _amended(known: OrderRecord, sighting: Sighting, position: int, past: Digest, version: Digest) -> OrderEventAmended:
    return OrderEventAmended(
        project_id=sighting.project_id,
        key=f"{_event_key('amended', sighting, known.identity, position)}:{digest_of(past + version).hex()}",
        observed_at=sighting.observed_at,
        deployment=sighting.deployment,
        order_id=sighting.order.id,
        position=position,
        event=sighting.order.events[position],
    )


def _changed(known: OrderRecord, sighting: Sighting, past: Digest, version: Digest) -> OrderChanged:
    order, version_of_all = sighting.order, digest_of(past + version)
    return OrderChanged(
        project_id=sighting.project_id,
        key=f"changed:{sighting.project_id}:{order.id}:{known.identity.hex()}:{version_of_all.hex()}",
        observed_at=sighting.observed_at,
        deployment=sighting.deployment,
        deploy_id=sighting.deploy_id,
        index=sighting.index,
        order=_bare(order),
    )


def _event_key(kind: str, sighting: Sighting, itself: Digest, position: int) -> str:
    """With the server's own name of the event; with its order's identity, if that does not name the deployment."""
    order = sighting.order
    event = order.events[position]
    count = sum(other.id == event.id for other in order.events[:position])
    name = plain(event.id) + (f":{count}" if count else "")
    if event.algorithm_id and event.id.startswith(f"{event.algorithm_id}-"):
        return f"{kind}:{sighting.project_id}:{name}"
    return f"{kind}:{sighting.project_id}:{order.id}:{itself.hex()}:{name}"


def _bare(order: Order) -> Order:
    return msgspec.structs.replace(order, events=(), deployment=None)


def _updated_at(order: Order) -> float:
    moments = (order.last_update_time, order.last_fill_time, order.canceled_time)
    return max((moment.timestamp() for moment in moments if moment is not None), default=0.0)
