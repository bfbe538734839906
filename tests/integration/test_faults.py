"""Every fault of the simulator, over real sockets: what a read survives, and that a liquidation is never repeated."""

import time
from typing import Any

import anyio
import pytest

import qcasync
from qcasync.simulator import FaultKind
from tests.integration.conftest import House

pytestmark = pytest.mark.anyio

K = FaultKind
DETAILS: dict[str, Any] = {"delay": 0.05, "retry_after": "0"}
NONE = None

READS: dict[FaultKind, tuple[int, type[Exception] | None]] = {
    K.EMPTY_500: (2, NONE),
    K.JSON_500: (2, NONE),
    K.HTML_502: (2, NONE),
    K.HTML_503: (2, NONE),
    K.HTML_504: (2, NONE),
    K.RETRY_AFTER_503: (2, NONE),
    K.RETRY_AFTER_429: (2, NONE),
    K.BARE_429: (2, NONE),
    K.SLOW_DOWN: (2, NONE),
    K.HTML_200: (2, NONE),
    K.HTML_403: (1, qcasync.AccessBlocked),
    K.STATUS: (1, qcasync.APIError),
    K.REDIRECT: (1, qcasync.RedirectRefused),
    K.FAILURE_PASSING: (2, NONE),
    K.FAILURE_LASTING: (1, qcasync.APIError),
    K.FAILURE_SILENT: (1, qcasync.APIError),
    K.MISSING_PAYLOAD: (2, NONE),
    K.CUT_JSON: (2, NONE),
    K.GARBAGE: (2, NONE),
    K.SLOW: (1, NONE),
    K.HANG: (1, qcasync.RequestTimeout),
    K.REFUSED: (2, NONE),
    K.RESET_BEFORE_ANSWER: (2, NONE),
    K.RESET_IN_BODY: (2, NONE),
}
"""Requests that a read costs when the first is hit by this fault, and the error it ends with."""

COMMANDS: dict[FaultKind, type[Exception] | None] = {
    K.EMPTY_500: qcasync.OutcomeUnknown,
    K.JSON_500: qcasync.OutcomeUnknown,
    K.HTML_502: qcasync.OutcomeUnknown,
    K.HTML_503: qcasync.OutcomeUnknown,
    K.HTML_504: qcasync.OutcomeUnknown,
    K.RETRY_AFTER_503: qcasync.OutcomeUnknown,
    K.RETRY_AFTER_429: qcasync.RateLimitError,
    K.BARE_429: qcasync.RateLimitError,
    K.SLOW_DOWN: qcasync.RateLimitError,
    K.HTML_200: qcasync.OutcomeUnknown,
    K.HTML_403: qcasync.AccessBlocked,
    K.STATUS: qcasync.APIError,
    K.REDIRECT: qcasync.OutcomeUnknown,  # 303 is *the* answer of "done, look there"
    K.FAILURE_PASSING: qcasync.OutcomeUnknown,  # "internal error" says nothing of what was done before it
    K.FAILURE_LASTING: qcasync.APIError,
    K.FAILURE_SILENT: qcasync.APIError,
    K.MISSING_PAYLOAD: NONE,
    K.CUT_JSON: qcasync.OutcomeUnknown,
    K.GARBAGE: qcasync.OutcomeUnknown,
    K.SLOW: NONE,
    K.HANG: qcasync.OutcomeUnknown,
    K.REFUSED: qcasync.OutcomeUnknown,  # a socket that was accepted and dropped: the client cannot know more
    K.RESET_BEFORE_ANSWER: qcasync.OutcomeUnknown,
    K.RESET_IN_BODY: qcasync.OutcomeUnknown,
}
"""How a liquidation ends whose only request is hit by this fault."""
TOO_SHORT_TO_LOOK = 0.2
"""Seconds: with more than one, a client would look at the deployments afterwards, which takes minutes of real time."""
PACING = frozenset({K.RETRY_AFTER_429, K.BARE_429, K.SLOW_DOWN})
"""After these a client waits before it sends anything more."""


