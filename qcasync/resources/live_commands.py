"""Calls that create, stop and liquidate live algorithms, and what tells whether they did."""

from collections.abc import Mapping
from typing import Final

import anyio
from msgspec import structs

from qcasync._core import requests
from qcasync._core.echoes import created_for
from qcasync._core.endpoints import (
    CREATE_LIVE_ALGORITHM,
    LIQUIDATE_LIVE_ALGORITHM,
    STOP_LIVE_ALGORITHM,
    Endpoint,
)
from qcasync._deployments import wait_ended
from qcasync._effects import Effects
from qcasync._session import Seconds, Session, seconds_of
from qcasync.errors import ConfigurationError, OutcomeUnknown, QuantConnectError
from qcasync.models.brokerages import DEFAULT_DATA_PROVIDERS, BrokerageSettings, Notification
from qcasync.models.enums import AlgorithmStatus
from qcasync.models.live import CreateLiveAlgorithmResponse, LiveDeployment
from qcasync.outcomes import Intent, Outcome, OutcomeKind

WAIT_SECONDS: Final = 300.0
"""For a deployment to end. QuantConnect publishes no figure; its own tests wait for minutes."""


class LiveCommands:
    """The part of `Live` that acts on the market.

    An error of these calls has an attribute `outcome`, which says what is known of the effect. Errors about arguments
    and permission come before anything was decided, and have none.
    """

    def __init__(self, session: Session, effects: Effects) -> None:
        self._session = session
        self._effects = effects

    async def create(
        self,
        project_id: int,
        compile_id: str,
        node_id: str,
        *,
        brokerage: BrokerageSettings,
        version_id: str = "-1",
        data_providers: Mapping[str, BrokerageSettings] | None = None,
        parameters: Mapping[str, str] | None = None,
        notification: Notification | Mapping[str, object] | None = None,
        automatic_redeploy: bool = False,
        timeout: Seconds | None = None,
    ) -> CreateLiveAlgorithmResponse:
        """Deploy a project to live trading. Cost: two requests; this one is sent once, unless it provably never left.

        What is deployed already is read first. If the answer is lost, the new deployment is looked for in live/list for
        up to two minutes, and returned with nothing but its ids.

        A new deployment does not take over cash and holdings of the last one by itself: pass them with the brokerage.

        Endpoint: POST /live/create

        Args:
            project_id: The project.
            compile_id: A successful compile of it.
            node_id: The live node to run on.
            brokerage: The brokerage's `id` and settings, in QuantConnect's own keys; see `paper_brokerage`.
            version_id: The version of Lean; "-1" is the newest.
            data_providers: Name to settings; order is precedence. QuantConnect's own data if left out.
            parameters: The algorithm's parameters.
            notification: Which events to notify of, and whom.
            automatic_redeploy: Whether QuantConnect restarts the algorithm when it stops with an error.
            timeout: Seconds for the whole call.

        Raises:
            ConfigurationError: The client was not opened with `allow_trading=True`, or an argument is malformed.
            OutcomeUnknown: The request was sent, but nothing tells whether the deployment exists.
        """
        try:
            request = requests.create_live(
                project_id=project_id,
                compile_id=compile_id,
                node_id=node_id,
                version_id=version_id,
                brokerage=brokerage,
                data_providers=DEFAULT_DATA_PROVIDERS if data_providers is None else data_providers,
                parameters=parameters,
                notification=notification,
                automatic_redeploy=automatic_redeploy,
            )
        except ConfigurationError as error:
            raise error.with_traceback(None) from None  # its frames hold the settings
        finally:
            del (
                brokerage,
                data_providers,
                parameters,
                notification,
            )  # or a traceback with locals shows passwords
        endpoint = created_for(CREATE_LIVE_ALGORITHM, project_id)
        answer = await self._effects.launch(endpoint, project_id, request, timeout=timeout)
        if isinstance(answer, CreateLiveAlgorithmResponse):
            return answer
        return CreateLiveAlgorithmResponse(project_id=project_id, deploy_id=answer.deploy_id)

    async def liquidate(self, project_id: int, *, emergency: bool = False, timeout: Seconds | None = None) -> Outcome:
        """Sell all positions of the running deployment, and stop it. Cost: two requests; this one is sent once.

        Returning means that QuantConnect accepted the call, not that the positions are closed: `liquidate_and_wait`
        waits for that. Which deployment runs is read first, so that it can be told what became of it if the answer is
        lost; then live/list is read for up to two minutes, and nothing is sent again.

        Endpoint: POST /live/update/liquidate

        Args:
            project_id: The project.
            emergency: Do not even wait a second to read what runs. Cost: one request.
            timeout: Seconds for the whole call.

        Raises:
            ConfigurationError: The client was not opened with `allow_trading=True`.
            OutcomeUnknown: The request was sent, but nothing tells whether it was accepted.
            QuantConnectError: With the attribute `outcome`: "refused" or "not sent".
        """
        return await self._effects.end(
            LIQUIDATE_LIVE_ALGORITHM, requests.project(project_id), emergency=emergency, timeout=timeout
        )

    async def stop(self, project_id: int, *, emergency: bool = False, timeout: Seconds | None = None) -> Outcome:
        """Stop the running deployment and keep its positions. Cost: two requests; this one is sent once.

        Returning means that QuantConnect accepted the call, not that the algorithm has stopped: `stop_and_wait` waits
        for that. Which deployment runs is read first, so that it can be told what became of it if the answer is lost;
        then live/list is read for up to two minutes, and nothing is sent again.

        Endpoint: POST /live/update/stop

        Args:
            project_id: The project.
            emergency: Do not even wait a second to read what runs. Cost: one request.
            timeout: Seconds for the whole call.

        Raises:
            ConfigurationError: The client was not opened with `allow_trading=True`.
            OutcomeUnknown: The request was sent, but nothing tells whether it was accepted.
            QuantConnectError: With the attribute `outcome`: "refused" or "not sent".
        """
        return await self._effects.end(
            STOP_LIVE_ALGORITHM, requests.project(project_id), emergency=emergency, timeout=timeout
        )

    async def liquidate_and_wait(
        self, project_id: int, *, emergency: bool = False, timeout: Seconds = WAIT_SECONDS
    ) -> LiveDeployment:
        """Liquidate, and wait until the deployment is seen to be liquidated. Cost: two requests, and one per look.

        Endpoint: POST /live/update/liquidate, POST /live/list

        Args:
            project_id: The project.
            emergency: Do not even wait a second to read what runs.
            timeout: Seconds for all of it.

        Raises:
            StillRunning: The call was accepted, and the deployment did not end in time.
            OutcomeUnknown: Nothing tells whether the call was accepted; or the deployment ended otherwise, and
                positions may remain.
        """
        outcome, ended = await self._end_and_wait(LIQUIDATE_LIVE_ALGORITHM, project_id, emergency, timeout)
        if ended.status is not AlgorithmStatus.LIQUIDATED:
            status = None if ended.status is None else ended.status.value
            reason = f"deployment {ended.deploy_id} ended as {status}, not Liquidated"
            check = "Positions may remain: look at them with live.read_portfolio(), or at the brokerage."
            error = OutcomeUnknown(outcome.endpoint, reason, "yes", check)
            error.outcome = structs.replace(outcome, kind=OutcomeKind.UNKNOWN, deploy_id=ended.deploy_id, reason=reason)
            raise error
        return ended

    async def stop_and_wait(
        self, project_id: int, *, emergency: bool = False, timeout: Seconds = WAIT_SECONDS
    ) -> LiveDeployment:
        """Stop, and wait until the deployment is seen to have ended. Cost: two requests, and one per look.

        Endpoint: POST /live/update/stop, POST /live/list

        Args:
            project_id: The project.
            emergency: Do not even wait a second to read what runs.
            timeout: Seconds for all of it.

        Raises:
            StillRunning: The call was accepted, and the deployment did not end in time.
            OutcomeUnknown: Nothing tells whether the call was accepted.
        """
        _, ended = await self._end_and_wait(STOP_LIVE_ALGORITHM, project_id, emergency, timeout)
        return ended

    async def wait_stopped(
        self, project_id: int, *, deploy_id: str | None = None, timeout: Seconds = WAIT_SECONDS
    ) -> LiveDeployment:
        """Wait until a deployment is seen to have ended, whatever ended it. Cost: one request per look, each 2 to 15 s.

        Endpoint: POST /live/list

        Args:
            project_id: The project.
            deploy_id: The deployment; the project's latest one if left out.
            timeout: Seconds for all of it.

        Raises:
            StillRunning: It did not end in time.
        """
        name = None if deploy_id is None else requests.identifier("deploy_id", deploy_id)
        self._session.check_usable()
        return await wait_ended(self._session, requests.project(project_id), name, seconds_of(timeout))

    async def reconcile(self, intent: Intent, *, timeout: Seconds | None = None) -> Outcome:
        """Look what became of a call with effect whose outcome nobody knows. Cost: one request per look; sends nothing.

        Such intents are listed by `Client.unresolved`. The outcome is written into the journal. A command leaves
        nothing that could be looked for: it costs no request, stays unknown, and is closed with `Client.settle`.

        Endpoint: POST /live/list

        Args:
            intent: The call.
            timeout: Seconds to look for; 120 if left out.

        Returns:
            An outcome that is "confirmed", or still "unknown".
        """
        return await self._effects.resolve(intent, timeout=timeout)

    async def _end_and_wait(
        self, endpoint: Endpoint[None], project_id: int, emergency: bool, timeout: Seconds
    ) -> tuple[Outcome, LiveDeployment]:
        seconds, began = seconds_of(timeout), anyio.current_time()
        outcome = await self._effects.end(
            endpoint,
            requests.project(project_id),
            emergency=emergency,
            timeout=min(seconds, endpoint.seconds),
            total=seconds,
        )
        left = seconds - (anyio.current_time() - began)
        try:
            return outcome, await wait_ended(self._session, project_id, outcome.deploy_id, left)
        except QuantConnectError as error:
            error.outcome = outcome
            raise
