"""Complete listings of a simulated project, in virtual time."""

import math

import anyio
import pytest

import qcasync
from qcasync.simulator import Conditions, FaultKind
from tests.support import true_time, world

pytestmark = pytest.mark.anyio


def keys(orders: tuple[dict[str, object], ...]) -> list[tuple[object, object]]:
    """What identifies the simulator's orders, in list order."""
    return [(order["id"], order["quantity"]) for order in orders]


@pytest.mark.parametrize("rows", [0, 1, 99, 100, 101, 487])
async def test_every_order_once_and_in_order(rows: int) -> None:
    """The listing equals the simulator's truth."""
    async with world() as here:
        project = here.simulator.add_project([rows])
        listing = await here.client.live.list_orders(project.id)
        assert [(order.id, order.quantity) for order in listing] == keys(here.simulator.orders(project.id))
        assert (listing.total, listing.complete, listing.anomalies) == (rows, True, ())


async def test_deployments_are_told_apart() -> None:
    """Ids restart in each deployment; every order knows its own."""
    async with world() as here:
        project = here.simulator.add_project([40, 120, 327])
        listing = await here.client.live.list_orders(project.id)
        truth = [deployment.deploy_id for deployment in project.deployments]
        assert [(d.number, d.deploy_id, d.start, d.end) for d in listing.deployments] == [
            (1, truth[0], 0, 40),
            (2, truth[1], 40, 160),
            (3, truth[2], 160, 487),
        ]
        assert [order.deploy_id for order in listing] == [truth[0]] * 40 + [truth[1]] * 120 + [truth[2]] * 327
        assert len({(order.deployment.number, order.id) for order in listing if order.deployment}) == 487


async def test_ten_thousand_orders_at_the_ideal_pace() -> None:
    """50 ms latency, 10 connections: the first window, ten rounds for 99 more, and the end with them.

    The goal is 1.25 times first + ⌈99/10⌉ rounds + proof; this is 11 of those 12 latencies.
    """
    async with world(Conditions(latency=0.05)) as here:
        project = here.simulator.add_project([10_000])
        await here.client.authenticate()
        began, requests = anyio.current_time(), here.count()
        listing = await here.client.live.list_orders(project.id)
        assert listing.total == 10_000
        assert here.count() - requests == 101
        ideal = 0.05 * (1 + math.ceil(99 / 10) + 1)
        assert anyio.current_time() - began == pytest.approx(0.05 * 11)
        assert anyio.current_time() - began <= 1.25 * ideal
        assert here.transport.max_in_flight == 10


async def test_a_second_listing_remembers_the_total() -> None:
    """The next read of the same project needs no first round to learn its size."""
    async with world(Conditions(latency=1.0)) as here:
        project = here.simulator.add_project([487])
        await here.client.live.list_orders(project.id)
        began = anyio.current_time()
        await here.client.live.list_orders(project.id)
        assert anyio.current_time() - began == pytest.approx(1.0)


async def test_pages_stream_in_bounded_memory() -> None:
    """The reader's pace holds the windows back: at most 20 windows are read ahead of it."""
    async with world() as here:
        project = here.simulator.add_project([6_000])
        seen = 0
        async with here.client.live.iter_orders(project.id) as pages:
            async for page in pages:
                assert page.start == seen
                seen += page.count
                await anyio.sleep(1)
                assert here.count() * 100 <= seen + 2_000 + 100
        assert (seen, pages.total, pages.complete) == (6_000, 6_000, True)
        assert [(d.start, d.end) for d in pages.deployments] == [(0, 6_000)]


async def test_leaving_early_cancels_what_is_in_flight() -> None:
    """After the block nothing is in flight, and nothing more is sent."""
    async with world(Conditions(latency=1.0)) as here:
        project = here.simulator.add_project([6_000])
        async with here.client.live.iter_orders(project.id) as pages:
            async for _ in pages:
                await anyio.sleep(0.5)
                assert here.transport.in_flight == 10
                break
        assert here.transport.in_flight == 0
        requests = here.count()
        await anyio.sleep(60)
        assert here.count() == requests
        assert not pages.complete


