"""A TCP proxy that spoils connections, in the test's own event loop, with the vocabulary of Toxiproxy.

A toxic works on one direction of the connections: "upstream" is what the client sends, "downstream" what it is sent.
Each acts on data, so that it strikes at a moment that a test can name, and not some time after the connection began.
Toxics come and go while connections are open; what one holds back goes on when it is removed.
"""

import random
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import Final, Literal, NoReturn

import anyio
import anyio.lowlevel
from anyio.abc import ObjectSendStream

Direction = Literal["upstream", "downstream"]
Onwards = Callable[[bytes], Awaitable[None]]

CHUNK: Final = 16 * 1024
QUEUE: Final = 16
"""Chunks that wait in one direction of a connection: beyond them the sender has to wait."""
TICK: Final = 0.01
"""A slow connection carries what it can in so many seconds, and then again."""


@dataclass(frozen=True)
class Toxic:
    """What happens to one direction of a connection. This one does nothing.

    Attributes:
        toxicity: The share of the connections that it strikes.
    """

    toxicity: float = field(default=1.0, kw_only=True)

    async def carry(self, pipe: "Pipe", data: bytes, onwards: Onwards) -> None:
        """Hand `data` to `onwards`, or do something else with it."""
        await onwards(data)

    async def finish(self, pipe: "Pipe") -> None:
        """The sender has closed: hold that back for a while, or not."""


@dataclass(frozen=True)
class Latency(Toxic):
    """Data comes so many seconds late, give or take `jitter`, and in order."""

    seconds: float
    jitter: float = 0.0

    async def carry(self, pipe: "Pipe", data: bytes, onwards: Onwards) -> None:
        due = pipe.arrived + self.seconds + self.jitter * pipe.rng.uniform(-1, 1)
        await pipe.wait(self, due - anyio.current_time())
        await onwards(data)


@dataclass(frozen=True)
class Bandwidth(Toxic):
    """At most so many bytes pass in a second."""

    rate: float

    async def carry(self, pipe: "Pipe", data: bytes, onwards: Onwards) -> None:
        for piece in cut(data, max(1, int(self.rate * TICK))):
            await pipe.wait(self, len(piece) / self.rate)
            await onwards(piece)


@dataclass(frozen=True)
class SlowClose(Toxic):
    """The end of a connection comes so many seconds late."""

    seconds: float

    async def finish(self, pipe: "Pipe") -> None:
        await pipe.wait(self, self.seconds)


@dataclass(frozen=True)
class Timeout(Toxic):
    """Data is swallowed, and the connection closed so many seconds later; by default it stays open for ever."""

    seconds: float = inf

    async def carry(self, pipe: "Pipe", data: bytes, onwards: Onwards) -> None:
        await pipe.wait(self, self.seconds)
        if self in pipe.toxics:
            await pipe.connection.close()


@dataclass(frozen=True)
class ResetPeer(Toxic):
    """The connection breaks under the first data, or so many seconds later."""

    seconds: float = 0.0

    async def carry(self, pipe: "Pipe", data: bytes, onwards: Onwards) -> None:
        await pipe.wait(self, self.seconds)
        if self in pipe.toxics:
            await pipe.connection.close(reset=True)


@dataclass(frozen=True)
class Slicer(Toxic):
    """Data comes in pieces of so many bytes, with a pause after each."""

    size: int
    pause: float = 0.0

    async def carry(self, pipe: "Pipe", data: bytes, onwards: Onwards) -> None:
        for piece in cut(data, self.size):
            await onwards(piece)
            await pipe.wait(self, self.pause)


@dataclass(frozen=True)
class LimitData(Toxic):
    """After so many bytes the connection is closed."""

    size: int

    async def carry(self, pipe: "Pipe", data: bytes, onwards: Onwards) -> None:
        room = self.size - pipe.passed[self]
        pipe.passed[self] += len(data)
        await onwards(data[:room])
        if len(data) >= room:
            await pipe.connection.close()


@dataclass(frozen=True)
class Down(Toxic):
    """Nobody is there: new connections are refused, and open ones closed. Downstream it begins with an answer."""

    async def carry(self, pipe: "Pipe", data: bytes, onwards: Onwards) -> None:
        pipe.connection.proxy.go_down()
        await pipe.connection.close()


def cut(data: bytes, size: int) -> Iterator[bytes]:
    """Yield pieces of at most `size` bytes."""
    for at in range(0, len(data), size):
        yield data[at : at + size]


class Pipe:
    """One direction of one connection.

    Attributes:
        toxics: Those that strike it.
        arrived: When the data came that is being carried.
        passed: Bytes that each `LimitData` has seen.
    """

    def __init__(
        self, connection: "Connection", source: socket.socket, sink: socket.socket, toxics: list[Toxic]
    ) -> None:
        self.connection = connection
        self.rng = connection.proxy.rng
        self.toxics: list[Toxic] = []
        self.arrived = 0.0
        self.passed: Counter[Toxic] = Counter()
        self._source = source
        self._sink = sink
        for toxic in toxics:
            self.expose(toxic)

    def expose(self, toxic: Toxic) -> None:
        """Let a toxic strike, or not, as chance has it."""
        if self.rng.random() < toxic.toxicity:
            self.toxics.append(toxic)

    async def wait(self, toxic: Toxic, seconds: float) -> None:
        """Sleep, but no longer than a toxic is there."""
        with anyio.move_on_after(seconds):
            while toxic in self.toxics:
                await self.connection.proxy.changed.wait()

    async def run(self) -> None:
        """Carry everything, and then the end."""
        send, receive = anyio.create_memory_object_stream[tuple[float, bytes]](QUEUE)
        async with anyio.create_task_group() as group, receive:
            group.start_soon(self._read, send)
            async for arrived, data in receive:
                self.arrived = arrived
                await self._carry(data, tuple(self.toxics))
        for toxic in tuple(self.toxics):
            await toxic.finish(self)
        with suppress(OSError):
            self._sink.shutdown(socket.SHUT_WR)

    async def _read(self, queue: ObjectSendStream[tuple[float, bytes]]) -> None:
        async with queue:
            while data := await _receive(self._source):
                await queue.send((anyio.current_time(), data))

    async def _carry(self, data: bytes, toxics: tuple[Toxic, ...]) -> None:
        if not data:
            return
        if toxics:
            await toxics[0].carry(self, data, partial(self._carry, toxics=toxics[1:]))
        elif not await _send(self._sink, data):
            await self.connection.close()


