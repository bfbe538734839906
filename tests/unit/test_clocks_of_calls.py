"""What wrong, jumping and sleeping clocks do to calls, and what they cost: rows F74 to F89 of the fault catalogue.

`test_exchange.py` has the clock that is wrong at the start (F74), the one that is days off (F82), the wrong token with
a right and with a wrong clock (F83, F84), and an answer without a date.
"""

import random
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

import qcasync
from qcasync.simulator import Conditions, FaultKind, Simulator
from tests.chaos.machines import Machine, Place, place
from tests.conftest import one_loop
from tests.support import EPOCH

pytestmark = pytest.mark.anyio

HOUR = 3600.0
STRICT = Conditions(timestamp_past=300, timestamp_future=300)
FORMS = ["hash", "user", "unauthorized"]
"""Refusals that say what they are. The fourth, an empty 500, may mean anything."""


async def at_once(count: int, call: Callable[[], Awaitable[Any]]) -> list[qcasync.QuantConnectError]:
    """Make calls together. Returns how they failed."""
    failures: list[qcasync.QuantConnectError] = []

    async def make() -> None:
        try:
            await call()
        except qcasync.QuantConnectError as error:
            failures.append(error)

    async with anyio.create_task_group() as group:
        for _ in range(count):
            group.start_soon(make)
    return failures


async def in_flight(here: Place, count: int, happens: Callable[[], None]) -> list[qcasync.QuantConnectError]:
    """Make calls, and let something happen while all of them are on their way to the server."""
    async with anyio.create_task_group() as group:

        async def later() -> None:
            await anyio.sleep(0.1)
            happens()

        group.start_soon(later)
        return await at_once(count, here.client.authenticate)


@pytest.mark.parametrize("seconds", [-3 * HOUR, 3 * HOUR])
@pytest.mark.parametrize(("counts_suspend", "extra"), [(True, 0), (False, 1)])
async def test_our_clock_is_set_while_100_are_in_flight(seconds: float, counts_suspend: bool, extra: int) -> None:
    """F75: they were signed for the right time. What comes next goes by the monotonic clock, or sends one ahead."""
    machine = Machine(counts_suspend=counts_suspend)
    async with place(STRICT, machine=machine, there=lambda: 0.2, max_concurrency=100) as here:
        await here.client.authenticate()
        assert await in_flight(here, 100, lambda: machine.set_wall(seconds)) == []
        assert here.count() == 101
        assert await at_once(100, here.client.authenticate) == []
        assert 201 <= here.count() <= 201 + extra
        assert here.refused() <= extra
        before = here.count()
        assert await at_once(100, here.client.authenticate) == []
        assert here.count() - before == 100


@pytest.mark.parametrize("seconds", [-3 * HOUR, 3 * HOUR])
async def test_the_servers_clock_is_set_while_100_are_in_flight(seconds: float) -> None:
    """F75: each of them is refused and signed again, once; afterwards none is."""
    conditions = Conditions(timestamp_past=300, timestamp_future=300)
    async with place(conditions, there=lambda: 0.2, max_concurrency=100) as here:
        await here.client.authenticate()

        def jump() -> None:
            conditions.clock_offset = seconds

        assert await in_flight(here, 100, jump) == []
        assert here.refused() == 100
        assert here.count() == 201
        assert await at_once(100, here.client.authenticate) == []
        assert here.count() == 301
        assert here.client.clock_offset == pytest.approx(seconds, abs=2.5)


async def test_every_correction_is_told() -> None:
    """F75: observers are told of each, whatever brought it about."""
    conditions = Conditions(timestamp_past=300, timestamp_future=300)
    async with place(conditions) as here:
        await here.client.authenticate()
        conditions.clock_offset = 3 * HOUR
        await here.client.authenticate()
        assert [round(told.offset / HOUR) for told in here.told(qcasync.SkewCorrected)] == [3]


@one_loop
@pytest.mark.parametrize("counts_suspend", [True, False])
@pytest.mark.parametrize(
    ("wall_drift", "mono_drift"),
    [
        pytest.param(500e-6, 0.0, id="wall fast"),
        pytest.param(-500e-6, 0.0, id="wall slow"),
        pytest.param(500e-6, 500e-6, id="both fast"),
        pytest.param(-500e-6, -500e-6, id="both slow"),
    ],
)
async def test_a_week_of_drift(wall_drift: float, mono_drift: float, counts_suspend: bool) -> None:
    """F76: half a millisecond per second, read each 20 min, at a server that allows 30 s either way: never refused."""
    machine = Machine(wall_drift=wall_drift, mono_drift=mono_drift, counts_suspend=counts_suspend)
    conditions = Conditions(latency=0.2, timestamp_past=30, timestamp_future=30)
    async with place(conditions, machine=machine) as here:
        for _ in range(7 * 24 * 3):
            await here.client.authenticate()
            await anyio.sleep(1200)
        assert here.refused() == 0
        assert here.count() == 7 * 24 * 3