async def test_a_stream_that_was_left_says_so() -> None:
    """Iterating on after the block neither hangs nor yields what was read ahead; a finished stream just ends."""
    async with world() as here:
        project = here.simulator.add_project([600])
        async with here.client.live.iter_orders(project.id) as pages:
            await anext(pages)
        with pytest.raises(qcasync.ConfigurationError, match="The stream was left"):
            await anext(pages)
        async with here.client.live.iter_orders(project.id) as pages:
            assert sum([page.count async for page in pages]) == 600
        assert [page async for page in pages] == []


async def test_an_error_in_the_block_comes_out_as_itself() -> None:
    """No exception group leaves a public method for a single cause."""
    async with world() as here:
        project = here.simulator.add_project([600])
        with pytest.raises(ZeroDivisionError):
            async with here.client.live.iter_orders(project.id) as pages:
                async for _ in pages:
                    raise ZeroDivisionError


@pytest.mark.parametrize(
    "conditions",
    [
        pytest.param(Conditions(loading=2), id="loading"),
        pytest.param(Conditions(warming_seconds=8), id="warming"),
        pytest.param(Conditions(clamp=7), id="clamp"),
        pytest.param(Conditions(inclusive_end=True), id="inclusive end"),
        pytest.param(Conditions(length_means="page"), id="length of the page"),
        pytest.param(Conditions(length_means="zero"), id="length zero"),
        pytest.param(Conditions(length_means="absent"), id="length absent"),
        pytest.param(Conditions(length_means="negative"), id="length negative"),
        pytest.param(Conditions(length_means="growing"), id="length growing"),
        pytest.param(Conditions(max_window=100), id="window limit"),
        pytest.param(Conditions(latency=0.2, jitter=5.0), id="answers in any order"),
        pytest.param(Conditions(fault_rate=0.1, latency=0.1), id="passing faults"),
    ],
)
async def test_every_mood_of_the_server_ends_in_the_truth(conditions: Conditions) -> None:
    """Loading, warming, clamps, edges, lengths and passing faults change the cost, and nothing else."""
    async with world(conditions) as here:
        project = here.simulator.add_project([130, 200])
        listing = await here.client.live.list_orders(project.id)
        assert [(order.id, order.quantity) for order in listing] == keys(here.simulator.orders(project.id))
        boasted = conditions.length_means == "growing"
        assert [anomaly.kind for anomaly in listing.anomalies] == (["short"] if boasted else [])


async def test_a_list_that_became_shorter_is_read_twice() -> None:
    """Fewer orders than were there before are believed when a second pass finds the same."""
    async with world(Conditions(length_means="absent")) as here:
        project = here.simulator.add_project([130, 330])
        await here.client.live.list_orders(project.id)
        project.deployments.pop(0)
        requests = here.count()
        listing = await here.client.live.list_orders(project.id)
        assert (listing.total, listing.anomalies) == (330, ())
        assert here.count() - requests >= 2 * 4
        async with here.client.live.iter_orders(project.id) as pages:
            assert sum([page.count async for page in pages]) == 330


async def test_old_spelling() -> None:
    """A project written by old engines lists like any other."""
    async with world() as here:
        project = here.simulator.add_project([120], spelling="pascal")
        listing = await here.client.live.list_orders(project.id)
        assert len(listing) == 120
        assert {type(order) for order in listing} == {qcasync.Order}


async def test_orders_appended_while_reading() -> None:
    """What was there at the beginning is read, and what came later may be."""
    async with world(Conditions(latency=1.0, flush_seconds=0)) as here:
        project = here.simulator.add_project([350])

        async def trade() -> None:
            await anyio.sleep(0.5)
            here.simulator.trade(project.id, 120, true_time())

        async with anyio.create_task_group() as group:
            group.start_soon(trade)
            listing = await here.client.live.list_orders(project.id)
        assert listing.total == 470
        assert listing.spans_refresh


async def test_a_failing_window_names_what_is_missing() -> None:
    """All or an error: the ranges tell what was read and what was not."""
    async with world(Conditions(latency=0.1)) as here:
        project = here.simulator.add_project([487])
        here.simulator.fault(FaultKind.FAILURE_LASTING, path="live/orders/read", nth=4)
        with pytest.raises(qcasync.IncompleteRead) as caught:
            await here.client.live.list_orders(project.id)
        assert caught.value.read[0][0] == 0
        assert caught.value.missing
        assert isinstance(caught.value.__cause__, qcasync.APIError)


