"""Log lines and insights of simulated deployments."""

import re
from typing import Any, cast

import pytest

from qcasync.simulator import Project, Simulator

from .calling import Caller

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ")


@pytest.fixture
def project(simulator: Simulator) -> Project:
    # Launched one week before now, which is a multiple of both intervals: a flush is due at every full 300 s from here.
    return simulator.add_project([40, 10])


def lines(call: Caller, project: Project, start: int = 0, end: int = 250) -> list[str]:
    return cast("list[str]", log(call, project, start, end)["logs"])


def log(call: Caller, project: Project, start: int, end: int, **more: Any) -> dict[str, Any]:
    named = {"format": "json", "algorithmId": project.deployments[-1].deploy_id} | more
    return call("live/logs/read", projectId=project.id, startLine=start, endLine=end, **named)


def all_lines(call: Caller, project: Project) -> list[str]:
    length = log(call, project, 0, 1)["length"]
    return [line for start in range(0, length, 250) for line in lines(call, project, start, start + 250)]


def insights(call: Caller, project: Project, start: int = 0, end: int = 1000) -> list[dict[str, Any]]:
    answer: dict[str, Any] = call("live/insights/read", projectId=project.id, start=start, end=end)
    return cast("list[dict[str, Any]]", answer["insights"])


def test_lines_begin_with_ascending_dates_in_each_deployment(call: Caller, project: Project) -> None:
    every = all_lines(call, project)
    offset = log(call, project, 0, 1)["deploymentOffset"]
    assert 250 < offset < len(every) - 250
    assert all(map(LINE.match, every))
    for log_of_one in (every[:offset], every[offset:]):
        dates = [line[:19] for line in log_of_one]
        assert dates == sorted(dates)
    assert any("\n" in line for line in every)


def test_the_log_is_decided_by_the_seed(call: Caller, project: Project) -> None:
    twin = Simulator(seed=7)
    other = Simulator(seed=8)
    assert all_lines(Caller(twin), twin.add_project([40, 10])) == all_lines(call, project)
    assert all_lines(Caller(other), other.add_project([40, 10])) != all_lines(call, project)


def test_insights_are_decided_by_the_seed(call: Caller, project: Project) -> None:
    twin = Simulator(seed=7)
    assert insights(Caller(twin), twin.add_project([40, 10])) == insights(call, project)


def test_lines_are_numbered_over_all_deployments(call: Caller, project: Project) -> None:
    every = all_lines(call, project)
    first, second = (deployment.deploy_id for deployment in project.deployments)
    offset = log(call, project, 0, 1)["deploymentOffset"]
    assert log(call, project, offset - 2, offset + 2, algorithmId=first) == {
        "logs": every[offset - 2 : offset + 2],
        "length": len(every),
        "deploymentOffset": 0,
        "success": True,
    }
    assert log(call, project, offset, offset + 1, algorithmId=second)["logs"] == [every[offset]]
    assert lines(call, project, len(every), len(every) + 100) == []


@pytest.mark.parametrize("wait", [86_400, 3_600 * 13])
def test_records_grow_with_time_and_never_move(call: Caller, project: Project, wait: float) -> None:
    before, known = all_lines(call, project), [insight["id"] for insight in insights(call, project)]
    call.now += wait
    after, later = all_lines(call, project), [insight["id"] for insight in insights(call, project)]
    assert len(after) > len(before) + 10
    assert after[: len(before)] == before
    assert len(later) > len(known)
    assert later[: len(known)] == known


def test_nothing_is_recorded_after_the_end(simulator: Simulator, call: Caller) -> None:
    project = simulator.add_project([3], running=False)
    before = all_lines(call, project)
    found = insights(call, project)
    call.now += 86_400
    assert all_lines(call, project) == before
    assert insights(call, project) == found


def test_a_line_appears_with_the_next_flush(simulator: Simulator, call: Caller, project: Project) -> None:
    before = log(call, project, 0, 1)["length"]
    simulator.log(project.id, "by hand é/", call.now + 1)
    call.now += 299
    assert log(call, project, 0, 1)["length"] == before
    call.now += 1
    assert "2025-06-15 15:06:41 by hand é/" in all_lines(call, project)


def test_an_insight_appears_with_the_next_flush(simulator: Simulator, call: Caller, project: Project) -> None:
    before = insights(call, project)
    made = simulator.insight(project.id, call.now + 1)
    assert made["generatedTime"] == call.now + 1
    call.now += 599
    assert insights(call, project) == before
    call.now += 1
    assert made in insights(call, project)
    made["id"] = "changed"
    assert made not in insights(call, project)


