"""A QuantConnect for measuring watches: answers made from a formula, in no time that counts and no memory that grows.

It runs in virtual time, in the process that is measured; what it costs itself is measured and taken off.
"""

import asyncio
import email.utils
import random
import selectors
import time
from collections import Counter
from typing import Any

import anyio
import msgspec

from qcasync.transports.protocol import Fault, Phase, Progress, Request, Response, TransportError

EPOCH = 1_750_000_000.0
LATENCY = 0.1

_ORDER = (
    '{"type":0,"id":%d,"contingentId":0,"brokerId":["%d"],"symbol":{"value":"SPY","id":"SPY R735QTJ8XC9X",'
    '"permtick":"SPY"},"price":501.2,"priceCurrency":"USD","time":"%s","createdTime":"%s","lastFillTime":"%s",'
    '"quantity":10.0,"status":%d,"tag":"entry","properties":{"timeInForce":{}},"securityType":1,"direction":0,'
    '"value":5012.0,"orderSubmissionData":{"bidPrice":501.1,"askPrice":501.3,"lastPrice":501.2},"isMarketable":true,'
    '"priceAdjustmentMode":1,"events":[%s]}'
)
_EVENT = (
    '{"id":"%s-%d-%d","algorithmId":"%s","orderId":%d,"orderEventId":%d,"symbol":"SPY R735QTJ8XC9X",'
    '"symbolValue":"SPY","symbolPermtick":"SPY","time":%.4f,"status":"%s","fillPrice":%.1f,"fillPriceCurrency":"USD","fillQuantity":%.1f,'
    '"direction":"buy","isAssignment":false,"quantity":10.0}'
)


class Canned:
    """A transport that answers live/list and live/orders/read for many projects.

    Args:
        projects: How many; their ids count from 1.
        orders: How many orders each has at first.
        open_share: How many of them stay open.
        every: Seconds between two new orders of a project; None for none.
        faults: How many requests fail, 0 to 1.
    """

    marks_phases = True

    def __init__(
        self,
        projects: int,
        orders: int,
        *,
        open_share: float = 0.0,
        every: float | None = None,
        faults: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.projects = projects
        self.seconds = 0.0
        self.requests: Counter[str] = Counter()
        self._orders = orders
        self._open = int(orders * open_share)
        self._every = every
        self._faults = faults
        self._rng = random.Random(seed)
        self._list = b'{"live":[%s],"success":true}' % b",".join(map(self._deployment, range(1, projects + 1)))

    async def exchange(self, request: Request, progress: Progress, /) -> Response:
        """Answer, or fail."""
        progress.reached(Phase.SENT)
        await anyio.sleep(LATENCY)
        began = time.process_time()
        path = request.url.rpartition("/v2/")[2]
        self.requests[path] += 1
        try:
            if self._faults and self._rng.random() < self._faults:
                progress.reached(Phase.ANSWERING)
                if self._rng.random() < 0.5:
                    raise TransportError(Fault.LOST, "reset")
                return self._answer(b"", 502)
            progress.reached(Phase.ANSWERED)
            if path == "live/list":
                return self._answer(self._list)
            wanted = msgspec.json.decode(request.body)
            return self._answer(self._window(wanted["projectId"], wanted["start"], wanted["end"]))
        finally:
            self.seconds += time.process_time() - began

    async def aclose(self) -> None:
        """Nothing to close."""

    def count(self, project: int) -> int:
        """How many orders a project has now."""
        if self._every is None:
            return self._orders
        return self._orders + int(anyio.current_time() / self._every + project / self.projects)

    def _window(self, project: int, start: int, end: int) -> bytes:
        total = self.count(project)
        rows = ",".join(self._row(project, index) for index in range(start, min(end, total)))
        return b'{"orders":[%s],"length":%d,"success":true}' % (rows.encode(), total)

    def _row(self, project: int, index: int) -> str:
        number, deploy_id = index + 1, f"L-{project:032x}"
        at = EPOCH - 10_000_000 + 60.0 * index
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
        is_open = self._orders - self._open <= index < self._orders  # the newest of those that were there at first
        events = [_EVENT % (deploy_id, number, 1, deploy_id, number, 1, at, "submitted", 0.0, 0.0)]
        if not is_open:
            events.append(_EVENT % (deploy_id, number, 2, deploy_id, number, 2, at + 1, "filled", 501.2, 10.0))
        return _ORDER % (number, number, moment, moment, moment, 1 if is_open else 3, ",".join(events))

    def _deployment(self, project: int) -> bytes:
        return (
            b'{"projectId":%d,"deployId":"L-%032x","status":"Running","launched":"2025-01-07 20:00:00","stopped":null,'
            b'"brokerage":"PaperBrokerage","subscription":"","equity":100250.75,"environment":"live-paper",'
            b'"description":"","error":"","leagues":[]}' % (project, project)
        )

    def _answer(self, body: bytes, status: int = 200) -> Response:
        date = email.utils.formatdate(EPOCH + anyio.current_time(), usegmt=True)
        return Response(status_code=status, headers={"date": date}, body=body, wire_bytes=len(body))


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.jumped = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout:
            self.jumped += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that does not wait: when nothing is ready, the time of the next timer comes at once."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Seconds since it began."""
        return self._jumping.jumped
