"""What a client's settings do to its calls. The transport is a stub that answers success and counts."""

import dataclasses
import random
from datetime import timedelta
from typing import Any

import anyio
import pytest

from qcasync._clock import Clock
from qcasync._core.endpoints import (
    AUTHENTICATE,
    CREATE_LIVE_ALGORITHM,
    LIQUIDATE_LIVE_ALGORITHM,
    STOP_LIVE_ALGORITHM,
    Endpoint,
)
from qcasync._core.requests import Authenticate, ProjectCall
from qcasync._core.signing import Credentials
from qcasync._exchange import Exchange
from qcasync._session import Session, seconds_of
from qcasync.errors import ConfigurationError, RequestTimeout
from qcasync.transports.protocol import Phase, Progress, Request, Response

pytestmark = pytest.mark.anyio


class Slow:
    """Answers after a while."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.paths: list[str] = []

    async def exchange(self, request: Request, progress: Progress, /) -> Response:
        self.paths.append(request.url)
        progress.reached(Phase.SENT)
        await anyio.sleep(self.seconds)
        progress.reached(Phase.ANSWERED)
        return Response(status_code=200, body=b'{"success":true}')

    async def aclose(self) -> None:
        return None


def session(transport: Slow, *, timeout: float | None = None, allow_trading: bool = False) -> Session:
    exchange = Exchange(
        credentials=Credentials(1, "token"),
        base_url="https://a.example/",
        transport=transport,
        clock=Clock(),
        rng=random.Random(0),
        max_concurrency=2,
        requests_per_second=None,
        max_attempts=1,
        observers=(),
    )
    return Session(exchange, timeout=timeout, allow_trading=allow_trading)


async def test_a_call_is_performed() -> None:
    """Its value comes back."""
    transport = Slow(1.0)
    assert await session(transport).call(AUTHENTICATE, Authenticate(), timeout=None) is None
    assert transport.paths == ["https://a.example/authenticate"]


@pytest.mark.parametrize("endpoint", [STOP_LIVE_ALGORITHM, LIQUIDATE_LIVE_ALGORITHM, CREATE_LIVE_ALGORITHM])
async def test_trading_must_be_allowed(endpoint: Endpoint[Any]) -> None:
    """Refused before any I/O, with the way to allow it."""
    transport = Slow(0.0)
    with pytest.raises(ConfigurationError, match="Nothing was sent") as caught:
        await session(transport).call(endpoint, ProjectCall(project_id=7), timeout=None)
    assert "allow_trading=True" in caught.value.hint
    assert transport.paths == []


async def test_allowed_trading_is_performed() -> None:
    """By a client that was opened for it."""
    transport = Slow(0.0)
    await session(transport, allow_trading=True).call(STOP_LIVE_ALGORITHM, ProjectCall(project_id=7), timeout=None)
    assert transport.paths == ["https://a.example/live/update/stop"]


async def test_a_closed_session_refuses_calls() -> None:
    """Whatever they are."""
    transport = Slow(0.0)
    closed = session(transport, allow_trading=True)
    closed.check_usable()
    closed.close()
    with pytest.raises(ConfigurationError, match="The client is closed"):
        await closed.call(AUTHENTICATE, Authenticate(), timeout=None)
    assert transport.paths == []


@pytest.mark.parametrize(
    ("of_client", "of_call", "seconds"),
    [
        (None, None, 30.0),
        (7.0, None, 7.0),
        (7.0, 3, 3.0),
        (7.0, timedelta(seconds=2.5), 2.5),
        (None, 20, 20.0),
    ],
)
async def test_the_nearest_timeout_counts(
    of_client: float | None, of_call: float | timedelta | None, seconds: float
) -> None:
    """The call's, else the client's, else the operation's own; exact in virtual time."""
    endpoint = dataclasses.replace(AUTHENTICATE, seconds=30.0)
    started = anyio.current_time()
    with pytest.raises(RequestTimeout):
        await session(Slow(40.0), timeout=of_client).call(endpoint, Authenticate(), timeout=of_call)
    assert anyio.current_time() - started == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("timeout", "seconds"), [(5, 5.0), (0.5, 0.5), (timedelta(minutes=2), 120.0), (float("inf"), float("inf"))]
)
def test_seconds_of(timeout: float | timedelta, seconds: float) -> None:
    """A number of seconds, or a timedelta."""
    assert seconds_of(timeout) == seconds


@pytest.mark.parametrize("timeout", [0, -1, -0.0, float("nan"), timedelta(0), timedelta(seconds=-1)])
def test_a_timeout_is_positive(timeout: float | timedelta) -> None:
    """Anything else would fail every call."""
    with pytest.raises(ConfigurationError, match="A timeout must be positive"):
        seconds_of(timeout)