def test_what_a_test_adds_comes_after_what_was_there(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.log(project.id, "late", call.now + 3600)
    for _ in range(1000):  # more than there were, so that a search for the time would land among them
        simulator.log(project.id, "dated back", call.now + 5)
    call.now += 600
    assert not any(line.endswith("back") for line in all_lines(call, project))
    call.now += 86_400
    texts = [line[20:] for line in all_lines(call, project)]
    assert texts[texts.index("late") + 1] == "dated back"


def test_each_insight_is_another(simulator: Simulator, call: Caller, project: Project) -> None:
    for _ in range(5):
        simulator.insight(project.id, call.now)
    simulator.flush(project.id, call.now)
    ids = [insight["id"] for insight in insights(call, project)]
    assert len(set(ids)) == len(ids)


def test_flush_by_hand(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.log(project.id, "by hand")
    made = simulator.insight(project.id)
    simulator.flush(project.id, call.now)
    assert any(line.endswith(" by hand") for line in all_lines(call, project)[-2:])
    assert made in insights(call, project)[-2:]


def test_flush_at_once_when_there_is_no_interval(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.conditions.flush_seconds = simulator.conditions.log_flush_seconds = 0
    simulator.log(project.id, "by hand", call.now)
    made = simulator.insight(project.id, call.now)
    assert all_lines(call, project)[-1].endswith(" by hand")
    assert insights(call, project)[-1] == made


def test_stopping_flushes(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.log(project.id, "last words", call.now)
    made = simulator.insight(project.id, call.now)
    call("live/update/stop", projectId=project.id)
    assert all_lines(call, project)[-1].endswith(" last words")
    assert insights(call, project)[-1] == made


def test_a_young_deployment_has_no_records(simulator: Simulator, call: Caller) -> None:
    project = simulator.add_project()
    simulator.deploy(project.id, call.now)
    call.now += 299
    assert log(call, project, 0, 100) == {"logs": [], "length": 0, "deploymentOffset": 0, "success": True}
    assert insights(call, project) == []
    call.now += 301
    assert len(lines(call, project)) == len(insights(call, project)) == 1


def test_nothing_is_recorded_in_a_stopped_project(simulator: Simulator) -> None:
    project = simulator.add_project([3], running=False)
    with pytest.raises(ValueError, match="nothing runs"):
        simulator.log(project.id, "x")
    with pytest.raises(ValueError, match="nothing runs"):
        simulator.insight(project.id)


def test_insights_as_the_engine_writes_them(call: Caller, project: Project) -> None:
    found = insights(call, project)
    assert {type(insight["magnitude"]) for insight in found} == {str, type(None)}
    assert {insight["direction"] for insight in found} == {"down", "flat", "up"}
    assert {insight["type"] for insight in found} == {"price", "volatility"}
    assert {insight["groupId"] for insight in found} == {None}


def test_scores_are_final_once_the_period_has_ended(simulator: Simulator, call: Caller, project: Project) -> None:
    made = simulator.insight(project.id)
    simulator.flush(project.id)
    closes = cast("float", made["closeTime"])

    def seen() -> dict[str, Any]:
        return next(insight for insight in insights(call, project) if insight["id"] == made["id"])

    assert (seen()["scoreIsFinal"], seen()["referenceValueFinal"]) == (False, 0.0)
    call.now = closes + 601
    assert seen()["scoreIsFinal"] is True
    assert seen()["referenceValueFinal"] > made["reference"]


def test_insights_of_old_engines(simulator: Simulator, call: Caller) -> None:
    (insight, *_) = insights(call, simulator.add_project([1], spelling="pascal"))
    assert {"generated-time", "reference-final", "score-final", "score-direction"} <= set(insight)
    assert not any(key != key.lower() for key in insight)


@pytest.mark.parametrize(
    "change",
    [
        {"startLine": -1},
        {"startLine": 250},
        {"endLine": 251},
        {"startLine": "x"},
        {"endLine": None},
        {"algorithmId": "L-0"},
        {"algorithmId": " "},
        {"format": "text"},
        {"projectId": 1},
    ],
)
def test_refused_windows_of_lines(call: Caller, project: Project, change: dict[str, object]) -> None:
    window = {
        "projectId": project.id,
        "algorithmId": project.deployments[0].deploy_id,
        "startLine": 0,
        "endLine": 250,
    }
    assert call("live/logs/read", **window)["success"] is True
    answer = call("live/logs/read", **window | change)
    assert answer["success"] is False
    assert "logs" not in answer


@pytest.mark.parametrize("key", ["algorithmId", "startLine", "endLine"])
def test_lines_need_every_field(call: Caller, project: Project, key: str) -> None:
    window = {"projectId": project.id, "algorithmId": project.deployments[0].deploy_id, "startLine": 0, "endLine": 1}
    del window[key]
    assert call("live/logs/read", **window) == {"success": False, "errors": ["Invalid argument"]}


@pytest.mark.parametrize("window", [{"start": -1, "end": 10}, {"start": 10, "end": 10}, {"start": 0, "end": 1001}])
def test_refused_windows_of_insights(call: Caller, project: Project, window: dict[str, object]) -> None:
    answer = call("live/insights/read", projectId=project.id, **window)
    assert answer["success"] is False
    assert "insights" not in answer


def test_windows_of_insights_are_half_open(simulator: Simulator, call: Caller, project: Project) -> None:
    every = insights(call, project)
    assert len(every) > 150
    assert insights(call, project, 80, 90) == every[80:90]
    assert insights(call, project, len(every), len(every) + 10) == []
    answer = call("live/insights/read", projectId=project.id, start=0, end=5)
    assert answer["length"] == len(every)
    simulator.conditions.clamp = 3
    simulator.conditions.length_means = "absent"
    assert call("live/insights/read", projectId=project.id, start=4, end=50) == {
        "insights": every[4:7],
        "success": True,
    }


def test_loading(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.conditions.loading = 1
    assert log(call, project, 0, 1)["status"] == "loading"
    assert call("live/insights/read", projectId=project.id, start=0, end=1)["status"] == "loading"
    assert len(lines(call, project, 0, 1)) == len(insights(call, project, 0, 1)) == 1
