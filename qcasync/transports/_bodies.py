"""Bytes are bounded before they exist: a body is inflated and counted piece by piece, and must end properly."""

import zlib
from collections.abc import Mapping

from qcasync.transports.protocol import Fault, TransportError

ACCEPT_ENCODING = "gzip"
_GZIP_WINDOW = 31  # zlib's number for "gzip, with its header and checksum"


class BoundedBody:
    """Collects one response body, inflating gzip on the way.

    Args:
        headers: Names in lower case; says how the body is encoded, and how long it claims to be.
        max_bytes: The largest result.

    Raises:
        TransportError: The headers promise more than `max_bytes`, or an encoding that was not asked for.
    """

    __slots__ = ("_inflate", "_max_bytes", "_parts", "_size", "wire_bytes")

    def __init__(self, headers: Mapping[str, str], max_bytes: int) -> None:
        encoding = headers.get("content-encoding", "").strip().lower()
        if encoding not in ("", "identity", "gzip"):
            raise TransportError(Fault.DAMAGED, f"content encoding {encoding[:40]!r} was not asked for")
        length = headers.get("content-length", "")
        if length.isascii() and length.isdigit() and len(length) < 20 and int(length) > max_bytes:
            raise TransportError(Fault.TOO_LARGE, f"{length} bytes announced, at most {max_bytes} allowed")
        self._inflate = zlib.decompressobj(_GZIP_WINDOW) if encoding == "gzip" else None
        self._max_bytes = max_bytes
        self._parts: list[bytes] = []
        self._size = 0
        self.wire_bytes = 0

    def feed(self, chunk: bytes) -> None:
        """Take bytes as they travelled.

        Raises:
            TransportError: The result would exceed its limit, or the bytes are not gzip.
        """
        self.wire_bytes += len(chunk)
        if self._inflate is not None:
            try:
                chunk = self._inflate.decompress(chunk, self._max_bytes - self._size + 1)
            except zlib.error as error:
                raise TransportError(Fault.DAMAGED, f"corrupt gzip: {error}") from None
            if self._inflate.unused_data:  # a second member, perhaps: dropping it would shorten the body
                raise TransportError(Fault.DAMAGED, "data after the end of the gzip stream")
        self._size += len(chunk)
        if self._size > self._max_bytes:
            raise TransportError(Fault.TOO_LARGE, f"more than {self._max_bytes} bytes")
        self._parts.append(chunk)

    def finish(self) -> bytes:
        """The whole body.

        Raises:
            TransportError: The gzip stream ended before its end mark.
        """
        if self._inflate is not None and self.wire_bytes and not self._inflate.eof:
            raise TransportError(Fault.DAMAGED, "the gzip stream was cut short")
        return b"".join(self._parts)
