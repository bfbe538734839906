"""A small recording that is kept, and what it told: on every Python, and with every release, it tells the same.

If a release is meant to tell something else, make both anew: `python -m tests.unit.recording.test_kept_recording`.
"""

from pathlib import Path
from typing import Any, Final

import anyio
import pytest

from qcasync._core.change_codec import decode_change
from qcasync.simulator import Conditions, Simulator
from tests.chaos.test_watch_replay import by_project, replayed, told_by
from tests.conftest import JumpingLoop
from tests.support import EPOCH, true_time
from tests.unit.recording.playing import record

RECORDING: Final = Path(__file__).parents[2] / "data" / "watch.jsonl.gz"
EXPECTED: Final = RECORDING.with_name("watch.changes.jsonl")
OPTIONS: Final[dict[str, Any]] = {
    "projects": [20_002_987, 20_005_562],
    "start": "beginning",
    "orders": 300.0,
    "portfolio": True,
    "statistics": 300.0,
    "status_every": 300.0,
    "logs": True,
    "insights": True,
}
"""A recording answers for the projects that it was made of."""


@pytest.mark.anyio
async def test_what_was_told_once_is_told_again() -> None:
    assert _lines(await replayed(RECORDING, OPTIONS)) == EXPECTED.read_bytes()


def test_the_recording_has_something_of_everything() -> None:
    kinds = {type(decode_change(line)).__name__ for line in EXPECTED.read_bytes().splitlines()}
    assert kinds >= {
        "CashChanged",
        "DeploymentFailed",
        "DeploymentStarted",
        "DeploymentStopped",
        "EquityChanged",
        "HoldingChanged",
        "InsightAdded",
        "LogLineAdded",
        "OrderAdded",
        "OrderChanged",
        "OrderEventAdded",
        "StatisticsChanged",
    }


def _lines(told: dict[int, list[bytes]]) -> bytes:
    return b"".join(line + b"\n" for project_id in sorted(told) for line in told[project_id])


async def _make() -> None:
    """Two projects for an hour: orders that are placed, filled, forgotten; a stop, an error, two new deployments."""
    conditions = Conditions(latency=0.2, jitter=1.0, loading=1, flush_seconds=300.0, clamp=3)
    simulator = Simulator(13, EPOCH, conditions=conditions)
    first, second = simulator.add_project(now=EPOCH), simulator.add_project(now=EPOCH)
    assert [first.id, second.id] == OPTIONS["projects"], f"say {[first.id, second.id]}"
    simulator.deploy(first.id, EPOCH - 3600)
    simulator.trade(first.id, 4, EPOCH - 1800)

    async def act() -> None:
        simulator.deploy(second.id, true_time())
        await anyio.sleep(400)
        simulator.trade(first.id, 2, true_time(), leave_open=True)
        simulator.log(first.id, "two orders", true_time())
        await anyio.sleep(500)
        simulator.fill(first.id, 4, true_time())
        simulator.insight(second.id, true_time())
        simulator.trade(second.id, 2, true_time())
        await anyio.sleep(700)
        simulator.end(second.id, true_time(), status="RuntimeError")
        await anyio.sleep(400)
        simulator.deploy(first.id, true_time())
        simulator.reset(first.id, true_time())
        simulator.trade(first.id, 2, true_time())
        await anyio.sleep(1600)

    RECORDING.unlink(missing_ok=True)
    told = await record(RECORDING, simulator, told_by(OPTIONS, act))
    EXPECTED.write_bytes(_lines(by_project(told)))
    RECORDING.chmod(0o644)


if __name__ == "__main__":
    anyio.run(_make, backend_options={"loop_factory": JumpingLoop})
