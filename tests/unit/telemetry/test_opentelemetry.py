"""Spans and metrics of a client in virtual time, as an SDK in memory has them."""

import asyncio
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

import qcasync
from qcasync.simulator import Conditions, FaultKind, Simulator, SimulatorTransport
from qcasync.telemetry import OpenTelemetry
from tests.canaries import find
from tests.support import EPOCH, true_time, world

pytestmark = pytest.mark.anyio

K = FaultKind
SERVER = {"server.address": "www.quantconnect.com", "server.port": 443}
ORDERS = "live/orders/read"


@dataclass
class Kit:
    """An SDK that keeps everything in memory, and the observer that tells it."""

    exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    reader: InMemoryMetricReader = field(default_factory=InMemoryMetricReader)

    _points: dict[tuple[str, str], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meters = MeterProvider([self.reader], shutdown_on_exit=False)
        self.observer = OpenTelemetry(self.tracers, self.meters)

    @property
    def spans(self) -> list[ReadableSpan]:
        """Those that ended, in the order in which they did."""
        return list(self.exporter.get_finished_spans())

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]

    def children(self, parent: ReadableSpan) -> list[ReadableSpan]:
        """The spans below one."""
        assert parent.context is not None
        return [span for span in self.spans if span.parent and span.parent.span_id == parent.context.span_id]

    def points(self, name: str) -> list[tuple[dict[str, Any], Any]]:
        """The values of a metric, by their attributes, as they were last told: some SDKs tell a gauge once."""
        data = self.reader.get_metrics_data()
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.data.data_points:
                        self._points[metric.name, str(point.attributes)] = point
        return [(dict(point.attributes), point) for (metric, _), point in self._points.items() if metric == name]

    def total(self, name: str, **attributes: object) -> float:
        """A metric's sum, over the points with these attributes."""
        wanted = {key.replace("_", "."): value for key, value in attributes.items()}
        return sum(point.value for found, point in self.points(name) if found.items() >= wanted.items())

    def holds_nothing(self) -> bool:
        """Whether every span ended, and the observer remembers none."""
        return not self.observer._spans._calls and not self.observer._in_flight


@contextmanager
def kit() -> Iterator[Kit]:
    """Everything that began has ended when the test has."""
    it = Kit()
    yield it
    assert it.holds_nothing()
    assert all(point.value == 0 for _, point in it.points("http.client.active_requests"))
    for span in it.spans:
        assert find(span.to_json()) is None


