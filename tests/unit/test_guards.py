"""What the door to the network holds back, repeats and believes, in the cases that a simulator alone cannot show."""

import asyncio
import email.utils
import logging
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import anyio
import msgspec
import pytest

import qcasync
from qcasync._core.retrying import MAX_SECONDS_WITH_EFFECT
from qcasync._core.skew import Reading, Refusal, Skew
from qcasync._turns import RESERVED
from qcasync.simulator import Conditions, FaultKind
from qcasync.transports.protocol import Fault, Phase, Progress, Request, Response, Transport, TransportError
from tests.conftest import JumpingLoop
from tests.support import EPOCH, true_time, world

pytestmark = pytest.mark.anyio

HOUR = 3600.0


class Between:
    """Stands between a client and the simulator, and does something to each exchange.

    Args:
        transport: Reaches the simulator.
        before: Called with the number of the exchange, from 1, and its progress; what it raises ends the exchange.
        after: Called with the request and its response; returns what arrives.
    """

    def __init__(
        self,
        transport: Transport,
        before: Callable[[int, Progress], None] = lambda number, progress: None,
        after: Callable[[Request, Response], Response] = lambda request, response: response,
    ) -> None:
        self._transport = transport
        self._before = before
        self._after = after
        self.count = 0

    async def exchange(self, request: Request, progress: Progress, /) -> Response:
        self.count += 1
        self._before(self.count, progress)
        return self._after(request, await self._transport.exchange(request, progress))

    async def aclose(self) -> None:
        await self._transport.aclose()


def closing(*numbers: int, reused: bool = True, fault: Fault = Fault.LOST) -> Callable[[int, Progress], None]:
    """These exchanges are written, and then their connection is lost."""

    def before(number: int, progress: Progress) -> None:
        if number in numbers:
            progress.reused = reused
            progress.reached(Phase.SENT)
            raise TransportError(fault, "closed")

    return before


async def test_a_closed_connection_that_was_kept_is_repeated_at_once() -> None:
    """The server may close what it is not using: that is no reason to wait, nor a sign of an outage."""
    async with world(through=lambda inner: Between(inner, closing(2))) as here:
        await here.client.authenticate()
        began = anyio.current_time()
        await here.client.authenticate()
        assert anyio.current_time() == began
        assert [each.after for each in here.told(qcasync.RetryScheduled)] == [0.0]


@pytest.mark.parametrize(("reused", "fault"), [(False, Fault.LOST), (True, Fault.TIMEOUT)])
async def test_any_other_lost_connection_is_repeated_later(reused: bool, fault: Fault) -> None:
    """A new one was not idle, and silence is not the end of a connection."""
    async with world(through=lambda inner: Between(inner, closing(2, reused=reused, fault=fault))) as here:
        await here.client.authenticate()
        await here.client.authenticate()
        assert [each.after > 0 for each in here.told(qcasync.RetryScheduled)] == [True]


async def test_the_second_closed_connection_of_a_call_is_one_like_any_other() -> None:
    """A server that closes every connection under a request is not asked without a pause."""
    async with world(through=lambda inner: Between(inner, closing(2, 3, 4))) as here:
        await here.client.authenticate()
        await here.client.authenticate()
        assert [each.after > 0 for each in here.told(qcasync.RetryScheduled)] == [False, True, True]


async def test_closed_connections_open_no_breaker() -> None:
    """Twenty calls, and under each a connection was closed: the twenty-first is not refused."""
    odd = closing(*range(2, 42, 2))
    async with world(through=lambda inner: Between(inner, odd), max_attempts=2) as here:
        await here.client.authenticate()
        for _ in range(10):
            await here.client.authenticate()


async def test_a_liquidation_on_a_closed_connection_is_not_repeated() -> None:
    """What was written is written."""
    async with world(through=lambda inner: Between(inner, closing(2)), allow_trading=True) as here:
        project = here.simulator.add_project([5])
        await here.client.authenticate()
        with pytest.raises(qcasync.OutcomeUnknown, match="a connection that had been kept was lost"):
            await here.client.live.liquidate(project.id, emergency=True)
        assert here.count("live/update/liquidate") == 0


async def test_a_timeout_costs_two_retries() -> None:
    """Ten in reserve are five repetitions of calls that were not answered in time."""
    always = closing(*range(2, 1000), fault=Fault.TIMEOUT)
    async with world(through=lambda inner: Between(inner, always)) as here:
        await here.client.authenticate()
        for _ in range(2):
            with pytest.raises(qcasync.RequestTimeout):
                await here.client.authenticate()
        assert len(here.told(qcasync.RetryScheduled)) == 5


