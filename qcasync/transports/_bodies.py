"""Bytes are bounded before they exist: a body is inflated and counted piece by piece, and must end properly."""

import io
import zlib
from collections.abc import Iterator, Mapping

from qcasync.transports.protocol import Fault, TransportError

ACCEPT_ENCODING = "gzip"
_GZIP_WINDOW = 31  # zlib's number for "gzip, with its header and checksum"
_STEP = 256 * 1024
"""Inflated at a time. One chunk from a socket can become a thousand times as many bytes."""


class BoundedBody:
    """Collects one response body, inflating gzip on the way.

    Args:
        headers: Names in lower case; says how the body is encoded, and how long it claims to be.
        max_bytes: The largest result.

    Raises:
        TransportError: The headers promise more than `max_bytes`, or an encoding that was not asked for.
    """

    __slots__ = ("_content", "_inflate", "_max_bytes", "_size", "wire_bytes")

    def __init__(self, headers: Mapping[str, str], max_bytes: int) -> None:
        encoding = headers.get("content-encoding", "").strip().lower()
        if encoding not in ("", "identity", "gzip"):
            raise TransportError(Fault.DAMAGED, f"content encoding {encoding[:20]!r} was not asked for")
        length = headers.get("content-length", "")
        if length.isascii() and length.isdigit() and len(length) < 20 and int(length) > max_bytes:
            raise TransportError(Fault.TOO_LARGE, f"{length} bytes announced, at most {max_bytes} allowed")
        self._inflate = zlib.decompressobj(_GZIP_WINDOW) if encoding == "gzip" else None
        self._max_bytes = max_bytes
        self._content = io.BytesIO()  # hands its buffer over as the result: joining pieces would need it all twice
        self._size = 0
        self.wire_bytes = 0

    def feed(self, chunk: bytes) -> Iterator[int]:
        """Take bytes as they travelled. To be iterated to its end.

        Yields:
            By how much the body grew, a step at a time, so that the caller can wait for room in between.

        Raises:
            TransportError: The result would exceed its limit, or the bytes are not gzip.
        """
        self.wire_bytes += len(chunk)
        if self._inflate is None:
            yield self._grow(chunk)
            return
        while chunk:
            try:
                piece = self._inflate.decompress(chunk, min(_STEP, self._max_bytes - self._size + 1))
            except zlib.error as error:
                raise TransportError(Fault.DAMAGED, f"corrupt gzip: {error}") from None
            if self._inflate.unused_data:  # a second member, perhaps: dropping it would shorten the body
                raise TransportError(Fault.DAMAGED, "data after the end of the gzip stream")
            chunk = self._inflate.unconsumed_tail
            yield self._grow(piece)

    def finish(self) -> bytes:
        """The whole body.

        Raises:
            TransportError: The gzip stream ended before its end mark.
        """
        if self._inflate is not None and self.wire_bytes and not self._inflate.eof:
            raise TransportError(Fault.DAMAGED, "the gzip stream was cut short")
        return self._content.getvalue()

    def _grow(self, piece: bytes) -> int:
        self._size += len(piece)
        if self._size > self._max_bytes:
            raise TransportError(Fault.TOO_LARGE, f"more than {self._max_bytes} bytes")
        self._content.write(piece)
        return len(piece)
