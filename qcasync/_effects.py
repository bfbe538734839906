"""Calls with effect: know the state, write the intent, send once, and tell what became of it, whatever happens.

Every call ends in one of four outcomes. A confirmed one is returned; any other travels on the error. What is unknown is
looked for among the project's deployments, and never sent again.
"""

import logging
import uuid
from datetime import UTC, datetime
from typing import Final, TypeVar

import anyio
import msgspec

from qcasync._call import Call
from qcasync._core.commands import BroadcastCommand, CreateCommand
from qcasync._core.endpoints import Endpoint
from qcasync._core.reconciling import (
    RECONCILE_SECONDS,
    STATE_SECONDS,
    kind_of,
    kind_when_cut_off,
    outcome_of,
    running,
    untraceable,
)
from qcasync._core.requests import ProjectCall
from qcasync._deployments import Deployments, list_deployments, look_for
from qcasync._intents import Intents, what_ended
from qcasync._session import Seconds, Session
from qcasync.errors import AuthenticationError, OutcomeUnknown, QuantConnectError
from qcasync.models.live import LiveDeployment
from qcasync.outcomes import Intent, Outcome, OutcomeKind

T = TypeVar("T")

CREATE_STATE_SECONDS: Final = 15.0
"""A deployment that is to be created can wait until it is known what runs already."""

MAX_NAME: Final = 200
"""Characters of a class's name that are kept."""

logger = logging.getLogger("qcasync")


class Effects:
    """Performs calls with effect.

    Args:
        session: Performs the requests.
        intents: Keeps what was decided, and what became of it.
    """

    def __init__(self, session: Session, intents: Intents) -> None:
        self._session = session
        self._intents = intents

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
        async with self._intents.not_sent(intent):
            state = None if emergency else await self._state_before_ending(call, project_id)
            runs = None if state is None else running(project_id, state)
            if runs is not None:
                intent = msgspec.structs.replace(intent, deploy_id=runs.deploy_id)
            await self._begin(call, intent, emergency=emergency)
        outcome = outcome_of(intent, OutcomeKind.CONFIRMED)
        try:
            await self._perform(call, intent)
        except OutcomeUnknown as error:
            limit = self._session.seconds(timeout) if total is None else total
            _, outcome = await self._reconcile(call, intent, error, limit)
        await self._intents.settle(outcome)
        return outcome

    async def launch(
        self, endpoint: Endpoint[T], project_id: int, request: msgspec.Struct, *, timeout: Seconds | None
    ) -> T | LiveDeployment:
        """Deploy a project. Returns the answer, or the new deployment if that was lost."""
        call = self._prepare(endpoint, request, timeout)
        intent = self._intent(endpoint, project_id)
        async with self._intents.not_sent(intent):
            seconds = min(CREATE_STATE_SECONDS, call.seconds)
            state = await list_deployments(self._session, project_id, seconds)
            known = tuple(each.deploy_id for each in state if each.project_id == project_id)
            intent = msgspec.structs.replace(intent, known=known)
            await self._begin(call, intent, required=True)
        answer: T | LiveDeployment
        try:
            answer = await self._perform(call, intent)
            outcome = outcome_of(intent, OutcomeKind.CONFIRMED, deploy_id=getattr(answer, "deploy_id", None))
        except OutcomeUnknown as error:
            answer, outcome = await self._reconcile(call, intent, error, self._session.seconds(timeout))
        await self._intents.settle(outcome)
        return answer

    async def tell(
        self, endpoint: Endpoint[None], request: CreateCommand | BroadcastCommand, *, timeout: Seconds | None
    ) -> Outcome:
        """Send a command to an algorithm, or to all of an organization. Returns a confirmed outcome.

        Nothing shows afterwards whether it ran, so that a lost answer is not looked for. What cannot be written down
        is not sent: unlike an end, a command may be anything.
        """
        call = self._prepare(endpoint, request, timeout)
        intent = msgspec.structs.replace(
            self._intent(endpoint, request.project_id if isinstance(request, CreateCommand) else None),
            organization_id=None if isinstance(request, CreateCommand) else request.organization_id,
            command_type=_shortened(request.command.get("$type")),
            body_bytes=len(call.content),
        )
        async with self._intents.not_sent(intent):
            await self._begin(call, intent, required=True)
        try:
            await self._perform(call, intent)
        except OutcomeUnknown as error:
            await self._intents.settle(error.outcome or outcome_of(intent, OutcomeKind.UNKNOWN, reason=error.reason))
            raise
        outcome = outcome_of(intent, OutcomeKind.CONFIRMED)
        await self._intents.settle(outcome)
        return outcome

    async def resolve(self, intent: Intent, *, timeout: Seconds | None) -> Outcome:
        """Look once more what became of an intent. Returns a confirmed or an unknown outcome."""
        self._session.check_usable()
        limit = self._session.seconds(timeout)
        found = untraceable(intent)
        if found is None:
            found = await look_for(self._session, lambda: intent, RECONCILE_SECONDS if limit is None else limit)
        outcome = outcome_of(intent, found.kind or OutcomeKind.UNKNOWN, found)
        await self._intents.settle(outcome)
        return outcome

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
            error.outcome = outcome_of(intent, OutcomeKind.UNKNOWN, reason=error.reason)
            raise
        except QuantConnectError as error:
            error.outcome = outcome_of(intent, kind_of(error), reason=what_ended(error))
            await self._intents.settle(error.outcome)
            raise
        except BaseException as error:  # cancelled, or a defect
            await self._intents.settle(outcome_of(intent, kind_when_cut_off(call.phase), reason=what_ended(error)))
            raise

    async def _reconcile(
        self, call: Call[T], intent: Intent, error: OutcomeUnknown, total: float | None
    ) -> tuple[LiveDeployment, Outcome]:
        """Find out what the answer would have told, or raise `error` with what is known."""
        logger.warning("%s of %s: outcome unknown; looking", intent.endpoint, intent.target)
        limit = RECONCILE_SECONDS if total is None else max(total - call.elapsed(anyio.current_time()), 0.0)
        try:
            found = await look_for(self._session, lambda: self._dated(call, intent), limit)
        except BaseException as ended:  # cancelled, or a defect
            await self._intents.settle(outcome_of(intent, OutcomeKind.UNKNOWN, reason=what_ended(ended)))
            raise
        if found.kind is OutcomeKind.CONFIRMED and found.deployment is not None:
            return found.deployment, outcome_of(intent, OutcomeKind.CONFIRMED, found)
        error.outcome = outcome_of(intent, OutcomeKind.UNKNOWN, found)
        await self._intents.settle(error.outcome)
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

    async def _begin(self, call: Call[T], intent: Intent, *, emergency: bool = False, required: bool = False) -> None:
        within = call.remaining(anyio.current_time()) / 2
        await self._intents.begin(intent, within=within, emergency=emergency, required=required)

    def _intent(self, endpoint: Endpoint[object], project_id: int | None) -> Intent:
        exchange = self._session.exchange
        now = exchange.clock.read()
        return Intent(
            id=uuid.uuid4().hex,
            account=self._intents.account,
            endpoint=endpoint.path,
            project_id=project_id,
            at=datetime.fromtimestamp(exchange.skew.server_time(now), UTC),
            uncertainty=exchange.skew.uncertainty(now),
        )


def _shortened(name: str | None) -> str | None:
    """The name of a class, in a line of the journal."""
    return None if name is None else name[:MAX_NAME]
