"""Whose turn it is to send: the gate, and before it the credentials, the breaker and the rate."""

import random
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

import anyio

from qcasync._call import Call
from qcasync._core.pacing import AuthGate, Breaker, Rate, RetryBudget
from qcasync._core.rejections import Rejected, breaker_open, credentials_refused
from qcasync._core.retrying import BREAKING, MAX_SECONDS_WITH_EFFECT, NEUTRAL, Effect, Situation
from qcasync._gate import Gate
from qcasync.errors import RequestTimeout

RESERVED: Final = 4
"""Permits that only calls that end an algorithm may take: who ends one project in an outage, ends all."""


class Turns:
    """The guards of a client, and the order in which they are asked. They are told what came of each attempt.

    Args:
        max_concurrency: Requests in flight at once; `RESERVED` more are for urgent ones.
        requests_per_second: A ceiling; None for none.
        rng: For jitter.
    """

    def __init__(self, max_concurrency: int, requests_per_second: float | None, rng: random.Random) -> None:
        self.gate: Gate = Gate(max_concurrency, RESERVED)
        self.rate: Rate = Rate(requests_per_second)
        self.budget: RetryBudget = RetryBudget()
        self.auth: AuthGate = AuthGate()
        self.breaker: Breaker = Breaker()
        self._rng = rng

    @property
    def credentials_refused(self) -> bool:
        """Whether the credentials were refused so recently, and certainly, that nothing is sent with them."""
        return self.auth.closed(anyio.current_time())

    def turn(self, call: Call[Any]) -> AbstractAsyncContextManager[None]:
        """Wait until a call may send, and let it send in the block.

        Raises:
            AuthenticationError: The credentials are known to be refused.
            RequestError: The service is known to be down, and the call is not patient.
            RequestTimeout: An urgent call found no permit in time. It is not sent late.
        """
        return self._urgently(call) if call.endpoint.effect is Effect.MARKET else self._in_turn(call)

    @asynccontextmanager
    async def _urgently(self, call: Call[Any]) -> AsyncGenerator[None, None]:
        """Past every guard but the number of connections; who ends nothing keeps out of the lane of those who do."""
        ends = call.endpoint.ends
        if not ends:
            self._check_credentials(call)
        elif not self.auth.lets_command_pass(anyio.current_time()):
            raise credentials_refused(call.endpoint.path)
        admitted = False
        try:
            async with self.gate.permit(urgent=ends, within=MAX_SECONDS_WITH_EFFECT):
                admitted = True
                if not ends:
                    self._check_credentials(call)  # they may have been refused while we stood here
                yield
        except TimeoutError:
            if admitted:  # it is not the gate's
                raise
            reason = f"no connection was free within {MAX_SECONDS_WITH_EFFECT:g} s"
            raise RequestTimeout(call.endpoint.path, reason, "no") from None

    @asynccontextmanager
    async def _in_turn(self, call: Call[Any]) -> AsyncGenerator[None, None]:
        """When every guard agrees. Nobody waits for one with a permit in hand, which an urgent call may need."""
        self._check_credentials(call)
        await self._pass_breaker(call)
        due: float | None = None
        while True:
            async with self.gate.permit(urgent=False):  # much may have happened while we stood here
                self._check_credentials(call)
                now = anyio.current_time()
                opened = self.breaker.opened(now)
                if not opened:
                    if due is None or self.rate.lapsed(now, due):
                        due = now + self.rate.reserve(now)
                    if due <= now:
                        yield
                        return
            if opened:
                await self._pass_breaker(call)
            elif due is not None:
                await anyio.sleep(due - now)

    def answered(self, now: float) -> None:
        """An attempt brought what was promised."""
        self.breaker.succeeded(now)
        self.auth.accepted()

    def rejected(self, call: Call[Any], rejected: Rejected, now: float, *, signed_now: bool) -> None:
        """An attempt failed.

        Args:
            call: Whose attempt it was.
            rejected: How it failed.
            now: When.
            signed_now: Whether it was signed with the credentials that are in use now.
        """
        situation = rejected.situation
        if situation in BREAKING:
            self.breaker.failed(now, self._rng.random())
        elif situation not in NEUTRAL:
            self.breaker.succeeded(now)
        if situation is Situation.THROTTLED:
            self.rate.throttled(now, rejected.hint)
        if situation is Situation.CREDENTIALS and rejected.confirmed and signed_now:
            self.auth.refused(now)
            if call.endpoint.ends:
                self.auth.command_refused()

    def _check_credentials(self, call: Call[Any]) -> None:
        if self.credentials_refused:
            raise credentials_refused(call.endpoint.path)

    async def _pass_breaker(self, call: Call[Any]) -> None:
        """Fail, or wait, while the service is known to be down."""
        wait = self.breaker.wait(anyio.current_time())
        if wait and not (call.patient or call.attempt):
            raise breaker_open(call.endpoint.path, wait)
        while wait:
            await anyio.sleep(wait)
            wait = self.breaker.wait(anyio.current_time())