async def test_refused_credentials_let_one_command_pass() -> None:
    """A stop is worth one more try at a login; a second one is not."""
    async with world(token="wrong", allow_trading=True) as here:
        project = here.simulator.add_project([5])
        with pytest.raises(qcasync.AuthenticationError):
            await here.client.authenticate()
        with pytest.raises(qcasync.AuthenticationError) as first:
            await here.client.live.stop(project.id)
        assert here.count("live/update/stop") == 1
        assert first.value.outcome is not None
        assert first.value.outcome.kind is qcasync.OutcomeKind.REFUSED
        with pytest.raises(qcasync.AuthenticationError, match="nothing was sent") as second:
            await here.client.live.stop(project.id)
        assert second.value.outcome is not None
        assert second.value.outcome.kind is qcasync.OutcomeKind.NOT_SENT
        assert here.count() == 2
        await anyio.sleep(61)
        with pytest.raises(qcasync.AuthenticationError):
            await here.client.authenticate()
        with pytest.raises(qcasync.AuthenticationError):
            await here.client.live.stop(project.id)
        assert here.count() == 4


async def test_new_credentials_reopen_the_gate() -> None:
    """Nobody has to wait out what the former ones deserved."""
    async with world(token="wrong") as here:
        with pytest.raises(qcasync.AuthenticationError):
            await here.client.authenticate()
        here.client.change_credentials(here.simulator.user_id, here.simulator.api_token)
        await here.client.authenticate()
        assert here.client.credentials_source == "arguments"


async def test_former_credentials_in_flight_close_nothing() -> None:
    """Their refusal ends their own call, and says nothing about the new ones."""
    async with world(Conditions(latency=1.0), token="wrong") as here:
        with pytest.raises(qcasync.AuthenticationError):
            await here.client.authenticate()
        await anyio.sleep(61)

        async def late() -> None:
            with pytest.raises(qcasync.AuthenticationError):
                await here.client.authenticate()

        async with anyio.create_task_group() as group:
            group.start_soon(late)
            await anyio.sleep(0.5)
            here.client.change_credentials(here.simulator.user_id, here.simulator.api_token)
        await here.client.authenticate()


async def test_credentials_of_another_user_are_refused() -> None:
    """The client remembers things about its account: totals, intents, the rate."""
    async with world() as here:
        with pytest.raises(qcasync.ConfigurationError, match="another user's"):
            here.client.change_credentials(here.simulator.user_id + 1, "token")
        await here.client.authenticate()


def aged(request: Request, response: Response) -> Response:
    return msgspec.structs.replace(response, headers={**response.headers, "age": "17"})


async def test_an_answer_out_of_a_cache_is_read_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """It is what the server said, some time ago; of the server's clock it says nothing."""
    async with world(Conditions(clock_offset=600), through=lambda inner: Between(inner, after=aged)) as here:
        with caplog.at_level(logging.WARNING, logger="qcasync"):
            assert await here.client.live.list() == ()
        assert here.client.clock_offset is None
    assert "live/list: the answer came from a cache, 17 s old" in caplog.text


async def test_an_answer_out_of_a_cache_confirms_nothing() -> None:
    """It is older than the call."""
    async with world(through=lambda inner: Between(inner, after=aged), allow_trading=True) as here:
        project = here.simulator.add_project([5])
        here.simulator.conditions.ignore_commands = True
        with pytest.raises(qcasync.OutcomeUnknown) as caught:
            await here.client.live.stop(project.id)
        assert "cache" in str(caught.value.__cause__)
        assert here.count("live/update/stop") == 1


def undated(request: Request, response: Response) -> Response:
    """Something strips the date of all answers but those to a login."""
    if request.url.endswith("authenticate"):
        return response
    return msgspec.structs.replace(
        response, headers={name: value for name, value in response.headers.items() if name != "date"}
    )


async def test_a_refusal_without_a_date_asks_for_the_time() -> None:
    """One login brings it, and the call goes on."""
    conditions = Conditions(timestamp_past=300)
    async with world(conditions, clock_error=-3 * HOUR, through=lambda inner: Between(inner, after=undated)) as here:
        assert await here.client.live.list() == ()
        assert [sent.endpoint for sent in here.told(qcasync.RequestSent)] == ["live/list", "authenticate", "live/list"]


