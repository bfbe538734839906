"""Calls with effect: know the state, write the intent, send once, and tell what became of it, whatever happens.

Every call ends in one of four outcomes. A confirmed one is returned; any other travels on the error. What is unknown is
looked for among the project's deployments, and never sent again.
"""

import hashlib
import logging
import uuid
from collections.abc import Generator
from contextlib import contextmanager
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
        self, endpoint: Endpoint[None], project_id: int, *, emergency: bool, timeout: Seconds | None
    ) -> Outcome:
        """Stop or liquidate what runs in a project. Returns a confirmed outcome."""
        call = self._prepare(endpoint, ProjectCall(project_id=project_id), timeout)
        intent = self._intent(endpoint, project_id)
        with _not_sent(intent):
            state = None if emergency else await self._state_before_ending(call, project_id)
            runs = None if state is None else running(project_id, state)
            if runs is not None:
                intent = msgspec.structs.replace(intent, deploy_id=runs.deploy_id)
            await self._begin(call, intent, emergency=emergency)
        outcome = _outcome(intent, OutcomeKind.CONFIRMED)
        try:
            await self._perform(call, intent)
        except OutcomeUnknown as error:
            found = await self._reconcile(call, intent, error, timeout)
            outcome = _outcome(intent, OutcomeKind.CONFIRMED, found)
        await self._settle(outcome)
        return outcome

    async def launch(
        self, endpoint: Endpoint[T], project_id: int, request: msgspec.Struct, *, timeout: Seconds | None
    ) -> T | LiveDeployment:
        """Deploy a project. Returns the answer, or the new deployment if that was lost."""
        call = self._prepare(endpoint, request, timeout)
        intent = self._intent(endpoint, project_id, digest=hashlib.sha256(call.content).hexdigest()[:16])
        with _not_sent(intent):
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
            found = await self._reconcile(call, intent, error, timeout)
            if found.deployment is None:
                raise
            answer, outcome = found.deployment, _outcome(intent, OutcomeKind.CONFIRMED, found)
        await self._settle(outcome)
        return answer

    async def resolve(self, intent: Intent, *, timeout: Seconds | None) -> Outcome:
        """Look once more what became of an intent. Returns a confirmed or an unknown outcome."""
        self._session.check_usable()
        limit = self._session.seconds(timeout)
        found = await look_for(self._session, intent, RECONCILE_SECONDS if limit is None else limit)
        outcome = _outcome(intent, found.kind or OutcomeKind.UNKNOWN, found)
        await self._settle(outcome)
        return outcome

    def unresolved(self) -> tuple[Intent, ...]:
        """The intents of this account of which nobody knows what became."""
        if self._journal is None:
            raise ConfigurationError("This client keeps no journal.", "Open it with Client(journal=FILE).")
        return self._journal.unresolved(self._account)

    def _prepare(self, endpoint: Endpoint[T], request: msgspec.Struct, timeout: Seconds | None) -> Call[T]:
        call = self._session.prepare(endpoint, request, timeout=self._session.seconds(timeout))
        call.starts(anyio.current_time())
        return call

    async def _state_before_ending(self, call: Call[None], project_id: int) -> Deployments | None:
        """What runs, if that is quickly told. Credentials that are refused here need not be sent again."""
        try:
            return await list_deployments(self._session, project_id, min(STATE_SECONDS, call.seconds / 2))
        except QuantConnectError as error:
            if isinstance(error, AuthenticationError) and error.attempts:
                raise
            logger.info("what runs in project %d could not be read before the call: %s", project_id, error)
            return None

    async def _perform(self, call: Call[T], intent: Intent) -> T:
        """Send, within what is left of the call's time. Whatever comes of it, the journal and the error tell."""
        try:
            return await self._session.perform(call)
        except OutcomeUnknown as error:
            error.outcome = _outcome(intent, OutcomeKind.UNKNOWN, reason=error.reason)
            raise
        except QuantConnectError as error:
            error.outcome = _outcome(intent, kind_of(error), reason=str(error))
            await self._settle(error.outcome)
            raise
        except BaseException:  # cancelled
            sent = call.phase is not Phase.NOT_SENT
            kind = OutcomeKind.UNKNOWN if sent else OutcomeKind.NOT_SENT
            await self._settle(_outcome(intent, kind, reason="cancelled"))
            raise

    async def _reconcile(self, call: Call[T], intent: Intent, error: OutcomeUnknown, timeout: Seconds | None) -> Found:
        """Find out what the answer would have told, or raise `error` with what is known."""
        logger.warning("%s of project %d: outcome unknown; looking", intent.endpoint, intent.project_id)
        bounded = self._session.seconds(timeout) is not None
        limit = max(call.remaining(anyio.current_time()), 0.0) if bounded else RECONCILE_SECONDS
        try:
            found = await look_for(self._session, intent, limit)
        except BaseException:  # cancelled
            await self._settle(_outcome(intent, OutcomeKind.UNKNOWN, reason="cancelled"))
            raise
        if found.kind is OutcomeKind.CONFIRMED:
            return found
        error.outcome = _outcome(intent, OutcomeKind.UNKNOWN, found)
        await self._settle(error.outcome)
        raise error

    def _intent(self, endpoint: Endpoint[object], project_id: int, *, digest: str | None = None) -> Intent:
        exchange = self._session.exchange
        now = exchange.clock.read()
        return Intent(
            id=uuid.uuid4().hex,
            account=self._account,
            endpoint=endpoint.path,
            project_id=project_id,
            at=datetime.fromtimestamp(exchange.skew.server_time(now), UTC),
            uncertainty=exchange.skew.uncertainty(now),
            digest=digest,
        )

    async def _begin(self, call: Call[T], intent: Intent, *, emergency: bool = False, required: bool = False) -> None:
        """See the intent onto the disk. A disk that refuses keeps nothing running, and nothing from being created."""
        limit = EMERGENCY_JOURNAL_SECONDS if emergency else JOURNAL_SECONDS
        try:
            await self._write(intent, min(limit, call.remaining(anyio.current_time()) / 2))
        except JournalError as error:
            if required:
                await self._settle(_outcome(intent, OutcomeKind.NOT_SENT, reason=str(error)))
                raise
            logger.warning("%s of project %d goes out all the same: %s", intent.endpoint, intent.project_id, error)
        except BaseException:  # cancelled: the line may be there, or may still come
            await self._settle(_outcome(intent, OutcomeKind.NOT_SENT, reason="cancelled"))
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
        raise JournalError(type(self._journal).__name__, problem, "Look after the disk.")


@contextmanager
def _not_sent(intent: Intent) -> Generator[None, None, None]:
    """Whatever ends the call inside the block, nothing was sent."""
    try:
        yield
    except QuantConnectError as error:
        error.outcome = _outcome(intent, OutcomeKind.NOT_SENT, reason=str(error))
        error.add_note(f"Nothing was sent to {intent.endpoint}.")
        raise


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