@pytest.mark.parametrize("future", [0, 300])
@pytest.mark.parametrize(("counts_suspend", "extra"), [(True, 0), (False, 1)])
async def test_eight_hours_of_sleep(counts_suspend: bool, extra: int, future: float) -> None:
    """F77: a clock that counts them costs nothing; one that does not costs at most one request."""
    machine = Machine(counts_suspend=counts_suspend)
    async with place(Conditions(latency=0.2, timestamp_past=300, timestamp_future=future), machine=machine) as here:
        assert await at_once(100, here.client.authenticate) == []
        machine.suspend(8 * HOUR)
        assert await at_once(100, here.client.authenticate) == []
        assert 200 <= here.count() <= 200 + extra
        assert here.client.clock_offset == pytest.approx(0.0, abs=2.5)


async def test_a_weekend_of_sleep() -> None:
    """F77, F82: a clock that stood still for days is no clock that is days off."""
    machine = Machine(counts_suspend=False)
    async with place(STRICT, machine=machine) as here:
        await here.client.authenticate()
        machine.suspend(60 * HOUR)
        await here.client.authenticate()


@pytest.mark.parametrize("counts_suspend", [True, False])
async def test_a_step_inside_of_a_request(counts_suspend: bool) -> None:
    """F78: where wall and monotonic clock part while a request is under way, its answer tells nothing."""
    machine = Machine(counts_suspend=counts_suspend)
    async with place(there=lambda: 0.2, machine=machine) as here:
        assert await in_flight(here, 1, lambda: machine.set_wall(3 * HOUR)) == []
        assert here.client.clock_offset is None
        await here.client.authenticate()
        assert here.client.clock_offset == pytest.approx(-3 * HOUR, abs=2.5)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("now", id="malformed"),
        pytest.param("Sun, 15 Jun 2025 17:06:40 +0200", id="local zone"),
        pytest.param("Sun, 15 Jun 2025 15:06:40", id="no zone"),
        pytest.param("Thu, 01 Jan 1970 00:00:00 GMT", id="1970"),
        pytest.param("Thu, 31 Dec 2099 23:59:59 GMT", id="2099"),
        pytest.param("Sun, 99 Jun 2025 15:06:40 GMT", id="no such day"),
        pytest.param("Sun, 15 Jun 99999 15:06:40 GMT", id="no such year"),
    ],
)
async def test_a_date_that_is_none(text: str) -> None:
    """F79: it is ignored; and if the clock may be to blame, the error says so."""
    async with place(Conditions(date_text=text)) as here:
        await here.client.authenticate()
        assert here.client.clock_offset is None
        assert here.client.clock_uncertainty is None
    async with place(Conditions(date_text=text, timestamp_past=300), machine=Machine(-HOUR)) as here:
        with pytest.raises(qcasync.AuthenticationError, match=r"server's time.*check this machine's clock"):
            await here.client.authenticate()
        assert here.count("authenticate") <= 2


async def test_edges_that_disagree() -> None:
    """F80: with dates that are up to a second off either way, nothing moves, and nothing is refused at 5 s."""
    conditions = Conditions(latency=0.1, jitter=0.1, timestamp_past=5, timestamp_future=5, date_jitter=1.0)
    async with place(conditions) as here:
        for _ in range(300):
            await here.client.authenticate()
            await anyio.sleep(13.0)
            assert here.client.clock_offset == pytest.approx(0.0, abs=2.5)
        assert here.told(qcasync.SkewCorrected) == []
        assert here.refused() == 0


async def test_the_date_of_a_cache() -> None:
    """F81: the body counts, the date does not."""
    conditions = Conditions(extra_headers=(("age", "0"),), clock_offset=-HOUR)
    async with place(conditions) as here:
        project = here.simulator.add_project([5])
        assert (await here.client.live.read_orders(project.id, 0, 100)).count == 5
        assert here.client.clock_offset is None
        conditions.extra_headers = ()
        await here.client.authenticate()
        assert here.client.clock_offset == pytest.approx(-HOUR, abs=2.5)


