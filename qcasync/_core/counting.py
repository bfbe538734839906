"""What a client counts. Each method is named for what happened, and costs an addition or two."""

from typing import Final

from qcasync._core.retrying import Situation
from qcasync.models.client_statistics import CallStatistics

OK: Final = "ok"
CANCELLED: Final = "cancelled"
DEFECT: Final = "defect"
"""An exception that is none of ours."""


class _Calls:
    """The calls of one operation."""

    __slots__ = ("begun", "cancelled", "errors", "seconds", "succeeded")

    def __init__(self) -> None:
        self.begun: int = 0
        self.succeeded: int = 0
        self.cancelled: int = 0
        self.errors: dict[str, int] = {}
        self.seconds: float = 0.0


class Counts:
    """Counters that only grow. They may be read from another thread than the one that counts.

    Attributes:
        attempts: Requests that were handed to the transport.
        answers: Responses, by status code.
        lost: Requests without a whole response.
        given_up: Requests that were cancelled in flight.
        retries: Requests that were sent again.
        loading_waits: Waits for data.
        throttled: Answers that asked for fewer requests.
        clock_refusals: Signatures that were refused because of the clock.
        windows: Windows of listings.
        bytes_sent: Of requests' bodies.
        bytes_received: Of responses' bodies on the wire.
        bytes_decompressed: The same after decompression.
    """

    def __init__(self) -> None:
        self.attempts: int = 0
        self.answers: dict[int, int] = {}
        self.lost: int = 0
        self.given_up: int = 0
        self.retries: int = 0
        self.loading_waits: int = 0
        self.throttled: int = 0
        self.clock_refusals: int = 0
        self.windows: int = 0
        self.bytes_sent: int = 0
        self.bytes_received: int = 0
        self.bytes_decompressed: int = 0
        self._calls: dict[str, _Calls] = {}

    @property
    def calls(self) -> dict[str, CallStatistics]:
        """The calls by operation, as they stand."""
        return {
            operation: CallStatistics(
                succeeded=each.succeeded,
                cancelled=each.cancelled,
                errors=dict(each.errors),
                seconds=each.seconds,
                begun=each.begun,  # last: read from another thread, never fewer than have ended
            )
            for operation, each in list(self._calls.items())
        }

    def call_began(self, operation: str) -> None:
        """A call begins."""
        calls = self._calls.get(operation)
        if calls is None:
            calls = self._calls[operation] = _Calls()
        calls.begun += 1

    def call_ended(self, operation: str, ended: str, seconds: float) -> None:
        """A call that began ended: `OK`, `CANCELLED`, or in an error of this class."""
        calls = self._calls[operation]
        calls.seconds += seconds
        if ended is OK:
            calls.succeeded += 1
        elif ended is CANCELLED:
            calls.cancelled += 1
        else:
            calls.errors[ended] = calls.errors.get(ended, 0) + 1

    def request_sent(self, body_bytes: int) -> None:
        """A request is handed to the transport."""
        self.attempts += 1
        self.bytes_sent += body_bytes

    def response_received(self, status_code: int, wire_bytes: int, body_bytes: int) -> None:
        """A response was read to its end."""
        self.answers[status_code] = self.answers.get(status_code, 0) + 1
        self.bytes_received += wire_bytes
        self.bytes_decompressed += body_bytes

    def rejected(self, situation: Situation) -> None:
        """An attempt failed."""
        if situation is Situation.THROTTLED:
            self.throttled += 1
        elif situation is Situation.CLOCK:
            self.clock_refusals += 1
