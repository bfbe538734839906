"""Several charts of a project, read at once, and handed over as they arrive."""

from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Self

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from qcasync._tasks import task_group
from qcasync.errors import ConfigurationError, QuantConnectError
from qcasync.models.charts import Chart

Item = tuple[str, Chart] | QuantConnectError


class Charts:
    """An async iterator over charts and their names, in the order in which they arrive.

    It ends when every chart was handed over, and raises if one cannot be read.

    Attributes:
        names: The charts that are read.
    """

    def __init__(
        self,
        names: Sequence[str],
        read: Callable[[str], Awaitable[Chart]],
        arrived: MemoryObjectReceiveStream[Item],
    ) -> None:
        self.names: tuple[str, ...] = tuple(names)
        self._waiting = deque(names)
        self._read = read
        self._arrived = arrived
        self._finished = False
        self._failure: QuantConnectError | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[str, Chart]:
        """The next chart, with its name.

        Raises:
            APIError: There is no such chart.
            NotReady: QuantConnect was still preparing a chart when the deadline came.
            ConfigurationError: The block of the stream was left.
        """
        if self._failure is not None:
            raise self._failure
        if self._finished:
            raise StopAsyncIteration
        try:
            item = await self._arrived.receive()
        except anyio.EndOfStream:
            self._finished = True
            raise StopAsyncIteration from None
        except anyio.ClosedResourceError:
            raise ConfigurationError("The stream was left.", "Iterate inside its `async with` block.") from None
        if isinstance(item, QuantConnectError):
            self._failure = item
            raise item
        return item

    async def work(self, arrived: MemoryObjectSendStream[Item]) -> None:
        """Read charts until none is left, each when the one before it was taken."""
        with arrived:
            while self._waiting:
                name = self._waiting.popleft()
                try:
                    chart = await self._read(name)
                except QuantConnectError as error:
                    error.add_note(f"It was the chart {name[:200]!r} that was read.")
                    self._waiting.clear()
                    await arrived.send(error)
                    return
                await arrived.send((name, chart))


@asynccontextmanager
async def open_charts(
    names: Sequence[str], read: Callable[[str], Awaitable[Chart]], workers: int
) -> AsyncGenerator[Charts, None]:
    """Read charts, `workers` at once. Leaving the block stops them. At most one chart a worker waits to be taken."""
    send, receive = anyio.create_memory_object_stream[Item](0)
    charts = Charts(names, read, receive)
    async with task_group() as group:
        with receive:
            with send:
                for _ in range(min(workers, len(names))):
                    group.start_soon(charts.work, send.clone())
            try:
                yield charts
            finally:
                group.cancel_scope.cancel()
