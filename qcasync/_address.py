"""Which addresses credentials may be sent to."""

import ipaddress
import os
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from qcasync.errors import ConfigurationError

PRODUCTION: Final = "https://www.quantconnect.com/api/v2/"


def find_base_url(base_url: str | None, environment: Mapping[str, str] | None = None) -> str:
    """The checked base URL, ending in a slash: the argument, else `QC_BASE_URL`, else production.

    Raises:
        ConfigurationError: It is not https (plain http is for loopback only), or it holds a user name, query or
            fragment.
    """
    environment = os.environ if environment is None else environment
    url = base_url or environment.get("QC_BASE_URL") or PRODUCTION
    del environment  # a traceback that shows locals would show the token in it
    if "@" in url:  # what comes before it may be a password, so nothing of it is shown
        raise ConfigurationError(
            "The base URL holds a user name or a password.", "Pass user_id and api_token, and a URL without them."
        )
    if "?" in url or "#" in url:
        raise ConfigurationError("The base URL has a query or a fragment.", f"The default is {PRODUCTION}")
    if not url.isprintable() or " " in url:  # urlsplit would drop some of them
        raise ConfigurationError(
            f"The base URL {url!r} holds a blank or a character that cannot be seen.", f"The default is {PRODUCTION}"
        )
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        raise ConfigurationError("The base URL cannot be parsed.", f"The default is {PRODUCTION}") from None
    if parts.scheme not in ("https", "http") or not host:
        raise ConfigurationError(f"The base URL {url!r} is not an https address.", f"The default is {PRODUCTION}")
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigurationError(
            f"The base URL {url!r} is plain http to another machine: everyone on the way could use your account.",
            "Use https. Plain http is accepted for this machine only, for the simulator.",
        )
    return url.rstrip("/") + "/"


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
