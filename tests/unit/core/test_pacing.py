"""Rate, budget, breaker and auth gate, told the time step by step."""

import pytest

from qcasync._core.pacing import AuthGate, Breaker, Rate, RetryBudget


def test_nothing_limits_until_the_server_throttles() -> None:
    """No limit is published, so none is assumed."""
    rate = Rate()
    assert [rate.reserve(0.0) for _ in range(1000)] == [0.0] * 1000
    assert rate.limit is None


def test_a_ceiling_spaces_requests_evenly() -> None:
    """No burst: each request has its place in the schedule."""
    rate = Rate(4.0)
    assert [rate.reserve(10.0) for _ in range(4)] == [0.0, 0.25, 0.5, 0.75]
    assert rate.reserve(10.25) == 0.75
    assert rate.reserve(100.0) == 0.0  # what was not used is not saved up
    assert rate.reserve(100.0) == 0.25
    assert rate.limit == 4.0


def test_a_throttle_halves_what_was_measured() -> None:
    """The rate of the last 2 s, whatever it was."""
    rate = Rate()
    for request in range(1, 81):
        rate.reserve(request / 8)
    rate.throttled(10.0)
    assert rate.limit == 4.0
    assert [rate.reserve(10.0) for _ in range(3)] == [0.0, 0.25, 0.5]


def test_requests_of_long_ago_are_not_measured() -> None:
    """Only the last 2 s tell a rate: not what came before, and not what is yet to come."""
    rate = Rate(1.0)
    for request in range(20):
        rate.reserve(float(request))
    rate.reserve(19.0)
    rate.throttled(19.5)
    assert rate.limit == 0.5


@pytest.mark.parametrize("ceiling", [None, 0.3])
def test_the_rate_does_not_fall_to_nothing(ceiling: float | None) -> None:
    """One request in 5 s is always left."""
    rate = Rate(ceiling)
    rate.reserve(0.0)
    for throttle in range(5):
        rate.throttled(throttle * 2.0)
    assert rate.limit == 0.2


def test_a_quiet_client_is_not_punished_for_its_silence() -> None:
    """One request and its refusal tell nothing of the limit: the next one waits 2 s at most."""
    rate = Rate()
    rate.reserve(100.0)
    rate.throttled(100.3)
    assert rate.limit == 0.5
    assert rate.reserve(100.3) == 0.0
    assert rate.reserve(100.3) == 2.0


def test_the_floor_is_not_above_the_ceiling() -> None:
    """Who asked for one request in 10 s gets no more for being throttled."""
    rate = Rate(0.1)
    rate.throttled(0.0)
    assert rate.limit == 0.1


def test_a_throttle_under_a_ceiling_that_nothing_measured() -> None:
    """The ceiling itself is halved, then."""
    rate = Rate(8.0)
    rate.throttled(5.0)
    assert rate.limit == 4.0


def test_a_throttle_below_the_ceiling_halves_what_was_sent() -> None:
    """A ceiling that was never reached says nothing of the server's limit."""
    rate = Rate(100.0)
    for request in range(20):
        rate.reserve(request / 2)
    rate.throttled(9.75)
    assert rate.limit == 1.0


def test_answers_in_flight_together_are_one_throttle() -> None:
    """Ten refusals within a second halve the rate once, and a later one halves it again."""
    rate = Rate(8.0)
    for request in range(10):
        rate.throttled(5.0 + request / 11)
    assert rate.limit == 4.0
    rate.throttled(6.0)
    assert rate.limit == 2.0


def test_recovery_is_slow_and_ends_at_the_ceiling() -> None:
    """Each clean 10 s give back 5 % of the rate that was too much."""
    rate = Rate(16.0)
    rate.throttled(0.0)
    seen = []
    for seconds in (9.9, 10.0, 19.9, 20.0, 45.0, 99.9, 100.0, 1000.0):
        rate.reserve(seconds)
        seen.append(rate.limit)
    assert seen == pytest.approx([8.0, 8.8, 8.8, 9.6, 11.2, 15.2, 16.0, 16.0])


