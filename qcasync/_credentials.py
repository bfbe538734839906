"""Where credentials come from: arguments, the environment, the lean CLI's file. Read when a client is made.

Nothing that is raised here carries a frame that held a token: tracebacks may be shown with their locals.
"""

import errno
import os
import shlex
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from qcasync._core.redaction import Secret
from qcasync._core.signing import WHERE_TO_FIND, Credentials
from qcasync.errors import ConfigurationError

ENVIRONMENT: Final = (
    ("QUANTCONNECT_USER_ID", "QUANTCONNECT_API_TOKEN", "QUANTCONNECT_ORGANIZATION_ID"),
    ("QC_USER_ID", "QC_API_TOKEN", "QC_ORGANIZATION_ID"),
)
"""Pairs are not mixed: a user id of one naming with a token of the other would be somebody else's."""

MAX_FILE: Final = 64 * 1024
"""Bytes. The lean CLI writes about 200."""
_OPENING: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""Neither through a symbolic link, nor waiting for the other end of a pipe. Windows knows neither."""
_IS_A_LINK: Final = (errno.ELOOP, errno.EMLINK)
"""What opening a symbolic link says; the second one on FreeBSD."""


class _LeanFile(msgspec.Struct, rename="kebab"):
    user_id: str | int | None = None
    api_token: str | None = None


def lean_file(environment: Mapping[str, str]) -> Path:
    """The file in which the lean CLI keeps credentials."""
    home = environment.get("HOME") or environment.get("USERPROFILE")
    return (Path(home) if home else Path.home()) / ".lean" / "credentials"


def find_credentials(
    user_id: int | str | None, api_token: str | Secret | None, environment: Mapping[str, str] | None = None
) -> Credentials:
    """The first complete pair of user id and API token.

    Args:
        user_id: Given by the caller, together with `api_token`.
        api_token: Given by the caller, together with `user_id`.
        environment: Instead of `os.environ`.

    Raises:
        ConfigurationError: There is none, or the first one found is half or malformed.
    """
    try:
        return _find(user_id, api_token, os.environ if environment is None else environment)
    except ConfigurationError as error:
        failure = error.with_traceback(None)  # the frames below have read the token
    del api_token, environment
    raise failure


def _find(user_id: int | str | None, api_token: str | Secret | None, environment: Mapping[str, str]) -> Credentials:
    if user_id is not None or api_token is not None:
        if user_id is None or api_token is None:
            missing = "user_id" if user_id is None else "api_token"
            raise ConfigurationError(f"Client got only a half of the credentials: {missing} is missing.", WHERE_TO_FIND)
        return Credentials(user_id, api_token, "arguments")
    for user_name, token_name, _ in ENVIRONMENT:
        user, token = environment.get(user_name), environment.get(token_name)
        if user and token:
            return Credentials(user, token, f"environment ({user_name}, {token_name})")
        if user or token:
            missing = token_name if user else user_name
            raise ConfigurationError(f"The environment holds only a half of the credentials: {missing} is not set.")
    path = lean_file(environment)
    if (found := _read_lean_file(path)) is not None:
        return found
    looked = [f"environment {user_name} and {token_name}" for user_name, token_name, _ in ENVIRONMENT]
    raise ConfigurationError(
        "No QuantConnect credentials found. Looked at: Client(user_id=, api_token=); "
        + "; ".join(looked)
        + f"; the lean CLI's file {path}.",
        "Set QUANTCONNECT_USER_ID and QUANTCONNECT_API_TOKEN. " + WHERE_TO_FIND,
    )


def find_organization(organization_id: str | None, environment: Mapping[str, str] | None = None) -> str | None:
    """The organization to act for: the argument, else the environment, else None for the user's own."""
    environment = os.environ if environment is None else environment
    return organization_id or next((environment[name] for *_, name in ENVIRONMENT if environment.get(name)), None)


def _read_lean_file(path: Path) -> Credentials | None:
    source = f"file {path}"
    try:
        with open(path, "rb", opener=_open_own) as file:
            content = file.read(MAX_FILE)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno in _IS_A_LINK:
            hint = _command("cp {0} {0}.new && mv {0}.new {0} && chmod 600 {0}", path)
            raise ConfigurationError(f"The {source} is a symbolic link, which is not followed.", hint) from error
        raise ConfigurationError(f"The {source} cannot be read: {error.strerror}.") from error
    try:
        found = msgspec.json.decode(content, type=_LeanFile)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        found = None  # the error would quote the file, and with it the token
    if found is None or found.user_id is None or found.api_token is None:
        raise ConfigurationError(
            f"The {source} is not a JSON object with user-id and api-token.", "Run `lean login` to write it anew."
        )
    return Credentials(found.user_id, found.api_token, source)


def _open_own(path: str, flags: int) -> int:
    """Open a file that nobody else can read or has written; the folders above it are not looked at.

    What is checked is what was opened: a path could lead elsewhere by the time of a second look.
    """
    descriptor = os.open(path, flags | _OPENING)
    fault = _fault_of(os.fstat(descriptor), os.geteuid()) if os.name == "posix" else None
    if fault is None:
        return descriptor
    os.close(descriptor)
    problem, remedy = fault
    raise ConfigurationError(problem.format(f"file {path}"), _command(remedy, path))


def _fault_of(status: os.stat_result, user: int) -> tuple[str, str] | None:
    """Why `user` should not trust a file, and the command that helps."""
    if not stat.S_ISREG(status.st_mode):
        return "The {} is not a regular file.", "mv {0} {0}.old && lean login"
    if status.st_uid != user:
        return "The {} belongs to another user, who may have put a token of their own into it.", "sudo chown $USER {0}"
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return "Other users may read the {}.", "chmod 600 {0}"
    if status.st_size > MAX_FILE:
        return "The {} is larger than 64 KiB: it holds something else.", "mv {0} {0}.old && lean login"
    return None


def _command(command: str, path: str | Path) -> str:
    return "Run: " + command.format(shlex.quote(str(path)))
