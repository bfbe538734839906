"""The documented answer of live/read for one deployment: a small packet, with the oddities that charts can have."""

import random

from qcasync.simulator.deployments import Deployment
from qcasync.simulator.projects import Project
from qcasync.simulator.results import Contents, make_results
from qcasync.simulator.series import CHART_NAMES, make_chart
from qcasync.simulator.symbols import EQUITIES
from qcasync.simulator.wire import JsonObject

_ORDERS = 100
_POINTS = 40


def live_results(seed: int, project: Project, deployment: Deployment, now: float) -> JsonObject:
    """The packet: at most 100 orders, at most 40 points per series."""
    launched_at = int(deployment.launched_at)
    orders = deployment.book.orders(min(deployment.snapshot.size, _ORDERS))
    times = range(launched_at, int(now) + 1, max((int(now) - launched_at) // _POINTS, 1))
    charts: JsonObject = {name: make_chart(f"{seed}/{project.id}", name, times, pascal=True) for name in CHART_NAMES}
    charts["Cut"] = {"Name": "Cut"}  # A chart can be cut to its name.
    contents = Contents(
        orders=orders,
        events="camel",
        charts=charts,
        securities=list(EQUITIES[:2]),
        closed=1 if orders else 0,
        status=deployment.status(now),
        launched_at=launched_at,
        now=now,
    )
    return make_results(random.Random(f"{seed}/{deployment.deploy_id}/results"), contents)
