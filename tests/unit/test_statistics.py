"""A client's counters, against what the simulator was asked and what observers were told."""

import contextlib
import math
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import anyio
import msgspec
import pytest

import qcasync
from qcasync._turns import RESERVED
from qcasync.simulator import Conditions, FaultKind
from tests.support import EPOCH, World, world

pytestmark = pytest.mark.anyio

K = FaultKind
GAUGES = {
    "since",
    "at",
    "in_flight",
    "requests_per_second",
    "retry_budget",
    "breaker",
    "credentials_refused",
    "clock_offset",
    "clock_uncertainty",
    "connections",
}


async def test_a_new_client() -> None:
    """Nothing has happened, and asking changes nothing."""
    async with world() as here:
        told = here.client.statistics()
        assert told == here.client.statistics()
        assert told == qcasync.ClientStatistics(
            since=datetime.fromtimestamp(EPOCH, UTC),
            at=datetime.fromtimestamp(EPOCH, UTC),
            calls={},
            attempts=0,
            answers={},
            lost=0,
            given_up=0,
            retries=0,
            loading_waits=0,
            throttled=0,
            clock_refusals=0,
            windows=0,
            bytes_sent=0,
            bytes_received=0,
            bytes_decompressed=0,
            in_flight=0,
            requests_per_second=None,
            retry_budget=10.0,
            breaker="closed",
            credentials_refused=False,
            clock_offset=None,
            clock_uncertainty=None,
            connections=None,
        )
        assert here.count() == 0


def agree(here: World) -> qcasync.ClientStatistics:
    """Every counter is what the observers were told, and what the ledger has."""
    told, ledger = here.client.statistics(), here.simulator.ledger
    sent = here.told(qcasync.RequestSent)
    received = here.told(qcasync.ResponseReceived)
    failed = here.told(qcasync.RequestFailed)
    unsent = sum(each.sent == "no" for each in failed)
    assert told.attempts == len(sent)
    assert 0 <= told.attempts - ledger.count() - unsent <= told.in_flight  # one may be on its way
    assert told.answers == Counter(each.status_code for each in received)
    assert told.lost == sum(each.reason != "cancelled" for each in failed)
    assert told.given_up == sum(each.reason == "cancelled" for each in failed)
    assert told.retries == len(here.told(qcasync.RetryScheduled))
    assert told.loading_waits == len(here.told(qcasync.LoadingObserved))
    assert told.throttled == len(here.told(qcasync.Throttled))
    assert told.windows == len(here.told(qcasync.WindowRead))
    assert told.bytes_sent == sum(each.body_bytes for each in sent)
    assert told.bytes_received == sum(each.wire_bytes for each in received)
    assert told.bytes_decompressed == sum(each.body_bytes for each in received)
    assert told.in_flight == len(sent) - len(received) - len(failed)
    began, ended = here.told(qcasync.CallBegan), here.told(qcasync.CallEnded)
    assert sorted(each.call for each in began) == sorted({each.call for each in began})
    for operation, calls in told.calls.items():
        mine = [each for each in ended if each.operation == operation]
        ends = Counter(each.ended for each in mine)
        assert calls.begun == sum(each.operation == operation for each in began)
        assert calls.in_progress == calls.begun - len(mine)
        assert (calls.succeeded, calls.cancelled) == (ends.pop("ok", 0), ends.pop("cancelled", 0))
        assert (calls.errors, calls.failed) == (ends, ends.total())
        assert calls.seconds == pytest.approx(sum(each.seconds for each in mine))
    if not any(each.in_progress for each in told.calls.values()):
        logins = {each.call for each in began if each.operation == "AUTHENTICATE"}
        for_the_time = sum(each.endpoint == "authenticate" and each.call not in logins for each in sent)
        assert told.attempts == sum(each.attempts for each in ended) + for_the_time
    return told


