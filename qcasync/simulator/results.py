"""The engine's result packet, as the documents show it under `LiveResults`: PascalCase, everything in one answer."""

import random

import msgspec

from qcasync.simulator.holdings import dollars, old_holding
from qcasync.simulator.spelling import EventForm, pascal_keys, pascal_order, spelled_events
from qcasync.simulator.symbols import Security
from qcasync.simulator.wire import JsonObject, back_end_date


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What a packet is to tell.

    Attributes:
        orders: In camelCase, with their events.
        events: How the list of events is written.
        charts: In PascalCase, by name.
        securities: What the account holds.
        closed: How many trades were closed: one a minute since `launched_at`, each with its profit or loss.
        status: The algorithm's.
        now: Unix time of the packet.
    """

    orders: list[JsonObject]
    events: EventForm
    charts: JsonObject
    securities: list[Security]
    closed: int
    status: str
    launched_at: float
    now: float


def make_results(rng: random.Random, contents: Contents) -> JsonObject:
    """Build the value of `LiveResults`.

    Args:
        rng: Decides whatever `contents` leaves open.
        contents: What it is to tell.
    """
    orders = contents.orders
    return {
        "version": 17202,
        "resolution": "10minute",
        "results": {
            "Holdings": {security.security_id: old_holding(rng, security) for security in contents.securities},
            "Cash": {"USD": pascal_keys(dollars(rng))},
            "ServerStatistics": {"CPU Usage": f"{rng.uniform(0, 60):.1f}%", "Used RAM (MB)": "241"},
            "RuntimeStatistics": {"Equity": f"${rng.uniform(90_000, 120_000):,.2f}", "Return": "0.00 %"},
            "AccountCurrency": "USD",
            "AccountCurrencySymbol": "$",
            "Charts": contents.charts,
            "Orders": {str(order["id"]): pascal_order(order, with_events=False) for order in orders},
            "OrderEvents": [event for order in orders for event in spelled_events(order, contents.events)],
            # PHP writes an empty dictionary as an empty list.
            "ProfitLoss": _profit_loss(rng, contents) or [],
            "Statistics": {"Total Orders": str(len(orders)), "Average Win": "0%", "Sharpe Ratio": "1.234"},
            "State": {"Status": contents.status},
            "AlphaRuntimeStatistics": _alpha_statistics(rng, back_end_date(contents.now)),
        },
    }


def _profit_loss(rng: random.Random, contents: Contents) -> JsonObject:
    times = (contents.launched_at + 60.0 * trade for trade in range(1, contents.closed + 1))
    return {back_end_date(at): round(rng.uniform(-50, 50), 2) for at in times}


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
