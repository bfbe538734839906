"""Chart series: seeded walks, in every form in which points are written."""

import random
from typing import Final, Literal, NamedTuple, TypeAlias

from qcasync.simulator.spelling import pascal_keys
from qcasync.simulator.wire import JsonObject

PointForm: TypeAlias = Literal["pairs", "objects", "tooltips", "candles", "mixed candles"]

_GAPS = 0.03
_WHOLE = 0.02
_PAIRS = 0.5

_LINE, _SCATTER, _CANDLE, _BAR = 0, 1, 2, 3


class SeriesPlan(NamedTuple):
    """One series of a standard chart."""

    name: str
    unit: str
    kind: int
    form: PointForm
    level: float


_CHARTS: Final[dict[str, tuple[SeriesPlan, ...]]] = {
    "Strategy Equity": (
        SeriesPlan("Equity", "$", _CANDLE, "candles", 100_000.0),
        SeriesPlan("Return", "%", _BAR, "pairs", 0.0),
    ),
    "Drawdown": (SeriesPlan("Equity Drawdown", "%", _LINE, "pairs", -2.0),),
    "Benchmark": (SeriesPlan("Benchmark", "$", _LINE, "objects", 596.0),),
    "Exposure": (
        SeriesPlan("Equity - Long Ratio", "", _LINE, "pairs", 0.6),
        SeriesPlan("Equity - Short Ratio", "", _LINE, "pairs", 0.0),
    ),
    "Assets Sales Volume": (SeriesPlan("SPY", "$", 7, "pairs", 5000.0),),
    "Portfolio Turnover": (SeriesPlan("Portfolio Turnover", "%", _LINE, "pairs", 4.0),),
    "Portfolio Margin": (SeriesPlan("SPY", "%", 5, "mixed candles", 30.0),),
    "Signals": (SeriesPlan("Crossings", "", _SCATTER, "tooltips", 596.0),),
}
CHART_NAMES: Final = tuple(_CHARTS)


def make_chart(seed: str, name: str, times: range, *, pascal: bool = False) -> JsonObject:
    """Build a chart with one point per instant in every series.

    Args:
        seed: Decides the points.
        name: One of `CHART_NAMES`.
        times: Unix seconds, ascending.
        pascal: Spell the keys as older engines did.

    Raises:
        KeyError: No chart has this name.
    """
    series: JsonObject = {}
    for index, plan in enumerate(_CHARTS[name]):
        rng = random.Random(f"{seed}/{name}/{plan.name}")
        one: JsonObject = {
            "name": plan.name,
            "unit": plan.unit,
            "index": index,
            "seriesType": plan.kind,
            "values": [_point(rng, plan, at) for at in times],
        }
        if plan.kind != _CANDLE:
            one |= {"color": "#4A90E2" if index else "", "scatterMarkerSymbol": "none"}
        series[plan.name] = pascal_keys(one) if pascal else one
    chart: JsonObject = {"name": name, "chartType": 0, "series": series}
    return pascal_keys(chart) if pascal else chart


def _point(rng: random.Random, plan: SeriesPlan, at: int) -> object:
    spread = max(abs(plan.level) * 0.01, 0.01)
    y: float | int | None = round(plan.level + rng.uniform(-spread, spread), 4)
    draw = rng.random()
    if draw < _GAPS:
        y = None  # A gap.
    elif draw < _GAPS + _WHOLE:
        y = 0  # PHP drops the fraction of whole numbers.
    match plan.form:
        case "pairs":
            return [at, y]
        case "objects":
            return {"x": at, "y": y}
        case "tooltips":
            return {"x": at, "y": y, "tooltip": f"signal at {at}"}
        case "mixed candles" if draw < _PAIRS:
            return [at, y]
        case _:
            if y is None:
                return [at, None, None, None, None]
            return [at, y, y + spread, y - spread, round(y + rng.uniform(-spread, spread), 4)]
