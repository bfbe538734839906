"""The door to the network, against the simulator, in virtual time."""

import logging

import anyio
import pytest

import qcasync
from qcasync.simulator import Conditions, FaultKind
from tests.support import world

pytestmark = pytest.mark.anyio

HOUR = 3600.0


@pytest.mark.parametrize("clock_error", [-26 * HOUR + 60, -3 * HOUR, 3 * HOUR, 26 * HOUR - 60])
@pytest.mark.parametrize("refusal", ["hash", "user", "unauthorized", "server_error"])
async def test_a_wrong_clock_costs_one_request_however_many_calls_start_together(
    clock_error: float, refusal: str
) -> None:
    """100 calls at once, a clock that is hours off, a server that checks strictly: 101 requests, no failure."""
    conditions = Conditions(latency=0.2, timestamp_past=300, timestamp_future=300, refusal=refusal)  # type: ignore[arg-type]
    async with world(conditions, clock_error=clock_error) as here:
        async with anyio.create_task_group() as group:
            for _ in range(100):
                group.start_soon(here.client.authenticate)
        assert here.count() == 101
        assert len(here.told(qcasync.SkewCorrected)) == 1
        assert here.client.clock_offset == pytest.approx(-clock_error, abs=2.5)
        await here.client.authenticate()
        assert here.count() == 102


async def test_a_right_clock_costs_nothing() -> None:
    """100 calls at once are 100 requests."""
    async with world(Conditions(latency=0.2, timestamp_past=300, timestamp_future=10)) as here:
        async with anyio.create_task_group() as group:
            for _ in range(100):
                group.start_soon(here.client.authenticate)
        assert here.count() == 100
        assert here.told(qcasync.SkewCorrected) == []


@pytest.mark.parametrize(
    ("clock_error", "requests"), [pytest.param(0.0, 1, id="right clock"), pytest.param(3 * HOUR, 2, id="wrong clock")]
)
async def test_a_wrong_token_is_not_sent_again(clock_error: float, requests: int) -> None:
    """Once, or twice if the clock was wrong as well; 200 calls that wait behind it send nothing."""
    errors = []

    async def call() -> None:
        try:
            await here.client.authenticate()
        except qcasync.AuthenticationError as error:
            errors.append(error)

    conditions = Conditions(latency=0.2, timestamp_past=300, timestamp_future=300)
    async with world(conditions, clock_error=clock_error, token="wrong") as here:
        async with anyio.create_task_group() as group:
            for _ in range(200):
                group.start_soon(call)
        assert here.count() == requests
    assert len(errors) == 200
    assert not any(isinstance(error, qcasync.ClockSkewError) for error in errors)


async def test_a_clock_that_is_days_off_signs_nothing() -> None:
    """Once the server's time is known, nothing is signed that would be valid on another day."""
    async with world(Conditions(timestamp_past=300), clock_error=-40 * HOUR) as here:
        with pytest.raises(qcasync.ClockSkewError, match=r"\+40.0 hours"):
            await here.client.authenticate()
        assert here.count() == 1


async def test_a_server_without_a_date_gets_an_honest_error() -> None:
    """A refusal that may be the clock's fault says so, when nothing tells."""
    async with world(Conditions(send_date=False, timestamp_past=300), clock_error=-HOUR) as here:
        with pytest.raises(qcasync.AuthenticationError, match="check this machine's clock"):
            await here.client.authenticate()
        assert here.count() == 1


@pytest.mark.parametrize(
    "kind",
    [
        FaultKind.REFUSED,
        FaultKind.RESET_BEFORE_ANSWER,
        FaultKind.RESET_IN_BODY,
        FaultKind.EMPTY_500,
        FaultKind.HTML_502,
        FaultKind.RETRY_AFTER_503,
        FaultKind.RETRY_AFTER_429,
        FaultKind.HTML_200,
        FaultKind.CUT_JSON,
    ],
)
async def test_a_read_survives_what_passes(kind: FaultKind) -> None:
    """One fault costs one more request, and the caller does not notice."""
    async with world() as here:
        here.simulator.fault(kind)
        await here.client.authenticate()
        assert len(here.told(qcasync.RequestSent)) == 2
        assert len(here.told(qcasync.RetryScheduled)) == 1


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.REFUSED, qcasync.RequestError),
        (FaultKind.RESET_BEFORE_ANSWER, qcasync.RequestError),
        (FaultKind.JSON_500, qcasync.ServerError),
        (FaultKind.HTML_504, qcasync.ServerError),
        (FaultKind.HTML_200, qcasync.ServerError),
        (FaultKind.CUT_JSON, qcasync.DecodeError),
        (FaultKind.GARBAGE, qcasync.DecodeError),
        (FaultKind.REDIRECT, qcasync.ResponseError),
    ],
)
async def test_what_does_not_pass_is_told(kind: FaultKind, error: type[qcasync.QuantConnectError]) -> None:
    """After the last attempt comes the error that fits, with the effort that was made."""
    async with world() as here:
        here.simulator.fault(kind, times=100)
        with pytest.raises(error) as caught:
            await here.client.authenticate()
        assert caught.value.attempts == len(here.told(qcasync.RequestSent))
        assert caught.value.attempts <= 4


