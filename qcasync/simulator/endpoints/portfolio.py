"""live/portfolio/read: holdings and cash, with the short keys and the missing zeros of the engine."""

import random

from qcasync.simulator.endpoints.call import Call
from qcasync.simulator.holdings import dollars, euros, holding
from qcasync.simulator.payloads import UnreadableError
from qcasync.simulator.symbols import EQUITIES, OTHERS
from qcasync.simulator.wire import JsonObject, Reply, success


def read_portfolio(call: Call, /) -> Reply:
    """Answer the portfolio of the latest deployment. A liquidated one holds nothing: `holdings` is `[]`."""
    project = call.project()
    deployment = project.latest
    if deployment is None:
        raise UnreadableError("No live deployment found")
    flat = deployment.snapshot.size == 0 or deployment.status(call.now) == "Liquidated"
    rng = random.Random(f"{call.world.seed}/{deployment.deploy_id}/portfolio")
    holdings = None if flat else _holdings(rng)
    return success({"portfolio": {"holdings": holdings or [], "cash": {"USD": dollars(rng), "EUR": euros()}}})


def _holdings(rng: random.Random) -> JsonObject:
    holdings: JsonObject = {security.security_id: holding(rng, security) for security in EQUITIES[:3]}
    holdings[OTHERS[3].security_id] = {"a": 2500.5, "q": 0.125, "p": 2544.31, "v": 318.0, "r": 0.9998, "c": "₮"}
    holdings[EQUITIES[3].security_id] = {"p": EQUITIES[3].price}  # Closed: every zero is left out,
    holdings[EQUITIES[4].security_id] = {}  # and without a price nothing is left,
    holdings[OTHERS[4].security_id] = []  # which PHP then writes as a list.
    return holdings
