"""What was recorded comes out again: the same values in the same order at the same times, whoever asks first."""

import logging
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import msgspec
import pytest

import qcasync
from qcasync import Client, RecordingEnded, ReplayTransport
from qcasync.simulator import Conditions, FaultKind, Simulator
from qcasync.transports.protocol import Fault, Phase, Progress, Request, Transport, TransportError
from tests.support import EPOCH
from tests.unit.recording.playing import play, record

pytestmark = pytest.mark.anyio

URL = "https://www.quantconnect.com/api/v2/"


def project_ids(simulator: Simulator, *sizes: int) -> list[int]:
    return [simulator.add_project([size]).id for size in sizes]


async def look_at_everything(client: Client, ids: list[int]) -> list[Any]:
    """Each read of the API."""
    ids = list(ids)
    seen: list[Any] = [await client.live.list(), await client.live.list(status="Running")]
    for project_id in ids:
        seen.append(await client.live.list_orders(project_id))
        seen.append(await client.live.read_portfolio(project_id))
        seen.append(await client.live.read(project_id))
        start, end = datetime.fromtimestamp(EPOCH - 9000, UTC), datetime.fromtimestamp(EPOCH, UTC)
        chart = await client.live.read_chart(project_id, "Strategy Equity", start=start, end=end)
        seen.append({name: list(series.points()) for name, series in chart.series.items()})
    return seen


def without_contents(seen: list[Any]) -> bytes:
    """In bytes, and without what a recording leaves out."""
    for each in seen:
        for file in getattr(each, "files", ()):
            msgspec.structs.force_setattr(file, "content", "")
    return repr(seen).encode()


WORLDS: dict[str, tuple[Conditions, float]] = {
    "plain": (Conditions(latency=0.2), 0.0),
    "loading": (Conditions(loading=2), 0.0),
    "warming and clamped": (Conditions(latency=0.1, warming_seconds=1.0, clamp=40, broken_orders=frozenset({7})), 0.0),
    "a wrong clock": (Conditions(latency=0.1), -3 * 3600.0),
    "no dates": (Conditions(send_date=False), 0.0),
}


@pytest.mark.parametrize("name", WORLDS)
async def test_every_read_comes_out_the_same(tmp_path: Path, name: str) -> None:
    conditions, clock_error = WORLDS[name]
    simulator = Simulator(3, EPOCH, conditions=conditions)
    ids = project_ids(simulator, 0, 12, 487)
    then_told: list[qcasync.Observation] = []
    told: list[qcasync.Observation] = []
    path = tmp_path / "r"

    async def work(client: Client) -> list[Any]:
        return await look_at_everything(client, ids)

    then = await record(path, simulator, work, clock_error=clock_error, observers=[then_told.append])
    replay = ReplayTransport(path)
    assert without_contents(await play(replay, work, observers=[told.append])) == without_contents(then)
    assert replay.given == replay.answers > 10
    assert (replay.passed_over, replay.torn, replay.exhausted) == (0, None, False)
    for kind in (qcasync.SkewCorrected, qcasync.LoadingObserved, qcasync.RetryScheduled):
        assert sum(isinstance(each, kind) for each in told) == sum(isinstance(each, kind) for each in then_told)


async def test_failures_come_out_the_same(tmp_path: Path) -> None:
    """Statuses, HTML, refusals, throttling: what was an answer is one again. A lost connection was none."""
    simulator = Simulator(3, EPOCH)
    (project_id,) = project_ids(simulator, 250)
    kinds = (FaultKind.HTML_502, FaultKind.EMPTY_500, FaultKind.CUT_JSON, FaultKind.RESET_BEFORE_ANSWER)
    for number, kind in enumerate(kinds):
        simulator.fault(kind, path="live/orders/read", nth=2 * number + 2)
    told: list[qcasync.Observation] = []
    path = tmp_path / "r"

    async def work(client: Client) -> list[str]:
        ends = []
        for wanted in (project_id, 999_999):
            try:
                ends.append(repr(tuple(await client.live.list_orders(wanted))))
            except qcasync.APIError as error:
                ends.append(error.reason)
        return ends

    then = await record(path, simulator, work)
    assert await play(path, work, observers=[told.append]) == then
    assert sum(isinstance(each, qcasync.RetryScheduled) for each in told) == 3


