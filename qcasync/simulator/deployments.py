"""Deployments: their status over time, and the snapshots through which the API sees their orders."""

import math
from typing import Literal, TypeAlias

import msgspec

from qcasync.simulator.books import OrderBook, Spelling
from qcasync.simulator.orders import Life
from qcasync.simulator.records import Records, make_insight, make_line, seen_at
from qcasync.simulator.trades import TradeBuilder
from qcasync.simulator.wire import JsonObject

_LOG_SECONDS = 1800.0
_INSIGHT_SECONDS = 7200.0

Ending: TypeAlias = Literal["Stopped", "Liquidated", "RuntimeError"]


class Snapshot(msgspec.Struct, frozen=True):
    """What a flush wrote: how many orders, and the changed ones among them."""

    size: int = 0
    changes: dict[int, bytes] = {}


class _Change(msgspec.Struct, frozen=True):
    # One entry of the journal between two flushes.
    at: float
    size: int
    changed: dict[int, bytes] = {}


class Deployment:
    """One launch of a project's algorithm.

    The engine writes its orders out every few minutes and when it stops; the API reads what was written. So a
    deployment has a truth (its book) and a snapshot, and they differ between two flushes.

    Args:
        deploy_id: `L-` and 32 hexadecimal digits.
        launched_at: Unix time.
        running_at: When `Initializing` becomes `Running`.
        brokerage: As the answers name it.

    Attributes:
        stopped_at: When it stopped or will stop; None while nobody asked it to.
        ending: The status from then on.
        snapshot: What the API shows.
        earlier: What it showed before the last flush that changed anything.
        log: Its log lines, flushed or not.
        insights: Its insights, flushed or not.
    """

    def __init__(
        self, deploy_id: str, *, seed: str, launched_at: float, running_at: float, brokerage: str, spelling: Spelling
    ) -> None:
        self.deploy_id = deploy_id
        self.launched_at = launched_at
        self.brokerage = brokerage
        self.book: OrderBook = OrderBook(seed, deploy_id, spelling)
        self.stopped_at: float | None = None
        self.ending: Ending = "Stopped"
        self.snapshot: Snapshot = Snapshot()
        self.earlier: Snapshot = self.snapshot
        self.log: Records[str] = Records(f"{seed}/log", launched_at, _LOG_SECONDS, make_line)
        self.insights: Records[JsonObject] = Records(f"{seed}/insights", running_at, _INSIGHT_SECONDS, make_insight)
        self._flushed_until = -math.inf
        self._running_at = running_at
        self._journal: list[_Change] = []
        self._flushed: list[_Change] = []
        self._trades = TradeBuilder(f"{seed}/trades")
        self._in_trades = 0

    def status(self, now: float) -> str:
        """The algorithm's status at `now`."""
        if self.stopped_at is not None and now >= self.stopped_at:
            return self.ending
        return "Running" if now >= self._running_at else "Initializing"

    def is_active(self, now: float) -> bool:
        """Whether it has not stopped yet."""
        return self.stopped_at is None or now < self.stopped_at

    def place(self, count: int, at: float, *, step: float = 0.0, life: Life | None = None) -> None:
        """Place orders; the API shows them after the next flush."""
        self.book.place(count, at, step=step, life=life)
        self._journal.append(_Change(at, self.book.size))

    def fill(self, index: int, at: float) -> None:
        """Fill the order at `index` of this deployment; the API shows it after the next flush."""
        self._journal.append(_Change(at, self.book.size, {index: self.book.fill(index, at)}))

    def stop(self, at: float, ending: Ending) -> None:
        """Let it end at `at`."""
        self.stopped_at = at
        self.ending = ending

    def advance(self, now: float, flush_seconds: float) -> None:
        """Perform the flushes that are due at `now`: every `flush_seconds` after launch, and one at the stop.

        A flush that falls due covers what happened before its instant, not at it.
        """
        if self._journal:
            self.flush(self._due(now, flush_seconds))

    def flush_all(self, until: float) -> None:
        """Write out orders, log and insights up to `until`."""
        self.flush(until)
        self._flushed_until = max(until, self._flushed_until)

    def logs_at(self, now: float, flush_seconds: float) -> list[str]:
        """The log lines that the API shows at `now`."""
        until = self._written_until(now, flush_seconds)
        self.log.grow(until)
        return self.log.until(until)

    def insights_at(self, now: float, flush_seconds: float) -> list[JsonObject]:
        """The insights that the API shows at `now`."""
        until = self._written_until(now, flush_seconds)
        self.insights.grow(until)
        return [seen_at(insight, until) for insight in self.insights.until(until)]

    def trades(self) -> list[JsonObject]:
        """The closed trades that the API shows: those of the orders that were written out."""
        for change in self._flushed:
            if change.size > self._in_trades:
                self._trades.see(self.book.placed(self._in_trades, change.size))
                self._in_trades = change.size
            self._trades.see(self.book.filled(index) for index in change.changed)
        self._flushed = []
        return self._trades.trades

    def _written_until(self, now: float, flush_seconds: float) -> float:
        until = max(self._due(now, flush_seconds), self._flushed_until)
        return until if self.stopped_at is None else min(until, self.stopped_at)

    def _due(self, now: float, flush_seconds: float) -> float:
        """Up to when the flushes that are due at `now` cover what happened."""
        if not self.is_active(now) or flush_seconds <= 0:
            return now
        flushes = (now - self.launched_at) // flush_seconds
        return math.nextafter(self.launched_at + flushes * flush_seconds, -math.inf) if flushes >= 1 else -math.inf

    def flush(self, until: float) -> None:
        """Write out what happened to orders up to `until`."""
        due = sorted((change for change in self._journal if change.at <= until), key=lambda change: change.at)
        if not due:
            return
        self._flushed += due
        self._journal = [change for change in self._journal if change.at > until]
        changes = dict(self.snapshot.changes)
        for change in due:
            changes |= change.changed
        self.earlier = self.snapshot
        self.snapshot = Snapshot(max(self.snapshot.size, *(change.size for change in due)), changes)

    def truth(self) -> Snapshot:
        """What the snapshot would be after a flush."""
        changes = dict(self.snapshot.changes)
        for change in self._journal:
            changes |= change.changed
        return Snapshot(self.book.size, changes)
