"""Any sequence of calls, faults, refused credentials and waits: what the client as a whole never does.

A sequence is a list of scenes, performed inside of one event loop in virtual time. Calls go on in the background while
later scenes begin; the history of what was sent is judged in the end.
"""

import email.utils
import json
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, NamedTuple

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qcasync
from qcasync._turns import RESERVED
from qcasync.transports.protocol import Fault, Phase, Progress, Request, Response, TransportError
from tests.conftest import JumpingLoop, virtual_trio
from tests.support import true_time

CONCURRENCY: Final = 3
FREE: Final = ("the server asks for fewer requests", "the signature was refused because of the clock")
"""Retries that the budget does not count."""
MARKET: Final = "live/update/liquidate"
LOOKING: Final = 120.0
"""Seconds for which a client looks what became of a call with effect."""
BODIES: Final = {
    "live/create": b'{"projectId":7,"deployId":"L-1","success":true}',
    "live/list": b'{"live":[],"success":true}',
}
MODES: Final = ("fine", "500", "503", "unreachable", "reset", "hang", "429", "html")


class Sent(NamedTuple):
    """A request, with the number of its place in the history: several things may happen at one moment.

    Attributes:
        left: Whether its first byte will leave. What meets no server does no harm.
        project: Which one it is about, if it names one.
    """

    number: int
    at: float
    path: str
    left: bool
    project: int | None


class Login(NamedTuple):
    """An answer that tells whether the credentials were accepted."""

    number: int
    at: float
    path: str
    accepted: bool


class Server:
    """A transport that answers as the scene wants it, and keeps the history.

    Attributes:
        sent: What left, in order.
        logins: Whether the credentials were accepted, in order of the answers.
    """

    def __init__(self) -> None:
        self.mode = "fine"
        self.latency = 0.0
        self.right = True
        self.in_flight = 0
        self.max_in_flight = 0
        self.sent: list[Sent] = []
        self.logins: list[Login] = []
        self._events = 0

    def next_place(self) -> int:
        """The place in the history of what happens now."""
        self._events += 1
        return self._events

    async def exchange(self, request: Request, progress: Progress, /) -> Response:
        """Answer as the scene wants it at the moment the request comes in."""
        _, _, path = request.url.partition("/api/v2/")
        project = json.loads(request.body).get("projectId")
        self.sent.append(Sent(self.next_place(), anyio.current_time(), path, self.mode != "unreachable", project))
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        try:
            return await self._answer(path, progress, self.mode, self.right)
        finally:
            self.in_flight -= 1

    async def aclose(self) -> None:
        """Nothing is open."""

    async def _answer(self, path: str, progress: Progress, mode: str, right: bool) -> Response:
        await anyio.lowlevel.checkpoint()
        if mode == "unreachable":
            raise TransportError(Fault.UNREACHABLE, "scripted")
        progress.reached(Phase.SENT)
        date = email.utils.formatdate(true_time(), usegmt=True)
        await (anyio.sleep_forever() if mode == "hang" else anyio.sleep(self.latency))
        if mode == "reset":
            raise TransportError(Fault.LOST, "scripted")
        progress.reached(Phase.ANSWERED)
        status, body = 200, BODIES.get(path, b'{"success":true}')
        if mode in ("500", "503", "429"):
            status, body = int(mode), b'{"success":false,"errors":["scripted"]}'
        elif mode == "html":
            body = b"<html></html>"
        elif not right:
            body = b'{"success":false,"errors":["Hash doesn\'t match. UID: 1 Hash: 2 Timestamp: 3"]}'
        if mode == "fine":
            self.logins.append(Login(self.next_place(), anyio.current_time(), path, right))
        return Response(status_code=status, headers={"date": date, "retry-after": "1"}, body=body)


