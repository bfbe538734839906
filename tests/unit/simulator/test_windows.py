from typing import Any

import pytest

from qcasync.simulator import Project, Simulator

from .calling import Caller

TOTAL = 487


@pytest.fixture
def project(simulator: Simulator) -> Project:
    return simulator.add_project([40, 120, 327])


def test_windows_are_half_open_and_cross_deployments(simulator: Simulator, call: Caller, project: Project) -> None:
    truth = simulator.orders(project.id)
    pieces = [order for start in range(0, TOTAL, 100) for order in call.orders(project.id, start, start + 100)]
    assert tuple(pieces) == truth
    assert call.orders(project.id, 39, 41) == list(truth[39:41])


def test_beyond_the_end_is_empty_and_a_success(call: Caller, project: Project) -> None:
    assert call("live/orders/read", projectId=project.id, start=TOTAL, end=TOTAL + 100) == {
        "orders": [],
        "length": TOTAL,
        "success": True,
    }


def test_the_last_window_is_short(call: Caller, project: Project) -> None:
    assert len(call.orders(project.id, 400, 500)) == 87


@pytest.mark.parametrize(
    "window",
    [
        {"start": -1, "end": 10},
        {"start": 10, "end": 10},
        {"start": 20, "end": 10},
        {"start": 0},
        {"end": 200},
        {"start": "x", "end": 10},
        {"start": 0, "end": True},
        {"start": 0.0, "end": 10},
        {"start": 0, "end": 1001},
    ],
)
def test_refused_windows(call: Caller, project: Project, window: dict[str, object]) -> None:
    answer = call("live/orders/read", projectId=project.id, **window)
    assert answer["success"] is False
    assert "orders" not in answer


def test_a_window_from_a_query(call: Caller, project: Project) -> None:
    answer = call.send(f"live/orders/read?projectId={project.id}&start=5&end=7", method="GET")
    assert answer.body.count(b'"contingentId"') == 2


def test_start_may_be_left_out_of_a_small_window(call: Caller, project: Project) -> None:
    assert call("live/orders/read", projectId=project.id, end=100)["success"] is True


def test_null_is_refused(call: Caller, project: Project) -> None:
    answer = call("live/orders/read", projectId=project.id, start=0, end=10, algorithmId=None)
    assert answer["success"] is False


def test_algorithm_id_is_ignored(call: Caller, project: Project) -> None:
    deploy_id = project.deployments[2].deploy_id
    answer: dict[str, Any] = call("live/orders/read", projectId=project.id, start=0, end=100, algorithmId=deploy_id)
    assert answer["length"] == TOTAL


def test_clamp(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.conditions.clamp = 7
    assert call.orders(project.id, 10, 20) == list(simulator.orders(project.id)[10:17])


def test_inclusive_end(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.conditions.inclusive_end = True
    assert call.orders(project.id, 10, 20) == list(simulator.orders(project.id)[10:21])


def test_ignored_start(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.conditions.ignore_start = True
    assert call.orders(project.id, 100, 200) == list(simulator.orders(project.id)[:100])


@pytest.mark.parametrize(("meaning", "length"), [("total", TOTAL), ("page", 100), ("zero", 0), ("negative", -1)])
def test_meanings_of_length(simulator: Simulator, call: Caller, project: Project, meaning: Any, length: int) -> None:
    simulator.conditions.length_means = meaning
    assert call("live/orders/read", projectId=project.id, start=0, end=100)["length"] == length


def test_length_absent_or_growing(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.conditions.length_means = "absent"
    assert "length" not in call("live/orders/read", projectId=project.id, start=0, end=100)
    simulator.conditions.length_means = "growing"
    lengths = [call("live/orders/read", projectId=project.id, start=0, end=1)["length"] for _ in range(3)]
    assert lengths == [TOTAL + 2, TOTAL + 3, TOTAL + 4]


def test_broken_orders_are_broken_on_the_wire_only(simulator: Simulator, call: Caller, project: Project) -> None:
    truth = simulator.orders(project.id)
    simulator.conditions.broken_orders = frozenset({101, 150, 400})
    seen = call.orders(project.id, 100, 200)
    assert [index for index in range(100) if seen[index] != truth[100 + index]] == [1, 50]
    assert simulator.orders(project.id) == truth


def test_loading_by_count(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.conditions.loading = 2
    answers = [call("live/orders/read", projectId=project.id, start=0, end=1) for _ in range(4)]
    assert answers[:2] == [
        {"progress": 0.0, "status": "loading", "success": True},
        {"progress": 0.5, "status": "loading", "success": True},
    ]
    assert all("orders" in answer for answer in answers[2:])


def test_loading_by_time(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.conditions.loading_seconds = 10.0
    seen: list[object] = []
    for _ in range(5):
        seen.append(call("live/orders/read", projectId=project.id, start=0, end=1).get("progress"))
        call.now += 4.0
    assert seen == [0.0, 0.4, 0.8, None, None]


def test_loading_for_ever(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.conditions.loading = float("inf")
    progress = [call("live/orders/read", projectId=project.id, start=0, end=1)["progress"] for _ in range(50)]
    assert progress == sorted(progress, key=float)  # type: ignore[arg-type]
    assert 0.0 == progress[0] != progress[-1]


def test_projects_load_separately(simulator: Simulator, call: Caller, project: Project) -> None:
    other = simulator.add_project([3])
    simulator.conditions.loading = 1
    assert "progress" in call("live/orders/read", projectId=project.id, start=0, end=1)
    assert "progress" in call("live/orders/read", projectId=other.id, start=0, end=1)
    assert "orders" in call("live/orders/read", projectId=project.id, start=0, end=1)


def test_warming_is_an_empty_success(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.conditions.warming_seconds = 20.0
    empty: dict[str, object] = {"orders": [], "length": 0, "success": True}
    assert call("live/orders/read", projectId=project.id, start=0, end=100) == empty
    call.now += 19.9
    assert call("live/orders/read", projectId=project.id, start=0, end=100) == empty
    call.now += 0.1
    assert len(call.orders(project.id)) == 100


def test_no_orders_and_no_deployments(simulator: Simulator, call: Caller) -> None:
    for project in (simulator.add_project([0]), simulator.add_project()):
        assert call("live/orders/read", projectId=project.id, start=0, end=100) == {
            "orders": [],
            "length": 0,
            "success": True,
        }


def test_unknown_project(call: Caller) -> None:
    assert call("live/orders/read", projectId=1, start=0, end=100) == {
        "success": False,
        "errors": ["Project not found"],
    }