async def test_the_deadline_covers_everything() -> None:
    """A server that hangs ends with the call's own timeout, to the second."""
    async with world() as here:
        here.simulator.fault(FaultKind.HANG, times=100)
        began = anyio.current_time()
        with pytest.raises(qcasync.RequestTimeout, match="no usable answer within 7 s"):
            await here.client.authenticate(timeout=7)
        assert anyio.current_time() - began == pytest.approx(7)


async def test_an_attempt_has_a_limit_of_its_own() -> None:
    """A request that hangs is given up after 45 s, and tried again."""
    async with world() as here:
        here.simulator.fault(FaultKind.HANG)
        await here.client.authenticate()
        assert here.count() == 2
        assert 45 <= anyio.current_time() < 47


async def test_loading_is_waited_for_and_told() -> None:
    """Loading answers are no retries, and end in the data."""
    async with world(Conditions(loading=3)) as here:
        project = here.simulator.add_project([5])
        page = await here.client.live.read_orders(project.id, 0, 100)
        assert page.count == 5
        assert len(here.told(qcasync.LoadingObserved)) == 3
        assert here.told(qcasync.RetryScheduled) == []


async def test_looks_at_loading_data_use_up_no_attempts() -> None:
    """After many loading answers a passing fault is still survived."""
    async with world(Conditions(loading=6)) as here:
        project = here.simulator.add_project([5])
        here.simulator.fault(FaultKind.HTML_502, nth=6, times=2)
        page = await here.client.live.read_orders(project.id, 0, 100)
        assert page.count == 5
        assert max(sent.attempt for sent in here.told(qcasync.RequestSent)) == 3


@pytest.mark.parametrize(("timeout", "waited"), [(None, 100), (20, 20)])
async def test_endless_loading_is_not_ready(timeout: float | None, waited: float) -> None:
    """After 100 s, or the caller's own deadline, the error tells the progress."""
    async with world(Conditions(loading=float("inf"))) as here:
        project = here.simulator.add_project([5])
        with pytest.raises(qcasync.NotReady) as caught:
            await here.client.live.read_orders(project.id, 0, 100, timeout=timeout)
        assert waited <= anyio.current_time() < waited + 11
        assert caught.value.progress is not None


async def test_throttling_pauses_the_whole_client() -> None:
    """A server that asks for 5 requests a second gets all of them in the end, and few too many."""
    async with world(Conditions(requests_per_second=5, throttle="retry-after"), max_concurrency=20) as here:
        async with anyio.create_task_group() as group:
            for _ in range(40):
                group.start_soon(here.client.authenticate)
        throttled = [record for record in here.simulator.ledger.requests if record.outcome == "throttled"]
        assert len(here.simulator.ledger.requests) - len(throttled) == 40
        assert len(throttled) <= 30


async def test_a_ceiling_is_kept_from_the_start() -> None:
    """`requests_per_second` paces without any help of the server."""
    async with world(requests_per_second=2, max_concurrency=20) as here:
        async with anyio.create_task_group() as group:
            for _ in range(21):
                group.start_soon(here.client.authenticate)
        assert anyio.current_time() == pytest.approx(10)


async def test_the_gate_holds() -> None:
    """Never more requests in flight than `max_concurrency`."""
    async with world(Conditions(latency=0.1), max_concurrency=7) as here:
        async with anyio.create_task_group() as group:
            for _ in range(50):
                group.start_soon(here.client.authenticate)
        assert here.transport.max_in_flight == 7


async def test_an_outage_is_not_multiplied() -> None:
    """While everything fails, the breaker and the budget hold requests back."""
    async with world(Conditions(fault_rate=1.0, fault_kinds=(FaultKind.HTML_503,))) as here:
        failed = 0
        for _ in range(200):
            try:
                await here.client.authenticate()
            except qcasync.QuantConnectError:
                failed += 1
            await anyio.sleep(1)
        assert failed == 200
        assert here.count() < 100


