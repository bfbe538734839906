"""The face of the simulator: what a test arranges, and the one function through which requests come in.

Pure: no clock, no I/O. Whoever calls says what time it is; the mounts in `transport.py` and `asgi.py` do.
"""

import threading
from collections.abc import Iterable, Sequence

import msgspec

from qcasync.simulator.accounts import Account
from qcasync.simulator.books import Spelling
from qcasync.simulator.conditions import Conditions
from qcasync.simulator.deployments import Deployment, Ending
from qcasync.simulator.faults import ANSWER_FAULTS, Fault, FaultKind
from qcasync.simulator.frontdoor import Answer, FrontDoor
from qcasync.simulator.ledger import Ledger
from qcasync.simulator.orders import Life
from qcasync.simulator.projects import Project
from qcasync.simulator.records import stamped
from qcasync.simulator.wire import JsonObject
from qcasync.simulator.world import World

DEFAULT_NOW = 1_750_000_000.0
"""2025-06-15 15:06:40 UTC: when a simulator begins unless told otherwise."""


class Simulator:
    """A QuantConnect of your own, with one account to begin with.

    Safe to use from several threads: a test may trade while a server answers.

    Args:
        seed: Decides everything that is invented: credentials, orders, charts, random faults.
        now: The true Unix time when it begins; `time.time()` where it is to live in real time. Later times are told
            with each call; where they may be left out, the latest one told is meant.
        conditions: How it behaves; the real API's good day unless given.

    Attributes:
        account: The first account.
    """

    def __init__(self, seed: int = 0, now: float = DEFAULT_NOW, *, conditions: Conditions | None = None) -> None:
        self.seed = seed
        self._now = now
        self._lock = threading.RLock()
        self._world = World(seed, Conditions() if conditions is None else conditions)
        self._front = FrontDoor(self._world)
        self.account: Account = self._world.add_account(None, None)

    def __repr__(self) -> str:
        return f"<Simulator seed={self.seed}, {len(self._world.projects)} projects>"

    @property
    def conditions(self) -> Conditions:
        """How it behaves. May be changed, or replaced, at any time."""
        return self._world.conditions

    @conditions.setter
    def conditions(self, conditions: Conditions) -> None:
        self._world.conditions = conditions

    @property
    def user_id(self) -> int:
        """The first account's user id."""
        return self.account.user_id

    @property
    def api_token(self) -> str:
        """The first account's API token, invented."""
        return self.account.api_token

    @property
    def now(self) -> float:
        """The latest true time that the simulator was told."""
        return self._now

    @property
    def ledger(self) -> Ledger:
        """What was asked, and what had an effect."""
        return self._world.ledger

    @property
    def projects(self) -> tuple[Project, ...]:
        """The projects, in the order in which they were added."""
        return tuple(self._world.projects.values())

    def add_account(self, user_id: int | None = None, api_token: str | None = None) -> Account:
        """Add another account, which sees its own projects only.

        Raises:
            ValueError: The user id is taken, or the token looks like a real one.
        """
        with self._lock:
            return self._world.add_account(user_id, api_token)

    def add_project(
        self,
        deployments: Sequence[int] = (),
        *,
        name: str | None = None,
        running: bool = True,
        spelling: Spelling = "camel",
        account: Account | None = None,
        now: float | None = None,
    ) -> Project:
        """Add a project whose orders the API already shows.

        Args:
            deployments: How many orders each deployment has, in launch order. Empty: never deployed.
            name: As the website shows it; invented unless given.
            running: Whether the last deployment still runs.
            spelling: "pascal" for orders as written by engines of before 2021.
            account: Its owner; the first account unless given.
            now: When its past ends: the last deployment was launched a week before, those before it a week apart.
        """
        with self._lock:
            user_id = (account or self.account).user_id
            return self._world.add_project(
                deployments, name=name, running=running, spelling=spelling, user_id=user_id, now=self._at(now)
            )

    def deploy(self, project_id: int, now: float | None = None) -> Deployment:
        """Launch a project, as its owner would on the website. What runs is stopped first."""
        with self._lock:
            at, project = self._at(now), self._project(project_id)
            running = project.active(at)
            if running is not None:
                running.stop(at, "Stopped")
                running.advance(at, self.conditions.flush_seconds)
            return self._world.deploy(project, at, brokerage="PaperBrokerage", initializing=0.0)

    def reset(self, project_id: int, now: float | None = None) -> None:
        """Let the list of orders begin anew, without those of former deployments. live/list shows them all the same."""
        with self._lock:
            self._at(now)
            self._project(project_id).reset()

    def end(self, project_id: int, now: float | None = None, *, status: Ending = "Stopped") -> None:
        """Let the running deployment end at once, as after an error of the algorithm.

        Raises:
            ValueError: Nothing runs.
        """
        with self._lock:
            at = self._at(now)
            deployment = self._running(project_id, at)
            deployment.stop(at, status)
            deployment.advance(at, self.conditions.flush_seconds)

    def trade(self, project_id: int, count: int = 1, now: float | None = None, *, leave_open: bool = False) -> None:
        """Let the running deployment place orders. The API shows them after the next flush.

        Args:
            project_id: The project.
            count: How many, at least one.
            now: When.
            leave_open: Leave them all submitted, so that `fill` can fill them later.

        Raises:
            ValueError: Nothing runs, or `count` is less than one.
        """
        with self._lock:
            at = self._at(now)
            self._running(project_id, at).place(count, at, life=Life.OPEN if leave_open else None)

    def fill(self, project_id: int, index: int, now: float | None = None) -> None:
        """Fill the order at `index` of the running deployment. The API shows it after the next flush.

        Raises:
            IndexError: There is no such order.
            ValueError: The order is closed, or nothing runs.
        """
        with self._lock:
            at = self._at(now)
            self._running(project_id, at).fill(index, at)

    def log(self, project_id: int, text: str, now: float | None = None) -> None:
        """Let the running deployment log a line. The API shows it after the next flush, with its date in front.

        Raises:
            ValueError: Nothing runs.
        """
        with self._lock:
            at = self._at(now)
            self._running(project_id, at).log.add(at, stamped(at, text))

    def insight(self, project_id: int, now: float | None = None) -> JsonObject:
        """Let the running deployment make an insight, and return it. The API shows it after the next flush.

        Raises:
            ValueError: Nothing runs.
        """
        with self._lock:
            at = self._at(now)
            return dict(self._running(project_id, at).insights.invent(at))

    def flush(self, project_id: int, now: float | None = None) -> None:
        """Write the snapshot now, whether or not it is due."""
        with self._lock:
            at = self._at(now)
            for deployment in self._project(project_id).deployments:
                deployment.flush_all(at)

    def orders(self, project_id: int, now: float | None = None) -> tuple[JsonObject, ...]:
        """The orders as they are on the wire, in list order: all deployments, in launch order.

        Args:
            project_id: The project.
            now: Only what the API shows at this time. None: everything that has happened, flushed or not.
        """
        with self._lock:
            project = self._project(project_id)
            if now is None:
                snapshots = project.truths()
            else:
                project.advance(self._at(now), self.conditions.flush_seconds)
                snapshots = project.snapshots()
            rows = project.rows(snapshots, 0, float("inf"))
            return tuple(msgspec.json.decode(row, type=dict[str, object]) for row in rows)

    def fault(
        self,
        kind: FaultKind,
        *,
        path: str | None = None,
        project_id: int | None = None,
        nth: int = 1,
        times: float = 1,
        performed: bool | None = None,
        delay: float = 30.0,
        retry_after: str = "1",
        status: int = 400,
        text: str | None = None,
    ) -> None:
        """Let a request go wrong.

        Args:
            kind: What goes wrong.
            path: Relative to `/api/v2/`; any unless given.
            project_id: The project asked about; any unless given.
            nth: Which matching request from now on, counting from 1.
            times: How many of them, from there. `math.inf`: for ever.
            performed: Whether the request is carried out nevertheless. By default it is if the fault strikes on the
                way back.
            delay: Seconds that `SLOW` takes longer.
            retry_after: What `Retry-After` says.
            status: The status code of a `STATUS` fault.
            text: The reason that a failure gives.
        """
        with self._lock:
            carried_out = kind in ANSWER_FAULTS if performed is None else performed
            fault = Fault(
                kind=kind, performed=carried_out, delay=delay, retry_after=retry_after, status=status, text=text
            )
            self._front.plan.add(fault, path=path, project_id=project_id, nth=nth, times=times)

    def clear_faults(self) -> None:
        """Forget the scripted faults that have not happened yet."""
        with self._lock:
            self._front.plan.clear()

    def handle(self, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes, now: float) -> Answer:
        """Answer one request.

        Args:
            method: GET or POST.
            target: The path, from `/api/v2/` or relative to it, with its query.
            headers: Names in any case.
            body: JSON, a form, or nothing.
            now: The true Unix time. The server's clock may differ by `conditions.clock_offset`.
        """
        with self._lock:
            return self._front.answer(method, target, headers, body, self._at(now))

    def _at(self, now: float | None) -> float:
        if now is None:
            return self._now
        self._now = max(self._now, now)
        return now

    def _project(self, project_id: int) -> Project:
        try:
            return self._world.projects[project_id]
        except KeyError:
            message = f"no project {project_id}"
            raise ValueError(message) from None

    def _running(self, project_id: int, now: float) -> Deployment:
        deployment = self._project(project_id).active(now)
        if deployment is None:
            message = f"nothing runs in project {project_id}"
            raise ValueError(message)
        return deployment
