"""How long a server asks to wait."""

import email.utils
import math
from collections.abc import Mapping
from typing import Final

_ABSURD: Final = 7 * 86400.0


def retry_after(headers: Mapping[str, str], server_time: float) -> float | None:
    """Seconds that the server asks to wait: `Retry-After-Ms`, or `Retry-After` as seconds or as a date.

    Negative, endless, unreadable and absurd values count as none.
    """
    if (milliseconds := headers.get("retry-after-ms")) is not None and (seconds := _number(milliseconds)) is not None:
        return seconds / 1000
    text = headers.get("retry-after")
    if text is None:
        return None
    if (seconds := _number(text)) is not None:
        return seconds
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:  # it would be taken for local time
        return None
    seconds = moment.timestamp() - server_time
    return seconds if 0 <= seconds <= _ABSURD else None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and 0 <= number <= _ABSURD else None
