"""A transport that answers from a recording: the same answers, in the same order, with the same times."""

import logging
import os
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

import anyio
import anyio.lowlevel
import msgspec

from qcasync._clock import Clock
from qcasync.errors import ConfigurationError, RequestError
from qcasync.recording._lines import Damage, Line, Place, open_recording, read_line, read_lines
from qcasync.recording._order import Asker, Key, Order
from qcasync.transports.protocol import Fault, Phase, Progress, Request, Response, TransportError

logger: logging.Logger = logging.getLogger("qcasync")

PATIENCE: Final = 30.0
"""Less than the 45 s after which a client gives an attempt up."""


class RecordingEnded(RequestError):
    """A replay was asked for what the recording does not hold, or not so often."""

    def __str__(self) -> str:
        return f"{self.endpoint}: {self.reason}. Nothing was sent: this is a replay."


class ReplayTransport:
    """Answers each request with what was recorded for it: the same endpoint and body, first in, first out.

    Answers are given in recorded order: a request waits until everything that was recorded before its answer was asked
    for and given. So what comes out does not depend on who asks first. An answer that nobody asks for is passed over
    when somebody waited `patience` seconds because of it; who asks for it later still gets it, at once.

    Give its `clock` to the client, so that it reads the recorded times; any user id and token will do:
    `Client(1, "replay", transport=replay, clock=replay.clock)`. Seconds are the event loop's, which may be virtual.

    Making one reads the whole recording once, and memory then holds about 300 bytes for each answer.

    Args:
        path: A file of `Recorder`.
        pace: Seconds of the recording that pass in a second: 1.0 replays in the time it took, 60.0 an hour in a minute.
            None: answers come as soon as they are asked for.
        patience: Seconds that a request waits for answers that nobody asks for, and for the recording's end.

    Attributes:
        answers: How many the recording holds.
        exhausted: Whether the recording is over: a request found nothing left for it, and for `patience` seconds
            nobody was given anything.
        torn: What is wrong with the file after these answers; None if it is whole.

    Raises:
        ConfigurationError: The file cannot be read or is no recording, or an argument makes no sense.
    """

    marks_phases: Final = True
    checks_signatures: Final = False

    def __init__(self, path: str | os.PathLike[str], *, pace: float | None = None, patience: float = PATIENCE) -> None:
        if (pace is not None and not pace > 0) or not 0 < patience <= PATIENCE:
            raise ConfigurationError(
                f"pace must be positive or None, and patience up to {PATIENCE:g} s; they are {pace} and {patience}.",
                "Leave them out.",
            )
        self.path: str = os.path.abspath(path)
        self.torn: str | None = None
        self.exhausted: bool = False
        self._closed = False
        self._places: list[Place] = []
        self._endpoints: set[str] = set()
        self._wall, self._mono = 0.0, 0.0
        self._ended: anyio.Event | None = None
        self._order = self._read_order(pace, patience)
        self.clock: Clock = Clock(wall=lambda: self._wall, mono=lambda: self._mono, counts_suspend=True)
        """The recorded clocks as they stood when the latest answer had come; they do not move in between."""

    @property
    def answers(self) -> int:
        """How many the recording holds."""
        return len(self._places)

    @property
    def given(self) -> int:
        """How many answers were given."""
        return self._order.given

    @property
    def passed_over(self) -> int:
        """How many answers were passed over because nobody asked for them, and were not asked for since."""
        return self._order.passed_over

    async def wait_exhausted(self) -> None:
        """Wait until the recording is over. Something must go on asking, or it never is."""
        if self._ended is None:
            self._ended = anyio.Event()
        if self.exhausted:
            self._ended.set()
        await self._ended.wait()

    async def exchange(self, request: Request, progress: Progress, /) -> Response:
        """Give the next answer that was recorded for this request, when its turn comes.

        Raises:
            RecordingEnded: There is none, or none is left.
            TransportError: It exceeds the limit of the request, or the file was changed.
            RuntimeError: The transport is closed.
        """
        await anyio.lowlevel.checkpoint()
        if self._closed:
            message = "this transport is closed"
            raise RuntimeError(message)
        progress.reached(Phase.SENT)
        line, body = self._line(await self._turn(self._key(request)))
        if line.mono_read >= self._mono:  # an answer that was passed over comes from the past
            self._wall, self._mono = line.read_at, line.mono_read
        progress.sent_at = line.mono_sent  # what the client learns of the server's clock is what it learnt then
        progress.reached(Phase.ANSWERING)
        progress.answered_at = line.mono_answered
        if len(body) > request.max_body_bytes:
            raise TransportError(Fault.TOO_LARGE, f"more than {request.max_body_bytes} bytes")
        progress.reached(Phase.ANSWERED)
        return Response(status_code=line.status, headers=_headers(line), body=body, wire_bytes=len(body))

    async def aclose(self) -> None:
        """Refuse further exchanges. Idempotent; holds nothing that must be closed."""
        self._closed = True
        await anyio.lowlevel.checkpoint()

    def __repr__(self) -> str:
        return f"<qcasync.ReplayTransport of {self.path}: {self.given} of {self.answers} answers given>"

    def _read_order(self, pace: float | None, patience: float) -> Order:
        """Look through the file."""
        keys: list[Key] = []
        moments: list[float] = []
        known: dict[Key, Key] = {}
        try:
            with open_recording(self.path) as file:
                for place, line in read_lines(file, self.path):
                    if not self._places:
                        self._wall, self._mono = line.read_at - (line.mono_read - line.mono_sent), line.mono_sent
                    self._places.append(place)
                    self._endpoints.add(line.endpoint)
                    key = (line.endpoint, _sorted(bytes(line.request)))
                    keys.append(known.setdefault(key, key))
                    moments.append(line.mono_read)
        except Damage as damage:
            self.torn = f"it {damage}, after {len(keys)} answers"
            logger.warning("the recording %s ends early: %s", self.path, self.torn)
        return Order(keys, moments, pace=pace, patience=patience)

    def _key(self, request: Request) -> Key:
        path = urlsplit(request.url).path
        endpoint = next((name for name in _paths(path) if name in self._endpoints), path)
        return endpoint, _sorted(request.body)

    async def _turn(self, key: Key) -> int:
        """Wait for the answer that is this request's."""
        asker = self._order.ask(key, anyio.current_time())
        try:
            return await self._stand_in_line(asker)
        except BaseException:
            self._order.leave(asker)
            raise

    async def _stand_in_line(self, asker: Asker) -> int:
        while True:
            now = anyio.current_time()
            self._order.advance(asker, now)
            if asker.index is not None:
                return asker.index
            if self._order.has_ended_for(asker, now) or asker.key[0] not in self._endpoints:
                raise self._nothing_left(asker.key, now)
            woken = anyio.Event()
            asker.wake = woken.set
            with anyio.move_on_after(self._order.next_look(asker, now) - now):
                await woken.wait()

    def _nothing_left(self, key: Key, now: float) -> RecordingEnded:
        if self._order.has_ended(now):
            self.exhausted = True
            if self._ended is not None:
                self._ended.set()
        endpoint, body = key
        return RecordingEnded(endpoint, f"{self.path} holds no further answer to {body[:200].decode()}", "no")

    def _line(self, index: int) -> tuple[Line, bytes]:
        try:
            with open_recording(self.path) as file:
                line = read_line(file, self._places[index])
            return line, line.body_bytes()
        except (Damage, ConfigurationError) as error:
            raise TransportError(Fault.DAMAGED, f"the recording {error}") from error


def _headers(line: Line) -> Mapping[str, str]:
    return {name.lower(): value for name, value in line.headers.items()}


def _sorted(body: bytes) -> bytes:
    """A request's body in one spelling, whichever version wrote it."""
    try:
        return msgspec.json.encode(msgspec.json.decode(body), order="sorted")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return body


def _paths(url_path: str) -> Iterator[str]:
    """What an endpoint may be called in a URL, the longest first: the base address is whatever comes before it."""
    parts = [part for part in url_path.split("/") if part]
    return ("/".join(parts[start:]) for start in range(len(parts)))