class History:
    """A client in front of such a server, and what came of its calls."""

    def __init__(self, seed: int, ceiling: float | None) -> None:
        self.server = Server()
        self.ceiling = ceiling
        self.firsts: list[float] = []
        self.retries: list[float] = []
        self.sold = 0
        self.selling = 0
        clock = qcasync.Clock(wall=true_time, mono=anyio.current_time, counts_suspend=True)
        self.client = qcasync.Client(
            1,
            "token",
            transport=self.server,
            clock=clock,
            rng=random.Random(seed),
            max_concurrency=CONCURRENCY,
            requests_per_second=ceiling,
            allow_trading=True,
            observers=[self.observe],
        )

    def observe(self, seen: qcasync.Observation) -> None:
        """Count first attempts and retries, but for those of calls with effect on the market: they need no budget."""
        if isinstance(seen, qcasync.RequestSent) and seen.attempt == 1:
            self.firsts.append(anyio.current_time())
        elif isinstance(seen, qcasync.RetryScheduled) and seen.reason not in FREE and seen.endpoint != MARKET:
            self.retries.append(anyio.current_time())

    async def read(self) -> None:
        """A call without effect ends within its time."""
        await self._call(self.client.authenticate, 90.0)

    async def create(self) -> None:
        """So does one that creates something."""
        live, paper = self.client.live, qcasync.paper_brokerage()
        await self._call(lambda: live.create(7, "c", "n", brokerage=paper), 300.0 + LOOKING)

    async def sell(self) -> None:
        """A call with effect on the market leaves at once; unless the credentials were refused just before.

        Also if others are under way, for other projects: as many as have permits of their own.
        """
        self.sold += 1
        project, began, place = 1000 + self.sold, anyio.current_time(), self.server.next_place()
        await self._call(lambda: self.client.live.liquidate(project, emergency=True), 90.0 + LOOKING)
        mine = [sent for sent in self.server.sent if sent.path == MARKET and sent.project == project]
        if self.is_open(place):
            assert mine, "a liquidation was held back"
            assert mine[0].at == began, f"a liquidation left after {mine[0].at - began} s"
        self.selling -= 1

    async def _call(self, call: Callable[[], Awaitable[Any]], seconds: float) -> None:
        began = anyio.current_time()
        with suppress(qcasync.QuantConnectError):
            await call()
        assert anyio.current_time() <= began + seconds + 0.01

    def closings(self) -> list[tuple[int, float, int]]:
        """When refused credentials closed the client: place and time, and the place at which they were accepted."""
        found: list[tuple[int, float, int]] = []
        for index, (place, at, _, accepted) in enumerate(self.server.logins):
            if not accepted and not any(at < begun + 60.0 and place < reopened for _, begun, reopened in found):
                later = (login.number for login in self.server.logins[index:] if login.accepted)
                found.append((place, at, next(later, self.server.next_place() + 10**9)))
        return found

    def is_open(self, place: int) -> bool:
        """Whether, at some place of the history, no credentials had been refused since they were last accepted."""
        before = [login for login in self.server.logins if login.number < place]
        return not before or before[-1].accepted

    def leave_too_fast(self) -> bool:
        """Whether more than `ceiling` * t + 2 requests left within t seconds.

        One for the beginning, and one because a place in the schedule is kept for as long as it lasts: who comes to it
        late leaves next to the one behind.
        """
        assert self.ceiling is not None
        paced = [sent.at for sent in self.server.sent if sent.path != MARKET]
        return any(
            last - first + 1 > self.ceiling * (end - begin) + 2 + 1e-6
            for first, begin in enumerate(paced)
            for last, end in enumerate(paced[first : first + 200], first)
        )

    def judge(self) -> None:
        """Hold the history against what is promised."""
        assert self.server.in_flight == 0
        assert self.server.max_in_flight <= CONCURRENCY + RESERVED
        assert self.client._exchange.turns.gate.free == CONCURRENCY + RESERVED
        assert self.ceiling is None or not self.leave_too_fast(), "faster than allowed"
        for place, at, reopened in self.closings():
            later = [sent for sent in self.server.sent if place < sent.number < reopened and at < sent.at < at + 60.0]
            after = [sent for sent in later if sent.left]
            assert {sent.path for sent in after} <= {MARKET}, f"the credentials were refused at {at}"
            refused = [
                login for login in self.server.logins if login.path == MARKET and place <= login.number < reopened
            ]
            told = min((login.number for login in refused if login.at < at + 60.0), default=reopened)
            assert all(sent.number < told for sent in after), f"commands left after one was refused since {at}"
        for end in self.retries:
            retries = sum(end - 60.0 < at <= end for at in self.retries)
            firsts = sum(end - 120.0 < at <= end for at in self.firsts)
            assert retries <= 0.1 * firsts + 20, f"{retries} retries of {firsts} first attempts until {end}"
        assert len(self.retries) <= 0.1 * len(self.firsts) + 10 + anyio.current_time() / 6


class Scene(NamedTuple):
    """A stretch of a sequence: how the server behaves, and the calls that are made meanwhile.

    Attributes:
        gap: Seconds from one read to the next.
        pause: Seconds after the last of them.
    """

    mode: str
    right: bool
    latency: float
    reads: int
    gap: float
    creates: int
    sell: bool
    pause: float


scenes = st.builds(
    Scene,
    mode=st.sampled_from(MODES),
    right=st.sampled_from([True, True, True, False]),
    latency=st.sampled_from([0.0, 0.1, 2.0]),
    reads=st.integers(0, 20),
    gap=st.sampled_from([0.0, 0.1, 1.0]),
    creates=st.integers(0, 2),
    sell=st.booleans(),
    pause=st.one_of(st.sampled_from([0.0, 0.05, 5.0, 59.0, 61.0]), st.floats(0.0, 100.0)),
)


async def perform(play: list[Scene], seed: int, ceiling: float | None) -> None:
    """Perform the scenes, wait for all calls, and judge."""
    history = History(seed, ceiling)
    async with anyio.create_task_group() as group:
        for scene in play:
            history.server.mode, history.server.right = scene.mode, scene.right
            history.server.latency = scene.latency
            for _ in range(scene.creates):
                group.start_soon(history.create)
            for number in range(scene.reads):
                group.start_soon(history.read)
                await anyio.sleep(scene.gap)
                if scene.sell and number == scene.reads // 2:
                    for _ in range(RESERVED - history.selling):
                        history.selling += 1
                        group.start_soon(history.sell)
            await anyio.sleep(scene.pause)
        history.server.mode = "fine"
    history.judge()


@pytest.mark.timeout(120)  # a failing sequence is made shorter before it is shown
@settings(max_examples=100, deadline=None)
@given(
    play=st.lists(scenes, min_size=1, max_size=10),
    seed=st.integers(0, 2**16),
    ceiling=st.sampled_from([None, None, 5.0]),
    trio=st.booleans(),
)
def test_whatever_happens(play: list[Scene], seed: int, ceiling: float | None, trio: bool) -> None:
    if trio:
        anyio.run(perform, play, seed, ceiling, backend="trio", backend_options=virtual_trio())
    else:
        anyio.run(perform, play, seed, ceiling, backend="asyncio", backend_options={"loop_factory": JumpingLoop})