async def test_the_time_is_not_asked_for_more_than_once_a_minute() -> None:
    """A login that is refused as well, and brings no date, is not repeated for each call."""

    def dateless(request: Request, response: Response) -> Response:
        return msgspec.structs.replace(response, headers={})

    conditions = Conditions(timestamp_past=300)
    async with world(conditions, clock_error=-3 * HOUR, through=lambda inner: Between(inner, after=dateless)) as here:
        for _ in range(5):
            with pytest.raises(qcasync.AuthenticationError, match="Too little is known of the server's time"):
                await here.client.live.list()
        assert here.count("authenticate") == 1
        await anyio.sleep(60)
        with pytest.raises(qcasync.AuthenticationError):
            await here.client.live.list()
        assert here.count("authenticate") == 2


async def test_taught_texts_are_obeyed() -> None:
    """An operator who knows a text better than we do can say so."""
    patterns = {"You do not have permission": "transient"}
    async with world(error_patterns=patterns) as here:
        here.simulator.fault(FaultKind.FAILURE_LASTING)
        await here.client.authenticate()
        assert here.count() == 2


def challenging(request: Request, response: Response) -> Response:
    page = b"<html><head><title>Just a moment...</title></head></html>"
    return msgspec.structs.replace(response, status_code=503, body=page)


async def test_a_content_network_is_asked_again_slowly() -> None:
    """It counts requests, so each of them is at least five seconds after the one before."""
    async with world(through=lambda inner: Between(inner, after=challenging)) as here:
        with pytest.raises(qcasync.AccessBlocked, match="blocks this address"):
            await here.client.authenticate()
        assert [each.after >= 5 for each in here.told(qcasync.RetryScheduled)] == [True] * 3


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_is_no_success(status: int) -> None:
    """A read says that it cannot be used, and a command that nobody knows: 304 is no refusal either."""

    def empty(request: Request, response: Response) -> Response:
        return msgspec.structs.replace(response, status_code=status, body=b"")

    async with world(through=lambda inner: Between(inner, after=empty)) as here:
        with pytest.raises(qcasync.ResponseError):
            await here.client.authenticate()


async def test_progress_is_only_told() -> None:
    """It may go back, or beyond 1, or be missing: the data is waited for as long."""
    told = iter([b"0.9", b"0.1", b"7", b"-3", b"null"])

    def loading(request: Request, response: Response) -> Response:
        progress = next(told, None)
        if progress is None:
            return response
        return msgspec.structs.replace(response, body=b'{"status":"loading","progress":%b,"success":true}' % progress)

    async with world(through=lambda inner: Between(inner, after=loading)) as here:
        project = here.simulator.add_project([5])
        assert (await here.client.live.read_orders(project.id, 0, 100)).count == 5
        assert [each.progress for each in here.told(qcasync.LoadingObserved)] == [0.9, 0.1, 7.0, -3.0, None]


async def test_the_first_error_wins() -> None:
    """What goes wrong while a transport closes does not hide why."""

    class Clumsy(Between):
        async def aclose(self) -> None:
            raise qcasync.ConfigurationError("closing failed")

    async with world(Conditions(fault_rate=1.0, fault_kinds=(FaultKind.STATUS,))) as here:
        broken = Clumsy(here.transport)
        with pytest.raises(qcasync.APIError) as caught:
            async with qcasync.Client(here.simulator.user_id, here.simulator.api_token, transport=broken) as client:
                try:
                    await client.authenticate()
                finally:
                    with pytest.raises(qcasync.ConfigurationError) as second:
                        await broken.aclose()
        assert second.value.__context__ is caught.value


# Findings of a review


async def test_finding_2_readers_that_wait_for_their_turn_hold_no_permit() -> None:
    """They sleep through a Retry-After; all projects are ended meanwhile, and not one after the other."""
    async with world(Conditions(latency=20.0), allow_trading=True) as here:
        projects = [here.simulator.add_project([5]).id for _ in range(15)]
        await here.client.authenticate()
        here.simulator.fault(FaultKind.RETRY_AFTER_429, path="live/read", retry_after="100")
        async with anyio.create_task_group() as group:
            group.start_soon(partial(here.client.live.read, projects[0], timeout=400))
            await anyio.sleep(21)
            for project in projects[1:11]:
                group.start_soon(partial(here.client.live.read, project, timeout=400))
            await anyio.sleep(5)
            assert (here.transport.in_flight, here.client._exchange.turns.gate.free) == (0, 10 + RESERVED)
            began = true_time()
            for project in projects[11:]:
                group.start_soon(partial(here.client.live.liquidate, project, emergency=True))
        left = [each.at for each in here.simulator.ledger.requests if each.path == "live/update/liquidate"]
        assert left == [began] * RESERVED


