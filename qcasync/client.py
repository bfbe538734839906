"""The client: settings, life cycle, and the resources that hang on it."""

import os
import random
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Final, Literal, Self

from qcasync._address import find_base_url
from qcasync._clock import Clock
from qcasync._core.endpoints import AUTHENTICATE
from qcasync._core.redaction import Secret
from qcasync._core.requests import Authenticate
from qcasync._core.responses import patterns
from qcasync._core.retrying import MAX_ATTEMPTS
from qcasync._credentials import find_credentials, find_organization
from qcasync._effects import Effects
from qcasync._exchange import Exchange
from qcasync._intents import Intents
from qcasync._journal import JournalFile, account_digest
from qcasync._session import Seconds, Session, seconds_of
from qcasync._settings import TransportName, check_limits, transport_named
from qcasync._statistics import client_statistics
from qcasync._turns import RESERVED
from qcasync.errors import ConfigurationError
from qcasync.models.client_statistics import ClientStatistics
from qcasync.models.enums import AlgorithmStatus
from qcasync.models.observations import Observer
from qcasync.outcomes import Intent, Journal
from qcasync.poller.options import PERIODS, STATUS_SECONDS, Aspect, Often, Projects, options
from qcasync.resources.live import Live
from qcasync.transports.protocol import Transport

if TYPE_CHECKING:
    from qcasync.poller.delivery import Changes
    from qcasync.poller.store import Store


