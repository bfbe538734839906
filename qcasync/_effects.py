"""Calls with effect: know the state, write the intent, send once, and tell what became of it, whatever happens.

Every call ends in one of four outcomes. A confirmed one is returned; any other travels on the error. What is unknown is
looked for among the project's deployments, and never sent again.
"""

import logging
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final, TypeVar

import anyio
import msgspec
from anyio.lowlevel import checkpoint_if_cancelled

from qcasync._call import Call
from qcasync._core.endpoints import Endpoint
from qcasync._core.phases import Phase
from qcasync._core.reconciling import RECONCILE_SECONDS, STATE_SECONDS, Found, kind_of, running
from qcasync._core.requests import ProjectCall
from qcasync._deployments import Deployments, list_deployments, look_for
from qcasync._journal import read_soon
from qcasync._session import Seconds, Session
from qcasync.errors import AuthenticationError, ConfigurationError, JournalError, OutcomeUnknown, QuantConnectError
from qcasync.models.live import LiveDeployment
from qcasync.models.observations import OutcomeTold
from qcasync.outcomes import Intent, Journal, Outcome, OutcomeKind

T = TypeVar("T")

CREATE_STATE_SECONDS: Final = 15.0
"""A deployment that is to be created can wait until it is known what runs already."""
JOURNAL_SECONDS: Final = 2.0
EMERGENCY_JOURNAL_SECONDS: Final = 0.1
"""A disk that hangs must not keep an emergency stop waiting."""

logger = logging.getLogger("qcasync")


