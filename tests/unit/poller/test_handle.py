"""A function that is given every change: again when it fails, aside after some times, and others meanwhile."""

import logging
from typing import Any

import anyio
import pytest

from qcasync.errors import CheckpointError, ConfigurationError
from qcasync.models.changes import Change
from qcasync.poller.memory_store import MemoryStore
from tests.unit.poller.watching import Moody, Stream, sequences, stream, taken

pytestmark = pytest.mark.anyio


class Handler:
    """Takes changes; some of them badly."""

    def __init__(self, *, fails: int = 0, seconds: float = 0.0) -> None:
        self.came: list[tuple[float, int, int, int]] = []
        self.done: list[Change] = []
        self.at_once = self.most = 0
        self._fails = fails
        self._seconds = seconds

    async def __call__(self, change: Change) -> None:
        self.came.append((anyio.current_time(), change.project_id, change.sequence, change.attempt))
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await anyio.sleep(self._seconds)
            if change.project_id == 7 and change.sequence == 1 and change.attempt <= self._fails:
                raise ValueError("a bad day")
            self.done.append(change)
        finally:
            self.at_once -= 1


async def handled(here: Stream, handler: Any, seconds: float = 1000.0, **options: Any) -> None:
    with anyio.move_on_after(seconds):
        await here.changes.handle(handler, **options)


async def test_each_change_in_turn() -> None:
    async with stream() as here:
        await here.tell(1, 2, 3)
        handler = Handler()
        await handled(here, handler)
        assert [sequence for _, _, sequence, _ in handler.came] == [1, 2, 3]
        assert here.changes.waiting == 0


async def test_a_failure_is_tried_again_later_and_the_project_waits(caplog: pytest.LogCaptureFixture) -> None:
    async with stream() as here:
        began = anyio.current_time()
        await here.tell(1, 2)
        await here.tell(1, project_id=8)
        handler = Handler(fails=3)
        await handled(here, handler)
        of_first = [(round(at - began, 3), attempt) for at, project, number, attempt in handler.came if project == 7]
        assert of_first == [(0, 1), (1, 2), (3, 3), (7, 4), (7, 1)]
        assert [round(at - began, 3) for at, project, _, _ in handler.came if project == 8] == [0]
        assert here.changes.waiting == 0
        assert await here.changes.parked() == []
    assert len([record for record in caplog.records if record.exc_info]) == 3


async def test_what_cannot_be_handled_is_parked_and_the_next_one_comes() -> None:
    store = MemoryStore()
    async with stream(store) as here:
        await here.tell(1, 2)
        handler = Handler(fails=99)
        await handled(here, handler, attempts=3)
        assert [(sequence, attempt) for _, _, sequence, attempt in handler.came] == [(1, 1), (1, 2), (1, 3), (2, 1)]
        assert [(change.sequence, reason) for change, reason in await here.changes.parked()] == [
            (1, "ValueError('a bad day')")
        ]
    async with stream(store) as here:
        assert here.changes.waiting == 0
        assert len(await here.changes.parked()) == 1


async def test_a_slow_project_does_not_delay_the_others() -> None:
    async with stream() as here:

        async def handler(change: Change) -> None:
            if change.project_id == 7:
                await anyio.sleep(10_000)
            came.append(change)

        came: list[Change] = []
        await here.tell(1, 2)
        for project_id in range(10, 60):
            await here.tell(1, 2, 3, project_id=project_id)
        await handled(here, handler, seconds=1.0)
        assert len(came) == 150
        assert here.changes.waiting == 2


async def test_few_at_once() -> None:
    async with stream() as here:
        for project_id in range(10, 60):
            await here.tell(1, 2, 3, project_id=project_id)
        handler = Handler(seconds=1.0)
        began = anyio.current_time()
        await handled(here, handler, concurrency=6)
        assert handler.most == 6
        assert max(at for at, *_ in handler.came) - began == pytest.approx(24)  # 150 of them, 6 at once


async def test_who_waits_after_a_failure_does_not_count_among_them() -> None:
    async with stream() as here:
        await here.tell(1)
        for project_id in range(10, 15):
            await here.tell(1, project_id=project_id)
        handler = Handler(fails=4)
        await handled(here, handler, concurrency=1)
        assert len({project_id for at, project_id, _, _ in handler.came if at < 0.5}) == 6


async def test_a_handler_may_acknowledge_by_itself() -> None:
    async with stream() as here:
        await here.tell(1, 2, 3)
        came: list[Change] = []

        async def handler(change: Change) -> None:
            came.append(change)
            await change.ack()
            if change.sequence == 2:
                raise ValueError("too late")

        await handled(here, handler)
        assert sequences(came) == [1, 2, 3]
        assert [change.attempt for change in came] == [1, 1, 1]
        assert here.changes.waiting == 0


async def test_left_while_handlers_run_everything_comes_again() -> None:
    store = MemoryStore()
    async with stream(store) as here:
        await here.tell(1, 2)
        await here.tell(1, project_id=8)
        await handled(here, Handler(seconds=10.0), seconds=5.0)
    async with stream(store) as here:
        handler = Handler()
        await handled(here, handler)
        assert sorted((project, number, attempt) for _, project, number, attempt in handler.came) == [
            (7, 1, 2),
            (7, 2, 1),
            (8, 1, 2),
        ]


