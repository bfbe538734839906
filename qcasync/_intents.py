"""Keeps what was decided, and what became of it: in the journal, and before the observers.

A journal may be foreign code, on a disk that hangs: it gets its time and no more, and what it raises costs no call.
"""

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Final

import anyio
import msgspec
from anyio.lowlevel import checkpoint_if_cancelled

from qcasync._core.reconciling import outcome_of
from qcasync._journal import read_soon
from qcasync.errors import ConfigurationError, JournalError, QuantConnectError
from qcasync.models.observations import Observation, OutcomeTold
from qcasync.outcomes import Intent, Journal, Outcome, OutcomeKind

JOURNAL_SECONDS: Final = 2.0
EMERGENCY_JOURNAL_SECONDS: Final = 0.1
"""A disk that hangs must not keep an emergency stop waiting."""

logger = logging.getLogger("qcasync")


class Intents:
    """The intents of one account.

    Args:
        journal: Where they are written; None for nowhere.
        account: Names the account in the journal.
        observe: Told every outcome.
        patience: Seconds that the journal gets for one entry.
    """

    def __init__(
        self,
        journal: Journal | None,
        account: str,
        observe: Callable[[Observation], None],
        *,
        patience: float = JOURNAL_SECONDS,
    ) -> None:
        self.account = account
        self._journal = journal
        self._observe = observe
        self._patience = patience
        self._disk_hangs = False

    def unresolved(self) -> tuple[Intent, ...]:
        """The intents of which nobody knows what became."""
        return self._kept().unresolved(self.account)

    async def warn_of_unresolved(self) -> None:
        """Tell at the start what an earlier process left open. A journal that fails keeps nobody from working."""
        if self._journal is None:
            return
        try:
            with anyio.fail_after(self._patience):
                intents = await read_soon(self._journal, self.account)
        except TimeoutError:
            logger.warning("the journal was not read within %g s", self._patience)
            return
        except Exception as error:  # foreign code
            logger.warning("what an earlier process left open is not known: %s", str(error) or type(error).__name__)
            return
        if intents:
            names = ", ".join(f"{intent.endpoint} of {intent.target}" for intent in intents[:5])
            logger.warning("nobody knows what became of %d calls: %s; see Client.unresolved", len(intents), names)

    async def begin(self, intent: Intent, *, within: float, emergency: bool, required: bool) -> None:
        """See an intent onto the disk. A disk that refuses keeps nothing running, and nothing from being created.

        Args:
            intent: What was decided.
            within: Seconds that the call can spare.
            emergency: It can spare next to none.
            required: Without this nothing may be sent.

        Raises:
            JournalError: It is required, and failed.
        """
        limit = EMERGENCY_JOURNAL_SECONDS if emergency else self._patience
        try:
            await self._write(intent, min(limit, within))
        except JournalError as error:
            if required:
                raise
            logger.warning("%s of %s goes out all the same: %s", intent.endpoint, intent.target, error)

    @asynccontextmanager
    async def not_sent(self, intent: Intent) -> AsyncGenerator[None, None]:
        """Whatever ends the call inside the block, nothing was sent. The intent may be on the disk, or still come."""
        try:
            yield
        except BaseException as error:
            outcome = outcome_of(intent, OutcomeKind.NOT_SENT, reason=what_ended(error))
            if isinstance(error, QuantConnectError):
                error.outcome = outcome
                error.add_note(f"Nothing was sent to {intent.endpoint}.")
            await self.settle(outcome)
            raise

    async def settle(self, outcome: Outcome) -> None:
        """Tell and write down what became of an intent, also while being cancelled. A failure costs nobody the outcome.

        Cancelled meanwhile, it raises that when it is done.
        """
        self._observe(OutcomeTold(outcome=outcome))
        async with anyio.create_task_group() as group:  # a native cancellation passes every shield but a child's
            group.start_soon(self._keep, outcome)
        await checkpoint_if_cancelled()  # trio's group says nothing of a cancellation that its children did not heed

    async def close_by_hand(self, intent: Intent, reason: str) -> None:
        """Write down that somebody knows what became of an intent.

        Raises:
            JournalError: The journal does not take it.
        """
        self._kept()
        outcome = msgspec.structs.replace(outcome_of(intent, OutcomeKind.UNKNOWN, reason=reason), final=True)
        await self._write(outcome, self._patience)
        self._observe(OutcomeTold(outcome=outcome))

    def _kept(self) -> Journal:
        if self._journal is None:
            raise ConfigurationError("This client keeps no journal.", "Open it with Client(journal=FILE).")
        return self._journal

    async def _keep(self, outcome: Outcome) -> None:
        try:
            with anyio.CancelScope(shield=True):
                await self._write(outcome, self._patience)
        except JournalError as error:
            what = outcome.endpoint if outcome.project_id is None else f"project {outcome.project_id}"
            logger.warning("that %s ended as %s is not kept: %s", what, outcome.kind.value, error)

    async def _write(self, entry: Intent | Outcome, seconds: float) -> None:
        if self._journal is None:
            return
        if self._disk_hangs:  # it held us up once; until it recovers, that is enough
            seconds = min(seconds, EMERGENCY_JOURNAL_SECONDS)
        try:
            with anyio.move_on_after(seconds):
                await self._journal.write(entry)
                self._disk_hangs = False
                return
            self._disk_hangs, problem = True, f"was not written within {seconds:g} s"
        except JournalError:
            raise
        except Exception as error:  # foreign code
            logger.exception("the journal failed")
            problem = f"failed with {type(error).__name__}"
        raise JournalError(str(getattr(self._journal, "path", "of this client")), problem, "Look after the disk.")


def what_ended(error: BaseException) -> str:
    """What ended a call, for a person."""
    if isinstance(error, QuantConnectError):
        return str(getattr(error, "reason", error))
    cancelled = isinstance(error, anyio.get_cancelled_exc_class())
    return "cancelled" if cancelled else f"failed with {type(error).__name__}"
