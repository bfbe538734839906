"""Commands that a running algorithm is given, one project's or a whole organization's."""

from collections.abc import Mapping

from qcasync._core import commands, requests
from qcasync._core.commands import BroadcastCommand, CreateCommand
from qcasync._core.endpoints import BROADCAST_LIVE_COMMAND, CREATE_LIVE_COMMAND
from qcasync._effects import Effects
from qcasync._session import Seconds, Session
from qcasync.errors import ConfigurationError
from qcasync.outcomes import Outcome


class LiveMessages:
    """The part of `Live` that talks to algorithms, which may do anything upon it.

    An error of these calls has an attribute `outcome`, as with `stop`.
    """

    def __init__(self, session: Session, effects: Effects) -> None:
        self._session = session
        self._effects = effects

    async def create_command(
        self,
        project_id: int,
        command: Mapping[str, object],
        *,
        command_type: str | None = None,
        timeout: Seconds | None = None,
    ) -> Outcome:
        """Give a command to the running algorithm of a project. Cost: one request, sent once.

        Returning means that QuantConnect accepted the command. Whether it arrived, and what the algorithm did with it,
        nothing in the API tells: look for what it does, in the project's orders or log. So a lost answer stays unknown.

        With a journal, the command is not sent before its intent is on the disk. Of what it says, only its type and the
        size of the request are kept.

        Endpoint: POST /live/commands/create

        Args:
            project_id: The project.
            command: What the algorithm is to be told: JSON, whose keys are the algorithm's own. With a key `$type`, an
                object of this class is made of it, and run.
            command_type: The `$type`, if it is not in `command`.
            timeout: Seconds for the whole call.

        Raises:
            ConfigurationError: The client was not opened with `allow_trading=True`, or the command is not JSON; says
                where.
            OutcomeUnknown: The request was sent, and its answer was lost.
            JournalError: The intent could not be written down; nothing was sent.
            QuantConnectError: With the attribute `outcome`: "refused" or "not sent".
        """
        try:
            request = CreateCommand(
                project_id=requests.project(project_id), command=commands.command(command, command_type)
            )
        except ConfigurationError as error:
            raise error.with_traceback(None) from None  # its frames hold what the command says
        finally:
            del command
        return await self._effects.tell(CREATE_LIVE_COMMAND, request, timeout=timeout)

    async def broadcast_command(
        self,
        command: Mapping[str, object],
        *,
        organization_id: str | None = None,
        exclude_project_id: int | None = None,
        command_type: str | None = None,
        timeout: Seconds | None = None,
    ) -> Outcome:
        """Give a command to all running algorithms of an organization. Cost: one request, sent once.

        Returning means as much, and as little, as with `create_command`. How many algorithms are reached, nothing
        tells. The outcome names no project.

        Endpoint: POST /live/commands/broadcast

        Args:
            command: As for `create_command`.
            organization_id: The organization; the client's if left out.
            exclude_project_id: A project whose algorithm is not told, such as the one that sends.
            command_type: The `$type`, if it is not in `command`.
            timeout: Seconds for the whole call.

        Raises:
            ConfigurationError: The client was not opened with `allow_trading=True`, the command is not JSON, or no
                organization is known.
            OutcomeUnknown: The request was sent, and its answer was lost.
            JournalError: The intent could not be written down; nothing was sent.
            QuantConnectError: With the attribute `outcome`: "refused" or "not sent".
        """
        try:
            request = BroadcastCommand(
                organization_id=commands.organization(organization_id, self._session.organization_id),
                exclude_project_id=None if exclude_project_id is None else requests.project(exclude_project_id),
                command=commands.command(command, command_type),
            )
        except ConfigurationError as error:
            raise error.with_traceback(None) from None  # its frames hold what the command says
        finally:
            del command
        return await self._effects.tell(BROADCAST_LIVE_COMMAND, request, timeout=timeout)
