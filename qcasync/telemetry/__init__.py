"""What a client tells its observers, as OpenTelemetry's spans and metrics: the extra `otel`.

Only opentelemetry-api is needed, and imported when an `OpenTelemetry` is made. Nothing is exported without an SDK,
which the application brings.
"""

from qcasync.telemetry._observer import OpenTelemetry

__all__ = ["OpenTelemetry"]
