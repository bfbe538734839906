"""The default transport, over httpx."""

import ssl

import httpx

from qcasync.transports._limits import CONNECTIONS
from qcasync.transports._pooled import Library, PooledTransport

_LIBRARY = Library.of(httpx)
_MAX_POOL = 16
"""httpcore 1.0.9 searches all connections for each request: above this its pool collapses."""


class HttpxTransport(PooledTransport):
    """Exchanges over httpx. Above 16 connections it keeps several pools of 10, because one large pool is slow.

    Args:
        max_connections: How many exchanges may run at once.
        ssl_context: Replaces the default trust store, for a private certificate authority for instance.

    Raises:
        ConfigurationError: `ssl_context` does not check certificates.
    """

    def __init__(self, max_connections: int = CONNECTIONS, *, ssl_context: ssl.SSLContext | None = None) -> None:
        super().__init__(_LIBRARY, max_connections, ssl_context, _MAX_POOL)
