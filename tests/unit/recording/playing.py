"""What is recorded of a simulated QuantConnect, and played again, in virtual time."""

import gzip
import random
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import anyio

import qcasync
from qcasync.simulator import Simulator, SimulatorTransport
from tests.support import true_time

T = TypeVar("T")
Work = Callable[[qcasync.Client], Awaitable[T]]


async def record(
    path: Path,
    simulator: Simulator,
    work: Work[T],
    *,
    clock_error: float = 0.0,
    token: str | None = None,
    observers: Iterable[qcasync.Observer] = (),
    **options: Any,
) -> T:
    """Do some work at a simulator, with a recorder."""
    clock = qcasync.Clock(
        wall=lambda: true_time() + clock_error, mono=lambda: anyio.current_time() + 777.0, counts_suspend=True
    )
    with qcasync.Recorder(path) as recorder:
        async with qcasync.Client(
            simulator.user_id,
            token or simulator.api_token,
            transport=SimulatorTransport(simulator, true_time),
            clock=clock,
            rng=random.Random(1),
            observers=[recorder, *observers],
            **options,
        ) as client:
            done = await work(client)
    assert recorder.stopped is None
    return done


async def play(
    source: Path | qcasync.ReplayTransport,
    work: Work[T],
    *,
    observers: Iterable[qcasync.Observer] = (),
    **options: Any,
) -> T:
    """Do the same work on a recording."""
    replay = source if isinstance(source, qcasync.ReplayTransport) else qcasync.ReplayTransport(source)
    rng = random.Random(1)
    async with qcasync.Client(
        1, "replay", transport=replay, clock=replay.clock, rng=rng, observers=observers, **options
    ) as client:
        return await work(client)


def text_of(path: Path) -> str:
    """The whole of a recording."""
    return gzip.decompress(path.read_bytes()).decode()
