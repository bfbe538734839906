"""What the door to the network holds back, repeats and believes, in the cases that a simulator alone cannot show."""

import logging
from collections.abc import Callable

import anyio
import msgspec
import pytest

import qcasync
from qcasync.simulator import Conditions, FaultKind
from qcasync.transports.protocol import Fault, Phase, Progress, Request, Response, Transport, TransportError
from tests.support import world

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
