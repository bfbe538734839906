"""Whether to send again: by what went wrong, by how far the request got, and by what a repetition could do.

The HTTP method decides nothing here, because nearly every call of this API is a POST. `TABLE` is the policy; the
function below it only reads the row and does the arithmetic of waiting.
"""

import enum
from typing import Final

import msgspec

from qcasync._core.phases import Phase


class Effect(enum.Enum):
    """What sending a request twice can do."""

    READ = "read"
    """Nothing."""
    WRITE = "write"
    """Nothing more than sending it once, if nobody else writes."""
    CREATE = "create"
    """Two things instead of one, or a cost."""
    MARKET = "market"
    """Harm, if it comes at the wrong time or hits another deployment than was meant."""

    @property
    def repeatable(self) -> bool:
        """Whether a request may be sent again although the first one may have arrived."""
        return self in (Effect.READ, Effect.WRITE)


class Situation(enum.Enum):
    """What came of an attempt, in as much detail as the decision needs."""

    UNSENT = "the request was not sent"
    CERTIFICATE = "the server's certificate was refused"
    LOST = "the connection was lost before an answer"
    STALE = "a connection that had been kept was lost before an answer"
    DAMAGED = "the answer was damaged on its way"
    TOO_LARGE = "the answer exceeds its limit"
    SERVER_ERROR = "the server failed"
    UNAVAILABLE = "the server is unavailable and says for how long"
    HURRIED = "the server did not wait for the request"
    THROTTLED = "the server asks for fewer requests"
    CLOCK = "the signature was refused because of the clock"
    CREDENTIALS = "the credentials were refused"
    UNSUPPORTED = "the server cannot do that"
    REDIRECT = "the server points elsewhere"
    REFUSED = "the server refused the request"
    TRANSIENT = "the server refused for now"
    UNDECODABLE = "the answer cannot be decoded"


class Action(enum.Enum):
    """A cell of the table."""

    RETRY = "send again"
    RETRY_ONCE = "send again, once"
    STOP = "give up"
    UNKNOWN = "give up; the outcome is unknown"


_R, _R1, _NO, _UNK = Action.RETRY, Action.RETRY_ONCE, Action.STOP, Action.UNKNOWN
_COLUMNS = (Effect.READ, Effect.WRITE, Effect.CREATE, Effect.MARKET)

TABLE: Final[dict[Situation, tuple[Action, Action, Action, Action]]] = {
    #                       read  write create market
    Situation.UNSENT:       (_R,  _R,   _R,    _R),
    Situation.CERTIFICATE:  (_NO, _NO,  _NO,   _NO),
    Situation.LOST:         (_R,  _R,   _UNK,  _UNK),
    Situation.STALE:        (_R,  _R,   _UNK,  _UNK),
    Situation.DAMAGED:      (_R,  _R,   _UNK,  _UNK),
    Situation.TOO_LARGE:    (_NO, _NO,  _UNK,  _UNK),
    Situation.SERVER_ERROR: (_R,  _R,   _UNK,  _UNK),
    Situation.UNAVAILABLE:  (_R,  _R,   _UNK,  _UNK),
    Situation.HURRIED:      (_R,  _R,   _UNK,  _UNK),
    Situation.THROTTLED:    (_R,  _R,   _R1,   _NO),
    Situation.CLOCK:        (_R1, _R1,  _R1,   _R1),
    Situation.CREDENTIALS:  (_NO, _NO,  _NO,   _NO),
    Situation.UNSUPPORTED:  (_NO, _NO,  _UNK,  _UNK),
    Situation.REDIRECT:     (_NO, _NO,  _UNK,  _UNK),
    Situation.REFUSED:      (_NO, _NO,  _NO,   _NO),
    Situation.TRANSIENT:    (_R,  _R,   _UNK,  _UNK),
    Situation.UNDECODABLE:  (_R1, _R1,  _UNK,  _UNK),
}  # fmt: skip
"""A refusal because of the clock came before the request was executed, so even a call with effect is sent again."""

FREE: Final = frozenset({Situation.CLOCK, Situation.THROTTLED})
"""Repetitions that cost nothing of the retry budget: the one ends by itself, the other is paced."""

BREAKING: Final = frozenset(
    {Situation.UNSENT, Situation.LOST, Situation.DAMAGED, Situation.SERVER_ERROR, Situation.UNAVAILABLE}
)
"""What tells that the service is down, and not that a request was wrong."""

NEUTRAL: Final = frozenset({Situation.STALE, Situation.CERTIFICATE})
"""What tells neither that the service is down nor that it is up: the server may close a connection it was not using."""

