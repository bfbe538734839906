"""What the options before a command say, and the client that follows from them."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

import qcasync

JournalOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", envvar="QC_JOURNAL", help="Of calls with effect.", show_default=False),
]
"""The file in which calls with effect are written down."""


class TransportName(enum.StrEnum):
    """The HTTP libraries to choose from."""

    HTTPX = "httpx"
    HTTPX2 = "httpx2"
    AIOHTTP = "aiohttp"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options that all commands share.

    Attributes:
        transport: The HTTP library.
        timeout: Seconds for a whole call; None for each operation's own.
        concurrency: Requests in flight at once.
    """

    transport: TransportName = TransportName.HTTPX
    timeout: float | None = None
    concurrency: int = 10

    @classmethod
    def of(cls, context: typer.Context) -> "Settings":
        """The settings that the options of this command line gave."""
        return context.ensure_object(cls)

    def client(
        self,
        *,
        user_id: int | None = None,
        api_token: str | None = None,
        base_url: str | None = None,
        allow_trading: bool = False,
        journal: Path | None = None,
        observers: Iterable[qcasync.Observer] = (),
    ) -> qcasync.Client:
        """A client with these settings.

        Args:
            user_id: For the simulator; from the user's configuration if left out.
            api_token: Likewise.
            base_url: Likewise.
            allow_trading: Open it for calls with effect.
            journal: Where these are written down.
            observers: Told what happens.

        Raises:
            ConfigurationError: There are no credentials, or an option makes no sense.
        """
        return qcasync.Client(
            user_id,
            api_token,
            base_url=base_url,
            transport=self.transport.value,
            timeout=self.timeout,
            max_concurrency=self.concurrency,
            allow_trading=allow_trading,
            journal=journal,
            observers=observers,
        )
