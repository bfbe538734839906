"""The stream of changes: in sequence for each project, the next one when the one before is acknowledged.

A project whose consumer is slow waits, and the others go on. Few changes of a project are in memory; the others wait in
the checkpoint.
"""

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Final, Self

import anyio
import anyio.lowlevel
import msgspec

from qcasync.errors import ConfigurationError
from qcasync.models.changes import Change
from qcasync.models.watched import WatchedProject
from qcasync.poller.causes import one_cause
from qcasync.poller.checkpoint import Checkpoint
from qcasync.poller.store import Write
from qcasync.poller.troubles import Handler, Unacknowledged, limited, reason

PREFETCH: Final = 16
"""Changes of a project in memory."""
FULL: Final = 1000
"""Changes of a project that wait, before it is looked at no more."""
HANDLER_ATTEMPTS: Final = 20
"""How often a change is given to a handler: with the waits between them, for about a quarter of an hour."""
HANDLER_SECONDS: Final = 300.0
FIRST_WAIT: Final = 1.0
LONGEST_WAIT: Final = 60.0
"""Seconds between two attempts."""

Keep = Callable[[Callable[[None], None]], Awaitable[None]]
"""Settles a change in the checkpoint, and tells when that is done."""

logger: logging.Logger = logging.getLogger("qcasync")


class _Queue:
    """The changes of one project that wait.

    Transitions: idle -> ready -> taken -> out -> idle.
    """

    __slots__ = ("count", "is_ready", "is_taken", "last", "loaded", "out")

    def __init__(self) -> None:
        self.loaded: list[Change] = []
        self.count = 0
        self.last = 0
        self.out: Change | None = None
        self.is_ready = False
        self.is_taken = False


