"""A process that watches over a real socket, and is killed by SIGKILL again and again: nothing lost, nothing twice.

A failing seed replays alone, as far as time lets it: `pytest tests/chaos/test_watch_kills.py --runs 1000 --seed SEED`.
"""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import msgspec
import pytest

import qcasync
from qcasync._core.change_codec import decode_change
from qcasync.models.changes import Change
from qcasync.simulator import Conditions, Project, Server, Simulator, serve
from tests.chaos.watch_judge import Told, fold
from tests.chaos.watcher_process import Errand, Line
from tests.chaos.workers import Run
from tests.conftest import ENDS

WINDOWS: Final = sys.platform == "win32"
RUNS_PER_WATCH: Final = 1000
"""How many runs of `--runs`, which are models of a watch, stand for each one here."""
CHUNKS: Final = 2
KILLS: Final = 10
"""In a run."""
LONGEST: Final = 0.3
"""Seconds that a process lives after its first request, at most."""
SLOWEST: Final = 5.0
"""Seconds within which it makes that, even on a busy machine."""
PATIENCE: Final = 30.0
"""Seconds for everything to be told, on a machine that has other things to do."""
ROOT: Final = Path(__file__).parents[2]


class Scene:
    """A simulator that is served, a process that watches it, and whoever kills that."""

    def __init__(self, seed: int, server: Server, directory: Path) -> None:
        self.chance = random.Random(seed)
        self.server = server
        self.simulator = server.simulator
        self.projects: list[Project] = [
            self.simulator.add_project([self.chance.randint(1, 9)], now=time.time()) for _ in range(3)
        ]
        self.checkpoint = directory / "checkpoint"
        self.journal = directory / "journal"
        self.journal.touch()
        self.lives = 0
        self.ends: Counter[str] = Counter()
        self._open: dict[int, list[int]] = {}

    def errand(self) -> Errand:
        """What the next process is to do."""
        self.lives += 1
        return Errand(
            base_url=self.server.base_url,
            user_id=self.simulator.user_id,
            api_token=self.simulator.api_token,
            life=self.lives,
            projects=[project.id for project in self.projects],
            checkpoint=str(self.checkpoint),
            journal=str(self.journal),
            backend=self.chance.choice(["asyncio", "asyncio", "trio"]),
            ends_on=[signal.SIGTERM, signal.SIGINT],
        )

    def act(self) -> None:
        """Something happens in one of the projects."""
        project, now = self.chance.choice(self.projects), time.time()
        waiting = self._open.setdefault(project.id, [])
        match self.chance.choice(["trade", "trade", "open", "fill", "deploy"]):
            case "trade":
                self.simulator.trade(project.id, self.chance.randint(1, 3), now)
            case "open":
                latest = project.latest
                assert latest is not None
                waiting.append(latest.book.size)
                self.simulator.trade(project.id, 1, now, leave_open=True)
            case "fill" if waiting:
                self.simulator.fill(project.id, waiting.pop(), now)
            case "deploy":
                self.simulator.deploy(project.id, now)
                waiting.clear()

    def live_on(self) -> None:
        """Let time pass until an instant at which to kill: any, or one right after something was written down."""
        asked = self.simulator.ledger.count()
        until = time.monotonic() + SLOWEST
        if self.chance.random() < 0.8:
            while self.simulator.ledger.count() == asked and time.monotonic() < until:
                time.sleep(0.001)
        before, until = self.journal.stat().st_size, time.monotonic() + self.chance.uniform(0, LONGEST)
        just_written = self.chance.random() < 0.5
        for _ in range(self.chance.choice([0, 1, 3])):
            self.act()
        while (now := time.monotonic()) < until:
            if just_written and self.journal.stat().st_size > before:
                time.sleep(self.chance.uniform(0, 0.004))
                return
            if self.chance.random() < 0.02:
                self.act()
            time.sleep(min(0.002, until - now))

    @property
    def owners(self) -> int:
        """How many processes have had the checkpoint."""
        if not self.checkpoint.exists():
            return 0
        with closing(sqlite3.connect(self.checkpoint)) as database:
            return int(database.execute("SELECT fence FROM qc_owner").fetchone()[0])

    def orders(self, project: Project) -> tuple[qcasync.Order, ...]:
        """The project's orders as they are."""
        rows = b",".join(project.rows(project.truths(), 0, float("inf")))
        return qcasync.decode_orders(b'{"orders":[' + rows + b'],"success":true}').orders


class Watcher:
    """The program that forks a process for each errand."""

    def __init__(self) -> None:
        self._program = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.watcher_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
        )

    def start(self, errand: Errand) -> int:
        """Let a process begin. Returns its id."""
        assert self._program.stdin is not None
        self._program.stdin.write(msgspec.json.encode(errand) + b"\n")
        self._program.stdin.flush()
        return self._answer()

    def end(self, process: int, number: signal.Signals) -> int:
        """Send a signal to the process, and wait until it is gone. Returns its exit code."""
        os.kill(process, number)
        return self._answer()

    def close(self) -> str:
        """End the program. Returns what it complained of."""
        _, complaints = self._program.communicate(timeout=PATIENCE)
        return complaints.decode()

    def _answer(self) -> int:
        assert self._program.stdout is not None
        line = self._program.stdout.readline()
        assert line, f"the program is gone: {self.close()}"
        return int(line)


