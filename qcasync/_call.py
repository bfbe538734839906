"""One call over all its attempts: what the exchange keeps about it, and the errors that its end may be."""

from collections import Counter
from typing import Generic, TypeVar

from qcasync._core.decoding import Loading
from qcasync._core.endpoints import Endpoint
from qcasync._core.phases import Phase
from qcasync._core.responses import Value
from qcasync._core.retrying import Situation
from qcasync._core.signing import Credentials
from qcasync.errors import NotReady, OutcomeUnknown, QuantConnectError, RequestTimeout
from qcasync.transports.protocol import Progress

T = TypeVar("T")


class Call(Generic[T]):
    """A call that is about to be made, is being made, or has been.

    Args:
        endpoint: The operation.
        content: The body of its requests.
        seconds: For the whole of it.
        patient: Wait while the service is known to be down, instead of failing at once.

    Attributes:
        number: Its own in this process; 0 before it is performed.
        started: When its deadline began to run; None before that.
        attempt: How many attempts were made since the last look that found the data loading.
        progress: Of the latest attempt; None if it does not matter any more, because the request did nothing.
        failures: Attempts of this look that failed, by what failed them.
        loading: What the last look found, if it found the data loading.
        signer: Who signed the latest attempt.
        last: The error of the latest attempt that failed.
        answer: The answer that was promised; None before it came.
    """

    def __init__(self, endpoint: Endpoint[T], content: bytes, seconds: float, *, patient: bool = False) -> None:
        self.endpoint = endpoint
        self.content = content
        self.seconds = seconds
        self.patient = patient
        self.number: int = 0
        self.started: float | None = None
        self.attempt: int = 0
        self.progress: Progress | None = None
        self.failures: Counter[Situation] = Counter()
        self.loading: Loading | None = None
        self.signer: Credentials | None = None
        self.last: QuantConnectError | None = None
        self.answer: Value[T] | None = None
        self._earlier = 0

    def starts(self, now: float) -> None:
        """The deadline runs from here, unless it runs already."""
        self.started = now if self.started is None else self.started

    def elapsed(self, now: float) -> float:
        """Seconds since it started."""
        return 0.0 if self.started is None else now - self.started

    def remaining(self, now: float) -> float:
        """Seconds until it must have ended."""
        return self.seconds - self.elapsed(now)

    def looks_again(self) -> None:
        """The data was loading. A wait is no retry, and uses up no attempt."""
        self._earlier += self.attempt
        self.attempt = 0
        self.failures.clear()

    @property
    def attempts(self) -> int:
        """All attempts, those of looks that found the data loading included."""
        return self._earlier + self.attempt

    @property
    def phase(self) -> Phase:
        """How far the latest attempt got."""
        return Phase.NOT_SENT if self.progress is None else self.progress.phase

    def unknown(self, reason: str, cause: QuantConnectError | None) -> OutcomeUnknown:
        """The error for a call with effect about which nothing tells."""
        error = OutcomeUnknown(self.endpoint.path, reason, self.phase.sent, self.endpoint.how_to_check)
        error.__cause__ = cause
        return error

    def overdue(self) -> QuantConnectError:
        """The error for a call whose deadline passed."""
        reason = f"no usable answer within {self.seconds:g} s"
        if not self.endpoint.effect.repeatable and self.phase > Phase.NOT_SENT:
            return self.unknown(reason, None)
        if self.loading is not None:
            return NotReady(self.endpoint.path, self.loading.progress, self.seconds)
        if self.last is not None:
            reason = f"{reason}; the last failure: {getattr(self.last, 'reason', self.last)}"
        error = RequestTimeout(self.endpoint.path, reason, self.phase.sent)
        error.__cause__ = self.last
        return error
