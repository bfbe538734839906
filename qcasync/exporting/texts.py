"""Texts from elsewhere on their way into a file: no spreadsheet computes them, no terminal obeys them."""

import re
from typing import Final

import msgspec

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""How a text begins that a spreadsheet would compute."""

_STEERING: Final = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Legal inside JSON, but a terminal may obey them: DEL, the C1 controls, line separators, changes of direction."""


def inert(text: str) -> str:
    """A text as a cell of a CSV file: one that looks like a formula gets a leading apostrophe."""
    return "'" + text if text.startswith(FORMULA) else text


def json_line(value: object) -> bytes:
    """One line of strict JSON, its end included: NaN becomes null, and what steers a terminal an escape."""
    text = msgspec.json.encode(value).decode()
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode() + b"\n"