def test_recovery_without_a_ceiling_goes_on() -> None:
    """What was learned is not forgotten, but tried anew."""
    rate = Rate()
    for request in range(80):
        rate.reserve(request / 8)
    rate.throttled(10.0)
    rate.reserve(410.0)
    assert rate.limit == pytest.approx(3.75 + 40 * 0.5)


@pytest.mark.parametrize("ceiling", [None, 4.0])
def test_the_limit_of_a_moment(ceiling: float | None) -> None:
    """What `reserve` would find, without taking a place or recovering anything."""
    rate = Rate(ceiling)
    assert rate.limit_at(5.0) == ceiling
    for at in range(8):
        rate.reserve(at / 4)
    rate.throttled(2.0)
    for now in (0.0, 2.0, 11.9, 12.0, 55.0, 500.0):
        told = rate.limit_at(now)
        assert rate.limit_at(now) == told
        if now >= 2:
            rate.reserve(now)
            assert rate.limit == told == rate.limit_at(now)


def test_a_throttle_starts_the_clean_time_anew() -> None:
    """10 s count from the last one, and not before its pause is over."""
    rate = Rate(8.0)
    rate.throttled(0.0)
    rate.throttled(9.0, hint=5.0)
    rate.reserve(23.9)
    assert rate.limit == 2.0
    rate.reserve(24.0)
    assert rate.limit == pytest.approx(2.5)


def test_a_hint_pauses_everybody() -> None:
    """Not one call: what the server asked for holds for whoever sends next, and a shorter hint does not shorten it."""
    rate = Rate()
    assert not rate.lapsed(0.0, 0.0)
    rate.throttled(0.0, hint=30.0)
    rate.throttled(0.5, hint=5.0)
    assert [rate.lapsed(now, now) for now in (0.5, 29.9, 30.0, 31.0)] == [True, True, False, False]
    assert rate.reserve(5.0) == 25.0
    assert rate.reserve(5.0) == 27.0  # then one in 2 s


def test_a_place_is_kept_for_one_interval() -> None:
    """Who comes later has lost it: the next ones are due already, and all would leave at once."""
    rate = Rate(4.0)
    rate.reserve(0.0)
    due = 10.0 + rate.reserve(10.0)
    assert [rate.lapsed(now, due) for now in (10.0, 10.2, 10.25, 10.26, 99.0)] == [False, False, False, True, True]


def test_where_nothing_limits_no_place_is_lost() -> None:
    """A call may have stood at the gate for long."""
    assert not Rate().lapsed(99.0, 1.0)


def test_a_pause_takes_places_away() -> None:
    """Finding 14: also those that were given before anybody knew of the pause."""
    rate = Rate(1.0)
    assert [rate.reserve(0.0) for _ in range(3)] == [0.0, 1.0, 2.0]
    assert not rate.lapsed(1.0, 1.0)
    rate.throttled(1.5, hint=60.0)
    assert rate.lapsed(2.0, 2.0)
    assert 2.0 + rate.reserve(2.0) == 61.5


def test_the_memory_of_a_rate_is_bounded() -> None:
    """It holds 10 s."""
    rate = Rate()
    for request in range(10_000):
        rate.reserve(float(request))
    assert len(rate._recent) <= 12


def test_the_reserve_of_a_fresh_budget() -> None:
    """Ten retries at once, then one each 6 s."""
    budget = RetryBudget()
    assert [budget.spend(1000.0) for _ in range(11)] == [True] * 10 + [False]
    moments = (1005.9, 1006.1, 1006.2, 1018.2, 1018.2, 1018.2)
    assert [budget.spend(at) for at in moments] == [False, True, False, True, True, False]


def test_the_reserve_refills_to_ten() -> None:
    """A quiet hour saves up no more."""
    budget = RetryBudget()
    assert [budget.spend(0.0) for _ in range(11)].count(True) == 10
    assert [budget.spend(3600.0) for _ in range(20)].count(True) == 10


