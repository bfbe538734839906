"""The one door to the network: gate, pace, sign, send, classify, retry, under one deadline.

Every decision is asked of `_core`; what stands here is the order in which things happen. No other module sends
anything.
"""

import logging
import random
from collections import Counter
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import anyio
import msgspec
import tenacity

from qcasync._clock import Clock
from qcasync._core.decoding import Loading
from qcasync._core.endpoints import Endpoint
from qcasync._core.pacing import AuthGate, Breaker, Rate, RetryBudget
from qcasync._core.phases import Phase
from qcasync._core.rejections import Rejected, breaker_open, credentials_refused
from qcasync._core.requests import encode
from qcasync._core.responses import Value
from qcasync._core.retrying import (
    BREAKING,
    FREE,
    Effect,
    Failure,
    GiveUp,
    RetryAfter,
    Situation,
    UnknownOutcome,
    decide,
    loading_wait,
)
from qcasync._core.signing import Credentials
from qcasync._core.skew import Skew
from qcasync._leader import LeaderGate
from qcasync._sender import Sender
from qcasync.errors import NotReady, OutcomeUnknown, QuantConnectError, RequestTimeout
from qcasync.models.observations import LoadingObserved, Observation, Observer, RetryScheduled
from qcasync.transports.protocol import Progress, Transport

T = TypeVar("T")

RESERVED: Final = 1
"""Permits that only a call with effect on the market may take, so that reading cannot keep it waiting."""

logger = logging.getLogger("qcasync")


class _Again(Exception):
    """An attempt failed, and the decision is to send again. Seen by tenacity only."""

    def __init__(self, after: float) -> None:
        super().__init__(after)
        self.after = after


class _Call:
    """The state of one call, over all its attempts."""

    def __init__(
        self, endpoint: Endpoint[object], content: bytes, started: float, seconds: float, patient: bool
    ) -> None:
        self.endpoint = endpoint
        self.content = content
        self.started = started
        self.deadline = started + seconds
        self.patient = patient
        self.attempt = 0
        self.earlier = 0
        """Attempts of looks that found the data loading: a wait is no retry, and uses up none."""
        self.progress: Progress | None = None
        """Of the latest attempt; None if it does not matter any more, because the request did nothing."""
        self.failures: Counter[Situation] = Counter()
        self.loading: Loading | None = None

    def looks_again(self) -> None:
        """The data was loading; what comes is a first attempt."""
        self.earlier += self.attempt
        self.attempt = 0
        self.failures.clear()

    @property
    def phase(self) -> Phase:
        """How far the latest attempt got."""
        return Phase.NOT_SENT if self.progress is None else self.progress.phase


