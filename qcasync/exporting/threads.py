"""Work that blocks, in a worker thread that is never left to itself."""

import threading
from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

from qcasync._tasks import task_group

T = TypeVar("T")


class StoppedError(Exception):
    """Work ended early, because it was told to."""


async def in_thread(work: Callable[[], T]) -> T:
    """Do it in a thread, and return when it is done; also when cancelled, be it by the event loop's own means."""
    done: list[T] = []

    async def do() -> None:
        with anyio.CancelScope(shield=True):
            done.append(await anyio.to_thread.run_sync(work))

    async with task_group() as group:  # a native cancellation reaches us, and not the task
        group.start_soon(do)
    return done[0]


async def in_thread_until(work: Callable[[threading.Event], T]) -> T:
    """The same for long work: where the event is set it is to raise `StoppedError`, which goes no further."""
    stop = threading.Event()
    done: list[T] = []

    async def tell() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            stop.set()

    def stoppable() -> None:
        try:
            done.append(work(stop))
        except StoppedError:
            return

    async with task_group() as group:
        group.start_soon(tell)
        await in_thread(stoppable)
        group.cancel_scope.cancel()
    await anyio.lowlevel.checkpoint()  # if it was stopped, we were cancelled
    return done[0]
