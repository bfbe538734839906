"""The retry policy, written a second time, and the arithmetic of waiting."""

import itertools
from copy import copy

import pytest
from msgspec import Struct

from qcasync._core.phases import Phase
from qcasync._core.retrying import (
    BREAKING,
    FREE,
    NEUTRAL,
    TABLE,
    Decision,
    Effect,
    Failure,
    GiveUp,
    RetryAfter,
    Situation,
    UnknownOutcome,
    decide,
    loading_wait,
    situation_when_unanswered,
)

READ, WRITE, CREATE, MARKET = Effect.READ, Effect.WRITE, Effect.CREATE, Effect.MARKET

POLICY = """
    UNSENT        r   r   r    r      no byte left: nothing can have happened
    CERTIFICATE   no  no  no   no     a repetition cannot help
    LOST          r   r   unk  unk    it may have arrived
    STALE         r   r   unk  unk    what was written is written
    DAMAGED       r   r   unk  unk    the effect has very likely happened
    TOO_LARGE     no  no  unk  unk    it would be as large again
    SERVER_ERROR  r   r   unk  unk    an empty HTTP 500 included
    UNAVAILABLE   r   r   unk  unk    503 with Retry-After
    HURRIED       r   r   unk  unk    408, 425
    THROTTLED     r   r   r1   no     refused before execution; but a liquidation is not sent late
    CLOCK         r1  r1  r1   r1     refused before execution
    CREDENTIALS   no  no  no   no     repeated bad logins lock out
    UNSUPPORTED   no  no  unk  unk    501, 505: something on the way may have passed it on
    REDIRECT      no  no  unk  unk    credentials go nowhere else; 303 may follow an effect
    REFUSED       no  no  no   no     success: false, for good
    TRANSIENT     r   r   unk  unk    success: false, for now: "internal error" does not say that nothing happened
    UNDECODABLE   r1  r1  unk  unk    the answer says nothing
"""
"""One row per situation: read, write, create, market. `r` again, `r1` once, `no` error now, `unk` outcome unknown."""

CELLS = [
    pytest.param(Situation[situation], effect, cell, id=f"{situation}-{effect.name}")
    for situation, *cells in (line.split()[:5] for line in POLICY.strip().splitlines())
    for effect, cell in zip((READ, WRITE, CREATE, MARKET), cells, strict=True)
]


_NOT = Phase.NOT_SENT


def outcome(
    situation: Situation = Situation.LOST,
    effect: Effect = READ,
    *,
    hint: float | None = None,
    phase: Phase | None = None,
    attempt: int = 1,
    same_before: int = 0,
    elapsed: float = 0.0,
    remaining: float = 90.0,
    jitter: float = 0.5,
    max_attempts: int = 4,
) -> Decision:
    """The decision after a failure; by default after the first one of a call that just began."""
    return decide(
        Failure(situation=situation, phase=phase or (_NOT if situation is Situation.UNSENT else Phase.SENT), hint=hint),
        effect,
        attempt=attempt,
        same_before=same_before,
        elapsed=elapsed,
        remaining=remaining,
        jitter=jitter,
        max_attempts=max_attempts,
    )


@pytest.mark.parametrize(("situation", "effect", "cell"), CELLS)
def test_policy(situation: Situation, effect: Effect, cell: str) -> None:
    """Every cell: what happens after the first failure, and after a second one of the same kind."""
    first = outcome(situation, effect)
    second = outcome(situation, effect, attempt=2, same_before=1)
    kinds = {
        "r": (RetryAfter, RetryAfter),
        "r1": (RetryAfter, GiveUp),
        "no": (GiveUp, GiveUp),
        "unk": (UnknownOutcome, UnknownOutcome),
    }
    assert (type(first), type(second)) == kinds[cell]


def test_the_policy_is_complete() -> None:
    """Every situation and every effect has its cell, here and there."""
    assert len(CELLS) == len(Situation) * len(Effect) == 68
    assert set(TABLE) == set(Situation)


@pytest.mark.parametrize("phase_of_failure", Phase)
def test_the_phase_decides_what_no_answer_means(phase_of_failure: Phase) -> None:
    """Nothing is called unsent that may have arrived."""
    assert (
        situation_when_unanswered(phase_of_failure)
        is {
            Phase.NOT_SENT: Situation.UNSENT,
            Phase.PARTLY_SENT: Situation.LOST,
            Phase.SENT: Situation.LOST,
            Phase.ANSWERING: Situation.DAMAGED,
            Phase.ANSWERED: Situation.DAMAGED,
        }[phase_of_failure]
    )


@pytest.mark.parametrize("phase_of_failure", Phase)
def test_a_kept_connection_that_was_closed_is_stale_only_if_nothing_else_is_known(phase_of_failure: Phase) -> None:
    """What was not sent at all, or answered in part, is told by the phase alone."""
    told = situation_when_unanswered(phase_of_failure)
    assert situation_when_unanswered(phase_of_failure, stale=False) is told
    assert situation_when_unanswered(phase_of_failure, stale=True) is (
        Situation.STALE if told is Situation.LOST else told
    )


