"""What takes seconds, or processes of its own, begins behind the other tests, as soon as the session knows of it.

A test that is marked `early(job=...)` comes late. Its fixture `early` has what the job returned, or raises what that
raised. The job is a function of a module; it runs in another process, and is called with the parameters of the test.
Tests that name the same job with the same parameters share it.
"""

import faulthandler
import gc
import sys
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

import pytest

from tests.chaos.workers import workers

HANGING = 300
"""After so many seconds a job shows where it is, and its process dies. Each gives way, and so may take long."""

PROCESSES = pytest.StashKey[ProcessPoolExecutor]()
BEGUN = pytest.StashKey[dict[str, Future[Any]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "early(*, job): what another process does, before the test comes")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("early") is not None)  # the others stay in their order


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin each job once, in the order of the tests. Seeded runs, which come later, give way even more."""
    if session.config.option.collectonly:
        return
    processes = session.config.stash[PROCESSES] = workers(5)  # none starts before it has something to do
    begun = session.config.stash[BEGUN] = {}
    shared: dict[tuple[Callable[..., Any], str], Future[Any]] = {}
    for item in session.items:
        marker = item.get_closest_marker("early")
        if marker is not None:
            job = marker.kwargs["job"]
            parameters = getattr(getattr(item, "callspec", None), "params", {})
            key = job, repr(parameters)
            if key not in shared:
                shared[key] = processes.submit(_run, job, parameters)
            begun[item.nodeid] = shared[key]
            item.add_marker(pytest.mark.timeout(0))  # it may have to wait for other jobs; each of them ends


def pytest_sessionfinish(session: pytest.Session) -> None:
    pool = session.config.stash.get(PROCESSES, None)
    if pool is not None:
        pool.shutdown(cancel_futures=True)


@pytest.fixture
def early(request: pytest.FixtureRequest) -> Any:
    """What the test's job has returned."""
    return request.config.stash[BEGUN][request.node.nodeid].result()


def _run(job: Callable[..., Any], parameters: Mapping[str, Any]) -> Any:
    """As pytest would: a warning is an error, also where nobody can raise it."""
    unraisable: list[str] = []
    gc.freeze()
    sys.unraisablehook = lambda seen: unraisable.append(f"{seen.exc_value!r} in {seen.object!r}")
    faulthandler.dump_traceback_later(HANGING, exit=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            done = job(**parameters)
            gc.collect()
    finally:
        faulthandler.cancel_dump_traceback_later()
    if unraisable:
        pytest.fail("\n".join(unraisable), pytrace=False)
    return done
