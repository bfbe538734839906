"""Seeded runs begin behind the other tests, on every core, as soon as the session knows what it has to do.

Their tests come last, and find most of the work done.
"""

from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from tests.chaos.workers import Started, finish, start, workers

PROCESSES = pytest.StashKey[ProcessPoolExecutor]()
STARTED = pytest.StashKey[dict[str, Started]]()


def _is_seeded(item: pytest.Item) -> bool:
    return item.path.parent == Path(__file__).parent


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_is_seeded)  # the others stay in the order that they have


def pytest_collection_finish(session: pytest.Session) -> None:
    """A chaos module says in `seeded` what a chunk of its seeds is."""
    config = session.config
    chosen = [item for item in session.items if isinstance(item, pytest.Function) and _is_seeded(item)]
    if chosen and not config.option.collectonly:
        processes = config.stash[PROCESSES] = workers()
        config.stash[STARTED] = {
            item.nodeid: start(processes, *item.module.seeded(config, item.callspec.params["chunk"])) for item in chosen
        }


def pytest_sessionfinish(session: pytest.Session) -> None:
    processes = session.config.stash.get(PROCESSES, None)
    if processes is not None:
        processes.shutdown(cancel_futures=True)


@pytest.fixture
def ends(request: pytest.FixtureRequest) -> Counter[str]:
    """How the runs of a test's chunk ended. The test fails here if one of them failed."""
    return finish(request.config.stash[STARTED].pop(request.node.nodeid))
