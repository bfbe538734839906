"""Seeded watches with the real client and the real checkpoint: nothing lost, nothing twice, nothing out of order.

Whatever the service does, and wherever the process dies. The judges are the simulator's own record, and the invariants.
A failing seed replays alone: `pytest tests/chaos/test_watch.py --runs 50 --seed SEED`.
"""

import logging
import math
import sqlite3
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Final

import anyio
import pytest

from qcasync.models.changes import (
    Change,
    DeploymentFailed,
    DeploymentStarted,
    DeploymentStopped,
    InsightAdded,
    LogLineAdded,
    StatusChanged,
)
from qcasync.simulator import Project
from tests.chaos.watch_judge import DATE, Told, fold
from tests.chaos.watch_lives import Process
from tests.chaos.watch_world import Erased
from tests.chaos.workers import Run
from tests.conftest import ENDS, JumpingLoop, virtual_trio
from tests.invariants import Folded, check, thing

CHUNKS: Final = 10
RUNS_PER_LISTING: Final = 50
"""So many listings of test_listings.py are run for each watch here."""
MEMORY = Path("/dev/shm")
"""Where a checkpoint costs no disk, if there is such a place."""


async def run(seed: int, directory: Path) -> Counter[str]:
    """One run. Returns what happened in it, counted."""
    process = Process(seed, directory / "checkpoint")
    await process.run()
    check(process.history)
    told = [change for _, change in process.history.changes()]
    folded = fold(told)
    for project in process.quantconnect.projects:
        _nothing_lost(process, project, folded, told)
        _statuses(process, project, told)
        _records(process, project, told)
    _delivered_well(process, told)
    return Counter(
        {
            "watches": 1,
            "starts": len(process.given),
            "changes": len(told),
            "redeliveries": sum(change.attempt > 1 for life in process.given for change in life),
            **process.ends,
            **{f"{what}s there": count for what, count in process.quantconnect.happened.items()},
        }
    )


# The judge


def _nothing_lost(process: Process, project: Project, folded: Folded, told: list[Change]) -> None:
    """Every order and event that was to be seen at the end, or before a reset, is told as it is."""
    complete_at = process.baselines.get((project.id, "complete"), math.inf)
    ours = Told(project.id, told, folded, since=process.told_since, complete_at=complete_at)
    for deploy_id, orders in process.quantconnect.shown(project).items():
        for order in orders:
            wrong = ours.wrong(order)
            assert wrong is None, f"lost: {wrong} of {deploy_id}"
    for erased in process.quantconnect.erased:
        if erased.project_id == project.id:
            _erased_with_notice(process, erased, ours)


def _erased_with_notice(process: Process, erased: Erased, told: Told) -> None:
    """What a reset has erased was told before, or it is told that it is missing; unless nobody ever saw any of it."""
    things = [told.added.get(thing(erased.project_id, order)) for _, order in erased.orders]
    numbers = {f"gap:{erased.project_id}:{added.deployment}:" for added in things if added is not None}
    vanished = any(gap.deploy_id == erased.deploy_id or gap.key.startswith(tuple(numbers)) for gap in told.gaps)
    unreadable = any(gap.key.startswith("unreadable:") for gap in told.gaps)
    for place, order in erased.orders:
        wrong = told.wrong(order)
        excused = vanished or not numbers or (unreadable and place in process.quantconnect.broken)
        assert wrong is None or excused, f"lost without a gap: {wrong} of {erased.deploy_id}"


