"""The instruments, by their names."""

from opentelemetry.metrics import Meter

from qcasync.telemetry._attributes import BUCKETS


class Meters:
    """The instruments of an observer.

    Args:
        meter: Makes them.
    """

    def __init__(self, meter: Meter) -> None:
        self.duration = meter.create_histogram(
            "http.client.request.duration",
            unit="s",
            description="Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=BUCKETS,
        )
        self.in_flight = meter.create_up_down_counter(
            "http.client.active_requests", unit="{request}", description="Requests in flight."
        )
        self.calls = meter.create_counter(
            "qcasync.calls", unit="{call}", description="Calls that ended, by operation and by how."
        )
        self.retries = meter.create_counter(
            "qcasync.retries", unit="{retry}", description="Requests that were sent again after a failure."
        )
        self.loading_waits = meter.create_counter(
            "qcasync.loading_waits", unit="{wait}", description="Waits for data that QuantConnect was preparing."
        )
        self.throttles = meter.create_counter(
            "qcasync.throttles", unit="{answer}", description="Answers that asked for fewer requests."
        )
        self.windows = meter.create_counter(
            "qcasync.windows", unit="{window}", description="Windows of listings that were read."
        )
        self.clock_offset = meter.create_gauge(
            "qcasync.clock.offset", unit="s", description="Seconds that the server's clock is ahead of ours."
        )
