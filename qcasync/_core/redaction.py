"""What may not be shown, and how it is taken out of a text.

QuantConnect echoes the hash of a refused request in its error text, and that hash stays valid for two hours: texts from
the server are scrubbed before they reach an error, a log record or an observer.

The scrubber knows no secret: it goes by form. API tokens and hashes are 64 hexadecimal digits, a server can repeat no
other token, as none is ever sent to it, and what has no state works without a client as well.
"""

import base64
import re
from typing import Final
from urllib.parse import unquote

REDACTED = "[redacted]"
MAX_TEXT = 500

_DIGIT: Final = r"(?:[0-9A-Fa-f]|%(?:3[0-9]|[46][1-6]))"
"""A hexadecimal digit, plain or URL-quoted."""
_SECRET_TEXT: Final = re.compile(
    rf"{_DIGIT}{{40,}}+"
    r"|[0-9A-Fa-f]{2}(?:[:. -][0-9A-Fa-f]{2}){19,}+"  # as fingerprints are written
    r"|(?i:(?<=basic ))[\w+/=%-]{40,}"
)
"""Hashes and tokens are 64 hexadecimal digits; deployment ids are 32 and stay readable. `Basic` precedes a hash in
base64."""
_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/_-]|\\/|%2[BbFf])(?:[A-Za-z0-9+/_-]|\\/|%2[BbFf]){53,}+")
"""Perhaps 40 digits or more in base64. PHP's JSON has a backslash before each slash."""
_DIGITS: Final = re.compile(rb"[0-9A-Fa-f]{40}")
_USER_ID: Final = re.compile(r"(?<![A-Za-z])((?:uid|user[ _-]?id)\W{0,4})[0-9]+", re.IGNORECASE)


def scrub(text: str) -> str:
    """Take hashes, tokens and user ids out of a server's text, and bound its length to 500 characters."""
    clean = _BASE64.sub(_without_digits, _SECRET_TEXT.sub(REDACTED, text))
    clean = _USER_ID.sub(rf"\g<1>{REDACTED}", clean)
    return clean if len(clean) <= MAX_TEXT else clean[: MAX_TEXT - 1] + "…"


def _without_digits(run: re.Match[str]) -> str:
    """The run, unless it is base64 of a hash or a token, beginning anywhere in it."""
    letters = unquote(run[0]).replace("\\", "").replace("-", "+").replace("_", "/")
    for start in range(4):
        whole = letters[start : start + (len(letters) - start) // 4 * 4]
        if _DIGITS.search(base64.b64decode(whole)):
            return REDACTED
    return run[0]


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


class Hidden(bytes):
    """Bytes that show no more than their length, for a body that may hold a password. To send, they are bytes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"

    __str__ = __repr__
