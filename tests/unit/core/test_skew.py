"""What `Date` headers tell about our clock, rule by rule. Times are written relative to midnight of 2026-01-01."""

import email.utils

import pytest

from qcasync._core.skew import Reading, Refusal, Skew, Stamp

MIDNIGHT = 1767225600
HOUR = 3600.0


def date(second: float) -> str:
    """The header that a server writes at this second."""
    return email.utils.formatdate(MIDNIGHT + second // 1, usegmt=True)


def clocks(mono: float, wrong: float = 0.0) -> Reading:
    """Our clocks, of which the wall clock may be wrong. The monotonic clock was 0 at midnight."""
    return Reading(wall=MIDNIGHT + mono + wrong, mono=mono)


def answer(skew: Skew, second: float, sent: float, answered: float, wrong: float = 0.0) -> bool:
    """An answer stamped with this second."""
    return skew.answered(date(second), sent=clocks(sent, wrong), answered=clocks(answered, wrong))


def bounds(skew: Skew, mono: float) -> tuple[float, float]:
    """The interval in which the offset lies: the server's time at our midnight, in seconds after it."""
    now = clocks(mono)
    earliest = skew.stamp(now).offset - MIDNIGHT
    return earliest, earliest + (skew.uncertainty(now) or 0.0)


@pytest.mark.parametrize("wrong", [0.0, -3 * HOUR, 25 * HOUR])
def test_before_the_first_sample_our_own_clock_counts(wrong: float) -> None:
    """There is nothing else: whole seconds of the wall clock, rounded down."""
    skew = Skew()
    now = clocks(10.75, wrong)
    assert skew.stamp(now).timestamp == MIDNIGHT + 10 + wrong
    assert skew.server_time(now) == now.wall
    assert skew.uncertainty(now) is None


def test_a_sample_bounds_the_offset() -> None:
    """[D - m1 - 1 s, D + 1 - m0 + 1 s]: no symmetry of the ways is assumed, and edges may differ by a second."""
    skew = Skew()
    answer(skew, 10, 10.25, 10.75)
    assert bounds(skew, 10.75) == (10 - 10.75 - 1, 10 + 1 - 10.25 + 1)
    assert skew.server_time(clocks(10.75)) == MIDNIGHT + 10.75


def test_the_likely_time_is_the_middle() -> None:
    """Not a whole second: it is shown to people, and never signed."""
    skew = Skew()
    answer(skew, 10, 10.0, 10.0)
    assert bounds(skew, 10.0) == (-1.0, 2.0)
    assert skew.server_time(clocks(10.0)) == MIDNIGHT + 10.5


def test_readings_and_stamps_are_values() -> None:
    """What was signed is compared later with what is known then, so nobody may change it meanwhile."""
    skew = Skew()
    stamp = skew.stamp(clocks(10.0))
    with pytest.raises(AttributeError):
        clocks(10.0).mono = 0.0  # type: ignore[misc]
    with pytest.raises(AttributeError):
        stamp.offset = 0.0  # type: ignore[misc]


def test_signed_is_the_earliest_time_it_can_be() -> None:
    """Never in the server's future, whatever our wall clock says."""
    skew = Skew()
    answer(skew, 10, 10.25, 10.75)
    for wrong in (-HOUR, 0.0, HOUR):
        stamp = skew.stamp(clocks(20.0, wrong))
        assert stamp.timestamp == MIDNIGHT + 18  # 20 - 1.75, widened by 2 ms, rounded down
        assert stamp.distance == -2 - wrong


def test_what_is_known_goes_stale() -> None:
    """Both ends widen by 200 ppm, 0.72 s an hour; a reading that comes late does not narrow them."""
    skew = Skew()
    answer(skew, 10, 10.25, 10.75)
    assert bounds(skew, 10.75 + HOUR) == pytest.approx((-1.75 - 0.72, 1.75 + 0.72))
    assert bounds(skew, 5.0) == (-1.75, 1.75)


def test_samples_are_intersected() -> None:
    """A second edge of the server's second narrows what the first one left open."""
    skew = Skew()
    answer(skew, 10, 10.0, 10.0)
    assert bounds(skew, 10.0) == (-1.0, 2.0)
    answer(skew, 11, 11.75, 11.75)
    assert bounds(skew, 11.75) == pytest.approx((-1.0, 1.25), abs=1e-3)


UNUSABLE = """\

GMT
yesterday GMT
Thu, 01 Jan 2026 00:00:10
Thu, 01 Jan 2026 00:00:10 +0000
Thu, 01 Jan 2026 02:00:10 +0200 GMT
Thu, 01 Jan 2026 00:00:10 -0000 GMT
2026-01-01T00:00:10Z
1767225610
Thu, 01 Jan 2026 00:00:60 GMT
Thu, 01 Jan 1970 00:00:10 GMT
Tue, 31 Dec 2019 23:59:59 GMT
Mon, 01 Jan 2091 00:00:00 GMT
Thu, 01 Jan 100000 00:00:10 GMT
Thu, 01 Jan 99999999999999999999 00:00:10 GMT
Thu, 01 Jan 2026 00:00:10 GMT, Thu, 01 Jan 2026 00:00:10 GMT
"""


@pytest.mark.parametrize("header", [None, *UNUSABLE.splitlines()])
def test_an_unusable_date_is_no_sample(header: str | None) -> None:
    """Absent, malformed, in another zone or implausible: nothing is learned, and nothing breaks."""
    skew = Skew()
    assert not skew.answered(header, sent=clocks(10.0), answered=clocks(10.0))
    assert (skew.samples, skew.uncertainty(clocks(10.0))) == (0, None)


@pytest.mark.parametrize("header", ["Wed, 01 Jan 2020 00:00:00 GMT", "Sun, 31 Dec 2090 23:59:59 GMT"])
def test_a_date_is_plausible_from_2020_to_2090(header: str) -> None:
    """The first and the last second; those next to them are among the unusable."""
    skew = Skew()
    skew.answered(header, sent=clocks(10.0), answered=clocks(10.0))
    assert skew.samples == 1


@pytest.mark.parametrize(
    ("sent", "answered", "trusted", "samples"),
    [
        pytest.param(clocks(10.0), clocks(10.25), True, 1, id="the model answer"),
        pytest.param(clocks(10.0), clocks(20.0), True, 1, id="10 s"),
        pytest.param(clocks(10.0), clocks(20.25), True, 0, id="more than 10 s: the interval would be too wide"),
        pytest.param(clocks(10.0), clocks(9.75), True, 0, id="answered before it was sent"),
        pytest.param(clocks(10.0), clocks(10.25), False, 0, id="from a cache, or another host"),
        pytest.param(clocks(10.0), clocks(10.25, 2.0), True, 1, id="clocks 2 s apart"),
        pytest.param(clocks(10.0), clocks(10.25, -2.0), True, 1, id="clocks 2 s apart, so that wall time went back"),
        pytest.param(clocks(10.0), clocks(10.25, 2.25), True, 0, id="a step forward inside"),
        pytest.param(clocks(10.0), clocks(10.25, -2.25), True, 0, id="a step back inside"),
    ],
)
def test_which_answers_count(sent: Reading, answered: Reading, trusted: bool, samples: int) -> None:
    """An answer counts if it is the server's own, came soon, and no clock was set meanwhile."""
    skew = Skew()
    skew.answered(date(10), sent=sent, answered=answered, trusted=trusted)
    assert skew.samples == samples


@pytest.mark.parametrize(
    ("wrong", "moved"),
    [
        *[(0.0, False), (3.75, False), (4.0, True), (-3.0, False), (-6.25, False), (-6.5, True)],
        *[(3 * HOUR, True), (-3 * HOUR, True)],
    ],
)
def test_a_wrong_clock_is_a_new_generation(wrong: float, moved: bool) -> None:
    """The first answer tells whether requests signed by our own clock are worth a repetition: beyond 5 s they are.

    Counted from the earliest time it can be, 1.25 s before our midnight.
    """
    skew = Skew()
    assert answer(skew, 10, 10.0, 10.25, wrong) is moved
    assert skew.generation == int(moved)


def test_one_strange_edge_does_not_move_us() -> None:
    """A sample that contradicts what is known is remembered, and not believed."""
    skew = Skew()
    answer(skew, 10, 10.0, 10.0)
    assert not answer(skew, 3611, 11.0, 11.0)
    assert bounds(skew, 11.0) == pytest.approx((-1.0, 2.0), abs=1e-3)


@pytest.mark.parametrize(("second", "adopted"), [(3612, True), (3617, True), (3618, False), (3606, False)])
def test_two_that_agree_do(second: int, adopted: bool) -> None:
    """A second sample within 2 s of the first one's interval is a real change."""
    skew = Skew()
    answer(skew, 10, 10.0, 10.0)
    answer(skew, 3611, 11.0, 11.0)  # 3599 to 3602
    assert answer(skew, second, 12.0, 12.0) is adopted
    assert skew.generation == int(adopted)
    if adopted:
        assert bounds(skew, 12.0) == (max(second - 13.0, 3597.0), min(second - 10.0, 3604.0))


def test_the_latest_strange_edge_is_the_rival() -> None:
    """Three edges, three times: only two that agree count, and they follow each other."""
    skew = Skew()
    answer(skew, 10, 10.0, 10.0)
    assert not answer(skew, 3611, 11.0, 11.0)
    assert not answer(skew, 7212, 12.0, 12.0)
    assert not answer(skew, 3613, 13.0, 13.0)
    assert answer(skew, 3614, 14.0, 14.0)


def test_an_answer_that_agrees_forgets_the_rival() -> None:
    """What is known was confirmed, so the strange edge was only that."""
    skew = Skew()
    answer(skew, 10, 10.0, 10.0)
    answer(skew, 3611, 11.0, 11.0)
    answer(skew, 12, 12.0, 12.0)
    assert not answer(skew, 3613, 13.0, 13.0)


@pytest.mark.parametrize(("hours", "usable"), [(25.9, True), (-25.9, True), (26.1, False), (-26.1, False)])
def test_nothing_is_signed_for_another_day(hours: float, usable: bool) -> None:
    """26 h hold every mistake of zone and date; a hash for tomorrow could be used tomorrow."""
    skew = Skew()
    answer(skew, 10, 10.0, 10.0, hours * HOUR)
    assert skew.stamp(clocks(11.0, hours * HOUR)).usable is usable
    assert Stamp(timestamp=0, offset=0.0, distance=26 * HOUR).usable
    assert not Stamp(timestamp=0, offset=0.0, distance=26 * HOUR + 1).usable


@pytest.mark.parametrize(
    ("wrong", "rounds", "refusal"),
    [
        pytest.param(3 * HOUR, 0.25, Refusal.CLOCK, id="hours ahead"),
        pytest.param(-3 * HOUR, 0.25, Refusal.CLOCK, id="hours behind"),
        pytest.param(30.0, 0.25, Refusal.CLOCK, id="half a minute: a strict server minds"),
        pytest.param(7.0, 0.25, Refusal.CLOCK, id="just worth a repetition"),
        pytest.param(4.0, 0.25, Refusal.CLOCK, id="more than 5 s from the earliest time it can be"),
        pytest.param(3.75, 0.25, Refusal.CREDENTIALS, id="5 s are not worth one"),
        pytest.param(3.0, 0.25, Refusal.CREDENTIALS, id="not worth one"),
        pytest.param(0.0, 0.25, Refusal.CREDENTIALS, id="the clock was right"),
        pytest.param(0.0, 6.0, Refusal.CREDENTIALS, id="a slow answer is not skew"),
        pytest.param(0.0, 7.0, Refusal.CREDENTIALS, id="known to within 5 s, as slow as that may be"),
        pytest.param(0.0, 7.25, Refusal.TIME_UNKNOWN, id="too slow by a quarter of a second"),
        pytest.param(5.0, 9.0, Refusal.TIME_UNKNOWN, id="within what a slow answer leaves open"),
        pytest.param(0.0, 9.0, Refusal.TIME_UNKNOWN, id="too slow to be certain of anything"),
    ],
)
def test_a_refusal_of_the_first_request(wrong: float, rounds: float, refusal: Refusal) -> None:
    """Offsets are compared, not times; and bad credentials are only concluded from a time known to within 5 s."""
    skew = Skew()
    stamp = skew.stamp(clocks(10.0, wrong))
    answer(skew, 10 + rounds / 2, 10.0, 10.0 + rounds, wrong)
    assert skew.refused(stamp, clocks(10.0 + rounds, wrong)) is refusal


def test_a_refused_request_that_was_overtaken_signs_again() -> None:
    """Another answer corrected the clock meanwhile: no evidence of its own is needed."""
    skew = Skew()
    stamp = skew.stamp(clocks(10.0, HOUR))
    answer(skew, 10, 10.0, 10.25, HOUR)
    assert skew.refused(stamp, clocks(30.0, HOUR)) is Refusal.CLOCK
    again = skew.stamp(clocks(30.0, HOUR))
    assert skew.refused(again, clocks(31.0, HOUR)) is Refusal.CREDENTIALS


def test_a_refusal_adopts_the_rival() -> None:
    """A strange edge that refuses us was right, at the time at which it was heard."""
    skew = Skew()
    answer(skew, 10, 10.0, 10.0)
    stamp = skew.stamp(clocks(11.0))
    answer(skew, 3611, 11.0, 11.0)
    assert skew.refused(stamp, clocks(11.0 + HOUR)) is Refusal.CLOCK
    assert skew.generation == 1
    assert bounds(skew, 11.0 + HOUR) == pytest.approx((3599.0 - 0.72, 3602.0 + 0.72))


def test_knowledge_that_is_missing_or_stale_proves_nothing() -> None:
    """Half a day after the last answer the time is known to 20 s only: that convicts nobody."""
    skew = Skew()
    assert skew.refused(skew.stamp(clocks(9.0)), clocks(9.0)) is Refusal.TIME_UNKNOWN
    answer(skew, 10, 10.0, 10.0)
    stamp = skew.stamp(clocks(10.0 + 12 * HOUR))
    assert skew.refused(stamp, clocks(10.0 + 12 * HOUR)) is Refusal.TIME_UNKNOWN


@pytest.mark.parametrize(("spacing", "refusal"), [(200.0, Refusal.UNSTABLE), (200.25, Refusal.CLOCK)])
def test_instability(spacing: float, refusal: Refusal) -> None:
    """More than three changes in ten minutes are not followed any further."""
    skew = Skew()
    answer(skew, 10, 10.0, 10.0)
    for change in range(1, 5):
        now = change * spacing
        stamp = skew.stamp(clocks(now))
        answer(skew, change * HOUR, now, now)
        verdict = skew.refused(stamp, clocks(now))
        assert verdict is (refusal if change == 4 else Refusal.CLOCK)


@pytest.mark.parametrize("said", [{"counts_suspend": True}, {}], ids=["said", "by default"])
def test_where_suspend_is_counted_the_wall_clock_does_not_matter(said: dict[str, bool]) -> None:
    """It may step as it likes: nothing becomes suspect, and the same time is signed."""
    skew = Skew(**said)
    answer(skew, 10, 10.0, 10.0)
    skew.leader_finished()
    for wrong in (-HOUR, 0.0, HOUR):
        assert not skew.wants_leader(clocks(20.0, wrong))
        assert skew.stamp(clocks(20.0, wrong)).timestamp == MIDNIGHT + 18


@pytest.mark.parametrize(("apart", "suspect"), [(HOUR, True), (2.25, True), (-2.25, True), (2.0, False), (-2.0, False)])
def test_where_suspend_is_not_counted_clocks_that_part_are_suspect(apart: float, suspect: bool) -> None:
    """A suspend and a step of the wall clock look alike, so one request asks what it was."""
    skew = Skew(counts_suspend=False)
    assert skew.wants_leader(clocks(9.0))
    answer(skew, 10, 10.0, 10.0)
    skew.leader_finished()
    assert not skew.wants_leader(clocks(20.0))
    assert skew.wants_leader(clocks(20.0, apart)) is suspect


def test_a_wall_clock_that_goes_back_a_little_is_not_suspect() -> None:
    """A second and a half, half a second after the last answer: less than clocks may part, and earlier than it."""
    skew = Skew(counts_suspend=False)
    answer(skew, 10, 10.0, 10.0)
    skew.leader_finished()
    assert not skew.wants_leader(clocks(10.5, -1.5))


def test_one_leader_is_enough_even_if_it_learned_nothing() -> None:
    """Its answer had no usable date, or there was none: the next requests do not queue up for ever, one by one."""
    skew = Skew(counts_suspend=False)
    skew.leader_finished()
    assert not skew.wants_leader(clocks(10.0))
    answer(skew, 10, 10.0, 10.0)
    assert skew.wants_leader(clocks(20.0, HOUR))
    skew.leader_finished()
    assert not skew.wants_leader(clocks(21.0, HOUR))


@pytest.mark.parametrize(("second", "moved"), [(28821, True), (21, False)])
def test_a_suspect_clock_believes_the_next_answer(second: float, moved: bool) -> None:
    """After a suspend the server is hours ahead; after a step of the wall clock nothing has changed."""
    skew = Skew(counts_suspend=False)
    answer(skew, 10, 10.0, 10.0)
    assert answer(skew, second, 21.0, 21.0, 8 * HOUR) is moved
    assert bounds(skew, 21.0) == pytest.approx((second - 22.0, second - 19.0))
    skew.leader_finished()
    assert not skew.wants_leader(clocks(22.0, 8 * HOUR))


def test_a_suspect_clock_proves_nothing() -> None:
    """A refusal after a suspend, without a Date, says nothing of the credentials; nor does a rival from before it."""
    skew = Skew(counts_suspend=False)
    answer(skew, 10, 10.0, 10.0)
    answer(skew, 3611, 11.0, 11.0)
    stamp = skew.stamp(clocks(20.0, 8 * HOUR))
    assert skew.refused(stamp, clocks(21.0, 8 * HOUR)) is Refusal.TIME_UNKNOWN


def test_a_leader_is_wanted_until_one_finished() -> None:
    """Not until the first answer: its repetition for the clock belongs to it."""
    skew = Skew()
    assert skew.wants_leader(clocks(10.0))
    answer(skew, 10, 10.0, 10.0)
    assert skew.wants_leader(clocks(10.0))
    skew.leader_finished()
    assert not skew.wants_leader(clocks(10.0))


@pytest.mark.parametrize("wrong", [-60 * HOUR, 60 * HOUR])
def test_a_suspect_clock_may_sign_what_is_days_old(wrong: float) -> None:
    """It is past, so it does no harm, and its refusal brings the time. Where nothing is suspect, it may not."""
    sleepy, awake = Skew(counts_suspend=False), Skew(counts_suspend=True)
    for skew in (sleepy, awake):
        answer(skew, 10, 10.0, 10.5)
    assert sleepy.stamp(clocks(20.0, wrong)).usable
    assert sleepy.wants_leader(clocks(20.0, wrong))
    assert not awake.stamp(clocks(20.0, wrong)).usable


@pytest.mark.parametrize(("signed", "adopted"), [(19.0, True), (20.5, True), (21.0, False)])
def test_a_refusal_adopts_what_was_seen_since_it_was_signed(signed: float, adopted: bool) -> None:
    """What one edge said before that is no evidence: it may be hours old, and wrong."""
    skew = Skew()
    answer(skew, 10, 10.0, 10.0)
    assert not skew.stamp(clocks(10.0)).suspect
    early = skew.stamp(clocks(signed))
    answer(skew, 20 + HOUR, 20.0, 20.5)
    skew.refused(early, clocks(22.0))
    assert (bounds(skew, 22.0)[0] > HOUR / 2) is adopted
    assert not Skew().stamp(clocks(10.0)).suspect


def test_a_sleep_before_the_refusal_makes_it_prove_nothing() -> None:
    """It was signed with what was known, and then the machine slept."""
    skew = Skew(counts_suspend=False)
    answer(skew, 10, 10.0, 10.5)
    stamp = skew.stamp(clocks(11.0))
    assert skew.refused(stamp, clocks(12.0, HOUR)) is Refusal.TIME_UNKNOWN
