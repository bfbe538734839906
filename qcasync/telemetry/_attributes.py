"""Names and values of OpenTelemetry's semantic conventions for HTTP clients, and our own beside them."""

from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

Attributes = dict[str, str | int | float | bool]

BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Seconds: the conventions' advice for http.client.request.duration."""
_PORTS: Final = {"https": 443, "http": 80}


@lru_cache(maxsize=256)
def server_of(url: str) -> tuple[str, int, str]:
    """Host, port and path of a URL."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0), parts.path


def request_attributes(url: str) -> Attributes:
    """What each metric of a request has. The paths of this API hold no ids, so each is its own template."""
    host, port, path = server_of(url)
    return {"http.request.method": "POST", "server.address": host, "server.port": port, "url.template": path}


def error_type(reason: str) -> str:
    """A reason as one word: "too_large"."""
    return reason.replace(" ", "_")
