"""How long and how much, on every library."""

from typing import Final

CONNECTIONS: Final = 14
"""For a client's ten requests at once, and four urgent ones."""
CONNECT_SECONDS: Final = 5.0
WRITE_SECONDS: Final = 10.0
READ_SECONDS: Final = 30.0
CLOSE_SECONDS: Final = 2.0
KEEPALIVE_SECONDS: Final = 30.0
"""Below the 60 s after which common load balancers drop an idle connection without a word."""
MAX_INTERIM: Final = 100
"""Answers with a status of 1xx before the real one. No server has a use for more than a few."""