class Connection:
    """A client's socket and the one to the server behind it."""

    def __init__(self, proxy: "Proxy", client: socket.socket) -> None:
        self.proxy = proxy
        self.pipes: dict[Direction, Pipe] = {}
        self._sockets = (client, socket.socket())
        self._scope = anyio.CancelScope()
        self._reset = False

    async def run(self, port: int) -> None:
        """Connect, and carry data until both ends are done."""
        client, server = self._sockets
        with client, server:
            for each in self._sockets:
                each.setblocking(False)
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._scope:
                with suppress(BlockingIOError):
                    server.connect(("127.0.0.1", port))
                await anyio.wait_writable(server)
                self.pipes = {
                    "upstream": Pipe(self, client, server, self.proxy.toxics["upstream"]),
                    "downstream": Pipe(self, server, client, self.proxy.toxics["downstream"]),
                }
                async with anyio.create_task_group() as group:
                    for pipe in self.pipes.values():
                        group.start_soon(pipe.run)
            if self._reset:
                for each in self._sockets:
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def cancel(self) -> None:
        """Close it soon."""
        self._scope.cancel()

    async def close(self, *, reset: bool = False) -> NoReturn:
        """End it from inside. Both sides see an end, or a reset."""
        self._reset = reset
        self._scope.cancel()
        await anyio.sleep_forever()
        raise AssertionError


class Proxy:
    """A listener on loopback in front of another one.

    Attributes:
        port: Where it listens. It stays the same.
        accepted: Connections that were made so far.
        connections: Those that are open.
        toxics: What is installed.
        changed: Set, and replaced, when toxics come or go.
        rng: Decides what is left to chance.
    """

    def __init__(self, target: int, seed: int) -> None:
        self.accepted = 0
        self.connections: set[Connection] = set()
        self.toxics: dict[Direction, list[Toxic]] = {"upstream": [], "downstream": []}
        self.changed = anyio.Event()
        self.rng = random.Random(seed)
        self._target = target
        self._holder = _bound(0)  # keeps the port while nothing listens
        self.port: int = self._holder.getsockname()[1]
        self._up = anyio.Event()
        self._listening: anyio.CancelScope | None = None

    async def add(self, direction: Direction, toxic: Toxic) -> None:
        """Install a toxic, for open connections too."""
        self.toxics[direction].append(toxic)
        for connection in self.connections:
            if connection.pipes:
                connection.pipes[direction].expose(toxic)
        self._tell()
        if isinstance(toxic, Down) and direction == "upstream":
            self.go_down()
            while self._listening or self.connections:
                await anyio.lowlevel.checkpoint()

    async def clear(self) -> None:
        """Remove every toxic. What they held back goes on."""
        for toxics in self.toxics.values():
            toxics.clear()
        for connection in self.connections:
            for pipe in connection.pipes.values():
                pipe.toxics.clear()
        self._tell()
        self._up.set()
        while not self._listening:
            await anyio.lowlevel.checkpoint()

    def go_down(self) -> None:
        """Refuse new connections, and close those that are open."""
        self._up = anyio.Event()
        if self._listening is not None:
            self._listening.cancel()
        for connection in self.connections:
            connection.cancel()

    async def serve(self) -> None:
        """Accept connections until cancelled."""
        with self._holder:
            async with anyio.create_task_group() as group:
                while True:
                    await self._up.wait()
                    with _bound(self.port) as listener, anyio.CancelScope() as self._listening:
                        listener.listen()
                        while True:
                            await anyio.wait_readable(listener)
                            with suppress(OSError):  # who asked has gone again
                                connection = Connection(self, listener.accept()[0])
                                self.accepted += 1
                                self.connections.add(connection)
                                group.start_soon(self._run, connection)
                    self._listening = None

    async def _run(self, connection: Connection) -> None:
        try:
            await connection.run(self._target)
        finally:
            self.connections.remove(connection)

    def _tell(self) -> None:
        told, self.changed = self.changed, anyio.Event()
        told.set()


@asynccontextmanager
async def proxy(target: int, *, seed: int = 0) -> AsyncIterator[Proxy]:
    """Stand in front of a port of 127.0.0.1 until the block ends."""
    here = Proxy(target, seed)
    async with anyio.create_task_group() as group:
        group.start_soon(here.serve)
        await here.clear()
        yield here
        group.cancel_scope.cancel()


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    if hasattr(socket, "SO_REUSEPORT"):
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.setblocking(False)
    bound.bind(("127.0.0.1", port))
    return bound


async def _receive(source: socket.socket) -> bytes:
    """Read what there is. A connection that broke has ended."""
    while True:
        await anyio.wait_readable(source)
        try:
            return source.recv(CHUNK)
        except BlockingIOError:
            continue
        except OSError:
            return b""


async def _send(sink: socket.socket, data: bytes) -> bool:
    """Write everything. Whether that was possible."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[sink.send(rest) :]
        except BlockingIOError:
            await anyio.wait_writable(sink)
        except OSError:
            return False
    return True
