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
) -> None:
    """The listing is a prefix of the list at its end, and holds at least what was there at its beginning."""
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
        server, workers=workers, remembered=remembered, latency=lambda: chance.choice([0.1, 0.3, 2.0]), order=chance
    )
    if isinstance(outcome.end, Complete):
        assert rows <= outcome.plan.frontier <= total(outcome.seconds)
        assert outcome.plan.read() == (((0, outcome.plan.frontier),) if outcome.plan.frontier else ())
        assert outcome.plan.missing() == ()
    else:
        assert outcome.end.trouble is Trouble.WARMING
        assert rows == 0 or warming > 0
    assert outcome.in_flight <= workers