async def test_the_date_of_a_redirect() -> None:
    """F81: who points elsewhere need not be who will be asked the next time."""
    async with place() as here:
        here.simulator.fault(FaultKind.REDIRECT)
        with pytest.raises(qcasync.ResponseError):
            await here.client.authenticate()
        assert here.client.clock_offset is None


@pytest.mark.parametrize("counts_suspend", [True, False])
@pytest.mark.parametrize("wrong", [-40 * HOUR, 40 * HOUR])
async def test_a_clock_that_is_set_right(wrong: float, counts_suspend: bool) -> None:
    """F82: nothing is signed for another day; once the clock is right, everything works."""
    machine = Machine(wrong, counts_suspend=counts_suspend)
    async with place(STRICT, machine=machine) as here:
        for _ in range(3):
            with pytest.raises(qcasync.ClockSkewError, match="Set this machine's clock"):
                await here.client.authenticate()
        assert here.count() == 1
        machine.set_wall(-wrong)
        await here.client.authenticate()
        assert here.count() == 2


async def test_a_wrong_token_is_not_tried_for_a_minute() -> None:
    """F83: nothing leaves after it was refused; then one request, and nothing for two minutes."""
    async with place(Conditions(latency=0.2), token="wrong") as here:
        began = anyio.current_time()
        while anyio.current_time() < began + 200:
            failures = await at_once(5, here.client.authenticate)
            assert [type(failure) for failure in failures] == [qcasync.AuthenticationError] * 5
            await anyio.sleep(1)
        sent = [round(sent.at - began) for sent in here.wire.sent]
        assert sent[0] == 0
        assert 60 <= sent[1] <= 62
        assert 180 <= sent[-1] <= 186
        assert len(sent) <= 1 + 5 + 5  # at the end of a minute all five of a round leave together


async def test_a_wrong_token_is_not_tried_by_those_who_wait() -> None:
    """F83: with 200 calls under way when the credentials are refused, those that have not left stay."""
    async with place(Conditions(latency=0.3), max_concurrency=3) as here:
        await here.client.authenticate()
        here.simulator.account.api_token = "a new one"
        assert len(await at_once(200, here.client.authenticate)) == 200
        assert here.count() == 1 + 3


@pytest.mark.parametrize("refusal", FORMS)
@pytest.mark.parametrize("wrong", [0.0, -3 * HOUR, 3 * HOUR])
@pytest.mark.parametrize("right_token", [True, False])
@pytest.mark.parametrize("name", ["authenticate", "liquidate", "create"])
async def test_all_refusals_mean_the_same(name: str, right_token: bool, wrong: float, refusal: str) -> None:
    """F84, F85: a refusal of any form comes before anything else happens; so calls with effect are signed again."""
    conditions = Conditions(timestamp_past=300, timestamp_future=300, refusal=refusal)  # type: ignore[arg-type]
    token = None if right_token else "wrong"
    async with place(conditions, machine=Machine(wrong), token=token, allow_trading=True) as here:
        project = here.simulator.add_project([] if name == "create" else [5])
        live = here.client.live
        calls: dict[str, Callable[[], Awaitable[Any]]] = {
            "authenticate": here.client.authenticate,
            "liquidate": lambda: live.liquidate(project.id, emergency=True),
            "create": lambda: live.create(project.id, "c", "n", brokerage=qcasync.paper_brokerage()),
        }
        if right_token:
            await calls[name]()
        else:
            with pytest.raises(qcasync.AuthenticationError) as caught:
                await calls[name]()
            assert type(caught.value) is qcasync.AuthenticationError
        looks = name == "create" and right_token  # at what runs already, which is where a wrong token is found out
        assert here.count() == 1 + bool(wrong) + looks
        assert len(here.simulator.ledger.effects) == (right_token and name != "authenticate")


@pytest.mark.parametrize("wrong", [0.0, -3 * HOUR])
async def test_an_empty_500_proves_no_refusal(wrong: float) -> None:
    """F85: a read is signed again if the clock was wrong, a call with effect is not: it may have been carried out."""
    conditions = Conditions(timestamp_past=300, timestamp_future=300, refusal="server_error")
    machine = Machine(wrong)
    async with place(conditions, machine=machine, token="wrong", allow_trading=True) as here:
        project = here.simulator.add_project([5])
        with pytest.raises(qcasync.OutcomeUnknown):
            await here.client.live.liquidate(project.id, emergency=True)
        assert here.count("live/update/liquidate") == 1
        with pytest.raises(qcasync.QuantConnectError) as caught:
            await here.client.authenticate()
        assert not isinstance(caught.value, qcasync.AuthenticationError)