@pytest.mark.parametrize(("effect", "repeatable"), [(READ, True), (WRITE, True), (CREATE, False), (MARKET, False)])
def test_repeatable(effect: Effect, repeatable: bool) -> None:
    """Reads, and writes that converge."""
    assert effect.repeatable is repeatable


def test_what_costs_no_budget() -> None:
    """A new signature ends by itself, and a throttle is paced."""
    assert {Situation.CLOCK, Situation.THROTTLED} == FREE


def test_what_tells_nothing_of_the_service() -> None:
    """A connection that was closed while it idled, and a certificate, which may be a proxy's."""
    assert {Situation.STALE, Situation.CERTIFICATE} == NEUTRAL


def test_what_opens_the_breaker() -> None:
    """Failures of the transport and of the server; never a refusal, a throttle or a page that does not decode."""
    assert {situation.name for situation in BREAKING} == {"UNSENT", "LOST", "DAMAGED", "SERVER_ERROR", "UNAVAILABLE"}


@pytest.mark.parametrize(
    ("situation", "ceilings"),
    [
        (Situation.LOST, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0]),
        (Situation.UNSENT, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0]),
        (Situation.THROTTLED, [2.0, 4.0, 8.0, 16.0, 20.0, 20.0, 20.0, 20.0]),
    ],
)
@pytest.mark.parametrize("jitter", [0.0, 0.25, 0.5, 0.999])
def test_full_jitter(situation: Situation, ceilings: list[float], jitter: float) -> None:
    """The wait is drawn from 0 to a ceiling that doubles up to 20 s; throttles begin at 2 s."""
    for attempt, ceiling in enumerate(ceilings, 1):
        decision = outcome(situation, attempt=attempt, jitter=jitter, max_attempts=9)
        assert decision == RetryAfter(jitter * ceiling)


@pytest.mark.parametrize("effect", [READ, WRITE])
def test_a_stale_connection_is_replaced_at_once(effect: Effect) -> None:
    """The server was not asked to be spared; but a second one is no accident, and waits like any other failure."""
    assert outcome(Situation.STALE, effect, jitter=0.9) == RetryAfter(0.0)
    for same_before in (1, 2):
        again = outcome(Situation.STALE, effect, attempt=2, same_before=same_before, jitter=0.9, max_attempts=9)
        assert again == RetryAfter(0.9)


@pytest.mark.parametrize("situation", [Situation.THROTTLED, Situation.UNAVAILABLE, Situation.HURRIED])
@pytest.mark.parametrize(
    ("hint", "decision"),
    [
        (None, None),
        (0.0, 0.0),
        (7.5, 7.5),
        (120.0, 120.0),
        (120.5, GiveUp("the server asks to wait 120 s")),
        (3600.0, GiveUp("the server asks to wait 3600 s")),
    ],
)
def test_a_hint_is_obeyed_up_to_two_minutes(
    situation: Situation, hint: float | None, decision: float | GiveUp | None
) -> None:
    """The backoff comes on top, so that clients that were told the same time do not come back together."""
    base = 2.0 if situation is Situation.THROTTLED else 0.5
    expected = decision if isinstance(decision, GiveUp) else RetryAfter((decision or 0.0) + 0.5 * base)
    assert outcome(situation, hint=hint, remaining=1000.0) == expected


@pytest.mark.parametrize(
    ("remaining", "decision"),
    [
        (0.26, RetryAfter(0.25)),
        (0.25, GiveUp("the deadline comes before the wait of 0.2 s ends")),
        (0.0, GiveUp("the deadline comes before the wait of 0.2 s ends")),
        (-1.0, GiveUp("the deadline comes before the wait of 0.2 s ends")),
    ],
)
def test_no_wait_that_the_deadline_would_cut(remaining: float, decision: Decision) -> None:
    """It is decided before sleeping."""
    assert outcome(remaining=remaining) == decision


@pytest.mark.parametrize(
    ("effect", "max_attempts", "attempts"),
    [
        (READ, 4, 4),
        (WRITE, 4, 4),
        (CREATE, 4, 3),
        (MARKET, 4, 3),
        (READ, 1, 1),
        (MARKET, 1, 1),
        (MARKET, 2, 2),
        (READ, 9, 9),
        (MARKET, 9, 3),
    ],
)
def test_attempts(effect: Effect, max_attempts: int, attempts: int) -> None:
    """Four for what may be repeated, three for what may not and did not leave; fewer or more only if asked for."""
    made = next(
        attempt
        for attempt in itertools.count(1)
        if outcome(Situation.UNSENT, effect, attempt=attempt, jitter=0.0, max_attempts=max_attempts) == GiveUp()
    )
    assert made == attempts


