import re
from typing import Any

import pytest

from qcasync.simulator import Project, Simulator

from .calling import Caller, sign_for

BACK_END_DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
CREATION = {
    "versionId": "-1",
    "compileId": "c0ffee-5167",
    "nodeId": "LN-1",
    "brokerage": {"id": "QuantConnectBrokerage", "ib-password": "canary"},
}


@pytest.fixture
def project(simulator: Simulator) -> Project:
    return simulator.add_project([40, 10], name="Mine")


def test_flat_answer(call: Caller, project: Project) -> None:
    answer: dict[str, Any] = call("live/read", projectId=project.id)
    assert answer["status"] == "Running"
    assert answer["deployId"] == project.deployments[1].deploy_id
    assert answer["projectName"] == "Mine"
    assert BACK_END_DATE.fullmatch(answer["launched"])
    assert answer["stopped"] is None
    assert answer["runtimeStatistics"]["Equity"].startswith("$")
    assert set(answer["serverStatistics"]) >= {"CPU Usage", "Up Time"}
    assert answer["charts"]["Strategy Equity"] == {"name": "Strategy Equity"}
    assert answer["files"][0]["name"] == "main.py"
    assert list(answer)[-1] == "success"


def test_an_earlier_deployment_by_its_id(call: Caller, project: Project) -> None:
    answer = call("live/read", projectId=project.id, deployId=project.deployments[0].deploy_id)
    assert answer["status"] == "Stopped"
    assert BACK_END_DATE.fullmatch(str(answer["stopped"]))
    assert answer["runtimeStatistics"] == []  # PHP's empty dictionary.
    assert call("live/read", projectId=project.id, deployId="L-0")["success"] is False


def test_never_deployed(simulator: Simulator, call: Caller) -> None:
    project = simulator.add_project()
    answer = call("live/read", projectId=project.id)
    assert (answer["success"], answer["status"]) == (True, "Undefined")
    simulator.conditions.never_deployed = "failure"
    assert call("live/read", projectId=project.id)["errors"] == ["No live deployment found"]


def test_documented_results(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.conditions.live_answer = "results"
    answer: dict[str, Any] = call("live/read", projectId=project.id)
    assert set(answer) == {"LiveResults", "success"}
    assert set(answer["LiveResults"]) == {"version", "resolution", "results"}
    results = answer["LiveResults"]["results"]
    assert {"Holdings", "Cash", "Charts", "Orders", "OrderEvents", "ProfitLoss", "Statistics"} <= set(results)
    assert "AlphaRuntimeStatistics" in results
    assert list(results["Orders"]) == [str(number) for number in range(1, 11)]
    assert results["Orders"]["1"]["Id"] == 1
    assert results["Charts"]["Cut"] == {"Name": "Cut"}
    series = results["Charts"]["Strategy Equity"]["Series"]["Equity"]
    assert {"Name", "Unit", "Index", "SeriesType", "Values"} <= set(series)
    forms = {
        (type(point).__name__, len(point))
        for chart in results["Charts"].values()
        for one in chart.get("Series", {}).values()
        for point in one["Values"]
    }
    assert forms == {("list", 2), ("list", 5), ("dict", 2), ("dict", 3)}


def test_the_list_form_of_live_read_was_withdrawn(simulator: Simulator, call: Caller, project: Project) -> None:
    assert call("live/read", status="Running") == {"success": False, "errors": ["Invalid argument"]}
    simulator.conditions.live_read_lists = True
    simulator.conditions.list_key = "Algorithms"
    answer: dict[str, Any] = call("live/read", status="Running")
    assert [entry["projectId"] for entry in answer["Algorithms"]] == [project.id]


def test_list(simulator: Simulator, call: Caller, project: Project) -> None:
    other = simulator.add_project([1], running=False)
    entries: Any = call("live/list")["live"]
    assert [entry["projectId"] for entry in entries] == [project.id, project.id, other.id]
    assert set(entries[0]) == {
        "projectId",
        "deployId",
        "status",
        "launched",
        "stopped",
        "brokerage",
        "subscription",
        "equity",
        "environment",
        "description",
        "error",
        "leagues",
    }
    assert [entry["status"] for entry in entries] == ["Running", "Stopped", "Stopped"]
    assert entries[0]["stopped"] is None


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"status": "Running"}, 1),
        ({"status": "Stopped"}, 1),
        ({"status": "RuntimeError"}, 0),
        ({"start": 1_749_000_000}, 1),
        ({"end": 1_749_000_000}, 1),
        ({"start": "2025-06-04T00:00:00Z"}, 1),
        ({"start": "2025-06-01 15:06:40", "end": "2025-06-30"}, 2),
    ],
)
@pytest.mark.usefixtures("project")
def test_list_filters(call: Caller, asked: dict[str, object], count: int) -> None:
    entries: Any = call("live/list", **asked)["live"]
    assert len(entries) == count


