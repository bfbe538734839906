"""The TLS context of every transport: the default one, or a user's that checks what has to be checked."""

import ssl
from collections.abc import Callable
from typing import Any

from qcasync.errors import ConfigurationError


def context_of(given: ssl.SSLContext | None, create: Callable[..., ssl.SSLContext]) -> ssl.SSLContext:
    """The context that a user gave, or one that heeds nothing of the environment.

    Args:
        given: The user's.
        create: httpx's function; other libraries' have no way to ignore SSL_CERT_FILE.

    Raises:
        ConfigurationError: The given one does not check certificates or host names.
    """
    if given is not None:
        return require_checks(given)
    context = create(trust_env=False)
    silent: Any = context  # typeshed does not know that the name may be None
    silent.keylog_filename = None  # SSLKEYLOGFILE would write down what opens every record
    return context


def require_checks(context: ssl.SSLContext) -> ssl.SSLContext:
    """Return `context`.

    Raises:
        ConfigurationError: It does not check certificates or host names.
    """
    if not (context.check_hostname and context.verify_mode is ssl.CERT_REQUIRED):
        raise ConfigurationError(
            "The ssl_context does not check certificates or host names.",
            "Load your certificate authority into ssl.create_default_context() instead.",
        )
    return context
