"""The vocabularies of the API. Each is open: a value that appears tomorrow decodes today.

QuantConnect writes one notion in several ways: an order's status is a number, an event's is camelCase text, and older
results have either in PascalCase. Here each notion is one enum, with the orders' values and Lean's names:

    >>> OrderStatus(3) is OrderStatus("filled") is OrderStatus.FILLED
    True

Every vocabulary has grown over the years, so an unknown value becomes a member of its own. It keeps the value, is
called `UNKNOWN`, and answers False to `is_known`.
"""

import enum
from typing import Self

__all__ = [
    "AlgorithmStatus",
    "ChartResolution",
    "ChartType",
    "DataNormalizationMode",
    "InsightDirection",
    "InsightType",
    "OpenEnum",
    "OrderDirection",
    "OrderStatus",
    "OrderType",
    "ScatterMarkerSymbol",
    "SecurityType",
    "SeriesType",
    "TimeInForceKind",
    "TradeDirection",
]

_MAX_REMEMBERED = 1024
_MAX_TEXT = 64
_remembered: dict[tuple[type["OpenEnum"], int | str], "OpenEnum"] = {}
_vocabularies: dict[type[enum.Enum], type["OpenEnum"]] = {}


class OpenEnum(enum.Enum):
    """An enum that takes unknown values.

    Members compare by identity; two unknown members are equal if their values are. `OrderStatus(value)` accepts a
    number, a number as text, and a name in any spelling; it raises ValueError for anything but numbers and text.
    """

    def __init_subclass__(cls) -> None:
        _vocabularies[cls] = cls

    @property
    def is_known(self) -> bool:
        """Whether this library has a name for the value."""
        return self._name_ != "UNKNOWN"

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if isinstance(value, bool) or not isinstance(value, int | str):
            return None
        if isinstance(value, str):
            folded = _fold(value)
            for name, member in cls.__members__.items():
                if _fold(name) == folded or str(member.value) == value:
                    return member
        key = (cls, value)
        known = _remembered.get(key)
        if isinstance(known, cls):
            return known
        unknown = object.__new__(cls)
        unknown._name_ = "UNKNOWN"
        unknown._value_ = value
        # The server chooses these values, so what is remembered must be bounded.
        short = len(value) <= _MAX_TEXT if isinstance(value, str) else value.bit_length() < _MAX_TEXT
        if short and len(_remembered) < _MAX_REMEMBERED:
            _remembered[key] = unknown
        return unknown

    def __eq__(self, other: object) -> bool:
        return self is other or (type(self) is type(other) and self._value_ == getattr(other, "_value_", None))

    def __hash__(self) -> int:
        return hash(self._value_)


def _fold(text: str) -> str:
    return text.replace("_", "").replace("-", "").replace(" ", "").lower()


def in_text(vocabulary: type[OpenEnum]) -> type[enum.Enum]:
    """Return a type that msgspec reads as text, camelCase or PascalCase, and answers with a vocabulary's members.

    msgspec finds a member by its value in `_value2member_map_`, and asks `_missing_` for the rest. With another enum's
    members there, text becomes the right one without a step in Python; a hook would take a fifth of the decoding.
    """
    names = [(name, camel(name)) for name in vocabulary.__members__]
    capitals = [(name, text[:1].upper() + text[1:]) for name, text in names]
    # `Enum(name, names)`, which type checkers know only with a literal name.
    texts = enum.EnumType.__call__(enum.Enum, f"{vocabulary.__name__}Text", names)
    texts._value2member_map_ = {text: vocabulary[name] for name, text in names + capitals}
    texts._missing_ = vocabulary._missing_  # type: ignore[method-assign]  # bound to the vocabulary, as it should be
    _vocabularies[texts] = vocabulary
    return texts


def member_of(kind: type[enum.Enum], value: object) -> OpenEnum:
    """Return the member for a value, be `kind` a vocabulary or what `in_text` made of one. Raises ValueError."""
    return _vocabularies[kind](value)


def camel(name: str) -> str:
    """Spell a member's name as events do: PARTIALLY_FILLED becomes partiallyFilled."""
    first, *rest = name.lower().split("_")
    return first + "".join(word.capitalize() for word in rest)