@pytest.mark.parametrize("seed", range(5))
async def test_they_are_exact(seed: int) -> None:
    """On a bad day, with calls that succeed, fail, wait, are cancelled, and are sent again."""
    conditions = Conditions(latency=0.1, fault_rate=0.25, loading=2)
    before: dict[str, Any] = {}
    async with world(conditions, seed=seed, clock_error=seed * 3600.0, allow_trading=True) as here:
        project = here.simulator.add_project([120, 180])
        here.simulator.fault(K.RESET_BEFORE_ANSWER, path="live/list", times=2)

        async def call(perform: Any, *arguments: Any, within: float = math.inf) -> None:
            with anyio.move_on_after(within):
                with contextlib.suppress(qcasync.QuantConnectError):
                    await perform(*arguments)

        async with anyio.create_task_group() as group:
            live = here.client.live
            group.start_soon(call, live.list_orders, project.id)
            for perform in (live.read, live.read_portfolio, live.stop):
                group.start_soon(call, perform, project.id)
            group.start_soon(call, live.read, 7)
            for number in range(20):
                group.start_soon(lambda seconds: call(live.list, within=seconds), 0.05 * number)
            for _ in range(30):
                await anyio.sleep(0.2)
                told = msgspec.structs.asdict(agree(here))
                assert all(told[name] >= value for name, value in before.items() if isinstance(value, int | float))
                before = {name: value for name, value in told.items() if name not in GAUGES}
        told = agree(here)
        assert told.in_flight == 0
        assert told.calls["LIST_LIVE_ALGORITHMS"].cancelled > 0
        assert told.retries > 0
        assert told.lost > 0
        assert all(each.in_progress == 0 for each in told.calls.values())
        assert told.calls["READ_LIVE_ALGORITHM"].begun == 2


async def test_a_clock_that_is_off_is_counted() -> None:
    """One refusal of the clock, which is no throttle and no error; and then the offset."""
    async with world(Conditions(timestamp_past=300, timestamp_future=300), clock_error=-7200.0) as here:
        await here.client.live.list()
        told = agree(here)
        assert (told.clock_refusals, told.throttled, told.retries, told.attempts) == (1, 0, 1, 2)
        assert told.calls == {
            "LIST_LIVE_ALGORITHMS": qcasync.CallStatistics(
                begun=1, succeeded=1, seconds=told.calls["LIST_LIVE_ALGORITHMS"].seconds
            )
        }
        assert told.clock_offset == pytest.approx(7200, abs=2)
        assert (told.clock_offset, told.clock_uncertainty) == (here.client.clock_offset, here.client.clock_uncertainty)
        assert here.told(qcasync.ResponseReceived)[-1].clock_offset == told.clock_offset


async def test_a_login_for_the_time_is_counted() -> None:
    """It belongs to no call of its own."""
    async with world(Conditions(send_date=False), token="wrong") as here:
        with pytest.raises(qcasync.QuantConnectError):
            await here.client.live.list()
        told = agree(here)
        assert told.attempts == 2
        assert set(told.calls) == {"LIST_LIVE_ALGORITHMS"}


async def test_the_guards_are_told() -> None:
    """The rate after a throttle and as it comes back, the budget, the breaker, and credentials."""
    async with world(max_attempts=2) as here:
        await here.client.authenticate()
        assert here.client.statistics().requests_per_second is None
        here.simulator.fault(K.BARE_429)
        await here.client.authenticate()
        slow = here.client.statistics()
        assert (slow.throttled, slow.requests_per_second) == (1, 0.5)
        assert slow.retry_budget == pytest.approx(10.2)  # a throttle costs nothing; two calls allow 0.1 each
        await anyio.sleep(60)
        later = here.client.statistics()
        assert later.requests_per_second is not None
        assert later.requests_per_second > slow.requests_per_second > 0
        assert here.client.statistics() == later
        here.simulator.fault(K.EMPTY_500, times=20)
        for _ in range(5):
            with pytest.raises(qcasync.ServerError):
                await here.client.authenticate()
        failed = here.client.statistics()
        assert (failed.breaker, failed.calls["AUTHENTICATE"].errors) == ("open", {"ServerError": 5})
        assert 5 < failed.retry_budget < 7
        await anyio.sleep(10)
        assert here.client.statistics().breaker == "half-open"
        here.simulator.clear_faults()
        await here.client.authenticate()
        assert here.client.statistics().breaker == "closed"
        here.simulator.account.api_token = "renewed"
        with pytest.raises(qcasync.AuthenticationError):
            await here.client.authenticate()
        assert here.client.statistics().credentials_refused
        agree(here)