async def test_finding_2_hung_readers_leave_room_for_several_commands() -> None:
    """As many leave at once as have permits of their own; what could not leave in time is not sent late."""
    async with world(allow_trading=True) as here:
        projects = [here.simulator.add_project([5]).id for _ in range(15)]
        await here.client.authenticate()
        here.simulator.fault(FaultKind.HANG, path="live/read", times=99)
        here.simulator.fault(FaultKind.HANG, path="live/update/liquidate", times=99)
        refused: list[qcasync.QuantConnectError] = []

        async def liquidate(project: int) -> None:
            try:
                await here.client.live.liquidate(project, emergency=True, timeout=400)
            except qcasync.QuantConnectError as error:
                refused.append(error)

        async with anyio.create_task_group() as group:
            for project in projects[:10]:
                group.start_soon(partial(here.client.live.read, project, timeout=500))
            await anyio.sleep(1)
            began = true_time()
            for project in projects[10:]:
                group.start_soon(liquidate, project)
            await anyio.sleep(1)
            left = [each.at for each in here.simulator.ledger.requests if each.path == "live/update/liquidate"]
            assert left == [began] * RESERVED
            assert RESERVED == 4
            await anyio.sleep(MAX_SECONDS_WITH_EFFECT + 1)
            (error,) = refused
            assert "no connection was free within 10 s" in str(error)
            assert error.outcome is not None
            assert error.outcome.kind is qcasync.OutcomeKind.NOT_SENT
            await anyio.sleep(20)
            assert here.count("live/update/liquidate") == RESERVED
            group.cancel_scope.cancel()


async def test_finding_2_who_is_the_probe_does_not_wait_for_itself() -> None:
    """It sleeps until its place is due; meanwhile the breaker lets nobody else by, but must let this one."""
    async with world(requests_per_second=2.0, max_attempts=1) as here:
        here.simulator.fault(FaultKind.JSON_500, times=10)
        for _ in range(10):
            with pytest.raises(qcasync.ServerError):
                await here.client.authenticate()
        await anyio.sleep(20)
        here.client._exchange.turns.rate.reserve(anyio.current_time())  # somebody else's place
        await here.client.authenticate()
        assert here.count() == 11


async def test_finding_2_a_breaker_that_opens_at_the_gate() -> None:
    """Whose place was due while it stood there fails as everybody does, and not for a sleep of less than nothing."""
    async with world(Conditions(latency=2.0), requests_per_second=5.0, max_concurrency=10, max_attempts=1) as here:
        here.simulator.fault(FaultKind.JSON_500, times=99)
        ended: list[type[Exception]] = []

        async def one() -> None:
            try:
                await here.client.authenticate()
            except qcasync.QuantConnectError as error:
                ended.append(type(error))

        async with anyio.create_task_group() as group:
            for _ in range(30):
                group.start_soon(one)
        assert set(ended) == {qcasync.ServerError, qcasync.RequestError}
        assert len(ended) == 30


def forbidding(request: Request, response: Response) -> Response:
    """This key may not read projects."""
    if not request.url.endswith("live/read"):
        return response
    body = b'{"success":false,"errors":["You may not see this project"]}'
    return msgspec.structs.replace(response, status_code=403, body=body)


async def test_finding_3_a_403_closes_nothing() -> None:
    """It may be about one project: its call ends with it, and all others go on."""
    async with world(through=lambda inner: Between(inner, after=forbidding), allow_trading=True) as here:
        projects = [here.simulator.add_project([5]).id for _ in range(4)]
        await here.client.authenticate()
        for project in projects:
            with pytest.raises(qcasync.AuthenticationError, match="You may not see this project"):
                await here.client.live.read(project)
        assert len(await here.client.live.list()) == 4
        async with anyio.create_task_group() as group:
            for project in projects:
                group.start_soon(partial(here.client.live.liquidate, project, emergency=True))
        assert here.count("live/update/liquidate") == 4


