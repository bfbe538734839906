"""Counting what a client does."""

from dataclasses import dataclass

import qcasync


@dataclass
class Meter:
    """An observer that adds up. Several meters add up too, with `+`.

    Attributes:
        requests: Requests handed to the network, retries included.
        retries: Failed attempts that were followed by another.
        loading: Answers that asked to come back later.
        windows: Windows of listings read.
        body_bytes: Bytes of answers, decompressed.
        wire_bytes: The same as they travelled.
        trouble: What the latest failed attempt failed of.
    """

    requests: int = 0
    retries: int = 0
    loading: int = 0
    windows: int = 0
    body_bytes: int = 0
    wire_bytes: int = 0
    trouble: str = ""

    def __call__(self, observation: qcasync.Observation) -> None:
        """Take note of what happened."""
        match observation:
            case qcasync.RequestSent():
                self.requests += 1
            case qcasync.ResponseReceived():
                self.body_bytes += observation.body_bytes
                self.wire_bytes += observation.wire_bytes
            case qcasync.RetryScheduled():
                self.retries += 1
                self.trouble = observation.reason
            case qcasync.LoadingObserved():
                self.loading += 1
            case qcasync.WindowRead():
                self.windows += 1
            case _:
                pass

    def __add__(self, other: "Meter") -> "Meter":
        return Meter(
            requests=self.requests + other.requests,
            retries=self.retries + other.retries,
            loading=self.loading + other.loading,
            windows=self.windows + other.windows,
            body_bytes=self.body_bytes + other.body_bytes,
            wire_bytes=self.wire_bytes + other.wire_bytes,
        )

    @property
    def megabytes(self) -> str:
        """Bytes of answers, and in parentheses as they travelled, in millions."""
        return f"{self.body_bytes / 1e6:.1f} ({self.wire_bytes / 1e6:.1f})"
