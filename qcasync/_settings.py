"""The settings of a client: what they may be, and the transport that one of them names."""

from importlib import import_module
from typing import Final, Literal

from qcasync.errors import ConfigurationError
from qcasync.transports.protocol import Transport

TransportName = Literal["httpx", "httpx2", "aiohttp"]

TRANSPORTS: Final = {
    "httpx": ("qcasync.transports.httpx", "HttpxTransport"),
    "httpx2": ("qcasync.transports.httpx2", "Httpx2Transport"),
    "aiohttp": ("qcasync.transports.aiohttp", "AiohttpTransport"),
}
MAX_CONCURRENCY: Final = 100


def check_limits(max_concurrency: int, requests_per_second: float | None, max_attempts: int) -> None:
    """Refuse limits under which nothing could be sent."""
    if not 1 <= max_concurrency <= MAX_CONCURRENCY:
        raise ConfigurationError(
            f"max_concurrency must be 1 to {MAX_CONCURRENCY}, not {max_concurrency}.", "10 serves most accounts well."
        )
    if requests_per_second is not None and not requests_per_second > 0:
        raise ConfigurationError(
            f"requests_per_second must be positive, not {requests_per_second}.", "Leave it out for no ceiling."
        )
    if max_attempts < 1:
        raise ConfigurationError(f"max_attempts must be at least 1, not {max_attempts}.", "1 means: never retry.")


def transport_named(name: TransportName, max_connections: int) -> Transport:
    """A transport by the name of its HTTP library."""
    if name not in TRANSPORTS:
        raise ConfigurationError(f"Unknown transport {name!r}.", "One of " + ", ".join(TRANSPORTS) + ".")
    module, kind = TRANSPORTS[name]
    try:
        transport: Transport = getattr(import_module(module), kind)(max_connections)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"The transport {name!r} is not installed.", f"pip install 'qcasync[{name}]'"
        ) from error
    return transport
