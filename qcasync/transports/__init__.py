"""HTTP libraries behind one protocol. Only this package imports any of them.

`HttpxTransport` is the default; `qcasync.transports.httpx2` needs its extra, and is imported by name.
"""

from typing import TYPE_CHECKING

from qcasync._lazy import lazily
from qcasync.transports.protocol import Fault, Phase, Progress, Request, Response, Transport, TransportError

if TYPE_CHECKING:
    from qcasync.transports.httpx import HttpxTransport
else:
    __getattr__, __dir__ = lazily(__name__, {"qcasync.transports.httpx": ["HttpxTransport"]})

__all__ = ["Fault", "HttpxTransport", "Phase", "Progress", "Request", "Response", "Transport", "TransportError"]
