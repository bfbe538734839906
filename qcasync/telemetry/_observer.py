"""The observer that turns records into spans and metrics."""

from typing import TYPE_CHECKING

from qcasync.errors import ConfigurationError
from qcasync.models.observations import (
    CallBegan,
    CallEnded,
    LoadingObserved,
    Observation,
    RequestFailed,
    RequestSent,
    ResponseReceived,
    RetryScheduled,
    Throttled,
    WindowRead,
)
from qcasync.telemetry._attributes import Attributes, error_type, request_attributes

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

_ERROR_STATUS = 400


class OpenTelemetry:
    """An observer for `Client(observers=[OpenTelemetry()])`. Clients may share one.

    Each call is a span named by its operation, below the span that is current where the call is made; each of its
    requests is a span below that. Credentials, bodies, project ids and error texts are in none of them.

    Args:
        tracer_provider: Instead of the global one.
        meter_provider: Likewise.

    Raises:
        ConfigurationError: opentelemetry-api is not installed.
    """

    def __init__(
        self, tracer_provider: "TracerProvider | None" = None, meter_provider: "MeterProvider | None" = None
    ) -> None:
        try:
            from opentelemetry import metrics, trace  # noqa: PLC0415 - an extra

            from qcasync.telemetry._meters import Meters  # noqa: PLC0415
            from qcasync.telemetry._spans import Spans  # noqa: PLC0415
        except ImportError as error:
            raise ConfigurationError("OpenTelemetry needs opentelemetry-api.", "pip install 'qcasync[otel]'") from error
        self._spans = Spans(trace.get_tracer("qcasync", tracer_provider=tracer_provider))
        self._meters = Meters(metrics.get_meter("qcasync", meter_provider=meter_provider))
        self._in_flight: dict[int, Attributes] = {}
        """By call: the attributes of its request in flight."""

    def __call__(self, observation: Observation) -> None:
        """Take note of what happened."""
        try:
            self._measure(observation)
        finally:  # an SDK's processor may raise: neither half of us is to keep the other from forgetting what ended
            self._trace(observation)

    def _trace(self, observation: Observation) -> None:
        match observation:
            case CallBegan():
                self._spans.call_began(observation)
            case RequestSent():
                self._spans.request_sent(observation)
            case ResponseReceived():
                self._spans.response_received(observation)
            case RequestFailed():
                self._spans.request_failed(observation)
            case CallEnded():
                self._spans.call_ended(observation)
            case RetryScheduled() | LoadingObserved() | Throttled():
                self._spans.noted(observation)
            case _:
                pass

    def _measure(self, observation: Observation) -> None:
        match observation:
            case RequestSent():
                attributes = self._in_flight[observation.call] = request_attributes(observation.url)
                self._meters.in_flight.add(1, attributes)
            case ResponseReceived():
                self._received(observation)
            case RequestFailed():
                self._came_back(observation.call, observation.seconds, {"error.type": error_type(observation.reason)})
            case CallEnded():
                self._meters.calls.add(1, _ending(observation))
            case RetryScheduled():
                self._meters.retries.add(1, {"qcasync.endpoint": observation.endpoint})
            case LoadingObserved():
                self._meters.loading_waits.add(1, {"qcasync.endpoint": observation.endpoint})
            case Throttled():
                self._meters.throttles.add(1, {"qcasync.endpoint": observation.endpoint})
            case WindowRead():
                self._meters.windows.add(1, {"qcasync.endpoint": observation.endpoint})
            case _:
                pass

    def _received(self, told: ResponseReceived) -> None:
        status: Attributes = {"http.response.status_code": told.status_code}
        if told.status_code >= _ERROR_STATUS:
            status["error.type"] = str(told.status_code)
        attributes = self._came_back(told.call, told.seconds, status)
        if told.clock_offset is not None and attributes is not None:
            server: Attributes = {name: attributes[name] for name in ("server.address", "server.port")}
            self._meters.clock_offset.set(told.clock_offset, server)

    def _came_back(self, call: int, seconds: float, how: Attributes) -> Attributes | None:
        """A request is over. Returns what it was sent with."""
        attributes = self._in_flight.pop(call, None)
        if attributes is not None:
            self._meters.in_flight.add(-1, attributes)
            self._meters.duration.record(seconds, attributes | how)
        return attributes


def _ending(told: CallEnded) -> Attributes:
    attributes: Attributes = {"qcasync.operation": told.operation, "qcasync.ended": told.ended}
    if told.ended not in {"ok", "cancelled"}:
        attributes["error.type"] = told.ended
    return attributes
