"""Charts. A series keeps its points undecoded: they are most of a result, and often nobody looks at them."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Raw, field

from qcasync.models._base import LAST_MOMENT, Int64, Model
from qcasync.models._json import is_array, is_object
from qcasync.models.enums import ChartType, ScatterMarkerSymbol, SeriesType
from qcasync.models.symbols import Symbol

__all__ = ["Candlestick", "Chart", "ChartPoint", "Series"]

_NO_VALUES = Raw(b"[]")


class ChartPoint(Model, frozen=True, kw_only=True):
    """A point of a series.

    Attributes:
        x: When, in Unix seconds. `time` has it as a datetime.
        y: How much; None is a gap.
        tooltip: Text of a scatter point; None if it has none.
    """

    x: Int64
    y: float | None
    tooltip: str | None = None

    @property
    def time(self) -> datetime:
        """When, in UTC."""
        return datetime.fromtimestamp(self.x, UTC)


class Candlestick(Model, frozen=True, kw_only=True):
    """A bar of a candle series. Each price is None in a gap.

    Attributes:
        x: When it begins, in Unix seconds. `time` has it as a datetime.
        open: First price.
        high: Highest price.
        low: Lowest price.
        close: Last price.
    """

    x: Int64
    open: float | None
    high: float | None
    low: float | None
    close: float | None

    @property
    def time(self) -> datetime:
        """When it begins, in UTC."""
        return datetime.fromtimestamp(self.x, UTC)


class Series(Model, frozen=True, kw_only=True):
    """A series of a chart.

    Attributes:
        name: Its name.
        unit: Such as "$" or "%"; may be "".
        index: Which pane of the chart it is drawn in.
        series_type: How it is drawn.
        z_index: Which series it is drawn over; None if that was not set.
        index_name: The pane's name.
        tooltip: Template of its tooltips.
        values: Its points as JSON, undecoded. `points` decodes them.
        color: "#RRGGBB" or "".
        scatter_marker_symbol: The marker of its points; None for candles.
    """

    name: str = ""
    unit: str = ""
    index: Int64 = 0
    series_type: SeriesType = SeriesType.LINE
    z_index: Int64 | None = None
    index_name: str | None = None
    tooltip: str | None = None
    values: Raw = _NO_VALUES
    color: str | None = None
    scatter_marker_symbol: ScatterMarkerSymbol | None = None

    def points(self) -> tuple[ChartPoint | Candlestick, ...]:
        """Decode the points, whichever of the server's forms they have: arrays, objects, candles, or a mixture.

        A plain point in a candle series is a candle whose four prices are equal, as Lean reads it. Points without a
        place, or whose value is text, are left out, as Lean does.
        """
        values: Any = msgspec.json.decode(self.values)
        if not is_array(values):
            return ()
        candles = self.series_type is SeriesType.CANDLE
        read = (_point(value, candles=candles) for value in values)
        return tuple(point for point in read if point is not None)


class Chart(Model, frozen=True, kw_only=True):
    """A chart. live/read cuts it down to its name.

    Attributes:
        name: Its name.
        chart_type: Whether its series share one pane.
        series: Its series by name, in the order in which to draw them.
        symbol: The security that it shows; None if it shows none.
        legend_disabled: Whether it has no legend.
    """

    name: str = ""
    chart_type: ChartType = ChartType.OVERLAY
    series: Mapping[str, Series] = field(default_factory=dict[str, Series])
    symbol: Symbol | None = None
    legend_disabled: bool = False


_CANDLE = 5


def _point(value: Any, *, candles: bool) -> ChartPoint | Candlestick | None:
    tooltip = None
    if is_object(value):
        folded = {key.lower(): item for key, item in value.items()}
        tooltip = folded.get("tooltip")
        value = [folded.get("x"), folded.get("y", 0.0)]
    if not is_array(value) or not value:
        return None
    try:
        x = int(value[0])
        prices = [None if price is None else _number(price) for price in value[1:5]]
    except (TypeError, ValueError, OverflowError):
        return None
    if not 0 <= x <= LAST_MOMENT:
        return None
    if len(value) >= _CANDLE:
        return Candlestick(x=x, open=prices[0], high=prices[1], low=prices[2], close=prices[3])
    y = prices[0] if prices else 0.0
    if candles:
        return Candlestick(x=x, open=y, high=y, low=y, close=y)
    return ChartPoint(x=x, y=y, tooltip=tooltip if isinstance(tooltip, str) else None)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(value)
    return float(value)
