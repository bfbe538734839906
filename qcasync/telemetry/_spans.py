"""Calls and requests that have not ended yet, as spans. What ends is forgotten, however it ends."""

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context

from qcasync.models.observations import (
    CallBegan,
    CallEnded,
    LoadingObserved,
    RequestFailed,
    RequestSent,
    ResponseReceived,
    RetryScheduled,
    Throttled,
)
from qcasync.telemetry._attributes import Attributes, error_type, request_attributes

_ERROR_STATUS = 400


class _Call:
    """A call that is being made.

    Attributes:
        span: Its own.
        context: With its span, for the spans of its requests.
        request: The span of the request in flight; None between requests.
    """

    __slots__ = ("context", "request", "span")

    def __init__(self, span: Span) -> None:
        self.span = span
        self.context: Context = set_span_in_context(span)
        self.request: Span | None = None


class Spans:
    """The spans of calls, and of their requests.

    Args:
        tracer: Makes them.
    """

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._calls: dict[int, _Call] = {}

    def call_began(self, told: CallBegan) -> None:
        """A span begins, below the one that is current in the caller's task."""
        span = self._tracer.start_span(
            told.operation, kind=SpanKind.INTERNAL, attributes={"qcasync.endpoint": told.endpoint}
        )
        self._calls[told.call] = _Call(span)

    def call_ended(self, told: CallEnded) -> None:
        """It ends. Only an error is one: who cancels a call wants it to end."""
        call = self._calls.pop(told.call, None)
        if call is None:
            return
        call.span.set_attributes({"qcasync.ended": told.ended, "qcasync.attempts": told.attempts})
        if told.ended not in {"ok", "cancelled"}:
            call.span.set_attribute("error.type", told.ended)
            call.span.set_status(Status(StatusCode.ERROR))
        call.span.end()

    def request_sent(self, told: RequestSent) -> None:
        """A span begins below its call's."""
        call = self._calls.get(told.call)
        if call is None:
            return
        attributes: Attributes = {**request_attributes(told.url), "url.full": told.url}
        attributes["http.request.body.size"] = told.body_bytes
        if told.attempt > 1:
            attributes["http.request.resend_count"] = told.attempt - 1
        call.request = self._tracer.start_span(
            f"POST {attributes['url.template']}", call.context, kind=SpanKind.CLIENT, attributes=attributes
        )

    def response_received(self, told: ResponseReceived) -> None:
        """The request's span ends."""
        span = self._request_of(told.call)
        if span is None:
            return
        span.set_attributes({"http.response.status_code": told.status_code, "http.response.body.size": told.wire_bytes})
        if told.status_code >= _ERROR_STATUS:
            span.set_attribute("error.type", str(told.status_code))
            span.set_status(Status(StatusCode.ERROR))
        span.end()

    def request_failed(self, told: RequestFailed) -> None:
        """The request's span ends."""
        span = self._request_of(told.call)
        if span is None:
            return
        span.set_attribute("error.type", error_type(told.reason))
        span.set_status(Status(StatusCode.ERROR))
        span.end()

    def noted(self, told: RetryScheduled | LoadingObserved | Throttled) -> None:
        """An event of the call's span."""
        call = self._calls.get(told.call)
        if call is None:
            return
        match told:
            case RetryScheduled():
                call.span.add_event("qcasync.retry", {"reason": told.reason, "after": told.after, "sent": told.sent})
            case LoadingObserved():
                call.span.add_event("qcasync.loading", {} if told.progress is None else {"progress": told.progress})
            case Throttled():
                call.span.add_event("qcasync.throttled", {} if told.hint is None else {"hint": told.hint})

    def _request_of(self, number: int) -> Span | None:
        call = self._calls.get(number)
        if call is None:
            return None
        span, call.request = call.request, None
        return span