def test_list_refuses_nonsense(call: Caller) -> None:
    assert call("live/list", status="Sleeping")["success"] is False
    assert call("live/list", start="yesterday")["success"] is False


def test_portfolio(call: Caller, project: Project) -> None:
    portfolio: Any = call("live/portfolio/read", projectId=project.id)["portfolio"]
    holdings = list(portfolio["holdings"].values())
    assert set(holdings[0]) == {"a", "q", "p", "v", "u", "up"}
    assert {} in holdings
    assert [] in holdings
    assert portfolio["cash"]["USD"]["currencySymbol"] == "$"
    call("live/update/liquidate", projectId=project.id)
    flat: Any = call("live/portfolio/read", projectId=project.id)["portfolio"]
    assert flat["holdings"] == []


def test_chart(call: Caller, project: Project) -> None:
    end = int(call.now)
    asked = {"projectId": project.id, "start": end - 1000, "end": end}
    answer: Any = call("live/chart/read", name="Strategy Equity", count=10, **asked)
    series = answer["chart"]["series"]
    assert len(series["Equity"]["values"]) == 11
    assert len(series["Equity"]["values"][0]) == 5
    assert series["Return"]["scatterMarkerSymbol"] == "none"
    times = [point[0] for point in series["Return"]["values"]]
    assert times == sorted(times)
    wider: Any = call("live/chart/read", name="Strategy Equity", count=2, **asked)
    assert len(wider["chart"]["series"]["Equity"]["values"]) == 3


def test_a_degenerate_chart_window_is_one_point(call: Caller, project: Project) -> None:
    answer: Any = call("live/chart/read", projectId=project.id, name="Benchmark", count=100, start=0, end=0)
    assert len(answer["chart"]["series"]["Benchmark"]["values"]) == 1


def test_refused_charts(call: Caller, project: Project) -> None:
    asked: dict[str, object] = {"projectId": project.id, "name": "Benchmark", "count": 10, "start": 0, "end": 100}
    assert call("live/chart/read", **asked)["success"] is True
    for change in ({"name": "Unknown"}, {"name": " "}, {"end": -1}, {"count": 0}):
        assert call("live/chart/read", **{**asked, **change})["success"] is False
    del asked["count"]
    assert call("live/chart/read", **asked)["success"] is False


def test_charts_load_too(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.conditions.loading = 1
    asked: dict[str, object] = {"projectId": project.id, "name": "Benchmark", "count": 10, "start": 0, "end": 100}
    assert "chart" not in call("live/chart/read", **asked)
    assert "chart" in call("live/chart/read", **asked)


def test_create(simulator: Simulator, call: Caller) -> None:
    project = simulator.add_project()
    answer: dict[str, Any] = call("live/create", projectId=project.id, **CREATION)
    deployment = project.deployments[0]
    assert {key: answer[key] for key in ("projectId", "deployId", "versionId", "source", "responseCode")} == {
        "projectId": project.id,
        "deployId": deployment.deploy_id,
        "versionId": 17202,
        "source": "api-v2",
        "responseCode": "0",
    }
    assert answer["live"]["status"] == "Initializing"
    assert answer["live"]["brokerage"] == "PaperBrokerage"
    assert call("live/read", projectId=project.id)["status"] == "Initializing"
    call.now += 5
    assert call("live/read", projectId=project.id)["status"] == "Running"
    assert [(effect.kind, effect.deploy_id) for effect in simulator.ledger.effects] == [
        ("create", deployment.deploy_id)
    ]
    assert call("live/create", projectId=project.id, **CREATION)["success"] is False
    assert "canary" not in repr(simulator.ledger.requests)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"versionId": -1}, "Invalid argument"),
        ({"compileId": " "}, "Invalid argument"),
        ({"nodeId": ""}, "Invalid argument"),
        ({"brokerage": "id=QuantConnectBrokerage"}, "Brokerage data must be an array"),
        ({"brokerage": {}}, "Invalid argument"),
        ({"projectId": 1}, "Project not found"),
    ],
)
def test_refused_creations(simulator: Simulator, call: Caller, change: dict[str, object], text: str) -> None:
    project = simulator.add_project()
    assert call("live/create", **{"projectId": project.id, **CREATION, **change})["errors"] == [text]
    assert simulator.ledger.effects == []