async def test_in_flight_and_in_progress() -> None:
    """What waits for its turn is in progress, and not in flight."""
    async with world(max_concurrency=3) as here, anyio.create_task_group() as group:
        await here.client.authenticate()
        here.simulator.fault(K.HANG, times=math.inf)
        for _ in range(3 + RESERVED):
            group.start_soon(here.client.live.list)
        await anyio.sleep(1)
        told = agree(here)
        assert (told.in_flight, told.calls["LIST_LIVE_ALGORITHMS"].in_progress) == (3, 3 + RESERVED)
        group.cancel_scope.cancel()
    told = agree(here)
    assert (told.in_flight, told.given_up, told.calls["LIST_LIVE_ALGORITHMS"].cancelled) == (0, 3, 3 + RESERVED)


class Broken:
    """A transport with a defect."""

    async def exchange(self, *_: object) -> Any:
        raise ZeroDivisionError

    async def aclose(self) -> None:
        pass


async def test_a_defect_is_counted() -> None:
    async with world(through=lambda _: Broken()) as here:
        with pytest.raises(ZeroDivisionError):
            await here.client.authenticate()
        told = here.client.statistics()
        assert (told.calls["AUTHENTICATE"].errors, told.lost, told.in_flight) == ({"defect": 1}, 1, 0)
        assert [each.reason for each in here.told(qcasync.RequestFailed)] == ["defect"]


async def test_a_transport_may_know_its_connections() -> None:
    """An attribute that is a number."""
    transport = Broken()
    async with world(through=lambda _: transport) as here:
        assert here.client.statistics().connections is None
        transport.connections = 3  # type: ignore[attr-defined]
        assert here.client.statistics().connections == 3


class Meanwhile(dict[Any, int]):
    """A counter during whose reading something happens, as in another thread."""

    def __init__(self, happens: Callable[[], object]) -> None:
        self._happens = happens

    def __iter__(self) -> Iterator[Any]:
        return iter(self.keys())

    def keys(self) -> Any:
        told = list(super().keys())
        self._happens()
        return told


def test_what_happens_meanwhile_leaves_the_sums_right() -> None:
    """A thread asks while the event loop counts: nothing is in flight, or in progress, less than not at all."""
    client = qcasync.Client(1, "x")
    counts = client._exchange.observing.counts

    def request() -> None:
        counts.request_sent(1)
        counts.response_received(200, 1, 1)

    counts.answers = Meanwhile(request)
    request()
    told = client.statistics()
    assert told.attempts == sum(told.answers.values()) + told.in_flight
    assert told.in_flight >= 0

    def call() -> None:
        counts.call_began("A")
        counts.call_ended("A", "ServerError", 1.0)

    call()
    errors = counts._calls["A"].errors = Meanwhile(call)
    errors["ServerError"] = 1
    assert client.statistics().calls["A"].in_progress >= 0


def test_without_an_event_loop_and_from_another_thread() -> None:
    """A web server's thread may ask, and whoever has closed the client."""
    client = qcasync.Client(1, "x")
    assert client.statistics().attempts == 0
    anyio.run(client.aclose)
    assert anyio.run(anyio.to_thread.run_sync, client.statistics).breaker == "closed"
