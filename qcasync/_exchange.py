"""The one door to the network: gate, pace, sign, send, classify, retry, under one deadline.

Every decision is asked of `_core`; what stands here is the order in which things happen. No other module sends
anything.
"""

import logging
import random
from collections.abc import Callable, Iterable
from typing import TypeVar

import anyio
import msgspec
import tenacity

from qcasync._call import Call
from qcasync._clock import Clock
from qcasync._core.counting import CANCELLED, DEFECT, OK
from qcasync._core.decoding import Loading
from qcasync._core.endpoints import Endpoint
from qcasync._core.rejections import Rejected
from qcasync._core.requests import encode
from qcasync._core.responses import PATTERNS, Patterns, Value
from qcasync._core.retrying import (
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
from qcasync._observing import Observing
from qcasync._sender import Sender
from qcasync._turns import Turns
from qcasync.errors import ConfigurationError, NotReady, QuantConnectError
from qcasync.models.observations import Observation, Observer, RetryScheduled
from qcasync.transports.protocol import Transport

T = TypeVar("T")

logger = logging.getLogger("qcasync")


class _Again(Exception):
    """An attempt failed, and the decision is to send again. Seen by tenacity only."""

    def __init__(self, after: float) -> None:
        super().__init__(after)
        self.after = after


class Exchange:
    """Performs operations of the endpoint table.

    Args:
        credentials: Who signs.
        base_url: Ends with a slash.
        transport: Performs single exchanges; must serve `max_concurrency` + `RESERVED` of them at once.
        clock: Our clocks.
        rng: For jitter.
        max_concurrency: Requests in flight at once.
        requests_per_second: A ceiling; None for none.
        max_attempts: Attempts for a call that may be repeated.
        observers: Told what happens.
        known: Error texts and what they mean.
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
        known: Patterns = PATTERNS,
    ) -> None:
        self.clock = clock
        self.max_concurrency = max_concurrency
        self.observing: Observing = Observing(observers)
        self.observe: Callable[[Observation], None] = self.observing.observe
        self.transport: Transport = transport
        self._ahead = 0.0
        """Seconds by which the event loop's clock is ahead of ours, which can be read anywhere."""
        self._sender = Sender(credentials, base_url, transport, clock, self.observing, known=known)
        self.skew: Skew = self._sender.skew
        if not getattr(transport, "checks_signatures", True):  # a replay: to go first there is to wait for the others
            self.skew.leader_finished()
        self._rng = rng
        self._max_attempts = max_attempts
        self.turns: Turns = Turns(max_concurrency, requests_per_second, self._rng)
        self._leader = LeaderGate(self.skew, clock)
        self._closed = False

    def prepare(
        self, endpoint: Endpoint[T], request: msgspec.Struct, *, timeout: float | None = None, patient: bool = False
    ) -> Call[T]:
        """Make a call that can be performed once.

        Args:
            endpoint: The operation.
            request: Its body.
            timeout: Seconds for the whole call; the endpoint's own default if None.
            patient: Wait while the service is known to be down, instead of failing at once.
        """
        seconds = endpoint.seconds if timeout is None else timeout
        return Call(endpoint, encode(request), seconds, patient=patient)

    async def perform(self, call: Call[T]) -> T:
        """Perform one operation, to its value or its error. What `call` says stays true if this is cancelled."""
        now = anyio.current_time()
        call.starts(now)
        began = self.clock.mono()
        self._ahead = now - began
        call.number = self.observing.call_began(call.endpoint)
        ended = CANCELLED
        try:
            value = await self._in_time(call, now)
            ended = OK
        except QuantConnectError as error:
            error.attempts, error.elapsed = call.attempts, call.elapsed(anyio.current_time())
            ended = type(error).__name__
            raise
        except Exception:
            ended = DEFECT
            raise
        finally:
            seconds = self.clock.mono() - began  # not the loop's time, which is gone if the loop is
            self.observing.call_ended(call.number, call.endpoint, ended, attempts=call.attempts, seconds=seconds)
        return value

    async def call(
        self, endpoint: Endpoint[T], request: msgspec.Struct, *, timeout: float | None = None, patient: bool = False
    ) -> T:
        """Prepare a call, and perform it."""
        return await self.perform(self.prepare(endpoint, request, timeout=timeout, patient=patient))

    @property
    def credentials_refused(self) -> bool:
        """Whether the credentials were refused so recently, and certainly, that nothing is sent with them."""
        return self.turns.credentials_refused

    def loop_time(self) -> float:
        """The event loop's time, wherever we are: statistics may be asked for from another thread, or afterwards."""
        return self.clock.mono() + self._ahead

    def close(self) -> None:
        """Send nothing from now on, whatever waits."""
        self._closed = True

    def replace_credentials(self, credentials: Credentials) -> None:
        """Sign with others from now on. That the former ones were refused says nothing about these."""
        self._sender.credentials = credentials
        self.turns.auth.accepted()

    async def _in_time(self, call: Call[T], now: float) -> T:
        with anyio.move_on_after(call.remaining(now)):
            return await self._until_ready(call)
        raise call.overdue()

    async def _until_ready(self, call: Call[T]) -> T:
        """Look again while the server prepares the data. Waiting is not a retry."""
        looks = 0
        since: float | None = None
        while True:
            async with self._leader.turn(call.endpoint.effect):
                answer = await self._with_retries(call)
            if isinstance(answer, Value):
                call.answer = answer
                return answer.value
            now = anyio.current_time()
            looks, since, call.loading = looks + 1, now if since is None else since, answer
            wait = loading_wait(looks, now - since)
            if wait is None:
                raise NotReady(call.endpoint.path, answer.progress, call.elapsed(now))
            self.observing.loading(call.number, call.endpoint.path, answer.progress, call.elapsed(now))
            await anyio.sleep(wait)
            call.looks_again()

    async def _with_retries(self, call: Call[T]) -> Value[T] | Loading:
        try:
            return await self._attempt(call)
        except _Again as again:  # only now: to set up tenacity's loop costs as much as all the rest of us
            await anyio.sleep(again.after)
        loop = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(_Again), wait=_decided_wait, sleep=anyio.sleep, reraise=True
        )
        return await loop(self._attempt, call)

    async def _attempt(self, call: Call[T]) -> Value[T] | Loading:
        async with self.turns.turn(call):
            answer = await self._send(call)
        if not isinstance(answer, Rejected):
            self.turns.answered(anyio.current_time())
            return answer
        raise self._decide(call, answer)

    async def _send(self, call: Call[T]) -> Value[T] | Loading | Rejected:
        if self._closed:
            raise ConfigurationError("The client was closed before this request could leave.")
        call.attempt += 1
        if call.attempts == 1:
            self.turns.budget.first_attempt(anyio.current_time())
        call.progress, call.signer = self._sender.progress(), self._sender.credentials
        return await self._sender.send(call.endpoint, call.content, call.attempt, call.progress, number=call.number)

    def _decide(self, call: Call[T], rejected: Rejected) -> Exception:
        """What to raise: a request for another attempt, or the error that ends the call."""
        now = anyio.current_time()
        situation, effect = rejected.situation, call.endpoint.effect
        call.last = rejected.error
        self.observing.rejected(call.number, call.endpoint.path, call.attempt, situation, rejected.hint)
        self.turns.rejected(call, rejected, now, signed_now=call.signer is self._sender.credentials)
        decision = decide(
            Failure(situation=situation, phase=call.phase, hint=rejected.hint),
            effect,
            attempt=call.attempt,
            same_before=call.failures[situation],
            elapsed=call.elapsed(now),
            remaining=call.remaining(now),
            jitter=self._rng.random(),
            max_attempts=self._max_attempts,
        )
        call.failures[situation] += 1
        free = situation in FREE or effect is Effect.MARKET
        if isinstance(decision, RetryAfter) and not free and not self.turns.budget.spend(now, rejected.cost):
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
                return call.unknown(situation.value, rejected.error)

    def _announce(self, call: Call[T], seconds: float, situation: Situation) -> None:
        path = call.endpoint.path
        logger.info("%s: %s; attempt %d in %.2f s", path, situation.value, call.attempt + 1, seconds)
        self.observing.retrying(
            RetryScheduled(
                call=call.number,
                endpoint=path,
                attempt=call.attempt,
                after=seconds,
                reason=situation.value,
                sent=call.phase.sent,
            )
        )


def _decided_wait(state: tenacity.RetryCallState) -> float:
    error = None if state.outcome is None else state.outcome.exception()
    return error.after if isinstance(error, _Again) else 0.0