class Effects:
    """Performs calls with effect.

    Args:
        session: Performs the requests.
        account: Names the account in the journal.
        journal: Where intents are written; None for nowhere.
    """

    def __init__(self, session: Session, account: str, journal: Journal | None) -> None:
        self._session = session
        self._account = account
        self._journal = journal
        self._disk_hangs = False

    async def end(
        self,
        endpoint: Endpoint[None],
        project_id: int,
        *,
        emergency: bool = False,
        timeout: Seconds | None,
        total: float | None = None,
    ) -> Outcome:
        """Stop or liquidate what runs in a project. Returns a confirmed outcome.

        Args:
            endpoint: The operation.
            project_id: The project.
            emergency: Do not read first what runs.
            timeout: For sending; and for looking afterwards, unless `total` is given.
            total: Seconds for both.
        """
        call = self._prepare(endpoint, ProjectCall(project_id=project_id), timeout)
        intent = self._intent(endpoint, project_id)
        async with self._not_sent(intent):
            state = None if emergency else await self._state_before_ending(call, project_id)
            runs = None if state is None else running(project_id, state)
            if runs is not None:
                intent = msgspec.structs.replace(intent, deploy_id=runs.deploy_id)
            await self._begin(call, intent, emergency=emergency)
        outcome = _outcome(intent, OutcomeKind.CONFIRMED)
        try:
            await self._perform(call, intent)
        except OutcomeUnknown as error:
            limit = self._session.seconds(timeout) if total is None else total
            found = await self._reconcile(call, intent, error, limit)
            outcome = _outcome(intent, OutcomeKind.CONFIRMED, found)
        await self._settle(outcome)
        return outcome

    async def launch(
        self, endpoint: Endpoint[T], project_id: int, request: msgspec.Struct, *, timeout: Seconds | None
    ) -> T | LiveDeployment:
        """Deploy a project. Returns the answer, or the new deployment if that was lost."""
        call = self._prepare(endpoint, request, timeout)
        intent = self._intent(endpoint, project_id)
        async with self._not_sent(intent):
            seconds = min(CREATE_STATE_SECONDS, call.seconds)
            state = await list_deployments(self._session, project_id, seconds)
            known = tuple(each.deploy_id for each in state if each.project_id == project_id)
            intent = msgspec.structs.replace(intent, known=known)
            await self._begin(call, intent, required=True)
        answer: T | LiveDeployment
        try:
            answer = await self._perform(call, intent)
            outcome = _outcome(intent, OutcomeKind.CONFIRMED, deploy_id=getattr(answer, "deploy_id", None))
        except OutcomeUnknown as error:
            found = await self._reconcile(call, intent, error, self._session.seconds(timeout))
            if found.deployment is None:
                raise
            answer, outcome = found.deployment, _outcome(intent, OutcomeKind.CONFIRMED, found)
        await self._settle(outcome)
        return answer

    async def resolve(self, intent: Intent, *, timeout: Seconds | None) -> Outcome:
        """Look once more what became of an intent. Returns a confirmed or an unknown outcome."""
        self._session.check_usable()
        limit = self._session.seconds(timeout)
        found = await look_for(self._session, lambda: intent, RECONCILE_SECONDS if limit is None else limit)
        outcome = _outcome(intent, found.kind or OutcomeKind.UNKNOWN, found)
        await self._settle(outcome)
        return outcome

    def unresolved(self) -> tuple[Intent, ...]:
        """The intents of this account of which nobody knows what became."""
        if self._journal is None:
            raise _no_journal()
        return self._journal.unresolved(self._account)

    async def close_by_hand(self, intent: Intent, reason: str) -> None:
        """Write down that somebody knows what became of an intent."""
        if self._journal is None:
            raise _no_journal()
        outcome = msgspec.structs.replace(_outcome(intent, OutcomeKind.UNKNOWN, reason=reason), final=True)
        await self._write(outcome, JOURNAL_SECONDS)
        self._session.exchange.observe(OutcomeTold(outcome=outcome))

    async def warn_of_unresolved(self) -> None:
        """Tell at the start what an earlier process left open. A journal that fails keeps nobody from working."""
        if self._journal is None:
            return
        try:
            with anyio.fail_after(JOURNAL_SECONDS):
                intents = await read_soon(self._journal, self._account)
        except TimeoutError:
            logger.warning("the journal was not read within %g s", JOURNAL_SECONDS)
            return
        except Exception as error:  # a journal may be foreign code
            logger.warning("what an earlier process left open is not known: %s", str(error) or type(error).__name__)
            return
        if intents:
            names = ", ".join(f"{intent.endpoint} of project {intent.project_id}" for intent in intents[:5])
            logger.warning("nobody knows what became of %d calls: %s; see Client.unresolved", len(intents), names)

    def _prepare(self, endpoint: Endpoint[T], request: msgspec.Struct, timeout: Seconds | None) -> Call[T]:
        call = self._session.prepare(endpoint, request, timeout=self._session.seconds(timeout))
        call.starts(anyio.current_time())
        return call

    async def _state_before_ending(self, call: Call[None], project_id: int) -> Deployments | None:
        """What runs, if that is quickly told: to know more, never to prevent the call.

        Unless the credentials prove to be wrong here: they need not be sent again.
        """
        refused = self._session.exchange.credentials_refused
        try:
            return await list_deployments(self._session, project_id, min(STATE_SECONDS, call.seconds / 2))
        except AuthenticationError:
            if self._session.exchange.credentials_refused and not refused:
                raise
        except QuantConnectError as error:
            logger.info("what runs in project %d could not be read before the call: %s", project_id, error)
        except Exception:  # whatever is wrong with reading must not keep anybody from stopping
            logger.exception("what runs in project %d could not be read before the call", project_id)
        return None

    async def _perform(self, call: Call[T], intent: Intent) -> T:
        """Send, within what is left of the call's time. Whatever comes of it, the journal and the error tell."""
        try:
            return await self._session.perform(call)
        except OutcomeUnknown as error:
            error.outcome = _outcome(intent, OutcomeKind.UNKNOWN, reason=error.reason)
            raise
        except QuantConnectError as error:
            error.outcome = _outcome(intent, kind_of(error), reason=_word(error))
            await self._settle(error.outcome)
            raise
        except BaseException as error:  # cancelled, or a defect
            sent = call.phase is not Phase.NOT_SENT
            kind = OutcomeKind.UNKNOWN if sent else OutcomeKind.NOT_SENT
            await self._settle(_outcome(intent, kind, reason=_word(error)))
            raise

    async def _reconcile(self, call: Call[T], intent: Intent, error: OutcomeUnknown, total: float | None) -> Found:
        """Find out what the answer would have told, or raise `error` with what is known."""
        logger.warning("%s of project %d: outcome unknown; looking", intent.endpoint, intent.project_id)
        limit = RECONCILE_SECONDS if total is None else max(total - call.elapsed(anyio.current_time()), 0.0)
        try:
            found = await look_for(self._session, lambda: self._dated(call, intent), limit)
        except BaseException as ended:  # cancelled, or a defect
            await self._settle(_outcome(intent, OutcomeKind.UNKNOWN, reason=_word(ended)))
            raise
        if found.kind is OutcomeKind.CONFIRMED:
            return found
        error.outcome = _outcome(intent, OutcomeKind.UNKNOWN, found)
        await self._settle(error.outcome)
        raise error

    def _dated(self, call: Call[T], intent: Intent) -> Intent:
        """The intent, with the server's time at which it was made, if that is known by now."""
        exchange = self._session.exchange
        now = exchange.clock.read()
        width = exchange.skew.uncertainty(now)
        if intent.uncertainty is not None or width is None:
            return intent
        made = exchange.skew.server_time(now) - call.elapsed(anyio.current_time())
        return msgspec.structs.replace(intent, at=datetime.fromtimestamp(made, UTC), uncertainty=width)

    def _intent(self, endpoint: Endpoint[object], project_id: int) -> Intent:
        exchange = self._session.exchange
        now = exchange.clock.read()
        return Intent(
            id=uuid.uuid4().hex,
            account=self._account,
            endpoint=endpoint.path,
            project_id=project_id,
            at=datetime.fromtimestamp(exchange.skew.server_time(now), UTC),
            uncertainty=exchange.skew.uncertainty(now),
        )

    async def _begin(self, call: Call[T], intent: Intent, *, emergency: bool = False, required: bool = False) -> None:
        """See the intent onto the disk. A disk that refuses keeps nothing running, and nothing from being created."""
        limit = EMERGENCY_JOURNAL_SECONDS if emergency else JOURNAL_SECONDS
        try:
            await self._write(intent, min(limit, call.remaining(anyio.current_time()) / 2))
        except JournalError as error:
            if required:
                raise
            logger.warning("%s of project %d goes out all the same: %s", intent.endpoint, intent.project_id, error)

    @asynccontextmanager
    async def _not_sent(self, intent: Intent) -> AsyncGenerator[None, None]:
        """Whatever ends the call inside the block, nothing was sent. The intent may be on the disk, or still come."""
        try:
            yield
        except BaseException as error:
            outcome = _outcome(intent, OutcomeKind.NOT_SENT, reason=_word(error))
            if isinstance(error, QuantConnectError):
                error.outcome = outcome
                error.add_note(f"Nothing was sent to {intent.endpoint}.")
            await self._settle(outcome)
            raise

    async def _settle(self, outcome: Outcome) -> None:
        """Write down what became of an intent, also while being cancelled. A failure here costs nobody the outcome."""
        self._session.exchange.observe(OutcomeTold(outcome=outcome))
        async with anyio.create_task_group() as group:  # a native cancellation passes every shield but a child's
            group.start_soon(self._keep, outcome)
        await checkpoint_if_cancelled()  # trio's group says nothing of a cancellation that its children did not heed

    async def _keep(self, outcome: Outcome) -> None:
        try:
            with anyio.CancelScope(shield=True):
                await self._write(outcome, JOURNAL_SECONDS)
        except JournalError as error:
            logger.warning("that project %d ended as %s is not kept: %s", outcome.project_id, outcome.kind.value, error)

    async def _write(self, entry: Intent | Outcome, seconds: float) -> None:
        """A journal may be foreign code: it gets its time and no more, and what it raises costs nobody the call."""
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


def _no_journal() -> ConfigurationError:
    return ConfigurationError("This client keeps no journal.", "Open it with Client(journal=FILE).")


def _word(error: BaseException) -> str:
    """What ended a call, for a person."""
    if isinstance(error, QuantConnectError):
        return str(getattr(error, "reason", error))
    cancelled = isinstance(error, anyio.get_cancelled_exc_class())
    return "cancelled" if cancelled else f"failed with {type(error).__name__}"


def _outcome(
    intent: Intent,
    kind: OutcomeKind,
    found: Found | None = None,
    *,
    deploy_id: str | None = None,
    reason: str = "",
) -> Outcome:
    if found is not None:
        reason = found.reason
        deploy_id = None if found.deployment is None else found.deployment.deploy_id
    return Outcome(
        kind=kind,
        endpoint=intent.endpoint,
        project_id=intent.project_id,
        deploy_id=deploy_id or intent.deploy_id,
        intent_id=intent.id,
        observed=found is not None and kind is OutcomeKind.CONFIRMED,
        final=kind is not OutcomeKind.UNKNOWN or (found is not None and found.kind is OutcomeKind.UNKNOWN),
        reason=reason,
    )
