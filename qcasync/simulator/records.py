"""What a deployment records beside orders: log lines and insights. Some come by themselves as time goes on."""

import bisect
import random
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from qcasync.simulator.spelling import kebab
from qcasync.simulator.symbols import EQUITIES
from qcasync.simulator.wire import JsonObject, back_end_date

T = TypeVar("T")

_HOUR: Final = 3600.0
_MESSAGES: Final = (
    "Rebalancing into {ticker} at {price:.2f}",
    "{ticker}: signal 50 %, r² 0.9, <b>log/level</b>",
    "Order Error: ids: [7], Insufficient buying power to complete order\n  Reason: free margin {price:.2f}",
    "",
)
_OLD_NAMES: Final = {"referenceValueFinal": "reference-final", "scoreIsFinal": "score-final"}


class Records(Generic[T]):
    """The records of one kind of one deployment, oldest first. A record never changes its place.

    Args:
        seed: Decides the records that come by themselves.
        began_at: Unix time of the first of them.
        every: About how many seconds pass from one to the next.
        make: Makes the record of an instant.
    """

    def __init__(self, seed: str, began_at: float, every: float, make: Callable[[random.Random, float], T]) -> None:
        self._seed = seed
        self._every = every
        self._make = make
        self._entries: list[T] = []
        self._times: list[float] = []
        self._made = 0
        self._began_at = self._next_at = began_at

    def grow(self, until: float) -> None:
        """Record what happens by itself up to `until`."""
        while self._next_at <= until:
            rng = random.Random(f"{self._seed}/{self._made}")
            self._append(self._next_at, self._make(rng, self._next_at))
            self._made += 1
            self._next_at = self._began_at + self._every * (self._made + rng.uniform(-0.4, 0.4))

    def add(self, at: float, record: T) -> None:
        """Append a record that a test wants, after what has come by itself."""
        self.grow(at)
        self._append(at, record)

    def invent(self, at: float) -> T:
        """Append a record like those that come by themselves, and return it."""
        self.grow(at)
        record = self._make(random.Random(f"{self._seed}/added/{len(self._entries)}"), at)
        self._append(at, record)
        return record

    def until(self, at: float) -> list[T]:
        """The records up to `at`, as far as they were made."""
        return self._entries[: bisect.bisect_right(self._times, at)]

    def _append(self, at: float, record: T) -> None:
        self._entries.append(record)
        self._times.append(max([at, *self._times[-1:]]))


def stamped(at: float, text: str) -> str:
    """A log line as the log has it: its date in front."""
    return f"{back_end_date(at)} {text}"


def make_line(rng: random.Random, at: float) -> str:
    """Invent a log line. One in four holds a line break, and one in four says nothing."""
    security = rng.choice(EQUITIES)
    price = security.price * rng.uniform(0.9, 1.1)
    return stamped(at, rng.choice(_MESSAGES).format(ticker=security.symbol["value"], price=price))


def make_insight(rng: random.Random, at: float) -> JsonObject:
    """Invent an insight as the engine writes it: rounded numbers are text. It is not closed yet."""
    security = rng.choice(EQUITIES)
    generated = round(at, 4)
    period = rng.choice((_HOUR, 6 * _HOUR, 24 * _HOUR))
    has_view = rng.random() < 0.7
    return {
        "id": f"{rng.getrandbits(128):032x}",
        "groupId": None,
        "sourceModel": "MomentumAlphaModel",
        "generatedTime": generated,
        "createdTime": generated,
        "closeTime": round(at + period, 4),
        "symbol": security.security_id,
        "ticker": security.symbol["value"],
        "type": "volatility" if rng.random() < 0.1 else "price",
        "reference": round(security.price * rng.uniform(0.9, 1.1), 2),
        "referenceValueFinal": 0.0,
        "direction": rng.choice(("down", "flat", "up")),
        "period": period,
        "magnitude": f"{rng.uniform(0.001, 0.1):.4g}" if has_view else None,
        "confidence": f"{rng.uniform(0.1, 1.0):.4g}" if has_view else None,
        "weight": round(rng.uniform(0.01, 0.3), 3) if has_view else None,
        "scoreIsFinal": False,
        "scoreDirection": "0",
        "scoreMagnitude": "0",
        "estimatedValue": "0",
        "tag": None,
    }


def seen_at(insight: JsonObject, at: float) -> JsonObject:
    """The insight as it is at an instant: with final scores once its period has ended."""
    closes, reference = insight["closeTime"], insight["reference"]
    if not isinstance(closes, float) or not isinstance(reference, float) or at < closes:
        return insight
    return {
        **insight,
        "referenceValueFinal": round(reference * 1.01, 2),
        "scoreIsFinal": True,
        "scoreDirection": "1" if insight["direction"] == "up" else "0",
    }


def old_insight(insight: JsonObject) -> JsonObject:
    """The insight as older engines spelled it."""
    return {_OLD_NAMES.get(key) or kebab(key): value for key, value in insight.items()}
