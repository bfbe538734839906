"""What may not be shown, and how it is taken out of a text.

QuantConnect echoes the hash of a refused request in its error text, and that hash stays valid for two hours: texts from
the server are scrubbed before they reach an error, a log record or an observer.
"""

import re

REDACTED = "[redacted]"
MAX_TEXT = 500

_SECRET_TEXT = re.compile(r"[0-9A-Fa-f]{40,}|(?<=UID: )\d+|(?<=UID:)\d+|(?i:(?<=basic ))[\w+/=%-]{40,}")
"""Hashes are 64 hexadecimal digits; deployment ids are 32 and stay readable. `Basic` precedes a hash in base64."""


def scrub(text: str) -> str:
    """Take hashes and user ids out of a server's text, and bound its length to 500 characters."""
    clean = _SECRET_TEXT.sub(REDACTED, text)
    return clean if len(clean) <= MAX_TEXT else clean[: MAX_TEXT - 1] + "…"


class Secret:
    """A text that is shown only to who asks for it by name: no str, repr, format, pickle or copy tells it."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """The text itself. Called by signing, and nowhere else."""
        return self.__text

    def __repr__(self) -> str:
        return "Secret('…')"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a Secret is neither pickled nor copied")
