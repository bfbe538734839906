"""A model of a server's list, and a driver that performs a `WindowPlan` on it without an event loop."""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass

from qcasync._core.window_steps import Arrival, Broken, Complete, LookAgain, Wait, Window
from qcasync._core.windows import WindowPlan


@dataclass
class ModelList:
    """A list on a server, told the time. Row `i` has the identity `i`.

    Attributes:
        rows: How many rows there are at a time.
        length: What the server says about the length, given all rows and the rows of the page.
    """

    rows: Callable[[float], int] = lambda now: 0
    clamp: int = 1000
    inclusive: int = 0
    warming: float = 0.0
    ignore_start: bool = False
    length: Callable[[int, int], int | None] = lambda total, page: total

    def answer(self, window: Window, now: float) -> Arrival:
        """What a request arriving at `now` is answered."""
        if now < self.warming:
            return Arrival(count=0, length=self.length(0, 0))
        total = self.rows(now)
        start, end = (0, window.size) if self.ignore_start else (window.start, window.end)
        page = range(start, max(start, min(end + self.inclusive, total)))[: self.clamp]
        return Arrival(
            count=len(page),
            length=self.length(total, len(page)),
            first=page[0] if page else None,
            surplus=page[window.size] if len(page) > window.size else None,
        )


@dataclass
class Outcome:
    """How a performed plan ended."""

    end: Complete | Broken
    plan: WindowPlan
    seconds: float
    windows: list[Window]
    in_flight: int


def perform(
    server: ModelList,
    *,
    workers: int = 10,
    remembered: int | None = None,
    start: int = 0,
    stop: int | None = None,
    latency: Callable[[], float] = lambda: 1.0,
    order: random.Random | None = None,
    limit: int = 20_000,
) -> Outcome:
    """Perform a plan with `workers` requests at once. Answers come in the order that `latency` makes."""
    plan = WindowPlan(start=start, stop=stop, remembered=remembered, room=2 * workers * 100)
    now = 0.0
    flying: list[tuple[float, float, int, Window, Arrival]] = []
    asked: list[Window] = []
    most = 0
    for _ in range(limit):
        step = plan.next_step(now) if len(flying) < workers else Wait()
        if isinstance(step, Window):
            asked.append(step)
            seconds = latency()
            arrival = server.answer(step, now + seconds / 2)
            tie = order.random() if order else 0.0
            heapq.heappush(flying, (now + seconds, tie, len(asked), step, arrival))
            most = max(most, len(flying))
            continue
        if isinstance(step, Complete | Broken):
            return Outcome(step, plan, now, asked, most)
        if isinstance(step, LookAgain) and (not flying or step.at < flying[0][0]):
            now = max(now, step.at)
            continue
        assert flying, f"nothing in flight, nothing to do, at {plan.frontier}"
        now, _, _, window, arrival = heapq.heappop(flying)
        plan.page_received(window, arrival, now)
        plan.taken(plan.frontier)
    raise AssertionError("the plan does not end")
