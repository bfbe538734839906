"""What is told to a running algorithm, and the checks that it must pass before any I/O."""

import re
from typing import Any, Final

import msgspec

from qcasync._core import plain_json
from qcasync.errors import ConfigurationError

_ORGANIZATION: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_WHERE: Final = "It is the id in the organization's address: quantconnect.com/organization/ID."


class CreateCommand(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A command for a project's algorithm. What it says is nobody else's business."""

    project_id: int
    command: dict[str, Any]

    def __repr__(self) -> str:
        return f"<CreateCommand for project {self.project_id}>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("project_id", self.project_id)]


class BroadcastCommand(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A command for all algorithms of an organization, but perhaps one."""

    organization_id: str
    exclude_project_id: int | None = None
    command: dict[str, Any]

    def __repr__(self) -> str:
        return f"<BroadcastCommand for organization {self.organization_id}>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("organization_id", self.organization_id)]


def command(message: object, command_type: object) -> dict[str, Any]:
    """Check what is to be told to an algorithm: JSON, with the class that reads it as `$type`, if one is named."""
    said = plain_json.copied(message, "command")
    named = said.get("$type", command_type)
    if named is None and command_type is None:
        return said
    if command_type is not None and named != command_type:
        raise ConfigurationError("command_type and the command's own $type differ.", "Name the class once.")
    if not isinstance(named, str) or not named.strip():
        raise ConfigurationError("The type of a command must not be empty.", "It is the name of a class of commands.")
    return {"$type": plain_json.text(named, "The type of a command"), **said}


def organization(organization_id: object, default: str | None) -> str:
    """Check an organization id, or take the client's."""
    if organization_id is None and default is None:
        raise ConfigurationError(
            "No organization is known. Looked at: broadcast_command(organization_id=); Client(organization_id=); "
            "environment QUANTCONNECT_ORGANIZATION_ID; environment QC_ORGANIZATION_ID.",
            _WHERE,
        )
    value = default if organization_id is None else organization_id
    if not isinstance(value, str) or not _ORGANIZATION.fullmatch(value):
        raise ConfigurationError("organization_id must be letters and digits.", _WHERE)
    return value