def test_a_tenth_of_the_first_attempts() -> None:
    """Retries are paid by the calls of the last minute before the reserve is touched."""
    budget = RetryBudget()
    for _ in range(200):
        budget.first_attempt(100.0)
    assert [budget.spend(100.0) for _ in range(40)].count(True) == 20 + 10
    assert [budget.spend(159.9) for _ in range(40)].count(True) == 9  # 59.9 s of refill, and nothing else


def test_nine_first_attempts_are_not_a_tenth() -> None:
    """Shares are not rounded up: a lone call a minute would otherwise always be worth a retry."""
    budget = RetryBudget()
    for _ in range(9):
        budget.first_attempt(100.0)
    assert [budget.spend(100.0) for _ in range(20)].count(True) == 10


def test_what_is_left_of_the_budget() -> None:
    """As many retries can be paid as it says, whoever asked."""
    budget = RetryBudget()
    assert budget.left(0.0) == 10
    for at in range(25):
        budget.first_attempt(float(at))
    assert budget.left(25.0) == budget.left(25.0) == 12.5
    assert [budget.spend(25.0) for _ in range(13)] == [True] * 12 + [False]
    assert budget.left(25.0) == pytest.approx(0.5)
    assert budget.left(31.0) == pytest.approx(1.5)
    assert budget.left(1000.0) == 10


def test_first_attempts_are_forgotten_after_a_minute() -> None:
    """The share is one of the last 60 s."""
    budget = RetryBudget()
    for _ in range(200):
        budget.first_attempt(100.0)
    assert [budget.spend(160.0) for _ in range(40)].count(True) == 10


FAILED, SUCCEEDED = True, False


def after(breaker: Breaker, *outcomes: bool, now: float = 100.0) -> Breaker:
    """A breaker that has seen these outcomes."""
    for failed in outcomes:
        if failed:
            breaker.failed(now, 0.5)
        else:
            breaker.succeeded(now)
    return breaker


@pytest.mark.parametrize(
    ("outcomes", "opens"),
    [
        ([FAILED] * 9, False),
        ([FAILED] * 10, True),
        ([SUCCEEDED] * 5 + [FAILED] * 4, False),
        ([SUCCEEDED] * 5 + [FAILED] * 5, True),
        ([SUCCEEDED] * 6 + [FAILED] * 5, False),
        ([SUCCEEDED] * 6 + [FAILED] * 6, True),
        ([FAILED] * 5 + [SUCCEEDED] * 5, False),
        ([SUCCEEDED] * 100, False),
    ],
)
def test_the_breaker_opens(outcomes: list[bool], opens: bool) -> None:
    """At ten attempts of which half failed, and not before."""
    assert after(Breaker(), *outcomes).wait(100.0) == (5.0 if opens else 0.0)


@pytest.mark.parametrize(("later", "opens"), [(130.0, True), (130.1, False)])
def test_the_breaker_looks_back_half_a_minute(later: float, opens: bool) -> None:
    """Older failures say nothing of now."""
    breaker = after(Breaker(), *[FAILED] * 9)
    breaker.failed(later, 0.5)
    assert (breaker.wait(later) > 0) is opens


def test_how_the_breaker_stands() -> None:
    """Asking takes no probe."""
    breaker = Breaker()
    for _ in range(10):
        assert breaker.state(0.0) == "closed"
        breaker.failed(0.0, 0.5)
    assert (breaker.state(0.0), breaker.state(4.9)) == ("open", "open")
    assert (breaker.state(5.0), breaker.wait(5.0), breaker.state(5.0)) == ("half-open", 0.0, "half-open")
    breaker.succeeded(5.0)
    assert breaker.state(5.0) == "closed"