class OrderType(OpenEnum):
    """What kind of order it is."""

    MARKET = 0
    LIMIT = 1
    STOP_MARKET = 2
    STOP_LIMIT = 3
    MARKET_ON_OPEN = 4
    MARKET_ON_CLOSE = 5
    OPTION_EXERCISE = 6
    LIMIT_IF_TOUCHED = 7
    COMBO_MARKET = 8
    COMBO_LIMIT = 9
    COMBO_LEG_LIMIT = 10
    TRAILING_STOP = 11


class OrderStatus(OpenEnum):
    """How far an order has come. There is no 4."""

    NEW = 0
    SUBMITTED = 1
    PARTIALLY_FILLED = 2
    FILLED = 3
    CANCELED = 5
    NONE = 6
    INVALID = 7
    CANCEL_PENDING = 8
    UPDATE_SUBMITTED = 9

    @property
    def is_final(self) -> bool:
        """Whether the order can no longer change: filled, canceled or invalid."""
        return self in _FINAL


_FINAL = (OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.INVALID)


class OrderDirection(OpenEnum):
    """Buy, sell, or neither (a quantity of zero)."""

    BUY = 0
    SELL = 1
    HOLD = 2


class SecurityType(OpenEnum):
    """The kind of asset."""

    BASE = 0
    EQUITY = 1
    OPTION = 2
    COMMODITY = 3
    FOREX = 4
    FUTURE = 5
    CFD = 6
    CRYPTO = 7
    FUTURE_OPTION = 8
    INDEX = 9
    INDEX_OPTION = 10
    CRYPTO_FUTURE = 11


class DataNormalizationMode(OpenEnum):
    """How prices are adjusted for splits, dividends and contract rolls."""

    RAW = 0
    ADJUSTED = 1
    SPLIT_ADJUSTED = 2
    TOTAL_RETURN = 3
    FORWARD_PANAMA_CANAL = 4
    BACKWARDS_PANAMA_CANAL = 5
    BACKWARDS_RATIO = 6
    SCALED_RAW = 7


class TimeInForceKind(OpenEnum):
    """How long an order stays in force. The values are the names of Lean's classes without `TimeInForce`."""

    GOOD_TIL_CANCELED = "GoodTilCanceled"
    DAY = "Day"
    GOOD_TIL_DATE = "GoodTilDate"


class AlgorithmStatus(OpenEnum):
    """The state of a deployment."""

    DEPLOY_ERROR = "DeployError"
    IN_QUEUE = "InQueue"
    RUNNING = "Running"
    STOPPED = "Stopped"
    LIQUIDATED = "Liquidated"
    DELETED = "Deleted"
    COMPLETED = "Completed"
    RUNTIME_ERROR = "RuntimeError"
    INVALID = "Invalid"
    LOGGING_IN = "LoggingIn"
    INITIALIZING = "Initializing"
    HISTORY = "History"
    PENDING_INPUT = "PendingInput"
    IDLE = "Idle"
    UNDEFINED = "Undefined"
    """The project has no deployment. live/read answers so, and calls it a success."""


class InsightType(OpenEnum):
    """What an insight predicts."""

    PRICE = "price"
    VOLATILITY = "volatility"


class InsightDirection(OpenEnum):
    """Where an insight expects it to move. The value is the sign."""

    DOWN = -1
    FLAT = 0
    UP = 1


class TradeDirection(OpenEnum):
    """Whether a trade won by rising or by falling prices."""

    LONG = 0
    SHORT = 1


class SeriesType(OpenEnum):
    """How a series is drawn. There is no 8."""

    LINE = 0
    SCATTER = 1
    CANDLE = 2
    BAR = 3
    FLAG = 4
    STACKED_AREA = 5
    PIE = 6
    TREEMAP = 7
    HEATMAP = 9
    SCATTER_3D = 10


class ChartType(OpenEnum):
    """Whether the series of a chart share one pane."""

    OVERLAY = 0
    STACKED = 1


class ScatterMarkerSymbol(OpenEnum):
    """The marker of a point."""

    NONE = "none"
    CIRCLE = "circle"
    SQUARE = "square"
    DIAMOND = "diamond"
    TRIANGLE = "triangle"
    TRIANGLE_DOWN = "triangle-down"


class ChartResolution(OpenEnum):
    """How finely a result's charts are sampled."""

    TEN_MINUTES = "10minute"
    MINUTE = "minute"
    SECOND = "second"
