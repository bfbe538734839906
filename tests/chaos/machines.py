"""A machine whose clocks can be set, stopped and driven, and a wire that notes what is handed to it."""

import json
import logging
import random
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio

import qcasync
from qcasync.simulator import Conditions, Simulator, SimulatorTransport
from qcasync.transports.protocol import Phase, Progress, Request, Response
from tests.support import EPOCH

logging.getLogger("qcasync").addHandler(logging.NullHandler())  # or workers print what the library warns of


class Machine:
    """Clocks as a machine has them, in virtual time.

    Args:
        wrong: Seconds that the wall clock is ahead of the true time.
        wall_drift: How much faster than the truth the wall clock runs.
        mono_drift: How much faster than the truth the monotonic clock runs.
        counts_suspend: Whether the monotonic clock goes on while the machine sleeps.
    """

    def __init__(
        self,
        wrong: float = 0.0,
        *,
        wall_drift: float = 0.0,
        mono_drift: float = 0.0,
        counts_suspend: bool = True,
    ) -> None:
        self.clock = qcasync.Clock(wall=self.wall, mono=self.mono, counts_suspend=counts_suspend)
        self._wrong = wrong
        self._wall_drift = wall_drift
        self._mono_drift = mono_drift
        self._counts_suspend = counts_suspend
        self._slept = 0.0

    def truth(self) -> float:
        """The true Unix time. The event loop's clock stands still while the machine sleeps, as on Linux."""
        return EPOCH + anyio.current_time() + self._slept

    def wall(self) -> float:
        """The wall clock."""
        return self.truth() + self._wrong + (self.truth() - EPOCH) * self._wall_drift

    def mono(self) -> float:
        """The monotonic clock."""
        passed = anyio.current_time() + (self._slept if self._counts_suspend else 0.0)
        return 12345.0 + passed * (1 + self._mono_drift)

    def set_wall(self, seconds: float) -> None:
        """Someone sets the wall clock forward, or back."""
        self._wrong += seconds

    def suspend(self, seconds: float) -> None:
        """The machine sleeps. No task notices."""
        self._slept += seconds


@dataclass(frozen=True)
class Sent:
    """One request that was handed to the transport.

    Attributes:
        at: On the event loop's clock.
        path: Below the base URL.
        project_id: Which project it asks about, if any.
    """

    at: float
    path: str
    project_id: int | None


class Wire:
    """A transport in front of a simulator's: notes what is sent, and takes its time on the way there.

    Args:
        inner: The simulator's.
        there: Seconds to the server, drawn for each request. The way back is the simulator's own latency.
    """

    def __init__(self, inner: SimulatorTransport, there: Callable[[], float] = lambda: 0.0) -> None:
        self.inner = inner
        self.sent: list[Sent] = []
        self._there = there

    async def exchange(self, request: Request, progress: Progress, /) -> Response:
        """Note `request`, and pass it on."""
        project_id = json.loads(request.body).get("projectId") if request.body else None
        _, _, path = request.url.partition("/api/v2/")
        self.sent.append(Sent(anyio.current_time(), path, project_id))
        if seconds := self._there():
            progress.reached(Phase.SENT)
            await anyio.sleep(seconds)
        return await self.inner.exchange(request, progress)

    async def aclose(self) -> None:
        """Nothing is open."""
        await self.inner.aclose()


@dataclass
class Place:
    """A client on a machine, the wire, and the simulator behind it."""

    client: qcasync.Client
    machine: Machine
    wire: Wire
    simulator: Simulator
    observed: list[qcasync.Observation]

    def count(self, path: str | None = None) -> int:
        """Requests that were handed to the transport."""
        return sum(path in {None, sent.path} for sent in self.wire.sent)

    def told(self, kind: type[Any]) -> list[Any]:
        """Observations of one kind."""
        return [observation for observation in self.observed if isinstance(observation, kind)]

    def refused(self) -> int:
        """Requests whose signature the simulator refused."""
        return sum(record.outcome == "refused" for record in self.simulator.ledger.requests)


@asynccontextmanager
async def place(
    conditions: Conditions | None = None,
    *,
    seed: int = 1,
    machine: Machine | None = None,
    there: Callable[[], float] = lambda: 0.0,
    token: str | None = None,
    simulator: Simulator | None = None,
    read_timeout: float | None = None,
    observers: Iterable[qcasync.Observer] = (),
    **options: Any,
) -> AsyncIterator[Place]:
    """Open a client.

    Args:
        conditions: How the simulator behaves.
        seed: Of the simulator and of the client's jitter.
        machine: Whose clocks the client reads; one that is right unless given.
        there: Seconds to the server, drawn for each request.
        token: Instead of the right one.
        simulator: Instead of a new one.
        read_timeout: After how many seconds without an answer the transport gives up.
        observers: Told what happens, beside the place itself.
        options: For `qcasync.Client`.
    """
    machine = machine or Machine()
    simulator = simulator or Simulator(seed, EPOCH, conditions=conditions)
    wire = Wire(SimulatorTransport(simulator, machine.truth, read_timeout=read_timeout), there)
    observed: list[qcasync.Observation] = []
    async with qcasync.Client(
        simulator.user_id,
        token or simulator.api_token,
        transport=wire,
        clock=machine.clock,
        rng=random.Random(seed),
        observers=[observed.append, *observers],
        **options,
    ) as client:
        yield Place(client, machine, wire, simulator, observed)