@contextmanager
def watcher() -> Iterator[Watcher]:
    """The program, without complaints at its end."""
    program = Watcher()
    try:
        yield program
    finally:
        complaints = program.close()
    assert not complaints, complaints


def run(seed: int) -> Counter[str]:
    """One run: ten kills, and signals in between on which the process ends in good order."""
    simulator = Simulator(seed, time.time(), conditions=Conditions(flush_seconds=0.0))
    with (
        tempfile.TemporaryDirectory(prefix="qcasync-") as directory,
        serve(simulator) as server,
        watcher() as program,
    ):
        scene = Scene(seed, server, Path(directory))
        while scene.ends["kills"] < KILLS:
            number = scene.chance.choice([signal.SIGKILL] * 5 + [signal.SIGTERM, signal.SIGINT])
            owners = 0 if number is signal.SIGKILL else scene.owners  # who looks spares the next process some work
            process = program.start(scene.errand())
            scene.live_on()
            code = program.end(process, number)
            if number is signal.SIGKILL:
                assert code == -signal.SIGKILL
                scene.ends["kills"] += 1
            else:
                _ended_well(scene, code, owners)
        owners = scene.owners
        process = program.start(scene.errand())
        _wait_until_all_is_told(scene)
        _ended_well(scene, program.end(process, signal.SIGTERM), owners)
        return scene.ends + _check(scene)


def _ended_well(scene: Scene, code: int, owners: int) -> None:
    """Ended by a signal that may be caught: in good order, unless it came before anybody could catch it."""
    if code < 0:
        scene.ends["signals that came too early"] += 1
        return
    assert code == 0
    scene.ends["signals"] += 1
    if scene.owners > owners:  # it had come so far as to open the checkpoint
        with closing(sqlite3.connect(scene.checkpoint)) as database:
            assert database.execute("PRAGMA quick_check").fetchone() == ("ok",)
            assert database.execute("SELECT host FROM qc_owner").fetchone() == ("",)


def _wait_until_all_is_told(scene: Scene) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        told = _told(scene)
        folded = fold(told)
        wrongs = (
            (project.id, wrong)
            for project in scene.projects
            for ours in [Told(project.id, told, folded)]
            for order in scene.orders(project)
            if (wrong := ours.wrong(order)) is not None
        )
        wrong = next(wrongs, None)
        if wrong is None:
            return
        assert time.monotonic() < until, f"lost: {wrong}"
        time.sleep(0.1)


def _lines(scene: Scene) -> list[Line]:
    text = scene.journal.read_bytes()
    return [msgspec.json.decode(line, type=Line) for line in text.splitlines() if line]


def _told(scene: Scene) -> list[Change]:
    """Each change once, in the order in which they came first."""
    told: dict[tuple[int, int], Change] = {}
    for line in _lines(scene):
        change = msgspec.structs.replace(decode_change(line.change), sequence=line.sequence)
        known = told.setdefault((change.project_id, change.sequence), change)
        assert known.key == change.key, f"{change.key} came as {known.key} before"
    return list(told.values())


def _check(scene: Scene) -> Counter[str]:
    """At most one redelivery for each project and process, of the head; each change once in the consumer's table."""
    told = _told(scene)
    again: Counter[tuple[int, int]] = Counter()
    attempts: defaultdict[tuple[int, int], int] = defaultdict(int)
    for line in _lines(scene):
        project_id = decode_change(line.change).project_id
        place = project_id, line.sequence
        if attempts[place]:
            again[line.life, project_id] += 1
        assert line.attempt > attempts[place], "delivered again as if for the first time"
        attempts[place] = line.attempt
    assert max(again.values(), default=0) <= 1, "more than the head came again"
    with closing(sqlite3.connect(scene.checkpoint)) as database:
        poured = database.execute("SELECT project_id, sequence, key FROM sink ORDER BY rowid").fetchall()
        acknowledged = dict(database.execute("SELECT project_id, acknowledged FROM qc_queues"))
    settled = [each for each in told if each.sequence <= acknowledged[each.project_id]]
    assert Counter(poured) == Counter((each.project_id, each.sequence, each.key) for each in settled), (
        "not exactly once"
    )
    ahead = Counter(each.project_id for each in told if each.sequence > acknowledged[each.project_id])
    assert max(ahead.values(), default=0) <= 1, "delivered before the one before it was acknowledged"
    last: defaultdict[int, int] = defaultdict(int)
    for project_id, sequence, _ in poured:
        assert sequence == last[project_id] + 1
        last[project_id] = sequence
    return Counter({"changes": len(told), "redeliveries": again.total(), "starts": scene.lives})


# The runs


def seeded(config: pytest.Config, chunk: int) -> tuple[Run, range]:
    """What a chunk runs."""
    runs, first = -(-config.getoption("--runs") // RUNS_PER_WATCH), config.getoption("--seed")
    return run, range(first + chunk, first if WINDOWS else first + runs, CHUNKS)


@pytest.mark.skipif(WINDOWS, reason="needs fork and SIGKILL")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_killed_at_any_instant(chunk: int, ends: Counter[str], request: pytest.FixtureRequest) -> None:
    """Goal G10: 100 kills with `--runs 10000`, 2,000 with `--runs 200000`."""
    request.config.stash[ENDS]["kills"].update(ends)
    assert ends["kills"] or request.config.getoption("--runs") <= RUNS_PER_WATCH * CHUNKS
