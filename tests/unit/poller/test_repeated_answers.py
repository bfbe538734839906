"""An answer that comes again, to the byte, teaches nothing new; unless it was not believed the first time."""

import json

import anyio
import msgspec
import pytest

import qcasync
from qcasync._core.endpoints import READ_LIVE_ORDERS
from qcasync.transports.protocol import Progress, Request, Response, Transport
from tests.support import true_time, world
from tests.unit.poller.watching import Moody

pytestmark = pytest.mark.anyio

TAG = "amended by hand"


class Retagging:
    """From some moment on, an order's tag is another one: a change that has no time of its own."""

    marks_phases = True

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.order_id = 0

    async def exchange(self, request: Request, progress: Progress, /) -> Response:
        response = await self._inner.exchange(request, progress)
        if not self.order_id or not request.url.endswith(READ_LIVE_ORDERS.path):
            return response
        answer = json.loads(response.body)
        for order in answer["orders"]:
            if order["id"] == self.order_id:
                order["tag"] = TAG
        return msgspec.structs.replace(response, body=json.dumps(answer).encode())

    async def aclose(self) -> None:
        await self._inner.aclose()


async def test_what_was_taken_for_an_older_version_is_told_when_it_stays() -> None:
    """Also if nothing else in the answer is different by then."""
    made: list[Retagging] = []

    def through(inner: Transport) -> Transport:
        made.append(Retagging(inner))
        return made[0]

    told: list[qcasync.OrderChanged] = []

    async def watch(client: qcasync.Client, project_id: int) -> None:
        async with client.watch([project_id], start="beginning", orders=500.0) as changes:
            async for change in changes:
                if isinstance(change, qcasync.OrderChanged):
                    told.append(change)
                await change.ack()

    async with world(through=through) as here, anyio.create_task_group() as group:
        project = here.simulator.add_project([5])
        group.start_soon(watch, here.client, project.id)
        await anyio.sleep(3400)
        here.simulator.trade(project.id, 1, true_time(), leave_open=True)
        here.simulator.flush(project.id, true_time())
        await anyio.sleep(300)
        made[0].order_id = 6
        await anyio.sleep(6000)
        group.cancel_scope.cancel()
    assert [(change.order.id, change.order.tag) for change in told] == [(6, TAG)]


async def test_an_answer_that_is_the_same_is_not_compared_again() -> None:
    """Nor are its orders looked up."""
    store = Moody()
    async with world() as here:
        project = here.simulator.add_project([150])
        here.simulator.trade(project.id, 1, true_time(), leave_open=True)
        async with here.client.watch([project.id], start="beginning", checkpoint=store):
            await anyio.sleep(1900)
            looked_up, asked = store.calls.count("orders"), here.count(READ_LIVE_ORDERS.path)
            await anyio.sleep(20_000)
            assert here.count(READ_LIVE_ORDERS.path) > asked + 40
            assert store.calls.count("orders") <= looked_up + 10  # complete readings ask for other windows