@pytest.mark.parametrize(("path", "status"), [("stop", "Stopped"), ("liquidate", "Liquidated")])
def test_ending(simulator: Simulator, call: Caller, project: Project, path: str, status: str) -> None:
    assert call(f"live/update/{path}", projectId=project.id) == {"success": True}
    assert call("live/read", projectId=project.id)["status"] == status
    assert [effect.kind for effect in simulator.ledger.effects] == [path]
    again = call(f"live/update/{path}", projectId=project.id)
    assert again["success"] is False
    assert len(simulator.ledger.effects) == 1


def test_a_slow_stop(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.conditions.stopping_seconds = 30
    call("live/update/stop", projectId=project.id)
    assert call("live/read", projectId=project.id)["status"] == "Running"
    assert call("live/update/stop", projectId=project.id)["success"] is True
    call.now += 30
    assert call("live/read", projectId=project.id)["status"] == "Stopped"
    assert len(simulator.ledger.effects) == 1


def test_ignored_commands(simulator: Simulator, call: Caller, project: Project) -> None:
    simulator.conditions.ignore_commands = True
    assert call("live/update/stop", projectId=project.id) == {"success": True}
    assert call("live/read", projectId=project.id)["status"] == "Running"
    assert simulator.ledger.effects == []


def test_commands(simulator: Simulator, call: Caller, project: Project) -> None:
    other, idle = simulator.add_project([1]), simulator.add_project()
    simulator.add_project([1], account=simulator.add_account())
    assert call("live/commands/create", projectId=project.id, command={"a": 1}) == {"success": True}
    assert call("live/commands/create", projectId=idle.id, command={"a": 1})["success"] is False
    assert call("live/commands/create", projectId=project.id, command=[])["success"] is False
    assert call("live/commands/broadcast", command={"b": 2})["success"] is False
    assert call("live/commands/broadcast", organizationId="o", command={"b": 2}) == {"success": True}
    assert call("live/commands/broadcast", organizationId="o", command={"c": 3}, excludeProjectId=other.id)["success"]
    assert simulator.ledger.commands_of(project.id) == [{"a": 1}, {"b": 2}, {"c": 3}]
    assert [(each.request, each.project_id, each.broadcast) for each in simulator.ledger.commands] == [
        (1, project.id, False),
        (5, project.id, True),
        (5, other.id, True),
        (6, project.id, True),
    ]
    assert [effect.kind for effect in simulator.ledger.effects] == ["command"] * 4
    simulator.conditions.ignore_commands = True
    assert call("live/commands/create", projectId=project.id, command={"a": 1}) == {"success": True}
    assert call("live/commands/broadcast", organizationId="o", command={"b": 2}) == {"success": True}
    assert len(simulator.ledger.commands) == 4


def test_unknown_paths_and_methods(call: Caller) -> None:
    assert call.send("live/unknown").status == 404
    assert call.send("authenticate", method="PUT").status == 405
    assert call.send("/api/v2//authenticate/").status == 200


def test_bodies_that_are_no_objects(simulator: Simulator) -> None:
    for body in (b"[]", b"{", b"\xff", b"[" * 100_000):
        answer = simulator.handle("POST", "live/list", sign_for(simulator).items(), body, simulator.now)
        assert answer.body == b'{"success":false,"errors":["Invalid argument"]}'


def test_a_form_is_read_but_cannot_hold_a_brokerage(simulator: Simulator) -> None:
    project = simulator.add_project()
    headers = sign_for(simulator) | {"Content-Type": "application/x-www-form-urlencoded"}
    body = b"projectId=%d&versionId=-1&compileId=a&nodeId=b&brokerage[id]=QuantConnectBrokerage" % project.id
    answer = simulator.handle("POST", "live/create", headers.items(), body, simulator.now)
    assert b"Brokerage data must be an array" in answer.body


def test_the_portfolio_of_what_never_ran(simulator: Simulator, call: Caller) -> None:
    assert call("live/portfolio/read", projectId=simulator.add_project().id)["success"] is False


def test_a_project_must_be_named(call: Caller) -> None:
    assert call("live/update/stop")["errors"] == ["Invalid argument"]