async def test_the_watch_ends_under_the_handlers(caplog: pytest.LogCaptureFixture) -> None:
    """Those that run may finish, none begins any more, and nothing is raised."""
    caplog.set_level(logging.INFO, "qcasync")
    store = MemoryStore()
    began: list[tuple[float, int]] = []
    finished: list[int] = []

    async def handler(change: Change) -> None:
        began.append((anyio.current_time(), change.project_id))
        await anyio.sleep(10.0 if change.project_id == 8 else 0.0)
        if change.project_id == 7:
            raise ValueError("a bad day")
        finished.append(change.project_id)

    async with anyio.create_task_group() as group, stream(store) as here:
        await here.tell(1)
        await here.tell(1, project_id=8)
        group.start_soon(here.changes.handle, handler)
        await anyio.sleep(1.5)
        ended = anyio.current_time()
    assert [project_id for _, project_id in began] == [7, 8, 7]
    assert all(at <= ended for at, _ in began)
    assert finished == [8]
    assert anyio.current_time() == pytest.approx(ended + 8.5)
    assert sum("comes again" in record.message for record in caplog.records) == 1
    async with stream(store) as here:
        assert here.changes.waiting == 2


async def test_a_store_that_was_taken_ends_the_handling_with_its_error() -> None:
    store = Moody()
    async with stream(store) as here:
        for project_id in range(10, 20):
            await here.tell(1, project_id=project_id)
        store.refuses = taken("acknowledge")
        with pytest.raises(CheckpointError, match="was taken over"):
            await here.changes.handle(Handler(seconds=1.0))


async def test_handlers_that_hang_do_not_starve_other_projects() -> None:
    """They are cancelled after a while, which is a failed attempt."""
    async with stream() as here:
        for project_id in range(10, 40):
            await here.tell(1, 2, project_id=project_id)
        done: list[Change] = []

        async def handler(change: Change) -> None:
            if change.project_id < 25:
                await anyio.sleep_forever()
            done.append(change)

        await handled(here, handler, seconds=1000.0)
        assert {change.project_id for change in done} == set(range(25, 40))
        assert len(done) == 30


async def test_a_handler_that_hangs_has_failed() -> None:
    async with stream() as here:
        await here.tell(1, 2)
        handler = Handler(seconds=61.0)
        await handled(here, handler, attempts=2, timeout=60.0)
        assert [attempt for *_, attempt in handler.came] == [1, 2, 1, 2]
        reasons = {reason for _, reason in await here.changes.parked()}
        assert reasons == {"TimeoutError('the handler did not return within 60 s')"}


async def test_a_sink_may_be_down_for_a_quarter_of_an_hour() -> None:
    async with stream() as here:
        await here.tell(1, 2)
        began = anyio.current_time()
        came: list[Change] = []

        async def handler(change: Change) -> None:
            if anyio.current_time() < began + 780:
                raise ConnectionError("down")
            came.append(change)

        await handled(here, handler)
        assert sequences(came) == [1, 2]
        assert await here.changes.parked() == []


async def test_what_cannot_be_handled_is_parked_after_a_quarter_of_an_hour() -> None:
    async with stream() as here:
        await here.tell(1)
        began = anyio.current_time()
        handler = Handler(fails=99)
        await handled(here, handler, seconds=5000.0)
        assert len(await here.changes.parked()) == 1
        assert handler.came[-1][0] - began == pytest.approx(63 + 13 * 60)


class Poison(Exception):
    """It shows itself badly, or not at all."""

    def __repr__(self) -> str:
        if not self.args:
            raise RuntimeError("no")
        return f"Poison {self.args[0]}"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Poison("not \ud800 this"), r"Poison not \ud800 this"),
        (ConnectionError("sink postgres://user:pass@word@db/x"), "ConnectionError('sink postgres://[redacted]@db/x')"),
        (ValueError("user id 4711"), "ValueError('user id [redacted]')"),
        (ValueError("la " * 1000), f"ValueError('{'la ' * 162}…"),
        (Poison(), "Poison"),
    ],
    ids=["surrogate", "login", "user", "long", "repr"],
)
async def test_any_error_can_be_kept_and_is_kept_without_secrets(error: Exception, reason: str) -> None:
    async with stream() as here:
        await here.tell(1)

        async def handler(_: Change) -> None:
            raise error

        await handled(here, handler, attempts=1)
        [(_, kept)] = await here.changes.parked()
        assert kept[:480] == reason[:480]
        assert len(kept) <= 500
        kept.encode()


@pytest.mark.parametrize("options", [{"attempts": 0}, {"concurrency": 0}, {"timeout": 0}, {"timeout": float("nan")}])
async def test_numbers_that_make_no_sense(options: dict[str, Any]) -> None:
    async with stream() as here:
        with pytest.raises(ConfigurationError, match="would handle nothing"):
            await here.changes.handle(Handler(), **options)


async def test_slow_handlers_are_no_forgotten_acknowledgements(caplog: pytest.LogCaptureFixture) -> None:
    async with stream() as here:
        await here.tell(1)
        await handled(here, Handler(seconds=250.0))
        assert here.changes.waiting == 0
    assert caplog.records == []
