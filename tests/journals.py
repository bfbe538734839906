"""Journals in memory. Threads and a clock that jumps do not mix, so in virtual time no file is written."""

from collections.abc import Callable

import anyio
import anyio.lowlevel

from qcasync import Intent, JournalError, Outcome

Entry = Intent | Outcome


class MemoryJournal:
    """Keeps what is written, and can be as bad as a disk.

    Args:
        seconds: How long each write takes; `math.inf` for a disk that hangs.
        keeps_late: What is being written gets there even if nobody waits for it any more, as from a thread.
        failure: What every write raises.
        look: Called at each entry that is kept, to remember what was true then.

    Attributes:
        entries: What was kept, oldest first.
        looks: What `look` said when each of them was kept.
    """

    def __init__(
        self,
        *,
        seconds: float = 0.0,
        keeps_late: bool = False,
        failure: Exception | None = None,
        look: Callable[[], object] = lambda: None,
    ) -> None:
        self.seconds = seconds
        self.failure = failure
        self.entries: list[Entry] = []
        self.looks: list[object] = []
        self._keeps_late = keeps_late
        self.look = look

    @property
    def intents(self) -> list[Intent]:
        """What was decided."""
        return [entry for entry in self.entries if isinstance(entry, Intent)]

    @property
    def outcomes(self) -> list[Outcome]:
        """What became of it."""
        return [entry for entry in self.entries if isinstance(entry, Outcome)]

    async def write(self, entry: Entry, /) -> None:
        """Keep an entry."""
        if self._keeps_late:
            self._keep(entry)
        await anyio.lowlevel.checkpoint()
        if self.failure is not None:
            raise self.failure
        await anyio.sleep(self.seconds)
        if not self._keeps_late:
            self._keep(entry)

    def unresolved(self, account: str, /) -> tuple[Intent, ...]:
        """The intents without a final outcome."""
        settled = {outcome.intent_id for outcome in self.outcomes if outcome.final}
        return tuple(each for each in self.intents if each.account == account and each.id not in settled)

    def _keep(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.looks.append(self.look())


def full() -> JournalError:
    """What a disk without room says."""
    return JournalError("in memory", "cannot be written: No space left on device")
