"""A project: its deployments joined into one list of orders, and how far the back end has got in loading it."""

import math
from collections.abc import Iterable

from qcasync.simulator.books import Spelling
from qcasync.simulator.deployments import Deployment, Snapshot


class Loading:
    """How far one result of a project has been fetched by the back end."""

    def __init__(self) -> None:
        self.answers: int = 0
        self.asked_at: float | None = None

    def progress(self, now: float, *, answers: float, seconds: float) -> float | None:
        """Count one request; return the progress to report, or None when the result is ready.

        Args:
            now: Unix time.
            answers: How many requests are put off.
            seconds: How long requests are put off, at least.
        """
        if self.asked_at is None:
            self.asked_at = now
        waited = now - self.asked_at
        by_time = 1.0 if seconds <= 0 else waited / seconds
        if self.answers >= answers and by_time >= 1:
            return None
        by_count = self.answers / answers if 0 < answers < math.inf else 1 - 1 / (1 + self.answers / 10)
        self.answers += 1
        return round(min(by_count if answers else 1.0, by_time, 0.99), 2)


class Project:
    """A project of an account.

    Attributes:
        id: Its number.
        spelling: How its orders are written: by today's engine ("camel") or one of before 2021 ("pascal").
        deployments: In launch order.
        orders_asked_at: When its orders were first read; warming counts from here.
        trades_asked_at: The same for its trades.
        forgotten: How many of its deployments, the oldest, are no longer in the list of orders.
        forgotten_earlier: The same for a replica that missed the last reset.
    """

    def __init__(self, project_id: int, name: str, *, user_id: int, seed: str, spelling: Spelling) -> None:
        self.id = project_id
        self.name = name
        self.user_id = user_id
        self.seed = seed
        self.spelling: Spelling = spelling
        self.deployments: list[Deployment] = []
        self.orders_asked_at: float | None = None
        self.trades_asked_at: float | None = None
        self.forgotten: int = 0
        self.forgotten_earlier: int = 0
        self._loading: dict[str, Loading] = {}

    def __repr__(self) -> str:
        return f"<Project {self.id} {self.name!r}, {len(self.deployments)} deployments>"

    @property
    def latest(self) -> Deployment | None:
        """The last deployment; None before the first."""
        return self.deployments[-1] if self.deployments else None

    def active(self, now: float) -> Deployment | None:
        """The deployment that has not stopped yet."""
        latest = self.latest
        return latest if latest is not None and latest.is_active(now) else None

    def loading(self, what: str) -> Loading:
        """The state of one result, such as the orders or a chart."""
        return self._loading.setdefault(what, Loading())

    def advance(self, now: float, flush_seconds: float) -> None:
        """Perform the flushes that are due."""
        for deployment in self.deployments:
            deployment.advance(now, flush_seconds)

    def reset(self) -> None:
        """Begin the list of orders anew: all deployments but the latest are forgotten."""
        self.forgotten_earlier = self.forgotten
        self.forgotten = max(0, len(self.deployments) - 1)

    def snapshots(self, *, stale: bool = False) -> list[Snapshot]:
        """What the API shows of each deployment.

        Args:
            stale: As a replica that missed the last flush, and the last reset, shows it.
        """
        if stale:
            return self._listed((deployment.earlier for deployment in self.deployments), self.forgotten_earlier)
        return self._listed((deployment.snapshot for deployment in self.deployments), self.forgotten)

    def truths(self) -> list[Snapshot]:
        """What it would show of each after a flush."""
        return self._listed((deployment.truth() for deployment in self.deployments), self.forgotten)

    def _listed(self, snapshots: Iterable[Snapshot], forgotten: int) -> list[Snapshot]:
        return [Snapshot() if at < forgotten else snapshot for at, snapshot in enumerate(snapshots)]

    def rows(self, snapshots: Iterable[Snapshot], start: int, stop: float) -> list[bytes]:
        """The JSON of the orders at positions `[start, stop)` of the joined list."""
        rows: list[bytes] = []
        first = 0
        for deployment, snapshot in zip(self.deployments, snapshots, strict=True):
            low, high = max(start - first, 0), int(min(stop - first, snapshot.size))
            if low < high:
                rows += deployment.book.rows(low, high, snapshot.changes)
            first += snapshot.size
        return rows
