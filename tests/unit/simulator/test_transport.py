import anyio
import pytest

from qcasync.simulator import FaultKind, Simulator, SimulatorTransport
from qcasync.transports.protocol import (
    Fault,
    Phase,
    Progress,
    Request,
    Transport,
    TransportError,
)

from .calling import sign_for

pytestmark = pytest.mark.anyio


def make_request(simulator: Simulator, path: str = "authenticate", body: bytes = b"{}", limit: int = 2**20) -> Request:
    headers = tuple(sign_for(simulator).items())
    return Request(url=f"https://www.quantconnect.com/api/v2/{path}", headers=headers, body=body, max_body_bytes=limit)


@pytest.fixture
def transport(simulator: Simulator) -> SimulatorTransport:
    return SimulatorTransport(simulator, lambda: simulator.now)


async def test_an_exchange(simulator: Simulator, transport: SimulatorTransport) -> None:
    simulator.conditions.latency = 0.5
    progress = Progress(anyio.current_time)
    started = anyio.current_time()
    response = await transport.exchange(make_request(simulator), progress)
    assert (response.status_code, response.body, response.wire_bytes) == (200, b'{"success":true}', 16)
    assert response.headers["date"] == "Sun, 15 Jun 2025 15:06:40 GMT"
    assert progress.phase is Phase.ANSWERED
    assert progress.sent_at == started
    assert progress.answered_at == pytest.approx(started + 0.5)


async def test_a_query_travels(simulator: Simulator, transport: SimulatorTransport) -> None:
    project = simulator.add_project([3])
    request = make_request(simulator, f"live/read?projectId={project.id}", b"")
    response = await transport.exchange(request, Progress(anyio.current_time))
    assert b'"status":"Running"' in response.body


async def test_it_is_a_transport(transport: SimulatorTransport) -> None:
    assert isinstance(transport, Transport)


@pytest.mark.parametrize(
    ("kind", "fault", "phase"),
    [
        (FaultKind.REFUSED, Fault.UNREACHABLE, Phase.NOT_SENT),
        (FaultKind.RESET_BEFORE_ANSWER, Fault.LOST, Phase.SENT),
        (FaultKind.RESET_IN_BODY, Fault.DAMAGED, Phase.ANSWERING),
        (FaultKind.HANG, Fault.TIMEOUT, Phase.SENT),
        (FaultKind.SLOW, Fault.TIMEOUT, Phase.SENT),
    ],
)
async def test_faults_with_the_phase_they_strike_in(
    simulator: Simulator, kind: FaultKind, fault: Fault, phase: Phase
) -> None:
    transport = SimulatorTransport(simulator, lambda: simulator.now, read_timeout=10.0)
    simulator.fault(kind)
    progress = Progress(anyio.current_time)
    with pytest.raises(TransportError) as caught:
        await transport.exchange(make_request(simulator), progress)
    assert (caught.value.fault, progress.phase) == (fault, phase)
    await transport.exchange(make_request(simulator), Progress(anyio.current_time))


async def test_without_a_timeout_a_hang_lasts_until_cancelled(
    simulator: Simulator, transport: SimulatorTransport
) -> None:
    simulator.fault(FaultKind.HANG)
    progress = Progress(anyio.current_time)
    with anyio.move_on_after(3600) as scope:
        await transport.exchange(make_request(simulator), progress)
    assert scope.cancelled_caught
    assert progress.phase is Phase.SENT
    assert transport.in_flight == 0


async def test_a_body_over_the_limit(simulator: Simulator, transport: SimulatorTransport) -> None:
    with pytest.raises(TransportError) as caught:
        await transport.exchange(make_request(simulator, limit=15), Progress(anyio.current_time))
    assert caught.value.fault is Fault.TOO_LARGE


async def test_requests_in_flight_are_counted(simulator: Simulator, transport: SimulatorTransport) -> None:
    simulator.conditions.latency = 1.0

    async def ask() -> None:
        await transport.exchange(make_request(simulator), Progress(anyio.current_time))

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(ask)
    assert (transport.in_flight, transport.max_in_flight) == (0, 5)


async def test_a_cancelled_command_has_had_its_effect(simulator: Simulator, transport: SimulatorTransport) -> None:
    project = simulator.add_project([3])
    simulator.conditions.latency = 10.0
    with anyio.move_on_after(1):
        body = b'{"projectId":%d}' % project.id
        request = make_request(simulator, "live/update/stop", body)
        await transport.exchange(request, Progress(anyio.current_time))
    assert [effect.kind for effect in simulator.ledger.effects] == ["stop"]


async def test_closed(simulator: Simulator, transport: SimulatorTransport) -> None:
    await transport.aclose()
    await transport.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await transport.exchange(make_request(simulator), Progress(anyio.current_time))
