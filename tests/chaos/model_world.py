"""The world of a watch's model: what a seed makes of it, its deployments, orders, and answers."""

import random
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from qcasync._core.deltas import TERMINAL
from qcasync._core.placing import OrderMemory
from qcasync.models.enums import OrderDirection, OrderStatus, OrderType
from qcasync.models.order_events import OrderEvent
from qcasync.models.orders import Order
from qcasync.models.quarantine import Quarantined
from qcasync.models.symbols import Symbol
from tests.invariants import (
    Thing,
    thing,
)

EPOCH: Final = 1_788_600_000.0
SYMBOLS: Final = tuple(Symbol(value=name, id=f"{name} R735QTJ8XC9X") for name in ("SPY", "NEE", "IBM"))
ABOUT: Final = "orders"
OPEN: Final = (OrderStatus.SUBMITTED, OrderStatus.PARTIALLY_FILLED, OrderStatus.UPDATE_SUBMITTED)
CLOSED: Final = (OrderStatus.FILLED, OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.INVALID)
CALM_LOOKS: Final = 2
"""Complete looks without news, before the world is taken to stand still."""
_ENCODE: Final = msgspec.msgpack.encode
_DECODE: Final = msgspec.msgpack.Decoder(OrderMemory)


@dataclass(slots=True)
class Plan:
    """What one seed makes of a run. Most conditions are off in most runs, so that their combinations stay readable."""

    projects: int
    looks: int
    interval: float
    period: float
    lags: tuple[int, ...]
    clamp: int
    inclusive: bool
    length: str
    errors: float
    loading: float
    warming: float
    width: int
    crashes: float
    from_now: bool
    resets: bool
    eventless: float
    actions: int
    nameless: bool
    failing: int

    @classmethod
    def of(cls, seed: int) -> "Plan":
        """Expand a seed."""
        chance = random.Random(seed)

        def sometimes(share: float, value: Any, otherwise: Any) -> Any:
            return value if chance.random() < share else otherwise

        interval = chance.choice([60.0, 300.0, 600.0, 900.0])
        period, lags = chance.choice(
            [(1.0, (0,)), (60.0, (0, 0, 1)), (300.0, (0, 1)), (300.0, (0, 1, 3)), (600.0, (0, 1)), (600.0, (0, 1))]
        )
        projects = sometimes(0.1, 2, 1)
        failing = sometimes(0.5, 2, 0) if projects == 2 else 0
        return cls(
            projects=projects,
            looks=chance.randint(4, 14),
            interval=interval,
            period=period,
            lags=lags,
            clamp=chance.choice([7, 10, 11, 100]),
            inclusive=chance.random() < 0.25,
            length=chance.choice(["total", "total", "page", "nonsense", "absent"]),
            errors=sometimes(0.4, chance.uniform(0, 0.2), 0.0),
            loading=sometimes(0.2, 0.1, 0.0),
            warming=sometimes(0.2, chance.uniform(1, 9), 0.0),
            width=chance.choice([1, 2, 4]),
            crashes=sometimes(0.3 if failing else 0.7, chance.choice([0.01, 0.03, 0.1]), 0.0),
            from_now=chance.random() < 0.25,
            resets=chance.random() < 0.4,
            eventless=chance.choice([0.1, 0.3, 0.6]),
            actions=chance.randint(5, 30),
            nameless=chance.random() < 0.1,
            failing=failing,
        )


def at_time(seconds: float) -> datetime:
    """A moment as orders write it."""
    return datetime.fromtimestamp(EPOCH + seconds, UTC)


@dataclass(slots=True)
class Deployed:
    """A deployment of the world."""

    name: str
    serial: int
    began_at: float
    ended_at: float | None = None
    orders: int = 0


