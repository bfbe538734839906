import pytest

from qcasync.simulator import Project, Simulator

from .calling import Caller


@pytest.fixture
def project(simulator: Simulator) -> Project:
    # Launched one week before now, which is a multiple of ten minutes: a flush is due at every full 600 s from here.
    return simulator.add_project([40, 10])


def test_new_orders_appear_with_the_next_flush(simulator: Simulator, call: Caller, project: Project) -> None:
    before = simulator.orders(project.id)
    simulator.trade(project.id, 5, call.now + 1)
    assert len(simulator.orders(project.id)) == 55
    call.now += 599
    assert len(call.orders(project.id)) == 50
    call.now += 1
    assert tuple(call.orders(project.id)) == simulator.orders(project.id)
    assert simulator.orders(project.id)[:50] == before


def test_what_happens_after_a_flush_waits_for_the_next(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.trade(project.id, 1, call.now + 599)
    simulator.trade(project.id, 1, call.now + 601)
    call.now += 700
    assert len(call.orders(project.id)) == 51
    call.now += 500
    assert len(call.orders(project.id)) == 52


def test_flush_at_once_when_there_is_no_interval(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.conditions.flush_seconds = 0
    simulator.trade(project.id, 3, call.now)
    assert len(call.orders(project.id)) == 53


def test_flush_by_hand(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.trade(project.id, 3, call.now)
    simulator.flush(project.id, call.now)
    assert len(call.orders(project.id)) == 53


def test_stopping_flushes(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.trade(project.id, 3, call.now)
    call("live/update/stop", projectId=project.id)
    assert len(call.orders(project.id)) == 53


def test_an_open_order_fills(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.trade(project.id, 2, call.now, leave_open=True)
    simulator.flush(project.id)
    opened = call.orders(project.id)[50]
    assert opened["status"] == 1
    simulator.fill(project.id, 10, call.now + 5)
    assert call.orders(project.id)[50] == opened
    simulator.flush(project.id)
    filled = call.orders(project.id)[50]
    assert filled["status"] == 3
    events = filled["events"]
    assert isinstance(events, list)
    assert events[:-1] == opened["events"]
    assert events[-1]["fillQuantity"] == filled["quantity"]
    with pytest.raises(ValueError, match="closed"):
        simulator.fill(project.id, 10)
    with pytest.raises(IndexError):
        simulator.fill(project.id, 12)


def test_old_orders_do_not_change_when_new_ones_come(simulator: Simulator, project: Project) -> None:
    for count in (1, 60, 200):
        before = simulator.orders(project.id)
        simulator.trade(project.id, count, simulator.now + 1)
        assert simulator.orders(project.id)[: len(before)] == before


def test_the_oracle_at_a_time(simulator: Simulator, project: Project) -> None:
    simulator.trade(project.id, 5)
    assert len(simulator.orders(project.id, simulator.now)) == 50
    assert len(simulator.orders(project.id, simulator.now + 600)) == 55


def test_a_stale_replica_misses_the_last_flush(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.trade(project.id, 5)
    simulator.flush(project.id)
    simulator.conditions.stale_rate = 0.5
    assert {len(call.orders(project.id)) for _ in range(40)} == {50, 55}


def test_deploying_stops_what_runs(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.trade(project.id, 1)
    new = simulator.deploy(project.id, call.now)
    assert [deployment.status(call.now) for deployment in project.deployments] == ["Stopped", "Stopped", "Running"]
    simulator.trade(project.id, 2)
    simulator.flush(project.id)
    orders = call.orders(project.id)
    assert [order["id"] for order in orders[49:]] == [10, 11, 1, 2]
    assert project.latest is new


def test_an_algorithm_may_fail(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.trade(project.id, 1)
    simulator.end(project.id, call.now, status="RuntimeError")
    assert call("live/read", projectId=project.id)["status"] == "RuntimeError"
    assert len(call.orders(project.id)) == 51


def test_nothing_trades_in_a_stopped_project(simulator: Simulator) -> None:
    project = simulator.add_project([3], running=False)
    with pytest.raises(ValueError, match="nothing runs"):
        simulator.trade(project.id)
    with pytest.raises(ValueError, match="no project"):
        simulator.trade(1)


def test_no_orders_cannot_be_placed(simulator: Simulator, project: Project) -> None:
    with pytest.raises(ValueError, match="0 orders"):
        simulator.trade(project.id, 0)


def test_a_reset_forgets_former_deployments(simulator: Simulator, call: Caller, project: Project) -> None:
    latest = simulator.orders(project.id)[40:]
    simulator.reset(project.id, call.now)
    assert tuple(call.orders(project.id)) == simulator.orders(project.id) == latest
    assert simulator.orders(project.id, call.now) == latest
    assert call("live/orders/read", projectId=project.id, start=0, end=100)["length"] == 10
    assert len(call("live/list")["live"]) == 2
    simulator.deploy(project.id, call.now + 1)
    assert len(simulator.orders(project.id)) == 10
    simulator.reset(project.id, call.now + 1)
    assert simulator.orders(project.id) == ()


def test_a_replica_may_have_missed_a_reset(simulator: Simulator, call: Caller, project: Project) -> None:
    before = simulator.orders(project.id)
    simulator.reset(project.id, call.now)
    simulator.conditions.stale_rate = 1.0
    assert tuple(call.orders(project.id)) == before
    project.forgotten_earlier = project.forgotten
    assert tuple(call.orders(project.id)) == before[40:]


def test_a_reset_of_what_was_never_deployed(simulator: Simulator) -> None:
    project = simulator.add_project()
    simulator.reset(project.id)
    assert simulator.orders(project.id) == ()
