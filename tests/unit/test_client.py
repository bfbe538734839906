"""A client's settings and life cycle."""

import pickle

import pytest

import qcasync
from qcasync.simulator import FaultKind
from qcasync.transports import HttpxTransport, Request
from tests.support import world

TOKEN = "canary-5c1f7d0e9b2a"


def test_nothing_shows_the_token() -> None:
    """Neither a client nor anything it is made of tells the token by accident."""
    client = qcasync.Client(1, TOKEN)
    assert TOKEN not in repr(client)
    assert TOKEN not in repr(vars(client))
    assert TOKEN not in repr(vars(client._exchange._sender))
    with pytest.raises(TypeError):
        pickle.dumps(client)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"base_url": "http://www.quantconnect.com/api/v2/"}, "plain http to another machine"),
        ({"base_url": "https://me:secret@example.com/"}, "holds a user name or a password"),
        ({"max_concurrency": 0}, "max_concurrency must be 1 to 100"),
        ({"max_concurrency": 101}, "max_concurrency must be 1 to 100"),
        ({"requests_per_second": 0}, "requests_per_second must be positive"),
        ({"requests_per_second": float("nan")}, "requests_per_second must be positive"),
        ({"max_attempts": 0}, "max_attempts must be at least 1"),
        ({"timeout": 0}, "timeout must be positive"),
        ({"transport": "curl"}, "Unknown transport 'curl'"),
        ({"api_token": "line\nbreak"}, "holds a line break"),
        ({"api_token": None}, "only a half of the credentials: api_token"),
        ({"user_id": "-1"}, "not a number"),
    ],
)
def test_what_cannot_work_is_refused_at_once(options: dict[str, object], sentence: str) -> None:
    """A typed error with the reason, and never with the secret."""
    with pytest.raises(qcasync.ConfigurationError, match=sentence) as caught:
        qcasync.Client(**{"user_id": 1, "api_token": TOKEN, **options})  # type: ignore[arg-type]
    assert TOKEN not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.anyio
async def test_a_transport_of_ones_own_stays_open() -> None:
    """The client closes what it made, and only that."""
    async with world() as here:
        await here.client.authenticate()
    assert not here.transport._closed


@pytest.mark.anyio
async def test_a_transport_by_name_is_closed() -> None:
    """Leaving the block closes the connections; doing so twice is fine."""
    client = qcasync.Client(1, TOKEN)
    assert isinstance(client._owned, HttpxTransport)
    async with client:
        pass
    await client.aclose()


@pytest.mark.anyio
async def test_max_attempts() -> None:
    """1 means: never send again, except for a wrong clock."""
    async with world(max_attempts=1) as here:
        here.simulator.fault(FaultKind.HTML_502, times=10)
        with pytest.raises(qcasync.ServerError):
            await here.client.authenticate()
        assert here.count() == 1


@pytest.mark.anyio
async def test_the_clients_timeout_is_the_default_of_its_calls() -> None:
    """`timeout=` at the client, and the call's own where given."""
    async with world(timeout=3) as here:
        here.simulator.fault(FaultKind.HANG, times=10)
        with pytest.raises(qcasync.RequestTimeout, match="within 3 s"):
            await here.client.authenticate()
        with pytest.raises(qcasync.RequestTimeout, match="within 1 s"):
            await here.client.authenticate(timeout=1)


@pytest.mark.anyio
async def test_the_clock_is_known_after_the_first_answer() -> None:
    """Offset and uncertainty are None before, and honest after."""
    async with world(clock_error=-120) as here:
        assert (here.client.clock_offset, here.client.clock_uncertainty) == (None, None)
        await here.client.authenticate()
        assert here.client.clock_offset == pytest.approx(120, abs=2)
        assert here.client.clock_uncertainty == pytest.approx(3, abs=0.1)


def test_a_request_shows_no_header() -> None:
    """The signed headers are a login for two hours."""
    request = Request(url="https://example.com", headers=(("Authorization", "Basic x"),))
    assert "Basic" not in repr(request)
