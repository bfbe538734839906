"""What the changes told so far amount to: orders, as a consumer who applies them in sequence holds them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from qcasync.models.changes import Change, OrderAdded, OrderChanged, OrderEventAdded, OrderEventAmended
from qcasync.models.orders import Order
from tests.invariants.moments import Answer, Commit, History, Thing, thing


@dataclass
class _Fold:
    """An order as the changes tell it."""

    key: tuple[int, int, int]
    order: Order[Any]
    events: dict[int, Any] = field(default_factory=dict)

    @property
    def whole(self) -> Order[Any]:
        return msgspec.structs.replace(self.order, events=tuple(self.events[at] for at in sorted(self.events)))


Folded = dict[tuple[int, int, int], _Fold]


def things_of(history: History, commit: Commit) -> Iterator[tuple[tuple[int, int, int], Thing]]:
    """What the orders are that a transaction is about, by project, deployment and number."""
    if commit.answer is not None:
        answer = history.moments[commit.answer]
        assert isinstance(answer, Answer)
        for record in commit.orders:
            row = answer.rows[record.index - answer.start]
            if isinstance(row, Order):
                yield (commit.project_id, *record.key), thing(commit.project_id, row)
    for change in commit.changes:
        if isinstance(change, OrderAdded):
            key = (change.project_id, change.deployment, change.order.id)
            yield key, thing(change.project_id, change.order)


def tell(folded: Folded, change: Change) -> str | None:
    """Apply a change to what was told. Returns what is wrong with it."""
    match change:
        case OrderAdded(project_id=project_id, deployment=deployment, order=order):
            key = (project_id, deployment, order.id)
            if key in folded:
                return f"{key} is added twice"
            folded[key] = _Fold(key, order)
        case OrderChanged(project_id=project_id, deployment=deployment, order=order):
            if (fold := folded.get((project_id, deployment, order.id))) is not None:
                fold.order = order
        case OrderEventAdded() | OrderEventAmended():
            fold = folded.get((change.project_id, change.deployment, change.order_id))
            if fold is not None:
                fold.events[change.position] = change.event
        case _:
            pass
    return None
