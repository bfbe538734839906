"""Whole answers of a given size, as bytes: what benchmarks decode. Nothing is asked, no world is kept.

The endpoints' makers make them too, so they have the real shapes; but they leave out what the endpoints put in on
purpose to be difficult. The same arguments always give the same bytes.
"""

import random
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import msgspec

from qcasync.simulator.books import OrderBook, Spelling
from qcasync.simulator.conditions import Conditions
from qcasync.simulator.endpoints.call import Call
from qcasync.simulator.endpoints.lists import list_deployments
from qcasync.simulator.holdings import dollars, holding
from qcasync.simulator.orders import Life
from qcasync.simulator.results import Contents, make_results
from qcasync.simulator.series import CHART_NAMES, make_clean_chart
from qcasync.simulator.spelling import pascal_order
from qcasync.simulator.symbols import equities
from qcasync.simulator.wire import JsonObject, success
from qcasync.simulator.world import World

__all__ = [
    "LIVE_RECIPES",
    "LiveRecipe",
    "LiveSize",
    "chart",
    "deployments",
    "live_results",
    "orders_window",
    "portfolio",
]

LiveSize: TypeAlias = Literal["1 MB", "6 MB", "26 MB"]

_LAUNCHED_AT: Final = 1_745_000_000
_EVENTS_AT_ONCE = 2
_EVENTS_IN_PARTS = 3
_WINDOW_EVENTS = 2.4
_SAMPLE_SECONDS = 60
_ORDER_SECONDS = 20.0
_PER_PROJECT = 8


class LiveRecipe(msgspec.Struct, frozen=True, kw_only=True):
    """How much of everything a result has.

    Attributes:
        holdings: Positions.
        orders: Filled orders.
        events: Their events, two or three of each order.
        closed: Entries of `ProfitLoss`.
        charts: Charts: the standard ones first, then the algorithm's own.
        points: Points of each series.
    """

    holdings: int
    orders: int
    events: int
    closed: int
    charts: int
    points: int


LIVE_RECIPES: Final[Mapping[LiveSize, LiveRecipe]] = MappingProxyType(
    {
        "1 MB": LiveRecipe(holdings=50, orders=200, events=400, closed=200, charts=3, points=5_000),
        "6 MB": LiveRecipe(holdings=200, orders=2_000, events=6_000, closed=2_000, charts=12, points=4_000),
        "26 MB": LiveRecipe(holdings=200, orders=2_000, events=6_000, closed=2_000, charts=18, points=20_000),
    }
)


def orders_window(*, orders: int = 100, seed: int = 0, spelling: Spelling = "camel") -> bytes:
    """Return an answer of live/orders/read: filled orders of all types, with 2.4 events each on average.

    Three in five were filled at once, two in five in two parts. 100 orders are about 160 kB.

    Args:
        orders: How many.
        seed: Decides them.
        spelling: "camel" as today, when nothing in them needs repair; "pascal" as engines before 2021 wrote them.
    """
    made = _filled_orders(f"{seed}/orders", orders, round(orders * _WINDOW_EVENTS))
    if spelling == "pascal":
        made = [pascal_order(order) for order in made]
    return success({"orders": made, "length": orders}).body


def live_results(
    *, size: LiveSize | LiveRecipe = "1 MB", seed: int = 0, events: Literal["nested", "kebab"] = "nested"
) -> bytes:
    """Return an answer of live/read in the documented form: the engine's packet, in PascalCase.

    Points are arrays, and only the bars have gaps.

    Args:
        size: A size as named in `LIVE_RECIPES`, or a recipe of your own.
        seed: Decides everything else.
        events: "nested" as the documents show an event, "kebab" as older engines wrote it.

    Raises:
        ValueError: The recipe's orders cannot have so many events.
    """
    recipe = size if isinstance(size, LiveRecipe) else LIVE_RECIPES[size]
    times = _times(recipe.points)
    own = (f"Indicators {number}" for number in range(1, recipe.charts - len(CHART_NAMES) + 1))
    charts: JsonObject = {
        name: make_clean_chart(f"{seed}/charts", name, times, pascal=True)
        for name in (*CHART_NAMES[: recipe.charts], *own)
    }
    contents = Contents(
        orders=_filled_orders(f"{seed}/orders", recipe.orders, recipe.events),
        events=events,
        charts=charts,
        securities=equities(recipe.holdings),
        closed=recipe.closed,
        status="Running",
        launched_at=_LAUNCHED_AT,
        now=times.stop,
    )
    return success({"LiveResults": make_results(random.Random(f"{seed}/results"), contents)}).body


def chart(*, points: int, seed: int = 0) -> bytes:
    """Return an answer of live/chart/read: "Strategy Equity", with `points` candles and as many bars."""
    return success({"chart": make_clean_chart(f"{seed}/charts", "Strategy Equity", _times(points))}).body


def portfolio(*, holdings: int, seed: int = 0) -> bytes:
    """Return an answer of live/portfolio/read: `holdings` equities and dollars, under the short keys."""
    rng = random.Random(f"{seed}/portfolio")
    held: JsonObject = {security.security_id: holding(rng, security) for security in equities(holdings)}
    return success({"portfolio": {"holdings": held, "cash": {"USD": dollars(rng)}}}).body


def deployments(*, deployments: int, seed: int = 0) -> bytes:
    """Return an answer of live/list: `deployments` launches, up to eight of each project, the last of each running."""
    world = World(seed, Conditions())
    user_id = world.add_account(None, None).user_id
    now = float(_LAUNCHED_AT)
    for first in range(0, deployments, _PER_PROJECT):
        launches = [100] * min(_PER_PROJECT, deployments - first)
        world.add_project(launches, name=None, running=True, spelling="camel", user_id=user_id, now=now)
    return list_deployments(Call(world=world, number=1, user_id=user_id, payload={}, now=now)).body


def _times(points: int) -> range:
    return range(_LAUNCHED_AT, _LAUNCHED_AT + points * _SAMPLE_SECONDS, _SAMPLE_SECONDS)


def _filled_orders(seed: str, orders: int, events: int) -> list[JsonObject]:
    # Orders that were filled in two parts are spread evenly among those that were filled at once.
    parted = events - orders * _EVENTS_AT_ONCE
    if not 0 <= parted <= orders * (_EVENTS_IN_PARTS - _EVENTS_AT_ONCE):
        message = f"{orders} filled orders have {orders * _EVENTS_AT_ONCE} to {orders * _EVENTS_IN_PARTS} events"
        raise ValueError(message)
    book = OrderBook(seed, f"L-{random.Random(seed).getrandbits(128):032x}", "camel")
    for index in range(orders):
        in_parts = (index + 1) * parted // orders > index * parted // orders
        life = Life.PARTLY_THEN_FILLED if in_parts else Life.FILLED
        book.place(1, _LAUNCHED_AT + _ORDER_SECONDS * index, life=life)
    # The engine may leave `time` null; here it always tells it.
    return [order | {"time": order["createdTime"]} for order in book.orders(orders)]
