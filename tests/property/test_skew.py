"""Any sequence of answers, suspends, steps and strange edges: what is believed of the server's clock stays true.

Three clocks run in one world: the wall clock (drifts, and is set), a monotonic clock that stops in suspend, and one
that counts it. The server's own time is the truth; its edges disagree with it by up to a second.
"""

import email.utils

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from qcasync._core.skew import MAX_CERTAIN, TOLERANCE, Reading, Refusal, Skew

START = 1767225600.0
WINDOW = 60.0
"""How far a signed time may be from the server's: much stricter than QuantConnect's two hours."""
ROUNDING = 1e-5
"""What 53 bits leave of Unix times."""

edges = st.floats(-0.99, 0.99)
ways = st.floats(0.0, 4.0)


class ThreeClocks(RuleBasedStateMachine):
    @initialize(
        wrong=st.sampled_from([0.0, 2.0, -2.0, 40.0, 3 * 3600.0, -3 * 3600.0, 11 * 3600.0]),
        wall_drift=st.floats(-200e-6, 200e-6),
        mono_drift=st.floats(-190e-6, 190e-6),
    )
    def begin(self, wrong: float, wall_drift: float, mono_drift: float) -> None:
        self.truth = START
        self.wall = START + wrong
        self.boot = 1000.0
        self.plain = 500.0
        self.drifts = wall_drift, mono_drift
        self.skew = Skew(counts_suspend=True)
        self.served_at = START
        self.twin = Skew(counts_suspend=True)  # the same machine, with a wall clock that is not set between requests
        self.twin_wall = START
        self.sleepy = Skew(counts_suspend=False)

    def pass_time(self, seconds: float, *, asleep: bool = False) -> None:
        wall_drift, mono_drift = self.drifts
        self.truth += seconds
        self.wall += seconds * (1 + wall_drift)
        self.twin_wall += seconds * (1 + wall_drift)
        self.boot += seconds * (1 + mono_drift)
        if not asleep:
            self.plain += seconds * (1 + mono_drift)

    def readings(self) -> list[tuple[Skew, Reading]]:
        return [
            (self.skew, Reading(self.wall, self.boot)),
            (self.twin, Reading(self.twin_wall, self.boot)),
            (self.sleepy, Reading(self.wall, self.plain)),
        ]

    def exchange(self, there: float, back: float, edge: float, step: float = 0.0) -> list[bool]:
        """One answer, told to all three."""
        sent = self.readings()
        self.pass_time(there)
        self.served_at = self.truth + edge
        date = email.utils.formatdate(self.served_at // 1, usegmt=True)
        self.wall += step
        self.twin_wall += step
        self.pass_time(back)
        moved = [
            skew.answered(date, sent=before, answered=after)
            for (skew, before), (_, after) in zip(sent, self.readings(), strict=True)
        ]
        self.twin_wall -= step
        return moved

    @rule(seconds=st.one_of(st.floats(0.0, 30.0), st.floats(0.0, 7200.0)))
    def wait(self, seconds: float) -> None:
        """Nothing happens."""
        self.pass_time(seconds)

    @rule(seconds=st.one_of(st.floats(0.0, 3.0), st.floats(60.0, 8 * 3600.0)))
    def suspend(self, seconds: float) -> None:
        """The machine sleeps."""
        self.pass_time(seconds, asleep=True)

    @rule(seconds=st.floats(60.0, 8 * 3600.0))
    def suspend_unseen(self, seconds: float) -> None:
        """The machine sleeps, and its wall clock with it: a virtual machine that is halted."""
        self.pass_time(seconds, asleep=True)
        self.wall -= seconds

    @rule(seconds=st.one_of(st.floats(-3.0, 3.0), st.floats(-3 * 3600.0, 3 * 3600.0)))
    def set_the_wall_clock(self, seconds: float) -> None:
        """By hand, or by a time service."""
        self.wall += seconds

    @rule(there=ways, back=ways, edge=edges)
    def answer(self, there: float, back: float, edge: float) -> None:
        """Once the time is well known, no answer of an honest edge moves it: nothing oscillates."""
        (_, now), *_ = self.readings()
        known = self.skew.uncertainty(now)
        samples = self.skew.samples
        moved, *_ = self.exchange(there, back, edge)
        assert self.skew.samples == samples + 1
        assert not moved or known is None or known > TOLERANCE

    @rule(there=ways, back=ways, edge=edges, step=st.sampled_from([-3600.0, -5.0, 5.0, 3600.0]))
    @precondition(lambda self: self.skew.samples)
    def answer_while_the_wall_clock_is_set(self, there: float, back: float, edge: float, step: float) -> None:
        """Where the clocks part inside of a request, its answer is no sample."""
        samples = self.skew.samples, self.sleepy.samples
        self.exchange(there, back, edge, step)
        assert (self.skew.samples, self.sleepy.samples) == samples

    @rule(there=ways, back=ways, edge=edges, right=st.booleans())
    def call(self, there: float, back: float, edge: float, right: bool) -> None:
        """A right token is accepted by the second request at the latest, a wrong one never sent a third time."""
        for which in (0, 2):
            for attempt in (1, 2):
                skew, now = self.readings()[which]
                stamp = skew.stamp(now)
                if not stamp.usable:
                    break
                self.exchange(there, back, edge)
                if right and abs(stamp.timestamp - self.served_at) <= WINDOW:
                    break
                skew, now = self.readings()[which]
                refusal = skew.refused(stamp, now)
                if refusal is Refusal.UNSTABLE:
                    break
                assert attempt == 1 or (refusal is not Refusal.CLOCK and not right)
                if refusal is not Refusal.CLOCK:
                    assert not right
                    assert refusal is Refusal.TIME_UNKNOWN or (skew.uncertainty(now) or 0.0) <= MAX_CERTAIN
                    break

    @rule()
    def lead(self) -> None:
        """Where the monotonic clock counts suspend, one leader is enough for ever."""
        for skew, now in self.readings()[:2]:
            skew.leader_finished()
            assert not skew.wants_leader(now)

    @invariant()
    def the_truth_lies_in_the_interval(self) -> None:
        """Where the monotonic clock counts suspend: whatever happened."""
        (skew, now), *_ = self.readings()
        width = skew.uncertainty(now)
        if width is not None:
            offset, lo = self.truth - now.mono, skew.stamp(now).offset
            assert lo - ROUNDING <= offset <= lo + width + ROUNDING

    @invariant()
    def no_signature_is_for_the_future(self) -> None:
        """After the first sample; also where the monotonic clock stops in suspend."""
        for skew, now in self.readings():
            if skew.samples:
                assert skew.stamp(now).timestamp <= self.truth + ROUNDING

    @invariant()
    def the_wall_clock_does_not_matter(self) -> None:
        """After the first sample, the twin with another wall clock signs the same time."""
        (skew, now), (twin, twin_now), _ = self.readings()
        if skew.samples:
            assert skew.stamp(now).offset == twin.stamp(twin_now).offset
            assert skew.stamp(now).timestamp == twin.stamp(twin_now).timestamp
            assert skew.server_time(now) == twin.server_time(twin_now)


TestThreeClocks = ThreeClocks.TestCase
TestThreeClocks.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
