"""Event loops, and the transports that run on each."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass

import anyio
import anyio.lowlevel

from qcasync.transports._pooled import PooledTransport
from qcasync.transports.aiohttp import AiohttpTransport
from qcasync.transports.httpx import HttpxTransport
from qcasync.transports.httpx2 import Httpx2Transport
from qcasync.transports.protocol import Transport

LIBRARIES: dict[str, Callable[..., Transport]] = {
    "httpx": HttpxTransport,
    "httpx2": Httpx2Transport,
    "aiohttp": AiohttpTransport,
}


@dataclass(frozen=True)
class Stack:
    """An event loop and an HTTP library."""

    backend: str
    library: str

    def transport(self, max_connections: int = 2, *, ssl_context: ssl.SSLContext | None = None) -> Transport:
        """A transport with so many connections."""
        return LIBRARIES[self.library](max_connections, ssl_context=ssl_context)

    def __str__(self) -> str:
        return f"{self.backend}-{self.library}"


STACKS = [
    Stack("asyncio", "httpx"),
    Stack("asyncio", "httpx2"),
    Stack("asyncio", "aiohttp"),
    Stack("trio", "httpx"),
    Stack("trio", "httpx2"),
]
ON_ASYNCIO = [stack for stack in STACKS if stack.backend == "asyncio"]


async def none_busy(transport: Transport, patience: float = 1.0) -> bool:
    """Whether every connection is idle or gone, soon. Looks inside: no library tells."""
    with anyio.move_on_after(patience):
        while _busy(transport):
            await anyio.lowlevel.checkpoint()
    return not _busy(transport)


def _busy(transport: Transport) -> int:
    if isinstance(transport, AiohttpTransport):
        session = transport._session
        return 0 if session is None or session.connector is None else len(session.connector._acquired)
    assert isinstance(transport, PooledTransport)
    connections = [each for pool in transport._pools for each in pool._pool.connections]
    return sum(not (each.is_idle() or each.is_closed()) for each in connections)
