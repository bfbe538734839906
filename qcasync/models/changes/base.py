"""What all changes have in common."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

import msgspec

from qcasync.errors import ConfigurationError

ACCOUNT: Final = 0
"""The project id of changes that concern no single project."""

Write = Callable[[Any], object]
"""Writes through the checkpoint's `sqlite3.Connection`, in the transaction that acknowledges."""
Acknowledge = Callable[["Change", Write | None], Awaitable[None]]


def _kind(name: str) -> str:
    """OrderAdded becomes order_added."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


class Change(msgspec.Struct, frozen=True, kw_only=True, dict=True, tag_field="kind", tag=_kind):
    """Something that became different.

    Attributes:
        project_id: The project; 0 for the account as a whole.
        key: The same for the same change, however often it is observed or delivered. Sinks tell repetitions by it.
        sequence: Its place among the project's changes, from 1, without gaps.
        observed_at: When QuantConnect wrote the answer that showed it, in UTC.
        attempt: How often it has been delivered, or may have been; 1 for the first time.
        replayed: Whether it was read again from history after the checkpoint was rebuilt.
    """

    project_id: int
    key: str
    sequence: int = 0
    observed_at: datetime
    attempt: int = 1
    replayed: bool = False

    async def ack(self, write: Write | None = None) -> None:
        """Acknowledge: it is not delivered again, and the project's next change may come. Costs no request.

        Args:
            write: Called with the checkpoint's `sqlite3.Connection`, in another thread, inside the transaction that
                acknowledges: what it writes and the acknowledgement are both kept, or neither is. If it raises,
                neither is, and the error is raised here. Other projects wait meanwhile: a few statements, no more.

        Raises:
            ConfigurationError: The change did not come from a watch, or the watch has ended.
            CheckpointError: The checkpoint belongs to somebody else by now.
        """
        acknowledge: Acknowledge | None = vars(self).get("_acknowledge")
        if acknowledge is None:
            raise ConfigurationError(
                "This change was not delivered by a watch.", "Acknowledge the object that the iteration gave you."
            )
        await acknowledge(self, write)
