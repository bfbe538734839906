"""What could not be decoded, kept as it came."""

from qcasync.models._base import Model

__all__ = ["MAX_RAW", "Quarantined"]

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
