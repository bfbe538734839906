"""Chart series: seeded walks, in every form in which points are written."""

import math
import random
from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from qcasync.simulator.spelling import pascal_keys
from qcasync.simulator.wire import JsonObject

PointForm: TypeAlias = Literal["pairs", "objects", "tooltips", "candles", "mixed candles"]

_WHOLE = 0.02
_PAIRS = 0.5
_STEP = 0.001
_DIGITS = 7
_LARGE = 1000.0

_LINE, _SCATTER, _CANDLE, _BAR = 0, 1, 2, 3


class SeriesPlan(NamedTuple):
    """A series that can be drawn.

    Attributes:
        kind: The series' type on the wire.
        form: How its points are written.
        level: Where its walk begins, other than 0. Each step is a thousandth of that at most.
        gaps: The share of points without a value.
    """

    name: str
    unit: str
    kind: int
    form: PointForm
    level: float
    gaps: float = 0.03

    def clean(self) -> "SeriesPlan":
        """The same series with arrays for points, and gaps only if it is drawn as bars: few series have any."""
        form: PointForm = "candles" if self.form == "candles" else "pairs"
        return self._replace(form=form, gaps=self.gaps if self.kind == _BAR else 0.0)


_CHARTS: Final[dict[str, tuple[SeriesPlan, ...]]] = {
    "Strategy Equity": (
        SeriesPlan("Equity", "$", _CANDLE, "candles", 100_000.0),
        SeriesPlan("Return", "%", _BAR, "pairs", 0.25),
    ),
    "Drawdown": (SeriesPlan("Equity Drawdown", "%", _LINE, "pairs", -2.0),),
    "Benchmark": (SeriesPlan("Benchmark", "$", _LINE, "objects", 596.0),),
    "Exposure": (
        SeriesPlan("Equity - Long Ratio", "", _LINE, "pairs", 0.6),
        SeriesPlan("Equity - Short Ratio", "", _LINE, "pairs", -0.2),
    ),
    "Assets Sales Volume": (SeriesPlan("SPY", "$", 7, "pairs", 5000.0),),
    "Portfolio Turnover": (SeriesPlan("Portfolio Turnover", "%", _LINE, "pairs", 4.0),),
    "Portfolio Margin": (SeriesPlan("SPY", "%", 5, "mixed candles", 30.0),),
    "Signals": (SeriesPlan("Crossings", "", _SCATTER, "tooltips", 596.0),),
}
_EQUITY: Final = "Strategy Equity"
CHART_NAMES: Final = tuple(_CHARTS)


def make_chart(seed: str, name: str, times: range, *, pascal: bool = False) -> JsonObject:
    """Build a standard chart with one point per instant in every series.

    Args:
        seed: Decides the points.
        name: One of `CHART_NAMES`.
        times: Unix seconds, ascending.
        pascal: Spell the keys as older engines did.

    Raises:
        KeyError: No chart has this name.
    """
    return _draw(seed, name, _CHARTS[name], times, clean=False, pascal=pascal)


def make_clean_chart(seed: str, name: str, times: range, *, pascal: bool = False) -> JsonObject:
    """Build a chart whose points are arrays, with gaps in few series.

    Args:
        seed: Decides the points.
        name: One of `CHART_NAMES`, or any name: then it is the algorithm's own, with a price and two indicators.
        times: Unix seconds, ascending.
        pascal: Spell the keys as older engines did.
    """
    plans = _CHARTS.get(name) or _own_chart(seed, name)
    return _draw(seed, name, (plan.clean() for plan in plans), times, clean=True, pascal=pascal)


def _own_chart(seed: str, name: str) -> tuple[SeriesPlan, ...]:
    level = round(random.Random(f"{seed}/{name}").uniform(20.0, 800.0), 2)
    return (
        SeriesPlan("Price", "$", _CANDLE, "candles", level),
        SeriesPlan("EMA(20)", "$", _LINE, "pairs", level),
        SeriesPlan("EMA(50)", "$", _LINE, "pairs", level),
    )


def _draw(seed: str, name: str, plans: Iterable[SeriesPlan], times: range, *, clean: bool, pascal: bool) -> JsonObject:
    series: JsonObject = {}
    for index, plan in enumerate(plans):
        one: JsonObject = {
            "name": plan.name,
            "unit": plan.unit,
            "index": index,
            "seriesType": plan.kind,
            "values": _values(seed, name, plan, times, clean=clean),
        }
        if plan.kind != _CANDLE:
            one |= {"color": "#4A90E2" if index else "", "scatterMarkerSymbol": "none"}
        series[plan.name] = pascal_keys(one) if pascal else one
    chart: JsonObject = {"name": name, "chartType": 0, "series": series}
    return pascal_keys(chart) if pascal else chart


def _values(seed: str, name: str, plan: SeriesPlan, times: range, *, clean: bool) -> list[object]:
    """The points of a series. What follows from the equity does so here, too."""
    rng = random.Random(f"{seed}/{name}/{plan.name}")
    if plan.name == "Equity Drawdown":
        return list(_drawdown(_closes(seed, times, clean=clean)))
    if plan.name == "Return":
        return [[at, None if rng.random() < plan.gaps else y] for at, y in _returns(_closes(seed, times, clean=clean))]
    return list(_points(rng, plan, times))


def _closes(seed: str, times: range, *, clean: bool) -> Iterator[tuple[int, float]]:
    """The closes of the equity; in a gap the one before."""
    plan = _CHARTS[_EQUITY][0]
    close = plan.level
    rng = random.Random(f"{seed}/{_EQUITY}/{plan.name}")
    for at, *prices in _points(rng, plan.clean() if clean else plan, times):
        close = close if prices[-1] is None else prices[-1]
        yield at, close


def _drawdown(closes: Iterable[tuple[int, float]]) -> Iterator[object]:
    """How far each close is below the highest one, in percent."""
    peak = -math.inf
    for at, close in closes:
        peak = max(peak, close)
        yield [at, round(100.0 * (close - peak) / peak, 4)]


def _returns(closes: Iterable[tuple[int, float]]) -> Iterator[tuple[int, float]]:
    """What became of the account since the sample before, in percent."""
    before = None
    for at, close in closes:
        yield at, 0.0 if before is None else round(100.0 * (close / before - 1.0), 7)
        before = close


def _points(rng: random.Random, plan: SeriesPlan, times: range) -> Iterator[Any]:
    step = _STEP * abs(plan.level)
    digits = _fraction_digits(plan.level)
    level = plan.level
    for at in times:
        opened = level
        level += rng.uniform(-step, step)
        y: float | int | None = round(level, digits)
        draw = rng.random()
        if draw < plan.gaps:
            y = None
        elif draw < plan.gaps + _WHOLE and abs(plan.level) >= 1 / _WHOLE:
            y = round(level)  # PHP drops the fraction of whole numbers.
        match plan.form:
            case "pairs":
                yield [at, y]
            case "objects":
                yield {"x": at, "y": y}
            case "tooltips":
                yield {"x": at, "y": y, "tooltip": f"signal at {at}"}
            case "mixed candles" if draw < _PAIRS:
                yield [at, y]
            case _ if y is None:
                yield [at, None, None, None, None]
            case _:
                wick = rng.uniform(0.0, step)
                high, low = max(opened, level, y) + wick, min(opened, level, y) - wick
                yield [at, round(opened, digits), round(high, digits), round(low, digits), y]


def _fraction_digits(level: float) -> int:
    # Lean's SmartRounding: four digits after the point above 1000, seven significant ones below.
    return 4 if abs(level) > _LARGE else _DIGITS - math.ceil(math.log10(abs(level)))