MAX_ATTEMPTS: Final = 4
MAX_ATTEMPTS_WITH_EFFECT: Final = 3
MAX_SECONDS_WITH_EFFECT: Final = 10.0
"""A liquidation that comes late may hit a deployment that did not exist when it was decided."""
BASE_WAIT: Final = 0.5
THROTTLE_WAIT: Final = 2.0
MAX_WAIT: Final = 20.0
MAX_HINT: Final = 120.0
"""A server that asks for a longer wait gets no silent one: the caller is told at once."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One failed attempt.

    Attributes:
        hint: Seconds that the server asks to wait.
    """

    situation: Situation
    phase: Phase
    hint: float | None = None


class RetryAfter(msgspec.Struct, frozen=True):
    """Send again after so many seconds."""

    seconds: float


class GiveUp(msgspec.Struct, frozen=True):
    """Raise the error of the last attempt. `why` is added to it, where the error itself does not tell."""

    why: str = ""


class UnknownOutcome(msgspec.Struct, frozen=True):
    """The request may have had its effect, and nothing tells."""


Decision = RetryAfter | GiveUp | UnknownOutcome


def situation_when_unanswered(phase: Phase, *, stale: bool = False) -> Situation:
    """What it means that a transport gave no response for a request that reached `phase`.

    Args:
        phase: How far the request got.
        stale: The connection had served before, and was closed rather than silent.
    """
    if phase is Phase.NOT_SENT:
        return Situation.UNSENT
    if phase >= Phase.ANSWERING:
        return Situation.DAMAGED
    return Situation.STALE if stale else Situation.LOST


def decide(
    failure: Failure,
    effect: Effect,
    *,
    attempt: int,
    same_before: int,
    elapsed: float,
    remaining: float,
    jitter: float,
    max_attempts: int = MAX_ATTEMPTS,
) -> Decision:
    """What to do after a failed attempt.

    Args:
        failure: What happened.
        effect: What a repetition could do.
        attempt: How many attempts were made, this one included.
        same_before: How many earlier attempts of this call failed in the same situation.
        elapsed: Seconds since the call began.
        remaining: Seconds until its deadline.
        jitter: A random number in [0, 1).
        max_attempts: Attempts allowed for a repeatable call.
    """
    action = TABLE[failure.situation][_COLUMNS.index(effect)]
    if not effect.repeatable and failure.situation is Situation.UNSENT and failure.phase is not Phase.NOT_SENT:
        action = Action.UNKNOWN  # cannot be; and if it were, this is the line that keeps it from being sent twice
    if action is Action.UNKNOWN:
        return UnknownOutcome()
    if action is Action.STOP or (action is Action.RETRY_ONCE and same_before >= 1):
        return GiveUp()
    if failure.situation is Situation.CLOCK:
        if not effect.repeatable and elapsed > MAX_SECONDS_WITH_EFFECT:
            return GiveUp("a call with effect is not sent late")
        return RetryAfter(0.0)  # one signature more, in addition to the attempts that other failures may cost
    allowed = max_attempts if effect.repeatable else min(max_attempts, MAX_ATTEMPTS_WITH_EFFECT)
    if attempt >= allowed:
        return GiveUp()
    wait = 0.0 if failure.situation is Situation.STALE and not same_before else _wait(failure, attempt, jitter)
    if failure.hint is not None and failure.hint > MAX_HINT:
        return GiveUp(f"the server asks to wait {failure.hint:.0f} s")
    if not effect.repeatable and elapsed + wait > MAX_SECONDS_WITH_EFFECT:
        return GiveUp("a call with effect is not sent late")
    if wait >= remaining:
        return GiveUp(f"the deadline comes before the wait of {wait:.1f} s ends")
    return RetryAfter(wait)


def _wait(failure: Failure, attempt: int, jitter: float) -> float:
    """Full jitter: a wait drawn evenly from 0 to the ceiling, so that clients do not come back together."""
    base = THROTTLE_WAIT if failure.situation is Situation.THROTTLED else BASE_WAIT
    backoff = jitter * min(base * 2.0 ** (attempt - 1), MAX_WAIT)
    return backoff if failure.hint is None else failure.hint + backoff


LOADING_LIMIT: Final = 100.0
_LOADING_FIRST: Final = 1.0
_LOADING_GROWTH: Final = 1.6
_LOADING_STEP: Final = 10.0


def loading_wait(looks: int, waited: float) -> float | None:
    """Seconds until the next look at data that the server is preparing; None once it took longer than 100 s.

    Args:
        looks: How many looks found it loading, from 1.
        waited: Seconds since the first of them.
    """
    if waited >= LOADING_LIMIT:
        return None
    return min(_LOADING_FIRST * _LOADING_GROWTH ** (looks - 1), _LOADING_STEP)