@pytest.mark.parametrize("latency", [0.0, 0.3, 2.0])
async def test_a_client_learns_the_same_of_the_servers_clock(tmp_path: Path, latency: float) -> None:
    simulator = Simulator(3, EPOCH, conditions=Conditions(latency=latency))

    async def work(client: Client) -> tuple[float | None, float | None]:
        for _ in range(3):
            await client.live.list()
            await anyio.sleep(20.3)
        await client.live.list()
        return client.clock_offset, client.clock_uncertainty

    then = await record(tmp_path / "r", simulator, work, clock_error=2.5)
    assert then[1] is not None
    assert await play(tmp_path / "r", work) == pytest.approx(then, abs=1e-6)


async def test_a_replay_says_nothing_about_the_clock(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A recording of last year is signed with last year's time; also after hours in which nothing was asked."""
    simulator = Simulator(3, EPOCH, conditions=Conditions(latency=0.3))

    async def slowly(client: Client) -> None:
        for _ in range(5):
            await client.live.list()
            await anyio.sleep(9000)

    async def quickly(client: Client) -> float:
        for _ in range(5):
            await client.live.list()
        assert client.clock_offset is not None
        return client.clock_offset

    await record(tmp_path / "r", simulator, slowly)
    caplog.set_level(logging.INFO)
    replay = ReplayTransport(tmp_path / "r")
    assert abs(await play(replay, quickly)) <= 1.0
    assert abs(replay.clock.wall() - (EPOCH + 4 * 9000.3 + 0.3)) < 1
    assert not [entry for entry in caplog.records if entry.name == "qcasync"]


class Reading:
    """Polls projects at the same time, and remembers what came out, in order.

    Args:
        rng: Draws pauses and who begins; None for fixed ones.
    """

    def __init__(self, ids: list[int], rng: random.Random | None, rounds: int = 4) -> None:
        self.ids = ids
        self.rng = rng
        self.rounds = rounds
        self.seen: list[tuple[int, int, float]] = []

    async def __call__(self, client: Client) -> list[tuple[int, int, float]]:
        async with anyio.create_task_group() as group:
            ids = self.ids if self.rng is None else self.rng.sample(self.ids, len(self.ids))
            for project_id in ids:
                group.start_soon(self.poll, client, project_id)
        return self.seen

    async def poll(self, client: Client, project_id: int) -> None:
        for _ in range(self.rounds):
            await anyio.sleep(project_id % 7 if self.rng is None else self.rng.random() * 2)
            page = await client.live.read_orders(project_id, 0, 100)
            self.seen.append((project_id, len(page.orders), client._exchange.clock.wall()))


@pytest.mark.parametrize("seed", range(10))
async def test_order_does_not_depend_on_who_asks_first(tmp_path: Path, seed: int) -> None:
    """Eight tasks, other pauses, another order of starting: the same answers, in the same order, at the same times."""
    simulator = Simulator(3, EPOCH, conditions=Conditions(latency=0.5))
    ids = project_ids(simulator, *range(1, 9))
    then = await record(tmp_path / "r", simulator, Reading(ids, None))
    replay = ReplayTransport(tmp_path / "r")
    now = await play(replay, Reading(ids, random.Random(seed)))
    assert [(project_id, count) for project_id, count, _ in now] == [(each, count) for each, count, _ in then]
    assert [at for *_, at in now] == pytest.approx([at for *_, at in then], abs=0.001)
    assert now == await play(tmp_path / "r", Reading(ids, random.Random(seed + 1)))
    assert replay.passed_over == 0


async def test_an_answer_that_nobody_asks_for_is_passed_over(tmp_path: Path) -> None:
    """After some patience; who asks for it later gets it at once."""
    simulator = Simulator(3, EPOCH)
    (project_id,) = project_ids(simulator, 5)

    async def whole(client: Client) -> None:
        await client.live.list(status="Running")
        await client.authenticate()
        await anyio.sleep(1)
        await client.live.list_orders(project_id)

    async def part(client: Client) -> tuple[int, int, int]:
        began = anyio.current_time()
        assert (await client.live.list_orders(project_id)).total == 5
        waited, passed_over = anyio.current_time() - began, replay.passed_over
        assert waited == pytest.approx(7.0, abs=0.1)
        began, wall = anyio.current_time(), replay.clock.wall()
        await client.authenticate()
        assert anyio.current_time() == began
        assert replay.clock.wall() == wall
        return passed_over, replay.passed_over, replay.given

    await record(tmp_path / "r", simulator, whole)
    replay = ReplayTransport(tmp_path / "r", patience=7.0)
    passed_before, passed_after, given = await play(replay, part)
    assert (passed_before, passed_after) == (2, 1)
    assert given == replay.answers - 1


async def test_the_end(tmp_path: Path) -> None:
    """A service that goes on asking is told so, in an error of its own, and so is whoever waits for the end."""
    simulator = Simulator(3, EPOCH)
    ids = project_ids(simulator, 3, 4)
    events: list[str] = []

    async def poll(client: Client, project_id: int) -> None:
        while True:
            try:
                page = await client.live.read_orders(project_id, 0, 100)
                events.append(f"{project_id}: {len(page.orders)}")
            except RecordingEnded:
                events.append("error")
            await anyio.sleep(60)

    async def for_ever(client: Client) -> None:
        async with anyio.create_task_group() as group:
            for project_id in ids:
                group.start_soon(poll, client, project_id)
            await replay.wait_exhausted()
            group.cancel_scope.cancel()
        await replay.wait_exhausted()

    await record(tmp_path / "r", simulator, Reading(ids, None, rounds=3))
    replay = ReplayTransport(tmp_path / "r")
    assert not replay.exhausted
    await play(replay, for_ever)
    assert replay.exhausted
    assert sorted(events[:6]) == sorted(3 * [f"{ids[0]}: 3", f"{ids[1]}: 4"])
    assert set(events[6:]) <= {"error"}


async def test_what_was_never_recorded(tmp_path: Path) -> None:
    """A request of another kind fails at once, one with another body after some patience; a command is not sent."""
    simulator = Simulator(3, EPOCH)
    (project_id,) = project_ids(simulator, 5)

    async def whole(client: Client) -> None:
        await client.live.read_orders(project_id, 0, 100)

    async def other(client: Client) -> None:
        await client.live.read_orders(project_id, 0, 100)
        began = anyio.current_time()
        with pytest.raises(RecordingEnded) as caught:
            await client.live.list()
        assert anyio.current_time() == began
        assert str(caught.value).startswith("/api/v2/live/list: ")
        with pytest.raises(RecordingEnded) as caught:
            await client.live.read_orders(project_id, 100, 200)
        assert anyio.current_time() - began == pytest.approx(30.0)
        assert '"start":100' in str(caught.value)
        with pytest.raises(qcasync.QuantConnectError):
            await client.live.liquidate(project_id, emergency=True)

    await record(tmp_path / "r", simulator, whole)
    replay = ReplayTransport(tmp_path / "r")
    await play(replay, other, allow_trading=True)
    assert replay.exhausted


async def test_an_empty_recording_is_exhausted_by_the_first_question(tmp_path: Path) -> None:
    with qcasync.Recorder(tmp_path / "r"):
        pass
    replay = ReplayTransport(tmp_path / "r", patience=1.0)

    async def ask(client: Client) -> None:
        for exhausted in (False, True):
            with pytest.raises(RecordingEnded):
                await client.live.list()
            assert replay.exhausted is exhausted
            await anyio.sleep(1)

    await play(replay, ask)
    assert replay.answers == 0


@pytest.mark.parametrize(("pace", "seconds"), [(None, 0.0), (1.0, 40.0), (10.0, 4.0)])
async def test_pace(tmp_path: Path, pace: float | None, seconds: float) -> None:
    """How long a replay takes, where nothing but the recording's own pauses takes time."""
    simulator = Simulator(3, EPOCH)

    async def slowly(client: Client) -> None:
        for _ in range(5):
            await client.live.list()
            await anyio.sleep(10)

    async def quickly(client: Client) -> float:
        began = anyio.current_time()
        for _ in range(5):
            await client.live.list()
        return anyio.current_time() - began

    await record(tmp_path / "r", simulator, slowly)
    assert await play(ReplayTransport(tmp_path / "r", pace=pace), quickly) == pytest.approx(seconds, abs=0.1)


async def test_an_answer_that_was_not_taken_is_the_next_ones(tmp_path: Path) -> None:
    """Whether its request was cancelled before its turn, or in the moment that its answer was given."""
    simulator = Simulator(3, EPOCH)
    (project_id,) = project_ids(simulator, 5)

    async def whole(client: Client) -> None:
        await client.live.read_orders(project_id, 0, 2)
        await client.live.read_orders(project_id, 0, 4)

    await record(tmp_path / "r", simulator, whole)
    for ticks in range(12):
        replay = ReplayTransport(tmp_path / "r")
        first, second = (_request(project_id, end) for end in (2, 4))
        async with anyio.create_task_group() as group:
            for request in (second, first):
                group.start_soon(replay.exchange, request, Progress(anyio.current_time))
            for _ in range(ticks):
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        left = replay.answers - replay.given
        for request in (first, second)[2 - left :]:
            await replay.exchange(request, Progress(anyio.current_time))
        assert replay.given == replay.answers == 2
        assert replay.passed_over == 0


def _request(project_id: int, end: int) -> Request:
    body = f'{{"end": {end}, "start": 0, "projectId": {project_id}}}'.encode()  # in another order than ours
    return Request(url=URL + "live/orders/read", body=body)


async def test_as_a_transport(tmp_path: Path) -> None:
    """Phases, the limit of a body, closing; under any base address."""
    simulator = Simulator(3, EPOCH)
    (project_id,) = project_ids(simulator, 5)

    async def whole(client: Client) -> None:
        for _ in range(3):
            await client.live.read_orders(project_id, 0, 2)

    await record(tmp_path / "r", simulator, whole)
    replay = ReplayTransport(tmp_path / "r")
    assert isinstance(replay, Transport)
    progress = Progress(replay.clock.mono)
    response = await replay.exchange(_request(project_id, 2), progress)
    assert (progress.phase, response.wire_bytes) == (Phase.ANSWERED, len(response.body))
    assert progress.sent_at is not None
    assert progress.answered_at is not None
    assert progress.sent_at <= progress.answered_at <= replay.clock.mono()
    assert set(response.headers) <= {"date", "content-type"}
    elsewhere = msgspec.structs.replace(_request(project_id, 2), url="http://127.0.0.1:80/live/orders/read")
    await replay.exchange(elsewhere, Progress(replay.clock.mono))
    with pytest.raises(TransportError) as caught:
        await replay.exchange(
            msgspec.structs.replace(_request(project_id, 2), max_body_bytes=3), Progress(replay.clock.mono)
        )
    assert caught.value.fault is Fault.TOO_LARGE
    assert repr(replay).endswith("3 of 3 answers given>")
    await replay.aclose()
    await replay.aclose()
    with pytest.raises(RuntimeError):
        await replay.exchange(elsewhere, Progress(replay.clock.mono))


async def test_a_file_that_goes_away(tmp_path: Path) -> None:
    """It is the network's failure to the client, and not a crash."""
    simulator = Simulator(3, EPOCH)

    async def ask(client: Client) -> None:
        await client.live.list()

    async def vanish(client: Client) -> None:
        (tmp_path / "r").unlink()
        with pytest.raises(qcasync.RequestError, match="cannot be read"):
            await client.live.list()

    await record(tmp_path / "r", simulator, ask)
    await play(tmp_path / "r", vanish, max_attempts=1)


@pytest.mark.parametrize("options", [{"pace": 0}, {"pace": -1.0}, {"patience": 0}, {"patience": 45.0}], ids=str)
async def test_options_that_make_no_sense(tmp_path: Path, options: dict[str, float]) -> None:
    with qcasync.Recorder(tmp_path / "r"):
        pass
    with pytest.raises(qcasync.ConfigurationError, match="HINT"):
        ReplayTransport(tmp_path / "r", **options)
