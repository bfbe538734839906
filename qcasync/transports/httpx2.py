"""The transport over httpx2, the maintained continuation of httpx. Needs the extra `httpx2`."""

import ssl

import httpx2

from qcasync.transports._limits import CONNECTIONS
from qcasync.transports._pooled import Library, PooledTransport

_LIBRARY = Library.of(httpx2)
_MAX_POOL = 128


class Httpx2Transport(PooledTransport):
    """Exchanges over httpx2: less CPU per request than httpx, and one pool serves 100 connections well.

    Args:
        max_connections: How many exchanges may run at once.
        ssl_context: Replaces the default trust store, for a private certificate authority for instance.

    Raises:
        ConfigurationError: `ssl_context` does not check certificates.
    """

    def __init__(self, max_connections: int = CONNECTIONS, *, ssl_context: ssl.SSLContext | None = None) -> None:
        super().__init__(_LIBRARY, max_connections, ssl_context, _MAX_POOL)