async def test_finding_4_what_never_left_uses_nothing_up() -> None:
    """A command that met no server did not try the credentials; the next one may."""
    async with world(token="wrong", allow_trading=True) as here:
        project = here.simulator.add_project([5]).id
        with pytest.raises(qcasync.AuthenticationError):
            await here.client.authenticate()
        here.simulator.fault(FaultKind.REFUSED, path="live/update/liquidate", times=3)
        with pytest.raises(qcasync.RequestError) as first:
            await here.client.live.liquidate(project, emergency=True)
        assert first.value.sent == "no"
        with pytest.raises(qcasync.AuthenticationError) as second:
            await here.client.live.liquidate(project, emergency=True)
        assert second.value.outcome is not None
        assert second.value.outcome.kind is qcasync.OutcomeKind.REFUSED
        with pytest.raises(qcasync.AuthenticationError, match="nothing was sent") as third:
            await here.client.live.liquidate(project, emergency=True)
        assert third.value.outcome is not None
        assert third.value.outcome.kind is qcasync.OutcomeKind.NOT_SENT


def unmarked(fault: Fault) -> Callable[[int, Progress], None]:
    """The first exchange fails, and whoever wrote the transport marks no phase."""

    def before(number: int, progress: Progress) -> None:
        if number == 1:
            raise TransportError(fault, "words")

    return before


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.TIMEOUT, Fault.DAMAGED])
async def test_finding_5_a_missing_mark_proves_nothing(fault: Fault) -> None:
    """A command may have been sent: it is not repeated, and nobody is told that it was not."""
    async with world(through=lambda inner: Between(inner, unmarked(fault)), allow_trading=True) as here:
        project = here.simulator.add_project([5]).id
        with pytest.raises(qcasync.OutcomeUnknown) as caught:
            await here.client.live.liquidate(project, emergency=True)
        assert caught.value.sent == "yes"
        sent = [each.endpoint for each in here.told(qcasync.RequestSent)]
        assert sent.count("live/update/liquidate") == 1


async def test_finding_5_a_failed_connection_does() -> None:
    """So the command is sent again."""
    async with world(through=lambda inner: Between(inner, unmarked(Fault.UNREACHABLE)), allow_trading=True) as here:
        project = here.simulator.add_project([5]).id
        await here.client.live.liquidate(project, emergency=True)
        assert here.count("live/update/liquidate") == 1


@pytest.mark.parametrize("anyio_backend", [("asyncio", {"loop_factory": JumpingLoop})])
async def test_finding_9_an_exchange_that_ends_without_a_word() -> None:
    """When its session is closed, aiohttp cancels those who wait for a name: not we were cancelled."""

    def cancelled(number: int, progress: Progress) -> None:
        if number == 1:
            raise asyncio.CancelledError

    async with world(through=lambda inner: Between(inner, cancelled), max_attempts=1) as here:
        with pytest.raises(qcasync.RequestError, match="the transport ended the exchange"):
            await here.client.authenticate()
        await here.client.authenticate()


async def test_finding_14_nobody_leaves_in_a_pause() -> None:
    """Not even who had a place before the server asked for it; afterwards they leave one by one, not together."""
    async with world(requests_per_second=1.0) as here:
        project = here.simulator.add_project([5]).id
        here.simulator.fault(FaultKind.RETRY_AFTER_429, retry_after="60", nth=2)
        async with anyio.create_task_group() as group:
            await here.client.authenticate()
            for _ in range(8):
                group.start_soon(here.client.live.read, project)
        at = [each.at - EPOCH for each in here.simulator.ledger.requests]
        assert at[:2] == [0.0, 1.0]
        assert len(at) == 10
        assert at[2] >= 61.0
        assert all(later - earlier >= 1.0 for earlier, later in pairwise(at))


def test_finding_18_one_edge_is_not_believed_hours_later() -> None:
    """It was wrong once. A refusal speaks for what was heard since the refused request was signed, and for no more."""

    def reading(mono: float) -> Reading:
        return Reading(EPOCH + mono, mono)

    def heard(skew: Skew, mono: float, offset: float) -> None:
        date = email.utils.formatdate(EPOCH + mono + offset, usegmt=True)
        skew.answered(date, sent=reading(mono), answered=reading(mono + 0.1))

    for signed, believed in ((0.5, True), (11 * HOUR, False)):
        skew = Skew()
        heard(skew, 0.0, 0.0)
        stamp = skew.stamp(reading(0.5))
        heard(skew, 1.0, HOUR)
        if not believed:
            stamp = skew.stamp(reading(signed))
        now = reading(max(signed, 1.1))
        refusal = skew.refused(stamp, now)
        assert (refusal is Refusal.CLOCK) is believed
        assert abs(skew.server_time(now) - now.wall - (HOUR if believed else 0.0)) < 2.0


