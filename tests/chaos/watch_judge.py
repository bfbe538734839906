"""What a watch has told of the orders of a project, against what they are."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import repeat
from typing import Final

import qcasync
from qcasync.models.changes import Change, Gap, OrderAdded, OrderEventAdded
from qcasync.models.order_events import OrderEvent
from tests.invariants import Folded, tell, thing

DATE: Final = 2.0
"""Seconds of doubt about the server's time."""
FORESIGHT: Final = 40.0
"""The simulator shows an order with events that will have happened so many seconds later."""


def fold(told: Iterable[Change]) -> Folded:
    """Each key once, in sequence; applied in order, the changes make orders."""
    folded: Folded = {}
    last: defaultdict[int, int] = defaultdict(int)
    keys: Counter[str] = Counter()
    for change in told:
        keys[change.key] += 1
        assert keys[change.key] == 1, f"{change.key} is told twice"
        assert change.sequence == last[change.project_id] + 1, f"{change.key} is out of order"
        last[change.project_id] = change.sequence
        assert tell(folded, change) is None
    return folded


class Told:
    """What was told of the orders of a project.

    Args:
        project_id: The project.
        told: All changes.
        folded: What they make.
        since: Orders of before this Unix time need not be told.
        complete_at: When they had been read.
    """

    def __init__(
        self,
        project_id: int,
        told: Iterable[Change],
        folded: Folded,
        *,
        since: float | None = None,
        complete_at: float = math.inf,
    ) -> None:
        ours = [change for change in told if change.project_id == project_id]
        self.added = {thing(project_id, change.order): change for change in ours if isinstance(change, OrderAdded)}
        self.events = {
            (change.event.algorithm_id, change.order_id, change.position)
            for change in ours
            if isinstance(change, OrderEventAdded)
        }
        self.gaps = [change for change in ours if isinstance(change, Gap)]
        self._project_id = project_id
        self._folded = folded
        self._since = since
        self._complete_at = complete_at

    def wrong(self, order: qcasync.Order) -> str | None:
        """What is wrong with what was told of an order, if anything."""
        added = self.added.get(thing(self._project_id, order))
        if added is not None:
            whole = self._folded[self._project_id, added.deployment, order.id].whole
            return None if whole == order else f"order {order.id} is told as {whole}, and is {order}"
        if self._since is None or order.time.timestamp() >= self._since + DATE:
            return f"order {order.id} is not told"
        return next(filter(None, map(self._missing, repeat(order.id), range(len(order.events)), order.events)), None)

    def _missing(self, order_id: int, position: int, event: OrderEvent) -> str | None:
        """Events of an order of the baseline are told if they came after it."""
        if event.time.timestamp() < self._complete_at + FORESIGHT:
            return None
        return None if (event.algorithm_id, order_id, position) in self.events else f"event {event.id} is not told"