class World:
    """What happens to one project. Times are seconds since `EPOCH`.

    Attributes:
        rows: The list as it is.
        deployments: All that ever were.
        erased: What a reset took away, by the deployment's name: the orders as they were last.
        began_at: When each order's deployment, by its thing.
    """

    def __init__(self, seed: int, project_id: int, plan: Plan) -> None:
        self.project_id = project_id
        self.plan = plan
        self.chance = random.Random(seed * 64 + project_id)
        self.rows: list[Order[Any]] = []
        self.owner: list[Deployed] = []
        self.deployments: list[Deployed] = []
        self.erased: dict[str, list[Order[Any]]] = {}
        self.erasures: list[frozenset[Thing]] = []
        self.broken: dict[Thing, tuple[float, float]] = {}
        self.former: dict[Thing, Order[Any]] = {}
        self.told: Counter[str] = Counter()
        self._snapshots: list[tuple[float, tuple[Order[Any], ...], tuple[Deployed, ...]]] = [(-1e9, (), ())]
        self._clock = -7200.0
        horizon = plan.looks * plan.interval
        self._begin(-7000.0)
        before = self.chance.choice([0, 1, 3, 8, 12, 15])
        moments = [self.chance.uniform(-6900, -1300) for _ in range(before)]
        moments += [self.chance.uniform(0, horizon) for _ in range(plan.actions)]
        self._schedule: list[tuple[float, str]] = [(at, "") for at in moments]
        if plan.resets and self.chance.random() < 0.3:  # the last of a deployment, which is erased much later
            end = self.chance.uniform(0.2, 0.6) * horizon
            self._schedule += [(end - 2000, "close"), (end - 5, "late"), (end, "append")]
            self._schedule.append((min(end + self.chance.uniform(1250, 2500), horizon), "reset"))
        self._schedule.sort(reverse=True)
        self.still_at = horizon
        self.advance(0.0)

    def advance(self, now: float) -> None:
        """Let happen what happens until then."""
        while self._schedule and self._schedule[-1][0] <= now:
            self._act(*self._schedule.pop())

    def show(self, start: int, end: int, now: float, lag: int) -> list[Order[Any] | Quarantined]:
        """What a replica shows that is so many periods behind."""
        rows = self.shown(now, lag)[start:end]
        if not self.broken:
            return list(rows)
        found: list[Order[Any] | Quarantined] = []
        for index, row in enumerate(rows):
            since, until = self.broken.get(thing(self.project_id, row), (0.0, 0.0))
            if since <= now < until:
                raw = f'{{"id": {row.id}, "time": "{row.time.isoformat()}"}}'.encode()
                found.append(Quarantined(index=index, reason="broken by the model", raw=raw))
            else:
                found.append(row)
        return found

    def shown(self, now: float, lag: int) -> tuple[Order[Any], ...]:
        """The whole list of a replica."""
        return self._snapshot(now, lag)[1]

    def listed(self, now: float, lag: int) -> tuple[Deployed, ...]:
        """The deployments that live/list shows."""
        return self._snapshot(now, lag)[2]

    def _snapshot(self, now: float, lag: int) -> tuple[float, tuple[Order[Any], ...], tuple[Deployed, ...]]:
        until = now - lag * self.plan.period
        for snapshot in reversed(self._snapshots):
            if snapshot[0] <= until:
                return snapshot
        return self._snapshots[0]

    def _act(self, at: float, what: str) -> None:
        if what in {"append", "reset"}:
            self._redeploy(at, reset=what == "reset")
            flush = True
        elif what and self.rows:
            self._happen(at, late=what == "late", first=True)
            flush = False
        else:
            flush = self._draw(at)
        visible = at if flush else -(-at // self.plan.period) * self.plan.period
        while self._snapshots[-1][0] >= visible:
            self._snapshots.pop()
        self._snapshots.append((visible, tuple(self.rows), tuple(self.deployments)))

    def _draw(self, at: float) -> bool:
        """Let anything happen. Returns whether it is shown at once."""
        roll = self.chance.random()
        if roll < 0.35 or not self.rows:
            self._order(at)
        elif roll < 0.62:
            self._happen(at, late=False)
        elif roll < 0.68:
            self._happen(at, late=True)
        elif roll < 0.74:
            self._change(at, silently=False)
        elif roll < 0.79:
            self._change(at, silently=True)
        elif roll < 0.82:
            self._revert()
        elif roll < 0.86:
            self._amend(at)
        elif roll < 0.89:
            self._break(at)
        else:
            self._redeploy(at, reset=at > 0 and self.plan.resets and self.chance.random() < 0.5)
            return at > 0
        return False

    def _begin(self, at: float) -> None:
        serial = len(self.deployments) + 1
        self.deployments.append(Deployed(f"L-{serial:032x}", serial, at))

    def _redeploy(self, at: float, *, reset: bool) -> None:
        self.deployments[-1].ended_at = at
        if reset:
            self.told["reset"] += 1
            for owner, row in zip(self.owner, self.rows, strict=True):
                self.erased.setdefault(owner.name, []).append(row)
            self.erasures.append(frozenset(thing(self.project_id, row) for row in self.rows))
            self.rows, self.owner = [], []
        else:
            self.told["redeployed"] += 1
        self._begin(at)
        if self.chance.random() < 0.7:
            for later in range(self.chance.choice([1, 2, 4])):
                self._order(at + 0.001 * later)

    def _order(self, at: float) -> None:
        deployed = self.deployments[-1]
        deployed.orders += 1
        symbol = self.chance.choice(SYMBOLS)
        order: Order[Any] = Order(
            type=OrderType.LIMIT,
            id=deployed.orders,
            symbol=symbol,
            time=at_time(at),
            created_time=at_time(at),
            quantity=10.0,
            status=OrderStatus.NEW,
            direction=OrderDirection.BUY,
        )
        self.told["order"] += 1
        if self.chance.random() >= self.plan.eventless:
            for _ in range(self.chance.choice([1, 1, 2])):
                order = self._with_event(order, deployed, at, self.chance.choice(OPEN))
        self.rows.append(order)
        self.owner.append(deployed)

    def _happen(self, at: float, *, late: bool, first: bool = False) -> None:
        last = self.deployments[-1]
        indexes = [
            index
            for index, row in enumerate(self.rows)
            if (late and row.status in TERMINAL and self._may_change(index))
            or (not late and row.status not in TERMINAL and self.owner[index] is last)
        ]
        if not indexes:
            return
        index = indexes[0] if first else self.chance.choice(indexes)
        status = self.chance.choice(CLOSED if late or first or self.chance.random() < 0.5 else OPEN)
        self.told["late event"] += late
        self.rows[index] = self._with_event(self.rows[index], self.owner[index], at, status)

    def _with_event(self, order: Order[Any], deployed: Deployed, at: float, status: OrderStatus) -> Order[Any]:
        number = len(order.events) + 1
        self.told["event"] += 1
        event: OrderEvent[Any] = OrderEvent(
            id=f"{number}" if self.plan.nameless else f"{deployed.name}-{order.id}-{number}",
            algorithm_id=deployed.name,
            order_id=order.id,
            order_event_id=number,
            symbol=order.symbol.id,
            time_at=EPOCH + at,
            status=status,
            direction=order.direction,
            fill_price=round(self.chance.uniform(1, 9), 2),
        )
        stamp = at_time(at) if self.chance.random() < 0.7 else order.last_update_time
        return msgspec.structs.replace(order, events=(*order.events, event), status=status, last_update_time=stamp)

    def _may_change(self, index: int) -> bool:
        """Where deployments are erased, those that have ended change no more: nobody could know what is lost."""
        return not self.plan.resets or self.owner[index] is self.deployments[-1]

    def _any(self) -> int | None:
        indexes = [index for index in range(len(self.rows)) if self._may_change(index)]
        return self.chance.choice(indexes) if indexes else None

    def _change(self, at: float, *, silently: bool) -> None:
        index = self._any()
        if index is None:
            return
        row = self.rows[index]
        self.told["silent change" if silently else "change"] += 1
        self.former[thing(self.project_id, row)] = row
        stamp = row.last_update_time if silently else at_time(at)
        self.rows[index] = msgspec.structs.replace(row, tag=f"{self.chance.random():.6f}", last_update_time=stamp)

    def _revert(self) -> None:
        """Something becomes again what it was, and no time tells when."""
        choices = [
            (index, former)
            for index, row in enumerate(self.rows)
            if (former := self.former.get(thing(self.project_id, row))) is not None
            and len(former.events) == len(row.events)
            and self._may_change(index)
        ]
        if choices:
            index, former = self.chance.choice(choices)
            row = self.rows[index]
            self.told["reverted"] += 1
            self.former[thing(self.project_id, row)] = row
            self.rows[index] = msgspec.structs.replace(row, tag=former.tag)

    def _amend(self, at: float) -> None:
        choices = [index for index, row in enumerate(self.rows) if row.events and self._may_change(index)]
        if not choices:
            return
        index = self.chance.choice(choices)
        row = self.rows[index]
        which = self.chance.randrange(len(row.events))
        events = list(row.events)
        events[which] = msgspec.structs.replace(events[which], message=f"{self.chance.random():.6f}")
        self.told["amended"] += 1
        stamp = at_time(at) if self.chance.random() < 0.5 else row.last_update_time
        self.rows[index] = msgspec.structs.replace(row, events=tuple(events), last_update_time=stamp)

    def _break(self, at: float) -> None:
        row = self.chance.choice(self.rows) if self.chance.random() < 0.6 else self.rows[-1]
        self.told["broken"] += 1
        self.broken[thing(self.project_id, row)] = (at, at + self.chance.uniform(60, 4 * self.plan.interval))
