"""Charts. A series keeps its points undecoded: they are most of a result, and often nobody looks at them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Raw, field
from msgspec.structs import force_setattr

from qcasync.models._base import Int64, Model
from qcasync.models._columns import Columns, FloatColumn, IntColumn
from qcasync.models._points import read
from qcasync.models.enums import ChartType, ScatterMarkerSymbol, SeriesType
from qcasync.models.symbols import Symbol

__all__ = ["Candlestick", "Chart", "ChartPoint", "Series"]

if TYPE_CHECKING:
    import pyarrow as pa

    _Values = Raw | Columns
else:
    _Values = Raw  # msgspec puts nothing else there; the columns come by themselves, on first use

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


class Series(Model, frozen=True, kw_only=True):  # noqa: PLW1641 - not hashable, because JSON is not
    """A series of a chart. Its points are read on first use, all at once, and then held as columns.

    Until then it holds their JSON, and with it the body that it came in; afterwards only the columns. Series are equal
    if all they tell is equal, used or not; a gap equals a gap. They can be pickled and copied at any time. msgspec
    encodes an unused series as it came and refuses a used one with a TypeError: there are no points left to encode.
    `values` writes them anew.

    A column is a read-only `memoryview` of 64-bit numbers: it iterates and indexes as numbers, and NumPy takes it
    without a copy (`np.asarray(series.y)`). All columns have one length, a place for each point, in the server's order.
    What is no point is left out, and counted in `dropped`.

    Attributes:
        name: Its name.
        unit: Such as "$" or "%"; may be "".
        index: Which pane of the chart it is drawn in.
        series_type: How it is drawn.
        z_index: Which series it is drawn over; None if that was not set.
        index_name: The pane's name.
        tooltip: Template of its tooltips.
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
    _values: _Values = field(name="values", default=_NO_VALUES)
    color: str | None = None
    scatter_marker_symbol: ScatterMarkerSymbol | None = None

    @property
    def time(self) -> IntColumn:
        """When, in Unix seconds, as int64."""
        return self._columns().time

    @property
    def y(self) -> FloatColumn:
        """How much, as float64; NaN is a gap. Of candles it is the close."""
        return self._columns().prices[-1]

    @property
    def open(self) -> FloatColumn:
        """First prices of the candles, as float64; NaN is a gap.

        Raises:
            AttributeError: It has no candles.
        """
        return self._price("open", 0)

    @property
    def high(self) -> FloatColumn:
        """Highest prices of the candles, as float64; NaN is a gap.

        Raises:
            AttributeError: It has no candles.
        """
        return self._price("high", 1)

    @property
    def low(self) -> FloatColumn:
        """Lowest prices of the candles, as float64; NaN is a gap.

        Raises:
            AttributeError: It has no candles.
        """
        return self._price("low", 2)

    @property
    def close(self) -> FloatColumn:
        """Last prices of the candles, as float64; NaN is a gap.

        Raises:
            AttributeError: It has no candles.
        """
        return self._price("close", 3)

    @property
    def tooltips(self) -> Mapping[int, str]:
        """Texts of scatter points, by their position in the columns; most points have none."""
        return self._columns().tooltips

    @property
    def dropped(self) -> int:
        """How many points were left out: those without a place, or whose value is text, as Lean does."""
        return self._columns().dropped

    @property
    def is_candles(self) -> bool:
        """Whether its points are candles: it is drawn so, or one of them is one. Plain points then are flat candles."""
        return self._columns().is_candles

    @property
    def values(self) -> Raw:
        """Its points as JSON: as they came, or after first use written anew, without what was dropped."""
        held = self._values
        return Raw(held.as_json()) if isinstance(held, Columns) else held

    def points(self) -> tuple[ChartPoint | Candlestick, ...]:
        """Return the points as objects: candles if `is_candles`. They take about six times the memory."""
        columns = self._columns()
        if columns.is_candles:
            return tuple(Candlestick(x=x, open=o, high=h, low=lo, close=c) for x, (o, h, lo, c) in columns.rows())
        tooltip = columns.tooltips.get
        return tuple(ChartPoint(x=x, y=y, tooltip=tooltip(at)) for at, (x, (y,)) in enumerate(columns.rows()))

    def to_arrow(self) -> "pa.Table":
        """Return the points as a table, whose prices are the columns themselves, not copies. A gap is null.

        Of points it has `time`, `value` and `tooltip`; of candles `time`, `open`, `high`, `low` and `close`.

        Raises:
            ConfigurationError: pyarrow is not installed.
        """
        from qcasync.models.tables._series import series_table  # noqa: PLC0415 - tables are made of models

        return series_table(self)

    def _price(self, name: str, column: int) -> FloatColumn:
        columns = self._columns()
        if not columns.is_candles:
            raise AttributeError(f"series {self.name!r} has no candles, and so no `{name}`: use `y`")
        return columns.prices[column]

    def _columns(self) -> Columns:
        held = self._values
        if isinstance(held, Columns):
            return held
        columns = read(bytes(held), candles=self.series_type is SeriesType.CANDLE)
        force_setattr(self, "_values", columns)  # two threads may both come here: they put the same
        return columns

    def __eq__(self, other: object) -> bool:
        """Compare the points as columns, bit by bit, and everything else as usual."""
        if not isinstance(other, Series):
            return NotImplemented
        names = (name for name in self.__struct_fields__ if name != "_values")
        if any(getattr(self, name) != getattr(other, name) for name in names):
            return False
        return self._values == other._values or self._columns() == other._columns()


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

    def to_arrow(self) -> "pa.Table":
        """Return all points of all series as a table in long form, as `qcasync.models.tables.SERIES` has it.

        Raises:
            ConfigurationError: pyarrow is not installed.
        """
        from qcasync.models import tables  # noqa: PLC0415 - tables are made of models

        return tables.SERIES.table([self])
