"""How a call with effect ended, as a value: what a caller may rely on, and nothing more.

Below everything else, because errors carry outcomes and the core decides them.
"""

import enum
from datetime import datetime
from typing import Protocol

import msgspec

__all__ = ["Intent", "Journal", "Outcome", "OutcomeKind"]


class OutcomeKind(enum.Enum):
    """What is known of a call with effect."""

    CONFIRMED = "confirmed"
    """QuantConnect accepted it, or it was seen to have happened."""
    REFUSED = "refused"
    """QuantConnect refused it: nothing happened."""
    NOT_SENT = "not sent"
    """It never left this machine: nothing happened."""
    UNKNOWN = "unknown"
    """It may have happened. It is not sent again; somebody has to look."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a call with effect.

    Attributes:
        kind: What is known.
        endpoint: The path below the base URL, such as "live/update/stop".
        project_id: The project; None for a broadcast.
        deploy_id: The deployment that was meant, or the new one; None if it is not known.
        intent_id: Names the call in the journal.
        observed: The answer was lost, and the deployment's state, read afterwards, tells.
        final: Looking again cannot tell more.
        reason: For a person; "" where there is nothing to add.
    """

    kind: OutcomeKind
    endpoint: str
    project_id: int | None
    deploy_id: str | None = None
    intent_id: str
    observed: bool = False
    final: bool = True
    reason: str = ""


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """A call with effect that somebody decided to make.

    Attributes:
        id: Its own.
        account: Stands for user id and base URL. No secret, but not meant to be read either.
        endpoint: The path below the base URL.
        project_id: The project; None for a broadcast.
        organization_id: For a broadcast: the organization.
        deploy_id: The deployment that ran when the call was decided; None if it is not known, and for other calls than
            stop and liquidate.
        known: For live/create: the deployments that the project had.
        command_type: For a command: the name of its class, if it has one. Of what else it says, nothing is kept.
        body_bytes: For a command: the size of the request's body.
        at: The server's time then, as far as it was known, in UTC.
        uncertainty: Seconds by which that may be wrong; None if the server's time was not known.
    """

    id: str
    account: str
    endpoint: str
    project_id: int | None
    organization_id: str | None = None
    deploy_id: str | None = None
    known: tuple[str, ...] = ()
    command_type: str | None = None
    body_bytes: int | None = None
    at: datetime
    uncertainty: float | None = None

    @property
    def target(self) -> str:
        """What the call is about, for a person: "project 5", or "organization 5cad…"."""
        return f"project {self.project_id}" if self.organization_id is None else f"organization {self.organization_id}"


class Journal(Protocol):
    """Where intents are kept, so that they outlive the process. `journal=FILE` of a client makes one in a file."""

    async def write(self, entry: Intent | Outcome, /) -> None:
        """Keep an intent, or what became of one, and return when it is safe.

        It is cancelled when it takes too long. An error of any kind is logged, and keeps a deployment from being
        created, but not from being stopped.
        """
        ...

    def unresolved(self, account: str, /) -> tuple[Intent, ...]:
        """The intents of an account without a final outcome; oldest first.

        Raises:
            JournalError: They cannot be read.
        """
        ...
