"""What the exchange keeps about one call, and which error its end is."""

import pytest

from qcasync._call import Call
from qcasync._core.decoding import Loading
from qcasync._core.endpoints import (
    AUTHENTICATE,
    CREATE_LIVE_ALGORITHM,
    LIQUIDATE_LIVE_ALGORITHM,
    READ_LIVE_ORDERS,
    Endpoint,
)
from qcasync._core.phases import Phase
from qcasync._core.retrying import Situation
from qcasync.errors import NotReady, OutcomeUnknown, QuantConnectError, RequestError, RequestTimeout
from qcasync.transports.protocol import Progress


def call(endpoint: Endpoint[object] = AUTHENTICATE, phase: Phase | None = None) -> Call[object]:
    """A call of 7 s whose latest attempt reached `phase`."""
    made = Call(endpoint, b"{}", 7.0)
    if phase is not None:
        made.progress = Progress(lambda: 0.0)
        made.progress.reached(phase)
    return made


def test_the_deadline_runs_from_the_first_start() -> None:
    """Whoever starts it again changes nothing; before that no time passes."""
    made = call()
    assert (made.elapsed(100.0), made.remaining(100.0)) == (0.0, 7.0)
    made.starts(100.0)
    made.starts(103.0)
    assert (made.started, made.elapsed(105.0), made.remaining(105.0)) == (100.0, 5.0, 2.0)
    assert made.remaining(110.0) == -3.0


def test_a_deadline_may_run_from_zero() -> None:
    """An event loop's clock may begin there."""
    made = call()
    made.starts(0.0)
    made.starts(5.0)
    assert made.elapsed(6.0) == 6.0


def test_looks_use_up_no_attempts() -> None:
    """After a look that found the data loading, attempts and failures are counted anew, and all of them in the end."""
    made = call()
    made.attempt = 3
    made.failures[Situation.LOST] = 2
    made.looks_again()
    assert (made.attempt, made.attempts, made.failures) == (0, 3, {})
    made.attempt = 2
    assert made.attempts == 5


@pytest.mark.parametrize("phase", Phase)
def test_the_phase_is_the_latest_attempts(phase: Phase) -> None:
    """Without an attempt, or once the latest one does not matter any more, nothing was sent."""
    made = call(phase=phase)
    assert made.phase is phase
    made.progress = None
    assert made.phase is Phase.NOT_SENT


@pytest.mark.parametrize(
    ("phase", "sent"), [(Phase.PARTLY_SENT, "maybe"), (Phase.SENT, "yes"), (Phase.ANSWERED, "yes")]
)
def test_an_unknown_outcome(phase: Phase, sent: str) -> None:
    """It says how far the request got, how to find out, and what was behind it."""
    cause = RequestError("live/create", "reset", "maybe")
    error = call(CREATE_LIVE_ALGORITHM, phase).unknown("lost", cause)
    assert (error.endpoint, error.reason, error.sent) == ("live/create", "lost", sent)
    assert error.check == CREATE_LIVE_ALGORITHM.how_to_check
    assert error.__cause__ is cause


LOADING = Loading(0.5)


@pytest.mark.parametrize(
    ("endpoint", "phase", "loading", "kind", "sent"),
    [
        (AUTHENTICATE, None, None, RequestTimeout, "no"),
        (AUTHENTICATE, Phase.NOT_SENT, None, RequestTimeout, "no"),
        (AUTHENTICATE, Phase.PARTLY_SENT, None, RequestTimeout, "maybe"),
        (AUTHENTICATE, Phase.ANSWERING, None, RequestTimeout, "yes"),
        (READ_LIVE_ORDERS, Phase.ANSWERED, LOADING, NotReady, None),
        (READ_LIVE_ORDERS, Phase.SENT, LOADING, NotReady, None),
        (LIQUIDATE_LIVE_ALGORITHM, None, None, RequestTimeout, "no"),
        (LIQUIDATE_LIVE_ALGORITHM, Phase.NOT_SENT, None, RequestTimeout, "no"),
        (LIQUIDATE_LIVE_ALGORITHM, Phase.PARTLY_SENT, None, OutcomeUnknown, "maybe"),
        (LIQUIDATE_LIVE_ALGORITHM, Phase.SENT, None, OutcomeUnknown, "yes"),
        (CREATE_LIVE_ALGORITHM, Phase.ANSWERING, None, OutcomeUnknown, "yes"),
        (CREATE_LIVE_ALGORITHM, Phase.SENT, LOADING, OutcomeUnknown, "yes"),
    ],
)
def test_the_end_of_the_deadline(
    endpoint: Endpoint[object],
    phase: Phase | None,
    loading: Loading | None,
    kind: type[QuantConnectError],
    sent: str | None,
) -> None:
    """With effect and possibly sent: unknown, whatever else is true. Otherwise loading, or a timeout."""
    made = call(endpoint, phase)
    made.loading = loading
    error = made.overdue()
    assert type(error) is kind
    assert getattr(error, "sent", None) == sent
    if kind is NotReady:
        assert error.args == (endpoint.path, 0.5, 7.0)
    else:
        assert "within 7 s" in str(error)


def test_an_overdue_read_tells_what_failed_last() -> None:
    """A complete 500 came at once, and the rest was waiting: that is what somebody has to know."""
    made = call(AUTHENTICATE, Phase.ANSWERED)
    made.last = RequestError("authenticate", "connection reset by peer", "yes")
    error = made.overdue()
    assert type(error) is RequestTimeout
    assert "; the last failure: connection reset by peer" in str(error)
    assert error.__cause__ is made.last