class Changes:
    """An async iterator over the changes of a watch. It ends when the watch does; several tasks may share it.

    A change is delivered again, after a restart, until it is acknowledged; and the project's next one comes only then.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self.drained: Callable[[int], None] = lambda _: None
        """Told when enough changes of a project were taken, so that it may be looked at again."""
        self.views: Callable[[], tuple[WatchedProject, ...]] = tuple
        """Asked for the state of the projects."""
        self._queues: dict[int, _Queue] = {}
        self._ready: deque[int] = deque()
        self._handling = 0
        self._unacknowledged = Unacknowledged()
        self._news = anyio.Event()
        self._ended = anyio.Event()

    @property
    def waiting(self) -> int:
        """How many changes are not acknowledged."""
        return sum(queue.count for queue in self._queues.values())

    @property
    def projects(self) -> tuple[WatchedProject, ...]:
        """The projects that are watched at present, as far as they are known. Costs no request."""
        return self.views()

    @property
    def stalled(self) -> str | None:
        """Why nothing is delivered at present, because the checkpoint cannot be written; None if it can."""
        return self._checkpoint.failing

    async def parked(self) -> list[tuple[Change, str]]:
        """The changes that a handler could not take, each with its error; also those of former runs."""
        return await self._checkpoint.parked()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Change:
        """The next change.

        Raises:
            StopAsyncIteration: The watch has ended.
        """
        await anyio.lowlevel.checkpoint()
        while not self._ended.is_set():
            if not self._handling:
                self._unacknowledged.hint()
            if not self._ready:
                await self._wait()
                continue
            project_id = self._ready.popleft()
            queue = self._queues[project_id]
            queue.is_ready, queue.is_taken = False, True
            try:
                change = await self._head(project_id, queue)
            except BaseException:  # cancelled: the project's turn is not lost
                queue.is_taken = False
                self._offer(project_id, queue)
                raise
            queue.is_taken, queue.out = False, change
            self._unacknowledged.delivered(project_id)
            vars(change)["_acknowledge"] = self._acknowledge
            return change
        raise StopAsyncIteration

    async def handle(
        self,
        handler: Handler,
        *,
        attempts: int = HANDLER_ATTEMPTS,
        concurrency: int = 10,
        timeout: float = HANDLER_SECONDS,
    ) -> None:
        """Give every change to a function, and acknowledge it when that returns. Returns when the watch has ended.

        The changes of a project come one after the other, those of different projects at the same time. When the
        function raises, the change is given to it again after a while, with a higher `attempt`; the project's other
        changes wait: 1, 2, 4 ... 60 seconds. After the last attempt, by default after a quarter of an hour, it is
        parked: kept aside in the checkpoint with the error.

        Args:
            handler: An async function of a change.
            attempts: How often a change is given to it.
            concurrency: How many projects are served at once.
            timeout: Seconds for an attempt, which is then cancelled and counts as failed; `math.inf` for no limit.

        Raises:
            ConfigurationError: One of them allows no attempt.
        """
        if attempts < 1 or concurrency < 1 or not timeout > 0:
            raise ConfigurationError(
                f"handle() with {attempts=}, {concurrency=}, {timeout=} would handle nothing.",
                "The first two are at least 1, and the timeout is positive.",
            )
        handler = limited(handler, timeout)
        limit = anyio.CapacityLimiter(concurrency)
        self._handling += 1
        try:
            async with one_cause() as group:
                while True:
                    async with limit:  # nobody takes a change out before somebody is free to handle it
                        pass
                    try:
                        change = await self.__anext__()
                    except StopAsyncIteration:
                        return
                    group.start_soon(self._handle, handler, change, attempts, limit)
        finally:
            self._handling -= 1

    async def _handle(self, handler: Handler, change: Change, attempts: int, limit: anyio.CapacityLimiter) -> None:
        wait = FIRST_WAIT
        for tried in range(1, attempts + 1):
            try:
                async with limit:
                    if self._ended.is_set():
                        return  # it comes again with the next watch
                    await handler(change)
            except Exception as error:  # a handler is foreign code
                logger.exception("the handler failed on change %s, attempt %d", change.key, change.attempt)
                if not self._is_out(change):
                    return  # it was acknowledged before it failed
                if tried == attempts:
                    await self._settle(change, partial(self._checkpoint.park, change, reason(error)))
                    return
                with anyio.move_on_after(wait):
                    await self._ended.wait()
                if not self._is_out(change):
                    return
                wait = min(2 * wait, LONGEST_WAIT)
                change = self._again(change)
            else:
                await self._settle(change, partial(self._checkpoint.acknowledge, change, None))
                return

    async def _settle(self, change: Change, keep: Keep) -> None:
        """Let a change that was handled be settled; if the watch has ended meanwhile, it comes again."""
        if self._ended.is_set() and self._is_out(change):
            logger.info("the watch ended while change %s was handled; it comes again with the next one", change.key)
            return
        await self._take(change, keep)

    # What the watch does

    async def load(self) -> None:
        """Take up what a former run of the watch left."""
        for project_id, count in (await self._checkpoint.waiting()).items():
            queue = self._queues.setdefault(project_id, _Queue())
            queue.count = count
            self._offer(project_id, queue)

    def committed(self, changes: Iterable[Change]) -> None:
        """New changes are kept, and may be delivered."""
        for change in changes:
            queue = self._queues.setdefault(change.project_id, _Queue())
            if queue.count == len(queue.loaded) and len(queue.loaded) < PREFETCH:
                queue.loaded.append(change)
            queue.count += 1
            self._offer(change.project_id, queue)

    def waiting_of(self, project_id: int) -> int:
        """How many changes of a project are not acknowledged."""
        queue = self._queues.get(project_id)
        return 0 if queue is None else queue.count

    def is_full(self, project_id: int) -> bool:
        """Whether so many changes of a project wait that it had better not be looked at."""
        return self.waiting_of(project_id) >= FULL

    def close(self) -> None:
        """No more changes will come."""
        self._ended.set()
        self._news.set()

    # How it is done

    async def _head(self, project_id: int, queue: _Queue) -> Change:
        if not queue.loaded:
            queue.loaded.extend(await self._checkpoint.pending(project_id, queue.last, PREFETCH))
        return queue.loaded[0]

    def _offer(self, project_id: int, queue: _Queue) -> None:
        if queue.count and queue.out is None and not (queue.is_ready or queue.is_taken):
            queue.is_ready = True
            self._ready.append(project_id)
            self._news.set()
            self._news = anyio.Event()

    async def _wait(self) -> None:
        """Wait for news, or until a hint may be due."""
        news = self._news
        with anyio.move_on_after(None if self._handling else self._unacknowledged.seconds):
            await news.wait()

    async def _acknowledge(self, change: Change, write: Write | None) -> None:
        await self._take(change, partial(self._checkpoint.acknowledge, change, write))

    async def _take(self, change: Change, keep: Keep) -> None:
        """Let a change be settled in the checkpoint, and the project's next one come."""
        queue = self._queues.get(change.project_id)
        if queue is None or not self._is_out(change):
            if queue is not None and change.sequence <= queue.last:
                return  # it was acknowledged before
            raise ConfigurationError(
                "This change is not the one to be acknowledged.", "Acknowledge each once, in turn."
            )
        if self._ended.is_set():
            raise ConfigurationError(
                "The watch has ended; the change comes again with the next one.", "Acknowledge inside the `async with`."
            )
        await keep(lambda _: self._settled(queue, change))

    def _settled(self, queue: _Queue, change: Change) -> None:
        """The checkpoint has it: the project's next change may come."""
        if not self._is_out(change):
            return  # two acknowledged it at once
        queue.out = None
        queue.last = change.sequence
        del queue.loaded[0]
        queue.count -= 1
        self._unacknowledged.acknowledged(change.project_id)
        self._offer(change.project_id, queue)
        if queue.count == FULL // 2:
            self.drained(change.project_id)

    def _is_out(self, change: Change) -> bool:
        """Whether a change is the one of its project that was delivered, and not acknowledged yet."""
        queue = self._queues.get(change.project_id)
        return queue is not None and queue.out is not None and queue.out.sequence == change.sequence

    def _again(self, change: Change) -> Change:
        """The same change for another attempt."""
        again = msgspec.structs.replace(change, attempt=change.attempt + 1)
        vars(again)["_acknowledge"] = self._acknowledge
        queue = self._queues[change.project_id]
        queue.out = queue.loaded[0] = again
        return again
