"""A checkpoint's file, and the store in it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from qcasync.poller.sqlite_store import SqliteStore
from tests.unit.poller.sqlite_store.files import opened
from tests.unit.poller.test_stores import QUICK


@pytest.fixture
def path() -> Iterator[Path]:
    """Where a checkpoint is to be."""
    with tempfile.TemporaryDirectory(dir=QUICK) as directory:
        yield Path(directory, "live.db")


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = opened(path)
    yield store
    store.close()
