"""Over any schedule: the rate is kept, retries stay a tenth and a reserve, an open breaker lets hardly anything by."""

from bisect import bisect_right
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from qcasync._core.pacing import AuthGate, Breaker, Rate, RetryBudget

ROUNDING = 1e-6

gaps = st.one_of(st.just(0.0), st.floats(0.0, 2.0), st.floats(0.0, 100.0))


@given(ceiling=st.floats(0.2, 50.0), pauses=st.lists(gaps, min_size=1, max_size=200))
def test_never_more_than_the_ceiling(ceiling: float, pauses: list[float]) -> None:
    """In any stretch of t seconds at most ceiling * t + 1 requests have their place."""
    rate = Rate(ceiling)
    places = [now + rate.reserve(now) for now in accumulate(pauses)]
    assert places == sorted(places)
    for first, begin in enumerate(places):
        for last in range(first, len(places)):
            assert last - first + 1 <= ceiling * (places[last] - begin) + 1 + ROUNDING


@given(
    ceiling=st.one_of(st.none(), st.floats(0.01, 50.0)),
    events=st.lists(
        st.tuples(gaps, st.sampled_from(["reserve", "reserve", "throttled"]), st.one_of(st.none(), st.floats(0, 120))),
        max_size=100,
    ),
)
def test_throttles_are_obeyed(ceiling: float | None, events: list[tuple[float, str, float | None]]) -> None:
    """No place lies inside a pause, none in the past, the limit is never below its floor or above its ceiling.

    Places that were given before a pause are lost in it.
    """
    rate = Rate(ceiling)
    floor = min(0.2, ceiling or 0.2)
    now = paused_until = 0.0
    for gap, event, hint in events:
        now += gap
        if event == "throttled":
            before = rate.limit
            rate.throttled(now, hint)
            paused_until = max(paused_until, now + (hint or 0.0))
            assert rate.limit is not None
            assert before is None or rate.limit <= max(before, floor)
        else:
            wait = rate.reserve(now)
            assert wait >= 0.0
            assert now + wait >= paused_until - ROUNDING
            assert not rate.lapsed(now + wait + ROUNDING, now + wait)
        if abs(paused_until - now) > ROUNDING:
            assert rate.lapsed(now, now) is (now < paused_until)
        assert rate.limit is None or floor <= rate.limit <= (ceiling or float("inf"))


@given(
    events=st.lists(st.tuples(gaps, st.integers(0, 60), st.integers(0, 20)), max_size=60),
)
def test_retries_are_a_tenth_and_a_reserve(events: list[tuple[float, int, int]]) -> None:
    """10 % of the first attempts, ten at once, one more each 6 s; whatever the past was, a tenth is never refused."""
    budget = RetryBudget()
    now = 0.0
    firsts: list[float] = []
    spent: list[float] = []
    for gap, calls, wanted in events:
        now += gap
        for _ in range(calls):
            budget.first_attempt(now)
            firsts.append(now)
        for _ in range(wanted):
            recent = bisect_right(spent, now - 60.0), bisect_right(firsts, now - 60.0)
            if budget.spend(now):
                spent.append(now)
            else:
                assert len(spent) - recent[0] + 1 > 0.1 * (len(firsts) - recent[1]) - ROUNDING
    assert len(spent) <= 0.1 * len(firsts) + 10 + now / 6 + ROUNDING


@given(
    gap=st.floats(0.05, 3.0),
    jitters=st.lists(st.floats(0.0, 0.999), min_size=1, max_size=20),
)
def test_an_outage_is_probed_and_not_stormed(gap: float, jitters: list[float]) -> None:
    """While everything fails for half an hour, the breaker lets ten attempts by, and then a few dozen probes."""
    breaker, now, passed = Breaker(), 0.0, 0
    while now < 1800.0:
        if (wait := breaker.wait(now)) == 0.0:
            passed += 1
            breaker.failed(now, jitters[passed % len(jitters)])
            now += gap
        else:
            now += wait
            assert wait <= 18.0
    assert passed <= 10 + 160


@given(ceiling=st.floats(0.2, 50.0), events=st.lists(st.tuples(gaps, st.floats(0.0, 10.0)), min_size=1, max_size=100))
def test_late_ones_do_not_leave_in_a_burst(ceiling: float, events: list[tuple[float, float]]) -> None:
    """Each comes to its place late, by whatever; in any stretch of t seconds at most ceiling * t + 2 leave."""
    rate = Rate(ceiling)
    left: list[float] = []
    for now, (_, late) in zip(accumulate(gap for gap, _ in events), events, strict=True):
        due = now + rate.reserve(now)
        if not rate.lapsed(due + late, due):
            left.append(due + late)
    left.sort()
    for first, begin in enumerate(left):
        for last in range(first, len(left)):
            assert last - first + 1 <= ceiling * (left[last] - begin) + 2 + ROUNDING


@given(events=st.lists(st.tuples(gaps, st.sampled_from(["refused", "accepted"])), max_size=50))
def test_a_closed_auth_gate_opens_by_itself(events: list[tuple[float, str]]) -> None:
    """Closed for 1 to 15 min after a refusal, never longer; open after every success."""
    gate, now = AuthGate(), 0.0
    for gap, event in events:
        now += gap
        if event == "accepted":
            gate.accepted()
            assert not gate.closed(now)
        else:
            fresh = not gate.closed(now)
            gate.refused(now)
            assert not fresh or gate.closed(now + 59.0)
        assert not gate.closed(now + 900.0)
