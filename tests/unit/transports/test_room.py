"""One room of bytes for all bodies: never more than it holds and one whole body, and nobody waits for ever."""

import random

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcasync.transports import _room
from qcasync.transports._room import ALWAYS_ROOM, ROOM_BYTES, Room, Share
from tests.conftest import JumpingLoop, virtual_trio

pytestmark = pytest.mark.anyio


SMALL = ALWAYS_ROOM


@pytest.fixture(autouse=True)
def none_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies of a few bytes stand for large ones."""
    monkeypatch.setattr(_room, "ALWAYS_ROOM", 0)


def test_the_size_of_the_room() -> None:
    assert Room().capacity == ROOM_BYTES == 128 * 2**20
    assert SMALL == 64 * 2**10


async def test_what_fits_does_not_wait() -> None:
    """Not even for a turn of the event loop."""
    room = Room(10)
    with room.share() as one, room.share() as other:
        for share in (one, one, other):
            with anyio.CancelScope() as scope:
                scope.cancel()
                await share.take(3)  # a checkpoint would be cancelled
            assert not scope.cancelled_caught
        assert room.taken == 9
    assert room.taken == 0


async def test_one_may_go_on_and_the_others_wait_until_it_ends() -> None:
    """Or all would wait for each other."""
    events: list[str] = []

    async def read(name: str, *sizes: int) -> None:
        with room.share() as share:
            for size in sizes:
                await share.take(size)
                events.append(f"{name} {size}")
                await anyio.sleep(1)
        events.append(f"{name} ends at {anyio.current_time() - began:g}")

    room, began = Room(10), anyio.current_time()
    async with anyio.create_task_group() as group:
        for name, *sizes in (("a", 5, 1), ("b", 5, 7, 7), ("c", 1, 0)):
            group.start_soon(read, name, *sizes)
            await anyio.wait_all_tasks_blocked()
    assert room.taken == 0
    # a and b fill the room; c is the first that does not fit, so it goes on; a and b wait for it
    assert events[:5] == ["a 5", "b 5", "c 1", "c 0", "c ends at 2"]
    assert len(events) == 10


async def test_who_waited_longest_goes_on_next() -> None:
    """While the room is full, one after the other goes on, in the order in which they came."""
    order: list[int] = []

    async def read(number: int) -> None:
        with room.share() as share:
            await share.take(10)
            order.append(number)
            await anyio.sleep(1)

    room = Room(10)
    with room.share() as first:
        await first.take(10)
        async with anyio.create_task_group() as group:
            for number in range(8):
                group.start_soon(read, number)
                await anyio.wait_all_tasks_blocked()
    assert order == list(range(8))
    assert (room.taken, room.waiting, room.exempt) == (0, {}, None)


async def test_a_body_larger_than_the_room() -> None:
    """A small room makes bodies take turns; it does not refuse any."""
    room = Room(10)
    with room.share() as share:
        for _ in range(100):
            await share.take(10)
        assert room.taken == 1000
    assert (room.taken, room.exempt) == (0, None)


@pytest.mark.parametrize("turns", range(12))
@pytest.mark.parametrize("victim", range(4))
async def test_cancelled_at_every_turn(turns: int, victim: int) -> None:
    """Whoever is cancelled, whenever: what it held is free again, and the others end."""
    ended: list[int] = []

    async def read(number: int, scope: anyio.CancelScope) -> None:
        with scope, room.share() as share:
            for _ in range(3):
                await share.take(4)
                await anyio.lowlevel.checkpoint()
            ended.append(number)

    room = Room(10)
    scopes = [anyio.CancelScope() for _ in range(4)]
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            for number, scope in enumerate(scopes):
                group.start_soon(read, number, scope)
            for _ in range(turns):
                await anyio.lowlevel.checkpoint()
            scopes[victim].cancel()
    assert set(range(4)) - set(ended) <= {victim}
    assert (room.taken, room.waiting, room.exempt) == (0, {}, None)


async def test_a_small_body_never_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Finding 22: the answer to a stop does not wait for pages that others read slowly; not even where none is left."""
    monkeypatch.setattr(_room, "ALWAYS_ROOM", SMALL)
    room = Room(2 * SMALL)
    with room.share() as slow, room.share() as exempt, room.share() as answer:
        await slow.take(2 * SMALL)
        await exempt.take(2 * SMALL)
        assert room.exempt is exempt
        for size in (20, SMALL - 20):
            with anyio.CancelScope() as scope:
                scope.cancel()
                await answer.take(size)  # a checkpoint would be cancelled
            assert not scope.cancelled_caught
        with anyio.move_on_after(1) as scope:
            await answer.take(1)
        assert scope.cancelled_caught, "it is no longer small"
    assert (room.taken, room.waiting, room.exempt) == (0, {}, None)


class Watched(Room):
    """Sees every change of what is taken."""

    most = 0

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name == "taken":
            Watched.most = max(Watched.most, self.taken)


async def many_bodies(seed: int, capacity: int, cap: int, small: int) -> None:
    """Bodies of random sizes, some slow, some cancelled."""
    chance = random.Random(seed)
    room = Watched(capacity)
    Watched.most = 0
    shares: list[Share] = []

    async def read(sizes: list[int], patience: float) -> None:
        await anyio.sleep(chance.random())
        with anyio.move_on_after(patience), room.share() as share:
            shares.append(share)
            for size in sizes:
                await share.take(size)
                await anyio.sleep(chance.random())

    with anyio.fail_after(10_000):
        async with anyio.create_task_group() as group:
            for _ in range(chance.randrange(1, 12)):
                whole, sizes = chance.randrange(1, cap + 1), list[int]()
                while whole:
                    sizes.append(chance.randrange(1, whole + 1))
                    whole -= sizes[-1]
                group.start_soon(read, sizes, chance.choice([0.5, 2.0, 1e6]))
    assert Watched.most <= capacity + cap + small * len(shares)
    assert (room.taken, room.waiting, room.exempt) == (0, {}, None)
    assert not any(share.taken for share in shares)


@pytest.mark.parametrize("loop", [("asyncio", {"loop_factory": JumpingLoop}), ("trio", None)], ids=["asyncio", "trio"])
def test_the_bound_holds(loop: tuple[str, dict[str, object] | None]) -> None:
    """Whatever bodies come, in whatever order, and all of them end. What is small comes on top, once for each."""
    backend, options = loop

    @given(seed=st.integers(0, 2**32), capacity=st.integers(1, 100), cap=st.integers(1, 60), small=st.integers(0, 5))
    def holds(seed: int, capacity: int, cap: int, small: int) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_room, "ALWAYS_ROOM", small)
            anyio.run(
                many_bodies,
                seed,
                capacity,
                cap,
                small,
                backend=backend,
                backend_options=virtual_trio() if options is None else options,
            )

    holds()
