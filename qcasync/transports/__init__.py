"""HTTP libraries behind one protocol. Only this package imports any of them.

`HttpxTransport` is the default; `qcasync.transports.httpx2` needs its extra, and is imported by name.
"""

from qcasync.transports.httpx import HttpxTransport
from qcasync.transports.protocol import Fault, Phase, Progress, Request, Response, Transport, TransportError

__all__ = ["Fault", "HttpxTransport", "Phase", "Progress", "Request", "Response", "Transport", "TransportError"]
