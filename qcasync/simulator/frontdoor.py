"""From the bytes of a request to an answer: faults, login, throttling, routing, headers, and the ledger's entry."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from qcasync.simulator.accounts import find_account, is_proven, read_claim, refuse
from qcasync.simulator.endpoints import ENDPOINTS, Call
from qcasync.simulator.faults import FaultKind, FaultPlan
from qcasync.simulator.ledger import RequestRecord, redact
from qcasync.simulator.payloads import UnreadableError, read_payload, split_target
from qcasync.simulator.spoiling import spoil, throttled
from qcasync.simulator.throttling import Throttle
from qcasync.simulator.wire import JsonObject, Reply, failure, http_date
from qcasync.simulator.world import World

_CONNECTION_FAULTS = frozenset({FaultKind.HANG, FaultKind.RESET_BEFORE_ANSWER, FaultKind.RESET_IN_BODY})
_METHODS = frozenset({"GET", "POST"})


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the simulator answers, for a mount to act out.

    Attributes:
        headers: Names in lower case.
        delay: Seconds to wait before the first byte.
        fault: What happens to the connection instead: `HANG`, `REFUSED`, `RESET_BEFORE_ANSWER` or `RESET_IN_BODY`.
            None when the answer arrives, whatever it says.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    delay: float = 0.0
    fault: FaultKind | None = None

    def __repr__(self) -> str:
        return f"<Answer {self.status} ({len(self.body)} bytes)>"  # A refusal repeats the hash.


class FrontDoor:
    """Receives the requests of one world.

    Attributes:
        plan: Which of them go wrong.
    """

    def __init__(self, world: World) -> None:
        self.plan: FaultPlan = FaultPlan(world.dice)
        self._world = world
        self._throttles: dict[int, Throttle] = {}

    def answer(self, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes, now: float) -> Answer:
        """Answer one request; see `Simulator.handle`."""
        conditions, ledger = self._world.conditions, self._world.ledger
        request = _read(method, target, headers, body, conditions.lost_headers)
        fault = self.plan.strike(
            request.path, request.payload.get("projectId"), rate=conditions.fault_rate, kinds=conditions.fault_kinds
        )
        if fault is not None and fault.kind is FaultKind.REFUSED:
            return Answer(status=0, headers=(), body=b"", fault=fault.kind)  # Never got here: no trace in the ledger.

        number = ledger.next_number()
        user_id: int | None = None
        reply = Reply()
        if fault is None or fault.performed:
            user_id, reply = self._serve(request, number, now)
        if fault is not None:
            reply = spoil(reply, fault)
        ledger.add_request(
            RequestRecord(
                number=number,
                at=now,
                path=request.path,
                payload=redact(request.payload),
                status=reply.status,
                outcome=reply.outcome,
                user_id=user_id,
            )
        )
        delay = conditions.latency + conditions.jitter * self._world.dice.random()
        if fault is not None and fault.kind is FaultKind.SLOW:
            delay += fault.delay
        return Answer(
            status=reply.status,
            headers=self._headers(reply, now),
            body=reply.body,
            delay=delay,
            fault=fault.kind if fault is not None and fault.kind in _CONNECTION_FAULTS else None,
        )

    def _serve(self, request: "_Request", number: int, now: float) -> tuple[int | None, Reply]:
        # Who asked, if proven, and what they get.
        conditions = self._world.conditions
        claim = read_claim(request.headers)
        account = find_account(claim, self._world.accounts)
        proven = is_proven(claim, account, server_time=now + conditions.clock_offset, conditions=conditions)
        if account is None or not proven:
            return None, refuse(claim, account, conditions)
        user_id = account.user_id
        if not self._throttles.setdefault(user_id, Throttle()).admits(now, conditions.requests_per_second):
            return user_id, throttled(conditions.throttle)
        try:
            call = Call(world=self._world, number=number, user_id=user_id, payload=request.payload, now=now)
            return user_id, self._perform(request, call)
        except UnreadableError as error:
            return user_id, failure(str(error))

    def _perform(self, request: "_Request", call: Call) -> Reply:
        endpoint = ENDPOINTS.get(request.path)
        if endpoint is None:
            return failure("Endpoint not found", status=404)
        if request.method not in _METHODS:
            return failure("Method not allowed", status=405)
        if request.complaint is not None:
            return failure(request.complaint)
        if self._world.conditions.refuse_null:
            for key, value in request.payload.items():
                if value is None:
                    return failure(f"{key} must be left out. The API rejects a null value")
        return endpoint(call)

    def _headers(self, reply: Reply, now: float) -> tuple[tuple[str, str], ...]:
        conditions = self._world.conditions
        headers = [("x-qcasync-simulator", "1"), *reply.headers, *conditions.extra_headers]
        if not any(name == "content-type" for name, _ in headers):
            headers.append(("content-type", "application/json"))
        if conditions.send_date:
            off = conditions.date_jitter * self._world.dice.uniform(-1, 1) if conditions.date_jitter else 0.0
            date = conditions.date_text
            headers.append(("date", http_date(now + conditions.clock_offset + off) if date is None else date))
        return tuple(headers)


class _Request(NamedTuple):
    # A request as far as it could be understood; `complaint` says what could not.
    method: str
    path: str
    headers: dict[str, str]
    payload: JsonObject
    complaint: str | None


def _read(method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes, lost: frozenset[str]) -> _Request:
    received = {name.lower(): value for name, value in headers if name.lower() not in lost}
    path, payload = split_target(target)
    complaint = None
    try:
        payload |= read_payload(received, body)
    except UnreadableError as error:
        complaint = str(error)
    return _Request(method, path, received, payload, complaint)
