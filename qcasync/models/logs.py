"""Log lines, as live/logs/read tells them."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from msgspec import field

from qcasync.models._base import Int64, Model, as_utc

__all__ = ["LogLine", "LogPage"]

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}")


class LogLine(Model, frozen=True, kw_only=True):
    """A line of a log.

    Attributes:
        number: Its place in the log, counted from 0 over all deployments of the project; in an answer that was
            filtered, its place among the matches.
        text: The line as it came, with its date in front. It may hold line breaks, and whatever the algorithm wrote.
    """

    number: int
    text: str

    @property
    def time(self) -> datetime | None:
        """The date in front of the line, in UTC; None if it does not begin with one."""
        found = _DATE.match(self.text)
        try:
            return found and as_utc(datetime.fromisoformat(found[0]))
        except ValueError:  # such as the 30th of February
            return None


class LogPage(Model, frozen=True, kw_only=True):
    """The answer to one window of live/logs/read.

    Attributes:
        lines: The lines, oldest first, each with its date in front. A line may hold line breaks.
        length: How many lines the log has, those of all deployments; None if the answer lacks it. Of a filtered
            answer: how many lines match.
        deployment_offset: How many of them precede the deployment that was asked about; None in old answers.
        start: Number of the first line, counted from 0 over all deployments.
    """

    lines: tuple[str, ...] = field(name="logs")
    length: Int64 | None = None
    deployment_offset: Int64 | None = None
    start: int = 0

    @property
    def count(self) -> int:
        """How many lines the server sent."""
        return len(self.lines)

    def rows(self) -> Iterator[LogLine]:
        """Yield every line with its number."""
        return (LogLine(number=number, text=text) for number, text in enumerate(self.lines, self.start))