async def test_finding_19_an_overdue_call_tells_what_failed_last() -> None:
    """Who is told that nothing came would raise the timeout, and not look whether the service is down."""
    async with world() as here:
        here.simulator.fault(FaultKind.JSON_500)
        here.simulator.fault(FaultKind.HANG, nth=2)
        with pytest.raises(qcasync.RequestTimeout, match="the last failure: the server failed") as caught:
            await here.client.authenticate(timeout=30)
        assert isinstance(caught.value.__cause__, qcasync.ServerError)
        assert caught.value.__cause__.status_code == 500
        with pytest.raises(qcasync.RequestTimeout) as other:
            here.simulator.fault(FaultKind.HANG)
            await here.client.authenticate(timeout=30)
        assert "last failure" not in str(other.value)
        assert other.value.__cause__ is None


async def test_finding_25_nothing_leaves_after_the_end() -> None:
    """A client that is closed while a stop looks at the state: the stop is not sent, and says so."""
    async with world(Conditions(latency=1.0), allow_trading=True) as here:
        project = here.simulator.add_project([5]).id
        await here.client.authenticate()
        caught: list[qcasync.QuantConnectError] = []

        async def stop() -> None:
            with pytest.raises(qcasync.ConfigurationError) as error:
                await here.client.live.stop(project)
            caught.append(error.value)

        async with anyio.create_task_group() as group:
            group.start_soon(stop)
            await anyio.sleep(0.5)
            await here.client.aclose()
        assert here.count("live/update/stop") == 0
        assert caught[0].outcome is not None
        assert caught[0].outcome.kind is qcasync.OutcomeKind.NOT_SENT


async def test_finding_29_a_refused_command_waits_5_seconds_for_the_time() -> None:
    """And not for as long as a login may hang: its permit may be needed."""
    conditions = Conditions(send_date=False)
    async with world(conditions, token="wrong", allow_trading=True) as here:
        project = here.simulator.add_project([5]).id
        here.simulator.fault(FaultKind.HANG, path="authenticate", times=9)
        began = anyio.current_time()
        with pytest.raises(qcasync.AuthenticationError) as caught:
            await here.client.live.stop(project, emergency=True)
        assert anyio.current_time() - began == 5.0
        assert caught.value.outcome is not None
        assert caught.value.outcome.kind is qcasync.OutcomeKind.REFUSED
        assert here.count("authenticate") == 1


def shouting(request: Request, response: Response) -> Response:
    """A transport that passes the names of headers on as its library spells them."""
    return msgspec.structs.replace(response, headers={name.title(): value for name, value in response.headers.items()})


async def test_finding_30_names_of_headers_in_any_case() -> None:
    """Whoever wrote the transport: the clock is learnt, a cached answer confirms nothing, a pause is kept."""
    conditions = Conditions(clock_offset=600)
    async with world(conditions, through=lambda inner: Between(inner, after=shouting), allow_trading=True) as here:
        project = here.simulator.add_project([5]).id
        await here.client.authenticate()
        assert here.client.clock_offset == pytest.approx(600, abs=2)
        here.simulator.fault(FaultKind.RETRY_AFTER_429, retry_after="50")
        began = anyio.current_time()
        await here.client.authenticate()
        assert anyio.current_time() - began >= 50
        here.simulator.conditions = Conditions(extra_headers=(("Age", "17"),), ignore_commands=True)
        with pytest.raises(qcasync.OutcomeUnknown):
            await here.client.live.stop(project, emergency=True)


@pytest.mark.parametrize("age", ["0", " 0 "])
async def test_an_answer_of_age_0_is_an_answer(age: str) -> None:
    """Some caches add it to what they pass on; but of the clock it says nothing for certain."""
    conditions = Conditions(extra_headers=(("Age", age),), ignore_commands=True)
    async with world(conditions, allow_trading=True) as here:
        project = here.simulator.add_project([5]).id
        outcome = await here.client.live.stop(project, emergency=True)
        assert outcome.kind is qcasync.OutcomeKind.CONFIRMED
        assert here.client.clock_offset is None
