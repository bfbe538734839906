"""The documented answer of live/read: the engine's result packet under `LiveResults`, in PascalCase."""

import random

import msgspec

from qcasync.simulator.deployments import Deployment
from qcasync.simulator.projects import Project
from qcasync.simulator.series import CHART_NAMES, make_chart
from qcasync.simulator.spelling import pascal_order
from qcasync.simulator.symbols import EQUITIES
from qcasync.simulator.wire import JsonObject, back_end_date

_ORDERS = 100
_POINTS = 40


def live_results(seed: int, project: Project, deployment: Deployment, now: float) -> JsonObject:
    """The packet: at most 100 orders, at most 40 points per series."""
    rng = random.Random(f"{seed}/{deployment.deploy_id}/results")
    orders = deployment.book.orders(min(deployment.snapshot.size, _ORDERS))
    events = [event for order in orders for event in _list(order.get("events"))]
    launched_at = int(deployment.launched_at)
    times = range(launched_at, int(now) + 1, max((int(now) - launched_at) // _POINTS, 1))
    charts: JsonObject = {name: make_chart(f"{seed}/{project.id}", name, times, pascal=True) for name in CHART_NAMES}
    charts["Cut"] = {"Name": "Cut"}  # A chart can be cut to its name.
    return {
        "version": 17202,
        "resolution": "10minute",
        "results": {
            "Holdings": {security.security_id: _holding(rng, security.price) for security in EQUITIES[:2]},
            "Cash": {"USD": _cash(rng)},
            "ServerStatistics": {"CPU Usage": f"{rng.uniform(0, 60):.1f}%", "Used RAM (MB)": "241"},
            "RuntimeStatistics": {"Equity": f"${rng.uniform(90_000, 120_000):,.2f}", "Return": "0.00 %"},
            "AccountCurrency": "USD",
            "AccountCurrencySymbol": "$",
            "Charts": charts,
            "Orders": {str(order["id"]): pascal_order(order) for order in orders},
            "OrderEvents": events,
            # PHP writes an empty dictionary as an empty list.
            "ProfitLoss": {back_end_date(launched_at + 3600): round(rng.uniform(-50, 50), 2)} if orders else [],
            "Statistics": {"Total Orders": str(len(orders)), "Average Win": "0%", "Sharpe Ratio": "1.234"},
            "State": {"Status": deployment.status(now)},
            "AlphaRuntimeStatistics": _alpha_statistics(rng, back_end_date(now)),
        },
    }


def _holding(rng: random.Random, price: float) -> JsonObject:
    return {
        "AveragePrice": price,
        "Quantity": float(rng.randrange(1, 50)),
        "MarketPrice": round(price * rng.uniform(0.95, 1.05), 2),
        "ConversionRate": 1.0,
        "CurrencySymbol": "$",
    }


def _cash(rng: random.Random) -> JsonObject:
    amount = round(rng.uniform(1_000, 100_000), 2)
    return {
        "SecuritySymbols": [],
        "Symbol": "USD",
        "Amount": amount,
        "ConversionRate": 1.0,
        "CurrencySymbol": "$",
        "ValueInAccountCurrency": amount,
    }


def _alpha_statistics(rng: random.Random, updated: str) -> JsonObject:
    score: JsonObject = {"UpdatedTimeUtc": updated, "Direction": round(rng.random(), 4), "Magnitude": 0.0}
    return {
        "MeanPopulationScore": score,
        "RollingAveragedPopulationScore": score,
        "LongCount": rng.randrange(100),
        "ShortCount": rng.randrange(100),
        "LongShortRatio": 1.0,
        "TotalAccumulatedEstimatedAlphaValue": 0.0,
        "KellyCriterionEstimate": 0.0,
        "KellyCriterionProbabilityValue": 1.0,
        "FitnessScore": 0.0,
        "PortfolioTurnover": 0.0,
        "ReturnOverMaxDrawdown": 0.0,
        "SortinoRatio": 0.0,
        "EstimatedMonthlyAlphaValue": 0.0,
        "TotalInsightsGenerated": 0,
        "TotalInsightsClosed": 0,
        "TotalInsightsAnalysisCompleted": 0,
        "MeanPopulationEstimatedInsightValue": 0.0,
    }


def _list(value: object) -> list[object]:
    return msgspec.convert(value or [], list[object])
