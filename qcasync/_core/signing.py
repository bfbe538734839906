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
        api_token: The token; never shown again.
        source: Where the two came from, for `qcasync doctor`.

    Raises:
        ConfigurationError: The user id is not a number, or the token is empty or holds what cannot be seen.
    """

    __slots__ = ("api_token", "source", "user_id")

    def __init__(self, user_id: int | str, api_token: str, source: str = "arguments") -> None:
        text = str(user_id)
        if not (text.isascii() and text.isdigit()):
            raise ConfigurationError(f"The user id from {source} is not a number.", WHERE_TO_FIND)
        if not api_token:
            raise ConfigurationError(f"The API token from {source} is empty.", WHERE_TO_FIND)
        if not api_token.isprintable():
            raise ConfigurationError(
                f"The API token from {source} holds a line break or another character that cannot be seen.",
                "Copy the token again, without the line end that follows it.",
            )
        if api_token != api_token.strip():
            raise ConfigurationError(
                f"The API token from {source} begins or ends with a blank.", "Copy the token again, without blanks."
            )
        self.user_id: str = text
        self.api_token: Secret = Secret(api_token)
        self.source: str = source

    def __repr__(self) -> str:
        return f"<Credentials of user {self.user_id} from {self.source}>"


def sign(credentials: Credentials, timestamp: int) -> tuple[tuple[str, str], ...]:
    """The headers that authenticate one request at `timestamp`, in Unix seconds.

    Source: https://www.quantconnect.com/docs/v2/cloud-platform/api-reference/authentication
    """
    stamped = f"{credentials.api_token.reveal()}:{timestamp}".encode()
    pair = f"{credentials.user_id}:{hashlib.sha256(stamped).hexdigest()}".encode()
    return (("Authorization", "Basic " + base64.b64encode(pair).decode("ascii")), ("Timestamp", str(timestamp)))