async def test_a_failure_of_the_first_window_is_told_as_it_is() -> None:
    """A project that does not exist is not an incomplete listing."""
    async with world() as here:
        with pytest.raises(qcasync.NotFoundError):
            await here.client.live.list_orders(4711)


async def test_a_server_that_ignores_start_is_found_out() -> None:
    """Never an endless loop, never the same order twice."""
    async with world(Conditions(ignore_start=True)) as here:
        project = here.simulator.add_project([487])
        with pytest.raises(qcasync.IncompleteRead, match="same rows for different windows"):
            await here.client.live.list_orders(project.id)


async def test_a_server_that_ignores_start_is_found_out_by_broken_orders_too() -> None:
    """An order that cannot be decoded is known by its bytes."""
    async with world(Conditions(ignore_start=True, broken_orders=frozenset({0}))) as here:
        project = here.simulator.add_project([487])
        with pytest.raises(qcasync.IncompleteRead, match="same rows for different windows"):
            await here.client.live.list_orders(project.id)


async def test_the_deadline_of_a_listing() -> None:
    """`timeout=` bounds the whole listing, and the error tells how far it came."""
    async with world(Conditions(latency=1.0)) as here:
        project = here.simulator.add_project([5_000])
        with pytest.raises(qcasync.IncompleteRead, match="deadline") as caught:
            await here.client.live.list_orders(project.id, timeout=3.5)
        assert anyio.current_time() == pytest.approx(3.5)
        assert caught.value.read[0] == (0, 2_100)


async def test_the_deadline_of_a_streams_windows() -> None:
    """`timeout=` of a stream bounds each window, and not the reader, who may take its time."""
    async with world(Conditions(latency=1.0)) as here:
        project = here.simulator.add_project([450])
        async with here.client.live.iter_orders(project.id, timeout=5) as pages:
            async for _ in pages:
                await anyio.sleep(100)
        assert pages.total == 450
        here.simulator.fault(FaultKind.HANG, path="live/orders/read", nth=3, times=100)
        with pytest.raises(qcasync.IncompleteRead) as caught:
            async with here.client.live.iter_orders(project.id, timeout=5) as pages:
                async for _ in pages:
                    pass
        assert isinstance(caught.value.__cause__, qcasync.RequestTimeout)


async def test_a_known_project_that_stays_empty_is_not_ready() -> None:
    """A project that had orders has not lost them because a cache is cold."""
    async with world() as here:
        project = here.simulator.add_project([20])
        await here.client.live.list_orders(project.id)
        here.simulator.conditions = Conditions(warming_seconds=math.inf)
        with pytest.raises(qcasync.NotReady):
            await here.client.live.list_orders(project.id)
        assert anyio.current_time() < 125


async def test_a_broken_order_costs_nothing_but_itself() -> None:
    """The page survives, the row is kept raw at its place, and ids around it are no anomaly."""
    async with world(Conditions(broken_orders=frozenset({3, 150}))) as here:
        project = here.simulator.add_project([160])
        listing = await here.client.live.list_orders(project.id)
        assert (len(listing), listing.total) == (158, 160)
        assert [entry.index for entry in listing.quarantined] == [3, 150]
        assert all(entry.raw for entry in listing.quarantined)
        assert listing.anomalies == ()


async def test_a_list_that_moved_is_read_again() -> None:
    """A deployment that vanishes during the read shows as a gap; the second pass reads what is there now."""
    async with world(Conditions(latency=1.0)) as here:
        project = here.simulator.add_project([130, 330])

        async def vanish() -> None:
            await anyio.sleep(0.5)
            project.deployments.pop(0)

        async with anyio.create_task_group() as group:
            group.start_soon(vanish)
            listing = await here.client.live.list_orders(project.id)
        assert listing.total == 330
        assert listing.anomalies == ()
        assert len(listing.deployments) == 1


async def test_progress_is_observable() -> None:
    """Each window is told, with what the whole list is thought to have."""
    async with world() as here:
        project = here.simulator.add_project([250])
        await here.client.live.list_orders(project.id)
        windows = here.told(qcasync.WindowRead)
        assert sum(window.count for window in windows) == 250
        assert windows[0] == qcasync.WindowRead(
            endpoint="live/orders/read", project_id=project.id, start=0, end=100, count=100, hint=250
        )
