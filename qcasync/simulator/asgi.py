"""The simulator as an ASGI application, written by hand: one coroutine that reads, asks, waits and writes."""

import time
import zlib
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, TypeAlias

import anyio

from qcasync.simulator.faults import FaultKind
from qcasync.simulator.frontdoor import Answer
from qcasync.simulator.simulator import Simulator

# ASGI messages are dictionaries of whatever each message type needs: Any is the specification's own type.
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]

DROP_EXTENSION = "qcasync.drop_connection"
"""A server that offers this extension gives a callable that cuts the connection of the request."""

_SMALLEST_COMPRESSED = 1024
_LEVEL = 1  # Loopback is fast; the processor is shared with the client under test.


def asgi_app(simulator: Simulator, now: Callable[[], float] = time.time) -> Application:
    """Return an ASGI application that answers as `simulator`.

    Faults of the connection go as far as ASGI lets them: a reset before the answer needs `DROP_EXTENSION`, and is
    otherwise a server error; a reset in the body is an answer that ends before its promised length.
    """

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await _read_body(receive)
        if body is None:
            return
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        target = scope["path"] + ("?" + scope["query_string"].decode("latin-1") if scope["query_string"] else "")
        answer = simulator.handle(scope["method"], target, headers, body, now())
        await anyio.sleep(answer.delay)
        if answer.fault is FaultKind.HANG:
            await _wait_for_disconnect(receive)
        elif answer.fault in {FaultKind.REFUSED, FaultKind.RESET_BEFORE_ANSWER}:
            extensions: dict[str, Callable[[], None]] = scope.get("extensions") or {}
            drop = extensions.get(DROP_EXTENSION)
            if drop is not None:
                drop()
                await _wait_for_disconnect(receive)
        else:
            await _write(answer, headers, send)

    return application


async def _read_body(receive: Receive) -> bytes | None:
    # The whole body; None when the client has gone.
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _write(answer: Answer, request_headers: Iterable[tuple[str, str]], send: Send) -> None:
    headers, body = list(answer.headers), answer.body
    if len(body) > _SMALLEST_COMPRESSED and _accepts_gzip(request_headers):
        body = _gzip(body)
        headers.append(("content-encoding", "gzip"))
    cut = answer.fault is FaultKind.RESET_IN_BODY
    headers.append(("content-length", str(len(body) + cut)))  # One byte more, so that an empty body can be cut too.
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
    if cut:
        # The application returns with the body unfinished, and the server has to close the connection.
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        return
    await send({"type": "http.response.body", "body": body})


def _accepts_gzip(headers: Iterable[tuple[str, str]]) -> bool:
    accepted = ",".join(value for name, value in headers if name.lower() == "accept-encoding")
    return any(coding.partition(";")[0].strip().lower() == "gzip" for coding in accepted.split(","))


def _gzip(body: bytes) -> bytes:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()
