"""Any order of completion, clamp, warming and growth: a plan ends with the whole list, or says that it could not."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from qcasync._core.window_steps import Complete, Trouble
from tests.unit.core.windows_harness import ModelList, perform

LENGTHS = {
    "total": lambda total, page: total,
    "page": lambda total, page: page,
    "zero": lambda total, page: 0,
    "absent": lambda total, page: None,
    "negative": lambda total, page: -1,
    "too much": lambda total, page: total + 150,
}


@settings(max_examples=300)
@given(
    seed=st.integers(0, 2**32),
    rows=st.one_of(st.integers(0, 40), st.sampled_from([99, 100, 101, 200]), st.integers(0, 1500)),
    clamp=st.sampled_from([1000, 1000, 100, 60, 10, 7]),
    inclusive=st.sampled_from([0, 0, 1]),
    length=st.sampled_from(sorted(LENGTHS)),
    warming=st.floats(0, 9.5),
    appended=st.lists(st.tuples(st.floats(0, 30), st.integers(1, 150)), max_size=3),
    workers=st.integers(1, 12),
    remembered=st.one_of(st.none(), st.integers(0, 2000)),
    start=st.one_of(st.just(0), st.integers(0, 60), st.sampled_from([99, 100, 101]), st.integers(0, 1500)),
)
def test_the_plan_reads_everything_or_says_so(
    seed: int,
    rows: int,
    clamp: int,
    inclusive: int,
    length: str,
    warming: float,
    appended: list[tuple[float, int]],
    workers: int,
    remembered: int | None,
    start: int,
) -> None:
    """What is read begins at the start, without a hole, and holds at least what was there when reading began."""
    chance = random.Random(seed)

    def total(now: float) -> int:
        return rows + sum(more for at, more in appended if at <= now)

    server = ModelList(
        rows=total,
        clamp=clamp,
        inclusive=inclusive,
        warming=warming,
        length=LENGTHS[length],
    )
    outcome = perform(
        server,
        workers=workers,
        remembered=remembered,
        start=start,
        latency=lambda: chance.choice([0.1, 0.3, 2.0]),
        order=chance,
    )
    plan = outcome.plan
    if isinstance(outcome.end, Complete):
        assert max(start, rows) <= plan.frontier <= max(start, total(outcome.seconds))
        assert plan.read() == (((start, plan.frontier),) if plan.frontier > start else ())
        assert plan.missing() == ()
        assert not plan.falls_short or rows < start
    else:
        assert outcome.end.trouble is Trouble.WARMING
        assert rows <= start or warming > 0
    assert outcome.in_flight <= workers
    assert all(window.start >= start for window in outcome.windows)


@given(
    seed=st.integers(0, 2**32),
    rows=st.integers(0, 1200),
    ends=st.tuples(st.integers(0, 1200), st.integers(0, 1200)).map(sorted),
    clamp=st.sampled_from([1000, 100, 60, 7]),
    inclusive=st.sampled_from([0, 1]),
    length=st.sampled_from(sorted(LENGTHS)),
    warming=st.floats(0, 9.5),
    workers=st.integers(1, 12),
)
def test_a_part_of_a_list_is_read_exactly(
    seed: int, rows: int, ends: list[int], clamp: int, inclusive: int, length: str, warming: float, workers: int
) -> None:
    """From one index up to another, and not a row beyond; rows that are not there are missed, and not passed over."""
    chance = random.Random(seed)
    start, stop = ends
    server = ModelList(rows=lambda now: rows, clamp=clamp, inclusive=inclusive, warming=warming, length=LENGTHS[length])
    outcome = perform(
        server, workers=workers, start=start, stop=stop, latency=lambda: chance.choice([0.1, 0.3, 2.0]), order=chance
    )
    assert all(start <= window.start < window.end <= stop for window in outcome.windows)
    if isinstance(outcome.end, Complete):
        assert outcome.plan.read() == (((start, stop),) if start < stop else ())
        assert outcome.plan.missing() == ()
        assert rows >= stop or start == stop
        assert outcome.plan.spoken_of <= stop
    else:
        assert rows < stop
        assert outcome.end.trouble in (Trouble.WARMING, Trouble.HOLE)
        assert outcome.plan.missing()[-1][1] == stop