async def test_a_token_that_is_changed() -> None:
    """F86: calls in flight fail cleanly, the old token closes its own client only, and the new one opens another."""
    async with place(Conditions(latency=0.1), there=lambda: 0.2) as here:
        await here.client.authenticate()
        old = here.simulator.api_token

        def change() -> None:
            here.simulator.account.api_token = "a new one"

        failures = await in_flight(here, 10, change)
        assert [type(failure) for failure in failures] == [qcasync.AuthenticationError] * 10
        assert not any(old in f"{failure!r} {failure}" for failure in failures)
        async with place(Conditions(), simulator=here.simulator) as renewed:
            await renewed.client.authenticate()
            before = here.count()
            with pytest.raises(qcasync.AuthenticationError, match="refused a moment ago"):
                await here.client.authenticate()
            await renewed.client.authenticate()
        assert here.count() == before


@pytest.mark.parametrize(
    "token", ["with:colons::", "a b", "ünïcödé", "\N{GRINNING FACE}", "%41", "=", "'\"\\", "x" * 500]
)
async def test_strange_tokens(token: str) -> None:
    """F87: whatever can stand in a token is signed as it is, in UTF-8."""
    simulator = Simulator(1, EPOCH)
    simulator.account.api_token = token
    async with place(simulator=simulator) as here:
        await here.client.authenticate()


@pytest.mark.parametrize("token", ["a\nb", "a\0b", "a\r", "\n"])
def test_tokens_with_control_characters(token: str) -> None:
    """F87: they are refused at once, without being shown."""
    with pytest.raises(qcasync.ConfigurationError) as caught:
        qcasync.Client(1, token)
    assert token.strip() == "" or token not in f"{caught.value!r} {caught.value}"


@pytest.mark.parametrize("wrong", [0.0, 20.0, -3 * HOUR, 3 * HOUR])
@pytest.mark.parametrize(
    ("past", "future", "round_trip"),
    [
        pytest.param(5.0, 5.0, 0.3, id="5 s"),
        pytest.param(30.0, 30.0, 9.9, id="30 s, slow"),
        pytest.param(7200.0, 0.0, 9.9, id="2 h, slow"),
        pytest.param(30.0, 0.0, 9.9, id="30 s past, slow"),
    ],
)
async def test_strict_windows(past: float, future: float, round_trip: float, wrong: float) -> None:
    """F88: after the first answer no signature is refused, wherever on the way the time is spent."""
    rng = random.Random(1)
    conditions = Conditions(timestamp_past=past, timestamp_future=future)

    def road() -> float:
        there = round_trip * rng.random()
        conditions.latency = (round_trip - there) * rng.random()
        return there

    async with place(conditions, machine=Machine(wrong), there=road, timeout=1000) as here:
        await here.client.authenticate()
        first = here.refused()
        assert first <= 1
        for pause in (0.0, 1.0, 100.0, HOUR):
            for _ in range(20):
                await here.client.authenticate()
                await anyio.sleep(pause)
            assert await at_once(20, here.client.authenticate) == []
        assert here.refused() == first


@pytest.mark.parametrize("wait", ["gate", "ceiling", "backoff", "throttle", "deaf server"])
async def test_nothing_waits_after_it_was_signed(wait: str) -> None:
    """F89: a request that waited a minute before it left is signed for the moment at which it leaves."""
    conditions = Conditions(timestamp_past=3, timestamp_future=0)
    ceiling = 0.02 if wait == "ceiling" else None
    async with place(conditions, max_concurrency=1, requests_per_second=ceiling, timeout=300) as here:
        await here.client.authenticate()
        if wait == "gate":
            here.simulator.fault(FaultKind.SLOW, delay=44)
        elif wait == "backoff":
            here.simulator.fault(FaultKind.RETRY_AFTER_503, retry_after="60")
        elif wait == "throttle":
            here.simulator.fault(FaultKind.RETRY_AFTER_429, retry_after="60")
        elif wait == "deaf server":
            here.simulator.fault(FaultKind.HANG)
        assert await at_once(2, here.client.authenticate) == []
        assert anyio.current_time() > 40
        assert here.refused() == 0
        assert here.simulator.ledger.requests[-1].outcome == "ok"
