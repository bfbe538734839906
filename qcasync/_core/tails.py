"""What was appended to a list that only grows: log lines and insights.

The last known row is read again with those behind it, as an anchor. If another row stands there, look after look, or if
the list is said to be shorter, it has become another one, and is read from its beginning. An answer that is empty
proves nothing.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

ABSENCES: Final = 3
"""Looks that show something else than the anchor, before the list is taken to have become another one."""
EMPTY_LOOKS: Final = 2
"""Looks in a row that find nothing at all, before it is believed that there is nothing."""


class TailMemory(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of such a list.

    Attributes:
        next: Index of the first row that is not known.
        anchor: What tells the row before it from others; "" if there is none before it.
        epoch: How often the list has become another one.
        absences: Looks since the anchor was last seen that showed something else; without one, that showed nothing.
        complete: Whether its end was reached once: what comes from then on is news.
    """

    next: int = 0
    anchor: str = ""
    epoch: int = 0
    absences: int = 0
    complete: bool = False

    @property
    def start(self) -> int:
        """Where to read from: the anchor."""
        return max(0, self.next - 1)


class Tail(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer taught.

    Attributes:
        memory: What to remember.
        fresh: How many of the rows, at the end of the answer, are new.
        restarted: Whether the list has become another one; then all rows count for nothing, and it is read anew.
        more: Whether to read on at once.
    """

    memory: TailMemory
    fresh: int = 0
    restarted: bool = False
    more: bool = False


def follow_tail(memory: TailMemory, marks: Sequence[str], length: int | None = None) -> Tail:
    """Compare the rows of a window, from `memory.start` on, with what is remembered.

    Args:
        memory: What is remembered.
        marks: For each row, what tells it from others.
        length: How many rows the list has, if the answer says so.
    """
    has_anchor = memory.next > 0
    if has_anchor and not marks and not 0 < (length or 0) < memory.next:
        return Tail(memory=memory)
    if has_anchor:
        believed, looks = bool(marks) and marks[0] == memory.anchor, ABSENCES
    else:
        believed, looks = bool(marks) or memory.complete, EMPTY_LOOKS
    if not believed and memory.absences + 1 < looks:
        return Tail(memory=msgspec.structs.replace(memory, absences=memory.absences + 1))
    if not believed and has_anchor:
        another = TailMemory(epoch=memory.epoch + 1, complete=memory.complete)
        return Tail(memory=another, restarted=True, more=True)
    fresh = len(marks) - has_anchor
    if not fresh:
        return Tail(memory=msgspec.structs.replace(memory, absences=0, complete=True))
    after = msgspec.structs.replace(memory, next=memory.next + fresh, anchor=marks[-1], absences=0)
    return Tail(memory=after, fresh=fresh, more=True)