def test_the_tables_are_complete() -> None:
    assert set(READS) == set(COMMANDS) == set(FaultKind)


@pytest.mark.parametrize("kind", FaultKind, ids=lambda kind: kind.name)
async def test_a_read(house: House, kind: FaultKind) -> None:
    requests, error = READS[kind]
    project = house.project(5)
    async with house.client() as client:
        await client.authenticate()
        house.simulator.fault(kind, path="live/orders/read", **DETAILS)
        if error is None:
            assert len((await client.live.read_orders(project.id, 0, 10)).orders) == 5
        else:
            with pytest.raises(error) as caught:
                await client.live.read_orders(project.id, 0, 10, timeout=0.1 if kind is K.HANG else None)
            assert type(caught.value) is error
        assert (
            len([each for each in house.told(qcasync.RequestSent) if each.endpoint == "live/orders/read"]) == requests
        )
        house.simulator.clear_faults()
        if kind not in PACING:
            await client.live.read(project.id)


@pytest.mark.parametrize("kind", FaultKind, ids=lambda kind: kind.name)
async def test_a_liquidation_is_sent_once(house: House, kind: FaultKind) -> None:
    error = COMMANDS[kind]
    project = house.project(5)
    async with house.client(allow_trading=True) as client:
        await client.authenticate()
        house.simulator.fault(kind, path="live/update/liquidate", **DETAILS)
        if error is None:
            await client.live.liquidate(project.id, emergency=True)
        else:
            with pytest.raises(error) as caught:
                await client.live.liquidate(project.id, emergency=True, timeout=TOO_SHORT_TO_LOOK)
            assert type(caught.value) is error
            if isinstance(caught.value, qcasync.OutcomeUnknown):
                assert caught.value.sent == "yes"
                assert "may" in str(caught.value) or "was sent" in str(caught.value)
        assert house.count("live/update/liquidate") <= 1
        assert len(house.simulator.ledger.effects) <= 1
        assert len(house.told(qcasync.RequestSent)) == 2
        house.simulator.clear_faults()
        if kind not in PACING:
            await client.authenticate()


async def test_a_liquidation_on_a_dead_connection_is_sent_once(house: House) -> None:
    """The first request of all, so that the connection is new."""
    project = house.project(5)
    house.simulator.fault(K.RESET_BEFORE_ANSWER)
    async with house.client(allow_trading=True) as client:
        with pytest.raises(qcasync.OutcomeUnknown, match=r"live\.read"):
            await client.live.liquidate(project.id, emergency=True, timeout=TOO_SHORT_TO_LOOK)
    assert house.count() == len(house.simulator.ledger.effects) == 1


async def test_a_listing_among_faults_is_complete(house: House) -> None:
    """Connections break under every fourth request."""
    project = house.project(40, 400)
    async with house.client() as client:
        await client.authenticate()
        for nth, kind in enumerate([K.RESET_IN_BODY, K.RESET_BEFORE_ANSWER, K.REFUSED, K.HTML_502]):
            house.simulator.fault(kind, path="live/orders/read", nth=1 + 2 * nth)
        listing = await client.live.list_orders(project.id)
    assert len(listing.orders) == listing.total == 440
    assert listing.complete


async def test_a_call_that_hangs_ends_at_its_deadline(house: House) -> None:
    """Within 100 ms of it, and others are not held up."""
    async with house.client(max_concurrency=2) as client:
        await client.authenticate()
        house.simulator.fault(K.HANG)
        began = time.monotonic()
        async with anyio.create_task_group() as group:

            async def hang() -> None:
                with pytest.raises(qcasync.RequestTimeout) as caught:
                    await client.authenticate(timeout=0.15)
                assert caught.value.sent == "yes"
                assert 0.15 <= time.monotonic() - began < 0.25

            group.start_soon(hang)
            await anyio.wait_all_tasks_blocked()
            for _ in range(5):
                await client.authenticate(timeout=0.3)
