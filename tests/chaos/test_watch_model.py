"""Seeded watches of seeded worlds, with the poller's own core and store: 0 lost, 0 told twice, 0 out of order.

Goal G8. A failing seed replays alone: `pytest tests/chaos/test_watch_model.py --runs 10 --seed SEED`.
"""

from collections import Counter
from typing import Final

import pytest

from tests.chaos.watch_model import watch
from tests.chaos.workers import Run
from tests.conftest import ENDS

CHUNKS: Final = 10
OFTEN: Final = frozenset(
    {
        "amended",
        "broken",
        "change",
        "clamped",
        "complete look",
        "crash",
        "empty while warming",
        "error",
        "event",
        "full look",
        "gap",
        "late event",
        "look given up",
        "order",
        "partial look",
        "project failed",
        "quarantined",
        "redeployed",
        "reset",
        "reverted",
        "silent change",
        "stale answer",
        "stale order",
        "told",
        "undisturbed run",
    }
)
"""What has to occur in every hundred runs, or the model shows less than it claims."""


def seeded(config: pytest.Config, chunk: int) -> tuple[Run, range]:
    """What a chunk runs."""
    runs, first = config.getoption("--runs"), config.getoption("--seed")
    return watch, range(first + chunk, first + runs, CHUNKS)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_nothing_is_lost_or_told_twice(chunk: int, ends: Counter[str], request: pytest.FixtureRequest) -> None:
    """All invariants hold in every run, what was told is the world, and the model did what it is there for."""
    request.config.stash[ENDS]["watches"].update(ends)
    assert ends["run"] < 100 or set(ends) >= OFTEN, f"never happened: {sorted(OFTEN - set(ends))}"
