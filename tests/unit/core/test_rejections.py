"""Attempts without the promised answer: what they mean for the retry table, and which error ends the call."""

import pytest

from qcasync._core.phases import Fault, Phase
from qcasync._core.rejections import (
    CREDENTIALS_HINT,
    Rejected,
    breaker_open,
    clock_too_far,
    credentials_refused,
    rejected_signature,
    unanswered,
)
from qcasync._core.retrying import Situation
from qcasync._core.skew import Refusal
from qcasync.errors import (
    AuthenticationError,
    ClockSkewError,
    QuantConnectError,
    RequestError,
    RequestTimeout,
    ResponseTooLarge,
    ServerError,
)

PATH = "live/read"
CAUSE = OSError("the transport's own")


@pytest.mark.parametrize(
    ("fault", "detail", "phase", "situation", "error"),
    [
        (Fault.UNREACHABLE, "refused", Phase.NOT_SENT, Situation.UNSENT, RequestError(PATH, "refused", "no")),
        (Fault.TIMEOUT, "slow", Phase.NOT_SENT, Situation.UNSENT, RequestTimeout(PATH, "slow", "no")),
        (Fault.LOST, "", Phase.PARTLY_SENT, Situation.LOST, RequestError(PATH, "lost", "maybe")),
        (Fault.TIMEOUT, "slow", Phase.SENT, Situation.LOST, RequestTimeout(PATH, "slow", "yes")),
        (Fault.DAMAGED, "cut", Phase.ANSWERING, Situation.DAMAGED, RequestError(PATH, "cut", "yes")),
        (Fault.TIMEOUT, "drip", Phase.ANSWERING, Situation.DAMAGED, RequestTimeout(PATH, "drip", "yes")),
        (
            Fault.TOO_LARGE,
            "more than 16 bytes",
            Phase.ANSWERING,
            Situation.TOO_LARGE,
            ResponseTooLarge(PATH, 200, "the answer exceeds its limit: more than 16 bytes"),
        ),
        (
            Fault.CERTIFICATE,
            "expired",
            Phase.NOT_SENT,
            Situation.CERTIFICATE,
            RequestError(
                PATH,
                "the server's certificate was refused: expired; if it is not yet or no longer valid, check the clock",
                "no",
            ),
        ),
    ],
)
def test_unanswered(fault: Fault, detail: str, phase: Phase, situation: Situation, error: QuantConnectError) -> None:
    """The situation follows from the phase, the error from the fault; the transport's error is the cause."""
    rejected = unanswered(PATH, fault, detail, phase, CAUSE)
    assert rejected.situation is situation
    assert type(rejected.error) is type(error)
    assert rejected.error.args == error.args
    assert rejected.error.__cause__ is CAUSE
    assert (rejected.hint, rejected.maybe_signature, rejected.confirmed) == (None, False, False)


REFUSED = Rejected(Situation.CREDENTIALS, AuthenticationError(PATH, 401, ("no",), CREDENTIALS_HINT))
DOUBTFUL = Rejected(Situation.CREDENTIALS, AuthenticationError(PATH, 403, ("no",), CREDENTIALS_HINT), doubtful=True)
SILENT = Rejected(Situation.SERVER_ERROR, ServerError(PATH, 500, "no reason"), maybe_signature=True)


@pytest.mark.parametrize(
    ("refusal", "situation", "kind", "confirmed", "words"),
    [
        (Refusal.CLOCK, Situation.CLOCK, ClockSkewError, False, "Even a signature for the server's own time"),
        (Refusal.UNSTABLE, Situation.CREDENTIALS, ClockSkewError, False, "jumped several times within 10 minutes"),
        (Refusal.TIME_UNKNOWN, Situation.CREDENTIALS, AuthenticationError, False, "check this machine's clock as well"),
        (Refusal.CREDENTIALS, Situation.CREDENTIALS, AuthenticationError, True, "Check the user id and the API token"),
    ],
)
def test_a_refused_signature(
    refusal: Refusal, situation: Situation, kind: type[AuthenticationError], confirmed: bool, words: str
) -> None:
    """What is known of the server's clock decides; only what is known for certain closes the gate for others."""
    rejected = rejected_signature(PATH, REFUSED, refusal)
    assert (rejected.situation, type(rejected.error), rejected.confirmed) == (situation, kind, confirmed)
    assert isinstance(rejected.error, AuthenticationError)
    assert (rejected.error.status_code, rejected.error.errors) == (401, ("no",))
    assert words in rejected.error.hint


@pytest.mark.parametrize("refusal", Refusal)
def test_a_doubtful_refusal_is_never_confirmed(refusal: Refusal) -> None:
    """It ends its call as any other; but nobody else is held back for it."""
    doubtful, certain = (rejected_signature(PATH, each, refusal) for each in (DOUBTFUL, REFUSED))
    assert not doubtful.confirmed
    assert (doubtful.situation, type(doubtful.error)) == (certain.situation, type(certain.error))


def test_a_silent_failure_may_be_a_refused_signature() -> None:
    """An empty HTTP 500 is a refusal only if the clock was wrong; bad credentials are never concluded from it."""
    rejected = rejected_signature(PATH, SILENT, Refusal.CLOCK)
    assert rejected.situation is Situation.CLOCK
    assert rejected.error.args[:3] == (PATH, 500, ())
    for refusal in (Refusal.CREDENTIALS, Refusal.TIME_UNKNOWN, Refusal.UNSTABLE):
        assert rejected_signature(PATH, SILENT, refusal) is SILENT


def test_a_clock_too_far() -> None:
    """Nothing is signed for another day, and the sentence says by how much the clock is off."""
    error = clock_too_far(PATH, -27 * 3600.0)
    assert str(error).startswith("live/read: nothing was sent: the server's clock differs by -27.0 hours")
    assert "Set this machine's clock" in error.hint


def test_credentials_that_were_refused_a_moment_ago() -> None:
    """They are not sent again; the sentence says so, and what to check."""
    error = credentials_refused(PATH)
    assert str(error).startswith("live/read: nothing was sent: these credentials were refused a moment ago")
    assert error.hint == CREDENTIALS_HINT


def test_an_open_breaker() -> None:
    """The caller learns when the next try is due, and that nothing was sent."""
    error = breaker_open(PATH, 4.6)
    assert (error.reason, error.sent) == ("most requests failed lately; the next try is due in 5 s", "no")