async def test_a_call_and_its_request() -> None:
    with kit() as it:
        async with world(Conditions(latency=0.25)) as here:
            client = told_by(here.simulator, it)
            project = here.simulator.add_project([3])
            with it.tracers.get_tracer("a user").start_as_current_span("the user's"):
                await client.live.read(project.id)
        (request, call, users) = it.spans
        assert (users.name, users.parent) == ("the user's", None)
        assert (call.name, call.kind, call.status.status_code) == (
            "READ_LIVE_ALGORITHM",
            SpanKind.INTERNAL,
            StatusCode.UNSET,
        )
        assert it.children(users) == [call]
        assert it.children(call) == [request]
        assert call.attributes == {"qcasync.endpoint": "live/read", "qcasync.ended": "ok", "qcasync.attempts": 1}
        assert (request.name, request.kind) == ("POST /api/v2/live/read", SpanKind.CLIENT)
        assert request.attributes is not None
        assert dict(request.attributes) == {
            **SERVER,
            "http.request.method": "POST",
            "url.full": "https://www.quantconnect.com/api/v2/live/read",
            "url.template": "/api/v2/live/read",
            "http.request.body.size": len(f'{{"projectId":{project.id}}}'),
            "http.response.status_code": 200,
            "http.response.body.size": request.attributes["http.response.body.size"],
        }
        ((attributes, point),) = it.points("http.client.request.duration")
        assert attributes == {
            **SERVER,
            "http.request.method": "POST",
            "url.template": "/api/v2/live/read",
            "http.response.status_code": 200,
        }
        assert (point.count, point.sum) == (1, pytest.approx(0.25))
        assert point.explicit_bounds == (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
        ((attributes, point),) = it.points("qcasync.clock.offset")
        assert attributes == SERVER
        assert abs(point.value) < 2


def told_by(simulator: Simulator, *kits: Kit, **options: Any) -> qcasync.Client:
    """A client whose observers are the kits'."""
    clock = qcasync.Clock(wall=true_time, mono=anyio.current_time, counts_suspend=True)
    return qcasync.Client(
        simulator.user_id,
        simulator.api_token,
        transport=SimulatorTransport(simulator, true_time),
        clock=clock,
        observers=[each.observer for each in kits],
        **options,
    )


async def test_retries_waits_and_throttles() -> None:
    with kit() as it:
        simulator = Simulator(1, EPOCH, conditions=Conditions(loading=2))
        project = simulator.add_project([30])
        client = told_by(simulator, it)
        simulator.fault(K.EMPTY_500, path=ORDERS)
        simulator.fault(K.RETRY_AFTER_429, path=ORDERS, nth=2)
        simulator.fault(K.RESET_BEFORE_ANSWER, path=ORDERS, nth=4)
        await client.live.read_orders(project.id, 0, 10)
        (call,) = it.named("READ_LIVE_ORDERS")
        requests = it.named("POST /api/v2/live/orders/read")
        assert it.children(call) == requests
        assert [span.attributes.get("http.response.status_code") for span in requests if span.attributes] == [
            500,
            429,
            200,
            None,
            200,
        ]
        assert [span.attributes.get("error.type") for span in requests if span.attributes] == [
            "500",
            "429",
            None,
            "lost",
            None,
        ]
        assert [span.attributes.get("http.request.resend_count") for span in requests if span.attributes] == [
            None,
            1,
            2,
            None,
            1,
        ]
        assert [span.status.is_ok for span in requests] == [False, False, True, False, True]
        assert [event.name for event in call.events] == [
            "qcasync.retry",
            "qcasync.throttled",
            "qcasync.retry",
            "qcasync.loading",
            "qcasync.retry",
        ]
        assert call.attributes is not None
        assert call.attributes["qcasync.attempts"] == 5
        assert it.total("qcasync.retries") == 3
        assert it.total("qcasync.loading_waits") == 1
        assert it.total("qcasync.throttles") == 1
        assert it.total("qcasync.calls", qcasync_ended="ok") == 1
        counts = {
            attributes.get("error.type"): point.count for attributes, point in it.points("http.client.request.duration")
        }
        assert counts == {None: 2, "500": 1, "429": 1, "lost": 1}


async def test_concurrent_calls_do_not_mix() -> None:
    """Each call is below the span of the task that makes it, and its requests below it; the windows as well."""
    with kit() as it:
        simulator = Simulator(1, EPOCH, conditions=Conditions(latency=0.5, fault_rate=0.3))
        projects = [simulator.add_project([count]) for count in (250, 330, 40, 120, 60)]
        client = told_by(simulator, it)
        tracer = it.tracers.get_tracer("a user")

        async def read(number: int) -> None:
            with tracer.start_as_current_span(f"user {number}"):
                await client.live.list_orders(projects[number].id)

        async with anyio.create_task_group() as group:
            for number in range(len(projects)):
                group.start_soon(read, number)
        for number, count in enumerate((250, 330, 40, 120, 60)):
            (users,) = it.named(f"user {number}")
            windows = it.children(users)
            assert {span.name for span in windows} == {"READ_LIVE_ORDERS"}
            assert len(windows) > count / 100
            for window in windows:
                requests = it.children(window)
                assert window.attributes is not None
                assert len(requests) == window.attributes["qcasync.attempts"]
                assert {span.name for span in requests} <= {"POST /api/v2/live/orders/read"}
        assert len(it.named("POST /api/v2/live/orders/read")) == client.statistics().attempts
        assert it.total("qcasync.windows") == client.statistics().windows > 8


async def test_an_error_ends_both_spans() -> None:
    with kit() as it:
        simulator = Simulator(1, EPOCH)
        client = told_by(simulator, it)
        with pytest.raises(qcasync.NotFoundError):
            await client.live.read(12345)
        simulator.fault(K.REFUSED, times=math.inf)
        with pytest.raises(qcasync.RequestError):
            await client.authenticate()
        missing, login = it.named("READ_LIVE_ALGORITHM") + it.named("AUTHENTICATE")
        assert missing.attributes is not None
        assert login.attributes is not None
        assert (missing.attributes["error.type"], missing.status.status_code) == ("NotFoundError", StatusCode.ERROR)
        assert (login.attributes["error.type"], login.status.description) == ("RequestError", None)
        assert [span.status.is_ok for span in it.children(missing)] == [True]  # HTTP's part went well
        unreachable = it.children(login)
        assert [span.attributes["error.type"] for span in unreachable if span.attributes] == ["unreachable"] * 4
        assert it.total("qcasync.calls", error_type="NotFoundError") == 1


@pytest.mark.parametrize("seconds", [0.0, 0.1, 3.0])
async def test_a_cancelled_call_leaves_nothing_behind(seconds: float) -> None:
    """In flight, or waiting for its turn: its spans end, and are no errors of the call."""
    with kit() as it:
        simulator = Simulator(1, EPOCH)
        client = told_by(simulator, it, max_concurrency=1)
        await client.authenticate()
        simulator.fault(K.HANG, times=math.inf)
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(client.live.list)
            await anyio.sleep(seconds)
            group.cancel_scope.cancel()
        calls = it.named("LIST_LIVE_ALGORITHMS")
        assert len(calls) == client.statistics().calls.get("LIST_LIVE_ALGORITHMS", qcasync.CallStatistics()).begun
        assert {span.status.status_code for span in calls} <= {StatusCode.UNSET}
        assert {span.attributes["qcasync.ended"] for span in calls if span.attributes} <= {"cancelled"}
        hung = [span for span in it.named("POST /api/v2/live/list") if span.attributes]
        assert [span.attributes["error.type"] for span in hung if span.attributes] == ["cancelled"] * len(hung)
        assert len(hung) == 1 or seconds == 0.0  # at once: trio may not have come to it


async def test_a_native_cancellation_too(anyio_backend_name: str) -> None:
    if anyio_backend_name != "asyncio":
        pytest.skip("trio lets nobody but a scope cancel")
    with kit() as it:
        simulator = Simulator(1, EPOCH)
        client = told_by(simulator, it)
        simulator.fault(K.HANG, times=math.inf)
        task = asyncio.ensure_future(client.authenticate())
        await asyncio.sleep(1)
        assert not it.holds_nothing()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(it.spans) == 2


class Defective(SpanProcessor):
    """Somebody's own, with a defect."""

    def on_end(self, span: ReadableSpan) -> None:
        raise ZeroDivisionError(span.name)


async def test_a_processor_that_raises_costs_no_metric(caplog: pytest.LogCaptureFixture) -> None:
    """What ended is counted, and forgotten."""
    with kit() as it:
        it.tracers.add_span_processor(Defective())
        client = told_by(Simulator(1, EPOCH), it)
        for _ in range(3):
            await client.authenticate()
        assert it.total("qcasync.calls", qcasync_ended="ok") == 3
        assert sum(point.count for _, point in it.points("http.client.request.duration")) == 3
        assert caplog.text.count("an observer failed on CallEnded") == 3


async def test_clients_may_share_one() -> None:
    """Calls are numbered through all clients, so that nothing of one ends a span of another."""
    with kit() as it:
        simulator = Simulator(1, EPOCH, conditions=Conditions(latency=1.0))
        clients = [told_by(simulator, it) for _ in range(3)]
        async with anyio.create_task_group() as group:
            for each in clients:
                group.start_soon(each.authenticate)
        assert [len(it.children(span)) for span in it.named("AUTHENTICATE")] == [1, 1, 1]


async def test_a_login_for_the_time_belongs_to_its_call() -> None:
    """A refusal without a date: one login asks for nothing but the time."""
    with kit() as it:
        simulator = Simulator(1, EPOCH, conditions=Conditions(send_date=False))
        project = simulator.add_project([1])
        client = told_by(simulator, it)
        simulator.account.api_token = "another"
        with pytest.raises(qcasync.QuantConnectError):
            await client.live.read(project.id)
        (call,) = it.named("READ_LIVE_ALGORITHM")
        assert [span.name for span in it.children(call)] == ["POST /api/v2/live/read", "POST /api/v2/authenticate"]


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install; importing us needs none of it."""
    for name in ("opentelemetry.trace", "opentelemetry.metrics", "opentelemetry"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(qcasync.ConfigurationError, match=r"pip install 'qcasync\[otel\]'"):
        OpenTelemetry()


async def test_without_an_sdk_it_costs_nothing_and_tells_nobody() -> None:
    """The global providers, before anybody has set them."""
    observer = OpenTelemetry()
    simulator = Simulator(1, EPOCH)
    clock = qcasync.Clock(wall=true_time, mono=anyio.current_time, counts_suspend=True)
    client = qcasync.Client(
        simulator.user_id,
        simulator.api_token,
        transport=SimulatorTransport(simulator, true_time),
        clock=clock,
        observers=[observer],
    )
    await client.authenticate()
    assert not observer._spans._calls
