"""Attempts that did not bring the promised answer, each with the error that ends the call if nothing helps.

Answers that have a status are read in `responses.py`; here stand those that need more than the answer: a transport that
gave none, a signature that was refused, and requests that are held back.
"""

from typing import assert_never

import msgspec

from qcasync._core.phases import Fault, Phase
from qcasync._core.redaction import scrub
from qcasync._core.retrying import Situation, situation_when_unanswered
from qcasync._core.skew import Refusal
from qcasync.errors import (
    APIError,
    AuthenticationError,
    ClockSkewError,
    QuantConnectError,
    RequestError,
    RequestTimeout,
    ResponseError,
    ResponseTooLarge,
)

CREDENTIALS_HINT = (
    "Check the user id and the API token (`qcasync doctor` tells where they were found); "
    "both stand in your QuantConnect account page."
)


class Rejected(msgspec.Struct, frozen=True):
    """An attempt without the promised answer.

    Attributes:
        situation: For the retry table. `CREDENTIALS` may still turn out to be the clock.
        error: To raise, if it comes to that.
        hint: Seconds that the server asks to wait.
        maybe_signature: A refused signature can look like this too, although it mostly means something else.
        doubtful: Something else than the credentials may have been refused.
        confirmed: The credentials are wrong, and the clock is known not to be.
        cost: What a retry takes from the budget: waiting for nothing costs a server more than failing at once.
    """

    situation: Situation
    error: QuantConnectError
    hint: float | None = None
    maybe_signature: bool = False
    doubtful: bool = False
    confirmed: bool = False
    cost: int = 1


def unanswered(
    endpoint: str, fault: Fault, detail: str, phase: Phase, cause: Exception, *, reused: bool = False
) -> Rejected:
    """The transport gave no response.

    Args:
        endpoint: What was asked.
        fault: What went wrong.
        detail: The same in the library's words.
        phase: How far the request got.
        cause: The transport's error.
        reused: Whether the connection had served another request before.
    """
    error: QuantConnectError
    detail, cost = scrub(detail), 1
    if fault is Fault.CERTIFICATE:
        situation = Situation.CERTIFICATE
        reason = f"the server's certificate was refused: {detail}; if it is not yet or no longer valid, check the clock"
        error = RequestError(endpoint, reason, "no")
    elif fault is Fault.TOO_LARGE:
        situation = Situation.TOO_LARGE
        error = ResponseTooLarge(endpoint, 200, f"the answer exceeds its limit: {detail}")
    else:
        situation = situation_when_unanswered(phase, stale=reused and fault is Fault.LOST)
        cost = 2 if fault is Fault.TIMEOUT and phase is not Phase.NOT_SENT else 1
        kind = RequestTimeout if fault is Fault.TIMEOUT else RequestError
        error = kind(endpoint, detail or fault.value, phase.sent)
    error.__cause__ = cause
    return Rejected(situation, error, cost=cost)


def rejected_signature(endpoint: str, rejected: Rejected, refusal: Refusal) -> Rejected:
    """The server refused a signature, or may have. What is known about its clock decides what that means."""
    if rejected.situation is not Situation.CREDENTIALS and refusal is not Refusal.CLOCK:
        return rejected
    status_code, texts = (
        (rejected.error.status_code, rejected.error.errors) if isinstance(rejected.error, APIError) else (500, ())
    )
    match refusal:
        case Refusal.CLOCK:
            hint = "Even a signature for the server's own time was refused; check the credentials, too."
            return Rejected(Situation.CLOCK, ClockSkewError(endpoint, status_code, texts, hint))
        case Refusal.UNSTABLE:
            hint = "The clock of the server, or of this machine, jumped several times within 10 minutes."
            return Rejected(Situation.CREDENTIALS, ClockSkewError(endpoint, status_code, texts, hint))
        case Refusal.TIME_UNKNOWN:
            hint = f"Too little is known of the server's time; check this machine's clock as well. {CREDENTIALS_HINT}"
            return Rejected(Situation.CREDENTIALS, AuthenticationError(endpoint, status_code, texts, hint))
        case Refusal.CREDENTIALS:
            return msgspec.structs.replace(rejected, confirmed=not rejected.doubtful)
        case _:
            assert_never(refusal)


def clock_too_far(endpoint: str, distance: float) -> ClockSkewError:
    """Nothing is signed for a time that far from our clock."""
    hint = "Set this machine's clock; a signature for another day could be used on that day."
    return ClockSkewError(endpoint, 0, (f"the server's clock differs by {distance / 3600:+.1f} hours",), hint)


def credentials_refused(endpoint: str) -> AuthenticationError:
    """Credentials that were refused a moment ago are not sent again."""
    return AuthenticationError(endpoint, 0, ("these credentials were refused a moment ago",), CREDENTIALS_HINT)


def from_cache(endpoint: str, status_code: int) -> Rejected:
    """The answer to a call with effect is older than the call: it says nothing about it."""
    reason = "the answer came from a cache (Age), and so is not about this request"
    return Rejected(Situation.UNDECODABLE, ResponseError(endpoint, status_code, reason))


def breaker_open(endpoint: str, wait: float) -> RequestError:
    """The service has been failing."""
    return RequestError(endpoint, f"most requests failed lately; the next try is due in {wait:.0f} s", "no")
