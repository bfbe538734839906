"""What a body is before it is decoded, and how it is shown when it cannot be."""

import codecs
import re
from typing import Final

from qcasync._core.redaction import REDACTED, scrub
from qcasync.errors import DecodeError

MAX_EXCERPT: Final = 200
_PIECE: Final = 2**20

# Each pattern takes time linear in the body, whatever a server sends: what could backtrack is possessive or bounded.
_OBJECT = re.compile(rb"[ \t\r\n]*+\{")
_HTML = re.compile(rb"\s*+(?:\xef\xbb\xbf\s*+)?<(?:!--|(?:!doctype|html|head|body|title|center|h1)\b)", re.IGNORECASE)
_TITLE = re.compile(rb"<title[^>]{0,100}+>([^<]{0,300}+)", re.IGNORECASE)
_HEX_RUN = re.compile(r"[0-9A-Fa-f]{32,}")
# A string, which is skipped, or a number that JSON does not have or that a double cannot hold.
_STRING_OR_NUMBER = re.compile(
    rb'"(?:[^"\\]|\\.?)*+(?:"|\Z)|(?<![\w.+-])(-?(?:NaN|Infinity)|-?\d+(?:\.\d+)?[eE]\+?\d{3,})(?![\w.])', re.DOTALL
)


_ODD_NUMBER = re.compile(rb"NaN|Infinity|[eE]\+?\d{3}")
_QUOTED = re.compile(rb'"\\u00([0-9a-f]{2})((?:NaN|Infinity|aN|nfinity|[\d.]*(?:[eE]\+?\d{3,})))"')

# An escape: a whole pair of surrogates, a lone one, or anything else.
_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..)|.)", re.DOTALL)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def screen(body: bytes) -> None:
    """Raise DecodeError unless the body may be a JSON object in UTF-8.

    msgspec checks UTF-8 only in what it reads, and raises UnicodeDecodeError there.
    """
    if _OBJECT.match(body) is None:
        raise undecodable(_kind(body), body)
    if not body.isascii():
        _check_utf8(body)


def _check_utf8(body: bytes) -> None:
    """Raise DecodeError unless the body is UTF-8. In pieces: as text it would take up to four times its size."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(body), _PIECE):
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(body[start : start + _PIECE], final=start + _PIECE >= len(body))
        except UnicodeDecodeError as error:
            raise undecodable(f"not UTF-8 (byte {start - pending + error.start})", body) from None


def undecodable(reason: str, body: bytes, path: str = "") -> DecodeError:
    """Return the error for a body. Whoever knows the endpoint and the status adds them."""
    return DecodeError("", 200, reason, path, excerpt(body))


def excerpt(body: bytes) -> str:
    """Return the beginning of a body: at most 200 characters, without what may be a hash or a deployment id."""
    # The cut comes after the redaction: a hash that is cut in two would no longer be recognized.
    text = body[: 4 * MAX_EXCERPT].decode(errors="replace")
    return _HEX_RUN.sub(REDACTED, scrub(text))[:MAX_EXCERPT]


def html_title(body: bytes) -> str | None:
    """Return the title of a page of HTML, "" if it has none, or None if the body is no such page."""
    if _HTML.match(body) is None:
        return None
    title = _TITLE.search(body)
    return "" if title is None else " ".join(title[1].decode(errors="replace").split())


def quote_numbers(body: bytes) -> bytes:
    """Quote the numbers that make JSON unreadable (`NaN`, `Infinity`, `1e999`): only the field with one must suffer.

    Their first character is escaped, which changes nothing for a reader, and tells `unquote_numbers` what was quoted.
    """
    return _STRING_OR_NUMBER.sub(_quoted, body) if _ODD_NUMBER.search(body) else body


def mend(body: bytes) -> bytes:
    """Return a body without what makes all of it unreadable, though only a field is wrong.

    Numbers that JSON does not have are quoted; half of a character beyond U+FFFF, as a writer leaves behind that cuts
    texts by UTF-16, becomes U+FFFD.
    """
    whole = _ESCAPE.sub(_whole, body) if _SURROGATE.search(body) else body
    return quote_numbers(whole)


def unquote_numbers(part: bytes) -> bytes:
    """Return a part of a body as it was before `quote_numbers`."""
    return _QUOTED.sub(lambda found: bytes([int(found[1], 16)]) + found[2], part)


def _whole(found: re.Match[bytes]) -> bytes:
    return found[0] if found[1] is None else rb"\ufffd"


def _quoted(found: re.Match[bytes]) -> bytes:
    number = found[1]
    return found[0] if number is None else b'"\\u%04x%b"' % (number[0], number[1:])


def _kind(body: bytes) -> str:
    title = html_title(body)
    if title is not None:
        named = f" titled {_HEX_RUN.sub(REDACTED, scrub(title))!r}" if title else ""
        return f"HTML{named}, perhaps a proxy or maintenance page"
    return "not a JSON object" if body.strip() else "an empty body"