@pytest.mark.parametrize(("jitter", "pause"), [(0.0, 4.0), (0.25, 4.5), (0.5, 5.0), (1.0, 6.0)])
def test_the_pause_is_spread(jitter: float, pause: float) -> None:
    """By a fifth, so that clients do not come back together."""
    breaker = after(Breaker(), *[FAILED] * 9)
    breaker.failed(100.0, jitter)
    assert breaker.wait(100.0) == pytest.approx(pause)


def test_an_open_breaker_counts_down_and_lets_one_probe_pass() -> None:
    """The one that asks first when the time has come; the others wait for what it finds, or 5 s."""
    breaker = after(Breaker(), *[FAILED] * 10)
    assert (breaker.wait(100.0), breaker.wait(103.0), breaker.wait(104.5)) == (5.0, 2.0, 0.5)
    assert breaker.wait(105.0) == 0.0
    assert (breaker.wait(105.0), breaker.wait(109.0)) == (5.0, 1.0)
    assert breaker.wait(110.0) == 0.0  # the probe was never heard of again


def test_the_pause_doubles_to_15_seconds() -> None:
    """With each probe that fails."""
    breaker = after(Breaker(), *[FAILED] * 10)
    now, pauses = 100.0, []
    for _ in range(6):
        pauses.append(breaker.wait(now))
        now += pauses[-1]
        assert breaker.wait(now) == 0.0
        breaker.failed(now, 0.5)
    assert pauses == pytest.approx([5.0, 10.0, 15.0, 15.0, 15.0, 15.0])


def test_failures_of_requests_in_flight_do_not_prolong_the_pause() -> None:
    """They were sent before the breaker opened."""
    breaker = after(Breaker(), *[FAILED] * 10)
    breaker.failed(101.0, 0.5)
    breaker.failed(104.0, 0.5)
    assert breaker.wait(104.0) == 1.0


def test_a_success_closes_the_breaker_and_forgives() -> None:
    """What failed before is forgotten, and the next pause is the first one again."""
    breaker = after(Breaker(), *[FAILED] * 10)
    breaker.failed(105.0, 0.5)
    assert breaker.wait(105.0) == 10.0
    breaker.succeeded(106.0)
    assert breaker.wait(106.0) == 0.0
    after(breaker, *[FAILED] * 8, now=107.0)
    assert breaker.wait(107.0) == 0.0  # nine attempts since
    breaker.failed(107.0, 0.5)
    assert breaker.wait(107.0) == 5.0


def test_the_auth_gate() -> None:
    """One refusal closes it for a minute, then for twice as long, up to 15 min."""
    gate = AuthGate()
    assert not gate.closed(0.0)
    now = 0.0
    for pause in (60.0, 120.0, 240.0, 480.0, 900.0, 900.0):
        gate.refused(now)
        gate.refused(now + 1.0)  # was in flight: neither longer nor counted
        assert gate.closed(now + pause - 0.1)
        now += pause
        assert not gate.closed(now)


def test_accepted_credentials_open_the_auth_gate() -> None:
    """At once, and the next refusal is a first one."""
    gate = AuthGate()
    gate.refused(0.0)
    gate.refused(60.0)
    gate.accepted()
    assert not gate.closed(61.0)
    gate.refused(61.0)
    assert gate.closed(120.9)
    assert not gate.closed(121.0)


def test_commands_pass_a_closed_gate_until_one_was_refused() -> None:
    """Finding 4: that a command wanted to leave says nothing; that one was refused does, until the gate closes anew."""
    gate = AuthGate()
    assert gate.lets_command_pass(0.0)
    gate.refused(0.0)
    assert [gate.lets_command_pass(1.0) for _ in range(3)] == [True] * 3
    gate.command_refused()
    assert [gate.lets_command_pass(1.0) for _ in range(3)] == [False] * 3
    gate.refused(2.0)  # was in flight: it does not close anew
    assert not gate.lets_command_pass(59.9)
    assert gate.lets_command_pass(60.0)
    gate.refused(60.0)
    assert gate.lets_command_pass(61.0)
    gate.command_refused()
    gate.accepted()
    assert gate.lets_command_pass(61.0)