def _statuses(process: Process, project: Project, told: list[Change]) -> None:
    """What is told of a deployment is what it was, one after the other, and in the end what it is."""
    for deployment in project.deployments:
        real = ["Initializing", "Running"] if deployment.deploy_id in process.quantconnect.first else ["Running"]
        if deployment.stopped_at is not None:
            real.append(deployment.ending)
        ours = [change for change in told if getattr(change, "deploy_id", None) == deployment.deploy_id]
        starts = [change for change in ours if isinstance(change, DeploymentStarted)]
        turns = [change for change in ours if isinstance(change, StatusChanged | DeploymentStopped | DeploymentFailed)]
        seen = [change.status for change in turns if change.status is not None]
        if starts and starts[0].status is not None and (not seen or seen[0] != starts[0].status):
            seen.insert(0, starts[0].status)
        assert len(starts) <= 1
        assert _is_subsequence([str(status.value) for status in seen], real), f"{seen} of {real}"
        known = process.baselines.get((project.id, "deployments"))
        since = process.told_since
        if since is None or deployment.launched_at >= since + DATE:
            assert starts, f"{deployment.deploy_id} was never told"
        ended_later = known is not None and deployment.stopped_at is not None and deployment.stopped_at > known
        if starts or ended_later:
            assert seen, f"{deployment.deploy_id} ended, and it was never told"
            assert seen[-1].value == real[-1], f"{deployment.deploy_id} is told to be {seen[-1]}, and is {real[-1]}"


def _is_subsequence(some: Iterable[str], all_of: Iterable[str]) -> bool:
    rest = iter(all_of)
    return all(each in rest for each in some)


def _records(process: Process, project: Project, told: list[Change]) -> None:
    """Lines and insights, one after the other, without a gap."""
    lines = [change for change in told if isinstance(change, LogLineAdded) and change.project_id == project.id]
    insights = [change for change in told if isinstance(change, InsightAdded) and change.project_id == project.id]
    assert [each.line for each in lines] == list(range(lines[0].line, lines[0].line + len(lines))) if lines else True
    assert len({each.insight.id for each in insights}) == len(insights)


def _delivered_well(process: Process, told: list[Change]) -> None:
    """Redelivered is the unacknowledged head of a project at most, once for each time the process ended."""
    before: set[tuple[int, int]] = set()
    for life in process.given:
        again = Counter(change.project_id for change in life if (change.project_id, change.sequence) in before)
        assert max(again.values(), default=0) <= 1, "more than the head was delivered again"
        before |= {(change.project_id, change.sequence) for change in life}
    with closing(sqlite3.connect(process.path)) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        if "sink" in tables:
            poured = database.execute("SELECT project_id, sequence, key FROM sink ORDER BY rowid").fetchall()
            assert Counter(poured) == Counter((each.project_id, each.sequence, each.key) for each in told)
            last: defaultdict[int, int] = defaultdict(int)
            for project_id, sequence, _ in poured:
                assert sequence == last[project_id] + 1
                last[project_id] = sequence
        assert database.execute("SELECT sum(last - acknowledged) FROM qc_queues").fetchone()[0] in {0, None}


# The runs


def seeded(config: pytest.Config, chunk: int) -> tuple[Run, range]:
    """What a chunk runs."""
    runs, first = -(-config.getoption("--runs") // RUNS_PER_LISTING), config.getoption("--seed")
    return run_virtually, range(first + chunk, first + runs, CHUNKS)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_nothing_lost_nothing_twice(chunk: int, ends: Counter[str], request: pytest.FixtureRequest) -> None:
    """Goal G9: 200 watches with `--runs 10000`, 5,000 with `--runs 250000`. Half of them on trio."""
    request.config.stash[ENDS]["watches"].update(ends)
    assert ends["watches"]


def run_virtually(seed: int) -> Counter[str]:
    """One run, in virtual time, on the event loop that the seed chooses."""
    logging.getLogger("qcasync").setLevel(logging.CRITICAL + 1)  # thousands of warnings that are as they should be
    place = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place, prefix="qcasync-") as directory:
        if seed // CHUNKS % 2:
            return anyio.run(run, seed, Path(directory), backend="trio", backend_options=virtual_trio())
        return anyio.run(run, seed, Path(directory), backend="asyncio", backend_options={"loop_factory": JumpingLoop})
