"""How wide text is in a terminal."""

import unicodedata


def cells(text: str) -> int:
    """How many columns a text takes: two for a wide character, none for one that joins the character before it."""
    return sum(map(_width, text))


def cut(text: str, most: int) -> str:
    """A text, cut to a number of columns. Its last character is then an ellipsis."""
    if cells(text) <= most:
        return text
    kept, room = "", most - 1
    for character in text:
        room -= _width(character)
        if room < 0:
            break
        kept += character
    return f"{kept}…"


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