class Exchange:
    """Performs operations of the endpoint table.

    Args:
        credentials: Who signs.
        base_url: Ends with a slash.
        transport: Performs single exchanges; must serve `max_concurrency` + 1 of them at once.
        clock: Our clocks.
        rng: For jitter.
        max_concurrency: Requests in flight at once.
        requests_per_second: A ceiling; None for none.
        max_attempts: Attempts for a call that may be repeated.
        observers: Told what happens.
    """

    def __init__(
        self,
        *,
        credentials: Credentials,
        base_url: str,
        transport: Transport,
        clock: Clock,
        rng: random.Random,
        max_concurrency: int,
        requests_per_second: float | None,
        max_attempts: int,
        observers: Iterable[Observer],
    ) -> None:
        self.clock = clock
        self.max_concurrency = max_concurrency
        self._sender = Sender(credentials, base_url, transport, clock, self.observe)
        self.skew: Skew = self._sender.skew
        self._rng = rng
        self._max_attempts = max_attempts
        self._observers = tuple(observers)
        self._gate = anyio.Semaphore(max_concurrency)
        self._reserved = anyio.Semaphore(RESERVED)
        self._leader = LeaderGate(self.skew, clock)
        self._rate = Rate(requests_per_second)
        self._budget = RetryBudget()
        self._breaker = Breaker()
        self._auth = AuthGate()

    async def call(
        self, endpoint: Endpoint[T], request: msgspec.Struct, *, timeout: float | None = None, patient: bool = False
    ) -> T:
        """Perform one operation, to its value or its error.

        Args:
            endpoint: The operation.
            request: Its body.
            timeout: Seconds for the whole call; the endpoint's own default if None.
            patient: Wait while the service is known to be down, instead of failing at once.
        """
        seconds = endpoint.seconds if timeout is None else timeout
        content = encode(request)
        call = _Call(endpoint, content, anyio.current_time(), seconds, patient)
        self._budget.first_attempt(call.started)
        try:
            with anyio.move_on_after(seconds):
                return await self._until_ready(endpoint, call)
            raise _overdue(call, seconds)
        except QuantConnectError as error:
            error.attempts, error.elapsed = call.earlier + call.attempt, anyio.current_time() - call.started
            raise

    def observe(self, observation: Observation) -> None:
        """Tell the observers. What they raise is theirs, and must not cost a trading call."""
        for observer in self._observers:
            try:
                observer(observation)
            except Exception:  # an observer is foreign code
                logger.exception("an observer failed on %s", type(observation).__name__)

    async def _until_ready(self, endpoint: Endpoint[T], call: _Call) -> T:
        """Look again while the server prepares the data. Waiting is not a retry."""
        looks = 0
        since: float | None = None
        while True:
            async with self._leader.turn(endpoint.effect):
                answer = await self._with_retries(endpoint, call)
            if isinstance(answer, Value):
                return answer.value
            now = anyio.current_time()
            looks, since, call.loading = looks + 1, now if since is None else since, answer
            wait = loading_wait(looks, now - since)
            if wait is None:
                raise NotReady(endpoint.path, answer.progress, now - call.started)
            self.observe(LoadingObserved(endpoint=endpoint.path, progress=answer.progress, waited=now - call.started))
            await anyio.sleep(wait)
            call.looks_again()

    async def _with_retries(self, endpoint: Endpoint[T], call: _Call) -> Value[T] | Loading:
        loop = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(_Again), wait=_decided_wait, sleep=anyio.sleep, reraise=True
        )
        return await loop(self._attempt, endpoint, call)

    async def _attempt(self, endpoint: Endpoint[T], call: _Call) -> Value[T] | Loading:
        await self._admit(call)
        async with self._permit(endpoint.effect):
            call.attempt += 1
            call.progress = self._sender.progress()
            answer = await self._sender.send(endpoint, call.content, call.attempt, call.progress)
        if not isinstance(answer, Rejected):
            self._breaker.succeeded(anyio.current_time())
            self._auth.accepted()
            return answer
        raise self._decide(call, answer)

    async def _admit(self, call: _Call) -> None:
        """Wait for our turn in the schedule, unless nothing may be sent at all. A call with effect passes."""
        if call.endpoint.effect is Effect.MARKET:
            return
        now = anyio.current_time()
        if self._auth.closed(now):
            raise credentials_refused(call.endpoint.path)
        wait = self._breaker.wait(now)
        if wait and not (call.patient or call.attempt):
            raise breaker_open(call.endpoint.path, wait)
        while wait:
            await anyio.sleep(wait)
            wait = self._breaker.wait(anyio.current_time())
        await anyio.sleep(self._rate.reserve(anyio.current_time()))

    @asynccontextmanager
    async def _permit(self, effect: Effect) -> AsyncGenerator[None, None]:
        reserved = effect is Effect.MARKET and self._gate.value == 0
        async with self._reserved if reserved else self._gate:
            if not reserved and effect is not Effect.MARKET:
                await self._sit_out_pause()
            yield

    async def _sit_out_pause(self) -> None:
        """The server may have asked everyone to wait while we stood at the gate."""
        await anyio.sleep(self._rate.pause(anyio.current_time()))

    def _decide(self, call: _Call, rejected: Rejected) -> Exception:
        """What to raise: a request for another attempt, or the error that ends the call."""
        now = anyio.current_time()
        situation, effect = rejected.situation, call.endpoint.effect
        self._note(rejected, now)
        decision = decide(
            Failure(situation=situation, phase=call.phase, hint=rejected.hint),
            effect,
            attempt=call.attempt,
            same_before=call.failures[situation],
            elapsed=now - call.started,
            remaining=call.deadline - now,
            jitter=self._rng.random(),
            max_attempts=self._max_attempts,
        )
        call.failures[situation] += 1
        if isinstance(decision, RetryAfter) and situation not in FREE and not self._budget.spend(now):
            decision = GiveUp("the retry budget is exhausted: too many requests fail")
        match decision:
            case RetryAfter(seconds):
                self._announce(call, seconds, situation)
                if not effect.repeatable:
                    call.progress = None  # only a request that had no effect is sent again
                return _Again(seconds)
            case GiveUp(why):
                if why:
                    rejected.error.add_note(f"Not sent again: {why}.")
                return rejected.error
            case UnknownOutcome():
                return _unknown(call, situation.value, rejected.error)

    def _note(self, rejected: Rejected, now: float) -> None:
        """Tell the guards what happened."""
        situation = rejected.situation
        if situation in BREAKING:
            self._breaker.failed(now, self._rng.random())
        elif situation is not Situation.CERTIFICATE:
            self._breaker.succeeded(now)
        if situation is Situation.THROTTLED:
            self._rate.throttled(now, rejected.hint)
        if situation is Situation.CREDENTIALS and rejected.confirmed:
            self._auth.refused(now)

    def _announce(self, call: _Call, seconds: float, situation: Situation) -> None:
        path = call.endpoint.path
        logger.info("%s: %s; attempt %d in %.2f s", path, situation.value, call.attempt + 1, seconds)
        self.observe(
            RetryScheduled(
                endpoint=path, attempt=call.attempt, after=seconds, reason=situation.value, sent=call.phase.sent
            )
        )


def _unknown(call: _Call, reason: str, cause: QuantConnectError | None) -> OutcomeUnknown:
    error = OutcomeUnknown(call.endpoint.path, reason, call.phase.sent, call.endpoint.how_to_check)
    error.__cause__ = cause
    return error


def _overdue(call: _Call, seconds: float) -> QuantConnectError:
    """The error for a call whose deadline passed."""
    path, reason = call.endpoint.path, f"no usable answer within {seconds:g} s"
    if not call.endpoint.effect.repeatable and call.phase > Phase.NOT_SENT:
        return _unknown(call, reason, None)
    if call.loading is not None:
        return NotReady(path, call.loading.progress, seconds)
    return RequestTimeout(path, reason, call.phase.sent)


def _decided_wait(state: tenacity.RetryCallState) -> float:
    error = None if state.outcome is None else state.outcome.exception()
    return error.after if isinstance(error, _Again) else 0.0