class TestEffect:
    """Calls with effect on the market."""

    @pytest.mark.parametrize(
        "kind",
        [
            FaultKind.RESET_BEFORE_ANSWER,
            FaultKind.RESET_IN_BODY,
            FaultKind.EMPTY_500,
            FaultKind.RETRY_AFTER_503,
            FaultKind.HANG,
            FaultKind.CUT_JSON,
            FaultKind.HTML_200,
        ],
    )
    @pytest.mark.parametrize("call", ["liquidate", "stop"])
    async def test_is_sent_once_and_told_as_unknown(self, kind: FaultKind, call: str) -> None:
        """Whatever happens after the first byte: one request, and an error that tells how to find out."""
        async with world(allow_trading=True) as here:
            project = here.simulator.add_project([5])
            here.simulator.conditions.ignore_commands = True  # or looking afterwards would tell
            path = f"live/update/{call}"
            here.simulator.fault(kind, path=path, times=100)
            with pytest.raises(qcasync.OutcomeUnknown, match="still Running") as caught:
                await getattr(here.client.live, call)(project.id)
            assert here.count(path) == 1
            assert caught.value.sent == "yes"

    async def test_is_repeated_if_it_never_left(self) -> None:
        """A refused connection proves that nothing happened."""
        async with world(allow_trading=True) as here:
            project = here.simulator.add_project([5])
            here.simulator.fault(FaultKind.REFUSED, path="live/update/liquidate")
            await here.client.live.liquidate(project.id)
            assert [effect.kind for effect in here.simulator.ledger.effects] == ["liquidate"]

    async def test_is_repeated_for_the_clock(self) -> None:
        """A signature that was refused because of the clock was refused before anything happened."""
        async with world(Conditions(timestamp_past=300), clock_error=-3 * HOUR, allow_trading=True) as here:
            project = here.simulator.add_project([5])
            await here.client.live.stop(project.id, emergency=True)
            assert here.count() == 2
            assert [effect.kind for effect in here.simulator.ledger.effects] == ["stop"]

    async def test_passes_a_full_gate(self) -> None:
        """Reading cannot keep a liquidation waiting."""
        async with world(Conditions(latency=0.0), max_concurrency=3, allow_trading=True) as here:
            project = here.simulator.add_project([5])
            await here.client.authenticate()
            here.simulator.fault(FaultKind.HANG, path="authenticate", times=100)
            async with anyio.create_task_group() as group:
                for _ in range(10):
                    group.start_soon(here.client.authenticate)
                await anyio.sleep(1)
                assert here.transport.in_flight == 3
                began = anyio.current_time()
                await here.client.live.liquidate(project.id, emergency=True)
                assert anyio.current_time() == pytest.approx(began, abs=0.01)
                group.cancel_scope.cancel()

    async def test_needs_permission(self) -> None:
        """Without `allow_trading` nothing is sent."""
        async with world() as here:
            project = here.simulator.add_project([5])
            with pytest.raises(qcasync.ConfigurationError, match="allow_trading=True"):
                await here.client.live.liquidate(project.id)
            assert here.count() == 0


async def test_a_failing_observer_costs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Foreign code that raises is logged, and the call goes on."""

    def broken(observation: qcasync.Observation) -> None:
        raise ZeroDivisionError

    async with world() as here, qcasync.Client(1, "x", transport=here.transport, observers=[broken]) as client:
        with caplog.at_level(logging.ERROR, logger="qcasync"), pytest.raises(qcasync.AuthenticationError):
            await client.authenticate()
    assert "an observer failed on RequestSent" in caplog.text


async def test_cancelling_a_call_frees_everything() -> None:
    """A cancelled call returns its permit, and the next call works."""
    async with world(Conditions(latency=5.0), max_concurrency=1) as here:
        with anyio.move_on_after(1):
            await here.client.authenticate()
        await here.client.authenticate()
        assert here.transport.in_flight == 0


async def test_a_cancelled_leader_is_followed() -> None:
    """While the clock is unknown one request goes first; if it is cancelled, another one does."""
    async with world(Conditions(latency=1.0)) as here:
        async with anyio.create_task_group() as group:

            async def impatient() -> None:
                with anyio.move_on_after(0.5):
                    await here.client.authenticate()

            group.start_soon(impatient)
            await anyio.sleep(0.1)
            group.start_soon(here.client.authenticate)
            group.start_soon(here.client.authenticate)
        assert anyio.current_time() == pytest.approx(2.5)


async def test_a_closed_client_refuses() -> None:
    """Calls after the block say what went wrong, instead of failing somewhere below."""
    async with world() as here:
        pass
    with pytest.raises(qcasync.ConfigurationError, match="The client is closed"):
        await here.client.authenticate()
