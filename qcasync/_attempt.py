"""One exchange in a task of its own, and within its time."""

from typing import Final

import anyio
import msgspec

from qcasync._core.phases import Fault
from qcasync.transports.protocol import Progress, Request, Response, Transport, TransportError

ATTEMPT_SECONDS: Final = 45.0


async def exchange_in_child(transport: Transport, request: Request, progress: Progress) -> Response:
    """Run one exchange in a task of its own.

    httpcore 1.0.9 loses a connection for good when a native cancellation (`task.cancel()`, `asyncio.timeout`) hits
    it; a task group turns that into the cancellation of a scope, which httpcore survives.
    """
    outcome: list[Response | Exception] = []

    async def run() -> None:
        try:
            with anyio.fail_after(ATTEMPT_SECONDS):
                outcome.append(await transport.exchange(request, progress))
        except TimeoutError:
            outcome.append(TransportError(Fault.TIMEOUT, f"no complete answer within {ATTEMPT_SECONDS:g} s"))
        except Exception as error:  # handed to the caller below, outside of the task group
            outcome.append(error)

    async with anyio.create_task_group() as group:
        group.start_soon(run)
    if not outcome:  # something below was cancelled, and not we
        raise TransportError(Fault.LOST, "the transport ended the exchange")
    result = outcome[0]
    if isinstance(result, Exception):
        raise result
    return result


def with_lower_names(response: Response) -> Response:
    """The response, as the protocol promises it: whoever wrote the transport."""
    if all(name.islower() for name in response.headers):
        return response
    return msgspec.structs.replace(response, headers={name.lower(): value for name, value in response.headers.items()})
