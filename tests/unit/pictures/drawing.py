"""Charts and orders to draw, decoded from JSON as the server would write it, and what a figure says."""

import json
import math
import random
from collections.abc import Sequence
from typing import Any

import msgspec

import qcasync

BEGIN = 1_717_400_000
STEP = 3_600

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    '<a href="javascript:alert(3)">free money</a>',
    "<b>bold</b><br>next",
    "&lt;i&gt; &amp; &#60;u&#62;",
    "$\\alpha$ and $1",
    "%{x} %{meta[0]} {{ 7*7 }} {% raw %}",
    "\x1b]0;owned\x07\x1b[31mred\u202eevil\u2066\u0000",
    "-->]]><!--",
)
"""Names that somebody might give a series, a project or a security."""


def series(name: str, values: Sequence[object], **told: Any) -> dict[str, Any]:
    """A series as on the wire."""
    return {"name": name, "unit": "$", "index": 0, "seriesType": 0, "values": values} | told


def line(size: int = 5, level: float = 100.0) -> list[list[float]]:
    """Plain points, an hour apart: level, level + 1, ..."""
    return [[BEGIN + at * STEP, level + at] for at in range(size)]


def walk(size: int, seed: int = 3) -> list[list[float]]:
    """Candles of an equity that goes up and down."""
    rng, level, candles = random.Random(seed), 100_000.0, []
    for at in range(size):
        opened, level = level, level * (1 + rng.gauss(0.00008, 0.0015))
        high, low = max(opened, level) * 1.0005, min(opened, level) * 0.9995
        candles.append([BEGIN + at * STEP, *(round(price, 2) for price in (opened, high, low, level))])
    return candles


def chart(*each: dict[str, Any], name: str = "Test", **told: Any) -> qcasync.Chart:
    """A chart of series, under keys that are unique."""
    content = {"name": name, "series": {f"{at} {one['name']}": one for at, one in enumerate(each)}} | told
    return msgspec.json.decode(json.dumps(content), type=qcasync.Chart)


def equity(size: int = 50) -> qcasync.Chart:
    """The chart of an equity."""
    returns = [[at, math.sin(at)] for at, *_ in walk(size)]
    return chart(
        series("Equity", walk(size), seriesType=2),
        series("Return", returns, unit="%", index=1, seriesType=3),
        name="Strategy Equity",
    )


def order(at: float, quantity: float, *, symbol: str = "SPY", price: float = 500.0, **told: Any) -> qcasync.Order:
    """An order that was filled at once, `at` Unix seconds."""
    side = "buy" if quantity > 0 else "sell"
    event = {
        "id": "L-0-1-2", "algorithmId": "L-0", "orderId": 1, "orderEventId": 2, "symbol": f"{symbol} R735QTJ8XC9X",
        "time": at, "status": "filled", "fillPrice": price, "fillPriceCurrency": "USD", "fillQuantity": quantity,
        "direction": side,
    }  # fmt: skip
    content = {
        "type": 0, "id": 1, "symbol": {"value": symbol, "id": f"{symbol} R735QTJ8XC9X"}, "time": "2024-06-01T00:00:00Z",
        "quantity": quantity, "status": 3, "direction": 0 if quantity > 0 else 1, "events": [event],
    }  # fmt: skip
    return msgspec.json.decode(json.dumps(content | told), type=qcasync.Order)


def traces(figure: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The traces of a figure by name."""
    return {trace.get("name", trace["type"]): trace for trace in figure["data"]}


def headings(figure: dict[str, Any]) -> list[str]:
    """What stands above the panes, from top to bottom."""
    return [note["text"] for note in figure["layout"]["annotations"]]
