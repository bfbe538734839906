"""The gate, in virtual time: order is forced with events."""

import math

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcasync._gate import Gate
from tests.conftest import JumpingLoop

pytestmark = pytest.mark.anyio


class House:
    """Requests that stay inside until they are told to leave."""

    def __init__(self, permits: int, reserved: int = 1) -> None:
        self.gate = Gate(permits, reserved)
        self.inside: list[str] = []
        self.leave: dict[str, anyio.Event] = {}
        self.most = 0

    async def request(self, name: str, urgent: bool = False) -> None:
        self.leave[name] = anyio.Event()
        async with self.gate.permit(urgent=urgent):
            self.inside.append(name)
            self.most = max(self.most, len(self.inside))
            await self.leave[name].wait()
            self.inside.remove(name)


async def test_as_many_as_there_are_permits() -> None:
    """The rest waits, and is served in order."""
    house = House(2)
    async with anyio.create_task_group() as group:
        for name in "abcd":
            group.start_soon(house.request, name)
            await anyio.wait_all_tasks_blocked()
        assert house.inside == ["a", "b"]
        house.leave["a"].set()
        await anyio.wait_all_tasks_blocked()
        assert house.inside == ["b", "c"]
        for leave in house.leave.values():
            leave.set()
    assert house.gate.free == 3


async def test_an_urgent_one_passes_the_others() -> None:
    """One at once, by the permit that was kept for it; the next is served before whoever waited longer."""
    house = House(2)
    async with anyio.create_task_group() as group:
        for name in "abc":
            group.start_soon(house.request, name)
            await anyio.wait_all_tasks_blocked()
        group.start_soon(house.request, "first", True)
        await anyio.wait_all_tasks_blocked()
        assert house.inside == ["a", "b", "first"]
        group.start_soon(house.request, "second", True)
        await anyio.wait_all_tasks_blocked()
        assert house.inside == ["a", "b", "first"]
        house.leave["b"].set()
        await anyio.wait_all_tasks_blocked()
        assert house.inside == ["a", "first", "second"]
        house.leave["a"].set()
        await anyio.wait_all_tasks_blocked()
        assert house.inside == ["first", "second"], "the third permit is kept for the urgent"
        for leave in house.leave.values():
            leave.set()
        await anyio.wait_all_tasks_blocked()
        house.leave["c"].set()
    assert house.gate.free == 3


async def test_a_permit_is_always_kept() -> None:
    """An urgent request takes any free permit, and leaves the last one to the next urgent request."""
    house = House(2)
    async with anyio.create_task_group() as group:
        for name, urgent in (("urgent", True), ("a", False), ("b", False)):
            group.start_soon(house.request, name, urgent)
            await anyio.wait_all_tasks_blocked()
        assert house.inside == ["urgent", "a"]
        group.start_soon(house.request, "next", True)
        await anyio.wait_all_tasks_blocked()
        assert house.inside == ["urgent", "a", "next"]
        group.cancel_scope.cancel()
    assert house.gate.free == 3


@pytest.mark.parametrize("urgent", [False, True])
async def test_a_cancelled_wait_leaves_the_queue(urgent: bool) -> None:
    """Who comes later is served as if it had never waited."""
    house = House(1, 0)
    async with anyio.create_task_group() as group:
        group.start_soon(house.request, "a")
        await anyio.wait_all_tasks_blocked()
        with anyio.move_on_after(1):
            await house.request("b", urgent)
        group.start_soon(house.request, "c", urgent)
        await anyio.wait_all_tasks_blocked()
        house.leave["a"].set()
        await anyio.wait_all_tasks_blocked()
        assert house.inside == ["c"]
        house.leave["c"].set()
    assert house.gate.free == 1


@pytest.mark.parametrize("urgent", [False, True])
async def test_a_permit_that_comes_with_the_cancellation_is_given_back(urgent: bool) -> None:
    """Both reach the waiting task in the same turn of the event loop."""
    gate = Gate(1, 0)

    async def wait() -> None:
        with scope:
            async with gate.permit(urgent=urgent):
                await anyio.sleep_forever()

    async with anyio.create_task_group() as group:
        scope = anyio.CancelScope()
        async with gate.permit(urgent=urgent):
            group.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
        assert gate.free == 0, "handed on"
        scope.cancel()
    assert gate.free == 1


@pytest.mark.parametrize("urgent", [False, True])
async def test_who_waits_no_longer_than_it_wants(urgent: bool) -> None:
    """It leaves the queue; and the time inside does not count."""
    gate = Gate(1, 0)
    began = anyio.current_time()
    async with gate.permit(urgent=urgent, within=3.0):
        with pytest.raises(TimeoutError):
            async with gate.permit(urgent=urgent, within=2.0):
                pytest.fail("there was no permit")
        assert anyio.current_time() - began == 2.0
        await anyio.sleep(5)
    assert gate.free == 1


@given(
    st.lists(st.tuples(st.booleans(), st.floats(0, 3), st.floats(0, 3), st.one_of(st.none(), st.floats(0, 3)))),
    st.integers(1, 4),
    st.integers(0, 2),
)
def test_whatever_comes_and_goes(
    requests: list[tuple[bool, float, float, float | None]], permits: int, reserved: int
) -> None:
    """Never more inside than there are permits, of the others never more than theirs; at the end all are back."""

    async def run() -> None:
        gate = Gate(permits, reserved)
        inside = {True: 0, False: 0}

        async def request(urgent: bool, at: float, stays: float, patience: float | None) -> None:
            await anyio.sleep(at)
            with anyio.move_on_after(math.inf if patience is None else patience):
                async with gate.permit(urgent=urgent):
                    inside[urgent] += 1
                    assert inside[False] <= permits
                    assert sum(inside.values()) <= permits + reserved
                    assert 0 <= gate.free <= permits + reserved - sum(inside.values())
                    try:
                        await anyio.sleep(stays)
                    finally:
                        inside[urgent] -= 1

        async with anyio.create_task_group() as group:
            for each in requests:
                group.start_soon(request, *each)
        assert gate.free == permits + reserved

    anyio.run(run, backend_options={"loop_factory": JumpingLoop})
