"""How many seeded runs: `--runs`, from `--seed` on. The default is what the default suite can afford."""

from collections import Counter

import pytest

ENDS = pytest.StashKey[Counter[str]]()
"""How the runs of this session ended."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("chaos")
    group.addoption("--runs", type=int, default=10_000, help="seeded listings in all")
    group.addoption("--seed", type=int, default=0, help="the first seed")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ENDS] = Counter()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    ends = config.stash[ENDS]
    if ends:
        told = ", ".join(f"{count} {end}" for end, count in ends.most_common())
        terminalreporter.write_line(f"seeded listings from seed {config.getoption('--seed')}: {told}")


@pytest.fixture
def anyio_backend() -> str:
    """The runs open event loops of their own."""
    return "asyncio"
