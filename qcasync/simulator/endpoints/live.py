"""live/read: the state of one live algorithm, in today's flat form or in the documented `LiveResults`."""

import random

from qcasync.simulator.deployments import Deployment
from qcasync.simulator.endpoints.call import Call
from qcasync.simulator.endpoints.lists import list_deployments
from qcasync.simulator.endpoints.results import live_results
from qcasync.simulator.payloads import UnreadableError, read_text
from qcasync.simulator.projects import Project
from qcasync.simulator.series import CHART_NAMES
from qcasync.simulator.wire import JsonObject, Reply, back_end_date, failure, success

_MAIN = """from AlgorithmImports import *


class SimulatedAlgorithm(QCAlgorithm):
    def initialize(self) -> None:
        self.add_equity("SPY")
"""


def read_live(call: Call, /) -> Reply:
    """Answer for the project's latest deployment, or the one named by `deployId`.

    The form without a project was withdrawn: "Invalid argument", unless the conditions bring it back.
    """
    conditions = call.conditions
    if "projectId" not in call.payload:
        return list_deployments(call) if conditions.live_read_lists else failure("Invalid argument")
    project = call.project()
    deploy_id = read_text(call.payload, "deployId")
    deployment = project.latest
    if deploy_id is not None:
        deployment = next((each for each in project.deployments if each.deploy_id == deploy_id), None)
    if deployment is None:
        if deploy_id is not None or conditions.never_deployed == "failure":
            raise UnreadableError("No live deployment found")
        return success(_undefined(project))
    if conditions.live_answer == "results":
        return success({"LiveResults": live_results(call.world.seed, project, deployment, call.now)})
    return success(flat_answer(call.world.seed, project, deployment, call.now))


def flat_answer(seed: int, project: Project, deployment: Deployment, now: float) -> JsonObject:
    """The state of a deployment as live/read and live/create report it."""
    rng = random.Random(f"{seed}/{deployment.deploy_id}/statistics")
    active = deployment.is_active(now)
    stopped = None if active or deployment.stopped_at is None else back_end_date(deployment.stopped_at)
    return {
        "message": "",
        "deployId": deployment.deploy_id,
        "status": deployment.status(now),
        "cloneId": project.id + 1,
        "launched": back_end_date(deployment.launched_at),
        "stopped": stopped,
        "brokerage": deployment.brokerage,
        "securityTypes": "Equity,Option",
        "projectName": project.name,
        "datacenter": "NY7",
        "isPublicStreaming": False,
        "public": False,
        "description": None,
        "files": [_file(project, deployment)],
        # PHP writes an empty dictionary as an empty list.
        "runtimeStatistics": runtime_statistics(rng, deployment.snapshot.size) if active else [],
        "serverStatistics": _server_statistics(rng, now - deployment.launched_at) if active else [],
        "charts": {name: {"name": name} for name in CHART_NAMES},
    }


def runtime_statistics(rng: random.Random, volume: int) -> JsonObject:
    """Display texts: the minus on either side of the dollar sign, a blank before some percent signs."""
    equity = 100_000 + rng.uniform(-5_000, 20_000)
    return {
        "Equity": f"${equity:,.2f}",
        "Fees": f"-${rng.uniform(1, 400):,.2f}",
        "Holdings": f"${rng.uniform(0, 90_000):,.2f}",
        "Net Profit": f"$-{rng.uniform(0, 900):,.2f}",
        "Probabilistic Sharpe Ratio": f"{rng.uniform(0, 100):.3f}%",
        "Return": f"{equity / 1000 - 100:.2f} %",
        "Unrealized": f"${rng.uniform(0, 900):,.2f}",
        "Volume": f"${volume * 1234.5:,.2f}",
    }


def _server_statistics(rng: random.Random, age: float) -> JsonObject:
    days, rest = divmod(int(age), 86_400)
    return {
        "CPU Usage": f"{rng.uniform(0, 60):.1f}%",
        "Used RAM (MB)": str(rng.randrange(200, 900)),
        "Total RAM (MB)": "",
        "Hostname": f"LIVE-{rng.randrange(10, 99)}",
        "LEAN Version": "2.5.0.0.17202",
        "Up Time": f"{days}d {rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}",
    }


def _file(project: Project, deployment: Deployment) -> JsonObject:
    return {
        "id": None,
        "projectId": project.id,
        "name": "main.py",
        "content": _MAIN,
        "modified": back_end_date(deployment.launched_at - 3600),
        "open": True,
        "isLibrary": False,
    }


def _undefined(project: Project) -> JsonObject:
    return {
        "message": "",
        "deployId": None,
        "status": "Undefined",
        "cloneId": None,
        "launched": None,
        "stopped": None,
        "brokerage": None,
        "securityTypes": "",
        "projectName": project.name,
        "datacenter": "",
        "isPublicStreaming": False,
        "public": False,
        "description": None,
        "files": [],
        "runtimeStatistics": [],
        "serverStatistics": [],
        "charts": [],
    }
