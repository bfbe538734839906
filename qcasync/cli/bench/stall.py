"""For how long a decoding keeps everything else in the process from running.

A heart beats every millisecond in the event loop. It is late by what the decoding, in the loop or in a thread beside
it, does in one piece; the worst gap between two beats is what a web server's users would have waited.
"""

import asyncio
import contextlib
import gc
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Final

import msgspec

import qcasync
from qcasync.transports.protocol import Phase, Progress, Request, Response

_BEAT: Final = 0.001
_SETTLED: Final = 0.02


class Stalls(msgspec.Struct, frozen=True):
    """The worst gaps between two beats, in seconds, one of each read.

    Attributes:
        inline: While orjson decodes in the event loop; empty if it is not installed.
        client: While a client reads.
    """

    inline: tuple[float, ...]
    client: tuple[float, ...]


class FixedTransport:
    """A transport that has the answer already: whatever is asked, the same body.

    Args:
        body: Of every answer.
    """

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def exchange(self, request: Request, progress: Progress, /) -> Response:  # noqa: ARG002 - the protocol's
        """Answer."""
        progress.reached(Phase.SENT)
        await asyncio.sleep(0)
        progress.reached(Phase.ANSWERED)
        return Response(status_code=200, body=self._body, wire_bytes=len(self._body))

    async def aclose(self) -> None:
        """Do nothing: there is nothing to close."""


def measure_all(body: bytes, reads: int) -> Stalls:
    """Measure in an event loop of its own.

    Args:
        body: An answer of live/read.
        reads: How often each way reads it, after a first time that does not count.
    """
    return asyncio.run(_measure_all(body, reads))


async def _measure_all(body: bytes, reads: int) -> Stalls:
    inline: list[float] = []
    client: list[float] = []
    transport = FixedTransport(body)
    async with qcasync.Client(1, "benchmark", base_url="https://localhost/", transport=transport) as qc:

        async def read() -> object:
            return await qc.live.read(1)

        for number in range(reads + 1):
            gaps = [await _worst_gap(read)]
            if find_spec("orjson") is not None:
                loads = import_module("orjson").loads

                async def decode() -> object:
                    return loads(body)  # noqa: B023 - awaited before the next turn

                gaps.append(await _worst_gap(decode))
            if number:
                client.append(gaps[0])
                inline += gaps[1:]
    return Stalls(tuple(inline), tuple(client))


async def _worst_gap(work: Callable[[], Awaitable[object]]) -> float:
    gc.collect()
    async with _heart() as gaps:
        result = await work()
    del result  # letting go of it is not decoding
    return max(gaps)


@contextlib.asynccontextmanager
async def _heart() -> AsyncGenerator[list[float], None]:
    gaps: list[float] = []

    async def beat() -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(_BEAT)
            now = time.perf_counter()
            gaps.append(now - last)
            last = now

    task = asyncio.create_task(beat())
    await asyncio.sleep(_SETTLED)
    gaps.clear()
    yield gaps
    await asyncio.sleep(_SETTLED)
    task.cancel()
