"""The processes of all chaos tests."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.chaos.workers import workers


@pytest.fixture(scope="session")
def processes() -> Iterator[ProcessPoolExecutor]:
    """One for each core, for the whole session."""
    with workers() as processes:
        yield processes
