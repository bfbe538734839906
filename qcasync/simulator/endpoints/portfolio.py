"""live/portfolio/read: holdings and cash, with the short keys and the missing zeros of the engine."""

import random

from qcasync.simulator.endpoints.call import Call
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
    return success({"portfolio": {"holdings": [] if flat else _holdings(rng), "cash": _cash(rng)}})


def _holdings(rng: random.Random) -> JsonObject:
    holdings: JsonObject = {}
    for security in EQUITIES[:3]:
        price = round(security.price * rng.uniform(0.95, 1.05), 2)
        quantity = rng.choice((-1, 1)) * rng.randrange(1, 100)
        profit = round((price - security.price) * quantity, 2)
        holdings[security.security_id] = {
            "a": security.price,
            "q": quantity,
            "p": price,
            "v": round(price * quantity, 1),
            "u": profit,
            "up": round(profit / abs(security.price * quantity) * 100, 2),
        }
    holdings[OTHERS[3].security_id] = {"a": 2500.5, "q": 0.125, "p": 2544.31, "v": 318.0, "r": 0.9998, "c": "₮"}
    holdings[EQUITIES[3].security_id] = {"p": EQUITIES[3].price}  # Closed: every zero is left out,
    holdings[EQUITIES[4].security_id] = {}  # and without a price nothing is left,
    holdings[OTHERS[4].security_id] = []  # which PHP then writes as a list.
    return holdings


def _cash(rng: random.Random) -> JsonObject:
    amount = round(rng.uniform(1_000, 100_000), 2)
    return {
        "USD": {
            "securitySymbols": [],
            "symbol": "USD",
            "amount": amount,
            "conversionRate": 1.0,
            "currencySymbol": "$",
            "valueInAccountCurrency": amount,
        },
        "EUR": {
            "securitySymbols": [OTHERS[1].symbol],
            "symbol": "EUR",
            "amount": 100.0,
            "conversionRate": 1.15314,
            "currencySymbol": "€",
            "valueInAccountCurrency": 115.314,
        },
    }
