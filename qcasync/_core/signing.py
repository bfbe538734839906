"""User id, API token and timestamp become the headers that QuantConnect checks.

The hash is lower-case hexadecimal SHA-256 of "token:timestamp", and it is as good as the token for two hours: it
appears in the returned headers and nowhere else.
"""

import base64
import hashlib

from qcasync._core.redaction import Secret
from qcasync.errors import ConfigurationError

WHERE_TO_FIND = "Both stand in your QuantConnect account page, under Security."


class Credentials:
    """A user id and an API token that have the form QuantConnect accepts.

    Args:
        user_id: Digits, as an int or as text.
        api_token: The token; never shown again, not even among the locals of a traceback.
        source: Where the two came from, for `qcasync doctor`.

    Raises:
        ConfigurationError: The user id is not a number, or the token is empty or holds what cannot be seen.
    """

    __slots__ = ("api_token", "source", "user_id")

    def __init__(self, user_id: int | str, api_token: str | Secret, source: str = "arguments") -> None:
        self.user_id: str = str(user_id)
        self.api_token: Secret = api_token if isinstance(api_token, Secret) else Secret(api_token)
        self.source: str = source
        del api_token  # what is raised below may be shown with the locals of this frame
        if not (self.user_id.isascii() and self.user_id.isdigit()):
            raise ConfigurationError(f"The user id from {source} is not a number.", WHERE_TO_FIND)
        if (fault := _fault_of(self.api_token)) is not None:
            problem, hint = fault
            raise ConfigurationError(f"The API token from {source} {problem}.", hint)

    def __repr__(self) -> str:
        return f"<Credentials of user {self.user_id} from {self.source}>"


def _fault_of(secret: Secret) -> tuple[str, str] | None:
    """Why a token cannot be right, and what to do about it. Raises nothing, as it holds the token."""
    token = secret.reveal()
    if not token:
        return "is empty", WHERE_TO_FIND
    if not token.isprintable():
        problem = "holds a line break or another character that cannot be seen"
        return problem, "Copy the token again, without the line end that follows it."
    if token != token.strip():
        return "begins or ends with a blank", "Copy the token again, without blanks."
    return None


def sign(credentials: Credentials, timestamp: int) -> tuple[tuple[str, str], ...]:
    """The headers that authenticate one request at `timestamp`, in Unix seconds.

    Source: https://www.quantconnect.com/docs/v2/cloud-platform/api-reference/authentication
    """
    # What is read here stands in this frame only, and nothing can be raised while it does.
    stamped = f"{credentials.api_token.reveal()}:{timestamp}".encode()
    pair = f"{credentials.user_id}:{hashlib.sha256(stamped).hexdigest()}".encode()
    return (("Authorization", "Basic " + base64.b64encode(pair).decode("ascii")), ("Timestamp", str(timestamp)))
