"""Every async test runs on asyncio and on trio, in virtual time: a clock that jumps to the next deadline when idle.

Tests that use real sockets override the fixture `anyio_backend`; see tests/integration/conftest.py.
"""

import asyncio
import gc
import selectors
from collections import Counter, defaultdict
from typing import Any

import pytest
import trio.testing
from hypothesis import HealthCheck, settings

pytest_plugins = ["qcasync.simulator.pytest_plugin", "tests.canaries", "tests.early", "tests.aside"]

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")


class JumpingSelector(selectors.DefaultSelector):
    """When nothing is ready, time passes at once instead of being waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.jumped = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout:
            self.jumped += timeout
            return ready
        return ready or super().select(timeout)


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time. It starts at 0 and must not be used with real sockets."""

    def __init__(self) -> None:
        self._jumping = JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.jumped


def virtual_trio() -> dict[str, Any]:
    """Options for a trio run in virtual time."""
    return {"clock": trio.testing.MockClock(autojump_threshold=0)}


VIRTUAL = [
    pytest.param(("asyncio", {"loop_factory": JumpingLoop}), id="asyncio"),
    pytest.param("trio", id="trio"),
]


one_loop = pytest.mark.parametrize("anyio_backend", VIRTUAL[:1])
"""For what takes long, and where only virtual time goes by: the event loops differ in tests beside it."""


@pytest.fixture(params=VIRTUAL)
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Both event loops, in virtual time."""
    return ("trio", virtual_trio()) if request.param == "trio" else request.param


ENDS = pytest.StashKey[defaultdict[str, Counter[str]]]()
"""How the seeded runs of tests/chaos ended, by what they ran."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("chaos", "seeded runs (tests/chaos)")
    runs = "seeded runs of a watch's model, and of the others in proportion (default: %(default)s)"
    group.addoption("--runs", type=int, default=2_500, help=runs)
    group.addoption("--mutations", type=int, default=100_000, help="seeded mutations in all (default: %(default)s)")
    group.addoption("--seed", type=int, default=0, help="the first seed (default: %(default)s)")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ENDS] = defaultdict(Counter)


def pytest_collection_finish() -> None:
    """A full collection, which many tests ask for, need not visit 9,000 tests each time: that takes 0.2 s."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)  # reports pile up, and visiting them takes one second in twenty


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for what, ends in config.stash[ENDS].items():
        told = ", ".join(f"{count} {end}" for end, count in ends.most_common()) or "none"
        terminalreporter.write_line(f"seeded {what} from seed {config.getoption('--seed')}: {told}")
