"""What could not be decoded, kept as it came."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from qcasync.models._base import Model

__all__ = ["MAX_RAW", "Quarantined", "in_place"]

T = TypeVar("T")

MAX_RAW = 64 * 1024
"""How many bytes of an entry are kept."""


class Quarantined(Model, frozen=True, kw_only=True):
    """An entry of a list that could not be decoded. The others of its page are not affected.

    Attributes:
        index: Its position: in a page, the page's; in a listing, the whole list's.
        reason: Why, and where in the entry.
        raw: The entry's JSON, at most 64 KiB of it.
    """

    index: int
    reason: str
    raw: bytes


def in_place(rows: Sequence[T], quarantined: Sequence[Quarantined]) -> Iterator[T | Quarantined]:
    """Yield a page's entries at their places, those that could not be decoded among the others."""
    decoded = iter(rows)
    held = {entry.index: entry for entry in quarantined}
    for index in range(len(rows) + len(quarantined)):
        yield held[index] if index in held else next(decoded)
