"""Text of the server in pictures: shown as text, whatever it holds.

Plotly reads a little HTML in every label: <b>, <a href>, <br>, entities; with MathJax on the page it also reads TeX
between dollar signs. So each label is escaped here before a figure gets it.
"""

import html
from typing import Final

_NAME: Final = 60


def shown(text: object, most: int = _NAME) -> str:
    """Text without characters that steer: what is not printable becomes its escape. Cut to `most` characters."""
    told = str(text)
    if len(told) > most:
        told = told[: most - 1] + "…"
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in told
    )


def label(text: object, most: int = _NAME) -> str:
    """Text as a label of Plotly's, which shows it and reads nothing in it."""
    return html.escape(shown(text, most), quote=False).replace("$", "&#36;")


def unlabel(text: str) -> str:
    """What a label shows."""
    return html.unescape(text)
