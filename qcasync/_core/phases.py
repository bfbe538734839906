"""How far a request got. The only proof of "not sent" is the absence of a first byte: all is measured from there.

Only these two vocabularies live here; what follows from them is decided in `retrying.py`.
"""

import enum

from qcasync.errors import Sent


class Phase(enum.IntEnum):
    """The furthest point that a request provably reached. Ordered: later phases compare greater."""

    NOT_SENT = 0
    """No byte of the request was written. Repeating it cannot repeat an effect."""
    PARTLY_SENT = 1
    """Writing began; the server may hold a part of the request, or all of it."""
    SENT = 2
    """The whole request was written; no response header has been read."""
    ANSWERING = 3
    """Response headers were read; the body was not read to its end."""
    ANSWERED = 4
    """The response was read to its end."""

    @property
    def sent(self) -> Sent:
        """The word for error messages."""
        if self is Phase.NOT_SENT:
            return "no"
        return "maybe" if self is Phase.PARTLY_SENT else "yes"


class Fault(enum.Enum):
    """Why a transport has no response to give."""

    UNREACHABLE = "unreachable"
    """Name lookup, TCP or TLS failed, or took too long."""
    CERTIFICATE = "certificate"
    """The server's certificate was refused. Repeating the request cannot help."""
    TIMEOUT = "timeout"
    """Nothing was read or written for longer than the transport waits."""
    LOST = "lost"
    """The connection was closed or reset."""
    DAMAGED = "damaged"
    """The body ended early, or was not what its headers promised."""
    TOO_LARGE = "too large"
    """The body exceeds what the request allows."""
