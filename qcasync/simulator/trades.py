"""Closed trades, as the engine pairs them: each fill closes the oldest fills of the other direction."""

import random
import uuid
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, cast

import msgspec

from qcasync.simulator.spelling import events_of, pascal_keys
from qcasync.simulator.wire import JsonObject, engine_date

_TICKS: Final = 10_000_000
_EVENT_TIMES: Final = 10_000
_DAY: Final = 86_400
_OPTIONS: Final = frozenset({2, 8, 10})
_CONTRACT: Final = 100
_DUST: Final = 1e-9
_WANDERING: Final = 0.01
_ADDED_LATER: Final = frozenset({"id", "symbols", "isWin", "orderIds"})


class _Fill(NamedTuple):
    at: float
    order_id: int
    symbol: JsonObject
    unit: int
    price: float
    quantity: float
    fee: float


class _Open(msgspec.Struct):
    # What is left of a fill that no other fill has closed yet.
    fill: _Fill
    quantity: float

    def close(self, quantity: float) -> float:
        """Take so much off it; return the share of the fee."""
        self.quantity -= quantity if self.quantity > 0 else -quantity
        return self.fill.fee * quantity / abs(self.fill.quantity)


class TradeBuilder:
    """Told the orders of one deployment as they become known, it knows the trades that their fills close.

    A fill closes the oldest open fills of the other direction; each pair is a trade of its own, with its share of both
    fees, and what is left opens a position. So a trade never changes, and never changes its place.

    Args:
        seed: Decides the trades' identities, and how far prices wandered meanwhile.

    Attributes:
        trades: The trades so far, in camelCase.
    """

    def __init__(self, seed: str) -> None:
        self.trades: list[JsonObject] = []
        self._rng = random.Random(seed)
        self._open: defaultdict[str, deque[_Open]] = defaultdict(deque)
        self._events_seen: dict[int, int] = {}

    def see(self, orders: Iterable[JsonObject]) -> None:
        """Take the fills of orders that become known together, in camelCase, as far as they were not seen before."""
        for fill in sorted(self._new_fills(orders), key=lambda fill: fill.at):
            self._match(fill)

    def _new_fills(self, orders: Iterable[JsonObject]) -> Iterator[_Fill]:
        for order in orders:
            order_id, events = cast("int", order["id"]), events_of(order)
            for event in events[self._events_seen.get(order_id, 0) :]:
                if event["fillQuantity"]:
                    yield _Fill(
                        cast("float", event["time"]),
                        order_id,
                        cast("JsonObject", order["symbol"]),
                        _CONTRACT if order["securityType"] in _OPTIONS else 1,
                        cast("float", event["fillPrice"]),
                        cast("float", event["fillQuantity"]),
                        cast("float", event.get("orderFeeAmount", 0.0)),
                    )
            self._events_seen[order_id] = len(events)

    def _match(self, fill: _Fill) -> None:
        waiting, rest = self._open[str(fill.symbol["id"])], _Open(fill, fill.quantity)
        while waiting and waiting[0].quantity * rest.quantity < 0 and abs(rest.quantity) > _DUST:
            self.trades.append(self._trade(waiting[0], rest))
            if abs(waiting[0].quantity) <= _DUST:
                waiting.popleft()
        if abs(rest.quantity) > _DUST:
            waiting.append(rest)

    def _trade(self, entry: _Open, end: _Open) -> JsonObject:
        is_long = entry.quantity > 0
        quantity = min(abs(entry.quantity), abs(end.quantity))
        fees = entry.close(quantity) + end.close(quantity)
        opened, closed = entry.fill, end.fill
        size = quantity * opened.unit
        gain = (closed.price - opened.price) * size * (1 if is_long else -1)
        worst = min(gain, 0.0) - self._rng.uniform(0.0, _WANDERING) * opened.price * size
        best = max(gain, 0.0) + self._rng.uniform(0.0, _WANDERING) * opened.price * size
        # An order that became known later may have been filled a moment earlier.
        until = max(closed.at, opened.at)
        return {
            "id": str(uuid.UUID(int=self._rng.getrandbits(128), version=4)),
            "symbols": [opened.symbol],
            "entryTime": engine_date(opened.at),
            "entryPrice": opened.price,
            "direction": 0 if is_long else 1,
            "quantity": quantity,
            "exitTime": engine_date(until),
            "exitPrice": closed.price,
            "profitLoss": round(gain, 4),
            "totalFees": round(fees, 4),
            "mae": round(worst, 4),
            "mfe": round(best, 4),
            "duration": span(_ticks(until) - _ticks(opened.at)),
            "endTradeDrawdown": round(gain - best, 4),
            "isWin": gain > 0,
            "orderIds": list(dict.fromkeys([opened.order_id, closed.order_id])),
        }


def span(ticks: int) -> str:
    """A duration as .NET writes it: `[d.]hh:mm:ss[.fffffff]`."""
    whole, ticks = divmod(ticks, _TICKS)
    days, rest = divmod(whole, _DAY)
    text = f"{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
    return (f"{days}." if days else "") + text + (f".{ticks:07d}" if ticks else "")


def _ticks(at: float) -> int:
    return round(at * _EVENT_TIMES) * (_TICKS // _EVENT_TIMES)  # in one step, it would be beyond a float's digits


def old_trade(trade: JsonObject) -> JsonObject:
    """The trade as older engines had it among a result's closed trades: of one symbol, and without an identity."""
    (symbol,) = cast("list[JsonObject]", trade["symbols"])
    old = pascal_keys({key: value for key, value in trade.items() if key not in _ADDED_LATER})
    old["MAE"], old["MFE"] = old.pop("Mae"), old.pop("Mfe")
    return {"Symbol": {"Value": symbol["value"], "ID": symbol["id"], "Permtick": symbol["permtick"]}, **old}
