"""The format: one line of JSON per answer, each a gzip member of its own; the first line says what the file is.

A member is complete or torn, so a file that was cut is good up to the tear, and an answer can be read again by its
place without what is before it. `zcat FILE` shows the whole.
"""

import base64
import os
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

import msgspec

from qcasync.errors import ConfigurationError

FORMAT: Final = 1
MAX_LINE: Final = 512 * 2**20
"""Bytes of a line: the largest body, 64 MiB, with every character escaped, fits inside."""
_GZIP: Final = 31  # zlib's number for "gzip, with its header and checksum"
_LEVEL: Final = 1  # more costs several times as long, for a fifth of the size
_CHUNK: Final = 64 * 1024
_HINT: Final = "Name a file that qcasync.Recorder wrote."


class Heading(msgspec.Struct, frozen=True, kw_only=True):
    """The first line.

    Attributes:
        qcasync_recording: The number of the format.
        began_at: Unix seconds, by the clock of the machine that recorded.
    """

    qcasync_recording: int
    began_at: float


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One answer.

    Attributes:
        number: From 1.
        read_at: The client's clock at the end of the response, in Unix seconds.
        mono_sent: Its monotonic clock when the request left.
        mono_answered: The same when the answer's headers had come.
        mono_read: The same at the end of the response.
        seconds: What the exchange took.
        endpoint: Below the base URL.
        request: The request's body.
        status: HTTP's.
        headers: Those worth keeping.
        body: Text; absent if there is none, or if it is not UTF-8.
        body_base64: The body, if it is not UTF-8.
    """

    number: int
    read_at: float
    mono_sent: float
    mono_answered: float
    mono_read: float
    seconds: float
    endpoint: str
    request: msgspec.Raw
    status: int
    headers: dict[str, str] = {}
    body: str = ""
    body_base64: str = ""

    def with_body(self, body: bytes) -> "Line":
        """The same line with this body."""
        try:
            return msgspec.structs.replace(self, body=body.decode())
        except UnicodeDecodeError:
            return msgspec.structs.replace(self, body_base64=base64.b64encode(body).decode("ascii"))

    def body_bytes(self) -> bytes:
        """The body as it was.

        Raises:
            Damage: It is not what its name says.
        """
        try:
            return base64.b64decode(self.body_base64, validate=True) if self.body_base64 else self.body.encode()
        except ValueError as error:
            raise Damage("holds a body that is no base64") from error


class Place(msgspec.Struct, frozen=True):
    """Where in a file a line is: its first byte, and how many there are."""

    start: int
    size: int


class Damage(Exception):
    """The file is not whole from here on."""


def packed(line: Heading | Line) -> bytes:
    """A line as it is written."""
    deflate = zlib.compressobj(_LEVEL, wbits=_GZIP)
    return deflate.compress(msgspec.json.encode(line) + b"\n") + deflate.flush()


def read_lines(file: BinaryIO, path: str) -> Iterator[tuple[Place, Line]]:
    """The answers of a file, in order. Nothing is kept.

    Raises:
        ConfigurationError: It is no recording, or one of a later format.
        Damage: It is cut or damaged after the answers that were yielded.
    """
    members = _members(file)
    _check(_first(members), path)
    for place, content in members:
        yield place, _decoded(content)


def read_line(file: BinaryIO, place: Place) -> Line:
    """One answer, again.

    Raises:
        Damage: The file changed since.
    """
    file.seek(place.start)
    found = next(_members(file), None)
    if found is None:
        raise Damage("was cut while it was read")
    return _decoded(found[1])


def _check(first: bytes, path: str) -> None:
    try:
        heading = _HEADING.decode(first)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ConfigurationError(f"{path} is not a recording of qcasync.", _HINT) from None
    if heading.qcasync_recording != FORMAT:
        raise ConfigurationError(
            f"{path} is a recording in format {heading.qcasync_recording}; this version reads format {FORMAT}.",
            "Use the version of qcasync that recorded it, or a later one.",
        )


def _first(members: Iterator[tuple[Place, bytes]]) -> bytes:
    try:
        return next(members)[1]
    except (Damage, StopIteration):
        return b""


def _decoded(content: bytes) -> Line:
    try:
        return _LINE.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Damage("holds a line that is no answer") from error


def _members(file: BinaryIO) -> Iterator[tuple[Place, bytes]]:
    """The gzip members from where the file stands, one after the other."""
    start, rest = file.tell(), b""
    while True:
        inflate, content, size = zlib.decompressobj(_GZIP), bytearray(), 0
        while not inflate.eof:
            rest = rest or file.read(_CHUNK)
            if not rest and not size:
                return
            if not rest:
                raise Damage("was cut in the middle of an answer")
            try:
                content += inflate.decompress(rest, MAX_LINE + 1 - len(content))
            except zlib.error as error:
                raise Damage("is damaged") from error
            if len(content) > MAX_LINE:
                raise Damage("holds a line that is too long")
            left = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
            size, rest = size + len(rest) - len(left), left
        yield Place(start, size), bytes(content)
        start += size


def open_recording(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file for reading.

    Raises:
        ConfigurationError: There is none that can be read.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise ConfigurationError(f"The recording {os.fspath(path)} is no regular file.", _HINT)
    try:
        return open(path, "rb")
    except OSError as error:
        raise ConfigurationError(
            f"The recording {os.fspath(path)} cannot be read: {error.strerror or error}.", _HINT
        ) from error


_HEADING: Final = msgspec.json.Decoder(Heading)
_LINE: Final = msgspec.json.Decoder(Line)