@pytest.mark.parametrize(("attempt", "decision"), [(3, RetryAfter(0.0)), (4, GiveUp())])
def test_four_attempts_by_default(attempt: int, decision: Decision) -> None:
    """Where nobody asked for another number."""
    failure = Failure(situation=Situation.UNSENT, phase=Phase.NOT_SENT)
    made = decide(failure, READ, attempt=attempt, same_before=0, elapsed=0.0, remaining=90.0, jitter=0.0)
    assert made == decision


@pytest.mark.parametrize("effect", [CREATE, MARKET])
def test_a_call_with_effect_is_not_sent_late(effect: Effect) -> None:
    """After 10 s in all, wait included, it may hit another deployment than was meant."""
    late = GiveUp("a call with effect is not sent late")
    assert outcome(Situation.UNSENT, effect, elapsed=9.75) == RetryAfter(0.25)
    assert outcome(Situation.UNSENT, effect, elapsed=9.76) == late
    assert outcome(Situation.UNSENT, READ, elapsed=80.0) == RetryAfter(0.25)
    assert outcome(Situation.THROTTLED, CREATE, hint=9.5) == late


@pytest.mark.parametrize("effect", Effect)
def test_a_new_signature_costs_neither_time_nor_an_attempt(effect: Effect) -> None:
    """It comes at once, in addition to the attempts that other failures cost; and only once."""
    assert outcome(Situation.CLOCK, effect, attempt=4, jitter=0.9) == RetryAfter(0.0)
    for same_before in (1, 2):
        assert outcome(Situation.CLOCK, effect, attempt=2, same_before=same_before) == GiveUp()


@pytest.mark.parametrize("effect", [Effect.CREATE, Effect.MARKET])
def test_a_call_with_effect_is_not_sent_late_for_the_clock_either(effect: Effect) -> None:
    """After 10 s the deployment may be another one."""
    assert outcome(Situation.CLOCK, effect, attempt=1, elapsed=10.0) == RetryAfter(0.0)
    assert outcome(Situation.CLOCK, effect, attempt=1, elapsed=10.1) == GiveUp("a call with effect is not sent late")


@pytest.mark.parametrize("effect", Effect)
def test_what_is_unknown_stays_unknown(effect: Effect) -> None:
    """Neither attempts nor deadlines turn an unknown outcome into a mere error."""
    for situation in (Situation.LOST, Situation.UNDECODABLE):
        decision = outcome(situation, effect, attempt=99, same_before=9, elapsed=1000.0, remaining=-1.0)
        assert decision == (GiveUp() if effect.repeatable else UnknownOutcome())


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(value, id=type(value).__name__)
        for value in (
            Failure(situation=Situation.LOST, phase=Phase.SENT),
            RetryAfter(1.0),
            GiveUp("a reason"),
            UnknownOutcome(),
        )
    ],
)
def test_failures_and_decisions_are_values(value: Struct) -> None:
    """They are handed from the core to the loop and on to an error: nobody changes them on the way."""
    assert value == copy(value)
    assert hash(value) == hash(copy(value))
    with pytest.raises(AttributeError):
        setattr(value, (value.__struct_fields__ or ("anything",))[0], None)


def test_a_failure_is_told_by_name() -> None:
    """What happened, and how far the request got, are not told by their places."""
    with pytest.raises(TypeError):
        Failure(Situation.LOST, Phase.SENT)  # type: ignore[misc]


def test_loading_is_looked_at_for_about_100_seconds() -> None:
    """Soon at first, then each 10 s; never less often, and not without end."""
    waited, waits = 0.0, []
    for look in itertools.count(1):
        wait = loading_wait(look, waited)
        if wait is None:
            break
        waits.append(wait)
        waited += wait
    assert waits[:6] == pytest.approx([1.0, 1.6, 2.56, 4.096, 6.5536, 10.0])
    assert waits == sorted(waits)
    assert set(waits[5:]) == {10.0}
    assert 100.0 <= waited <= 106.0


@pytest.mark.parametrize(("waited", "ends"), [(0.0, False), (99.9, False), (100.0, True), (1e9, True)])
def test_the_end_of_loading(waited: float, ends: bool) -> None:
    """By the time that passed, however many looks fitted in."""
    assert (loading_wait(2, waited) is None) is ends


@pytest.mark.parametrize("phase", [each for each in Phase if each is not Phase.NOT_SENT])
@pytest.mark.parametrize("effect", [CREATE, MARKET])
def test_nothing_with_effect_is_sent_again_without_proof(effect: Effect, phase: Phase) -> None:
    """Whoever calls a request unsent must be able to show it. A read is repeated either way."""
    assert outcome(Situation.UNSENT, effect, phase=phase) == UnknownOutcome()
    assert isinstance(outcome(Situation.UNSENT, READ, phase=phase), RetryAfter)
