"""While the server's clock is unknown one request goes first. Order is forced with events; time is virtual."""

from collections.abc import Awaitable, Callable

import anyio
import pytest

from qcasync._clock import Clock
from qcasync._core.retrying import Effect
from qcasync._core.skew import Reading, Skew
from qcasync._leader import MAX_WAIT, LeaderGate
from qcasync.errors import AuthenticationError, QuantConnectError, RequestError, ServerError

pytestmark = pytest.mark.anyio

WAITING = [Effect.READ, Effect.WRITE, Effect.CREATE]


class House:
    """A gate, and requests that stay inside until they are told to end."""

    def __init__(self) -> None:
        self.wrong = 0.0
        self.skew = Skew(counts_suspend=False)
        self.gate = LeaderGate(self.skew, Clock(wall=lambda: 1e9 + self.now() + self.wrong, mono=self.now))
        self.inside: list[str] = []
        self.leave: dict[str, anyio.Event] = {}

    @staticmethod
    def now() -> float:
        return anyio.current_time()

    def wants_leader(self) -> bool:
        return self.skew.wants_leader(Reading(wall=1e9 + self.now() + self.wrong, mono=self.now()))

    async def last_in(self) -> str:
        """Who entered last, when nobody else can."""
        await anyio.wait_all_tasks_blocked()
        return self.inside[-1]

    def request(
        self, name: str, effect: Effect = Effect.READ, ends: Callable[[], None] = lambda: None
    ) -> Callable[[], Awaitable[None]]:
        """A request that ends when `leave[name]` is set, perhaps with an error."""
        self.leave[name] = anyio.Event()

        async def run() -> None:
            async with self.gate.turn(effect):
                self.inside.append(name)
                await self.leave[name].wait()
                ends()

        return run


@pytest.mark.parametrize("effect", WAITING)
async def test_one_goes_first_and_the_others_wait_for_its_outcome(effect: Effect) -> None:
    """However many start together, one is inside until it has ended; then all are."""
    house = House()
    async with anyio.create_task_group() as group:
        group.start_soon(house.request("leader"))
        assert await house.last_in() == "leader"
        for number in range(50):
            group.start_soon(house.request(f"{number}", effect))
        await anyio.wait_all_tasks_blocked()
        assert house.inside == ["leader"]
        house.leave["leader"].set()
        await anyio.wait_all_tasks_blocked()
        assert len(house.inside) == 51
        group.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("error", "followers"),
    [
        pytest.param(AuthenticationError("live/read", 200), 3, id="refused"),
        pytest.param(ServerError("live/read", 503, "down"), 3, id="failed"),
        pytest.param(RequestError("live/read", "refused", "no"), 1, id="unanswered"),
    ],
)
async def test_an_answer_is_an_outcome(error: QuantConnectError, followers: int) -> None:
    """Whatever it says, all others may go. Without one nothing was learnt, and one of them leads."""
    house = House()

    def fail() -> None:
        raise error

    async def lead() -> None:
        with pytest.raises(type(error)):
            await house.request("leader", ends=fail)()

    async with anyio.create_task_group() as group:
        group.start_soon(lead)
        await anyio.wait_all_tasks_blocked()
        for number in range(3):
            group.start_soon(house.request(f"{number}"))
        await anyio.wait_all_tasks_blocked()
        assert house.inside == ["leader"]
        house.leave["leader"].set()
        await anyio.wait_all_tasks_blocked()
        assert len(house.inside) == 1 + followers
        await anyio.sleep(MAX_WAIT)
        await anyio.wait_all_tasks_blocked()
        assert len(house.inside) == 4, "nobody waits for longer than 10 s"
        group.cancel_scope.cancel()


async def test_a_cancelled_leader_is_followed_by_another() -> None:
    """Its outcome is unknown, so one of the waiting takes its place, and only one."""
    house = House()
    async with anyio.create_task_group() as group:
        scope = anyio.CancelScope()

        async def lead() -> None:
            with scope:
                await house.request("leader")()

        group.start_soon(lead)
        assert await house.last_in() == "leader"
        for number in range(3):
            group.start_soon(house.request(f"{number}"))
        await anyio.wait_all_tasks_blocked()
        scope.cancel()
        await anyio.wait_all_tasks_blocked()
        assert len(house.inside) == 2
        second = house.inside[1]
        house.leave[second].set()
        await anyio.wait_all_tasks_blocked()
        assert sorted(house.inside) == ["0", "1", "2", "leader"]
        group.cancel_scope.cancel()


async def test_an_error_that_is_not_ours_proves_nothing() -> None:
    """A mistake in the program is no outcome of a request: the next one leads."""
    house = House()
    with pytest.raises(ZeroDivisionError):
        async with house.gate.turn(Effect.READ):
            raise ZeroDivisionError
    assert house.wants_leader()
    async with house.gate.turn(Effect.READ):
        assert house.wants_leader()
    assert not house.wants_leader()


async def test_nobody_waits_longer_than_ten_seconds() -> None:
    """A leader that hangs holds nobody up for long, and its turn is still its own."""
    house = House()
    async with anyio.create_task_group() as group:
        group.start_soon(house.request("leader"))
        assert await house.last_in() == "leader"
        group.start_soon(house.request("follower"))
        await anyio.sleep(9.9)
        assert await house.last_in() == "leader"
        await anyio.sleep(0.2)
        assert await house.last_in() == "follower"
        house.leave["follower"].set()
        await anyio.wait_all_tasks_blocked()
        assert house.wants_leader()
        house.leave["leader"].set()
        await anyio.wait_all_tasks_blocked()
        assert not house.wants_leader()


async def test_a_call_on_the_market_neither_waits_nor_leads() -> None:
    """A refusal costs it one repetition; waiting could cost money."""
    house = House()
    async with anyio.create_task_group() as group:
        group.start_soon(house.request("stop", Effect.MARKET))
        assert await house.last_in() == "stop"
        group.start_soon(house.request("leader"))
        assert await house.last_in() == "leader"
        started = house.now()
        group.start_soon(house.request("liquidate", Effect.MARKET))
        assert await house.last_in() == "liquidate"
        assert house.now() == started
        house.leave["liquidate"].set()
        await anyio.wait_all_tasks_blocked()
        assert house.wants_leader()
        group.cancel_scope.cancel()


async def test_when_the_clock_is_known_nobody_waits() -> None:
    """One outcome opens the gate for good, unless the clock becomes suspect."""
    house = House()
    async with house.gate.turn(Effect.READ):
        now = Reading(wall=1e9 + house.now(), mono=house.now())
        house.skew.answered("Thu, 01 Jan 2026 00:00:00 GMT", sent=now, answered=now)
    async with anyio.create_task_group() as group:
        for name in ("first", "second"):
            group.start_soon(house.request(name))
            assert await house.last_in() == name
        house.wrong = 8 * 3600.0
        group.start_soon(house.request("leader"))
        assert await house.last_in() == "leader"
        group.start_soon(house.request("waiting"))
        assert await house.last_in() == "leader"
        group.cancel_scope.cancel()
