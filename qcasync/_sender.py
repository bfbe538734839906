"""One signed exchange: sign at the last moment, send, learn the server's time, read the answer."""

import logging
from typing import Final, TypeVar

import anyio
import anyio.to_thread

from qcasync._attempt import exchange_in_child, with_lower_names
from qcasync._clock import Clock
from qcasync._core.counting import CANCELLED, DEFECT
from qcasync._core.decoding import Loading
from qcasync._core.endpoints import AUTHENTICATE, Endpoint
from qcasync._core.phases import Fault, Phase
from qcasync._core.rejections import Rejected, clock_too_far, from_cache, rejected_signature, unanswered
from qcasync._core.responses import PATTERNS, Patterns, Value, interpret
from qcasync._core.retrying import Effect, Situation
from qcasync._core.signing import Credentials, sign
from qcasync._core.skew import Reading, Refusal, Skew, Stamp
from qcasync._observing import Observing
from qcasync.models.observations import AnswerReceived, RequestSent, ResponseReceived, SkewCorrected
from qcasync.transports.protocol import Progress, Request, Response, Transport, TransportError

T = TypeVar("T")

DECODE_IN_THREAD: Final = 1_000_000
"""Bytes above which decoding would hold up the event loop for more than about a millisecond."""
PROVE_UNSENT: Final = frozenset({Fault.UNREACHABLE, Fault.CERTIFICATE})
PROBE_SECONDS: Final = 60.0
"""At most so often is a login sent for nothing but the server's time."""
PROBE_LIMIT: Final = 5.0
"""Seconds for it: a call with effect may be waiting."""

logger = logging.getLogger("qcasync")


