"""How many seeded runs: `--runs`, from `--seed` on. The default is what the default suite can afford."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("chaos")
    group.addoption("--runs", type=int, default=10_000, help="seeded listings in all")
    group.addoption("--seed", type=int, default=0, help="the first seed")


@pytest.fixture
def anyio_backend() -> str:
    """The runs open event loops of their own."""
    return "asyncio"
