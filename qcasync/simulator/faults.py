"""Everything that goes wrong between a client and an answer, as values: what may happen, and when it is to happen.

What a fault looks like on the wire is written in `spoiling.py`; those that no answer can express (a reset, a hang)
are acted out by the mounts.
"""

import enum
import random
from dataclasses import dataclass


class FaultKind(enum.Enum):
    """What goes wrong with one request."""

    EMPTY_500 = "500 with an empty body"
    JSON_500 = "500 with a failure in JSON"
    HTML_502 = "502 from a proxy"
    HTML_503 = "503 from a proxy"
    HTML_504 = "504 from a proxy"
    RETRY_AFTER_503 = "503 with Retry-After"
    RETRY_AFTER_429 = "429 with Retry-After"
    BARE_429 = "429 without a hint"
    SLOW_DOWN = "200 that asks to slow down"
    HTML_200 = "200 with a maintenance page"
    HTML_403 = "403 from a content network that wants a browser"
    STATUS = "the status code named by the script, with a failure in JSON"
    REDIRECT = "302 to another host"
    FAILURE_PASSING = "success: false, with a reason that passes"
    FAILURE_LASTING = "success: false, with a reason that stays"
    FAILURE_SILENT = "success: false without a reason"
    MISSING_PAYLOAD = "success: true without the payload"
    CUT_JSON = "a complete answer that holds half of the JSON"
    GARBAGE = "200 with bytes that are not JSON"
    SLOW = "an answer that takes long"
    HANG = "no answer, and the connection stays open"
    REFUSED = "the connection is refused: nothing was sent"
    RESET_BEFORE_ANSWER = "the connection is reset before any byte of an answer"
    RESET_IN_BODY = "the connection is reset in the middle of the body"


PASSING_FAULTS = (
    FaultKind.EMPTY_500,
    FaultKind.JSON_500,
    FaultKind.HTML_502,
    FaultKind.HTML_503,
    FaultKind.HTML_504,
    FaultKind.RETRY_AFTER_503,
    FaultKind.RETRY_AFTER_429,
    FaultKind.HTML_200,
    FaultKind.CUT_JSON,
    FaultKind.GARBAGE,
    FaultKind.SLOW,
    FaultKind.REFUSED,
    FaultKind.RESET_BEFORE_ANSWER,
    FaultKind.RESET_IN_BODY,
)
"""Faults after which the same read may well succeed."""

ANSWER_FAULTS = frozenset(
    {
        FaultKind.MISSING_PAYLOAD,
        FaultKind.CUT_JSON,
        FaultKind.SLOW,
        FaultKind.HANG,
        FaultKind.RESET_BEFORE_ANSWER,
        FaultKind.RESET_IN_BODY,
    }
)
"""Faults that strike on the way back: the request has been carried out, unless told otherwise."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault about to happen.

    Attributes:
        performed: Whether the request is carried out nevertheless, effects included.
        delay: Seconds that `SLOW` adds.
        retry_after: What `Retry-After` says: seconds, a date, or nonsense.
        status: The status code that `STATUS` answers.
        text: The reason given by the failures with a reason.
    """

    kind: FaultKind
    performed: bool
    delay: float = 30.0
    retry_after: str = "1"
    status: int = 400
    text: str | None = None


@dataclass
class _Script:
    fault: Fault
    path: str | None
    project_id: int | None
    first: int
    last: float
    seen: int = 0

    def concerns(self, path: str, project_id: object) -> bool:
        return self.path in {None, path} and self.project_id in {None, project_id}

    def strikes(self) -> bool:
        self.seen += 1
        return self.first <= self.seen <= self.last


class FaultPlan:
    """Decides which requests go wrong: those named by scripts, and a seeded share of the others."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._scripts: list[_Script] = []

    def add(self, fault: Fault, *, path: str | None, project_id: int | None, nth: int, times: float) -> None:
        """Let the `nth` request from now on that matches go wrong, and those after it, `times` in all."""
        if nth < 1 or times < 1:
            message = "nth and times count from 1"
            raise ValueError(message)
        self._scripts.append(_Script(fault, path, project_id, nth, nth + times - 1))

    def clear(self) -> None:
        """Forget every script."""
        self._scripts.clear()

    def strike(self, path: str, project_id: object, *, rate: float, kinds: tuple[FaultKind, ...]) -> Fault | None:
        """The fault that hits this request, if any. Every script counts it; the oldest one that is due prevails."""
        due = [script.fault for script in self._scripts if script.concerns(path, project_id) and script.strikes()]
        if due:
            return due[0]
        if kinds and rate > 0 and self._rng.random() < rate:
            kind = self._rng.choice(kinds)
            return Fault(kind=kind, performed=kind in ANSWER_FAULTS, delay=self._rng.uniform(0.5, 5.0))
        return None
