"""The simulator behind the transport protocol: no sockets, the same evidence.

The only module here that knows anything of the client: the protocol.
"""

import time
from collections.abc import Callable
from typing import Final

import anyio
import anyio.lowlevel

from qcasync.simulator.faults import FaultKind
from qcasync.simulator.frontdoor import Answer
from qcasync.simulator.simulator import Simulator
from qcasync.transports.protocol import Fault, Phase, Progress, Request, Response, TransportError

_SCHEME_END = "://"


class SimulatorTransport:
    """A transport whose server is a `Simulator` in the same process.

    Works on asyncio and trio, and under virtual time: it waits with `anyio.sleep` only.

    Args:
        simulator: What answers.
        now: The true Unix time; the process's clock unless given.
        read_timeout: Seconds without an answer after which the exchange fails, as an HTTP library's would. None: waits.

    Attributes:
        in_flight: Exchanges under way.
        max_in_flight: The most there ever were.
    """

    marks_phases: Final = True

    def __init__(
        self, simulator: Simulator, now: Callable[[], float] = time.time, *, read_timeout: float | None = None
    ) -> None:
        self._simulator = simulator
        self._now = now
        self._read_timeout = read_timeout
        self._closed = False
        self.in_flight: int = 0
        self.max_in_flight: int = 0

    async def exchange(self, request: Request, progress: Progress, /) -> Response:
        """Let the simulator answer `request`, after its delay.

        The request arrives as soon as it is sent: a call that is cancelled while it waits has had its effect.

        Raises:
            TransportError: The answer carries a fault of the connection, is too large, or takes too long.
            RuntimeError: The transport is closed.
        """
        if self._closed:
            message = "this transport is closed"
            raise RuntimeError(message)
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        try:
            return await self._exchange(request, progress)
        finally:
            self.in_flight -= 1

    async def aclose(self) -> None:
        """Refuse further exchanges. Idempotent."""
        self._closed = True
        await anyio.lowlevel.checkpoint()

    async def _exchange(self, request: Request, progress: Progress) -> Response:
        await anyio.lowlevel.checkpoint()
        answer = self._simulator.handle(
            request.method, _target(request.url), request.headers, request.body, self._now()
        )
        if answer.fault is FaultKind.REFUSED:
            raise TransportError(Fault.UNREACHABLE, "connection refused (simulated)")
        progress.reached(Phase.PARTLY_SENT)
        progress.reached(Phase.SENT)
        await self._wait(answer)
        if answer.fault is FaultKind.RESET_BEFORE_ANSWER:
            raise TransportError(Fault.LOST, "connection reset before an answer (simulated)")
        progress.reached(Phase.ANSWERING)
        if answer.fault is FaultKind.RESET_IN_BODY:
            raise TransportError(Fault.DAMAGED, "connection reset in the body (simulated)")
        if len(answer.body) > request.max_body_bytes:
            raise TransportError(Fault.TOO_LARGE, f"more than {request.max_body_bytes} bytes")
        await anyio.lowlevel.checkpoint()
        progress.reached(Phase.ANSWERED)
        return Response(
            status_code=answer.status, headers=_joined(answer), body=answer.body, wire_bytes=len(answer.body)
        )

    async def _wait(self, answer: Answer) -> None:
        timeout = self._read_timeout
        delay = float("inf") if answer.fault is FaultKind.HANG else answer.delay
        if timeout is not None and delay > timeout:
            await anyio.sleep(timeout)
            raise TransportError(Fault.TIMEOUT, f"nothing for {timeout:g} s (simulated)")
        if delay == float("inf"):
            await anyio.sleep_forever()
        await anyio.sleep(delay)


def _target(url: str) -> str:
    _, _, rest = url.partition(_SCHEME_END)
    _, _, target = rest.partition("/")
    return "/" + target


def _joined(answer: Answer) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in answer.headers:
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