class Client:
    """QuantConnect's REST API v2, for asyncio and trio.

    Make one and keep it: it holds connections, the server's time, and the learned request rate. Tasks may share it;
    event loops may not. Nothing is read or sent before the first call, except the credentials.

    Args:
        user_id: Your user id. Without it and `api_token`, they come from `QUANTCONNECT_USER_ID` and
            `QUANTCONNECT_API_TOKEN`, then `QC_USER_ID` and `QC_API_TOKEN`, then the lean CLI's `~/.lean/credentials`.
        api_token: Your API token.
        organization_id: The organization to act for, in calls that take one.
        base_url: Instead of production; `QC_BASE_URL` does the same. Must be https, unless it is this machine.
        max_concurrency: Requests in flight at once, 1 to 100.
        requests_per_second: A ceiling for the whole client. Without it nothing is paced until the server throttles.
        timeout: Seconds for a whole call, retries and waits for loading included; by default each operation has
            its own, 90 s for most.
        max_attempts: How often a call without effect may be sent.
        allow_trading: Allow calls that create, stop or liquidate. Without it they raise before any I/O.
        transport: The HTTP library by name ("httpx", "httpx2" or "aiohttp"), or a transport of your own, which stays
            yours to close.
        journal: A file in which calls with effect are written down before they are sent, and what became of them
            after; `unresolved` lists those of which nobody knows. It is made with mode 0600, and holds no secret. Or
            a store of your own.
        error_patterns: Parts of QuantConnect's error texts, and what they mean to you: "credentials", "throttled",
            "transient" (a read is sent again) or "permanent". They count before those that qcasync knows.
        observers: Called with a frozen record for everything that happens.
        clock: Instead of this machine's clocks, for tests.
        rng: Draws the jitter of waits, for tests.

    Raises:
        ConfigurationError: Something of the above cannot work; the error says what, and what to do.
    """

    base_url: str = ""
    """Where requests go; ends with a slash."""

    def __init__(
        self,
        user_id: int | str | None = None,
        api_token: str | None = None,
        *,
        organization_id: str | None = None,
        base_url: str | None = None,
        max_concurrency: int = 10,
        requests_per_second: float | None = None,
        timeout: float | timedelta | None = None,
        max_attempts: int = MAX_ATTEMPTS,
        allow_trading: bool = False,
        transport: Transport | TransportName = "httpx",
        journal: str | os.PathLike[str] | Journal | None = None,
        error_patterns: Mapping[str, str] | None = None,
        observers: Iterable[Observer] = (),
        clock: Clock | None = None,
        rng: random.Random | None = None,
    ) -> None:
        secret = None if api_token is None else Secret(api_token)
        del api_token  # a traceback that shows locals would show it
        credentials = find_credentials(user_id, secret)
        url = find_base_url(base_url)
        check_limits(max_concurrency, requests_per_second, max_attempts)
        known = patterns(error_patterns or {})
        kept = JournalFile(journal) if isinstance(journal, str | os.PathLike) else journal
        self.organization_id: str | None = find_organization(organization_id)
        self.base_url = url
        self.credentials_source: str = credentials.source
        self._user_id = credentials.user_id
        default_timeout = None if timeout is None else seconds_of(timeout)
        self._account = account_digest(credentials.user_id, url)
        self._rng = rng or random.Random()
        self._owned: Transport | None = None
        if isinstance(transport, str):
            transport = self._owned = transport_named(transport, max_concurrency + RESERVED)
        self._exchange = Exchange(
            credentials=credentials,
            base_url=url,
            transport=transport,
            clock=clock or Clock(),
            rng=self._rng,
            max_concurrency=max_concurrency,
            requests_per_second=requests_per_second,
            max_attempts=max_attempts,
            observers=observers,
            known=known,
        )
        self._since = self._exchange.clock.wall()
        self._session = Session(
            self._exchange,
            timeout=default_timeout,
            allow_trading=allow_trading,
            organization_id=self.organization_id,
        )
        self._intents = Intents(kept, self._account, self._exchange.observe)
        self.live: Final = Live(self._session, Effects(self._session, self._intents))
        """Live algorithms: create, read, list, liquidate, stop, and their orders."""

    async def authenticate(self, *, timeout: float | timedelta | None = None) -> None:
        """Verify the credentials. Cost: one request.

        Endpoint: POST /authenticate

        Raises:
            AuthenticationError: They are wrong.
        """
        await self._session.call(AUTHENTICATE, Authenticate(), timeout=timeout)

    def change_credentials(self, user_id: int | str | None = None, api_token: str | None = None) -> None:
        """Sign with other credentials from now on, as after a token was renewed. Costs no request.

        Requests in flight end as the former credentials deserve. Without arguments the same places are looked at as
        when the client was made.

        Raises:
            ConfigurationError: There are none, or they belong to another user.
        """
        secret = None if api_token is None else Secret(api_token)
        del api_token  # a traceback that shows locals would show it
        credentials = find_credentials(user_id, secret)
        if credentials.user_id != self._user_id:
            raise ConfigurationError(
                f"The credentials from {credentials.source} are another user's.", "Make a client for each user."
            )
        self.credentials_source = credentials.source
        self._exchange.replace_credentials(credentials)

    def unresolved(self) -> tuple[Intent, ...]:
        """Calls with effect of which nobody knows what became, from the journal; oldest first. Costs no request.

        `live.reconcile` looks what became of each.

        Raises:
            ConfigurationError: The client keeps no journal.
            JournalError: The file cannot be read.
        """
        return self._intents.unresolved()

    async def settle(self, intent: Intent, reason: str) -> None:
        """Close an unresolved intent by hand, once you know what became of it. Costs no request.

        Args:
            intent: One of `unresolved`.
            reason: What you found out, for whoever reads the journal.

        Raises:
            ConfigurationError: The client keeps no journal.
            JournalError: It does not take the word.
        """
        await self._intents.close_by_hand(intent, reason)

    def watch(
        self,
        projects: Projects | None = None,
        *,
        status: AlgorithmStatus | str | None = None,
        checkpoint: "str | os.PathLike[str] | Store | None" = None,
        start: Literal["now", "beginning"] = "now",
        orders: Often = True,
        portfolio: Often = False,
        statistics: Often = False,
        logs: Often = False,
        insights: Often = False,
        charts: Iterable[str] = (),
        charts_every: Seconds = PERIODS["charts"],
        status_every: Seconds = STATUS_SECONDS,
        rebuild: bool = False,
    ) -> "AbstractAsyncContextManager[Changes]":
        """Watch live projects: every change once, in order for each project, across crashes.

        An async context manager that gives an async iterator of changes. Delivery is at least once: until
        `await change.ack()` a change comes again after a restart, with the same `key`; and the project's next one comes
        only then. Leaving the block ends the watch, and closes the checkpoint.

        Cost: one live/list for all projects each `status_every`, and for each project one small request each period;
        all of its orders are read when a deployment has turned, at every 8th look, and every two hours.

        Args:
            projects: Project ids; or a function that is asked for them again and again. They may change meanwhile.
            status: Instead of ids: the projects whose latest deployment is in this state, such as "Running".
            checkpoint: A file that keeps what is known and what is not acknowledged yet; or a store of your own.
                Without it, both are kept in memory.
            start: Whether a new checkpoint begins with what is new from now on, or tells what there is already.
            orders: Whether to watch orders and their events, or how often, in seconds; QuantConnect renews them about
                every 10 minutes.
            portfolio: The same for holdings and cash.
            statistics: The same for runtime statistics and equity. live/read sends all source files as well.
            logs: The same for log lines; renewed about every 5 minutes.
            insights: The same for insights.
            charts: Names of charts whose new points to tell.
            charts_every: Seconds between two looks at them.
            status_every: Seconds between two looks at the status of all projects.
            rebuild: Set the checkpoint's file aside, as for a damaged one, and read history again: what it tells is
                marked as `replayed`.

        Raises:
            ConfigurationError: Something of the above cannot work.
            CheckpointError: The file is damaged, foreign, or in use by another watch. Also later, if somebody takes it.
            AuthenticationError: The credentials are wrong.
        """
        often: dict[Aspect, Often] = {
            "orders": orders,
            "portfolio": portfolio,
            "statistics": statistics,
            "logs": logs,
            "insights": insights,
            "charts": charts_every,
        }
        # SQLite, and all that only a watch needs, takes longer to import than the rest of a client.
        from qcasync.poller.opening import Opening  # noqa: PLC0415
        from qcasync.poller.watch import open_watch  # noqa: PLC0415

        wanted = options(projects, status=status, start=start, often=often, status_every=status_every, charts=charts)
        return Opening(
            lambda: open_watch(
                self._session, wanted, checkpoint=checkpoint, account=self._account, rebuild=rebuild, rng=self._rng
            )
        )

    def statistics(self) -> ClientStatistics:
        """What this client has done so far, and how it is now. Costs no request, and may be asked from any thread."""
        return client_statistics(self._exchange, self._since)

    @property
    def server_time(self) -> datetime:
        """Now by QuantConnect's clock, in UTC; by ours before the first answer. Costs no request."""
        return datetime.fromtimestamp(self._exchange.skew.server_time(self._exchange.clock.read()), UTC)

    @property
    def clock_offset(self) -> float | None:
        """Seconds that the server's clock is ahead of ours; None before the first answer."""
        now = self._exchange.clock.read()
        if self._exchange.skew.uncertainty(now) is None:
            return None
        return self._exchange.skew.server_time(now) - now.wall

    @property
    def clock_uncertainty(self) -> float | None:
        """Seconds between the least and the most that `clock_offset` can be; None before the first answer."""
        return self._exchange.skew.uncertainty(self._exchange.clock.read())

    async def aclose(self) -> None:
        """Close the connections. Calls after this raise `ConfigurationError`. Idempotent."""
        self._session.close()
        if self._owned is not None:
            await self._owned.aclose()

    async def __aenter__(self) -> Self:
        await self._intents.warn_of_unresolved()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<qcasync.Client of {self.base_url}>"
