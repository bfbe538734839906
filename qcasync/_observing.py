"""What happens is counted, and told to the observers. Nothing is decided here, and nothing here can fail a call."""

import itertools
import logging
from collections.abc import Iterable
from typing import Any, Final

from qcasync._core.counting import CANCELLED, Counts
from qcasync._core.endpoints import Endpoint
from qcasync._core.phases import Phase
from qcasync._core.retrying import Situation
from qcasync.models.observations import (
    AnswerReceived,
    CallBegan,
    CallEnded,
    LoadingObserved,
    Observation,
    Observer,
    RequestFailed,
    RequestSent,
    ResponseReceived,
    RetryScheduled,
    Throttled,
    WindowRead,
)

_NUMBERS: Final = itertools.count(1)
"""Of calls. Clients share them, so that an observer may serve several."""

logger = logging.getLogger("qcasync")


class Observing:
    """The counters and the observers of one client.

    Args:
        observers: Told what happens.

    Attributes:
        counts: What happened so far.
        tells_bodies: Whether an observer wants whole answers, too.
    """

    def __init__(self, observers: Iterable[Observer]) -> None:
        self.counts: Counts = Counts()
        self._observers = tuple(observers)
        self._readers = tuple(each for each in self._observers if getattr(each, "wants_bodies", False) is True)
        self.tells_bodies: bool = bool(self._readers)

    def observe(self, observation: Observation) -> None:
        """Tell the observers. What they raise is theirs, and must not cost a trading call."""
        if type(observation) is WindowRead:
            self.counts.windows += 1
        for observer in self._readers if isinstance(observation, AnswerReceived) else self._observers:
            try:
                observer(observation)
            except Exception:  # an observer is foreign code
                logger.exception("an observer failed on %s", type(observation).__name__)

    def call_began(self, endpoint: Endpoint[Any]) -> int:
        """A call begins. Returns its number."""
        number = next(_NUMBERS)
        self.counts.call_began(endpoint.operation)
        if self._observers:
            self.observe(CallBegan(call=number, operation=endpoint.operation, endpoint=endpoint.path))
        return number

    def call_ended(self, number: int, endpoint: Endpoint[Any], ended: str, *, attempts: int, seconds: float) -> None:
        """A call that began ended, in one way or another."""
        self.counts.call_ended(endpoint.operation, ended, seconds)
        if self._observers:
            self.observe(
                CallEnded(
                    call=number,
                    operation=endpoint.operation,
                    endpoint=endpoint.path,
                    ended=ended,
                    attempts=attempts,
                    seconds=seconds,
                )
            )

    def request_sent(self, sent: RequestSent) -> None:
        """A request is handed to the transport. One of the next two follows."""
        self.counts.request_sent(sent.body_bytes)
        self.observe(sent)

    def response_received(self, told: ResponseReceived) -> None:
        """A response was read to its end."""
        self.counts.response_received(told.status_code, told.wire_bytes, told.body_bytes)
        self.observe(told)

    def request_failed(self, sent: RequestSent, reason: str, phase: Phase, seconds: float) -> None:
        """A request brought no whole response, or was cancelled."""
        if reason is CANCELLED:
            self.counts.given_up += 1
        else:
            self.counts.lost += 1
        self.observe(
            RequestFailed(
                call=sent.call,
                endpoint=sent.endpoint,
                attempt=sent.attempt,
                reason=reason,
                sent=phase.sent,
                seconds=seconds,
            )
        )

    def loading(self, number: int, path: str, progress: float | None, waited: float) -> None:
        """A call waits for data."""
        self.counts.loading_waits += 1
        self.observe(LoadingObserved(call=number, endpoint=path, progress=progress, waited=waited))

    def rejected(self, number: int, path: str, attempt: int, situation: Situation, hint: float | None) -> None:
        """An attempt failed."""
        self.counts.rejected(situation)
        if situation is Situation.THROTTLED:
            self.observe(Throttled(call=number, endpoint=path, attempt=attempt, hint=hint))

    def retrying(self, retry: RetryScheduled) -> None:
        """Another attempt follows."""
        self.counts.retries += 1
        self.observe(retry)