class Sender:
    """Performs single attempts.

    Args:
        credentials: Who signs.
        base_url: Ends with a slash.
        transport: Performs the exchanges.
        clock: Our clocks.
        observing: Told what happens.
        known: Error texts and what they mean.

    Attributes:
        credentials: Who signs from now on.
        skew: What is known of the server's clock.
    """

    def __init__(
        self,
        credentials: Credentials,
        base_url: str,
        transport: Transport,
        clock: Clock,
        observing: Observing,
        *,
        known: Patterns = PATTERNS,
    ) -> None:
        self.skew = Skew(counts_suspend=clock.counts_suspend)
        self.credentials = credentials
        self._base_url = base_url
        self._transport = transport
        self._clock = clock
        self._observing = observing
        self._known = known
        self._marks: bool = getattr(transport, "marks_phases", False)
        """Whether the transport is known to tell how far a request got: then nothing told means nothing sent."""
        self._probed_at = float("-inf")

    def progress(self) -> Progress:
        """A fresh record of how far an attempt gets. The caller keeps it: it outlives a cancelled attempt."""
        return Progress(self._clock.mono)

    async def send(
        self, endpoint: Endpoint[T], content: bytes, attempt: int, progress: Progress, *, number: int = 0
    ) -> Value[T] | Loading | Rejected:
        """Sign and send one request, and read its answer.

        Args:
            endpoint: The operation.
            content: The body.
            attempt: Which one of its call it is.
            progress: Marked as it gets further.
            number: That of the call.

        Raises:
            ClockSkewError: Our clock is so far off that nothing may be signed.
        """
        before = self._clock.read()
        stamp = self.skew.stamp(before)
        if not stamp.usable:
            raise clock_too_far(endpoint.path, stamp.distance)
        answer = await self._ask(endpoint, content, attempt, progress, stamp, number=number)
        if not isinstance(answer, Rejected) or not _may_be_signature(answer, endpoint):
            return answer
        refusal = self._refused(stamp)
        if refusal is Refusal.TIME_UNKNOWN and endpoint is not AUTHENTICATE and await self._probe(number):
            refusal = self._refused(stamp)
        return rejected_signature(endpoint.path, answer, refusal)

    async def _ask(
        self, endpoint: Endpoint[T], content: bytes, attempt: int, progress: Progress, stamp: Stamp, *, number: int
    ) -> Value[T] | Loading | Rejected:
        """One request and what its answer means, as long as no signature is in question."""
        request = Request(
            url=self._base_url + endpoint.path,
            headers=(
                ("Content-Type", "application/json"),
                ("User-Agent", "qcasync"),
                *sign(self.credentials, stamp.timestamp),
            ),
            body=content,
            max_body_bytes=endpoint.max_body_bytes,
        )
        before = self._clock.read()
        sent = RequestSent(
            call=number, endpoint=endpoint.path, attempt=attempt, body_bytes=len(content), url=request.url
        )
        self._observing.request_sent(sent)
        try:
            response = with_lower_names(await exchange_in_child(self._transport, request, progress))
        except TransportError as error:
            if progress.phase is Phase.NOT_SENT and error.fault not in PROVE_UNSENT:
                progress.reached(Phase.SENT)  # only a failed connection proves that nothing was sent: assume the worst
            self._failed(sent, error.fault.value, progress, before)
            return unanswered(endpoint.path, error.fault, error.detail, progress.phase, error, reused=progress.reused)
        except Exception:  # a defect of the transport, which proves nothing
            progress.reached(Phase.SENT)
            self._failed(sent, DEFECT, progress, before)
            raise
        except BaseException:  # cancelled
            if not self._marks:
                progress.reached(Phase.PARTLY_SENT)
            self._failed(sent, CANCELLED, progress, before)
            raise
        self._marks = self._marks or progress.phase > Phase.NOT_SENT
        progress.reached(Phase.ANSWERED)  # an answer is proof, whatever was marked
        after = self._clock.read()
        self._learn_time(response, progress, before, after)
        server_time = self.skew.server_time(after)
        told = ResponseReceived(
            call=number,
            endpoint=endpoint.path,
            attempt=attempt,
            status_code=response.status_code,
            body_bytes=len(response.body),
            wire_bytes=response.wire_bytes,
            seconds=after.mono - before.mono,
            clock_offset=server_time - after.wall if self.skew.samples else None,
        )
        self._observing.response_received(told)
        if self._observing.tells_bodies and endpoint.effect is Effect.READ:
            self._tell_answer(told, content, response, _moments(progress, before, after), after)
        if "age" in response.headers:
            age = response.headers["age"]
            logger.warning("%s: the answer came from a cache, %s s old", endpoint.path, age if age.isdigit() else "?")
            if age.strip() != "0" and not endpoint.effect.repeatable:  # some caches add it to what they pass on
                return from_cache(endpoint.path, response.status_code)
        return await self._read(endpoint, response, len(content), server_time)

    def _failed(self, sent: RequestSent, reason: str, progress: Progress, before: Reading) -> None:
        self._observing.request_failed(sent, reason, progress.phase, self._clock.mono() - before.mono)

    async def _read(
        self, endpoint: Endpoint[T], response: Response, request_bytes: int, server_time: float
    ) -> Value[T] | Loading | Rejected:
        def read() -> Value[T] | Loading | Rejected:
            return interpret(
                endpoint,
                response.status_code,
                response.headers,
                response.body,
                server_time,
                request_bytes=request_bytes,
                known=self._known,
            )

        if len(response.body) <= DECODE_IN_THREAD:
            return read()
        return await anyio.to_thread.run_sync(read, abandon_on_cancel=True)

    async def _probe(self, number: int) -> bool:
        """Ask for nothing but the server's time, where a refusal did not bring it. Whether that was allowed yet."""
        now = self._clock.read()
        stamp = self.skew.stamp(now)
        if now.mono - self._probed_at < PROBE_SECONDS or not stamp.usable:
            return False
        self._probed_at = now.mono
        with anyio.move_on_after(PROBE_LIMIT):
            await self._ask(AUTHENTICATE, b"{}", 1, self.progress(), stamp, number=number)
        return True

    def _refused(self, stamp: Stamp) -> Refusal:
        now, generation = self._clock.read(), self.skew.generation
        refusal = self.skew.refused(stamp, now)
        if self.skew.generation != generation:
            self._tell_correction(now)
        return refusal

    def _learn_time(self, response: Response, progress: Progress, before: Reading, after: Reading) -> None:
        """Date headers are compared with the moments at which bytes moved, as near as the transport could tell."""
        sent, answered = _moments(progress, before, after)
        moved = self.skew.answered(
            response.headers.get("date"),
            sent=Reading(before.wall + (sent - before.mono), sent),
            answered=Reading(after.wall - (after.mono - answered), answered),
            trusted="age" not in response.headers and not 300 <= response.status_code < 400,
        )
        if moved:
            self._tell_correction(after)

    def _tell_answer(
        self, told: ResponseReceived, content: bytes, response: Response, moments: tuple[float, float], after: Reading
    ) -> None:
        sent, answered = moments
        self._observing.observe(
            AnswerReceived(
                endpoint=told.endpoint,
                attempt=told.attempt,
                request=content,
                status_code=response.status_code,
                headers=response.headers,
                body=response.body,
                seconds=told.seconds,
                read_at=after.wall,
                mono_sent=sent,
                mono_answered=answered,
                mono_read=after.mono,
            )
        )

    def _tell_correction(self, now: Reading) -> None:
        offset = self.skew.server_time(now) - now.wall
        logger.warning("the server's clock differs from ours by %+.1f s; signing accordingly", offset)
        self._observing.observe(SkewCorrected(offset=offset, uncertainty=self.skew.uncertainty(now) or 0.0))


def _moments(progress: Progress, before: Reading, after: Reading) -> tuple[float, float]:
    """When the request began to leave, and when its answer had begun to come, on the monotonic clock."""
    sent = before.mono if progress.sent_at is None else progress.sent_at
    return sent, after.mono if progress.answered_at is None else progress.answered_at


def _may_be_signature(rejected: Rejected, endpoint: Endpoint[object]) -> bool:
    """Whether a signature was refused, or may have been. A call with effect needs to be told so in words."""
    return rejected.situation is Situation.CREDENTIALS or (rejected.maybe_signature and endpoint.effect.repeatable)
