"""Looks at the orders of one project: the core plans and compares, this reads and keeps."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import anyio
import msgspec

from qcasync._core.decoding import Loading, Refusal
from qcasync._core.digests import FORM, digest_of
from qcasync._core.endpoints import READ_LIVE_ORDERS, Endpoint
from qcasync._core.order_cycle import OrderCycle
from qcasync._core.order_follower import OrderFollower, keys_of
from qcasync._core.placing import OrderMemory, Placed
from qcasync._core.repetitions import LearnedAnswers, told_with, untold
from qcasync._core.requests import ReadLiveOrders
from qcasync._core.window_steps import Broken, Complete, LookAgain, Trouble, Wait, Window
from qcasync._core.windows import WARMING_LIMIT
from qcasync._tasks import task_group
from qcasync.errors import IncompleteRead, NotReady, QuantConnectError
from qcasync.models.changes import Gap
from qcasync.models.orders import OrderPage
from qcasync.models.quarantine import Quarantined
from qcasync.poller.keeping import Keeper
from qcasync.poller.reader import Reader
from qcasync.poller.store import Facts, QuarantinedEntry

ABOUT: Final = "orders"
AT_ONCE: Final = 4
"""Windows of one project in flight."""


class _Answer(msgspec.Struct, frozen=True):
    """A page, and what tells its body from others in this process."""

    page: OrderPage
    mark: int


class _Kept(msgspec.Struct, kw_only=True):
    """The memory of a project's orders, as it is kept.

    Attributes:
        form: How this release of the library digests orders and events.
        unreadable: Indexes of the entries of which it was told that they cannot be decoded.
    """

    memory: OrderMemory
    form: str
    unreadable: tuple[int, ...] = ()


class OrdersLook:
    """What is looked at when the orders of a project are due.

    Args:
        project_id: The project.
        reader: Reads.
        keeper: Keeps, and passes changes on.
        told_since: Orders of before this Unix time are a baseline; None tells everything.
    """

    def __init__(self, project_id: int, reader: Reader, keeper: Keeper, told_since: float | None) -> None:
        self.project_id = project_id
        self._reader = reader
        self._keeper = keeper
        self._told_since = told_since
        self._kept = keeper.memory(project_id, ABOUT, _Kept)
        self._follower: OrderFollower | None = None
        self._cycle: OrderCycle | None = None
        self._news = False
        self.ended: Mapping[str, float | None] = {}
        """The project's deployments that have ended, with the Unix times at which they did."""
        self._wanted = 0
        self._unreadable: tuple[int, ...] = ()
        self._learned = LearnedAnswers()

    @property
    def complete_through(self) -> float | None:
        """When the latest complete reading began, in the server's Unix seconds."""
        if self._follower is not None:
            return self._follower.memory.complete_through
        return None if self._kept is None else self._kept.memory.complete_through

    @property
    def has_baseline(self) -> bool:
        """Whether everything was read once."""
        return self.complete_through is not None

    @property
    def counts(self) -> tuple[int | None, int]:
        """How many orders are known, or None before they were read; and to how many something may still happen."""
        if self._follower is None:
            return None, 0
        return self._follower.memory.frontier, self._follower.open_count

    def read_everything(self, times: int) -> None:
        """Read everything in the next looks."""
        if self._follower is None:
            self._wanted = times
        else:  # what is being read at the moment may be from before
            self._follower.read_everything(times + (self._cycle is not None))

    async def look(self, *, timeout: float | None) -> bool | float:
        """Look once. Returns whether there was news; or when to go on, if the plan wants to wait.

        Raises:
            QuantConnectError: Something could not be read; what was read is kept.
        """
        follower = self._follower or await self._begin()
        if self._cycle is None:
            self._cycle, self._news = follower.look(anyio.current_time()), False
        try:
            later = await self._go_on(follower, self._cycle, timeout)
        except QuantConnectError:
            await self._end(follower)
            raise
        except Exception:  # a defect of ours: what is in flight will never be told
            self._cycle = None
            raise
        if later is not None:
            return later
        await self._end(follower)
        return self._news

    async def _begin(self) -> OrderFollower:
        kept = self._kept
        records = await self._keeper.open_orders(self.project_id) if kept is not None else []
        self._unreadable = () if kept is None else kept.unreadable
        self._follower = follower = OrderFollower(
            self.project_id,
            None if kept is None else kept.memory,
            records,
            told_since=self._told_since,
            quiet=kept is not None and kept.form != FORM,
        )
        follower.read_everything(self._wanted)
        self._kept = None
        return follower

    async def _go_on(self, follower: OrderFollower, cycle: OrderCycle, timeout: float | None) -> float | None:
        while True:
            windows: list[Window] = []
            step = cycle.next_step(anyio.current_time())
            while isinstance(step, Window):
                windows.append(step)
                if len(windows) == AT_ONCE or cycle.began_at is None:  # the first one wakes the server's cache
                    break
                step = cycle.next_step(anyio.current_time())
            if windows:
                await self._read(follower, cycle, windows, timeout)
                continue
            match step:
                case LookAgain(at):
                    return at
                case Broken(trouble):
                    raise self._broken(trouble)
                case Complete() | Wait() | Window():
                    return None

    async def _read(
        self, follower: OrderFollower, cycle: OrderCycle, windows: list[Window], timeout: float | None
    ) -> None:
        answers: dict[Window, tuple[_Answer, float]] = {}
        errors: list[QuantConnectError] = []

        async def read(window: Window) -> None:
            request = ReadLiveOrders(project_id=self.project_id, start=window.start, end=window.end)
            try:
                answers[window] = await self._reader.read(_WITH_MARK, request, timeout=timeout)
            except QuantConnectError as error:
                cycle.window_abandoned(window)
                errors.append(error)

        if len(windows) == 1:
            await read(windows[0])
        else:
            async with task_group() as group:
                for window in windows:
                    group.start_soon(read, window)
        for window, (answer, at) in sorted(answers.items(), key=lambda answer: answer[0].start):
            page = answer.page
            placed = cycle.page_received(window, list(page.rows()), page.length, at, anyio.current_time())
            if self._learned.has(window, answer.mark):
                follower.see_again(placed)
                continue
            is_taught = await self._keep(follower, placed, at)
            if is_taught and len(placed) == page.count:  # or the same answer may teach more the next time
                self._learned.add(window, answer.mark)
        if errors:
            raise errors[0]

    async def _keep(self, follower: OrderFollower, placed: list[Placed], at: float) -> bool:
        """Compare what came with what is known, keep what is new, and only then believe it.

        Returns whether that was all: what seems to be an older version now may be believed later.
        """
        known = await self._keeper.orders(self.project_id, keys_of(placed))
        learned = follower.learn(placed, known, at)
        fresh = untold(self._unreadable, learned.unreadable)
        if not (learned.records or learned.changes or fresh):
            return not learned.stale
        self._news = self._news or bool(learned.changes)
        unreadable = told_with(self._unreadable, fresh, placed)
        facts = Facts(
            project_id=self.project_id,
            memories={ABOUT: _encode(follower.memory_now(), unreadable)},
            orders=learned.records,
            changes=(*learned.changes, *(self._gap(index, entry, at) for index, entry in fresh)),
            quarantined=[
                QuarantinedEntry(index=index, digest=digest_of(entry.raw), reason=entry.reason, raw=entry.raw)
                for index, entry in fresh
            ],
        )
        await self._keeper.keep(facts)
        self._unreadable = unreadable
        follower.adopt(learned.records)
        return not learned.stale

    def _gap(self, index: int, entry: Quarantined, at: float) -> Gap:
        return Gap(
            project_id=self.project_id,
            key=f"unreadable:{self.project_id}:{index}:{digest_of(entry.raw).hex()}",
            observed_at=datetime.fromtimestamp(at, UTC),
            what="order",
            deploy_id=None,
            detail=f"The entry at index {index} cannot be decoded ({entry.reason}). "
            "Its bytes are kept in the checkpoint, and every complete reading tries it again.",
        )

    async def _end(self, follower: OrderFollower) -> None:
        cycle, self._cycle = self._cycle, None
        assert cycle is not None  # noqa: S101 (a look that ends has begun)
        memory, gaps = follower.finish(cycle, anyio.current_time(), self.ended)
        if gaps or memory.says_more_than(follower.memory):
            content = _encode(memory, self._unreadable)
            await self._keeper.keep(Facts(project_id=self.project_id, memories={ABOUT: content}, changes=gaps))
        follower.finished(memory)

    def _broken(self, trouble: Trouble) -> QuantConnectError:
        if trouble is Trouble.WARMING:
            return NotReady(READ_LIVE_ORDERS.path, None, WARMING_LIMIT)
        return IncompleteRead(READ_LIVE_ORDERS.path, trouble.value, (), ())


def _read_with_mark(body: bytes) -> _Answer | Loading | Refusal:
    answer = READ_LIVE_ORDERS.read(body)
    return _Answer(answer, hash(body)) if isinstance(answer, OrderPage) else answer


_WITH_MARK: Final[Endpoint[_Answer]] = READ_LIVE_ORDERS.reading(_read_with_mark)


def _encode(memory: OrderMemory, unreadable: tuple[int, ...]) -> bytes:
    return msgspec.json.encode(_Kept(memory=memory, form=FORM, unreadable=unreadable))
