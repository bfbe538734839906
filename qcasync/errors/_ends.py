"""Ends of calls that no single answer decides: states to wait out, to read again, or to reconcile."""

from collections.abc import Iterable

from qcasync.errors._base import QuantConnectError, Sent, effort


class NotReady(QuantConnectError):
    """QuantConnect was still preparing the data when the deadline came.

    Attributes:
        endpoint: The path below the base URL.
        progress: The last progress that the server told, 0 to 1; None if it told none.
        waited: Seconds spent waiting.
    """

    def __init__(self, endpoint: str, progress: float | None, waited: float) -> None:
        super().__init__(endpoint, progress, waited)
        self.endpoint = endpoint
        self.progress = progress
        self.waited = waited

    def __str__(self) -> str:
        told = "" if self.progress is None else f" (progress {self.progress:.0%})"
        return (
            f"{self.endpoint}: QuantConnect was still preparing the data{told} after {self.waited:.0f} s. "
            "A young deployment has no data until its first flush, about 10 minutes after its start; try again later."
        )


class StillRunning(QuantConnectError):
    """A deployment had not ended when the deadline came.

    Attributes:
        project_id: The project.
        deploy_id: The deployment; None if there was none to be seen.
        status: Its last known status; "" if there is none.
        waited: Seconds spent waiting.
    """

    def __init__(self, project_id: int, deploy_id: str | None, status: str, waited: float) -> None:
        super().__init__(project_id, deploy_id, status, waited)
        self.project_id = project_id
        self.deploy_id = deploy_id
        self.status = status
        self.waited = waited

    def __str__(self) -> str:
        which = "no deployment was seen" if self.deploy_id is None else f"deployment {self.deploy_id} was {self.status}"
        return (
            f"Project {self.project_id}: {which} after {self.waited:.0f} s. It may still end; "
            "look at it with live.list(), or wait longer with live.wait_stopped()."
        )


class IncompleteRead(QuantConnectError):
    """A listing could not be completed. What was read is here; nothing is passed off as the whole.

    Attributes:
        endpoint: The path below the base URL.
        reason: Why the listing stopped; the cause, where there is one, is `__cause__`.
        read: Half-open index ranges that were read.
        missing: Half-open index ranges that were not; an open end is None.
    """

    def __init__(
        self,
        endpoint: str,
        reason: str,
        read: Iterable[tuple[int, int]] = (),
        missing: Iterable[tuple[int, int | None]] = (),
    ) -> None:
        read, missing = tuple(read), tuple(missing)
        super().__init__(endpoint, reason, read, missing)
        self.endpoint = endpoint
        self.reason = reason
        self.read: tuple[tuple[int, int], ...] = read
        self.missing: tuple[tuple[int, int | None], ...] = missing

    def __str__(self) -> str:
        got = ", ".join(f"{start} to {end}" for start, end in self.read) or "nothing"
        lost = ", ".join(f"from {start} on" if end is None else f"{start} to {end}" for start, end in self.missing)
        return f"{self.endpoint}: incomplete ({self.reason}). Read: {got}; missing: {lost or 'unknown'}{effort(self)}."


class OutcomeUnknown(QuantConnectError):
    """A call with effect was sent, and nothing tells whether it happened. It is not sent again.

    Attributes:
        endpoint: The path below the base URL.
        reason: Why the answer is missing; the cause is `__cause__`.
        sent: "maybe" or "yes".
        check: How to find out.
    """

    def __init__(self, endpoint: str, reason: str, sent: Sent, check: str = "") -> None:
        super().__init__(endpoint, reason, sent, check)
        self.endpoint = endpoint
        self.reason = reason
        self.sent: Sent = sent
        self.check = check

    def __str__(self) -> str:
        reached = "was sent" if self.sent == "yes" else "may have been sent"
        seen = "" if self.outcome is None else self.outcome.reason
        seen = f" Afterwards: {seen}." if seen and seen != self.reason else ""
        check = f" {self.check}" if self.check else ""
        told = f"{self.endpoint}: the request {reached}, its outcome is unknown ({self.reason}); not repeated."
        return told + seen + check
