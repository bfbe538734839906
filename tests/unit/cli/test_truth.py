"""The demonstration must not call something verified that is not. Each test alters one thing that was read."""

from collections.abc import Iterable

import msgspec
import pytest

import qcasync
from qcasync.cli.truth import Truth
from qcasync.simulator import Project, Simulator, SimulatorTransport

pytestmark = pytest.mark.anyio


@pytest.fixture
def project(simulator: Simulator) -> Project:
    return simulator.add_project([3, 4])


@pytest.fixture
async def listing(simulator: Simulator, project: Project) -> qcasync.OrderListing:
    transport = SimulatorTransport(simulator, now=lambda: simulator.now)
    clock = qcasync.Clock(wall=lambda: simulator.now)
    async with qcasync.Client(simulator.user_id, simulator.api_token, transport=transport, clock=clock) as qc:
        return await qc.live.list_orders(project.id)


def verdict(truth: Truth, rows: Iterable[qcasync.Order], deployments: tuple[qcasync.Deployment, ...]) -> bool:
    truth.compare(rows)
    return truth.conclude(deployments)


async def test_what_was_read_well_is_verified(
    simulator: Simulator, project: Project, listing: qcasync.OrderListing
) -> None:
    truth = Truth(simulator, project)
    assert verdict(truth, listing, listing.deployments)
    assert truth.differences == []


@pytest.mark.parametrize(
    "changes",
    [
        {"id": 99},
        {"quantity": 1e9},
        {"price": 1e9},
        {"status": qcasync.OrderStatus(77)},
        {"type": qcasync.OrderType(77)},
        {"tag": "another"},
        {"events": ()},
        {"deployment": None},
        {"symbol": qcasync.Symbol(value="X", id="X")},
        {"direction": qcasync.OrderDirection.HOLD},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_any_difference_is_seen(
    simulator: Simulator, project: Project, listing: qcasync.OrderListing, changes: dict[str, object]
) -> None:
    truth = Truth(simulator, project)
    *before, last = listing
    assert last.events
    assert not verdict(truth, [*before, msgspec.structs.replace(last, **changes)], listing.deployments)
    assert len(truth.differences) == 1


async def test_missing_surplus_and_undecoded_orders_are_seen(
    simulator: Simulator, project: Project, listing: qcasync.OrderListing
) -> None:
    assert not verdict(Truth(simulator, project), listing[:-1], listing.deployments)
    assert not verdict(Truth(simulator, project), [*listing, listing[-1]], listing.deployments)
    truth = Truth(simulator, project)
    truth.compare([*listing[:-1], qcasync.Quarantined(index=6, reason="broken", raw=b"")])
    assert not truth.conclude(listing.deployments)


async def test_deployments_that_were_mistaken_are_seen(
    simulator: Simulator, project: Project, listing: qcasync.OrderListing
) -> None:
    assert not verdict(Truth(simulator, project), listing, listing.deployments[::-1])
    assert not verdict(Truth(simulator, project), listing, listing.deployments[:1])
