"""When to look again, told the time step by step; and whole days of a server that renews its data."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcasync._core.cadence import (
    DRIFT,
    MARGIN,
    SHARP,
    SPREAD,
    Cadence,
    RenewalPhase,
    first_look,
)

PERIOD = 600.0
DAY = 86_400.0


def test_without_news_looks_are_a_period_apart() -> None:
    """Whatever is never new tells nothing about when it is renewed."""
    phase = RenewalPhase(PERIOD)
    now = 0.0
    for _ in range(100):
        later = phase.looked(now, news=False)
        assert later == now + PERIOD
        now = later


def test_the_first_news_tell_nothing() -> None:
    """They may be of any age."""
    assert RenewalPhase(PERIOD).looked(1000.0, news=True) == 1000.0 + PERIOD


def test_the_interval_is_halved_until_it_is_sharp() -> None:
    """A probe in the middle finds the news, or leaves them to the look at the end."""
    phase = RenewalPhase(PERIOD)
    phase.looked(0.0, news=False)
    looks = [
        (600.0, True, (603.0 + 1203.0) / 2),  # it was between 0 and 600
        (903.0, False, 1203.0 + MARGIN),
        (1205.0, True, (1500.0 + 1806.0) / 2),  # between 903 and 1203
        (1653.0, True, (2097.0 + 2256.0) / 2),  # between 1500 and 1653
        (2176.5, True, (2694.0 + 2779.5) / 2),
        (2736.75, True, (3291.0 + 3339.75) / 2),
        (3315.375, True, (3888.0 + 3918.375) / 2),  # between 3291 and 3315.375
        (3903.1875, True, 4506.1875 + MARGIN),  # between 3888 and 3903.1875 is sharp, a period later too
        (4508.1875, True, 5109.1875 + MARGIN),
    ]
    assert [phase.looked(at, news=news) for at, news, _ in looks] == [later for *_, later in looks]
    assert 5109.1875 - 5082.0 < SHARP < 3918.375 - 3888.0


def test_what_came_after_a_long_time_tells_nothing() -> None:
    """More than one renewal may lie between two looks that are far apart."""
    phase = RenewalPhase(PERIOD)
    phase.looked(0.0, news=False)
    assert phase.looked(661.0, news=True) == 1261.0
    assert phase.looked(1261.0 + 59.0, news=True) < 1320.0 + PERIOD


def test_news_where_none_can_be_begin_all_anew() -> None:
    phase = RenewalPhase(PERIOD)
    phase.looked(0.0, news=False)
    phase.looked(100.0, news=True)  # between 0 and 100: the next one is between 597 and 703
    phase.looked(300.0, news=False)
    assert phase.looked(400.0, news=True) == (897.0 + 1003.0) / 2  # between 300 and 400


def test_no_look_is_planned_in_the_past() -> None:
    """After a long time the middle of the interval may have passed already."""
    phase = RenewalPhase(300.0)
    phase.looked(0.0, news=False)
    phase.looked(1.0, news=True)
    assert 2700.0 < phase.looked(2700.0, news=True) < 3000.0


def test_a_long_silence_blurs_what_is_known_but_no_more_than_a_period() -> None:
    phase = RenewalPhase(PERIOD)
    phase.looked(0.0, news=False)
    phase.looked(10.0, news=True)
    later = phase.looked(1000 * PERIOD, news=False)
    assert 1000 * PERIOD < later <= 1001 * PERIOD + 2 * DRIFT + MARGIN
    assert phase.looked(later, news=True) > later


class Server:
    """Renews its data every so many seconds, and now and then there is something new in it.

    Args:
        seed: Of its chance.
        period: Seconds between two renewals.
        active: How many renewals bring something new.
    """

    def __init__(self, seed: int, period: float, active: float) -> None:
        self.rng = random.Random(seed)
        self.period = period
        self.offset = self.rng.uniform(0, PERIOD)
        self.news = [self.rng.random() < active for _ in range(int(DAY / period) + 3)]
        self.seen = -1

    def look(self, now: float) -> list[float]:
        """The ages of the news, in seconds, since they could be seen."""
        latest = math.floor((now - self.offset) / self.period)
        ages = [now - self.offset - at * self.period for at in range(self.seen + 1, latest + 1) if self.news[at]]
        self.seen = max(self.seen, latest)
        return ages


def forty_days(period: float, active: float, *, follows: bool = True) -> tuple[float, list[float]]:
    """Forty days. Returns looks a day, and the sorted ages of the news of their second halves."""
    ages: list[float] = []
    looks = 0
    for seed in range(40):
        server = Server(seed, period, active)
        cadence = Cadence(PERIOD, follows=follows)
        now = server.rng.uniform(0, PERIOD)
        while now < DAY:
            found = server.look(now)
            looks += 1
            ages += found if now > DAY / 2 else []
            now = cadence.looked(now + server.rng.uniform(0, 0.3), news=bool(found))
    return looks / 40, sorted(ages)


@pytest.mark.parametrize(
    ("period", "active", "looks", "median", "most"),
    [
        (600.0, 1.0, 175, 15, 30),
        (603.0, 1.0, 195, 10, 20),
        (597.0, 1.0, 152, 20, 40),
        (600.0, 0.7, 187, 20, 75),
        (603.0, 0.7, 203, 10, 30),
        (600.0, 0.3, 185, 60, 400),
        (603.0, 0.3, 188, 20, 200),
    ],
)
def test_news_are_seconds_old_where_blind_looks_find_them_after_minutes(
    period: float, active: float, looks: float, median: float, most: float
) -> None:
    """The median, and 99 of 100; for at most two looks in five more than the 144 of a day."""
    looked, ages = forty_days(period, active)
    assert 144 <= looked <= looks <= 144 * 1.42
    assert ages[len(ages) // 2] <= median
    assert ages[int(len(ages) * 0.99)] <= most
    _, blind = forty_days(period, active, follows=False)
    assert blind[len(blind) // 2] > 200


@pytest.mark.parametrize("period", [590.0, 610.0, 660.0])
@pytest.mark.parametrize("active", [1.0, 0.3])
def test_another_period_than_expected_makes_nothing_worse(period: float, active: float) -> None:
    """Nobody knows the period exactly. Looks are then as late as blind ones."""
    looked, ages = forty_days(period, active)
    assert looked <= 144 * 1.25
    assert ages[-1] <= PERIOD + DRIFT + MARGIN
    assert ages[len(ages) // 2] <= 320


@given(
    steps=st.lists(st.tuples(st.floats(0.0, 5000.0), st.booleans()), max_size=60),
    period=st.sampled_from([300.0, 600.0]),
)
def test_the_next_look_is_always_ahead_and_never_far(steps: list[tuple[float, bool]], period: float) -> None:
    """Whatever is found, and whenever looks come."""
    cadence, now = Cadence(period, follows=True), 0.0
    for wait, news in steps:
        now += wait
        assert now < cadence.looked(now, news=news) <= now + period + 2 * DRIFT + MARGIN


def test_what_does_not_follow_looks_at_every_period() -> None:
    cadence = Cadence(60.0)
    assert [cadence.looked(at, news=True) for at in (0.0, 60.0, 61.0, 900.0)] == [60.0, 120.0, 121.0, 960.0]
    cadence.restart()
    assert cadence.looked(1000.0, news=True) == 1060.0


def test_another_deployment_is_renewed_at_moments_of_its_own() -> None:
    cadence = Cadence(PERIOD, follows=True)
    cadence.looked(0.0, news=False)
    assert cadence.looked(600.0, news=True) == 903.0
    cadence.restart()
    assert cadence.looked(903.0, news=True) == 1503.0


def test_a_probe_that_failed_is_made_up_for() -> None:
    """The look that comes instead is a probe too, and what it finds tells where the renewal was."""
    cadence = Cadence(PERIOD, follows=True)
    cadence.looked(0.0, news=False)
    assert cadence.looked(600.0, news=True) == 903.0
    assert cadence.failed(903.0, 1.0) == 918.0
    assert cadence.looked(918.0, news=False) == 1203.0 + MARGIN


@pytest.mark.parametrize(("period", "longest"), [(60.0, 900.0), (3600.0, 3600.0)])
@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
def test_what_fails_is_looked_at_ever_later(period: float, longest: float, jitter: float) -> None:
    """Up to a quarter of an hour, or its period if that is longer; from a success on as before."""
    cadence = Cadence(period)
    share = 0.75 + 0.25 * jitter
    for failure in range(2000):
        wait = min(longest, 15.0 * 2.0 ** min(failure, 20))
        assert cadence.failed(100.0, jitter) == pytest.approx(100.0 + wait * share)
    assert cadence.looked(100.0, news=False) == 100.0 + period
    assert cadence.failed(100.0, jitter) == pytest.approx(100.0 + 15.0 * share)


def test_projects_begin_one_after_the_other() -> None:
    """A tenth of a second apart; so many that this would take longer than a period, all within it."""
    few = [first_look(position, 200, 600.0, 50.0) - 50.0 for position in range(200)]
    assert few == pytest.approx([position * SPREAD for position in range(200)])
    many = [first_look(position, 10_000, 60.0, 50.0) - 50.0 for position in range(10_000)]
    assert many == pytest.approx([position * 0.006 for position in range(10_000)])
    assert first_look(0, 1, 60.0, 50.0) == 50.0
