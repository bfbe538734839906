"""A recorded watch, watched again: the same changes, byte for byte (goal G13).

A failing seed replays alone: `pytest tests/chaos/test_watch_replay.py --runs 500 --seed SEED`.
"""

import logging
import random
import tempfile
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Final

import anyio
import pytest

import qcasync
from qcasync._core.change_codec import encode_change
from qcasync.models.changes import Change, ProjectFailing, ServiceFailing
from qcasync.poller import MemoryStore
from qcasync.simulator import Conditions, FaultKind, Simulator
from tests.chaos.workers import Run
from tests.conftest import ENDS, JumpingLoop, virtual_trio
from tests.support import EPOCH, true_time
from tests.unit.recording.playing import play, record

CHUNKS: Final = 4
RUNS_PER_WATCH: Final = 1000
"""How many runs of `--runs`, which are models of a watch, stand for each one here."""
LASTS: Final = 5400.0
"""Seconds that are recorded."""
K = FaultKind
ANSWERED: Final = (K.EMPTY_500, K.HTML_502, K.BARE_429, K.FAILURE_PASSING, K.HTML_200, K.SLOW)
"""Faults that are answers: what never came cannot be recorded."""


def told_by(
    options: dict[str, Any], until: Callable[[], Awaitable[object]]
) -> Callable[[Any], Awaitable[list[Change]]]:
    """What to do with a client: watch, and collect what is told."""

    async def work(client: qcasync.Client) -> list[Change]:
        told: list[Change] = []

        async def collect(changes: qcasync.Changes) -> None:
            async for change in changes:
                told.append(change)
                await change.ack()

        async with (
            client.watch(checkpoint=MemoryStore(), **options) as changes,
            anyio.create_task_group() as group,
        ):
            group.start_soon(collect, changes)
            await until()
            group.cancel_scope.cancel()
        return told

    return work


def by_project(told: Iterable[Change]) -> dict[int, list[bytes]]:
    """Each project's changes as bytes; between projects there is no order."""
    lines: defaultdict[int, list[bytes]] = defaultdict(list)
    for change in told:
        lines[change.project_id].append(encode_change(change))
    return dict(lines)


async def replayed(path: Path, options: dict[str, Any]) -> dict[int, list[bytes]]:
    """What a recording tells, up to its end: then nothing can be read any more, which is told as well."""
    replay = qcasync.ReplayTransport(path, pace=1.0)
    told = await play(replay, told_by(options, replay.wait_exhausted))
    assert replay.given == replay.answers, f"{replay.answers - replay.given} answers were never asked for"
    ended = [change for change in told if isinstance(change, ProjectFailing | ServiceFailing)]
    over = {id(change) for change in ended if change.error == qcasync.RecordingEnded.__name__}
    return by_project(change for change in told if id(change) not in over)


async def run(seed: int, directory: Path) -> Counter[str]:
    """One recording, and one replay."""
    chance = random.Random(seed)
    simulator = Simulator(
        seed,
        EPOCH,
        conditions=Conditions(
            latency=0.2,
            jitter=1.0,
            loading=chance.choice([0, 0, 2]),
            clamp=chance.choice([None, None, 7]),
            flush_seconds=chance.choice([60.0, 300.0, 600.0]),
            fault_rate=chance.choice([0.0, 0.0, 0.05]),
            fault_kinds=ANSWERED,
        ),
    )
    projects = [simulator.add_project([chance.randint(0, 30)]) for _ in range(chance.choice([1, 2, 4]))]
    options: dict[str, Any] = {
        "projects": [project.id for project in projects],
        "start": chance.choice(["now", "beginning"]),
        "orders": chance.choice([60.0, True]),
        **{aspect: chance.random() < 0.5 for aspect in ("portfolio", "statistics", "logs", "insights")},
    }

    async def act() -> None:
        until = true_time() + LASTS
        while true_time() < until:
            await anyio.sleep(min(chance.uniform(0, 900), until - true_time()))
            project = chance.choice(projects)
            if project.active(true_time()) is None or chance.random() < 0.1:
                simulator.deploy(project.id, true_time())
            elif chance.random() < 0.1:
                simulator.end(project.id, true_time(), status="RuntimeError")
            else:
                simulator.trade(project.id, chance.randint(1, 5), true_time())

    path = directory / "recording.jsonl.gz"
    expected = by_project(await record(path, simulator, told_by(options, act)))
    told = await replayed(path, options)
    assert told == expected
    return Counter({"recordings": 1, "changes": sum(map(len, expected.values()))})


def seeded(config: pytest.Config, chunk: int) -> tuple[Run, range]:
    """What a chunk runs."""
    runs, first = -(-config.getoption("--runs") // RUNS_PER_WATCH), config.getoption("--seed")
    return run_virtually, range(first + chunk, first + runs, CHUNKS)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_replayed_byte_for_byte(chunk: int, ends: Counter[str], request: pytest.FixtureRequest) -> None:
    """10 recordings with `--runs 10000`."""
    request.config.stash[ENDS]["recorded watches"].update(ends)
    assert ends["changes"] or request.config.getoption("--runs") <= RUNS_PER_WATCH * CHUNKS


def run_virtually(seed: int) -> Counter[str]:
    """One run, in virtual time, on the event loop that the seed chooses."""
    logging.getLogger("qcasync").setLevel(logging.CRITICAL + 1)
    with tempfile.TemporaryDirectory(prefix="qcasync-") as directory:
        if seed // CHUNKS % 2:
            return anyio.run(run, seed, Path(directory), backend="trio", backend_options=virtual_trio())
        return anyio.run(run, seed, Path(directory), backend="asyncio", backend_options={"loop_factory": JumpingLoop})
