"""What every transport asks of a TLS context that a user gave."""

import ssl

from qcasync.errors import ConfigurationError


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
